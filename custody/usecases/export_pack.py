"""Exporting the evidence of a case as a pack that anyone checks offline.

1. `draw_up_pack` reads: the case, the trail's scans, every policy, the keys of the stations that signed, the records of
   case, order and locks; each entry with its path to one published checkpoint. It writes nothing and holds no lock.
2. `seal_pack` writes: the record `pack.exported` with the digest of the manifest, and a line of the timeline, the next
   one after those that were read. It closes the log once, so that the record's own proof can go into the pack; the unit
   then commits as a whole.

Scanning need not wait for it: draw up in a reading session, and seal in a unit.
What the device lock knows comes in as plain values, because this house does not know that one.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlalchemy import select
from sqlmodel import Session, col

from custody.disputes.policy import DEFAULT_POLICY, EARLIER_POLICIES, CaseworkPolicy
from custody.investigation.pack.batches import scan_stem
from custody.investigation.pack.case import CaseDoc, CaseLine, CaseMessage, GivenFile, later_step, write_case
from custody.investigation.pack.draw_up import Draft, PackSource, close_pack, draw_up
from custody.investigation.pack.entries import PackedVerdict, PackEntry, PackScan, stem
from custody.investigation.pack.json_form import plain
from custody.investigation.pack.locks import LockFile, LockKeys
from custody.investigation.pack.log import casework_rows
from custody.investigation.pack.redact import CONTACT, Redaction, holds_contact
from custody.investigation.pack.seal import KIND, PackSeal
from custody.investigation.pack.witnessed import Ways, embedded
from custody.investigation.verify.scans import CLOCKS_MS, made_ms
from custody.kernel import cose
from custody.kernel.clock import Instant, to_iso
from custody.kernel.errors import Fatal, NotFound, Rejected, Unavailable
from custody.kernel.keys import Signer
from custody.kernel.receipt import make_receipt
from custody.ledger.checkpoint import Checkpoint, open_checkpoint
from custody.ledger.merkle import inclusion_path
from custody.ledger.note import Ed25519Verifier, parse_note, text_key
from custody.ledger.record import CONTENT_TYPE as RECORD
from custody.ledger.record import open_record
from custody.ledger.statements import POLICY
from custody.ledger.tiles import TileHashReader
from custody.scans.batch import BATCH
from custody.scans.place import place_of
from custody.scans.scan import SCANS
from custody.store import (
    case_book,
    erase_book,
    evidence_book,
    inquiry_book,
    log_reader,
    scan_book,
    unopened_book,
    witness_book,
)
from custody.store.case_book import CaseFile
from custody.store.inquiry_answer import without_inputs
from custody.store.log_reader import StoredEntry
from custody.store.scan_book import JudgedScan
from custody.store.tables import CheckpointRow, DisputeEventRow, EntryRow, SaleRow
from custody.store.unit import Unit
from custody.usecases.mark_unproven import Doubts, read_doubts
from custody.usecases.open_scans import stored_scans
from custody.usecases.pack_signers import attested_entries, key_entries
from custody.usecases.read_trail import read_trail
from custody.usecases.record_sale import sale_of_imei

NO_LOCKS = LockFile(keys=LockKeys(), orders=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What goes in beside what this house stores.

    `note` is the published checkpoint to prove against, such as the newest one that witnesses cosigned; without it the
    newest of all. Steps of the case that the log recorded after it are left out, and listed. `records` are further log
    entries that belong to the case. `withhold` names entries whose content stays out, with the reason. `policies` are
    the casework policies that cases may have been opened under.
    """

    locks: LockFile = NO_LOCKS
    records: tuple[int, ...] = ()
    note: bytes | None = None
    withhold: Mapping[int, str] = field(default_factory=dict)
    policies: tuple[CaseworkPolicy, ...] = (DEFAULT_POLICY, *EARLIER_POLICIES)


NOTHING = Beside()


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A pack without its seal, the checkpoint that its proofs lead to, and the number of its export in the timeline."""

    dispute: str
    line: int
    head: Checkpoint
    draft: Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class PackExported:
    """The zip, its SHA-256, the digest of its manifest and the index of the log's record of it."""

    content: bytes
    digest: bytes
    manifest: bytes
    index: int


