"""Following a log: entries and openings, in order, lead to every verdict that the judge gave.

Keys and policies are folded from the entries, and with a policy the edition of the judge's rules (`scans/edition.py`);
each station's sequence and what was known of each parcel from the scans before, the time is that of the entry's arrival
as its row has it, which nothing signed covers. A scan that was registered without its opening takes its place in the
sequence at its entry, and is judged where a record says that its opening came, by the edition that holds there. A batch
is judged at its entry, scan by scan, as the judge did.

What is stored may be damaged in any way, by an accident or by somebody's hand. What cannot be read as what was signed
is named, by its entry, and the log followed on without it. Of a scan that cannot be read, or not any more, the judge's
own row is believed as far as its station went on from it, since that hung on what stood in it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy.exc import SQLAlchemyError

from custody.gs1.event import Event
from custody.kernel.errors import Rejected, Trouble
from custody.ledger.record import CONTENT_TYPE as RECORD
from custody.ledger.record import Record, open_record
from custody.ledger.registry import KINDS, Registry, fold
from custody.scans.advance import UNSEEN
from custody.scans.batch import BATCH, BatchedScan, BatchStatement, read_batch
from custody.scans.edition import edition_of
from custody.scans.follow import concerned, follow
from custody.scans.judge import judge_repeat
from custody.scans.judge_batch import judge_batch
from custody.scans.judge_parcels import judge_parcels
from custody.scans.place import index_of, place_of, position_of
from custody.scans.scan import OPENED, SCANS, Scan, ScanStatement, open_scan, read_scan_statement
from custody.scans.tolerances import Tolerances
from custody.scans.verdict import QUARANTINED, Verdict
from custody.scans.view import StationHead, UnitView
from custody.store.log_reader import StoredEntry
from custody.usecases.register_statement import takes_its_place


@dataclass(frozen=True, slots=True, kw_only=True)
class Damaged:
    """A place where what is stored cannot be what was signed, and why."""

    place: int
    why: str

    @classmethod
    def by(cls, place: int, error: Exception) -> "Damaged":
        """What could not be read there, by the error that reading it raised."""
        return cls(place=place, why=error.detail if isinstance(error, Trouble) else f"cannot be read: {error!r:.200}")

    @property
    def index(self) -> int:
        """The log index."""
        return index_of(self.place)

    @property
    def position(self) -> int | None:
        """Where in its batch it stands."""
        return position_of(self.place)


Entries = Callable[[], Iterable[StoredEntry | Damaged]]
"""Gives the entries of a log from the first on, each time it is called."""


ScansOf = Callable[[StoredEntry], Sequence[BatchedScan | Damaged | None]]
"""Gives the scans of a batch's entry in order; None where there is nothing to read, or no longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """The verdict that the log leads to for one scan, and the keys of all that it hangs on."""

    place: int
    verdict: Verdict
    keys: tuple[str, ...]

    @property
    def index(self) -> int:
        """The log index."""
        return index_of(self.place)

    @property
    def words(self) -> tuple[str, str, str]:
        """Result, code and flags as the judge's row has them."""
        flags = " ".join(dict.fromkeys(flag.code for flag in self.verdict.flags))
        return self.verdict.result, self.verdict.code, flags


def follow_log(
    read: Entries, scans_of: ScansOf, tolerances: Tolerances, *, said: Mapping[int, str]
) -> Iterator[Replayed | Damaged]:
    """The verdict of every scan that can be read, where the judge gave it; `read` gives the entries, from 0, twice.

    `said` has the results of the judge's rows, by place.
    """
    # 1. Which scans came without their opening, and where a record says that it came.
    late: dict[int, int] = {}
    arrivals: dict[int, Record] = {}
    for entry in read():
        if isinstance(entry, Damaged) or entry.content_type != RECORD or entry.opening is None:
            continue
        try:
            record = open_record(entry.raw, entry.opening)
        except Exception as error:  # noqa: BLE001 - whatever is stored there, its entry is named and the rest followed
            yield Damaged.by(place_of(entry.idx), error)
            continue
        if record.kind == OPENED:
            arrivals[entry.idx] = record
            if type(index := record.fields.get("index")) is int:
                late.setdefault(index, entry.idx)
    # 2. Everything in order.
    court = _Court(tolerances=tolerances, said=said, scans_of=scans_of, late=late, arrivals=arrivals)
    for entry in read():
        if isinstance(entry, Damaged):
            yield entry
            continue
        try:
            yield from court.hear(entry)
        except SQLAlchemyError:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            yield Damaged.by(place_of(entry.idx), error)


