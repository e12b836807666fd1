"""Every move of a case that staff may cause has its button on the console; others are told whose move it is."""

import re
from typing import Any

import pytest

from api.pages.move_forms import MOVES
from custody.disputes.case import ADR_EVENT, CASE
from custody.disputes.machine import CaseRole
from tests.doors.case_desk import OURS, CaseDesk
from tests.doors.test_case_pages import alert_of, press, shown

STAFF = {CaseRole.AGENT, CaseRole.INVESTIGATOR, CaseRole.SUPERVISOR, CaseRole.ADR}
LEARNED = {"order_days", "needs", "support_needs", "in_favour", "access_request", "data_complaint", "told"}
LEARNED |= {"exception", "two_answers", "collect", "people"}
"""What anybody may write down while a case is open."""
FOUND = {"ground": "recording", "says": "The door camera shows it.", "kept_at": "ev/1", "about": "yes"}


def buttons(desk: CaseDesk, told: dict[str, Any], account: str) -> set[str]:
    return set(re.findall(r'action="/console/cases/[^"/]+/moves/([^"]+)"', shown(desk, told, account)))


def test_every_move_of_staff_has_a_form() -> None:
    assert {row.event for row in CASE.transitions if STAFF & set(row.who)} <= set(MOVES)


def test_each_role_has_the_buttons_of_its_moves_and_no_others(desk: CaseDesk) -> None:
    told = desk.not_fixed()
    assert buttons(desk, told, "agent-1") == {"classify", "offer", "ask", "merge", *LEARNED}
    assert buttons(desk, told, "investigator-1") == {"classify", "ask", "merge", "propose_decline", *LEARNED}
    assert buttons(desk, told, "supervisor-1") == {ADR_EVENT, *LEARNED}


def test_a_remedy_is_offered_again_and_another_kind_is_set_on_the_page(desk: CaseDesk) -> None:
    told = desk.not_fixed()
    assert press(desk, told, "agent-1", "offer").status_code == 303
    assert desk.state(told) == "remedy_offered"
    assert '<option value="defective" selected>' in shown(desk, told, "agent-1")
    assert press(desk, told, "agent-1", "classify", claim_type="wrong_item").status_code == 303
    assert desk.view(told)["claim_type"] == "wrong_item"


def test_a_case_that_was_opened_again_without_a_kind_gets_one_on_the_page(desk: CaseDesk) -> None:
    told = desk.report()
    desk.http.post(f"/c/{told['customer_token']}/withdraw")
    assert press(desk, told, "supervisor-1", "reopen").status_code == 303
    assert "classify" in buttons(desk, told, "agent-1")
    assert "offer" not in buttons(desk, told, "agent-1")


def test_a_decline_is_proposed_heard_and_accepted_on_the_page(desk: CaseDesk) -> None:
    told = desk.not_fixed()
    vague = {**FOUND, "about": ""}
    assert press(desk, told, "investigator-1", "propose_decline", **vague).status_code == 422
    assert press(desk, told, "investigator-1", "propose_decline", **{**FOUND, "ground": "rank"}).status_code == 422
    assert press(desk, told, "investigator-1", "propose_decline", **FOUND).status_code == 303
    assert buttons(desk, told, "supervisor-1") == {"heard_accepted", "decline", ADR_EVENT, *LEARNED}
    unheard = press(desk, told, "supervisor-1", "decline", why="It was seen.")
    assert (unheard.status_code, "It was seen." in unheard.text) == (409, True)
    assert "The customer was heard, or the days for it are over" in unheard.text
    silent = press(desk, told, "supervisor-1", "decline", why="It was seen.", heard="yes")
    assert (silent.status_code, "told us nothing since the decline was proposed" in silent.text) == (409, True)
    assert press(desk, told, "supervisor-1", "heard_accepted", why="It was the neighbour.").status_code == 303
    assert desk.state(told) == "triaged"


