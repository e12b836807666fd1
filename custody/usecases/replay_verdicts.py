"""Replaying the log: entries and openings, in order, lead to every verdict that the judge gave.

An auditor who has the openings needs nothing else of the operator: keys and policies are folded from the entries, each
station's sequence and what was known of each parcel from the scans before, the time is that of the entry's receipt. A
scan that was registered without its opening takes its place in the sequence at its entry, and is judged where a record
says that its opening came. A batch is judged at its entry, scan by scan, as the judge did.

What cannot be compared is named, not passed over: scans that were erased or still wait for their opening, and scans of
a parcel of which an earlier one was erased. Whether a station went on from a scan that is erased hung on what stood in
it, so there the judge's own row is believed: what came after must follow from that.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlmodel import Session, col

from custody.ledger.record import CONTENT_TYPE as RECORD
from custody.ledger.record import open_record
from custody.ledger.registry import Registry, fold
from custody.scans.advance import UNSEEN, advance, parcels_of
from custody.scans.batch import BATCH, BatchedScan, BatchStatement, read_batch
from custody.scans.judge import judge_repeat
from custody.scans.judge_batch import judge_batch
from custody.scans.judge_parcels import judge_parcels
from custody.scans.place import index_of, place_of, tell_place
from custody.scans.scan import SCANS, Scan, ScanStatement, open_scan, read_scan_statement
from custody.scans.tolerances import Tolerances
from custody.scans.verdict import Verdict
from custody.scans.view import KeyStanding, StationHead, UnitView
from custody.store import log_reader
from custody.store.log_reader import StoredEntry
from custody.store.registry_book import KINDS
from custody.store.tables import ItemKeyRow, OpeningRow, ScanRow
from custody.store.unopened_book import OPENED
from custody.usecases.open_scans import stored_scans
from custody.usecases.register_statement import takes_its_place

CHUNK = 500

Entries = Callable[[], Iterable[StoredEntry]]
"""Gives the entries of a log from the first on, each time it is called."""


ScansOf = Callable[[StoredEntry], Sequence[BatchedScan | None]]
"""Gives the scans of a batch's entry in order; None where there is nothing to read, or no longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """The verdict that the log leads to for one scan."""

    place: int
    verdict: Verdict
    parcels: tuple[str, ...]

    @property
    def index(self) -> int:
        """The log index."""
        return index_of(self.place)

    @property
    def words(self) -> tuple[str, str, str]:
        """Result, code and flags as the judge's row has them."""
        flags = " ".join(dict.fromkeys(flag.code for flag in self.verdict.flags))
        return self.verdict.result, self.verdict.code, flags


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A scan whose stored verdict is not the one that the log leads to; None where there is none."""

    place: int
    stored: tuple[str, str, str] | None
    replayed: tuple[str, str, str] | None

    @property
    def index(self) -> int:
        """The log index."""
        return index_of(self.place)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How many verdicts are the same, which are not, and which could not be compared (index, or index and position)."""

    same: int
    different: tuple[Difference, ...]
    unread: tuple[int | tuple[int, int], ...]
    after_erased: tuple[int | tuple[int, int], ...]


def compare_verdicts(session: Session, tolerances: Tolerances) -> Comparison:
    """Replay the whole log of this database and compare it with the judge's rows."""
    size = log_reader.head(session).size
    erased = _erased_before(session)
    rows = {row.place: row for row in session.scalars(select(ScanRow)).all()}
    same, different, after = 0, [], []
    gone = rows.keys() & set(session.scalars(select(col(OpeningRow.place)).where(col(OpeningRow.content).is_(None))))
    replay = replay_verdicts(
        lambda: _entries(session, size),
        lambda entry: _scans_of(session, entry),
        tolerances,
        said={place: rows[place].result for place in gone},
    )
    for replayed in replay:
        row = rows.pop(replayed.place, None)
        stored = None if row is None else (row.result, row.code, row.flags)
        if stored == replayed.words:
            same += 1
        elif any(erased.get(parcel, place_of(size)) < replayed.place for parcel in replayed.parcels):
            after.append(replayed.place)
        else:
            different.append(Difference(place=replayed.place, stored=stored, replayed=replayed.words))
    different += [
        Difference(place=place, stored=(row.result, row.code, row.flags), replayed=None)
        for place, row in sorted(rows.items())
        if place not in gone
    ]
    return Comparison(
        same=same,
        different=tuple(different),
        unread=tuple(map(tell_place, sorted(gone))),
        after_erased=tuple(map(tell_place, sorted(after))),
    )


def replay_verdicts(
    read: Entries, scans_of: ScansOf, tolerances: Tolerances, *, said: Mapping[int, str]
) -> Iterator[Replayed]:
    """The verdict of every scan that can be read, where the judge gave it; `read` gives the entries, from 0, twice.

    `said` has the results of scans that were judged before they were erased, by place.
    """
    # 1. Which scans came without their opening, and where a record says that it came.
    late = {
        int(record.fields["index"]): entry.idx
        for entry in read()
        if entry.content_type == RECORD and entry.opening is not None
        for record in [open_record(entry.raw, entry.opening)]
        if record.kind == OPENED
    }
    arrivals = {at: index for index, at in late.items()}
    # 2. Everything in order.
    court = _Court(tolerances=tolerances, said=said)
    waiting: dict[int, StoredEntry] = {}
    for entry in read():
        if entry.idx == 0 or entry.content_type in KINDS:
            court.registry = fold(court.registry, entry.idx, entry.raw)
        elif entry.content_type in SCANS and entry.opening is not None and entry.idx not in late:
            yield court.judge(open_scan(entry.raw, entry.opening), entry)
        elif entry.content_type == BATCH:
            yield from court.judge_batch(read_batch(entry.raw), entry, scans_of(entry))
        elif place_of(entry.idx) in said and entry.idx not in late:
            court.go_on(read_scan_statement(entry.raw), said[place_of(entry.idx)])
        elif entry.content_type in SCANS:
            court.register(read_scan_statement(entry.raw), entry)
            waiting[entry.idx] = entry
        elif entry.idx in arrivals:
            opened = waiting.pop(arrivals[entry.idx])
            if opened.opening is not None:
                yield court.open(open_scan(opened.raw, opened.opening), opened)


