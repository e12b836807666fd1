"""Every step of a unit fails once, in both ways: not applied, and applied with its answer lost. The books stay right.

The world is in one process, so that a fault can be put at every single place: each statement, the commit, the disk that
is full, the command and the word of a handset.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlmodel import SQLModel

from api.rounds.timer import CASES
from custody.disputes.machine import CaseRole
from custody.disputes.outside_promise import Told
from custody.kernel.clock import DAY_MS
from custody.kernel.errors import Trouble, Unavailable
from custody.store import case_book
from custody.store.tables import DisputeEventRow, DisputeRow, EntryRow, MessageRow, OutboxRow, PromiseRow, ScanRow
from custody.usecases import keep_word
from custody.usecases.sweep_cases import sweep_case
from devicelock.store import CommandRow, LockOrderRow
from simulators.faults import Fault
from simulators.radio import Radio
from tests.contracts_store.faults import broken_commit, broken_statement, full_disk
from tests.world import World, new_world, same_world
from tests.world_parts import Opened

MOST_STATEMENTS = 200


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Make the world in which the faults happen."""
    folder = tmp_path_factory.mktemp("begun")
    world = new_world(f"sqlite:///{folder / 'weaklink.sqlite3'}", folder)
    world.close()
    return world


@pytest.fixture
def world(begun: World, tmp_path: Path) -> Iterator[World]:
    """Lend a copy of it, and audit what is left of it."""
    with closing(same_world(begun, tmp_path / "world")) as mine:
        yield mine
        mine.audit()


def count(world: World, *tables: type[SQLModel]) -> list[int]:
    """How many rows there are."""
    with world.house.read() as session:
        return [session.scalar(select(func.count()).select_from(table)) or 0 for table in tables]


TABLES = (EntryRow, DisputeRow, LockOrderRow, CommandRow, OutboxRow, ScanRow)


def each_statement_fails(
    world: World, act: Callable[[], object], *, every: int = 1, also: tuple[type[SQLModel], ...] = ()
) -> int:
    """Let each statement of the act fail in turn until the act goes through; returns how many there were."""
    for place in range(0, MOST_STATEMENTS, every):
        before, refusals = count(world, *TABLES, *also), []
        with broken_statement(world.engine, place) as reached:
            try:
                act()
            except Trouble as trouble:
                refusals.append(trouble)
            failed = reached()
        if not failed:
            assert refusals == []
            return place
        assert [type(refused) for refused in refusals] == [Unavailable], f"statement {place}: {refusals}"
        assert count(world, *TABLES, *also) == before, f"statement {place} left something behind"
    raise AssertionError("the act never goes through")


def test_a_dispute_whose_any_statement_fails_is_whole_or_not_there(world: World) -> None:
    parcel = world.parcels[0]
    radio = world.handset(parcel)
    opened: list[Opened] = []
    statements = each_statement_fails(world, lambda: opened.append(world.dispute(parcel, "never_received")), every=3)
    assert statements > 15
    assert len(opened) == 1
    radio.switch_on()
    world.deliver()
    assert radio.handset.screen_locked
    assert count(world, DisputeRow, LockOrderRow) == [1, 1]


def test_what_was_told_binds_whole_or_not_at_all_whichever_statement_or_commit_fails(world: World) -> None:
    opened = world.dispute(world.parcels[0], "damaged")
    with world.house.unit() as unit:
        known = Told(what="a case", by_whom="the shop", told_us_ms=unit.now_ms)
        keep_word.tell(unit, opened.case, told=known, actor="customer", role=CaseRole.CUSTOMER)
    world.clock.at_ms += 3 * DAY_MS

    def bind() -> None:
        with world.house.unit() as unit:
            sweep_case(unit, opened.case, CASES)

    assert each_statement_fails(world, bind, also=(PromiseRow, MessageRow, DisputeEventRow)) > 8
    with broken_commit(world.engine, applied=True), pytest.raises(Unavailable), world.house.unit() as unit:
        keep_word.tell(unit, opened.case, told=replace(known, what="a call"), actor="a", role=CaseRole.AGENT)
    world.clock.at_ms += 3 * DAY_MS
    for applied in (False, True):
        with broken_commit(world.engine, applied=applied), pytest.raises(Unavailable):
            bind()
    bind()
    with world.house.read() as session:
        promised = case_book.promises(session, opened.case)
    assert sorted(each.what for each in promised) == ["a call", "a case"]


