"""What is remembered of the ways of parcels is what the log says, however it was read."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from sqlmodel import Session

from custody.investigation.values import Passage, Seal
from custody.store.scan_book import JudgedScan
from custody.trail.sealed import SealedScan
from custody.usecases import ways
from custody.usecases.enrol_station import revoke
from custody.usecases.erase import erase
from custody.usecases.read_trail import sealed_scans
from custody.usecases.ways import Ways
from tests.rooms.pack.pack_world import PARCEL, World, key, open_world, send_parcel

BROKEN = {"action": "OBSERVE", "epcList": [PARCEL], "bizStep": "inspecting", "wl:sealState": "broken"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with open_world(f"sqlite:///{tmp_path / 'house.sqlite3'}") as world:
        send_parcel(world)
        yield world


def read(world: World, remembered: Ways) -> dict[str, Passage]:
    with world.house.read() as session:
        return remembered.passages(session)


def test_a_parcel_that_is_scanned_again_has_the_way_of_all_its_scans(world: World) -> None:
    remembered = Ways()
    before = read(world, remembered)
    world.scan("hub-in-1", "ObjectEvent", BROKEN)
    after = read(world, remembered)
    assert after == read(world, Ways())
    assert after != before
    assert Seal.ANOMALY in {point.seal for point in after[PARCEL].checkpoints}


@pytest.mark.parametrize("at_once", [1, 2, 5])
def test_reading_in_small_parts_leads_to_the_same_ways(
    world: World, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.other_parcel("bench-4")
    world.scan("hub-in-1", "ObjectEvent", BROKEN)
    at_a_time = read(world, Ways())
    monkeypatch.setattr(ways, "AT_ONCE", at_once)
    assert read(world, Ways()) == at_a_time
    assert len(at_a_time) > 1


def test_what_is_remembered_is_not_opened_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    remembered = Ways()
    first = read(world, remembered)
    opened: list[int] = []

    def count(session: Session, rows: Sequence[JudgedScan]) -> list[SealedScan]:
        opened.extend(row.place for row in rows)
        return sealed_scans(session, rows)

    monkeypatch.setattr(ways, "sealed_scans", count)
    assert read(world, remembered) == first
    assert opened == []
    world.other_parcel("bench-4")
    read(world, remembered)
    assert len(opened) == 1, "the other parcel's scan, and none of the first one's"


def test_a_key_that_becomes_suspect_has_its_old_scans_read_anew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    remembered = Ways()
    read(world, remembered)
    with world.house.unit() as unit:
        revoke(unit, station="hub-in-1", reason="stolen", suspect_from=0, registrar=key("registrar"))
    opened: list[SealedScan] = []

    def keep(session: Session, rows: Sequence[JudgedScan]) -> list[SealedScan]:
        found = sealed_scans(session, rows)
        opened.extend(found)
        return found

    monkeypatch.setattr(ways, "sealed_scans", keep)
    assert read(world, remembered) == read(world, Ways())
    assert any("key_suspect" in scan.flags for scan in opened if scan.station.station == "hub-in-1")


def test_what_was_erased_is_forgotten(world: World) -> None:
    remembered = Ways()
    assert PARCEL in read(world, remembered)
    with world.house.unit() as unit:
        erase(unit, PARCEL, reason="retention over", actor="sup-1", holds=lambda *_given: ())
    assert PARCEL not in read(world, remembered)
    assert read(world, remembered) == read(world, Ways())
