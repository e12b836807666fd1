"""The hot path: taking scans in. The only file of the house that knows threads and futures.

Callers hand in parsed scans and get a future. One writer thread takes whatever is waiting, as one group:

1. verify every signature outside the transaction, on two threads (libsodium releases the interpreter lock);
2. begin one unit; read what the judge needs with a handful of queries for the whole group;
3. judge scan by scan, in order, each seeing what those before it changed;
4. append all of them to the log and write their rows;
5. seal and commit once; only then answer.

While one group commits the next one forms, so load makes the groups large and idleness keeps them small. If a group
fails, each of its jobs is tried alone, so that one of them cannot fail the others.

What is signed and parseable is kept whatever the verdict: in the log if an enrolled key signed it, in the quarantine
if the key is unknown or the signature is wrong. The same (station, sequence) with the same content is answered as
before; with other content both are kept. A scan whose statement was registered alone is judged when its opening comes,
after all others of the group; a record in the log says when that was.
"""

import queue
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import msgspec
import structlog

from custody.kernel import cbor
from custody.kernel.clock import Instant
from custody.kernel.errors import Rejected, Trouble, Unavailable
from custody.kernel.keys import PublicKey, read_cose_key
from custody.scans.advance import UNSEEN, advance, parcels_of
from custody.scans.judge import judge, judge_repeat
from custody.scans.judge_parcels import judge_parcels
from custody.scans.scan import Scan
from custody.scans.tolerances import Tolerances
from custody.scans.verdict import Verdict
from custody.scans.view import KeyStanding, StationHead, UnitView
from custody.store import log_reader, scan_book, unopened_book
from custody.store.log_book import NewEntry
from custody.store.scan_book import EnrolledKey
from custody.store.unit import House, Unit
from custody.store.unopened_book import UnopenedScan
from custody.trail.names import index_keys

MAX_GROUP = 1_000
MAX_WAITING = 20_000
VERIFIERS = 2
VERIFY_CHUNK = 64

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """The answer to one scan. `index` is None if it is not in the log; `refused` says why a scan was refused."""

    digest: bytes
    verdict: Verdict
    index: int | None
    at_ms: Instant
    refused: Trouble | None = None


@dataclass(slots=True, kw_only=True)
class Job:
    """Scans that were handed in together and are answered together."""

    scans: Sequence[Scan]
    future: "Future[list[Ack]]" = field(default_factory=Future)


class Intake:
    """Takes scans in; one writer thread a process."""

    def __init__(self, house: House, tolerances: Tolerances) -> None:
        self._house = house
        self._tolerances = tolerances
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._waiting = 0
        self._stopping = False
        self._count = threading.Lock()
        self._keys: dict[bytes, PublicKey] = {}
        self._verifiers = ThreadPoolExecutor(VERIFIERS, thread_name_prefix="verify")
        self._writer = threading.Thread(target=self._run, name="intake", daemon=True)

    def start(self) -> None:
        """Start the writer."""
        self._writer.start()

    def stop(self) -> None:
        """Finish what was handed in and stop."""
        with self._count:
            self._stopping = True
            self._jobs.put(None)
        self._writer.join()
        self._verifiers.shutdown()

    def submit(self, scans: Sequence[Scan]) -> "Future[list[Ack]]":
        """Hand scans in; the future has one answer a scan, after they are durable. Raises `Unavailable` when full."""
        job = Job(scans=scans)
        with self._count:
            if self._stopping:
                raise Unavailable("stopping", "the service is stopping", fix="Keep the scans and send them again.")
            if self._waiting + len(scans) > MAX_WAITING:
                raise Unavailable("busy", "too many scans are waiting", fix="Keep the scans and send them again.")
            self._waiting += len(scans)
            self._jobs.put(job)
        return job.future

    def _run(self) -> None:
        going = True
        while going:
            group, going = self._next_group()
            if group:
                self._handle(group)
                with self._count:
                    self._waiting -= sum(len(job.scans) for job in group)

    def _next_group(self) -> tuple[list[Job], bool]:
        group, size = [], 0
        job = self._jobs.get()
        while job is not None:
            group.append(job)
            size += len(job.scans)
            if size >= MAX_GROUP:
                return group, True
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return group, True
        return group, False

    def _handle(self, group: list[Job]) -> None:
        try:
            answers = self._accept([scan for job in group for scan in job.scans])
        except Exception as error:  # noqa: BLE001 - whatever it was, every waiting caller must get an answer
            if len(group) > 1:
                for job in group:
                    self._handle([job])
                return
            log.warning("scans could not be taken in", error=repr(error))
            trouble = error if isinstance(error, Trouble) else _not_stored()
            if group[0].future.set_running_or_notify_cancel():
                group[0].future.set_exception(trouble)
            return
        position = 0
        for job in group:
            # A caller may have given up; the scans are kept all the same, and the others wait for their answers.
            if job.future.set_running_or_notify_cancel():
                job.future.set_result(answers[position : position + len(job.scans)])
            position += len(job.scans)

    def _accept(self, scans: Sequence[Scan]) -> list[Ack]:
        sound = self._verify(scans)
        with self._house.unit() as unit:
            bench = _Bench(unit, scans, self._tolerances)
            return bench.answer(scans, sound)

    def _verify(self, scans: Sequence[Scan]) -> list[bool | None]:
        """True: the enrolled key signed it. False: it did not. None: the key is unknown."""
        missing = {scan.message.kid for scan in scans} - self._keys.keys()
        if missing:
            with self._house.read() as session:
                for kid, row in scan_book.station_keys(session, missing).items():
                    self._keys[kid] = read_cose_key(cbor.decode(row.cose_key))
        chunks = [scans[at : at + VERIFY_CHUNK] for at in range(0, len(scans), VERIFY_CHUNK)]
        results = (
            map(self._verify_chunk, chunks) if len(chunks) == 1 else self._verifiers.map(self._verify_chunk, chunks)
        )
        return [result for chunk in results for result in chunk]

    def _verify_chunk(self, scans: Sequence[Scan]) -> list[bool | None]:
        return [_is_signed(scan, self._keys.get(scan.message.kid)) for scan in scans]


