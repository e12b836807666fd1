"""A trail that was read ahead is taken in the unit that asks for it, unless a record that it is made of has changed."""

import pytest
from sqlmodel import Session

from custody.usecases.enrol_station import revoke
from custody.usecases.read_trail import FoundTrail, read_trail
from custody.usecases.trails_ahead import TrailsAhead
from tests.world import World
from tests.world_parts import key


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Of what a whole trail was read."""
    read = list[str]()

    def noted(session: Session, item: str, *, parcel: str | None = None) -> FoundTrail:
        read.append(item)
        return read_trail(session, item, parcel=parcel)

    monkeypatch.setattr("custody.usecases.trails_ahead.read_trail", noted)
    return read


def read_ahead(world: World) -> TrailsAhead:
    trails = TrailsAhead()
    with world.house.read() as session:
        trails.read(session, world.parcels[0].sscc)
    return trails


def test_what_was_read_ahead_is_not_read_again(either: World, reads: list[str]) -> None:
    trails = read_ahead(either)
    with either.house.unit() as unit:
        found = trails.read(unit.session, either.parcels[0].sscc)
        assert found == read_trail(unit.session, either.parcels[0].sscc)
        trails.read(unit.session, either.parcels[0].unit.imei)
    assert reads == [either.parcels[0].sscc, either.parcels[0].unit.imei]


def test_a_scan_that_comes_after_it_was_read_ahead_is_seen(either: World, reads: list[str]) -> None:
    trails, parcel = read_ahead(either), either.parcels[0]
    either.send([either.see("hub-1/hub_sort", parcel.sscc)])
    with either.house.unit() as unit:
        assert trails.read(unit.session, parcel.sscc) == read_trail(unit.session, parcel.sscc)
    assert reads == [parcel.sscc] * 2


def test_a_revocation_after_it_was_read_ahead_is_seen(either: World, reads: list[str]) -> None:
    trails, parcel = read_ahead(either), either.parcels[0]
    with either.house.unit() as unit:
        for station in either.network.stations.values():
            revoke(unit, station=station.name, reason="made up", suspect_from=0, registrar=key("registrar"))
    either.kept.findings |= {"suspect-key", "revoked-key"}
    with either.house.unit() as unit:
        assert trails.read(unit.session, parcel.sscc) == read_trail(unit.session, parcel.sscc)
    assert reads == [parcel.sscc] * 2