def test_scans_whose_any_statement_fails_are_whole_or_not_there(world: World) -> None:
    scans = [world.see(post, world.parcels[0].sscc) for post in ("wh-1/dock", "hub-1/hub_sort")]
    statements = each_statement_fails(world, lambda: world.send(scans))
    assert statements > 8
    assert [ack.verdict.result for _, ack in world.kept.scans[-2:]] == ["accepted", "accepted"]


@pytest.mark.parametrize("applied", [False, True])
def test_a_dispute_whose_commit_broke_is_reported_again(world: World, *, applied: bool) -> None:
    parcel = world.parcels[0]
    radio = world.handset(parcel)
    with broken_commit(world.engine, applied=applied), pytest.raises(Unavailable):
        world.dispute(parcel, "never_received")
    assert count(world, DisputeRow, LockOrderRow) == [int(applied)] * 2
    again = world.dispute(parcel, "never_received")
    assert (again.lock.order is None) is applied, "a handset has one open order, whoever asks again"
    radio.switch_on()
    world.deliver()
    assert radio.handset.screen_locked
    assert count(world, LockOrderRow) == [1]


@pytest.mark.parametrize("applied", [False, True])
@pytest.mark.parametrize("skip", range(4))
def test_a_word_of_a_handset_whose_commit_broke_comes_again_and_counts_once(
    world: World, skip: int, *, applied: bool
) -> None:
    parcel = world.parcels[0]
    radio = world.handset(parcel)
    opened = world.dispute(parcel, "never_received")
    radio.switch_on()
    with broken_commit(world.engine, applied=applied, skip=skip):
        deliver_with_patience(world)
    assert radio.handset.screen_locked
    assert world.order(opened.order.id).state == "active_provisional"
    assert [event.event for event in world.steps(opened.order.id)].count("locked") == 1


def deliver_with_patience(world: World) -> None:
    """The relay and the broker try again after a fault."""
    for _ in range(3):
        try:
            world.deliver()
        except Unavailable:
            continue


FAULTS = (Fault.COMMAND_LOST, Fault.ACK_LOST, Fault.CUT_BEFORE_STORE, Fault.CUT_AFTER_STORE)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_lock_that_is_lost_on_its_way_is_made_good_by_the_next_hello(world: World, fault: Fault) -> None:
    parcel = world.parcels[0]
    radio = world.switched_on(parcel)
    opened = world.dispute(parcel, "never_received")
    radio.faults.append(fault)
    meet_the_fault(world, radio)
    again(world, radio)
    assert radio.handset.screen_locked
    assert world.order(opened.order.id).state == "active_provisional"


@pytest.mark.parametrize("fault", FAULTS)
def test_a_release_that_is_lost_on_its_way_is_made_good_by_the_next_hello(world: World, fault: Fault) -> None:
    parcel = world.parcels[0]
    radio = world.handset(parcel)
    opened = world.dispute(parcel, "never_received")
    radio.switch_on()
    world.deliver()
    assert radio.handset.screen_locked
    radio.faults.append(fault)
    world.found(opened)
    meet_the_fault(world, radio)
    again(world, radio)
    assert not radio.handset.screen_locked
    assert world.order(opened.order.id).state == "released"


def meet_the_fault(world: World, radio: Radio) -> None:
    """Let the next command arrive; a handset whose power was cut is gone from the broker too."""
    world.relay.carry()
    world.broker.pump()
    if not radio.handset.on:
        radio.switch_off()
    world.deliver()


def again(world: World, radio: Radio) -> None:
    """The handset is switched off and on."""
    radio.switch_off()
    radio.switch_on()
    world.deliver()


def test_a_full_disk_refuses_and_harms_nothing_and_there_is_room_again(world: World) -> None:
    before = count(world, *TABLES)
    scans = [world.see("hub-1/hub_sort", world.parcels[0].sscc) for _ in range(40)]
    with full_disk(world.engine):
        with pytest.raises(Unavailable):
            world.send(scans)
        with pytest.raises(Unavailable):
            world.dispute(world.parcels[0], "never_received", words="It never came. " * 5000)
        assert count(world, *TABLES) == before
    assert {ack.verdict.result for ack in world.send(scans)} == {"accepted"}
    assert world.dispute(world.parcels[0], "never_received").disputed.file.offer is not None
