"""A customer who does not agree is told that we look at it again: staff see it until a person has acted."""

from typing import Any

import pytest

from custody.store import case_book
from tests.doors.case_desk import CaseDesk

TAG = "Does not agree"


def row_of(desk: CaseDesk, told: dict[str, Any]) -> str:
    page = desk.http.get("/console/cases", headers=desk.by("agent-1")).text
    return page.split(f"/console/cases/{told['dispute']}")[1].split("</tr>")[0]


def seen_by_staff(desk: CaseDesk, told: dict[str, Any]) -> bool:
    """Whether it stands in the list, in the case, and on both pages; all say the same."""
    case, by = told["dispute"], desk.by("agent-1")
    listed = desk.http.get("/v1/disputes", params={"limit": 200}, headers=by).json()["disputes"]
    answers = {next(each["disagreed"] for each in listed if each["dispute"] == case)}
    answers.add(desk.view(told)["disagreed"])
    answers |= {TAG in row_of(desk, told), TAG in desk.http.get(f"/console/cases/{case}", headers=by).text}
    (answer,) = answers
    return bool(answer)


@pytest.fixture
def told(desk: CaseDesk) -> dict[str, Any]:
    return desk.report()


def disagree(desk: CaseDesk, told: dict[str, Any]) -> None:
    assert desk.http.post(f"/v1/customer/{told['customer_token']}/disagree").is_success


def test_staff_see_that_a_customer_does_not_agree_until_a_person_has_acted(
    desk: CaseDesk, told: dict[str, Any]
) -> None:
    other = desk.report(claim_type="never_received")
    assert not seen_by_staff(desk, told)
    disagree(desk, told)
    assert seen_by_staff(desk, told)
    assert not seen_by_staff(desk, other)
    assert desk.event(told, "agent-1", "classify", claim_type="defective").is_success
    assert not seen_by_staff(desk, told)
    disagree(desk, told)
    assert seen_by_staff(desk, told)


def test_neither_the_customer_nor_the_timer_nor_a_handset_makes_it_seen(desk: CaseDesk, told: dict[str, Any]) -> None:
    disagree(desk, told)
    link = f"/v1/customer/{told['customer_token']}"
    assert desk.http.post(f"{link}/words", json={"words": "Please look again."}).is_success
    with desk.house.parts.house.unit() as unit:
        case_book.note(unit, told["dispute"], "promise_missed", actor="system", facts={})
        case_book.note(unit, told["dispute"], "handset_seen", actor="dev_1", facts={"sim": "other"})
    assert seen_by_staff(desk, told)


def test_what_is_said_twice_before_a_person_has_acted_stands_there_once(desk: CaseDesk, told: dict[str, Any]) -> None:
    for _ in range(2):
        disagree(desk, told)
    lines = [line["kind"] for line in desk.view(told)["timeline"]]
    assert lines.count("disagreed") == 1
    assert desk.event(told, "agent-1", "classify", claim_type="defective").is_success
    disagree(desk, told)
    assert seen_by_staff(desk, told)
