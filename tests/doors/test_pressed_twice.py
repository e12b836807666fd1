"""A button that was pressed twice: the move is made once and answered as done, and nobody reads words of ours."""

from typing import Any

import pytest

from custody.disputes.case import ADR_EVENT
from tests.doors.case_desk import SEEN, CaseDesk

INNER = ("guard", "_settled", "'choose'", "'withdraw'", "delivered_or_paid", "remedy_in_progress", "state '")


def twice(desk: CaseDesk, told: dict[str, Any], account: str, event: str, **body: Any) -> dict[str, Any]:
    """The same move of staff two times; the second one changes nothing."""
    first, again = (desk.event(told, account, event, **body) for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 200), (event, first.text, again.text)
    assert first.json() == again.json(), event
    case: dict[str, Any] = first.json()
    return case


def own_twice(desk: CaseDesk, told: dict[str, Any], door: str, **body: Any) -> None:
    """The same of the customer."""
    path = f"/v1/customer/{told['customer_token']}/{door}"
    first, again = (desk.http.post(path, json=body or None) for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 200), (door, again.text)
    assert first.json()["messages"] == again.json()["messages"], door


def test_what_staff_do_twice_is_done_once(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective")
    twice(desk, told, "agent-1", "classify", claim_type="defective")
    own_twice(desk, told, "choose", remedy="refund", payout="cheque")
    twice(desk, told, "agent-1", "delivered_or_paid", reference="CHQ 1")
    other = desk.event(told, "agent-1", "delivered_or_paid", reference="CHQ 2")
    assert other.status_code == 409, "another reference is another payment"
    assert desk.event(told, "agent-2", "delivered_or_paid", reference="CHQ 1").status_code == 409
    promise = desk.own(told)["promises"][-1]["promise"]
    twice(desk, told, "agent-1", "payment_came_back", promise=promise, reference="RETURN 1")
    again = next(one["promise"] for one in desk.own(told)["promises"] if one["state"] != "kept")
    twice(desk, told, "agent-1", "promise_kept", promise=again, reference="CHQ 3")


def test_a_decline_and_the_schemes_way_are_gone_once(desk: CaseDesk) -> None:
    told = desk.not_fixed()
    assert desk.event(told, "investigator-1", "propose_decline", findings=[SEEN]).is_success
    desk.speaks(told)
    twice(desk, told, "supervisor-1", "decline", why="Seen.", heard=True)
    twice(desk, told, "supervisor-1", "we_changed_our_mind")
    twice(desk, told, "agent-1", "offer")
    twice(desk, told, "supervisor-1", ADR_EVENT)
    assert desk.http.post("/v1/packs", json={"dispute": told["dispute"]}, headers=desk.by("investigator-1")).is_success
    twice(desk, told, "agent-1", "adr_accepts", reference="S-1")
    twice(desk, told, "supervisor-1", "decision", text="A new phone sent to you", reference="S-1")
    own_twice(desk, told, "decision", accept=False)
    twice(desk, told, "supervisor-1", "reopen")


def test_what_is_asked_and_what_is_proposed_twice_is_so_once_and_nothing_else_counts_as_the_same(
    desk: CaseDesk,
) -> None:
    told = desk.not_fixed()
    asked = {"item": "tape", "text": "Which colour has the tape?"}
    assert len(twice(desk, told, "agent-1", "ask", **asked)["asks"]) == 1
    assert desk.event(told, "agent-1", "ask", **{**asked, "text": "Is there any tape?"}).status_code == 409
    own_twice(desk, told, "answer", ask=desk.view(told)["asks"][0]["ask"])
    twice(desk, told, "investigator-1", "propose_decline", findings=[SEEN])
    other = {**SEEN, "kept_at": "evidence/9"}
    assert desk.event(told, "investigator-1", "propose_decline", findings=[other]).status_code == 409


def test_two_agents_who_offer_the_same_at_once_have_offered_it_once(desk: CaseDesk) -> None:
    told = desk.not_fixed()
    first, second = (desk.event(told, account, "offer") for account in ("agent-1", "agent-2"))
    assert (first.status_code, second.status_code) == (200, 200), second.text
    assert first.json() == second.json(), "the customer is told once"
    assert desk.event(told, "agent-2", "offer", price_reduction_pence=2_000).status_code == 409
    assert desk.event(told, "agent-2", "offer", claim_type="damaged").status_code == 409


def test_a_sum_that_is_named_twice_is_named_once(desk: CaseDesk) -> None:
    sold = {"order": "SO-NAMED", "imei": "490154203237518", "price_pence": 54_000}
    assert desk.http.post("/v1/orders", json=sold, headers=desk.by("agent-1")).is_success
    kind = {"claim_type": "missing_accessory"}
    told = desk.report(order="SO-NAMED", **kind)
    seen = desk.view(told)["version"]
    twice(desk, told, "agent-1", "classify", **kind, price_reduction_pence=3_000, version=seen)
    twice(desk, told, "agent-1", "classify", **kind, price_reduction_pence=2_000, why="The shop sells it for that.")
    said = [message["text"] for message in desk.own(told)["messages"]]
    assert sum("named a lower sum" in text for text in said) == 1
    assert sum("We named the sum" in text for text in said) == 1
    assert desk.event(told, "agent-1", "classify", **kind, price_reduction_pence=1_000).status_code == 422
    twice(desk, told, "agent-2", "classify", **kind, price_reduction_pence=4_000)


def test_a_join_that_is_sent_twice_answers_with_the_case_that_goes_on(desk: CaseDesk) -> None:
    first, second = (desk.report(order=desk.sold("SO-TWICE")) for _ in range(2))
    assert twice(desk, second, "agent-1", "merge", into=first["dispute"])["dispute"] == first["dispute"]


@pytest.mark.parametrize("door", ["withdraw", "found"])
def test_what_the_customer_does_twice_is_done_once(desk: CaseDesk, door: str) -> None:
    own_twice(desk, desk.report(claim_type="defective"), door)


def test_who_found_the_phone_while_the_remedy_is_on_its_way_has_not_taken_the_report_back(desk: CaseDesk) -> None:
    told = desk.report(claim_type="substituted")
    link = f"/c/{told['customer_token']}"
    assert desk.http.post(f"{link}/choose", data={"remedy": "replacement"}).status_code == 303
    assert desk.http.post(f"{link}/found").status_code == 303
    refused = desk.http.post(f"{link}/withdraw")
    assert (refused.status_code, desk.state(told)) == (409, "remedy_in_progress")
    assert "You took your report back" not in refused.text


def test_the_choice_that_an_adviser_writes_down_twice_is_written_once(desk: CaseDesk) -> None:
    told = desk.report(claim_type="substituted")
    form = {"remedy": "replacement", "offered_at": told["remedy"]["offered_at"]}
    path = f"/console/cases/{told['dispute']}/choose"
    for _ in range(2):
        answer = desk.http.post(path, data=form, headers=desk.by("agent-1"))
        assert (answer.status_code, answer.headers["location"].partition("?")[2]) == (303, "done=chosen")
    kinds = [line["kind"] for line in desk.view(told)["timeline"]]
    assert kinds.count("chosen") == 1
    assert desk.http.post(path, data=form, headers=desk.by("agent-2")).status_code == 409, "another adviser's word"
    other = {**form, "remedy": "refund", "payout": "cheque"}
    assert desk.http.post(path, data=other, headers=desk.by("agent-1")).status_code == 409, "another choice"


def test_a_customer_closes_twice_and_skips_twice(desk: CaseDesk) -> None:
    told = desk.not_fixed()
    asked = desk.event(told, "agent-1", "ask", item="tape", text="Which colour has the tape?").json()["asks"][0]["ask"]
    own_twice(desk, told, "answer", ask=asked)
    desk.event(told, "agent-1", "offer")
    own_twice(desk, told, "choose", remedy="advance_swap")
    desk.event(told, "agent-1", "delivered_or_paid", reference="JJD2")
    own_twice(desk, told, "confirm")


def test_what_cannot_be_done_now_is_said_in_the_customers_words(desk: CaseDesk) -> None:
    told = desk.report(claim_type="never_received")
    path = f"/v1/customer/{told['customer_token']}"
    unpaid = desk.http.post(f"{path}/choose", json={"remedy": "refund"})
    assert "Choose a way to be paid." in unpaid.json()["fix"]
    own_twice(desk, told, "choose", remedy="replacement")
    other = desk.http.post(f"{path}/choose", json={"remedy": "refund", "payout": "cheque"})
    assert "Your remedy is on its way" in other.json()["detail"]
    for answer in (unpaid, other, desk.http.post(f"{path}/withdraw"), desk.http.post(f"{path}/confirm")):
        assert answer.status_code == 409
        said = f"{answer.json()['detail']} {answer.json()['fix']}"
        assert [word for word in INNER if word in said] == [], said
