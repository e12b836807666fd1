"""What is owed to a customer whose case is over stands in a list until it is paid: nobody asks for it otherwise."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from custody.disputes.case import ADR_EVENT
from custody.kernel.clock import DAY_MS
from custody.store import case_book
from custody.usecases.sweep_promises import sweep_promises
from tests.doors.case_desk import OURS, CaseDesk
from tests.doors.command_line import CommandLine


def listed(desk: CaseDesk, told: dict[str, Any]) -> set[bool]:
    """Whether a case stands in the list of what is owed, at the API and on the page."""
    by = desk.by("agent-1")
    rows = desk.http.get("/v1/disputes", params={"owed": True, "limit": 200}, headers=by).json()["disputes"]
    page = desk.http.get("/console/cases", params={"show": "owed"}, headers=by).text
    return {told["dispute"] in {row["dispute"] for row in rows}, f"/console/cases/{told['dispute']}" in page}


def overdue(desk: CaseDesk, told: dict[str, Any]) -> None:
    """Days later than everything was promised; the timer has looked."""
    with desk.house.parts.house.unit() as unit:
        for promise in case_book.promises(unit.session, told["dispute"]):
            late = {"due_ms": promise.due_ms - 9 * DAY_MS, "made_ms": promise.made_ms - 9 * DAY_MS}
            case_book.put_promise(unit, replace(promise, **late))
    with desk.house.parts.house.unit() as unit:
        sweep_promises(unit)


@pytest.fixture
def late(desk: CaseDesk) -> dict[str, Any]:
    """A case in which a working phone was promised, and did not come."""
    told = desk.report(claim_type="defective", has_working_phone=False)
    overdue(desk, told)
    return told


def test_a_credit_of_a_case_that_was_taken_back_is_listed_until_it_is_paid(
    desk: CaseDesk, late: dict[str, Any], tmp_path: Path
) -> None:
    assert desk.http.post(f"/v1/customer/{late['customer_token']}/withdraw").is_success
    seen = desk.view(late)
    assert (seen["state"], seen["unpaid_credit_pence"] > 0) == ("withdrawn", True)
    assert listed(desk, late) == {True}
    token = desk.by("agent-1")["authorization"].removeprefix("Bearer ")
    shell = CommandLine(address=desk.house.address, folder=tmp_path, token=token)
    rows = [row for row in shell.run("dispute", "list", "--owed").out.splitlines() if late["dispute"] in row]
    assert ["credit to pay: £" in row for row in rows] == [True]
    assert desk.event(late, "agent-1", "credit_paid", reference="BACS 1").is_success
    assert listed(desk, late) == {False}


def test_what_was_promised_is_listed_after_the_case_is_over_and_not_while_somebody_works_on_it(
    desk: CaseDesk,
) -> None:
    told = desk.report(claim_type="never_received", order="SO-OWED")
    assert desk.http.post(f"/v1/customer/{told['customer_token']}/choose", json={"remedy": "replacement"}).is_success
    assert listed(desk, told) == {False}
    with desk.house.parts.house.unit() as unit:
        before = case_book.hold_one(unit, told["dispute"])
        ended = replace(before, case=replace(before.case, state="closed"))
        case_book.replace(unit, ended, before=before)
    assert listed(desk, told) == {True}
    (promise,) = desk.view(told)["promises"]
    assert desk.event(told, "agent-1", "promise_kept", promise=promise["promise"], reference="JJD1").is_success
    assert listed(desk, told) == {False}


def test_a_credit_that_came_back_is_owed_again_and_its_customer_told_that_they_lack_it(
    desk: CaseDesk, late: dict[str, Any]
) -> None:
    owed = desk.view(late)["unpaid_credit_pence"]
    assert desk.event(late, "agent-1", "credit_paid", reference="BACS 1").is_success
    assert desk.view(late)["credits_paid"] == {"BACS 1": owed}
    back = {"payment": "BACS 1", "reference": "R-7"}
    assert desk.event(late, "investigator-1", "credit_came_back", **back).status_code == 403
    assert desk.event(late, "agent-1", "credit_came_back", payment="BACS 2", reference="R-7").status_code == 422
    assert desk.event(late, "agent-1", "credit_came_back", **back).json()["unpaid_credit_pence"] == owed
    seen = desk.own(late)
    assert "that we paid you came back to us, so you do not have it yet." in seen["messages"][-1]["text"]
    assert desk.view(late)["credits_paid"] == {}
    again = desk.event(late, "agent-1", "credit_came_back", **back)
    assert (again.status_code, again.json()["unpaid_credit_pence"]) == (200, owed), "sent twice it is written once"
    assert listed(desk, late) == {True}
    assert desk.event(late, "agent-1", "credit_paid", reference="BACS 3").json()["unpaid_credit_pence"] == 0


def test_a_credit_comes_back_on_the_page(desk: CaseDesk, late: dict[str, Any]) -> None:
    path, by = f"/console/cases/{late['dispute']}", desk.by("agent-1") | OURS
    assert "credit_came_back" not in desk.http.get(path, headers=by).text
    owed = desk.view(late)["unpaid_credit_pence"]
    assert desk.event(late, "agent-1", "credit_paid", reference="BACS 1").is_success
    assert "BACS 1, £" in desk.http.get(path, headers=by).text
    form = {"payment": "BACS 1", "reference": "R-7"}
    assert desk.http.post(f"{path}/moves/credit_came_back", data=form, headers=by).status_code == 303
    assert desk.view(late)["unpaid_credit_pence"] == owed


def test_of_a_credit_the_sum_that_was_paid_is_written_down_on_the_page_at_the_api_and_by_command(
    desk: CaseDesk, late: dict[str, Any], tmp_path: Path
) -> None:
    path, by = f"/console/cases/{late['dispute']}", desk.by("agent-1") | OURS
    owed = desk.view(late)["unpaid_credit_pence"]
    for wrong in ("", "0", "9999"):
        form = {"pence": wrong, "reference": "BACS 1"}
        assert desk.http.post(f"{path}/moves/credit_paid", data=form, headers=by).status_code == 422, wrong
    form = {"pence": "£1.50", "reference": "BACS 1"}
    assert desk.http.post(f"{path}/moves/credit_paid", data=form, headers=by).status_code == 303
    assert desk.event(late, "agent-1", "credit_paid", reference="BACS 2", pence=50).is_success
    token = by["authorization"].removeprefix("Bearer ")
    shell = CommandLine(address=desk.house.address, folder=tmp_path, token=token)
    paid = ("credit_paid", "--reference", "BACS 3", "--with", "pence=25")
    assert shell.json("dispute", "move", late["dispute"], *paid)["unpaid_credit_pence"] == owed - 225
    assert desk.view(late)["credits_paid"] == {"BACS 1": 150, "BACS 2": 50, "BACS 3": 25}


def test_a_credit_of_a_joined_report_comes_back_where_it_goes_on(desk: CaseDesk) -> None:
    first, second = (desk.report(order=desk.sold("SO-CREDIT-JOINED"), has_working_phone=False) for _ in range(2))
    overdue(desk, second)
    owed = desk.view(second)["unpaid_credit_pence"]
    assert desk.event(second, "agent-1", "credit_paid", reference="BACS 1").is_success
    assert desk.event(second, "agent-1", "merge", into=first["dispute"]).is_success
    back = {"payment": "BACS 1", "reference": "R-7"}
    assert desk.event(second, "agent-1", "credit_came_back", **back).status_code == 422
    assert desk.event(first, "agent-1", "credit_came_back", **back).json()["unpaid_credit_pence"] == owed


def test_what_the_scheme_awarded_may_come_back_from_the_bank_and_is_promised_anew(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective")
    desk.event(told, "supervisor-1", ADR_EVENT)
    desk.http.post("/v1/packs", json={"dispute": told["dispute"]}, headers=desk.by("investigator-1"))
    desk.event(told, "agent-1", "adr_accepts", reference="S-1")
    desk.event(told, "supervisor-1", "decision", text="Pay two hundred pounds", reference="S-1")
    assert desk.http.post(f"/v1/customer/{told['customer_token']}/decision", json={"accept": True}).is_success
    assert desk.event(told, "agent-1", "delivered_or_paid", reference="BACS 9").is_success
    paid = desk.view(told)["promises"][-1]
    back = desk.event(told, "agent-1", "payment_came_back", promise=paid["promise"], reference="R-9")
    assert back.status_code == 200, back.text
    awarded = [one for one in back.json()["promises"] if one["what"] == "Pay two hundred pounds"]
    assert sorted((one["state"], one["came_back"]) for one in awarded) == [("kept", True), ("made", False)]


def test_no_words_of_a_customer_put_a_case_into_the_list(desk: CaseDesk) -> None:
    told = desk.report(words='They wrote "unpaid_credit_pence":9, and "replaced":true.')
    assert listed(desk, told) == {False}


def test_a_sum_for_the_wait_stands_beside_the_remedy_on_the_page_and_in_a_pack_that_holds(
    desk: CaseDesk, tmp_path: Path
) -> None:
    told = desk.report(claim_type="never_received")
    link = f"/v1/customer/{told['customer_token']}"
    assert desk.http.post(f"{link}/choose", json={"remedy": "replacement"}).is_success
    assert desk.event(told, "supervisor-1", ADR_EVENT).is_success
    assert desk.http.post("/v1/packs", json={"dispute": told["dispute"]}, headers=desk.by("investigator-1")).is_success
    assert desk.event(told, "agent-1", "adr_accepts", reference="S-1").is_success
    form = {"text": "Pay 50 pounds for the wait", "award_pence": "50", "reference": "S-1", "beside": "yes"}
    page = f"/console/cases/{told['dispute']}"
    assert desk.http.post(f"{page}/moves/decision", data=form, headers=desk.by("supervisor-1")).status_code == 303
    again = {"text": form["text"], "award_pence": 5_000, "reference": "S-1"}
    assert desk.event(told, "supervisor-1", "decision", **again, beside=True).is_success, "the same is done already"
    assert desk.event(told, "supervisor-1", "decision", **again).status_code == 409
    assert "It comes on top of" in desk.http.get(page, headers=desk.by("agent-1")).text
    assert "It comes on top of" in desk.http.get(f"/c/{told['customer_token']}").text
    assert desk.http.post(f"{link}/decision", json={"accept": True}).is_success
    promised = {promise["what"]: promise["state"] for promise in desk.view(told)["promises"]}
    assert "void" not in promised.values()
    shell = CommandLine(address=desk.house.address, folder=tmp_path, token=desk.house.token("investigator-1"))
    shell.run("pack", told["dispute"], "--out", "case.zip")
    assert "award" not in shell.run("verify", "case.zip").out
