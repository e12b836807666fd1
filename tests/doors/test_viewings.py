"""Who of ours saw which case: written down once a day, told to those who decide, and rung for whoever sees many."""

import json
from typing import Any

import httpx
import pytest

from api import seen_cases
from api.act_alerts import CASES
from api.people import viewings
from custody.kernel.clock import DAY_MS
from tests.contracts_store.faults import broken_commit
from tests.doors.case_desk import CaseDesk
from tests.servers.witness import until


def of_case(desk: CaseDesk, dispute: str) -> list[dict[str, Any]]:
    answer = desk.http.get(f"/v1/disputes/{dispute}/viewings", headers=desk.by("investigator-1"))
    assert answer.is_success, answer.text
    found: list[dict[str, Any]] = answer.json()["viewings"]
    return found


def seen_by(desk: CaseDesk, account: str, dispute: str) -> None:
    """Wait until it stands written that the account saw the case: nobody waits for that who reads it."""
    until(lambda: account in [one["account"] for one in of_case(desk, dispute)])


def by_account(desk: CaseDesk, account: str, **asked: Any) -> httpx.Response:
    return desk.http.get(f"/v1/accounts/{account}/viewings", params=asked, headers=desk.by("supervisor-2"))


@pytest.mark.parametrize("door", ["/v1/disputes/{}", "/console/cases/{}", "/console/cases/{}/locks", "/v1/packs"])
def test_whoever_sees_a_case_by_any_door_stands_beside_it_once_a_day(desk: CaseDesk, door: str) -> None:
    dispute = desk.report(claim_type="defective")["dispute"]
    assert of_case(desk, dispute) == []
    for _ in range(2):
        if door == "/v1/packs":
            seen = desk.http.post(door, json={"dispute": dispute}, headers=desk.by("agent-1"))
        else:
            seen = desk.http.get(door.format(dispute), headers=desk.by("agent-1"))
        assert seen.is_success, seen.text
        seen_by(desk, "agent-1", dispute)
    assert [(one["account"], one["dispute"]) for one in of_case(desk, dispute)] == [("agent-1", dispute)]


def test_a_list_or_a_case_that_is_not_there_is_no_viewing(desk: CaseDesk) -> None:
    dispute = desk.report(claim_type="defective")["dispute"]
    assert desk.http.get("/v1/disputes", headers=desk.by("agent-1")).is_success
    assert desk.http.get("/v1/disputes/case_none", headers=desk.by("agent-1")).status_code == 404
    assert desk.http.post("/v1/packs", json={"dispute": "case_none"}, headers=desk.by("agent-1")).status_code == 404
    last = desk.report(claim_type="defective")["dispute"]
    assert desk.http.get(f"/v1/disputes/{last}", headers=desk.by("agent-1")).is_success
    seen_by(desk, "agent-1", last)
    seen = {one["dispute"] for one in by_account(desk, "agent-1").json()["viewings"]}
    assert (of_case(desk, dispute), seen & {dispute, "case_none"}) == ([], set())


def test_what_an_account_saw_is_read_newest_first_and_a_page_at_a_time_by_supervisors(desk: CaseDesk) -> None:
    cases = [desk.report(claim_type="defective")["dispute"] for _ in range(3)]
    for dispute in cases:
        assert desk.http.get(f"/v1/disputes/{dispute}", headers=desk.by("agent-2")).is_success
        seen_by(desk, "agent-2", dispute)
    first = by_account(desk, "agent-2", limit=2).json()
    rest = by_account(desk, "agent-2", limit=2, cursor=first["next"]).json()
    assert [one["dispute"] for one in first["viewings"] + rest["viewings"]] == cases[::-1]
    assert rest["next"] is None
    assert by_account(desk, "agent-2", cursor="nothing").json()["type"] == "urn:weaklink:problem:cursor"
    assert by_account(desk, "nobody").status_code == 404


def test_the_console_leads_those_who_decide_to_who_saw_what(desk: CaseDesk) -> None:
    dispute = desk.report(claim_type="defective")["dispute"]
    assert desk.http.get(f"/v1/disputes/{dispute}", headers=desk.by("agent-1")).is_success
    seen_by(desk, "agent-1", dispute)
    pages = {
        account: desk.http.get(f"/console/cases/{dispute}", headers=desk.by(account)).text
        for account in ("agent-1", "supervisor-2", "investigator-1")
    }
    assert ["Who saw this case" in page for page in pages.values()] == [False, True, True]
    assert "<li>agent-1, " in pages["investigator-1"]
    accounts = desk.http.get("/console/account", headers=desk.by("supervisor-2")).text
    assert 'href="/console/accounts/agent-1/viewings"' in accounts
    seen = desk.http.get("/console/accounts/agent-1/viewings", headers=desk.by("supervisor-2"))
    assert f'<a href="/console/cases/{dispute}">' in seen.text
    page = "/console/accounts/agent-1/viewings"
    assert desk.http.get(page, params={"after": "nothing"}, headers=desk.by("supervisor-2")).status_code == 422
    assert desk.http.get(page, headers=desk.by("agent-1")).status_code == 403


