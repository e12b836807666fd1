"""Stories of locks that only a limit or the kill switch held back: they are asked for again when that is over."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from api import customer_moves
from api.parts import Parts
from api.rounds import timer
from custody.kernel.clock import DAY_MS, HOUR_MS, MINUTE_MS
from custody.store import case_book
from custody.store.unit import Unit
from devicelock import put_off_store, store
from devicelock.rules.caps import Caps
from devicelock.rules.order import OrderState
from devicelock.store import LockOrderRow
from devicelock.usecases.lock_office import LockOffice
from simulators.radio import Radio
from tests.stories.lock_steps import ask
from tests.world import World, new_world
from tests.world_parts import Opened

SOON_MS = MINUTE_MS


@pytest.fixture
def missed(database_url: str, tmp_path: Path) -> Iterator[World]:
    """Lend a world of three parcels that never came, on each engine in turn; the authority is in force."""
    mine = new_world(database_url, tmp_path / "world", parcels=3)
    yield mine
    mine.audit()
    mine.close()


def report(world: World, place: int) -> tuple[Opened, Radio]:
    """The customer of a parcel misses it; its handset is on, far from home."""
    radio = world.switched_on(world.parcels[place])
    opened = world.dispute(world.parcels[place], "never_received")
    world.deliver()
    return opened, radio


def orders_of(world: World, opened: Opened) -> list[LockOrderRow]:
    with world.house.read() as session:
        found = store.orders_of_dispute(session, opened.case)
        return sorted(found, key=lambda order: order.created_ms)


def states(world: World, opened: Opened) -> list[str]:
    return [order.state for order in orders_of(world, opened)]


def messages(world: World, opened: Opened) -> str:
    with world.house.read() as session:
        return "\n".join(text for _, text in case_book.messages(session, opened.case))


def put_off(world: World) -> int:
    with world.house.read() as session:
        return put_off_store.count(session)


def test_what_the_kill_switch_held_back_is_locked_soon_after_two_people_let_locks_go_on(missed: World) -> None:
    missed.throw_switch(on=True)
    opened, radio = report(missed, 0)
    assert states(missed, opened) == [OrderState.REFUSED]
    assert opened.lock.allowed_by.endswith("It is asked for again by itself.")
    assert "We have stopped all locks for now. We will try again." in messages(missed, opened)
    missed.step(SOON_MS)
    assert (states(missed, opened), put_off(missed)) == ([OrderState.REFUSED], 1), "nothing is asked for meanwhile"
    missed.throw_switch(on=False, by="supervisor-2")
    missed.step(1)
    missed.deliver()
    assert states(missed, opened) == [OrderState.REFUSED, OrderState.ACTIVE_PROVISIONAL]
    assert radio.handset.screen_locked
    assert put_off(missed) == 0


def test_what_a_paused_group_held_back_is_locked_when_somebody_lets_the_group_go_on(missed: World) -> None:
    missed.office = replace(missed.office, caps=Caps(canary=1))
    report(missed, 0)
    opened, radio = report(missed, 1)
    assert states(missed, opened) == [OrderState.REFUSED]
    assert "We lock only a few phones at a time. We will try again." in messages(missed, opened)
    missed.step(HOUR_MS)
    assert states(missed, opened) == [OrderState.REFUSED]
    missed.clear_groups()
    missed.step(1)
    missed.deliver()
    assert states(missed, opened) == [OrderState.REFUSED, OrderState.ACTIVE_PROVISIONAL]
    assert radio.handset.screen_locked


def test_what_the_limit_of_an_hour_held_back_is_locked_in_the_next_one(missed: World) -> None:
    missed.office = replace(missed.office, caps=Caps(per_hour=1))
    report(missed, 0)
    (second, _), (third, _) = report(missed, 1), report(missed, 2)
    for _ in range(7):
        missed.step(10 * MINUTE_MS)
    missed.deliver()
    assert [states(missed, second)[-1], states(missed, third)[-1]] == [
        OrderState.ACTIVE_PROVISIONAL,
        OrderState.REFUSED,
    ], "who has waited longest is first, and the limit counts for each"
    for _ in range(7):
        missed.step(10 * MINUTE_MS)
    missed.deliver()
    assert states(missed, third) == [OrderState.REFUSED, OrderState.ACTIVE_PROVISIONAL]


def test_a_lock_is_not_asked_for_again_once_its_customer_has_the_handset(missed: World) -> None:
    missed.throw_switch(on=True)
    opened, radio = report(missed, 0)
    with missed.house.unit() as unit:
        customer_moves.found_it(unit, missed.office, dispute=opened.case)
    missed.throw_switch(on=False, by="supervisor-2")
    missed.step(SOON_MS)
    missed.deliver()
    assert states(missed, opened) == [OrderState.REFUSED]
    assert (put_off(missed), radio.handset.screen_locked) == (0, False)


def test_a_lock_is_not_asked_for_again_once_people_ordered_one(missed: World) -> None:
    missed.office = replace(missed.office, caps=Caps(canary=1))
    report(missed, 1)
    opened, _ = report(missed, 0)
    order = ask(missed, "agent-1", dispute=opened.case)
    missed.approve(order.id, "supervisor-1")
    missed.deliver()
    missed.clear_groups()
    missed.step(SOON_MS)
    assert states(missed, opened) == [OrderState.REFUSED, OrderState.ACTIVE_PROVISIONAL]
    assert put_off(missed) == 0


def test_what_more_than_a_limit_held_back_is_for_people_to_decide(missed: World) -> None:
    missed.throw_switch(on=True)
    missed.withdraw_authority()
    opened, _ = report(missed, 0)
    assert put_off(missed) == 0
    assert "We will try again" not in messages(missed, opened)
    missed.throw_switch(on=False, by="supervisor-2")
    missed.step(DAY_MS)
    assert states(missed, opened) == [OrderState.REFUSED]


def test_what_has_come_to_stand_in_the_way_meanwhile_ends_the_wait(missed: World) -> None:
    """Judged anew in full: an authority that was withdrawn locks nothing, and the customer is told why."""
    missed.throw_switch(on=True)
    opened, _ = report(missed, 0)
    missed.withdraw_authority()
    missed.throw_switch(on=False, by="supervisor-2")
    missed.step(SOON_MS)
    assert states(missed, opened) == [OrderState.REFUSED, OrderState.REFUSED]
    assert put_off(missed) == 0


def test_a_lock_of_which_one_fails_holds_back_no_other(missed: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service's own timer looks, and tries each alone when all together fail."""
    missed.throw_switch(on=True)
    (first, _), (second, radio) = report(missed, 0), report(missed, 1)
    missed.throw_switch(on=False, by="supervisor-2")
    freed = missed.office.freed

    def fail_for_one(unit: Unit, office: LockOffice, disputes: Sequence[str]) -> None:
        if first.case in disputes:
            raise ValueError(disputes)
        freed(unit, office, disputes)

    monkeypatch.setattr(timer, "EVERY_S", 0.02)
    office = replace(missed.office, freed=fail_for_one)
    parts: Any = SimpleNamespace(house=missed.house, locks=office, clock=missed.clock)
    running = timer.Timer(cast("Parts", parts))
    running.start()
    deadline = time.monotonic() + 20
    while states(missed, second)[-1] == OrderState.REFUSED and time.monotonic() < deadline:
        time.sleep(0.02)
    running.stop()
    missed.deliver()
    assert (states(missed, first), put_off(missed)) == ([OrderState.REFUSED], 1)
    assert states(missed, second)[-1] == OrderState.ACTIVE_PROVISIONAL
    assert radio.handset.screen_locked


def test_who_waits_outlives_the_process(missed: World) -> None:
    missed.throw_switch(on=True)
    opened, radio = report(missed, 0)
    missed.throw_switch(on=False, by="supervisor-2")
    missed.restart()
    missed.step(1)
    missed.deliver()
    assert states(missed, opened)[-1] == OrderState.ACTIVE_PROVISIONAL
    assert radio.handset.screen_locked
