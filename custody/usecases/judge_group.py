"""One group of scans and batches: judged in order, put into the log, and answered.

`Bench` reads what the judge needs with a handful of queries for the whole group, judges part by part, each seeing what
those before it changed, and writes everything that came of it. A part is a scan with a statement of its own, or a
batch; a batch is one entry of the log, and each of its scans has a row, keys, an opening and a verdict of its own.

- A statement that the log holds is answered with its place, scan by scan, and adds nothing.
- A number belongs to the statement that took it first, be it readable or not. Another one under it is tamper evidence,
  also when it comes again; both are kept.
- A scan of a batch that holds no event takes its number; its leaf is kept and its opening is not.
- A captured event is kept however often it is signed, because it was signed. Where a scan has its id already, and it
  does not declare that one wrong, the answer says so.
- Where the signature is wrong, or the key unknown, every scan is kept aside (`keep_aside.py`).
"""

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain

import msgspec
from msgspec.structs import replace
from sqlmodel import Session

from custody.kernel.clock import Instant
from custody.kernel.errors import Rejected, Trouble
from custody.kernel.key_standing import KeyStanding
from custody.scans.advance import UNSEEN, VOIDS
from custody.scans.batch import BatchedScan, BatchStatement, SealedBatch
from custody.scans.follow import concerned, follow
from custody.scans.judge import judge, judge_repeat
from custody.scans.judge_batch import judge_batch
from custody.scans.judge_parcels import judge_parcels
from custody.scans.place import index_of, name_place, place_of, position_of
from custody.scans.scan import CAPTURED, OPENED, Scan
from custody.scans.tolerances import Tolerances
from custody.scans.verdict import QUARANTINED, Verdict, already_done, unread
from custody.scans.view import StationHead, UnitView
from custody.store import batch_book, log_reader, number_book, policy_book, quarantine, scan_book, unopened_book
from custody.store.log_book import ReadyEntry
from custody.store.number_book import NOTHING_TAKEN, Newest, Number, Taker
from custody.store.quarantine import Evidence
from custody.store.scan_book import EnrolledKey
from custody.store.unit import Unit
from custody.store.unopened_book import UnopenedScan
from custody.usecases.file_part import Checked, Filing, ScanOrBatch, Unproven, statement_of
from custody.usecases.keep_aside import Names, evidence_of, told_of, why_aside
from custody.usecases.read_trail import station_facts


class ScanAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one scan. `index` is None if it is not in the log; `refused` says why a scan was refused.

    `position` is its place in its batch. A refused scan of a batch may be in the log all the same, by its leaf.
    `warnings` say what is odd about its event; the verdict does not hang on them.
    """

    digest: bytes
    verdict: Verdict
    index: int | None
    at_ms: Instant
    position: int | None = None
    refused: Trouble | None = None
    warnings: tuple[str, ...] = ()


class Bench:
    """One group on the judge's bench: what was known before it, and what it changes."""

    def __init__(self, unit: Unit, parts: Sequence[ScanOrBatch], tolerances: Tolerances) -> None:
        session = unit.session
        self._unit = unit
        self._tolerances = dataclasses.replace(tolerances, edition=policy_book.judge_edition(session))
        self._first = unit.log.size
        plain = [part for part in parts if isinstance(part, Scan)]
        batches = [part for part in parts if isinstance(part, SealedBatch)]
        scans = [*plain, *(scan for part in batches for scan in part.scans)]
        statements: list[Scan | BatchStatement] = [*plain, *(part.statement for part in batches)]
        self._keys = scan_book.station_keys(session, {each.message.kid for each in statements})
        self._newest = number_book.newest(session, {each.station for each in statements})
        self._heads = {station: each.head for station, each in self._newest.items()}
        self._known: dict[bytes, int] = {}
        self._takers: dict[Number, list[bytes]] = {}
        self._read_numbers(plain, [part.statement for part in batches])
        wanted = {key for scan in scans for key in concerned(scan.event, self._tolerances.edition)}
        ids = {scan.event.event_id for scan in scans if scan.content_type == CAPTURED}
        captured = [event_id for event_id in ids if event_id is not None]
        self._first_places: dict[str, int | None] = dict.fromkeys(captured)
        self._first_places |= scan_book.first_places(session, captured)
        self._views = _views(session, wanted)
        lain_in = {view.packed.parcel for view in self._views.values() if view.packed is not None}
        if lain_in - wanted:
            self._views |= _views(session, lain_in - wanted)
        voids = {scan.message.kid for scan in scans if scan.event.biz_step == VOIDS}
        facts = station_facts(session, voids) if voids else {}
        self._custodians = {kid: each.custodian for kid, each in facts.items()}
        self._in_turn: dict[str, list[tuple[int, int]]] = {}
        self._late_numbers: list[tuple[str, int, int]] = []
        self._moved_views: set[str] = set()
        self._entries: list[ReadyEntry] = []
        self._scan_rows: list[dict[str, object]] = []
        self._openings: list[object] = []
        self._key_rows: list[dict[str, object]] = []
        self._batch_rows: list[dict[str, object]] = []
        self._unread_rows: list[dict[str, object]] = []
        self._aside: Names | None = None
        self._handed_in: list[tuple[ScanOrBatch, Checked]] = []
        self._opened: list[tuple[int, Scan]] = []

    def answer(self, parts: Sequence[ScanOrBatch], checked: Sequence[Checked]) -> list[list[ScanAnswer] | Trouble]:
        """Judge every part, write what came of it, and return the answers to the scans of each."""
        self._handed_in = list(zip(parts, checked, strict=True))
        turns = sorted(range(len(parts)), key=lambda turn: isinstance(each := parts[turn], Scan) and self._waits(each))
        answered = {turn: self._part(parts[turn], checked[turn]) for turn in turns}
        session = self._unit.session
        self._unit.log.append(self._entries)
        scan_book.add_scans(session, self._scan_rows, self._openings, self._key_rows)
        batch_book.add_batches(session, self._batch_rows)
        unopened_book.add_unreadable(session, self._unread_rows)
        number_book.go_on(session, self._gone_on())
        number_book.add_late(session, self._late_numbers)
        moved = {key: msgspec.json.encode(self._views[key]).decode() for key in self._moved_views}
        scan_book.put_parcels(session, moved)
        for index, scan in self._opened:
            told = self._unit.record(OPENED, {"index": index, "digest": scan.digest})
            unopened_book.note_opened(session, index, told=told)
        return [answered[turn] for turn in range(len(parts))]

    def _read_numbers(self, plain: Sequence[Scan], batches: Sequence[BatchStatement]) -> None:
        """Which statements took the numbers of this group, in log order, and which of them wait for an opening.

        Every statement of a scan takes a number, so one that the log holds already is among them.
        """
        session, numbers = self._unit.session, {(scan.station, scan.seq) for scan in plain}
        takers = number_book.takers_at(session, numbers, self._newest)
        waiting = unopened_book.at(session, numbers)
        for batch in batches:
            between = (batch.station, batch.first, batch.last)
            takers |= number_book.takers_between(session, *between, self._newest.get(batch.station))
            waiting += unopened_book.between(session, *between)
        self._waiting = {row.digest: row for row in waiting if position_of(row.place) is None}
        links = scan_book.statement_digests(session, {index_of(row.place) for row in waiting})
        for row in waiting:
            taker = Taker(row.place, links[index_of(row.place)])
            takers.setdefault((row.station, row.seq), []).append(taker)
        self._known = {taker.link: index_of(taker.place) for those in takers.values() for taker in those}
        self._takers = {number: [taker.link for taker in sorted(those)] for number, those in takers.items()}

    def _waits(self, scan: Scan) -> bool:
        """Whether the log holds it and only its opening is missing; it is judged after all others."""
        return scan.digest in self._waiting

    def _part(self, part: ScanOrBatch, checked: Checked) -> list[ScanAnswer] | Trouble:
        if isinstance(checked, Rejected):
            return checked
        if isinstance(part, SealedBatch):
            return self._answer_batch(part, checked)
        return [self._answer_scan(part, checked)]

    def _answer_scan(self, scan: Scan, filing: Filing | Unproven) -> ScanAnswer:
        key = self._keys.get(scan.message.kid)
        if key is None or isinstance(filing, Unproven) or why_aside(scan, filing, key) is not None:
            return self._set_aside(scan, filing)
        waiting = self._waiting.pop(scan.digest, None)
        if waiting is not None:
            return self._open(scan, key, waiting, filing)
        repeat = judge_repeat(self._first_taker(scan.station, scan.seq), scan)
        if scan.digest in self._known:
            return self._ack(scan, repeat or already_done(), self._known[scan.digest])
        verdict = repeat or self._judge_now(scan, key)
        return self._enter(scan, verdict, filing)

    def _answer_batch(self, sealed: SealedBatch, filing: Filing | Unproven) -> list[ScanAnswer]:
        statement = sealed.statement
        key = self._keys.get(statement.message.kid)
        if key is None or isinstance(filing, Unproven) or why_aside(statement, filing, key) is not None:
            return self._set_batch_aside(sealed, filing)
        held = {
            seq: link
            for seq in range(statement.first, statement.last + 1)
            if (link := self._first_taker(statement.station, seq)) is not None
        }
        index = self._known.get(statement.digest)
        if index is None:
            return self._enter_batch(sealed, key, held, filing)
        again = already_done()
        return [
            self._batch_ack(sealed, at, judge_repeat(held.get(scan.seq), scan) or again, index)
            if isinstance(scan, BatchedScan)
            else self._batch_ack(sealed, at, None, index)
            for at, scan in enumerate(sealed.batch.scans)
        ]

    def _enter_batch(
        self, sealed: SealedBatch, key: EnrolledKey, held: Mapping[int, bytes], filing: Filing
    ) -> list[ScanAnswer]:
        statement, batch = sealed.statement, sealed.batch
        index = self._first + len(self._entries)
        judged = judge_batch(
            statement,
            [scan if isinstance(scan, BatchedScan) else None for scan in batch.scans],
            standing=_standing(key, index),
            head=self._heads.get(statement.station),
            held=held,
            views=self._views,
            now_ms=self._unit.now_ms,
            tolerances=self._tolerances,
            custodian=self._custodians.get(statement.message.kid),
        )
        self._entries.append(filing.entry)
        self._batch_rows.append(batch_book.batch_row(index, sealed.seal, filing.leaves))
        self._known[statement.digest] = index
        numbers = list[tuple[int, int]]()
        for at, (scan, verdict) in enumerate(zip(batch.scans, judged.verdicts, strict=True)):
            place = place_of(index, at)
            self._takers.setdefault((statement.station, statement.first + at), []).append(statement.digest)
            if isinstance(scan, BatchedScan) and verdict is not None:
                numbers.append((statement.first + at, place))
                self._scan_rows.append(_scan_row(scan, verdict, place, self._unit.now_ms))
                self._openings.append(filing.openings[at])
                self._key_rows += [{"key": name, "place": place} for name in filing.keys[at]]
            else:
                leaf = batch.leaves[at]
                row = {"place": place, "station": leaf.station, "seq": leaf.seq, "digest": leaf.digest}
                self._unread_rows.append({**row, "sub": leaf.subject})
        self._views |= judged.views
        self._moved_views |= judged.views.keys()
        self._number_batch(statement.station, numbers, judged.head)
        return [self._batch_ack(sealed, at, verdict, index) for at, verdict in enumerate(judged.verdicts)]

    def _batch_ack(self, sealed: SealedBatch, at: int, verdict: Verdict | None, index: int | None) -> ScanAnswer:
        scan = sealed.batch.scans[at]
        return ScanAnswer(
            digest=sealed.batch.leaves[at].digest,
            verdict=verdict or unread(),
            index=index,
            at_ms=self._unit.now_ms,
            position=at,
            refused=scan if isinstance(scan, Rejected) else None,
            warnings=() if isinstance(scan, Rejected) else self._warnings(scan, index, at),
        )

    def _open(self, scan: Scan, key: EnrolledKey, waiting: UnopenedScan, filing: Filing) -> ScanAnswer:
        """The opening of a scan that the log holds: judged as of its entry; its place in the sequence it took then."""
        index = index_of(waiting.place)
        received_ms = log_reader.entry(self._unit.session, index).received_ms
        twin = next((link for link in self._takers[scan.station, scan.seq] if link != scan.link), None)
        before = None if scan.prev is None else StationHead(seq=scan.seq - 1, digest=scan.prev)
        standing = _standing(key, index)
        verdict = judge_repeat(twin, scan) or self._judge(scan, standing=standing, head=before, now_ms=received_ms)
        self._opened.append((index, scan))
        self._late_numbers.append((scan.station, scan.seq, waiting.place))
        self._file(scan, verdict, index, received_ms, filing)
        return self._ack(scan, verdict, index)

    def _first_taker(self, station: str, seq: int) -> bytes | None:
        """The statement that took a number first, be it readable or not."""
        takers = self._takers.get((station, seq))
        return takers[0] if takers else None

    def _number_batch(self, station: str, numbers: Sequence[tuple[int, int]], head: StationHead | None) -> None:
        """Keep which numbers its scans took, and their places. `head`: from where the station goes on, if it does."""
        late = numbers
        if head is not None:
            before = self._heads.get(station)
            late = [number for number in numbers if before is not None and number[0] <= before.seq]
            self._heads[station] = head
            self._in_turn.setdefault(station, []).extend(numbers[len(late) :])
        self._late_numbers += [(station, *number) for number in late]

    def _gone_on(self) -> dict[str, Newest]:
        """From where stations go on now."""
        return {
            station: self._newest.get(station, NOTHING_TAKEN).after(self._heads[station], numbers)
            for station, numbers in self._in_turn.items()
        }

    def _judge_now(self, scan: Scan, key: EnrolledKey) -> Verdict:
        head, standing = self._heads.get(scan.station), _standing(key, self._first + len(self._entries))
        return self._judge(scan, standing=standing, head=head, now_ms=self._unit.now_ms)

    def _judge(self, scan: Scan, *, standing: KeyStanding, head: StationHead | None, now_ms: Instant) -> Verdict:
        return judge_parcels(
            scan, standing=standing, head=head, views=self._views, now_ms=now_ms, tolerances=self._tolerances
        )

    def _enter(self, scan: Scan, verdict: Verdict, filing: Filing) -> ScanAnswer:
        index = self._first + len(self._entries)
        self._entries.append(filing.entry)
        self._known[scan.digest] = index
        self._takers.setdefault((scan.station, scan.seq), []).append(scan.link)
        head = self._heads.get(scan.station)
        if verdict.result != QUARANTINED and (head is None or scan.seq > head.seq):
            self._heads[scan.station] = StationHead(seq=scan.seq, digest=scan.digest)
            self._in_turn.setdefault(scan.station, []).append((scan.seq, place_of(index)))
        else:
            self._late_numbers.append((scan.station, scan.seq, place_of(index)))
        self._file(scan, verdict, index, self._unit.now_ms, filing)
        return self._ack(scan, verdict, index)

    def _file(self, scan: Scan, verdict: Verdict, index: int, received_ms: Instant, filing: Filing) -> None:
        place = place_of(index)
        self._scan_rows.append(_scan_row(scan, verdict, place, received_ms))
        self._openings.append(filing.openings[0])
        self._key_rows += [{"key": name, "place": place} for name in filing.keys[0]]
        if verdict.result != QUARANTINED:
            edition, custodian = self._tolerances.edition, self._custodians.get(scan.message.kid)
            changed = follow(scan.event, lambda key: self._views.get(key, UNSEEN), edition, custodian=custodian)
            self._views |= changed
            self._moved_views |= changed.keys()

    def _kept_aside(self) -> Names:
        """What stands of all of the group that does not come into the log; kept when it is first asked for."""
        if self._aside is None:
            statements = [statement_of(part) for part, _ in self._handed_in]
            strange = {each.station for each in statements if each.message.kid not in self._keys}
            announced = scan_book.announced(self._unit.session, strange)
            found = [self._evidence(part, checked, announced) for part, checked in self._handed_in]
            self._aside = quarantine.keep(self._unit, chain.from_iterable(found))
        return self._aside

    def _evidence(self, part: ScanOrBatch, checked: Checked, announced: Collection[str] = ()) -> list[Evidence]:
        return evidence_of(part, checked, self._keys, announced)

    def _set_aside(self, scan: Scan, filing: Filing | Unproven) -> ScanAnswer:
        (evidence,) = self._evidence(scan, filing)
        ack = self._ack(scan, self._judge_stranger(scan), None)
        return replace(ack, refused=told_of(evidence, self._kept_aside()))

    def _set_batch_aside(self, sealed: SealedBatch, filing: Filing | Unproven) -> list[ScanAnswer]:
        acks, kept = [], self._kept_aside()
        for at, (scan, evidence) in enumerate(zip(sealed.batch.scans, self._evidence(sealed, filing), strict=True)):
            verdict = self._judge_stranger(scan) if isinstance(scan, BatchedScan) else None
            ack = self._batch_ack(sealed, at, verdict, None)
            acks.append(replace(ack, refused=told_of(evidence, kept) or ack.refused))
        return acks

    def _judge_stranger(self, scan: Scan) -> Verdict:
        return judge(
            scan,
            standing=KeyStanding.UNKNOWN,
            head=None,
            unit=UnitView(known=True),
            now_ms=self._unit.now_ms,
            tolerances=self._tolerances,
        )

    def _warnings(self, scan: Scan, index: int | None, position: int | None = None) -> tuple[str, ...]:
        """What is odd about an event, and where it was recorded before, if it was captured and has an id."""
        event_id, warnings = scan.event.event_id, scan.event.warnings
        if event_id is None or event_id not in self._first_places or scan.event.error_declaration is not None:
            return warnings
        place, first = None if index is None else place_of(index, position), self._first_places[event_id]
        if first is None:
            self._first_places[event_id] = place
        if first is None or (place is not None and place <= first):
            return warnings
        return *warnings, f"an event with the id {event_id[:200]!r} was recorded before, at entry {name_place(first)}"

    def _ack(self, scan: Scan, verdict: Verdict, index: int | None) -> ScanAnswer:
        warnings = self._warnings(scan, index)
        return ScanAnswer(digest=scan.digest, verdict=verdict, index=index, at_ms=self._unit.now_ms, warnings=warnings)


def _views(session: Session, keys: Iterable[str]) -> dict[str, UnitView]:
    return {key: msgspec.json.decode(view, type=UnitView) for key, view in scan_book.parcels(session, keys).items()}


def _standing(key: EnrolledKey, index: int) -> KeyStanding:
    """What the key's word is worth at that entry; at the log's end a key is valid or revoked, never suspect."""
    if key.revoked_idx is None or (key.suspect_from_idx is not None and index < key.suspect_from_idx):
        return KeyStanding.VALID
    return KeyStanding.REVOKED if index >= key.revoked_idx else KeyStanding.SUSPECT


def _scan_row(scan: Scan, verdict: Verdict, place: int, now_ms: Instant) -> dict[str, object]:
    return {
        "place": place,
        "station": scan.station,
        "seq": scan.seq,
        "digest": scan_book.held_digest(place, scan.digest),
        "received_ms": now_ms,
        "result": verdict.result,
        "code": verdict.code,
        "flags": " ".join(_codes(verdict)),
    }


def _codes(verdict: Verdict) -> Iterable[str]:
    return dict.fromkeys(flag.code for flag in verdict.flags)
