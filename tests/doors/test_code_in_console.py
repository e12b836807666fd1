"""Whoever calls with a locked handset is read a code out of the console, whatever is known of the handset there."""

import re
from dataclasses import replace

import pytest

from devicelock import store
from devicelock.rules.applied import Applied
from devicelock.rules.command import Op
from devicelock.rules.desired import Issued, Seen
from devicelock.rules.order import OrderState
from tests.doors.case_desk import CaseDesk

IMEI = "490154203237518"
ORDER = "lock_lost"


@pytest.fixture(scope="module")
def told(desk: CaseDesk) -> dict[str, str]:
    """A case for which the handset was locked, whose answer was lost: the last that it said is older than its lock."""
    desk.register(IMEI)
    told = desk.report(order="SO-LOST-WORD", claim_type="never_received")
    desk.put_lock(told, ORDER, IMEI)
    return told


def put(desk: CaseDesk, state: OrderState, *, answered: bool) -> None:
    """Let the order stand in a state, in which it was called back if it is over; `answered`: and its handset free."""
    is_over = state is OrderState.RELEASED
    with desk.house.parts.house.unit() as unit:
        row = store.order(unit.session, ORDER)
        row.state, row.release_ms, row.released_ms = state, None, None
        row.group, row.wrong_ms = "account:agent-1:2026-01-01", unit.now_ms
        if is_over:
            row.release_ms = row.released_ms = unit.now_ms
        unit.session.add(row)
        device = store.device(unit.session, row.device)
        pair = (1, 2) if is_over else (1, 1)
        issued = Issued(command_id="cmd", op=Op.UNLOCK if is_over else Op.LOCK, pair=pair, version=1)
        seen = Seen(applied=Applied.UNLOCKED, pair=pair if answered else (0, 0), at_s=1)
        wished = Applied.UNLOCKED if is_over else Applied.LOCKED
        said = replace(store.desired(device), state=wished, version=1, order=ORDER, issued=issued, seen=seen)
        store.set_desired(unit.session, device, said)


@pytest.mark.parametrize(
    ("state", "answered", "heading", "words"),
    [
        (OrderState.QUEUED, False, "On its way", "the handset has not answered yet, and may be locked"),
        (
            OrderState.RELEASED,
            False,
            "Released, no answer known",
            "the handset has not said since whether it is locked",
        ),
        (OrderState.RELEASED, True, "Released", "The handset is free."),
    ],
)
def test_the_console_has_the_code_of_every_lock_that_was_decided_and_says_free_of_none_that_may_be_locked(
    desk: CaseDesk, told: dict[str, str], state: OrderState, heading: str, words: str, *, answered: bool
) -> None:
    put(desk, state, answered=answered)
    page = f"/console/cases/{told['dispute']}"
    shown = desk.http.get(page, headers=desk.by("agent-1")).text
    assert f"<h3>{heading}</h3>" in shown
    assert words in shown
    assert ("The handset is free." in shown) is answered
    assert f'action="{page}/locks/{ORDER}/code"' in shown
    locks = desk.http.get("/console/locks", headers=desk.by("supervisor-1")).text
    assert re.findall(f'<dd>([^<]*), <a href="{page}"', locks) == [heading], "its group is paused"
    assert "No handset is locked" not in locks
    own = desk.http.get(f"/c/{told['customer_token']}/status").text
    assert ("The phone is not locked." in own) is answered
    assert ("may be locked" in own or "has not told us" in own) is not answered
    typed = {"challenge": "12345678 3.17"}
    answer = desk.http.post(f"{page}/locks/{ORDER}/code", data=typed, headers=desk.by("agent-1"))
    assert re.search(r"Read this code out: <strong>\d{8}</strong>", answer.text)
