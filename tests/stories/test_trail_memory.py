"""What the trail says of a handset is remembered, and only for as long as its records stay as they are."""

import pytest
from sqlmodel import Session

from api.trail_memory import HandsetTrail, TrailMemory
from custody.gs1.imei import imei_urn
from custody.usecases.enrol_station import revoke
from custody.usecases.read_trail import FoundTrail, read_trail
from devicelock.rules.tie import TieState
from devicelock.store import imei_of_order
from tests.world import World
from tests.world_parts import key


class Counted:
    """A memory, and how often it read a whole trail."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reads = 0
        self._world = world
        self._memory = TrailMemory()

        def counted(session: Session, item: str) -> FoundTrail:
            self.reads += 1
            return read_trail(session, item)

        monkeypatch.setattr("api.trail_memory.read_trail", counted)

    def ask(self, imei: str) -> HandsetTrail:
        with self._world.house.read() as session:
            return self._memory.ask(session, imei)

    def ask_in_unit(self, imei: str) -> HandsetTrail:
        with self._world.house.unit() as unit:
            return self._memory.ask(unit.session, imei_urn(imei))

    def read_ahead(self, order: str) -> None:
        self._memory.read_ahead(self._world.house, lambda session: imei_of_order(session, order))


@pytest.fixture
def memory(either: World, monkeypatch: pytest.MonkeyPatch) -> Counted:
    return Counted(either, monkeypatch)


def settle(memory: Counted, imei: str) -> HandsetTrail:
    """Ask until it is remembered: on PostgreSQL the keys have to be known before a trail is."""
    memory.ask(imei)
    return memory.ask(imei)


def test_a_trail_whose_records_stay_as_they_are_is_read_no_more(either: World, memory: Counted) -> None:
    imei = either.parcels[0].unit.imei
    told = settle(memory, imei)
    assert told.tie is TieState.TIED
    before = memory.reads
    with either.house.unit() as unit:
        unit.record("test.other", {"about": "something else"})
    either.send([either.see("hub-1/hub_sort", either.parcels[1].sscc)])
    assert memory.ask(imei) == told
    assert memory.reads == before


def test_a_scan_that_comes_is_seen(either: World, memory: Counted) -> None:
    parcel = either.parcels[0]
    settle(memory, parcel.unit.imei)
    before = memory.reads
    either.send([either.see("hub-1/hub_sort", parcel.sscc)])
    memory.ask(parcel.unit.imei)
    assert memory.reads == before + 1


def test_a_revocation_that_puts_scans_in_doubt_is_seen(either: World, memory: Counted) -> None:
    imei = either.parcels[0].unit.imei
    told = settle(memory, imei)
    with either.house.unit() as unit:
        for station in either.network.stations.values():
            revoke(unit, station=station.name, reason="made up", suspect_from=0, registrar=key("registrar"))
    either.kept.findings |= {"suspect-key", "revoked-key"}
    assert told.tie is TieState.TIED
    assert memory.ask(imei).tie is not TieState.TIED


def test_of_a_handset_that_nothing_is_recorded_of_nothing_is_remembered(either: World, memory: Counted) -> None:
    unknown = either.parcels[0].unit.imei[:-1] + str((int(either.parcels[0].unit.imei[-1]) + 1) % 10)
    assert settle(memory, unknown) == HandsetTrail()
    assert memory.reads == 2


def test_a_transaction_asks_once(either: World, memory: Counted) -> None:
    imei = either.parcels[0].unit.imei
    with either.house.read() as session:
        asked = [memory._memory.ask(session, imei) for _ in range(3)]
    assert memory.reads == 1
    assert asked == [asked[0]] * 3


def order_of(world: World) -> str:
    """A lock that was asked for because of a report."""
    world.handset(world.parcels[0])
    order = world.dispute(world.parcels[0], "never_received").order
    assert order is not None
    return order.id


def test_what_was_read_ahead_is_not_read_again_in_the_unit_that_judges_by_it(either: World, memory: Counted) -> None:
    order = order_of(either)
    before = memory.reads
    memory.read_ahead(order)
    assert memory.reads == before + 1
    assert memory.ask_in_unit(either.parcels[0].unit.imei).tie is TieState.TIED
    memory.read_ahead(order)
    assert memory.reads == before + 1


def test_a_scan_that_comes_after_it_was_read_ahead_is_seen(either: World, memory: Counted) -> None:
    order = order_of(either)
    before = memory.reads
    memory.read_ahead(order)
    either.send([either.see("hub-1/hub_sort", either.parcels[0].sscc)])
    memory.ask_in_unit(either.parcels[0].unit.imei)
    assert memory.reads == before + 2


def test_nothing_is_read_ahead_of_an_order_that_there_is_not(memory: Counted) -> None:
    memory.read_ahead("lock_nobody")
    assert memory.reads == 0
