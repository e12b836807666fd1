"""What is kept of reading the log for investigations changes no result, and goes with what it was read from."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update
from sqlmodel import Session, col

from custody.gs1.keys import issue_sscc
from custody.kernel.errors import NotFound
from custody.scans.scan import make_scan, open_scan
from custody.scans.tolerances import Tolerances
from custody.store import stretch_book
from custody.store.scan_book import JudgedScan
from custody.store.stretch_book import StretchRow
from custody.trail.sealed import SealedScan
from custody.usecases import parcel_ways
from custody.usecases.enrol_station import announce, revoke
from custody.usecases.erase import erase
from custody.usecases.parcel_ways import ParcelWays
from custody.usecases.read_trail import sealed_scans
from custody.usecases.register_statement import register
from tests.handed_in import hand_in
from tests.rooms.pack.pack_world import (
    CARRIER,
    LINKS,
    PARCEL,
    SHIPMENT,
    SITES,
    World,
    key,
    observe,
    open_world,
    send_parcel,
)

STATIONS = [link[0] for link in LINKS]
PARCELS = [issue_sscc("9521473", 7000 + number).uri for number in range(3)]
WRONG = {"declarationTime": "2026-05-11T08:00:00Z", "reason": "incorrect_data"}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(parcel_ways, "AT_ONCE", 3)
    with open_world(f"sqlite:///{tmp_path / 'house.sqlite3'}") as world:
        send_parcel(world)
        yield world


def silent(_read: int, _entries: int) -> None:
    """Nobody is told."""


def start(world: World, remembered: ParcelWays | None = None) -> str:
    """What a process that starts, or one that goes on, reads of all parcels; it keeps what it opened."""
    process = ParcelWays() if remembered is None else remembered
    process.read_on(world.house, silent)
    with world.house.read() as session:
        return repr(sorted(process.passages(session).items()))


def in_full(world: World) -> str:
    """The same, as if nothing was kept."""
    with world.house.read() as session:
        session.connection().execute(delete(StretchRow))
        return repr(sorted(ParcelWays().passages(session).items()))


def kept(world: World) -> list[StretchRow]:
    with world.house.read() as session:
        return list(session.scalars(select(StretchRow).order_by(col(StretchRow.first_place))).all())


def told(world: World) -> list[str]:
    """The parcels of which something is kept."""
    with world.house.read() as session:
        stretches = [stretch_book.kept(session, row.first_place) for row in kept(world)]
    return [each.parcel for stretch in stretches if stretch is not None for each in stretch.told]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Lend the places of the scans that are opened from here on."""
    places: list[int] = []

    def count(session: Session, rows: Sequence[JudgedScan]) -> list[SealedScan]:
        places.extend(row.place for row in rows)
        return sealed_scans(session, rows)

    monkeypatch.setattr(parcel_ways, "sealed_scans", count)
    return places


def test_a_process_that_starts_goes_on_where_the_last_reading_ended(world: World, opened: list[int]) -> None:
    first = start(world)
    assert len(opened) == len(world.scans)
    opened.clear()
    assert start(world) == first == in_full(world)
    opened.clear()
    start(world)
    assert len(opened) == len(world.scans) % 3


def test_what_one_process_reads_bit_by_bit_the_next_one_need_not_open(world: World, opened: list[int]) -> None:
    remembered = ParcelWays()
    for _ in range(6):
        world.other_parcel("bench-4")
        start(world, remembered)
    opened.clear()
    assert start(world) == in_full(world)
    opened.clear()
    start(world)
    assert len(opened) < 3


def test_stretches_never_overlap_however_processes_begin(world: World) -> None:
    slow, quick = ParcelWays(), ParcelWays()
    for number in range(9):
        world.other_parcel("bench-4")
        start(world, quick)
        if number % 4 == 1:
            start(world, slow)
        if number % 3 == 1:
            start(world)
    rows = kept(world)
    assert len(rows) > 3
    assert all(one.end_place <= next_one.first_place for one, next_one in pairwise(rows))
    assert start(world, slow) == start(world, quick) == in_full(world)