def _entries(session: Session, size: int) -> Iterator[StoredEntry]:
    for first in range(0, size, CHUNK):
        yield from log_reader.entries(session, range(first, min(first + CHUNK, size)))


def _scans_of(session: Session, entry: StoredEntry) -> list[BatchedScan | None]:
    count = read_batch(entry.raw).count
    stored = stored_scans(session, [place_of(entry.idx, at) for at in range(count)])
    opened = [each.open() for each in stored.values()]
    return [scan if isinstance(scan, BatchedScan) else None for scan in opened]


def _erased_before(session: Session) -> dict[str, int]:
    """For each parcel of which a scan was erased, the first such entry."""
    query = select(col(ItemKeyRow.key), func.min(col(ItemKeyRow.place))).join(
        OpeningRow, col(OpeningRow.place) == col(ItemKeyRow.place)
    )
    found = session.execute(query.where(col(OpeningRow.content).is_(None)).group_by(col(ItemKeyRow.key)))
    return dict(found.all())


@dataclass(slots=True, kw_only=True)
class _Court:
    """What the judge knew at one place of the log."""

    tolerances: Tolerances
    said: Mapping[int, str]
    registry: Registry = field(default_factory=Registry)
    heads: dict[str, StationHead] = field(default_factory=dict)
    places: dict[tuple[str, int], list[bytes]] = field(default_factory=dict)
    views: dict[str, UnitView] = field(default_factory=dict)

    def judge(self, scan: Scan, entry: StoredEntry) -> Replayed:
        """A scan that came whole."""
        verdict = self._verdict(scan, entry, self.heads.get(scan.station))
        self.go_on(scan, verdict.result)
        return self._file(scan, entry, verdict)

    def go_on(self, scan: Scan | ScanStatement, result: str) -> None:
        """What a scan that came whole is to its station's sequence; it may be erased since."""
        head = self.heads.get(scan.station)
        self.places.setdefault((scan.station, scan.seq), []).append(scan.message.digest)
        if result != "quarantined" and (head is None or scan.seq > head.seq):
            self.heads[scan.station] = StationHead(seq=scan.seq, digest=scan.message.digest)

    def judge_batch(
        self, statement: BatchStatement, entry: StoredEntry, scans: Sequence[BatchedScan | None]
    ) -> Iterator[Replayed]:
        """A batch, with the scans of it that can be read."""
        numbers = [(statement.station, seq) for seq in range(statement.first, statement.last + 1)]
        judged = judge_batch(
            statement,
            scans,
            standing=KeyStanding(self.registry.standing(statement.message.kid, entry.idx).value),
            head=self.heads.get(statement.station),
            held={seq: self.places[station, seq][0] for station, seq in numbers if self.places.get((station, seq))},
            views=self.views,
            now_ms=entry.received_ms,
            tolerances=self.tolerances,
            said={
                statement.first + at: self.said[place]
                for at in range(statement.count)
                if (place := place_of(entry.idx, at)) in self.said
            },
        )
        for number in numbers:
            self.places.setdefault(number, []).append(statement.digest)
        self.views |= judged.views
        if judged.head is not None:
            self.heads[statement.station] = judged.head
        for at, (scan, verdict) in enumerate(zip(scans, judged.verdicts, strict=True)):
            if scan is not None and verdict is not None:
                yield Replayed(place=place_of(entry.idx, at), verdict=verdict, parcels=parcels_of(scan.event))

    def register(self, scan: ScanStatement, entry: StoredEntry) -> None:
        """A statement that came alone."""
        self.places.setdefault((scan.station, scan.seq), []).append(scan.message.digest)
        head = self.heads.get(scan.station)
        if takes_its_place(scan, head, entry.received_ms, self.tolerances):
            self.heads[scan.station] = StationHead(seq=scan.seq, digest=scan.message.digest)

    def open(self, scan: Scan, entry: StoredEntry) -> Replayed:
        """The opening of a statement that came alone before."""
        before = None if scan.prev is None else StationHead(seq=scan.seq - 1, digest=scan.prev)
        return self._file(scan, entry, self._verdict(scan, entry, before))

    def _verdict(self, scan: Scan, entry: StoredEntry, head: StationHead | None) -> Verdict:
        held = self.places.get((scan.station, scan.seq), [])
        twin = next((link for link in held if link != scan.link), None)
        return judge_repeat(twin, scan) or judge_parcels(
            scan,
            standing=KeyStanding(self.registry.standing(scan.message.kid, entry.idx).value),
            head=head,
            views=self.views,
            now_ms=entry.received_ms,
            tolerances=self.tolerances,
        )

    def _file(self, scan: Scan, entry: StoredEntry, verdict: Verdict) -> Replayed:
        parcels = parcels_of(scan.event)
        if verdict.result != "quarantined":
            self.views |= {parcel: advance(self.views.get(parcel, UNSEEN), scan.event) for parcel in parcels}
        return Replayed(place=place_of(entry.idx), verdict=verdict, parcels=parcels)
