"""Which names and numbers the log leads to: its entries in order, with what the judge said of each scan.

Whether a station goes on from a scan hangs on its verdict, and what the judge said cannot be made anew, as openings may
be erased. So the judge's rows are taken as they are, and must be there for just the scans that have an opening or had
one: where they do not go together with the entries, nothing can be rebuilt.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col

from custody.kernel.errors import Fatal
from custody.ledger.attestation import ATTESTATION, open_attestation
from custody.ledger.record import CONTENT_TYPE as RECORD
from custody.ledger.record import open_record
from custody.ledger.registry import KINDS, Registry, fold
from custody.scans.batch import BATCH, read_batch
from custody.scans.judge_batch import judge_batch
from custody.scans.place import name_place, place_of
from custody.scans.scan import OPENED, SCANS, read_scan_statement
from custody.scans.tolerances import Tolerances
from custody.scans.verdict import QUARANTINED
from custody.scans.view import StationHead
from custody.store import attestation_book, log_reader, scan_book
from custody.store.bulk import ask
from custody.store.log_book import NewEntry
from custody.store.log_reader import StoredEntry, of_types
from custody.store.mend_numbers import StationNumbers
from custody.store.scan_book import JudgedScan
from custody.store.tables import EntryRow
from custody.usecases.register_statement import takes_its_place
from custody.usecases.replay_log import Damaged
from custody.usecases.replay_verdicts import read_leaves

CHUNK = 1_000
RESTORE = "Restore a copy of the whole database."

Progress = Callable[[int, int], None]
"""Is told how many entries of how many are done."""


@dataclass(slots=True, kw_only=True)
class LedTo:
    """The names and numbers that the log leads to.

    `unopened`: rows of scans that nobody can read, by place; `attested`: rows of what verifiers attest.
    """

    stations: dict[str, StationNumbers] = field(default_factory=dict)
    unopened: dict[int, dict[str, Any]] = field(default_factory=dict)
    registry: Registry = field(default_factory=Registry)
    attested: list[dict[str, Any]] = field(default_factory=list)


def follow_names(session: Session, size: int, tolerances: Tolerances, progress: Progress) -> LedTo:
    """What the first `size` entries lead to; raises `Fatal("rebuild")` where rows do not go with the entries."""
    walk = _Walk(session=session, tolerances=tolerances, opened=_opened_later(session))
    walk.led_to.attested += _attested(session)
    for first in range(0, size, CHUNK):
        walk.take(first, min(first + CHUNK, size))
        progress(min(first + CHUNK, size), size)
    for table, column in (("entry", "idx"), ("scan", "place"), ("opening", "place")):
        end = size if column == "idx" else place_of(size)
        beyond = ask(session, f"SELECT 1 FROM {table} WHERE {column} < 0 OR {column} >= ? LIMIT 1", (end,))  # noqa: S608 - our own names
        if beyond:
            raise _apart(f"the table {table} holds more than the {size} entries of the log's head")
    return walk.led_to


def _opened_later(session: Session) -> set[int]:
    """The entries of scans whose opening came after them, as records in the log say."""
    found = set[int]()
    for entry, opening in _opened(session, RECORD):
        record = open_record(entry.raw, opening)
        if record.kind == OPENED and type(told := record.fields.get("index")) is int:
            found.add(told)
    return found


def _attested(session: Session) -> Iterator[dict[str, Any]]:
    """The rows of what verifiers attest, without what was erased."""
    for entry, opening in _opened(session, ATTESTATION):
        said = open_attestation(entry.raw, opening)
        yield attestation_book.row_of(entry.idx, said, received_ms=entry.received_ms)


def _opened(session: Session, kind: str) -> Iterator[tuple[StoredEntry, bytes]]:
    """The entries of a kind whose openings are there."""
    indexes = session.scalars(select(col(EntryRow.idx)).where(of_types(kind)).order_by(col(EntryRow.idx))).all()
    for first in range(0, len(indexes), CHUNK):
        for entry in log_reader.entries(session, indexes[first : first + CHUNK]):
            if entry.opening is not None:
                yield entry, entry.opening


@dataclass(slots=True, kw_only=True)
class _Walk:
    """The log as far as it was followed."""

    session: Session
    tolerances: Tolerances
    opened: set[int]
    led_to: LedTo = field(default_factory=LedTo)
    taken: dict[str, set[int]] = field(default_factory=dict)
    """The numbers of each station, whether or not what took them can be read."""

    def take(self, first: int, end: int) -> None:
        """Follow the entries from first to before end."""
        rows = {row.place: row for row in scan_book.judged_between(self.session, place_of(first), place_of(end))}
        question = "SELECT place FROM opening WHERE place >= ? AND place < ?"
        openings = {place for (place,) in ask(self.session, question, (place_of(first), place_of(end)))}
        for entry in log_reader.entries(self.session, range(first, end), bare=True):
            try:
                self._take_one(entry, rows, openings)
            except (Fatal, SQLAlchemyError):
                raise
            except Exception as error:  # rows may hold anything
                raise _apart(f"entry {entry.idx}: {Damaged.by(place_of(entry.idx), error).why}") from error
        if rows:
            raise _apart(f"the judge said something of {name_place(min(rows))}, where the log holds no scan")

    def _take_one(self, entry: StoredEntry, rows: dict[int, JudgedScan], openings: set[int]) -> None:
        named = NewEntry.of(entry.raw)
        if (named.message.digest, named.content_type) != (entry.digest, entry.content_type):
            raise _apart(f"the row of entry {entry.idx} does not say what its statement does")
        if entry.content_type in SCANS:
            self._scan(entry, rows, openings)
        elif entry.content_type == BATCH:
            self._batch(entry, rows, openings)
        elif entry.idx == 0 or entry.content_type in KINDS:
            self.led_to.registry = fold(self.led_to.registry, entry.idx, entry.raw)

    def _scan(self, entry: StoredEntry, rows: dict[int, JudgedScan], openings: set[int]) -> None:
        scan, place = read_scan_statement(entry.raw), place_of(entry.idx)
        row = self._judged(place, rows, openings, (scan.station, scan.seq, entry.digest))
        numbers = self._numbers(scan.station)
        if row is None and entry.idx in self.opened:
            raise _apart(f"the log says that the opening of {entry.idx} came, and there is none")
        came_whole = row is not None and entry.idx not in self.opened
        goes_on = (
            row is not None and row.result != QUARANTINED and (numbers.head is None or scan.seq > numbers.head.seq)
            if came_whole
            else takes_its_place(scan, numbers.head, entry.received_ms, self.tolerances)
        )
        if goes_on:
            numbers.head = StationHead(seq=scan.seq, digest=entry.digest)
        if row is None:
            self._unopened(place, scan.station, scan.seq, entry.digest, scan.subject)
        elif came_whole and goes_on:
            numbers.in_turn.append((scan.seq, place))
        else:
            numbers.late.add((scan.seq, place))
        self.taken[scan.station].add(scan.seq)

    def _batch(self, entry: StoredEntry, rows: dict[int, JudgedScan], openings: set[int]) -> None:
        statement = read_batch(entry.raw)
        numbers, taken = self._numbers(statement.station), self.taken[statement.station]
        said, read = dict[int, str](), list[tuple[int, int]]()
        for at, leaf in enumerate(read_leaves(self.session, entry.idx, statement)):
            place = place_of(entry.idx, at)
            row = self._judged(place, rows, openings, (leaf.station, leaf.seq, leaf.digest))
            if row is None:
                self._unopened(place, leaf.station, leaf.seq, leaf.digest, leaf.subject)
            else:
                said[leaf.seq] = row.result
                read.append((leaf.seq, place))
        own = range(statement.first, statement.last + 1)
        before = numbers.head
        judged = judge_batch(
            statement,
            [None] * statement.count,
            standing=self.led_to.registry.standing(statement.message.kid, entry.idx),
            head=before,
            held=dict.fromkeys(taken.intersection(own), b""),
            views={},
            now_ms=entry.received_ms,
            tolerances=self.tolerances,
            custodian=None,
            said=said,
        )
        late = read if judged.head is None else [each for each in read if before is not None and each[0] <= before.seq]
        numbers.late.update(late)
        if judged.head is not None:
            numbers.head = judged.head
            numbers.in_turn += read[len(late) :]
        taken.update(own)

    def _judged(
        self, place: int, rows: dict[int, JudgedScan], openings: set[int], named: tuple[str, int, bytes]
    ) -> JudgedScan | None:
        """What the judge said of the scan at a place; None of one that has no opening, and never had one."""
        row = rows.pop(place, None)
        if (row is not None) != (place in openings):
            lacks = "its opening, or that it was erased," if row else "what the judge said of it"
            raise _apart(f"the log holds the scan {name_place(place)}, and {lacks} is not there")
        if row is not None and (row.station, row.seq, row.digest) != named:
            raise _apart(f"what the judge said of {name_place(place)} is of another scan")
        return row

    def _numbers(self, station: str) -> StationNumbers:
        self.taken.setdefault(station, set())
        return self.led_to.stations.setdefault(station, StationNumbers())

    def _unopened(self, place: int, station: str, seq: int, digest: bytes, subject: str) -> None:
        row = {"place": place, "station": station, "seq": seq, "digest": digest, "sub": subject}
        self.led_to.unopened[place] = row


def _apart(why: str) -> Fatal:
    return Fatal("rebuild", f"nothing was changed: {why}", fix=RESTORE)