def test_the_way_through_the_scheme_is_on_the_page(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective")
    assert press(desk, told, "supervisor-1", ADR_EVENT).status_code == 303
    assert buttons(desk, told, "supervisor-1") == {"we_changed_our_mind", *LEARNED}
    assert press(desk, told, "agent-1", "adr_accepts", reference="S-1").status_code == 409, "no pack is built"
    desk.http.post("/v1/packs", json={"dispute": told["dispute"]}, headers=desk.by("investigator-1"))
    assert press(desk, told, "agent-1", "adr_accepts", reference="S-1").status_code == 303
    award = {"text": "Pay for the phone", "award_pence": "120.50", "reference": "S-1"}
    for sum_, field in (("much", "Write it as 12 or 12.50."), ("0", "Name 1 to")):
        assert field in alert_of(press(desk, told, "supervisor-1", "decision", **{**award, "award_pence": sum_}))
    assert press(desk, told, "supervisor-1", "decision", **award).status_code == 303
    assert desk.state(told) == "adr_decided"
    link = f"/c/{told['customer_token']}"
    assert "The sum is £120.50." in desk.http.get(link).text
    assert desk.http.post(f"{link}/decision", data={"accept": "yes"}, headers=OURS).status_code == 303
    promise = desk.view(told)["promises"][-1]
    assert (promise["what"], promise["amount_pence"], promise["state"]) == ("Pay for the phone", 12_050, "made")
    assert "Pay for the phone: £120.50" in desk.http.get(f"/v1/customer/{told['customer_token']}").text


def test_two_reports_are_joined_on_the_page_and_the_one_that_goes_on_is_shown(desk: CaseDesk) -> None:
    first, second = (desk.report(order=desk.sold("SO-JOIN-PAGE")) for _ in range(2))
    joined = press(desk, second, "agent-1", "merge", into=first["dispute"])
    assert joined.headers["location"] == f"/console/cases/{first['dispute']}?done=joined"


def test_what_was_done_beside_the_remedy_is_written_down_on_the_page(desk: CaseDesk) -> None:
    told = desk.report(claim_type="never_received", has_working_phone=False)
    loan = next(one for one in desk.view(told)["promises"] if "loan" in one["what"])
    kept = press(desk, told, "agent-1", "promise_kept", promise=loan["promise"], reference="LOAN-1")
    assert kept.status_code == 303, kept.text
    states = {one["promise"]: one["state"] for one in desk.view(told)["promises"]}
    assert states[loan["promise"]] == "kept"
    assert press(desk, told, "agent-1", "promise_kept", promise="promise_x", reference="L").status_code == 409


def test_a_day_of_the_order_is_written_down_on_the_page(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective")
    said = {"delivered": "2026-01-02", "reference": "The carrier's proof"}
    assert press(desk, told, "investigator-1", "order_days", **said).status_code == 303
    assert any("2026-01-02" in str(line["facts"]) for line in desk.view(told)["timeline"])
    for wrong in ("yesterday", "2026-02-30"):
        again = press(desk, told, "agent-1", "order_days", goods_back=wrong, reference="Bench 4")
        assert (again.status_code, "one day is not a date" in again.text.lower()) == (422, True)
        assert "Bench 4" in again.text, "what was typed stays"
    assert press(desk, told, "agent-1", "order_days", reference="Bench 4").status_code == 422


def test_a_need_is_written_down_on_the_page_and_stands_first_on_it(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective")
    lines = "large print\r\n\r\ncalls at ten"
    assert press(desk, told, "agent-1", "support_needs", support_needs=lines).status_code == 303
    page = shown(desk, told, "agent-1")
    assert '<h2 id="needs-title">Support needs</h2><ul><li>large print</li><li>calls at ten</li></ul>' in page
    assert "Wrote down what the customer needs of us" in page
    assert press(desk, told, "agent-1", "support_needs", support_needs=" ").status_code == 422
    many = press(desk, told, "agent-1", "support_needs", support_needs="\n".join(map(str, range(21))))
    assert (many.status_code, "more than 20 lines" in many.text) == (422, True)


def test_who_is_without_a_phone_is_promised_one_on_the_page(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective")
    assert press(desk, told, "agent-1", "needs").status_code == 422
    assert press(desk, told, "agent-1", "needs", no_phone="yes").status_code == 303
    assert [promise["what"] for promise in desk.view(told)["promises"]] == ["a phone on loan"]


def test_part_of_the_price_is_offered_promised_and_paid_again_on_the_page(desk: CaseDesk) -> None:
    sold = {"order": "SO-PART-PAGE", "imei": "001017004829167", "price_pence": 54_000}
    assert desk.http.post("/v1/orders", json=sold, headers=desk.by("agent-1")).is_success
    told = desk.report(claim_type="missing_accessory", order="SO-PART-PAGE")
    kind = {"claim_type": "missing_accessory"}
    for wrong in ("12,50", "1.5", "a lot", "0", "540.01"):
        assert press(desk, told, "agent-1", "classify", price_reduction_pence=wrong, **kind).status_code == 422, wrong
    assert press(desk, told, "agent-1", "classify", price_reduction_pence="£12.50", **kind).status_code == 303
    desk.http.post(f"/c/{told['customer_token']}/choose", data={"remedy": "price_reduction", "payout": "cheque"})
    assert "payment_came_back" not in buttons(desk, told, "agent-1")
    assert press(desk, told, "agent-1", "delivered_or_paid", reference="BANK-1").status_code == 303
    paid = next(one for one in desk.view(told)["promises"] if one["amount_pence"] == 1250)
    assert (
        press(desk, told, "agent-1", "payment_came_back", promise=paid["promise"], reference="R-1").status_code == 303
    )
    again = [one for one in desk.view(told)["promises"] if one["amount_pence"] == 1250]
    assert [(one["state"], one["came_back"]) for one in again] == [("kept", True), ("made", False)]
    assert "payment_came_back" not in buttons(desk, told, "agent-1")


def test_support_makes_a_new_link_on_the_page_and_the_old_one_opens_nothing(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective")
    path = f"/console/cases/{told['dispute']}/link"
    assert desk.http.post(path, headers=desk.by("investigator-1")).status_code == 403
    assert path not in shown(desk, told, "investigator-1")
    assert path in shown(desk, told, "agent-1")
    made = desk.http.post(path, headers=desk.by("agent-1"))
    (link,) = set(re.findall(rf'href="{desk.house.address}(/c/[^"]+)"', made.text))
    assert "The old link opens nothing any more." in made.text
    assert desk.http.get(link).status_code == 200
    assert desk.http.get(f"/c/{told['customer_token']}").status_code == 404


@pytest.mark.parametrize("event", ["nonsense", "choose", "confirm_or_lapse"])
def test_what_is_no_move_of_staff_is_no_address(desk: CaseDesk, event: str) -> None:
    assert press(desk, desk.report(), "agent-1", event).status_code == 404


def test_the_page_lets_a_payment_come_back_whatever_its_sum(desk: CaseDesk) -> None:
    told = desk.report(claim_type="damaged")
    desk.http.post(f"/c/{told['customer_token']}/choose", data={"remedy": "refund", "payout": "cheque"})
    assert press(desk, told, "agent-1", "delivered_or_paid", reference="CHQ 1").status_code == 303
    assert "payment_came_back" in buttons(desk, told, "agent-1")
    assert "payment_came_back" not in buttons(desk, told, "investigator-1"), "what became of money is for support"
    promise = desk.view(told)["promises"][-1]["promise"]
    by_investigator = desk.event(told, "investigator-1", "payment_came_back", promise=promise, reference="R-1")
    assert by_investigator.status_code == 403
