"""What time brings about for one customer does not wait for another whose case cannot be worked on."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlmodel import Session

from api.parts import Parts
from api.rounds import timer
from custody.disputes.messages import Message
from custody.disputes.promise import Promise
from custody.kernel.clock import DAY_MS
from custody.kernel.errors import Conflict
from custody.store import case_book
from custody.store.unit import Unit
from devicelock import store, watch_store
from devicelock.backends.android import NAME as ANDROID
from devicelock.backends.nanomdm import NAME as NANOMDM
from devicelock.part_store import PartRow
from devicelock.usecases import sweep
from devicelock.usecases.lock_office import LockOffice
from devicelock.usecases.settle_parts import remember
from simulators.radio import Radio
from tests.stories.lock_steps import leave, say_received, told
from tests.stories.test_backend_stories import with_two
from tests.stories.test_lock_news import NOTICE, count
from tests.world import World
from tests.world_parts import Opened

UPDATE = "We still look at the path"
LETTER = "You may go to"


@pytest.fixture
def look(either: World, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Lend a while in which the service's own timer looks at what is due."""

    def run() -> None:
        monkeypatch.setattr(timer, "EVERY_S", 0.02)
        parts: Any = SimpleNamespace(house=either.house, locks=either.office, clock=either.clock)
        running = timer.Timer(cast("Parts", parts))
        running.start()
        time.sleep(1.5)
        running.stop()

    return run


@contextmanager
def nothing_can_be_said_to(case: str) -> Iterator[None]:
    """Whatever is said to this customer fails."""
    say = case_book.say

    def fail_for_one(unit: Unit, dispute: str, messages: Sequence[Message]) -> None:
        if dispute == case:
            raise ValueError(dispute)
        say(unit, dispute, messages)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(case_book, "say", fail_for_one)
        yield


@contextmanager
def nothing_can_be_anchored(world: World) -> Iterator[None]:
    """The disk under the anchor is full."""
    path = world.folder / "anchor" / "locks.txt"
    kept = path.rename(path.with_suffix(".kept"))
    path.symlink_to("/dev/full")
    yield
    kept.replace(path)


@pytest.fixture
def two(either: World) -> list[tuple[Opened, Radio]]:
    """Lend two disputes, each with its locked handset; the first one's is always due before the other's."""
    found = []
    for parcel in either.parcels[:2]:
        radio = either.handset(parcel)
        opened = either.dispute(parcel, "substituted")
        radio.switch_on()
        either.deliver()
        assert radio.handset.screen_locked
        either.clock.at_ms += 1000
        found.append((opened, radio))
    return found


def test_locks_lapse_and_promises_and_investigations_are_told_of_beside_a_case_that_fails(
    either: World, two: list[tuple[Opened, Radio]], look: Callable[[], None]
) -> None:
    (stuck, _), (other, _) = two
    for radio in (two[0][1], two[1][1]):
        radio.switch_off()
    either.clock.at_ms += 6 * DAY_MS
    with nothing_can_be_said_to(stuck.case):
        look()
    assert either.order(stuck.order.id).state == "active_provisional"
    assert either.order(other.order.id).state == "release_queued"
    assert UPDATE in told(either, other)
    assert UPDATE not in told(either, stuck)
    look()
    assert either.order(stuck.order.id).state == "release_queued"
    assert UPDATE in told(either, stuck)


