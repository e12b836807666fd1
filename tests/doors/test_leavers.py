"""Whoever writes to customers reads every leaver, a page at a time, however many there are."""

import pytest

from custody.kernel.clock import DAY_MS
from custody.kernel.system_clock import SystemClock
from devicelock.watch_store import LeavingRow
from simulators.goods import SMARTPHONES, make_unit
from tests.doors.case_desk import CaseDesk

TOLD_MS = (1_000, 1_000, 1_000, 3_000, 2_000)


@pytest.fixture(scope="module")
def leaving(desk: CaseDesk) -> list[str]:
    """Handsets whose customers leave, in the order of the list: some were told in one moment."""
    told = []
    for place, told_ms in enumerate(TOLD_MS):
        device = desk.register(make_unit(SMARTPHONES[0], 700 + place).imei, seed=place)
        ends_ms = SystemClock().now_ms() + DAY_MS
        with desk.house.parts.house.unit() as unit:
            row = LeavingRow(device=device, ends_ms=ends_ms, next_ms=None, told_ms=told_ms, words="You leave.")
            unit.session.add(row)
        told.append((-told_ms, device))
    return [device for _, device in sorted(told)]


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 200])
def test_every_leaver_is_on_one_page(desk: CaseDesk, leaving: list[str], limit: int) -> None:
    found, cursor = [], None
    while not found or cursor:
        asked = {"limit": limit} | ({"cursor": cursor} if cursor else {})
        page = desk.http.get("/v1/leavers", params=asked, headers=desk.by("agent-1")).json()
        found += [row["device"] for row in page["leavers"]]
        cursor = page["next"]
    assert found == leaving


@pytest.mark.parametrize("cursor", ["", "x", "1", "dev_0k3v9q2m7x4d8r1t", "-1-dev_x", f"{10**30}-dev_x"])
def test_a_cursor_that_no_page_ended_with_is_refused(desk: CaseDesk, cursor: str) -> None:
    refused = desk.http.get("/v1/leavers", params={"cursor": cursor}, headers=desk.by("agent-1"))
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:weaklink:problem:cursor")


def test_whoever_writes_to_a_leaver_reads_who_speaks_for_them(desk: CaseDesk, leaving: list[str]) -> None:
    unit = make_unit(SMARTPHONES[0], 700)
    people = {"holder": "Arthur Marlowe", "representative": "Neil Marlowe", "write_to": "neil@example.org"}
    sold = {"order": "SO-LEAVER", "imei": unit.imei, "people": people}
    assert desk.http.post("/v1/orders", json=sold, headers=desk.by("agent-1")).is_success
    rows = desk.http.get("/v1/leavers", headers=desk.by("agent-1")).json()["leavers"]
    by_order = {row["order"]: row["write_to"] for row in rows}
    assert by_order["SO-LEAVER"] == {"name": "Neil Marlowe", "contact": "neil@example.org"}
    assert by_order[None] is None
    assert len(rows) == len(leaving)
