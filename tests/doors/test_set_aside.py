"""A remedy that was set aside, because another report puts the order right, is not shown to staff as on its way."""

from dataclasses import replace
from typing import Any

import pytest

from api.pages.words import CASE_STATES, SET_ASIDE
from custody.store import case_book
from tests.doors.case_desk import CaseDesk

ORDER = "SO-ASIDE"


def of_the_box(desk: CaseDesk, told: dict[str, Any]) -> dict[str, Any]:
    """The same report as if it had named only what stands on the box."""
    with desk.house.parts.house.unit() as unit:
        file = case_book.hold_one(unit, told["dispute"])
        case_book.replace(unit, replace(file, order_named=False), before=file)
    return told


def shown(desk: CaseDesk, told: dict[str, Any]) -> set[str]:
    """The words for where the case stands, in the list, on its page and where it was looked for."""
    case, by = told["dispute"], desk.by("agent-1")
    row = desk.http.get("/console/cases", headers=by).text.split(f"/console/cases/{case}")[1].split("</tr>")[0]
    pages = (row, desk.http.get(f"/console/cases/{case}", headers=by).text)
    found = desk.http.get("/console/find", params={"q": ORDER}, headers=by).text
    entry = found.split(f"/console/cases/{case}")[1].split("</li>")[0]
    return {page.split('<span class="state ')[1].split(">")[1].split("<")[0] for page in (*pages, entry)}


def two_reports(desk: CaseDesk, order: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two reports of one order: of the box, and of whoever ordered it."""
    sold = {"order": order, "imei": "356938035643809", "product": "phone", "price_pence": 79900}
    assert desk.http.post("/v1/orders", json=sold, headers=desk.by("agent-1")).is_success
    first, mine = (desk.report(order=order, claim_type="damaged") for _ in range(2))
    return of_the_box(desk, first), mine


@pytest.fixture
def reports(desk: CaseDesk) -> tuple[dict[str, Any], dict[str, Any]]:
    """Those of the order that is looked for."""
    return two_reports(desk, ORDER)


def told_in_json(desk: CaseDesk, told: dict[str, Any]) -> bool:
    """The same of the list and of the case, which agree."""
    listed = desk.http.get("/v1/disputes", params={"limit": 200}, headers=desk.by("agent-1")).json()["disputes"]
    said = {next(row["set_aside"] for row in listed if row["dispute"] == told["dispute"]), desk.view(told)["set_aside"]}
    (answer,) = said
    return bool(answer)


def choose(desk: CaseDesk, told: dict[str, Any]) -> None:
    answer = desk.http.post(f"/v1/customer/{told['customer_token']}/choose", json={"remedy": "replacement"})
    assert answer.is_success, answer.text


def test_staff_read_that_a_remedy_was_set_aside_and_not_that_it_is_on_its_way(
    desk: CaseDesk, reports: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    box, mine = reports
    choose(desk, box)
    assert shown(desk, box) == {CASE_STATES["remedy_in_progress"]}
    assert not told_in_json(desk, box)
    choose(desk, mine)
    assert shown(desk, box) == {SET_ASIDE}
    assert told_in_json(desk, box)
    assert not told_in_json(desk, mine)
    assert shown(desk, mine) == {CASE_STATES["remedy_in_progress"]}


@pytest.mark.parametrize("what", [{"event": "access_request"}, {"event": "needs", "has_working_phone": False}])
def test_what_is_promised_beside_the_remedy_hides_not_that_the_remedy_was_set_aside(
    desk: CaseDesk, what: dict[str, Any]
) -> None:
    box, mine = two_reports(desk, f"SO-BESIDE-{what['event']}")
    choose(desk, box)
    choose(desk, mine)
    assert desk.event(box, "agent-1", **what).is_success
    assert told_in_json(desk, box)
    given = desk.event(box, "agent-1", "delivered_or_paid", reference="JJD-TWICE")
    assert given.status_code == 409
    assert given.json()["type"].endswith(":set_aside")