def test_a_lock_that_cannot_be_released_in_time_is_told_of_once(
    either: World, two: list[tuple[Opened, Radio]], look: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise Conflict("stuck", "something stands in its way", fix="Look at it.")

    either.clock.at_ms += 4 * DAY_MS
    with monkeypatch.context() as patch:
        patch.setattr(sweep, "release", fail)
        look()
        look()
    with either.house.read() as session:
        about = [row.about for row in watch_store.alerts(session, seen=False) if row.kind == "release_overdue"]
        lines = store.events_of(session, two[0][0].order.id)
    assert sorted(about) == sorted(opened.order.id for opened, _ in two)
    assert len(lines) < 10
    look()
    assert either.order(two[0][0].order.id).state != "active_provisional"


def test_a_phone_is_free_at_one_lock_system_beside_another_whose_answer_cannot_be_kept(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    others, opened = with_two(world, ANDROID, NANOMDM)
    others.carry()
    others.settle()
    assert [bench.locked() for bench in others.benches.values()] == [True, True]
    world.found(opened)

    def fail_for_one(unit: Unit, office: LockOffice, part: PartRow, *rest: Any) -> None:
        if part.backend == ANDROID:
            raise ValueError(part.backend)
        remember(unit, office, part, *rest)

    with monkeypatch.context() as patch:
        patch.setattr("devicelock.usecases.carry_parts.remember", fail_for_one)
        others.carry()
    assert not others.benches[NANOMDM].locked()
    others.carry()
    others.settle()
    assert not others.benches[ANDROID].locked()
    assert world.order(opened.order.id).state == "released"


def test_a_leaver_is_told_beside_one_whose_case_fails(
    either: World, two: list[tuple[Opened, Radio]], look: Callable[[], None]
) -> None:
    (stuck, first), (other, second) = two
    leave(either, first, in_ms=2 * DAY_MS)
    leave(either, second, in_ms=2 * DAY_MS + 1000)
    either.deliver()
    either.clock.at_ms += DAY_MS + 2000
    before = count(either, stuck, NOTICE), count(either, other, NOTICE)
    with nothing_can_be_said_to(stuck.case):
        look()
    assert (count(either, stuck, NOTICE), count(either, other, NOTICE)) == (before[0], before[1] + 1)
    look()
    assert count(either, stuck, NOTICE) == before[0] + 1


def test_a_handset_is_retired_beside_one_that_fails(
    either: World, look: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    devices = sorted(either.handset(parcel).handset.device for parcel in either.parcels[:2])
    either.clock.at_ms += 400 * DAY_MS
    retire = either.anchor.retire

    def fail_for_one(device: str) -> None:
        if device == devices[0]:
            raise ValueError(device)
        retire(device)

    with monkeypatch.context() as patch:
        patch.setattr(either.anchor, "retire", fail_for_one)
        look()
    assert [either.anchor.of(device).retired for device in devices] == [False, True]
    look()
    assert [either.anchor.of(device).retired for device in devices] == [True, True]


def test_a_case_has_its_letter_beside_one_that_cannot_be_looked_at(
    either: World, look: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck, other = sorted((either.dispute(None, "never_received") for _ in range(2)), key=lambda opened: opened.case)
    promises = case_book.promises

    def fail_for_one(session: Session, dispute: str) -> list[Promise]:
        if dispute == stuck.case:
            raise ValueError(dispute)
        return promises(session, dispute)

    either.clock.at_ms += 60 * DAY_MS
    with monkeypatch.context() as patch:
        patch.setattr(case_book, "promises", fail_for_one)
        look()
    assert [LETTER in told(either, opened) for opened in (stuck, other)] == [False, True]
    look()
    assert LETTER in told(either, stuck)


def test_a_handset_is_retired_beside_one_that_cannot_be_looked_at(either: World, look: Callable[[], None]) -> None:
    devices = sorted(either.handset(parcel).handset.device for parcel in either.parcels[:2])
    either.clock.at_ms += 400 * DAY_MS
    retires_at, office = either.office.retires_at, either.office
    with either.house.read() as session:
        stuck = store.device(session, devices[0]).imei

    def fail_for_one(session: Session, imei: str) -> int | None:
        if imei == stuck:
            raise ValueError(imei)
        return retires_at(session, imei)

    either.office = replace(office, retires_at=fail_for_one)
    look()
    assert [either.anchor.of(device).retired for device in devices] == [False, True]
    either.office = office
    look()
    assert [either.anchor.of(device).retired for device in devices] == [True, True]


@pytest.mark.parametrize("say", [say_received, leave])
def test_a_phone_is_free_while_nothing_can_be_anchored_and_is_retired_once_it_can(
    either: World, two: list[tuple[Opened, Radio]], look: Callable[[], None], say: Callable[[World, Radio], None]
) -> None:
    (opened, radio), _ = two
    with nothing_can_be_anchored(either):
        say(either, radio)
        either.deliver()
        assert not radio.handset.screen_locked
        assert either.order(opened.order.id).state == "released"
        say(either, radio)
        look()
        assert not either.anchor.of(radio.handset.device).retired
    with either.house.read() as session:
        wished = store.desired(store.device(session, radio.handset.device))
    assert (wished.state, wished.to_retire) == ("unlocked", True), "nothing is retired before it is anchored"
    look()
    either.deliver()
    assert either.anchor.of(radio.handset.device).retired
    assert radio.handset.state.applied == "retired"
