"""Which scan took which number of its station.

A station numbers its statements without a gap, so nearly every scan takes a number above all that its station took
before: it is in turn. The scans of many stations come mixed, and a row of an index for each of them would change a page
for each. So the numbers that were taken in turn are kept as spans of `SPAN` or more, a row each; the newest ones, too
few for a span yet, stand with the station's head.

Whatever else takes a number has a row of its own, as a late one: an opening that came after its statement, other
content under a number that was taken, a scan from which its station does not go on.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain, pairwise
from typing import Any, NamedTuple, Self

from sqlalchemy import BigInteger, Column, LargeBinary
from sqlmodel import Field, Session, SQLModel

from custody.scans.place import index_of
from custody.scans.view import StationHead
from custody.store.bulk import add, ask, pick, put
from custody.store.number_span import PAIR, hold_plain, press, read_span
from custody.store.scan_book import statement_digests
from custody.store.tables import COMPACT, StationHeadRow

SPAN = 16
"""So many numbers, or more, make a span."""

Number = tuple[str, int]
"""A station, and a number of it."""


class NumberSpanRow(SQLModel, table=True):
    """Numbers that a station's scans took in turn, up to `last`; `taken`: each with the scan's place, pressed."""

    __tablename__ = "number_span"
    station: str = Field(primary_key=True)
    last: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    taken: bytes = Field(sa_type=LargeBinary)


class LateNumberRow(SQLModel, table=True):
    """A number that a scan took out of turn."""

    __tablename__ = "late_number"
    __table_args__ = COMPACT
    station: str = Field(primary_key=True)
    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    place: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))


class Newest(NamedTuple):
    """A station's head, and the newest numbers that were taken in turn, as `number_span.py` holds them plain."""

    head: StationHead
    taken: bytes = b""

    def after(self, head: StationHead, numbers: Iterable[tuple[int, int]]) -> Self:
        """The station goes on from another head, having taken these numbers in turn, each with its place."""
        return self._replace(head=head, taken=self.taken + hold_plain(numbers))


NOTHING_TAKEN = Newest(StationHead(seq=0, digest=b""))
"""Of a station that begins."""


class Taker(NamedTuple):
    """The place of what took a number, and the digest of its statement."""

    place: int
    link: bytes


def newest(session: Session, stations: Iterable[str]) -> dict[str, Newest]:
    """From where each station goes on."""
    found = pick(session, StationHeadRow, ("station", "seq", "digest", "taken"), by=("station",), values=stations)
    return {station: Newest(StationHead(seq=seq, digest=digest), held) for station, seq, digest, held in found}


def go_on(session: Session, stations: Mapping[str, Newest]) -> None:
    """Replace from where stations go on; enough numbers become a span."""
    heads, spans = list[dict[str, Any]](), list[dict[str, Any]]()
    for station, (head, held) in sorted(stations.items()):
        is_span = len(held) >= SPAN * PAIR.size
        if is_span:
            spans.append({"station": station, "last": read_span(held)[-1][0], "taken": press(held)})
        heads.append({"station": station, "seq": head.seq, "digest": head.digest, "taken": b"" if is_span else held})
    put(session, StationHeadRow, heads, keys=("station",))
    add(session, NumberSpanRow, spans)


def add_late(session: Session, numbers: Iterable[tuple[str, int, int]]) -> None:
    """Keep numbers that were taken out of turn: station, number, place."""
    add(session, LateNumberRow, [{"station": name, "seq": seq, "place": place} for name, seq, place in numbers])


def takers_at(
    session: Session, numbers: Collection[Number], stations: Mapping[str, Newest]
) -> dict[Number, list[Taker]]:
    """The scans that took these numbers, in log order. `stations`: the newest of them."""
    rows = list(pick(session, LateNumberRow, ("station", "seq", "place"), by=("station", "seq"), values=numbers))
    for station, seq in numbers:
        held = stations.get(station)
        if held is not None and seq <= held.head.seq:
            rows += [(station, seq, place) for _, place in _in_turn(session, station, seq, seq, held.taken)]
    return _takers(session, rows)


def takers_between(
    session: Session, station: str, first: int, last: int, held: Newest | None
) -> dict[Number, list[Taker]]:
    """The scans of a station that took a number from first to last, in log order. `held`: its newest."""
    rows = taken_between(session, station, first, last, held)
    return _takers(session, [(station, *row) for row in rows])