def draw_up_pack(
    session: Session, dispute: str, *, log_signer: Signer, now_ms: Instant, beside: Beside = NOTHING
) -> Drawn:
    """Everything but the seal, from one snapshot.

    Raises `NotFound` for an unknown case, and `Unavailable` while the clock is behind what was recorded.
    """
    file = case_book.read(session, dispute)
    note = beside.note or log_reader.head(session).note
    head = _open(note, log_signer)
    item = file.parcel or file.imei or f"po:{file.case.order_ref or dispute}"
    scans = _scans(session, file, item)
    lines = case_book.timeline(session, dispute)
    told = [line for line in lines if line.idx is None or line.idx < head.size]
    indexes = _indexes(session, file, scans, beside) | {line.idx for line in told if line.idx is not None}
    erased = {*(row.place for row in scans.values()), *map(place_of, indexes)}
    told_beside = erase_book.notices_of(session, erased) | unopened_book.records_of_openings(session, scans)
    indexes |= {index for index in told_beside if index < head.size}
    if late := [index for index in indexes if index >= head.size]:
        raise Rejected(
            "checkpoint", f"the checkpoint does not cover entry {late[0]}", fix="Give a newer one, or none at all."
        )
    gathering = _Gathering(session, head, log_signer, now_ms, beside)
    entries = gathering.entries(indexes, scans)
    _check_clock(entries, now_ms)
    shown = witness_book.shown_notes(session, embedded(entries))
    case, redactions = _case(session, file, item, told)
    later = [later_step(line.idx) for line in lines if line.idx is not None and line.idx >= head.size]
    source = PackSource(
        created_ms=now_ms,
        note=note,
        entries=entries,
        case=case,
        casework=casework_rows(file.case.policy_version, beside.policies),
        investigation=_investigation(session, dispute),
        locks=beside.locks,
        redactions=(*redactions, *gathering.withheld, *later),
        witnessed=tuple(shown[digest] for digest in sorted(shown)),
        ways=_ways(session, shown, head, log_signer),
    )
    return Drawn(dispute=dispute, line=len(lines) + 1, head=head, draft=draw_up(source))


def _check_clock(entries: Iterable[PackEntry], now_ms: Instant) -> None:
    """Return if the clock is not behind what was recorded: whoever checks a pack refuses one of an earlier date."""
    opened = [(entry.raw, entry.opening) for entry in entries if entry.content_type == RECORD]
    records = (open_record(raw, opening) for raw, opening in opened if opening is not None)
    newest_ms = max(map(made_ms, records), default=now_ms)
    if now_ms < newest_ms - CLOCKS_MS:
        raise Unavailable(
            "clock",
            f"the newest record of the case is of {to_iso(newest_ms)}, and by our clock it is {to_iso(now_ms)}",
            fix="See that the clock is right. If it ran ahead before, export the pack once that time has come.",
        )


def _ways(session: Session, shown: Mapping[bytes, bytes], head: Checkpoint, log_signer: Signer) -> Ways:
    """The proofs that the head goes on from checkpoints, each by its digest; a longer or a strange one has none."""
    ways = {}
    for digest, note in shown.items():
        with suppress(Rejected):  # whoever checks the pack refuses what the log did not sign
            size = _open(note, log_signer).size
            if 0 < size < head.size:
                ways[digest] = tuple(log_reader.prove_consistency(session, size, head.size))
    return ways


def seal_pack(unit: Unit, drawn: Drawn, *, actor: str, log_signer: Signer) -> PackExported:
    """Record the export in the log and close the pack around that record.

    Raises `Unavailable` if the case has got another line since: the pack would leave it out unnamed.
    """
    if case_book.next_line(unit, drawn.dispute) != drawn.line:
        raise Unavailable("changed", "the case was changed meanwhile", fix="Send the same request again.")
    facts = {"manifest": drawn.draft.digest, "files": len(drawn.draft.files)}
    index = case_book.note(unit, drawn.dispute, KIND, actor=actor, facts=facts)
    unit.log.seal()
    # The log's rows were written past the session's own memory of them.
    unit.session.flush()
    unit.session.expire_all()
    content = close_pack(drawn.draft, _seal(unit, drawn, index, log_signer))
    digest = hashlib.sha256(content).digest()
    return PackExported(content=content, digest=digest, manifest=drawn.draft.digest, index=index)


