"""Numbers of stations: whoever took one is found, however it is kept, and what is next to it is told without a hole."""

from collections import defaultdict
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, delete, select

from custody.scans.place import place_of
from custody.scans.verdict import Flag, sum_up
from custody.scans.view import StationHead
from custody.store import number_book
from custody.store.bulk import add
from custody.store.number_book import LateNumberRow, Newest, NumberSpanRow, Taker
from custody.store.number_span import read_span
from custody.store.tables import EntryRow, ScanRow, StationHeadRow, UnopenedRow
from custody.store.unit import House

SPAN = 4
STATIONS = ("dock", "hub", "hub.2")
TAKES = st.tuples(
    st.sampled_from(STATIONS),
    st.sampled_from(["in turn", "late", "revoked", "unopened"]),
    st.integers(1, 4),
)


@pytest.fixture(autouse=True)
def small_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    """So small spans that a few numbers make several."""
    monkeypatch.setattr(number_book, "SPAN", SPAN)


@dataclass
class Model:
    """What numbers were taken, kept simply."""

    places: dict[tuple[str, int], list[int]] = field(default_factory=lambda: defaultdict(list))
    unopened: dict[tuple[str, int], set[int]] = field(default_factory=lambda: defaultdict(set))
    revoked: set[int] = field(default_factory=set)
    heads: dict[str, int] = field(default_factory=dict)
    size: int = 0


def digest_of(index: int) -> bytes:
    return index.to_bytes(32)


def take(session: Session, model: Model, station: str, how: str, number: int) -> None:
    """One statement takes a number: `number` after the head if in turn, else itself."""
    held = number_book.newest(session, [station]).get(station)
    newest = held.head.seq if held else 0
    seq = newest + number if how == "in turn" else number * 3
    index, model.size = model.size, model.size + 1
    place = place_of(index)
    row = {"idx": index, "digest": digest_of(index), "raw": b"", "content_type": "x", "received_ms": 1}
    add(session, EntryRow, [row])
    if how == "unopened":
        model.unopened[station, seq].add(place)
        session.add(UnopenedRow(place=place, station=station, seq=seq, digest=digest_of(index), sub=""))
        session.flush()
        return
    verdict = sum_up([Flag(code="key_revoked", text="")] if how == "revoked" else [])
    flags = " ".join(flag.code for flag in verdict.flags)
    scan = {"place": place, "station": station, "seq": seq, "digest": digest_of(index), "received_ms": 1}
    add(session, ScanRow, [{**scan, "result": verdict.result, "code": verdict.code, "flags": flags}])
    model.places[station, seq].append(place)
    if how == "in turn":
        model.heads[station] = seq
        head = StationHead(seq=seq, digest=digest_of(index))
        number_book.go_on(session, {station: (held or Newest(head)).after(head, [(seq, place)])})
    else:
        model.revoked |= {place} if how == "revoked" else set()
        number_book.add_late(session, [(station, seq, place)])


def empty(house: House) -> None:
    """A house in which no number was taken."""
    with house.unit() as unit:
        for table in (NumberSpanRow, LateNumberRow, StationHeadRow, UnopenedRow, ScanRow, EntryRow):
            unit.session.execute(delete(table))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(takes=st.lists(TAKES, max_size=40), first=st.integers(1, 12), width=st.integers(0, 12), most=st.integers(1, 9))
def test_every_number_is_found_however_it_was_taken(
    house: House, takes: list[tuple[str, str, int]], first: int, width: int, most: int
) -> None:
    empty(house)
    model, last = Model(), first + width
    with house.unit() as unit:
        for station, how, number in takes:
            take(unit.session, model, station, how, number)
    with house.read() as session:
        newest = number_book.newest(session, STATIONS)
        assert {station: held.head.seq for station, held in newest.items()} == model.heads
        wanted = {(station, seq) for station in STATIONS for seq in range(1, 60)}
        expected = {
            number: [Taker(place, digest_of(place // 512)) for place in sorted(places)]
            for number, places in model.places.items()
        }
        assert number_book.takers_at(session, wanted, newest) == {
            number: takers for number, takers in expected.items() if number in wanted
        }
        for station in STATIONS:
            assert number_book.takers_between(session, station, first, last, newest.get(station)) == {
                (name, seq): takers
                for (name, seq), takers in expected.items()
                if name == station and first <= seq <= last
            }
            check_around(session, model, station, (first, last), most)


def check_around(session: Session, model: Model, station: str, span: tuple[int, int], most: int) -> None:
    """The numbers around some are those of the model, with a place that took each."""
    first, last = span
    taken = defaultdict(set)
    for (name, seq), places in model.places.items():
        taken[seq] |= {place for place in places if name == station and place not in model.revoked}
    for (name, seq), waiting in model.unopened.items():
        taken[seq] |= waiting if name == station else set()
    numbers = sorted(seq for seq, places in taken.items() if places)
    before = [seq for seq in numbers if seq < first][-most:]
    after = [seq for seq in numbers if seq > last][:most]
    around = number_book.numbers_around(session, station, first, last, most=most)
    assert sorted(around) == before + [seq for seq in numbers if first <= seq <= last] + after
    assert all(place in taken[seq] for seq, place in around.items())
    highest = max([seq for (name, seq) in (*model.places, *model.unopened) if name == station], default=None)
    newest = number_book.newest_statement(session, station)
    assert (newest.seq if newest else None) == highest


@pytest.mark.parametrize("how", ["late", "unopened"])
def test_many_statements_under_one_number_hide_no_other_number(house: House, how: str) -> None:
    empty(house)
    model = Model()
    with house.unit() as unit:
        for step in (1, 1, 2, 1, 1):
            take(unit.session, model, "hub", "in turn", step)  # 1, 2, 4, 5, 6
        for third in (1, *[2] * 9):
            take(unit.session, model, "hub", how, third)  # 3, and 6 again and again
    with house.read() as session:
        check_around(session, model, "hub", (7, 7), 5)
        check_around(session, model, "hub", (2, 2), 5)


def test_spans_are_few_and_the_newest_numbers_stand_with_the_head(house: House) -> None:
    empty(house)
    model = Model()
    with house.unit() as unit:
        for _ in range(4 * SPAN + 3):
            take(unit.session, model, "hub", "in turn", 1)
    with house.read() as session:
        spans = session.scalars(select(NumberSpanRow).order_by("last")).all()
        assert [len(read_span(row.taken)) for row in spans] == [SPAN] * 4
        assert [row.last for row in spans] == [SPAN, 2 * SPAN, 3 * SPAN, 4 * SPAN]
        assert [seq for seq, _ in read_span(session.get_one(StationHeadRow, "hub").taken)] == [17, 18, 19]


def test_the_numbers_of_a_batch_are_one_span_at_once(house: House) -> None:
    empty(house)
    head = StationHead(seq=9, digest=b"9" * 32)
    numbers = [(seq, place_of(0, seq - 1)) for seq in range(1, 10)]
    with house.unit() as unit:
        number_book.go_on(unit.session, {"hub": Newest(head).after(head, numbers)})
    with house.read() as session:
        (row,) = session.scalars(select(NumberSpanRow)).all()
        assert (row.last, read_span(row.taken)) == (9, numbers)
        assert number_book.newest(session, ["hub"]) == {"hub": Newest(head)}
