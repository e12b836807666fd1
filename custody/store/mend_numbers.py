"""Making the numbers of stations anew: from where each goes on, and which scan took which number (`number_book.py`)."""

import struct
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from sqlmodel import Session

from custody.scans.view import StationHead
from custody.store.bulk import add, ask, change
from custody.store.number_book import NOTHING_TAKEN, SPAN, NumberSpanRow, add_late, go_on
from custody.store.number_span import hold_plain, press, read_span

Taken = tuple[int, int]
"""A number, and the place of the scan that took it."""

TABLES = ("station_head", "number_span", "late_number")


@dataclass(slots=True, kw_only=True)
class StationNumbers:
    """The numbers of one station: `in_turn` rise, and its head is the last of its statements that it goes on from."""

    head: StationHead | None = None
    in_turn: list[Taken] = field(default_factory=list)
    late: set[Taken] = field(default_factory=set)

    @property
    def all(self) -> set[Taken]:
        """Every number that was taken."""
        return {*self.in_turn, *self.late}


@dataclass(frozen=True, slots=True, kw_only=True)
class NumbersChange:
    """A station whose numbers are not those that the log leads to.

    How many are missing, and how many are of no scan; `moved` if they stand otherwise, or it goes on from elsewhere.
    """

    station: str
    lost: int
    foreign: int
    moved: bool


def compare(session: Session, led_to: Mapping[str, StationNumbers]) -> list[NumbersChange]:
    """The stations whose numbers are not as the log leads to them, by name."""
    named = " UNION ".join([f"SELECT station FROM {table}" for table in TABLES])  # noqa: S608 - our own names
    stations = {*led_to, *(station for (station,) in ask(session, named, ()))}
    found = (_compare_one(session, station, led_to.get(station, StationNumbers())) for station in sorted(stations))
    return [each for each in found if each is not None]


def mend(session: Session, led_to: Mapping[str, StationNumbers], stations: Collection[str]) -> None:
    """Put the numbers that the log leads to in the place of all that these stations have."""
    for station in stations:
        for table in TABLES:
            change(session, f"DELETE FROM {table} WHERE station = ?", (station,))  # noqa: S608 - our own names
        numbers = led_to.get(station, StationNumbers())
        if numbers.head is not None:
            _go_on(session, station, numbers.head, numbers.in_turn)
        add_late(session, [(station, *each) for each in sorted(numbers.late)])


def _go_on(session: Session, station: str, head: StationHead, in_turn: Sequence[Taken]) -> None:
    whole = len(in_turn) - len(in_turn) % SPAN
    spans = [in_turn[first : first + SPAN] for first in range(0, whole, SPAN)]
    rows = [{"station": station, "last": span[-1][0], "taken": press(hold_plain(span))} for span in spans]
    add(session, NumberSpanRow, rows)
    go_on(session, {station: NOTHING_TAKEN.after(head, in_turn[whole:])})


def _compare_one(session: Session, station: str, led_to: StationNumbers) -> NumbersChange | None:
    heads = ask(session, "SELECT seq, digest, taken FROM station_head WHERE station = ?", (station,))
    spans = ask(session, "SELECT last, taken FROM number_span WHERE station = ? ORDER BY last", (station,))
    late = set(ask(session, "SELECT seq, place FROM late_number WHERE station = ?", (station,)))
    head = StationHead(seq=heads[0][0], digest=heads[0][1]) if heads else None
    in_turn, is_read = _read([*spans, *[(None, taken) for _, _, taken in heads]])
    held = {*in_turn, *late}
    is_in_order = is_read and set(in_turn) <= set(led_to.in_turn) and late.isdisjoint(in_turn)
    if head == led_to.head and is_in_order and held == led_to.all:
        return None
    lost, foreign = led_to.all - held, held - led_to.all
    return NumbersChange(station=station, lost=len(lost), foreign=len(foreign), moved=not lost and not foreign)


def _read(spans: Iterable[tuple[int | None, bytes]]) -> tuple[list[Taken], bool]:
    """The numbers of spans, and whether each is found where it is looked for."""
    found, is_read = list[Taken](), True
    for last, span in spans:
        try:
            taken = read_span(span)
        except (struct.error, TypeError):
            is_read = False
            continue
        is_read = is_read and (last is None or (bool(taken) and taken[-1][0] == last))
        found += taken
    return found, is_read and all(one[0] < other[0] for one, other in pairwise(found))
