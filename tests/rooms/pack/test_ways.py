"""What is remembered of the ways of parcels is what the log says, however it was read."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import QueuePool
from sqlmodel import Session

from custody.gs1.keys import issue_sscc
from custody.investigation.passage import Passage, SealSeen
from custody.investigation.verify.pack import verify_pack
from custody.store.scan_book import JudgedScan
from custody.trail.sealed import SealedScan
from custody.usecases import parcel_ways
from custody.usecases.enrol_station import announce, revoke
from custody.usecases.erase import erase
from custody.usecases.parcel_ways import ParcelWays
from custody.usecases.read_trail import read_trail, sealed_scans
from tests.rooms.pack.pack_world import (
    CARRIER,
    PARCEL,
    SELLER,
    SITES,
    World,
    examine,
    key,
    observe,
    open_case_of,
    open_world,
    send_parcel,
)

BROKEN = {"action": "OBSERVE", "epcList": [PARCEL], "bizStep": "inspecting", "wl:sealState": "broken"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with open_world(f"sqlite:///{tmp_path / 'house.sqlite3'}") as world:
        send_parcel(world)
        yield world


def read(world: World, remembered: ParcelWays) -> dict[str, Passage]:
    with world.house.read() as session:
        return remembered.passages(session)


def test_a_parcel_that_is_scanned_again_has_the_way_of_all_its_scans(world: World) -> None:
    remembered = ParcelWays()
    before = read(world, remembered)
    world.scan("hub-in-1", "ObjectEvent", BROKEN)
    after = read(world, remembered)
    assert after == read(world, ParcelWays())
    assert after != before
    assert SealSeen.ANOMALY in {point.seal for point in after[PARCEL].checkpoints}


@pytest.mark.parametrize("at_once", [1, 2, 5])
def test_reading_in_small_parts_leads_to_the_same_ways(
    world: World, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.other_parcel("bench-4")
    world.scan("hub-in-1", "ObjectEvent", BROKEN)
    at_a_time = read(world, ParcelWays())
    monkeypatch.setattr(parcel_ways, "AT_ONCE", at_once)
    assert read(world, ParcelWays()) == at_a_time
    assert len(at_a_time) > 1


def test_what_is_remembered_is_not_opened_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    remembered = ParcelWays()
    first = read(world, remembered)
    opened: list[int] = []

    def count(session: Session, rows: Sequence[JudgedScan]) -> list[SealedScan]:
        opened.extend(row.place for row in rows)
        return sealed_scans(session, rows)

    monkeypatch.setattr(parcel_ways, "sealed_scans", count)
    assert read(world, remembered) == first
    assert opened == []
    world.other_parcel("bench-4")
    read(world, remembered)
    assert len(opened) == 1, "the other parcel's scan, and none of the first one's"


def test_a_scan_is_opened_once_however_many_came_of_its_parcel_since(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[int] = []

    def count(session: Session, rows: Sequence[JudgedScan]) -> list[SealedScan]:
        opened.extend(row.place for row in rows)
        return sealed_scans(session, rows)

    monkeypatch.setattr(parcel_ways, "sealed_scans", count)
    monkeypatch.setattr(parcel_ways, "AT_ONCE", 2)
    read(world, ParcelWays())
    assert len(opened) == len(set(opened)) == len(world.scans)


def test_a_station_that_is_put_elsewhere_leaves_its_old_scans_where_they_were_made(world: World) -> None:
    remembered = ParcelWays()
    before = read(world, remembered)
    with world.house.read() as session:
        trail = read_trail(session, PARCEL).trail
    with world.house.unit() as unit:
        announce(unit, station="depot-2", site=SITES[4], place="D9", step="depot", custodian=SELLER)
    with world.house.read() as session:
        assert read_trail(session, PARCEL).trail == trail
    assert read(world, remembered) == read(world, ParcelWays()) == before


def test_a_site_is_called_what_the_last_of_its_stations_by_name_calls_it(world: World) -> None:
    with world.house.unit() as unit:
        for station, called in (("zz-1", "Zed Road"), ("aa-1", "Ay Road")):
            place = {"site": SITES[5], "site_name": called, "place": "D2", "step": "depot"}
            announce(unit, station=station, custodian=CARRIER, **place)
    sites = [segment.site for segment in read(world, ParcelWays())[PARCEL].segments if segment.step == "depot"]
    assert sites == ["Zed Road"]


def test_a_pack_of_what_was_examined_after_a_station_was_put_elsewhere_holds(world: World) -> None:
    open_case_of(world)
    with world.house.unit() as unit:
        announce(unit, station="depot-2", site=SITES[4], place="D9", step="depot", custodian=SELLER)
    examine(world)
    verify_pack(world.export().content, vkey=world.vkey).demand()


def test_a_newcomer_stands_on_the_rosters_of_the_passages_that_were_read_before(world: World) -> None:
    world.enrol("hub-sort-2", "hub_sort", 3, "H2", CARRIER)
    missed, seen = issue_sscc("9521473", 9999).uri, issue_sscc("9521473", 9998).uri
    world.last = None
    world.scan("hub-in-1", "ObjectEvent", observe(missed, "arriving"))
    world.scan("lorry-3", "ObjectEvent", observe(missed, "loading"))
    remembered = ParcelWays()
    before = read(world, remembered)
    world.last = None
    world.scan("hub-sort-2", "ObjectEvent", observe(seen, "arriving"))
    after = read(world, remembered)
    assert after == read(world, ParcelWays())
    rosters = [
        [segment.roster for segment in passages[missed].segments if segment.step == "hub_sort"]
        for passages in (before, after)
    ]
    assert rosters == [[("h-hub-sort-1",)], [("h-hub-sort-1", "h-hub-sort-2")]]


def test_a_scan_that_declares_an_earlier_one_wrong_is_heard_though_that_was_read_before(world: World) -> None:
    other = issue_sscc("9521473", 9999).uri
    world.last = None
    remembered = ParcelWays()
    named = f"urn:uuid:00000000-0000-4000-8000-{world.named:012d}"
    world.scan("hub-in-1", "ObjectEvent", observe(other, "arriving", **{"wl:sealState": "broken"}))
    said = json.loads(world.scans[-1].event.raw)
    assert read(world, remembered)[other].checkpoints[0].seal is SealSeen.ANOMALY
    world.last = None
    wrong = {"errorDeclaration": {"declarationTime": said["eventTime"], "reason": "incorrect_data"}}
    world.scan("hub-in-1", "ObjectEvent", {**said, **wrong, "eventID": named})
    assert other not in read(world, remembered)
    assert read(world, remembered) == read(world, ParcelWays())


def test_scans_are_taken_in_while_a_long_log_is_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parcel_ways, "AT_ONCE", 5)
    remembered, told, came = ParcelWays(), list[tuple[int, int]](), len(world.scans)
    pool = world.house.engine.pool
    assert isinstance(pool, QueuePool)

    def scan_another(read: int, entries: int) -> None:
        assert pool.checkedout() == 0, "no transaction is open meanwhile"
        told.append((read, entries))
        if len(told) < 4:
            world.other_parcel("bench-4")

    remembered.read_on(world.house, scan_another)
    assert len(told) >= 3
    assert [read for read, _ in told] == sorted({read for read, _ in told})
    assert all(read < entries for read, entries in told)
    assert len(world.scans) == came + 3
    assert read(world, remembered) == read(world, ParcelWays())


def test_a_key_that_becomes_suspect_has_its_old_scans_read_anew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    remembered = ParcelWays()
    read(world, remembered)
    with world.house.unit() as unit:
        revoke(unit, station="hub-in-1", reason="stolen", suspect_from=0, registrar=key("registrar"))
    opened: list[SealedScan] = []

    def keep(session: Session, rows: Sequence[JudgedScan]) -> list[SealedScan]:
        found = sealed_scans(session, rows)
        opened.extend(found)
        return found

    monkeypatch.setattr(parcel_ways, "sealed_scans", keep)
    assert read(world, remembered) == read(world, ParcelWays())
    assert any("key_suspect" in scan.flags for scan in opened if scan.station.station == "hub-in-1")


def test_what_was_erased_is_forgotten(world: World) -> None:
    remembered = ParcelWays()
    assert PARCEL in read(world, remembered)
    with world.house.unit() as unit:
        erase(unit, PARCEL, reason="retention over", actor="sup-1", holds=lambda *_given: ())
    assert PARCEL not in read(world, remembered)
    assert read(world, remembered) == read(world, ParcelWays())


def test_a_scan_of_two_parcels_is_forgotten_of_both_when_the_second_is_erased(world: World) -> None:
    first, second = issue_sscc("9521473", 9999).uri, issue_sscc("9521473", 9998).uri
    world.last = None
    world.scan("hub-in-1", "ObjectEvent", {**observe(first, "arriving"), "epcList": [first, second]})
    remembered = ParcelWays()
    assert {first, second} <= read(world, remembered).keys()
    for parcel in (first, second):
        with world.house.unit() as unit:
            erase(unit, parcel, reason="retention over", actor="sup-1", holds=lambda *_given: ())
        read(world, remembered)
    assert not {first, second} & read(world, remembered).keys()
    assert read(world, remembered) == read(world, ParcelWays())
