"""What was promised stands in one list by its day, whoever's case it is: a day that nobody sees coming is missed."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from custody.kernel.clock import DAY_MS
from custody.store import case_book
from tests.doors.case_desk import CaseDesk
from tests.doors.command_line import CommandLine

DAYS = (5, -2, 9, 5)
"""When each case's promise is due, from today: one is late, and two fall on the same moment."""


@pytest.fixture
def promised(desk: CaseDesk) -> list[str]:
    """Cases with a promise each, in the order of their days, and of their names where the day is one."""
    told = [desk.report(claim_type="never_received", order=f"SO-DUE-{place}") for place in range(len(DAYS))]
    for case in told:
        chosen = desk.http.post(f"/v1/customer/{case['customer_token']}/choose", json={"remedy": "replacement"})
        assert chosen.is_success
    with desk.house.parts.house.unit() as unit:
        now_ms = unit.now_ms
        for case, days in zip(told, DAYS, strict=True):
            (promise,) = case_book.promises(unit.session, case["dispute"])
            case_book.put_promise(unit, replace(promise, due_ms=now_ms + days * DAY_MS))
    return [name for _, name in sorted((days, case["dispute"]) for days, case in zip(DAYS, told, strict=True))]


def pages(desk: CaseDesk, **asked: Any) -> list[list[dict[str, Any]]]:
    """Every page of the list, read to its end."""
    found, cursor = [], None
    while not found or cursor:
        params = {"due": True, **({"cursor": cursor} if cursor else {}), **asked}
        body = desk.http.get("/v1/disputes", params=params, headers=desk.by("agent-1")).raise_for_status().json()
        found.append(body["disputes"])
        cursor = body["next"]
    return found


def test_cases_are_listed_by_the_day_of_their_next_promise_page_by_page(desk: CaseDesk, promised: list[str]) -> None:
    listed = pages(desk, limit=2)
    rows = [row for page in listed for row in page]
    mine = [row["dispute"] for row in rows if row["dispute"] in promised]
    assert mine == promised
    days = [row["next_promise_at"] for row in rows]
    assert all(days)
    assert days == sorted(days)
    assert {len(page) for page in listed[:-1]} <= {2}
    assert len({row["dispute"] for row in rows}) == len(rows)


def test_the_page_and_the_command_list_them_in_the_same_order(
    desk: CaseDesk, promised: list[str], tmp_path: Path
) -> None:
    page = desk.http.get("/console/cases", params={"show": "due"}, headers=desk.by("agent-1")).text
    assert [name for name in re.findall(r"/console/cases/(case_\w+)", page) if name in promised] == promised
    token = desk.by("agent-1")["authorization"].removeprefix("Bearer ")
    shell = CommandLine(address=desk.house.address, folder=tmp_path, token=token)
    out = shell.run("dispute", "list", "--due").out
    rows = re.findall(r"^\W*(case_\w+)", out, re.MULTILINE)  # the service writes its own lines there, of late promises
    assert [name for name in rows if name in promised] == promised
    assert "promised by 20" in " ".join(out.split())


def test_a_kept_promise_and_a_case_without_one_are_not_listed(desk: CaseDesk, promised: list[str]) -> None:
    other = desk.report(claim_type="never_received", order="SO-DUE-NONE")
    first = promised[0]
    (promise,) = desk.view({"dispute": first})["promises"]
    kept = desk.event({"dispute": first}, "agent-1", "promise_kept", promise=promise["promise"], reference="JJD1")
    assert kept.is_success, kept.text
    names = [row["dispute"] for page in pages(desk) for row in page]
    assert [name for name in names if name in {*promised, other["dispute"]}] == promised[1:]


@pytest.mark.parametrize("cursor", ["", "x", "1", "case_0k3v9q2m7x4d8r1t", "-1-case_x", f"{10**30}-case_x"])
def test_a_cursor_that_no_page_ended_with_is_refused(desk: CaseDesk, cursor: str) -> None:
    asked = {"due": True, "cursor": cursor}
    answer = desk.http.get("/v1/disputes", params=asked, headers=desk.by("agent-1"))
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (422, "cursor")