@dataclass(slots=True, kw_only=True)
class _Court:
    """What the judge knew at one place of the log."""

    tolerances: Tolerances
    said: Mapping[int, str]
    scans_of: ScansOf
    late: Mapping[int, int]
    arrivals: Mapping[int, Record]
    waiting: dict[int, StoredEntry] = field(default_factory=dict)
    registry: Registry = field(default_factory=Registry)
    heads: dict[str, StationHead] = field(default_factory=dict)
    places: dict[tuple[str, int], list[bytes]] = field(default_factory=dict)
    views: dict[str, UnitView] = field(default_factory=dict)
    lain_in: dict[str, dict[str, None]] = field(default_factory=dict)
    """The parcels that a handset was ever packed into, by its names."""

    def hear(self, entry: StoredEntry) -> Iterator[Replayed | Damaged]:
        """What the next entry leads to."""
        if entry.idx == 0 or entry.content_type in KINDS:
            self.registry = fold(self.registry, entry.idx, entry.raw)
            if self.registry.policies:
                edition = edition_of(self.registry.policies[-1].policy.rules)
                self.tolerances = replace(self.tolerances, edition=edition)
        elif entry.content_type == BATCH:
            yield from self.judge_batch(read_batch(entry.raw), entry)
        elif entry.content_type in SCANS:
            yield from self._hear_scan(entry)
        elif entry.idx in self.arrivals:
            yield from self._hear_arrival(self.arrivals[entry.idx])

    def _hear_scan(self, entry: StoredEntry) -> Iterator[Replayed | Damaged]:
        statement = read_scan_statement(entry.raw)
        if entry.idx in self.late:
            self.register(statement, entry)
            self.waiting[entry.idx] = entry
        elif entry.opening is not None:
            try:
                scan = open_scan(entry.raw, entry.opening)
            except Rejected as error:
                self.go_on(statement, self.said.get(place_of(entry.idx), QUARANTINED))
                yield Damaged.by(place_of(entry.idx), error)
                return
            yield self.judge(scan, entry)
        elif place_of(entry.idx) in self.said:
            self.go_on(statement, self.said[place_of(entry.idx)])
        else:
            self.register(statement, entry)

    def _hear_arrival(self, record: Record) -> Iterator[Replayed | Damaged]:
        index, digest = record.fields.get("index"), record.fields.get("digest")
        opened = self.waiting.pop(index, None) if type(index) is int else None
        if opened is None:
            raise Rejected(
                "opened", f"it says that the opening of entry {index!r:.40} came: no scan waits for one there"
            )
        if opened.opening is None:
            return
        try:
            scan = open_scan(opened.raw, opened.opening)
        except Rejected as error:
            yield Damaged.by(place_of(opened.idx), error)
            return
        if scan.digest != digest:
            raise Rejected("opened", f"it names another statement than entry {index}", fix="Restore a backup.")
        yield self.open(scan, opened)

    def judge(self, scan: Scan, entry: StoredEntry) -> Replayed:
        """A scan that came whole."""
        verdict = self._verdict(scan, entry, self.heads.get(scan.station))
        self.go_on(scan, verdict.result)
        return self._file(scan, entry, verdict)

    def go_on(self, scan: Scan | ScanStatement, result: str) -> None:
        """What a scan that came whole is to its station's sequence; it may be erased since."""
        head = self.heads.get(scan.station)
        self.places.setdefault((scan.station, scan.seq), []).append(scan.message.digest)
        if result != QUARANTINED and (head is None or scan.seq > head.seq):
            self.heads[scan.station] = StationHead(seq=scan.seq, digest=scan.message.digest)

    def judge_batch(self, statement: BatchStatement, entry: StoredEntry) -> Iterator[Replayed | Damaged]:
        """A batch, with the scans of it that can be read."""
        found = self.scans_of(entry)
        yield from (each for each in found if isinstance(each, Damaged))
        scans = [each if isinstance(each, BatchedScan) else None for each in found]
        numbers = [(statement.station, seq) for seq in range(statement.first, statement.last + 1)]
        judged = judge_batch(
            statement,
            scans,
            standing=self.registry.standing(statement.message.kid, entry.idx),
            head=self.heads.get(statement.station),
            held={seq: self.places[station, seq][0] for station, seq in numbers if self.places.get((station, seq))},
            views=self.views,
            now_ms=entry.received_ms,
            tolerances=self.tolerances,
            custodian=self._custodian(statement.message.kid),
            said={
                statement.first + at: self.said[place]
                for at in range(statement.count)
                if (place := place_of(entry.idx, at)) in self.said
            },
        )
        for number in numbers:
            self.places.setdefault(number, []).append(statement.digest)
        self._know(judged.views)
        if judged.head is not None:
            self.heads[statement.station] = judged.head
        for at, (scan, verdict) in enumerate(zip(scans, judged.verdicts, strict=True)):
            if scan is not None and verdict is not None:
                yield Replayed(place=place_of(entry.idx, at), verdict=verdict, keys=self._keys(scan.event))

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
            standing=self.registry.standing(scan.message.kid, entry.idx),
            head=head,
            views=self.views,
            now_ms=entry.received_ms,
            tolerances=self.tolerances,
        )

    def _file(self, scan: Scan, entry: StoredEntry, verdict: Verdict) -> Replayed:
        keys = self._keys(scan.event)
        if verdict.result != QUARANTINED:
            edition, custodian = self.tolerances.edition, self._custodian(scan.message.kid)
            self._know(follow(scan.event, lambda key: self.views.get(key, UNSEEN), edition, custodian=custodian))
        return Replayed(place=place_of(entry.idx), verdict=verdict, keys=keys)

    def _know(self, changed: Mapping[str, UnitView]) -> None:
        self.views |= changed
        for key, view in changed.items():
            if view.packed is not None:
                self.lain_in.setdefault(key, {})[view.packed.parcel] = None

    def _keys(self, event: Event) -> tuple[str, ...]:
        """The keys of all that a verdict on the event hangs on."""
        keys = concerned(event, self.tolerances.edition)
        return (*keys, *(parcel for key in keys for parcel in self.lain_in.get(key, ())))

    def _custodian(self, kid: bytes) -> str | None:
        """For whom the station works that has the key."""
        key = self.registry.keys.get(kid)
        return None if key is None else key.info.custodian