def _seal(unit: Unit, drawn: Drawn, index: int, log_signer: Signer) -> PackSeal:
    session = unit.session
    row = session.get(CheckpointRow, unit.log.size)
    entry = log_reader.entry(session, index)
    if row is None or entry.opening is None:
        raise Fatal("seal", "the log did not keep the record of the export", fix="Run `weaklink log audit`.")
    later = _open(row.note, log_signer)
    return PackSeal(
        statement=entry.raw,
        opening=entry.opening,
        index=index,
        path=tuple(log_reader.prove_inclusion(session, index, later.size)),
        note=row.note,
        consistency=tuple(log_reader.prove_consistency(session, drawn.head.size, later.size)),
    )


class _Gathering:
    """Takes entries out of the log with their proofs, and remembers what it left out."""

    def __init__(self, session: Session, head: Checkpoint, signer: Signer, now_ms: Instant, beside: Beside) -> None:
        self._session = session
        self._head = head
        self._signer = signer
        self._now_ms = now_ms
        self._withhold = beside.withhold
        self._reader: TileHashReader = log_reader.hash_reader(session, head.size)
        self._doubts = read_doubts(session)
        self.withheld: list[Redaction] = []

    def entries(self, indexes: Iterable[int], scans: Mapping[int, JudgedScan]) -> tuple[PackEntry, ...]:
        """The entries at these indexes."""
        stored = log_reader.entries(self._session, sorted(indexes))
        return tuple(self._entry(entry, scans) for entry in stored)

    def _entry(self, stored: StoredEntry, rows: Mapping[int, JudgedScan]) -> PackEntry:
        row = rows.get(place_of(stored.idx))
        path = inclusion_path(stored.idx, self._head.size, self._reader)
        why = self._why_withheld(stored)
        if why:
            self.withheld.append(Redaction(file=f"{stem(stored.idx)}.opening", where="", why=why))
        is_scan, is_batch = stored.content_type in SCANS, stored.content_type == BATCH
        return PackEntry(
            index=stored.idx,
            raw=stored.raw,
            content_type=stored.content_type,
            received_ms=stored.received_ms,
            path=tuple(path),
            opening=None if why else stored.opening,
            withheld=why,
            receipt=self._receipt(stored, path) if is_scan or is_batch else None,
            judged=_judged(row, stored.raw, self._doubts) if is_scan else None,
            scans=self._scans(stored, rows) if is_batch else (),
        )

    def _scans(self, stored: StoredEntry, rows: Mapping[int, JudgedScan]) -> tuple[PackScan, ...]:
        """The scans of a batch that belong to the parcel; nothing of the others but hashes in the receipts."""
        mine = {place: row for place, row in rows.items() if row.index == stored.idx}
        found = []
        for place, scan in stored_scans(self._session, mine).items():
            inside = scan.inside
            if inside is None:
                continue
            why = self._withhold.get(stored.idx, "") if scan.opening is not None else ""
            if why:
                file = f"{scan_stem(stored.idx, inside.position)}.opening"
                self.withheld.append(Redaction(file=file, where="", why=why))
            found.append(
                PackScan(
                    position=inside.position,
                    leaf=inside.leaf.raw,
                    receipt=inside.receipt,
                    judged=_judged(mine[place], stored.raw, self._doubts),
                    opening=None if why else scan.opening,
                    withheld=why,
                )
            )
        return tuple(found)

    def _why_withheld(self, stored: StoredEntry) -> str:
        if stored.opening is None:
            return ""
        if stored.idx in self._withhold:
            return self._withhold[stored.idx]
        if stored.content_type != RECORD:
            return ""
        return CONTACT if holds_contact(plain(dict(open_record(stored.raw, stored.opening).fields))) else ""

    def _receipt(self, stored: StoredEntry, path: list[bytes]) -> bytes:
        return make_receipt(
            size=self._head.size,
            index=stored.idx,
            path=path,
            root=self._head.root,
            signer=self._signer,
            iss=f"urn:weaklink:operator:{self._head.origin}",
            sub=f"urn:weaklink:entry:{stored.digest.hex()}",
            iat_s=self._now_ms // 1000,
        )