def test_what_is_kept_goes_with_the_opening_that_is_erased(world: World) -> None:
    world.other_parcel("bench-4")
    start(world)
    assert PARCEL in told(world)
    with world.house.unit() as unit:
        erase(unit, PARCEL, reason="retention over", actor="sup-1", holds=lambda *_given: ())
    assert PARCEL not in told(world)
    assert PARCEL not in start(world)
    assert PARCEL not in told(world)
    assert start(world) == in_full(world)


def test_what_was_read_before_an_erasure_is_not_kept_after_it(world: World) -> None:
    start(world)
    with world.house.read() as session:
        stretch = stretch_book.kept(session, 0)
        erasure = stretch_book.newest_erasure(session)
    assert stretch is not None
    with world.house.unit() as unit:
        erase(unit, PARCEL, reason="retention over", actor="sup-1", holds=lambda *_given: ())
    with world.house.unit() as unit:
        stretch_book.keep(unit, stretch, erasure=erasure)
    assert told(world) == []


def test_what_lies_within_a_kept_stretch_is_not_kept_a_second_time(world: World) -> None:
    start(world)
    before = [(row.first_place, row.end_place) for row in kept(world)]
    with world.house.read() as session:
        stretch = stretch_book.kept(session, 0)
        erasure = stretch_book.newest_erasure(session)
    assert stretch is not None
    with world.house.unit() as unit:
        stretch_book.keep(unit, replace(stretch, first=stretch.end - 1, scans=1), erasure=erasure)
    assert [(row.first_place, row.end_place) for row in kept(world)] == before


@pytest.mark.parametrize(
    "harm", [{"form": stretch_book.FORM + 1}, {"content": b"torn"}, {"content": b""}, {"scans": 0}]
)
def test_what_is_of_another_form_or_damaged_is_passed_over_and_kept_anew(
    world: World, harm: dict[str, Any], opened: list[int]
) -> None:
    first = start(world)
    with world.house.unit() as unit:
        unit.session.connection().execute(update(StretchRow).values(**harm))
    opened.clear()
    assert start(world) == first
    assert len(opened) == len(world.scans)
    opened.clear()
    assert start(world) == first
    assert len(opened) == len(world.scans) % 3


def test_when_what_scans_tell_changes_the_form_has_another_number(world: World) -> None:
    start(world)
    with world.house.read() as session:
        stretches = [stretch_book.kept(session, row.first_place) for row in kept(world)]
    said = repr([stretch.told for stretch in stretches if stretch is not None]).encode()
    assert (stretch_book.FORM, sha256(said).hexdigest()) == (
        7,
        "ea9d159d9c70affa045b5083b82ca0d7d45992e70009654bb5d44d22e9e252d9",
    )


def say_late(world: World) -> Any:
    """Register a scan by its statement alone; returns the scan whose opening is still to come."""
    seq, prev = world.heads.get("bench-4", (0, None))
    event = {
        "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld", {"wl": "urn:weaklink:"}],
        "type": "ObjectEvent",
        "eventTime": "2026-05-11T08:30:00Z",
        "eventTimeZoneOffset": "+00:00",
        "eventID": f"urn:uuid:00000000-0000-4000-8000-{world.named:012d}",
        **observe(PARCELS[0], "inspecting"),
        "wl:handler": "h-late",
    }
    world.named += 1
    statement, opening = make_scan(
        json.dumps(event).encode(),
        station="bench-4",
        subject=SHIPMENT,
        seq=seq + 1,
        prev=prev,
        iat_s=world.clock.at_ms // 1000,
        salt=bytes([world.named % 256]) * 32,
        signer=key("bench-4"),
    )
    late = open_scan(statement, opening)
    register(world.house, statement, Tolerances())
    world.heads["bench-4"] = seq + 1, late.digest
    return late


def test_a_scan_whose_opening_comes_late_is_read_though_its_stretch_was_kept(world: World) -> None:
    late = say_late(world)
    for _ in range(4):
        world.other_parcel("hub-in-1")
    before = start(world)
    hand_in(world.intake, [late]).result(timeout=60)
    assert start(world) == in_full(world) != before
    assert "h-late" in start(world)