def test_agents_do_not_ask_who_saw_what(desk: CaseDesk) -> None:
    dispute = desk.report(claim_type="defective")["dispute"]
    for door in (f"/v1/disputes/{dispute}/viewings", "/v1/accounts/agent-1/viewings"):
        assert desk.http.get(door, headers=desk.by("agent-1")).status_code == 403
        assert desk.http.get(door).status_code == 401
    assert desk.http.get("/v1/accounts/agent-1/viewings", headers=desk.by("investigator-1")).status_code == 403
    missing = desk.http.get("/v1/disputes/case_none/viewings", headers=desk.by("investigator-1"))
    assert missing.status_code == 404


def test_whoever_sees_very_many_cases_within_a_day_is_looked_at_by_another_person(
    desk: CaseDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seen_cases, "CASES", CASES._replace(most=3))
    cases = [desk.report(claim_type="defective")["dispute"] for _ in range(3)]

    def rung() -> list[dict[str, Any]]:
        found = desk.http.get("/v1/alerts", headers=desk.by("supervisor-2")).json()["alerts"]
        return [alert for alert in found if alert["kind"] == "many_cases"]

    for dispute in (cases[0], cases[0], cases[1], cases[2]):
        assert rung() == []
        assert desk.http.get(f"/v1/disputes/{dispute}", headers=desk.by("supervisor-1")).is_success
        seen_by(desk, "supervisor-1", dispute)
    (alert,) = rung()
    assert "supervisor-1 has seen 3 cases" in alert["detail"]
    seen = f"/v1/alerts/{alert['alert']}/seen"
    assert desk.http.post(seen, headers=desk.by("supervisor-1")).status_code == 403
    assert desk.http.post(seen, headers=desk.by("supervisor-2")).is_success


def test_nobody_who_reads_a_case_waits_for_whoever_writes_and_it_is_written_down_after_that(desk: CaseDesk) -> None:
    dispute = desk.report(claim_type="defective")["dispute"]
    with desk.house.parts.house.unit():
        assert desk.http.get(f"/v1/disputes/{dispute}", headers=desk.by("agent-1"), timeout=15).is_success
        assert of_case(desk, dispute) == []
    seen_by(desk, "agent-1", dispute)


def test_what_a_database_did_not_take_is_written_down_once_it_does(desk: CaseDesk) -> None:
    dispute = desk.report(claim_type="defective")["dispute"]
    with broken_commit(desk.house.parts.engine, applied=False):
        assert desk.http.get(f"/v1/disputes/{dispute}", headers=desk.by("agent-1")).is_success
        seen_by(desk, "agent-1", dispute)


def test_a_visit_that_writes_nothing_is_a_viewing_all_the_same(desk: CaseDesk) -> None:
    dispute = desk.report(claim_type="defective")["dispute"]
    form = f"/console/cases/{dispute}/moves/in_favour?unsent=yes"
    assert dispute in desk.http.post(form, data={"words": "x"}, headers=desk.by("agent-1")).text
    seen_by(desk, "agent-1", dispute)


def test_customers_read_when_one_of_ours_saw_their_case_and_not_who(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective")
    assert desk.http.get(f"/v1/disputes/{told['dispute']}", headers=desk.by("investigator-1")).is_success
    seen_by(desk, "investigator-1", told["dispute"])
    (seen,) = of_case(desk, told["dispute"])
    own = json.loads(desk.file(told)["my-case.json"])
    assert own["seen_by_us"] == [{"at": seen["at"], "role": "investigator"}]
    assert "investigator-1" not in json.dumps(own)


def test_viewings_are_forgotten_when_nobody_can_ask_for_them_any_more(desk: CaseDesk) -> None:
    dispute = desk.report(claim_type="defective")["dispute"]
    assert desk.http.get(f"/v1/disputes/{dispute}", headers=desk.by("agent-1")).is_success
    seen_by(desk, "agent-1", dispute)
    with desk.house.parts.house.unit() as unit:
        for later_ms, left in ((viewings.KEPT_MS - DAY_MS, 1), (viewings.KEPT_MS + DAY_MS, 0)):
            old = viewings.outlived(unit.session, now_ms=unit.now_ms + later_ms, limit=100)
            viewings.forget(unit.session, old)
            assert len(viewings.of_case(unit.session, dispute, limit=9)) == left
