"""All that one account ordered is let go by one person: at the door, on the command line and in the console."""

import re
from itertools import count
from pathlib import Path

import pytest

from custody.gs1.check_digit import luhn_check_digit
from devicelock.rules.order import OrderState
from devicelock.store import LockOrderRow
from devicelock.usecases import release_group
from tests.doors.case_desk import CaseDesk
from tests.doors.command_line import CommandLine

NUMBERS = count(35_000_000_000_000)
COUNT = 3
Asked = tuple[str, list[str]]


@pytest.fixture
def asked(desk: CaseDesk, monkeypatch: pytest.MonkeyPatch) -> Asked:
    """The group of an agent who has asked for several locks, and the orders; two are let go in one unit."""
    monkeypatch.setattr(release_group, "AT_ONCE", 2)
    orders = []
    for number in range(COUNT):
        body = f"{next(NUMBERS)}"
        imei = f"{body}{luhn_check_digit(body)}"
        desk.register(imei, seed=number)
        lock = {"imei": imei, "imei_last4": imei[-4:], "reason": "missing_from_custody", "evidence": ["note:1"]}
        orders.append(str(desk.http.post("/v1/locks", json=lock, headers=desk.by("agent-1")).json()["order"]))
    with desk.house.parts.house.unit() as unit:
        rows = [unit.session.get_one(LockOrderRow, order) for order in orders]
        for row in rows:  # nothing ties these handsets to a parcel, so they were refused
            row.state, row.decided_ms = OrderState.REQUESTED, unit.now_ms
        (group,) = {str(row.group) for row in rows}
    return group, orders


def states(desk: CaseDesk, orders: list[str]) -> set[str]:
    """Where these orders stand."""
    return {desk.http.get(f"/v1/locks/{order}", headers=desk.by("agent-2")).json()["state"] for order in orders}


def test_so_many_are_let_go_at_once_until_none_is_left(desk: CaseDesk, asked: Asked) -> None:
    group, orders = asked
    assert states(desk, orders) == {"requested"}
    listed = desk.http.get("/v1/locks/groups", headers=desk.by("agent-2")).json()["groups"]
    assert [each["open"] for each in listed if each["group"] == group] == [COUNT]
    answers = [
        desk.http.post("/v1/locks/releases", json={"group": group}, headers=desk.by("agent-2")).json() for _ in range(3)
    ]
    assert [([row["order"] for row in each["released"]], each["left"]) for each in answers] == [
        (orders[:2], 1),
        (orders[2:], 0),
        ([], 0),
    ]
    assert states(desk, orders) == {"refused"}


def test_the_command_asks_until_none_is_left(desk: CaseDesk, asked: Asked, tmp_path: Path) -> None:
    group, orders = asked
    shell = CommandLine(address=desk.house.address, token=desk.house.token("agent-2"), folder=tmp_path)
    assert f"{COUNT} orders of {group} were let go." in shell.run("lock", "release", group).out
    assert states(desk, orders) == {"refused"}
    assert shell.json("lock", "release", group) == {"group": group, "released": []}


def release_form(desk: CaseDesk, group: str) -> str | None:
    """Where the console's form to let a group's orders go is sent; None if there is none."""
    page = desk.http.get("/console/locks", headers=desk.by("investigator-1")).text
    form = re.search(rf'action="([^"]+)"><input type="hidden" name="group" value="{group}"><span>', page)
    return None if form is None else form[1]


def test_the_console_lets_go_all_of_it_by_one_form(desk: CaseDesk, asked: Asked) -> None:
    group, orders = asked
    form = release_form(desk, group)
    assert form is not None
    sent = desk.http.post(form, data={"group": group}, headers=desk.by("investigator-1"))
    assert sent.status_code == 303
    assert states(desk, orders) == {"refused"}
    assert release_form(desk, group) is None