def _open(note: bytes, log_signer: Signer) -> Checkpoint:
    """The checkpoint of a note that this log's key signed."""
    origin = parse_note(note).text.partition("\n")[0]
    return open_checkpoint(note, Ed25519Verifier(key=text_key(origin, log_signer.public)))


def _scans(session: Session, file: CaseFile, item: str) -> dict[int, JudgedScan]:
    """The scans of the parcel by place; those whose opening was erased are found by the parcel's key alone."""
    try:
        found = {scan.place for scan in read_trail(session, item, parcel=file.parcel).scans}
    except (NotFound, Rejected):
        found = set()
    if file.parcel is not None:
        found |= {row.place for row in scan_book.scans_under(session, [file.parcel])}
    return {row.place: row for row in scan_book.judged_at(session, found)}


def _indexes(session: Session, file: CaseFile, scans: Mapping[int, JudgedScan], beside: Beside) -> set[int]:
    """The entries that matter beside the timeline's: policies, keys of who signed, scans, attestations, records."""
    wanted = {row.index for row in scans.values()} | set(beside.records)
    wanted |= set(session.scalars(select(col(EntryRow.idx)).where(log_reader.of_types(POLICY))).all())
    wanted |= key_entries(session, {row.station for row in scans.values()})
    wanted |= attested_entries(session, [row.digest for row in scans.values()])
    wanted |= {index for history in beside.locks.orders for index in history.indexes}
    sale = session.get(SaleRow, file.case.order_ref) if file.case.order_ref else None
    if sale is not None:
        wanted.add(sale.recorded_idx)
    sold = sale_of_imei(session, file.imei) if file.imei else None
    if sold is not None:
        wanted.add(sold.index)
    return wanted


def _case(
    session: Session, file: CaseFile, item: str, lines: Sequence[DisputeEventRow]
) -> tuple[CaseDoc, tuple[Redaction, ...]]:
    dispute = file.case.id
    return write_case(
        plain(file),
        item=item,
        timeline=[
            CaseLine(
                at_ms=row.at_ms, actor=row.actor, kind=row.kind, facts=msgspec.json.decode(row.facts), index=row.idx
            )
            for row in lines
        ],
        promises=[plain(promise) for promise in case_book.promises(session, dispute)],
        messages=[CaseMessage(at_ms=at_ms, text=text) for at_ms, text in case_book.messages(session, dispute)],
        evidence=_evidence(session, dispute),
    )


def _evidence(session: Session, dispute: str) -> list[GivenFile]:
    """The files of a case by their digests; their content stays where it is."""
    return [
        GivenFile(
            media_type=given.media_type,
            sha256=given.sha256.hex(),
            bytes=given.bytes,
            given_by=given.given_by,
            at_ms=given.at_ms,
        )
        for given in evidence_book.of_case(session, dispute)
    ]


def _investigation(session: Session, dispute: str) -> dict[str, Any]:
    """The stored answer, and apart from it what it is computed from, where that was stored with it."""
    try:
        text = inquiry_book.read(session, dispute).result
    except NotFound:
        text = None
    stored, inquiry = (None, None) if text is None else without_inputs(text)
    return {"stored": stored, "inquiry": inquiry}


def _judged(row: JudgedScan | None, raw: bytes, doubts: Doubts) -> PackedVerdict:
    if row is None:
        raise Fatal("scan_row", "the log holds a scan that was never judged", fix="Run `weaklink log audit`.")
    kid = cose.parse(raw).kid
    result, flags = doubts.verdict(kid, row.index, row.result, tuple(row.flags.split()))
    return PackedVerdict(result=result, code=row.code, flags=flags)