class _Bench:
    """One group on the judge's bench: what was known before it, and what it changes."""

    def __init__(self, unit: Unit, scans: Sequence[Scan], tolerances: Tolerances) -> None:
        session = unit.session
        self._unit = unit
        self._tolerances = tolerances
        self._first = unit.log.size
        self._keys = scan_book.station_keys(session, {scan.message.kid for scan in scans})
        self._heads = scan_book.station_heads(session, {scan.station for scan in scans})
        self._known = scan_book.known_digests(session, {scan.digest for scan in scans})
        places = {(scan.station, scan.seq) for scan in scans}
        stored = scan_book.scans_at(session, places)
        self._waiting = {row.digest: row for row in unopened_book.at(session, places)}
        self._sealed = [(row.station, row.seq, row.digest) for row in self._waiting.values()]
        self._stored = {place: rows[0].digest for place, rows in stored.items()}
        wanted = {key for scan in scans for key in parcels_of(scan.event)}
        self._views = {
            key: msgspec.json.decode(view, type=UnitView) for key, view in scan_book.parcels(session, wanted).items()
        }
        self._moved_heads: dict[str, tuple[int, bytes]] = {}
        self._moved_views: set[str] = set()
        self._entries: list[NewEntry] = []
        self._scan_rows: list[dict[str, object]] = []
        self._key_rows: list[dict[str, object]] = []
        self._aside: list[dict[str, object]] = []
        self._opened: list[tuple[int, Scan]] = []

    def answer(self, scans: Sequence[Scan], sound: Sequence[bool | None]) -> list[Ack]:
        """Judge every scan, write what came of it, and return the answers."""
        turns = sorted(range(len(scans)), key=lambda turn: scans[turn].digest in self._waiting)
        answered = {turn: self._one(scans[turn], sound[turn]) for turn in turns}
        session = self._unit.session
        self._unit.log.append(self._entries)
        scan_book.add_scans(session, self._scan_rows, self._key_rows)
        scan_book.put_station_heads(session, self._moved_heads)
        moved = {key: msgspec.json.encode(self._views[key]).decode() for key in self._moved_views}
        scan_book.put_parcels(session, moved)
        if self._aside:
            scan_book.add_to_quarantine(session, self._aside)
        for index, scan in self._opened:
            unopened_book.put_opening(session, index, scan.opening)
            self._unit.record(unopened_book.OPENED, {"index": index, "digest": scan.digest})
        return [answered[turn] for turn in range(len(scans))]

    def _one(self, scan: Scan, signed: bool | None) -> Ack:  # noqa: FBT001 - three values: yes, no, key unknown
        key = self._keys.get(scan.message.kid)
        if key is None or key.station != scan.station or not signed:
            return self._set_aside(scan, signed if key is not None and key.station == scan.station else None)
        waiting = self._waiting.pop(scan.digest, None)
        if waiting is not None:
            return self._open(scan, key, waiting)
        repeat = judge_repeat(self._stored.get((scan.station, scan.seq)) or self._twin(scan), scan)
        if scan.digest in self._known:
            verdict = repeat or judge_repeat(scan.digest, scan)
            return self._ack(scan, verdict or self._judge_now(scan, key), self._known[scan.digest])
        verdict = repeat or self._judge_now(scan, key)
        return self._enter(scan, verdict)

    def _open(self, scan: Scan, key: EnrolledKey, waiting: UnopenedScan) -> Ack:
        """The opening of a scan that the log holds: judged as of its entry; its place in the sequence it took then."""
        index, received_ms = waiting.idx, log_reader.entry(self._unit.session, waiting.idx).received_ms
        stored = self._stored.get((scan.station, scan.seq))
        twin = self._twin(scan) if stored in {None, scan.digest} else stored
        before = None if scan.prev is None else StationHead(seq=scan.seq - 1, digest=scan.prev)
        standing = _standing(key, index)
        verdict = judge_repeat(twin, scan) or self._judge(scan, standing=standing, head=before, now_ms=received_ms)
        self._opened.append((index, scan))
        self._file(scan, verdict, index, received_ms)
        return self._ack(scan, verdict, index)

    def _twin(self, scan: Scan) -> bytes | None:
        """Another statement, still unopened, under the same number of the same station."""
        twins = (digest for name, seq, digest in self._sealed if (name, seq) == (scan.station, scan.seq))
        return next((digest for digest in twins if digest != scan.digest), None)

    def _judge_now(self, scan: Scan, key: EnrolledKey) -> Verdict:
        head, standing = self._heads.get(scan.station), _standing(key, self._first + len(self._entries))
        return self._judge(scan, standing=standing, head=head, now_ms=self._unit.now_ms)

    def _judge(self, scan: Scan, *, standing: KeyStanding, head: StationHead | None, now_ms: Instant) -> Verdict:
        return judge_parcels(
            scan, standing=standing, head=head, views=self._views, now_ms=now_ms, tolerances=self._tolerances
        )

    def _enter(self, scan: Scan, verdict: Verdict) -> Ack:
        index = self._first + len(self._entries)
        self._entries.append(NewEntry(message=scan.message, content_type=scan.content_type, opening=scan.opening))
        self._known[scan.digest] = index
        head = self._heads.get(scan.station)
        if verdict.result != "quarantined" and (head is None or scan.seq > head.seq):
            self._heads[scan.station] = StationHead(seq=scan.seq, digest=scan.digest)
            self._moved_heads[scan.station] = (scan.seq, scan.digest)
        self._file(scan, verdict, index, self._unit.now_ms)
        return self._ack(scan, verdict, index)

    def _file(self, scan: Scan, verdict: Verdict, index: int, received_ms: Instant) -> None:
        self._scan_rows.append(_scan_row(scan, verdict, index, received_ms))
        self._key_rows.extend({"key": key, "idx": index} for key in sorted(index_keys(scan.event)))
        self._stored.setdefault((scan.station, scan.seq), scan.digest)
        if verdict.result != "quarantined":
            for parcel in parcels_of(scan.event):
                self._views[parcel] = advance(self._views.get(parcel, UNSEEN), scan.event)
                self._moved_views.add(parcel)

    def _set_aside(self, scan: Scan, signed: bool | None) -> Ack:  # noqa: FBT001 - as in _one
        why = "signature" if signed is False else "key_unknown"
        self._aside.append(
            {
                "digest": scan.digest,
                "statement": scan.entry,
                "opening": scan.opening,
                "why": why,
                "received_ms": self._unit.now_ms,
            }
        )
        verdict = judge(
            scan,
            standing=KeyStanding.UNKNOWN,
            head=None,
            unit=UnitView(known=True),
            now_ms=self._unit.now_ms,
            tolerances=self._tolerances,
        )
        ack = self._ack(scan, verdict, None)
        return replace(ack, refused=_bad_signature()) if signed is False else ack

    def _ack(self, scan: Scan, verdict: Verdict, index: int | None) -> Ack:
        return Ack(digest=scan.digest, verdict=verdict, index=index, at_ms=self._unit.now_ms)


