"""Who asks for a copy of their data, or complains of its use, is answered by the law's day, case or no case."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from custody.disputes import civil, clocks
from custody.disputes.policy import DEFAULT_POLICY as POLICY
from custody.disputes.promise import A_COPY, DATA_PUT_RIGHT
from custody.kernel.clock import from_iso
from tests.doors.case_desk import CaseDesk
from tests.doors.command_line import CommandLine

COPY, COMPLAINT = {"about": "copy"}, {"about": "complaint", "words": "You sent my bill to somebody else."}


@pytest.fixture
def told(desk: CaseDesk) -> dict[str, Any]:
    return desk.report()


def asks(desk: CaseDesk, told: dict[str, Any], body: dict[str, str]) -> httpx.Response:
    return desk.http.post(f"/v1/customer/{told['customer_token']}/data", json=body)


def promised(desk: CaseDesk, told: dict[str, Any], what: str) -> list[dict[str, Any]]:
    return [promise for promise in desk.view(told)["promises"] if promise["what"] == what]


def last_day(desk: CaseDesk, told: dict[str, Any], clock: str) -> str:
    (found,) = (each["due"] for each in desk.view(told)["clocks"] if each["clock"] == clock)
    return str(found)


def today(desk: CaseDesk) -> Any:
    return civil.civil_date(desk.house.parts.clock.now_ms())


def test_a_copy_is_promised_by_our_own_day_and_never_later_than_the_laws(desk: CaseDesk, told: dict[str, Any]) -> None:
    assert asks(desk, told, COPY).status_code == 201
    (promise,) = promised(desk, told, A_COPY)
    by_law = clocks.access_request_due(today(desk), policy=POLICY)
    ours = clocks.access_request_internal(today(desk), policy=POLICY)
    assert from_iso(promise["due"]) == civil.day_ends_ms(min(ours, by_law))
    assert last_day(desk, told, "access_request") == by_law.isoformat()
    messages = [message["text"] for message in desk.own(told)["messages"][-2:]]
    assert civil.day_in_words(by_law) in messages[0]
    assert A_COPY in messages[1]


def test_what_came_by_letter_counts_from_the_day_on_which_it_came(desk: CaseDesk, told: dict[str, Any]) -> None:
    came = civil.add_days(today(desk), -3)
    for event in ("access_request", "data_complaint"):
        assert desk.event(told, "agent-1", event, received=came.isoformat()).is_success
    assert last_day(desk, told, "access_request") == clocks.access_request_due(came, policy=POLICY).isoformat()
    by = clocks.data_complaint_acknowledged_by(came, policy=POLICY)
    assert last_day(desk, told, "data_complaint") == by.isoformat()
    later = civil.add_days(today(desk), 1).isoformat()
    assert desk.event(desk.report(), "agent-1", "access_request", received=later).status_code == 422


def test_a_complaint_about_data_is_acknowledged_at_once_and_its_words_are_kept(
    desk: CaseDesk, told: dict[str, Any]
) -> None:
    assert asks(desk, told, COMPLAINT).status_code == 201
    said = [message["text"] for message in desk.own(told)["messages"]]
    assert any("Information Commissioner" in text for text in said)
    assert promised(desk, told, DATA_PUT_RIGHT)
    page = desk.http.get(f"/console/cases/{told['dispute']}", headers=desk.by("agent-1")).text
    assert COMPLAINT["words"] in page


def test_asked_twice_it_is_promised_once(desk: CaseDesk, told: dict[str, Any]) -> None:
    for body in (COPY, COPY, COMPLAINT, COMPLAINT):
        assert asks(desk, told, body).is_success
    assert [len(promised(desk, told, what)) for what in (A_COPY, DATA_PUT_RIGHT)] == [1, 1]


def test_the_copy_is_owed_after_the_case_is_over_and_keeps_none_open(desk: CaseDesk) -> None:
    told = desk.report(claim_type="never_received")
    link = f"/v1/customer/{told['customer_token']}"
    assert asks(desk, told, COPY).is_success
    assert desk.http.post(f"{link}/choose", json={"remedy": "replacement"}).is_success
    assert desk.event(told, "agent-1", "delivered_or_paid", reference="JJD-DATA-1").is_success
    assert desk.http.post(f"{link}/confirm").is_success
    assert desk.state(told) == "closed"
    (promise,) = promised(desk, told, A_COPY)
    assert promise["state"] == "made"
    listed = desk.http.get("/v1/disputes", params={"owed": True, "limit": 200}, headers=desk.by("agent-1")).json()
    assert told["dispute"] in {row["dispute"] for row in listed["disputes"]}
    kept = {"promise": promise["promise"], "reference": "POST-1"}
    assert desk.event(told, "agent-1", "promise_kept", **kept).is_success
    assert promised(desk, told, A_COPY)[0]["state"] == "kept"
    assert asks(desk, told, COPY).is_success
    assert [promise["state"] for promise in promised(desk, told, A_COPY)] == ["kept", "made"]


def test_a_report_that_is_taken_back_takes_no_right_to_the_copy_away(desk: CaseDesk, told: dict[str, Any]) -> None:
    assert asks(desk, told, COPY).is_success
    assert desk.http.post(f"/v1/customer/{told['customer_token']}/withdraw").is_success
    assert promised(desk, told, A_COPY)[0]["state"] == "made"
    erased = desk.http.post(
        "/v1/erasures", json={"target": told["dispute"], "reason": "asked"}, headers=desk.by("supervisor-1")
    )
    assert erased.status_code == 409
    assert "copy" in erased.json()["detail"]


def test_the_laws_further_months_need_a_reason_within_the_first_and_leave_our_promise_as_it_was(
    desk: CaseDesk, told: dict[str, Any]
) -> None:
    why = {"why": "Your calls are kept in four places."}
    assert desk.event(told, "agent-1", "copy_takes_longer", **why).status_code == 409
    assert asks(desk, told, COPY).is_success
    before = promised(desk, told, A_COPY)
    assert desk.event(told, "agent-1", "copy_takes_longer", **why).is_success
    longer = clocks.access_request_due(today(desk), policy=POLICY, extended=True)
    assert last_day(desk, told, "access_request") == longer.isoformat()
    assert promised(desk, told, A_COPY) == before
    assert why["why"] in desk.own(told)["messages"][-1]["text"]
    other = desk.report()
    long_ago = civil.add_days(today(desk), -40).isoformat()
    assert desk.event(other, "agent-1", "access_request", received=long_ago).is_success
    assert desk.event(other, "agent-1", "copy_takes_longer", **why).status_code == 409


def test_the_customer_asks_on_their_page_and_staff_write_it_down_on_theirs(desk: CaseDesk) -> None:
    told = desk.report()
    own = f"/c/{told['customer_token']}"
    sent = desk.http.post(f"{own}/data", data={"about": "copy", "words": ""}, follow_redirects=True)
    assert "You get a copy of all that we hold about you" in sent.text
    assert desk.http.post(f"{own}/data", data={"about": "neither"}).status_code == 422
    page = f"/console/cases/{told['dispute']}"
    form = {"received": civil.add_days(today(desk), -1).isoformat()}
    desk.http.post(f"{page}/moves/data_complaint", data=form, headers=desk.by("agent-1"))
    shown = desk.http.get(page, headers=desk.by("agent-1")).text
    assert "Complaint about data acknowledged" in shown
    assert "Say that the copy takes longer than a month" in shown


def test_a_pack_of_the_case_shows_what_was_promised_about_data_and_holds(desk: CaseDesk, tmp_path: Path) -> None:
    told = desk.report()
    assert asks(desk, told, COPY).is_success
    assert desk.event(told, "agent-1", "copy_takes_longer", why="Your calls are kept in four places.").is_success
    (promise,) = promised(desk, told, A_COPY)
    kept = {"promise": promise["promise"], "reference": "POST-1"}
    assert desk.event(told, "agent-1", "promise_kept", **kept).is_success
    shell = CommandLine(address=desk.house.address, folder=tmp_path, token=desk.house.token("investigator-1"))
    shell.run("pack", told["dispute"], "--out", "case.zip")
    assert "broken" not in shell.run("verify", "case.zip", expect=0).out