def taken_between(session: Session, station: str, first: int, last: int, held: Newest | None) -> list[tuple[int, int]]:
    """The numbers from first to last that scans of a station took, each with its place. `held`: its newest."""
    question = "SELECT seq, place FROM late_number WHERE station = ? AND seq BETWEEN ? AND ?"
    rows = ask(session, question, (station, first, last))
    if held is not None and first <= held.head.seq:
        rows += _in_turn(session, station, first, min(last, held.head.seq), held.taken)
    return [(seq, place) for seq, place in rows]


def stretches(numbers: Sequence[int], *, apart: int) -> Iterator[tuple[int, int]]:
    """Runs of rising numbers that are at most so far apart: the first and the last of each."""
    breaks = [at for at, (one, next_one) in enumerate(pairwise(numbers), 1) if next_one - one > apart]
    for start, end in pairwise([0, *breaks, len(numbers)]):
        yield numbers[start], numbers[end - 1]


def numbers_around(session: Session, station: str, first: int, last: int, *, most: int) -> dict[int, int]:
    """The numbers of a station that are taken from first to last, and the `most` next on either side, with a place.

    What was signed with a key of the station that was revoked takes no number.
    """
    unopened = "unopened AS held WHERE held.station = ?"
    late = (
        "late_number AS held JOIN scan ON scan.place = held.place"
        " WHERE held.station = ? AND scan.flags NOT LIKE '%%key_revoked%%'"  # PostgreSQL's driver takes one of two
    )
    parts, values = list[str](), list[str | int]()
    for source in (unopened, late):
        parts += [
            f"SELECT * FROM (SELECT held.seq, MIN(held.place) FROM {source} AND {which}) AS part"  # noqa: S608 - our own names
            for which in (
                "held.seq BETWEEN ? AND ? GROUP BY held.seq",
                "held.seq < ? GROUP BY held.seq ORDER BY held.seq DESC LIMIT ?",
                "held.seq > ? GROUP BY held.seq ORDER BY held.seq LIMIT ?",
            )
        ]
        values += [station, first, last, station, first, most, station, last, most]
    held = newest(session, [station]).get(station)
    in_turn = _in_turn(session, station, first, last, held.taken if held else b"", spans=-(-most // SPAN))
    found = dict(chain(in_turn, ask(session, " UNION ALL ".join(parts), values)))
    before = sorted(seq for seq in found if seq < first)[-most:]
    after = sorted(seq for seq in found if seq > last)[:most]
    return {seq: found[seq] for seq in (*before, *(seq for seq in found if first <= seq <= last), *after)}


def newest_statement(session: Session, station: str) -> StationHead | None:
    """The statement with a station's highest number, also one that was set aside: its number is taken all the same."""
    found = [held.head for held in newest(session, [station]).values()]
    for table in ("late_number", "unopened"):
        question = f"SELECT seq, place FROM {table} WHERE station = ? ORDER BY seq DESC, place LIMIT 1"  # noqa: S608 - our own names
        for seq, place in ask(session, question, (station,)):
            index = index_of(place)
            found.append(StationHead(seq=seq, digest=statement_digests(session, [index])[index]))
    return max(found, key=lambda head: head.seq, default=None)


def _takers(session: Session, rows: Sequence[tuple[str, int, int]]) -> dict[Number, list[Taker]]:
    links = statement_digests(session, {index_of(place) for _, _, place in rows})
    found: dict[Number, list[Taker]] = {}
    for station, seq, place in sorted(rows):
        found.setdefault((station, seq), []).append(Taker(place, links[index_of(place)]))
    return found


def _in_turn(
    session: Session, station: str, first: int, last: int, held: bytes, *, spans: int = 0
) -> list[tuple[int, int]]:
    """The numbers from first to last that were taken in turn, each with its place; and so many spans on either side."""
    spans_held = [held]
    end = "COALESCE((SELECT MIN(last) FROM number_span WHERE station = ? AND last >= ?), ?)"
    inside = f"last >= ? AND last <= {end}"
    questions: list[tuple[str, tuple[int | str, ...]]] = [(inside, (first, station, last, last))]
    if spans:
        questions += [
            ("last < ? ORDER BY last DESC LIMIT ?", (first, spans)),
            (f"last > {end} ORDER BY last LIMIT ?", (station, last, last, spans)),
        ]
    for which, values in questions:
        rows = ask(session, f"SELECT taken FROM number_span WHERE station = ? AND {which}", (station, *values))  # noqa: S608 - our own words
        spans_held += [span for (span,) in rows]
    numbers = [number for span in spans_held for number in read_span(span)]
    return numbers if spans else [number for number in numbers if first <= number[0] <= last]