class Acts:
    """What may happen to a log between two readings, each act by a number that chooses whom it befalls."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.late: list[Any] = []
        self.ended: set[str] = set()

    def scan(self, at: int) -> None:
        self._scan(at, observe(PARCELS[at % 3], "arriving", **{"wl:declaredMassGrams": 1000 + at}))

    def two(self, at: int) -> None:
        self._scan(at, {**observe(PARCELS[at % 3], "loading"), "epcList": [PARCELS[at % 3], PARCELS[(at + 1) % 3]]})

    def deliver(self, at: int) -> None:
        self._scan(at, observe(PARCELS[at % 3], "accepting", disposition="retail_sold"))

    def wrong(self, at: int) -> None:
        if self.world.scans:
            said = json.loads(self.world.scans[-1 - at % len(self.world.scans)].event.raw)
            self._scan(at, {**said, "errorDeclaration": WRONG})

    def again(self, at: int) -> None:
        if self.world.scans:
            self._scan(at, json.loads(self.world.scans[-1 - at % len(self.world.scans)].event.raw))

    def erase(self, at: int) -> None:
        try:
            with self.world.house.unit() as unit:
                erase(unit, PARCELS[at % 3], reason="retention over", actor="sup-1", holds=lambda *_given: ())
        except NotFound:
            return

    def move(self, at: int) -> None:
        facts = {"site": SITES[1 + at % 5], "place": "D9", "step": ("hub_in", "depot", "other")[at % 3]}
        with self.world.house.unit() as unit:
            announce(unit, station=STATIONS[at % len(STATIONS)], custodian=CARRIER, **facts)

    def doubt(self, at: int) -> None:
        station = STATIONS[at % len(STATIONS)]
        if station not in self.ended:
            self.ended.add(station)
            with self.world.house.unit() as unit:
                first = min(at, unit.log.size)
                revoke(unit, station=station, reason="stolen", suspect_from=first, registrar=key("registrar"))

    def say(self, _at: int) -> None:
        if "bench-4" not in self.ended:
            self.late.append(say_late(self.world))

    def bring(self, _at: int) -> None:
        if self.late:
            hand_in(self.world.intake, [self.late.pop(0)]).result(timeout=60)

    def _scan(self, at: int, body: dict[str, Any]) -> None:
        station = STATIONS[at % len(STATIONS)]
        if station in self.ended:
            return
        kind = body.pop("type", "ObjectEvent")
        self.world.last = None
        self.world.scan(station, kind, body)
        if self.world.waiting:  # a batch has two scans at least
            self.world.scan(station, "ObjectEvent", observe(PARCELS[(at + 1) % 3], "arriving"))
            self.world.close_batch()


COMMON = ["scan", "two", "deliver", "read", "read"]
ACT = st.tuples(
    st.sampled_from([*COMMON, "wrong", "again", "erase", "move", "doubt", "say", "bring"]), st.integers(0, 30)
)

TOGETHER = [frozenset[str](), frozenset({"hub-in-1", "lorry-3"})]


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(acts=st.lists(ACT, min_size=6, max_size=40), at_once=st.integers(1, 5), together=st.sampled_from(TOGETHER))
def test_whatever_happens_what_is_kept_leads_to_the_ways_that_a_full_reading_gives(
    acts: list[tuple[str, int]], at_once: int, together: frozenset[str]
) -> None:
    with (
        TemporaryDirectory() as folder,
        pytest.MonkeyPatch.context() as patch,
        open_world(f"sqlite:///{folder}/house.sqlite3", together=together) as world,
    ):
        patch.setattr(parcel_ways, "AT_ONCE", at_once)
        happening, remembered = Acts(world), ParcelWays()
        for act, at in [*acts, ("read", 0)]:
            if act != "read":
                getattr(happening, act)(at)
                continue
            if at % 2:
                start(world, remembered)
            assert start(world) == in_full(world)
        assert start(world, remembered) == in_full(world)
        assert start(world) == in_full(world)
