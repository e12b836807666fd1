"""What no rule gives has a door: an approver at once, an answer that is never a bare no, and a gap in a list."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.people import persons
from api.rounds.unanswered_exceptions import is_exception_late, late_exceptions, pass_on_exceptions
from custody.kernel.clock import HOUR_MS, from_iso
from devicelock import watch_store
from tests.doors.case_desk import OURS, CaseDesk
from tests.doors.command_line import CommandLine

ASKED_FOR = "a phone on loan abroad"
GAP = "Loans are for this country alone."
WHY = "We have no phone there."


def ask(desk: CaseDesk, told: dict[str, Any], account: str = "agent-1", **said: Any) -> httpx.Response:
    return desk.event(told, account, "exception", **{"asked_for": ASKED_FOR, "gap": GAP, **said})


def asked(desk: CaseDesk, told: dict[str, Any], account: str = "agent-1", **said: Any) -> dict[str, Any]:
    """What was asked for just now."""
    answer = ask(desk, told, account, **said)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["exceptions"][-1]
    return found


def last_words(desk: CaseDesk, told: dict[str, Any], count: int = 1) -> str:
    return " ".join(said["text"] for said in desk.own(told)["messages"][-count:])


def code_of(refused: httpx.Response) -> str:
    return str(refused.json()["type"]).rpartition(":")[2]


def listed(desk: CaseDesk, path: str, **asked_for: Any) -> list[dict[str, Any]]:
    """Every row of a list, read in pages of two."""
    rows: list[dict[str, Any]] = []
    cursor = None
    while True:
        asking = {"limit": 2, **asked_for, **({"cursor": cursor} if cursor else {})}
        answer = desk.http.get(f"/v1/{path}", params=asking, headers=desk.by("agent-1"))
        assert answer.is_success, answer.text
        rows += answer.json()[path]
        cursor = answer.json()["next"]
        if cursor is None:
            return rows


def test_it_has_an_approver_by_name_at_once_who_is_not_the_asker_and_the_customer_is_told_until_when(
    desk: CaseDesk,
) -> None:
    told = desk.report(claim_type="defective")
    one = asked(desk, told)
    assert one["approver"] in {"supervisor-1", "supervisor-2"}
    assert from_iso(one["answer_by"]) - from_iso(one["asked_at"]) == HOUR_MS
    assert (one["asked_for"], one["gap"], one["state"], one["promise"]) == (ASKED_FOR, GAP, "asked", None)
    said = last_words(desk, told)
    assert said.startswith(f"You asked us for this: {ASKED_FOR}. None of our rules says so")
    assert "We tell you by" in said
    assert [asked(desk, told, "supervisor-1", asked_for=f"{ASKED_FOR} {n}")["approver"] for n in range(3)] == [
        "supervisor-2"
    ] * 3


def test_whoever_is_to_answer_is_told_at_once_and_whoever_it_passes_on_to(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective")
    one = asked(desk, told)
    name, due_ms = one["exception"], from_iso(one["answer_by"])

    def rung(kind: str) -> list[str]:
        found = desk.http.get("/v1/alerts", headers=desk.by(one["approver"])).json()["alerts"]
        return [alert["detail"] for alert in found if (alert["kind"], alert["about"]) == (kind, name)]

    (detail,) = rung("exception_asked")
    assert detail == (
        f"In {told['dispute']} something was asked for beyond the rules; "
        f"{one['approver']} is to answer it by {one['answer_by']}."
    )
    asked(desk, told)
    assert len(rung("exception_asked")) == 1, "the same asked twice waits once"
    with desk.house.parts.house.unit() as unit:
        unit.now_ms = due_ms + 1
        assert pass_on_exceptions(unit, only=name) == 1
    (detail,) = rung("exception_unanswered")
    after = desk.view(told)["exceptions"][0]["approver"]
    assert f"not answered in time; {after} is to answer it by" in detail


@pytest.mark.parametrize("asked_for", ["£50 towards a taxi", "a van on 3 May", "a visit on 01/05"])
def test_what_is_asked_for_may_name_a_sum_or_a_day(desk: CaseDesk, asked_for: str) -> None:
    told = desk.report(claim_type="defective")
    one = asked(desk, told, asked_for=asked_for)
    assert f"You asked us for this: {asked_for}." in last_words(desk, told)
    something = {"exception": one["exception"], "what": "a phone on loan", "until": "2030-05-01", "why": WHY}
    instead = desk.event(told, one["approver"], "exception_instead", **something)
    assert instead.status_code == 200, instead.text
    assert f"You asked us for this: {asked_for}." in last_words(desk, told, 2)


def test_the_customer_reads_what_they_asked_for_and_neither_who_answers_nor_why_no_rule_does(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective")
    asked(desk, told)
    own = desk.own(told)
    assert [one["asked_for"] for one in own["exceptions"]] == [ASKED_FOR]
    text = json.dumps(own) + desk.http.get(f"/c/{told['customer_token']}", headers=OURS).text
    assert not {name for name in ("supervisor-1", "supervisor-2", GAP) if name in text}
    assert json.loads(desk.file(told)["my-case.json"])["exceptions"] == own["exceptions"]


def test_a_yes_is_a_promise_with_a_day_and_an_owner_and_is_made_once(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective")
    one = asked(desk, told)
    yes = {"exception": one["exception"], "until": "2030-05-01"}
    before = len(desk.view(told)["promises"])
    answers = [desk.event(told, one["approver"], "exception_grant", **yes) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200], "sent twice, it is done once"
    view = desk.view(told)
    assert len(view["promises"]) == before + 1
    (promise,) = [each for each in view["promises"] if each["what"] == ASKED_FOR]
    assert (promise["owner"], promise["due"][:10], promise["source"]) == (view["owner"], "2030-05-01", "our_word")
    assert [(each["state"], each["promise"]) for each in view["exceptions"]] == [("granted", promise["promise"])]
    said = last_words(desk, told, 2)
    assert f"You asked us for this: {ASKED_FOR}. We say yes." in said
    assert f"We promise you {ASKED_FOR}. You get it as we agreed by 23:59 on 1 May 2030." in said
    kept = {"promise": promise["promise"], "reference": "LOAN-1"}
    assert desk.event(told, "agent-1", "promise_kept", **kept).is_success


def test_there_is_no_bare_no_what_is_given_instead_is_promised_with_its_reasons(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective")
    one = asked(desk, told)
    name, other = one["exception"], {"what": "a taxi to the shop", "why": WHY}
    for bare in ({}, {"why": WHY}, {"what": "a taxi to the shop"}, {"what": " ", "why": WHY}, {**other, "why": " "}):
        assert desk.event(told, one["approver"], "exception_instead", exception=name, **bare).status_code == 422
    assert desk.event(told, one["approver"], "exception_instead", exception=name, **other).is_success
    said = last_words(desk, told, 2)
    assert "We do something else for you. This is why: We have no phone there. Do you not agree?" in said
    assert "You can ask an independent body to overrule us." in said
    assert "We promise you a taxi to the shop." in said
    (shown_one,) = desk.view(told)["exceptions"]
    assert (shown_one["state"], shown_one["why"]) == ("instead", WHY)
    late = desk.event(told, "supervisor-2", "exception_grant", exception=name)
    assert late.status_code == 409


def test_neither_the_asker_nor_somebody_who_is_no_supervisor_answers_it(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective")
    name = asked(desk, told, "supervisor-1")["exception"]
    refused = desk.event(told, "supervisor-1", "exception_grant", exception=name)
    assert (refused.status_code, refused.json()["unmet"]) == (409, ["another_person"])
    assert desk.event(told, "agent-1", "exception_grant", exception=name).status_code == 403
    assert desk.event(told, "supervisor-2", "exception_grant", exception="exception_none").status_code == 404
    assert desk.event(told, "supervisor-2", "exception_grant", exception=name).is_success


def test_money_of_a_yes_is_no_more_than_what_is_left_unless_it_comes_on_top_of_the_rest(desk: CaseDesk) -> None:
    body = {"order": "SO-EXC-1", "imei": "490154203237518", "price_pence": 10_000}
    assert desk.http.post("/v1/orders", json=body, headers=desk.by("agent-1")).is_success
    told = desk.report(order="SO-EXC-1", claim_type="never_received")
    refund = desk.http.post(
        f"/v1/customer/{told['customer_token']}/choose", json={"remedy": "refund", "payout": "cheque"}
    )
    assert refund.is_success, refund.text
    one = asked(desk, told, asked_for="something for the wait")
    yes = {"exception": one["exception"], "amount_pence": 2_000}
    price_is_back = desk.event(told, one["approver"], "exception_grant", **yes)
    assert (price_is_back.status_code, code_of(price_is_back)) == (409, "has_it")
    assert desk.event(told, one["approver"], "exception_grant", **yes, beside=True).is_success
    sums = {each["what"]: each["amount_pence"] for each in desk.view(told)["promises"] if each["amount_pence"]}
    assert sums == {"your money back": 10_000, "something for the wait": 2_000}
    assert "something for the wait: £20. You get it on top of the rest by" in last_words(desk, told)


def test_unanswered_for_an_hour_it_rings_goes_to_another_one_and_the_customer_is_told_once(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective")
    one = asked(desk, told)
    house, name = desk.house.parts.house, one["exception"]
    due_ms, said = from_iso(one["answer_by"]), len(desk.own(told)["messages"])
    with house.read() as session:
        assert name not in late_exceptions(session, now_ms=due_ms)
        assert name in late_exceptions(session, now_ms=due_ms + 1)
        assert is_exception_late(session, now_ms=due_ms + 1)
    went_to = [one["approver"]]
    for hours in (1, 3):
        with house.unit() as unit:
            unit.now_ms = due_ms + hours * HOUR_MS
            assert pass_on_exceptions(unit, only=name) == 1
            assert pass_on_exceptions(unit, only=name) == 0, "its next hour has begun"
        went_to.append(desk.view(told)["exceptions"][0]["approver"])
    assert went_to[0] == went_to[2] != went_to[1]
    assert len(desk.own(told)["messages"]) == said + 1
    assert "We have not answered yet, and we are sorry." in last_words(desk, told)
    with house.read() as session:
        rings = [row for row in watch_store.alerts(session, seen=False, limit=200) if row.about == name]
    assert {row.kind for row in rings} == {"exception_asked", "exception_unanswered"}
    assert len(rings) == 2
    assert desk.event(told, went_to[0], "exception_grant", exception=name).is_success
    with house.read() as session:
        assert name not in late_exceptions(session, now_ms=due_ms + 9 * HOUR_MS)


def test_who_is_away_or_stands_behind_the_asker_is_no_approver_while_there_is_another(desk: CaseDesk) -> None:
    with desk.house.parts.house.read() as session:
        asker = persons.person(session, "supervisor-1")
        assert asker is not None
        assert persons.approvers(session, asker.person) == ["supervisor-2"]
        assert {"supervisor-1", "supervisor-2"} <= set(persons.supervisors(session))
    away = "/v1/accounts/supervisor-2/away"
    assert desk.http.post(away, json={"away": True}, headers=desk.by("supervisor-2")).is_success
    told = desk.report(claim_type="defective")
    assert {asked(desk, told, asked_for=f"{ASKED_FOR} {n}")["approver"] for n in range(3)} == {"supervisor-1"}
    assert asked(desk, told, "supervisor-1", asked_for="a case")["approver"] == "supervisor-2", "nobody else may"
    assert desk.http.post(away, json={"away": False}, headers=desk.by("supervisor-2")).is_success


def test_the_gap_is_in_a_list_with_an_owner_and_a_day_until_somebody_changed_the_rules(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective")
    gaps = [f"{GAP} {number}" for number in range(3)]
    for number, gap in enumerate(gaps):
        asked(desk, told, asked_for=f"{ASKED_FOR} {number}", gap=gap)
    mine = [row for row in listed(desk, "lessons", kind="gap") if row["dispute"] == told["dispute"]]
    assert sorted(row["says"] for row in mine) == gaps
    assert all(row["owner"].startswith("supervisor-") for row in mine)
    assert {from_iso(row["due"]) - from_iso(row["opened_at"]) for row in mine} == {14 * 24 * HOUR_MS}
    lesson, change = mine[0]["lesson"], {"change": "Loans abroad are in the rules."}
    path = f"/v1/lessons/{lesson}/learned"
    assert desk.http.post(path, json=change, headers=desk.by("agent-1")).status_code == 403
    assert desk.http.post(path, json={"change": " "}, headers=desk.by("supervisor-1")).status_code == 409
    answers = [desk.http.post(path, json=change, headers=desk.by("supervisor-1")) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    other = desk.http.post(path, json={"change": "Another."}, headers=desk.by("supervisor-1"))
    assert other.status_code == 409
    assert lesson not in {row["lesson"] for row in listed(desk, "lessons")}
    assert lesson in {row["lesson"] for row in listed(desk, "lessons", learned=True)}
    assert desk.http.get("/v1/lessons", params={"kind": "odd"}, headers=desk.by("agent-1")).status_code == 422
    for path in ("/v1/lessons", "/v1/exceptions"):
        assert desk.http.get(path).status_code == 401


def test_what_waits_is_listed_in_pages_and_what_was_answered_is_in_another_list(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective")
    names = [asked(desk, told, asked_for=f"{ASKED_FOR} {number}")["exception"] for number in range(3)]
    assert {*names} <= {row["exception"] for row in listed(desk, "exceptions")}
    assert desk.event(told, "supervisor-1", "exception_grant", exception=names[0]).is_success
    assert names[0] not in {row["exception"] for row in listed(desk, "exceptions")}
    assert names[0] in {row["exception"] for row in listed(desk, "exceptions", answered=True)}


@pytest.mark.parametrize("missing", ["asked_for", "gap"])
def test_what_is_needed_and_why_no_rule_gives_it_are_both_asked_of_staff_alone(desk: CaseDesk, missing: str) -> None:
    told = desk.report(claim_type="defective")
    assert ask(desk, told, **{missing: " "}).status_code == 422
    assert desk.view(told)["exceptions"] == []


def test_the_same_asked_for_twice_waits_once_and_words_of_ours_stand_in_for_what_no_message_can_have(
    desk: CaseDesk,
) -> None:
    told = desk.report(claim_type="defective")
    odd = "see order_77 {x}"
    for _ in range(2):
        asked(desk, told, asked_for=odd)
    (one,) = desk.view(told)["exceptions"]
    assert "You asked us for this: what you asked us for." in last_words(desk, told)
    refused = desk.event(told, one["approver"], "exception_grant", exception=one["exception"])
    assert (refused.status_code, code_of(refused)) == (422, "what")
    given = {"exception": one["exception"], "what": "a new charger"}
    assert desk.event(told, one["approver"], "exception_grant", **given).is_success


def test_a_report_that_is_taken_back_ends_what_waits_and_whoever_opens_it_again_is_asked_whether_they_still_need_it(
    desk: CaseDesk,
) -> None:
    told = desk.report()
    granted, waits = asked(desk, told, asked_for="a loan"), asked(desk, told)
    assert desk.event(told, granted["approver"], "exception_grant", exception=granted["exception"]).is_success
    link = f"/v1/customer/{told['customer_token']}"
    for _ in range(2):
        assert desk.http.post(f"{link}/withdraw").is_success
    assert [one["state"] for one in desk.view(told)["exceptions"]] == ["granted", "taken_back"]
    assert f"You also asked us for this: {ASKED_FOR}. You need no answer to it any more" in last_words(desk, told)
    assert waits["exception"] not in {row["exception"] for row in listed(desk, "exceptions")}
    late = desk.event(told, waits["approver"], "exception_grant", exception=waits["exception"])
    assert late.status_code == 409, "nobody promises what nobody wants any more"
    assert desk.http.post(f"{link}/disagree").is_success
    assert f"Before, you asked us for this: {ASKED_FOR}. You took it back with your report." in last_words(desk, told)
    again = asked(desk, told)
    assert (again["state"], again["exception"] != waits["exception"]) == ("asked", True)
    for _ in range(2):
        assert desk.http.post(f"{link}/found").is_success
    assert [one["state"] for one in desk.view(told)["exceptions"]] == ["granted", "taken_back", "taken_back"]
    page = desk.http.get(f"/console/cases/{told['dispute']}", headers=desk.by("agent-1")).text
    assert page.count("The customer took the report back, and what no rule gives with it") == 2


def test_a_joined_report_hands_it_over_and_a_case_is_not_erased_while_it_waits(desk: CaseDesk) -> None:
    told, other = desk.report(), desk.report()
    one = asked(desk, told)
    assert desk.event(told, "agent-1", "merge", into=other["dispute"], consent=True).is_success
    assert [each["exception"] for each in desk.view(other)["exceptions"]] == [one["exception"]]
    link = f"/v1/customer/{other['customer_token']}"
    assert desk.http.post(f"{link}/withdraw").is_success
    one = asked(desk, other)
    erasure = {"target": other["dispute"], "reason": "asked for"}
    held = desk.http.post("/v1/erasures", json=erasure, headers=desk.by("supervisor-1"))
    assert (held.status_code, code_of(held)) == (409, "legal_hold")
    assert desk.event(other, one["approver"], "exception_grant", exception=one["exception"]).is_success
    done = desk.http.post("/v1/erasures", json=erasure, headers=desk.by("supervisor-1"))
    assert done.is_success, done.text
    assert desk.view(other)["exceptions"] == []
    said = {row["says"] for row in listed(desk, "lessons") if row["dispute"] in {told["dispute"], other["dispute"]}}
    assert said == {"erased"}


def test_staff_ask_and_answer_on_the_page_of_the_case_and_find_what_waits_on_a_page_of_its_own(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective")
    path = f"/console/cases/{told['dispute']}"
    answer = desk.http.post(
        f"{path}/moves/exception", data={"asked_for": ASKED_FOR, "gap": GAP}, headers=desk.by("agent-1")
    )
    assert answer.headers["location"].endswith("done=exception")
    (one,) = desk.view(told)["exceptions"]
    page = desk.http.get(path, headers=desk.by("agent-1")).text
    assert f"{one['approver']} answers by" in page
    assert "this takes somebody in the role supervisor" in page
    waiting = desk.http.get("/console/lessons", headers=desk.by("supervisor-1")).text
    assert ASKED_FOR in waiting
    assert GAP in waiting
    assert desk.http.get("/console/lessons", headers=desk.by("agent-1")).status_code == 403
    given = {"exception": one["exception"], "until": "2030-05-01", "amount_pence": "", "beside": ""}
    bare = desk.http.post(
        f"{path}/moves/exception_instead", data={**given, "what": "a taxi", "why": ""}, headers=desk.by(one["approver"])
    )
    assert bare.status_code == 422
    yes = desk.http.post(f"{path}/moves/exception_grant", data=given, headers=desk.by(one["approver"]))
    assert yes.headers["location"].endswith("done=allowed"), yes.text
    lesson = re.search(r"/console/lessons/(lesson_\w+)/learned", waiting)
    assert lesson is not None
    change = f"/console/lessons/{lesson[1]}/learned"
    empty = desk.http.post(change, data={"change": " "}, headers=desk.by("supervisor-1"))
    assert empty.status_code == 422
    assert 'aria-invalid="true"' in empty.text
    done = desk.http.post(change, data={"change": "It is in the rules."}, headers=desk.by("supervisor-1"))
    assert done.headers["location"] == "/console/lessons?done=learned"


def test_the_command_line_asks_answers_lists_and_learns(desk: CaseDesk, tmp_path: Path) -> None:
    told = desk.report(claim_type="defective")
    agent, supervisor = (
        CommandLine(address=desk.house.address, folder=tmp_path, token=desk.house.token(name))
        for name in ("agent-1", "supervisor-1")
    )
    fields = ("--with", f"asked_for={ASKED_FOR}", "--with", f"gap={GAP}")
    (one,) = agent.json("dispute", "move", told["dispute"], "exception", *fields)["exceptions"]
    name = one["exception"]
    assert name in agent.run("dispute", "exceptions").out
    assert name in {row["exception"] for row in agent.json("dispute", "exceptions")["exceptions"]}
    assert f"beyond the rules: {name} {ASKED_FOR}" in agent.run("dispute", "show", told["dispute"]).out
    supervisor.run("dispute", "move", told["dispute"], "exception_grant", "--with", f"exception={name}")
    assert name in supervisor.run("dispute", "exceptions", "--answered").out
    rows = supervisor.json("dispute", "lessons", "--kind", "gap")["lessons"]
    lesson = next(row["lesson"] for row in rows if row["dispute"] == told["dispute"])
    assert lesson in supervisor.run("dispute", "lessons").out
    assert "learned" in supervisor.run("dispute", "learned", lesson, "Loans abroad are in the rules.").out
    assert lesson in supervisor.run("dispute", "lessons", "--learned").out