def _standing(key: EnrolledKey, index: int) -> KeyStanding:
    """What the key's word is worth at that entry; at the log's end a key is valid or revoked, never suspect."""
    if key.revoked_idx is None or (key.suspect_from_idx is not None and index < key.suspect_from_idx):
        return KeyStanding.VALID
    return KeyStanding.REVOKED if index >= key.revoked_idx else KeyStanding.SUSPECT


def _is_signed(scan: Scan, key: PublicKey | None) -> bool | None:
    if key is None:
        return None
    try:
        scan.message.verify(key)
    except Rejected:
        return False
    return True


def _scan_row(scan: Scan, verdict: Verdict, index: int, now_ms: Instant) -> dict[str, object]:
    return {
        "idx": index,
        "station": scan.station,
        "seq": scan.seq,
        "digest": scan.digest,
        "event_id": scan.event.event_id,
        "biz_step": scan.event.biz_step,
        "event_ms": scan.event.event_time_ms,
        "received_ms": now_ms,
        "result": verdict.result,
        "code": verdict.code,
        "flags": " ".join(_codes(verdict)),
    }


def _codes(verdict: Verdict) -> Iterable[str]:
    return dict.fromkeys(flag.code for flag in verdict.flags)


def _bad_signature() -> Rejected:
    return Rejected(
        "signature",
        "the enrolled key did not sign these bytes; the statement was kept as evidence",
        fix="Sign the exact bytes with the enrolled key and send the statement again.",
    )


def _not_stored() -> Unavailable:
    return Unavailable("not_stored", "the scans could not be stored", fix="Keep them and send the same bytes again.")
