"""The oracle of every story: reads a whole database back and complains of everything that does not fit.

- **Log**: every entry is hashed again from bundles and tiles up to every checkpoint that was ever signed; the head row
  is the last of them; nothing lies beyond it; every record opens and verifies under the operator's key.
- **Acknowledgements**: what was acknowledged with an index stands there under the same digest; what was kept aside is
  in the quarantine and not in the log, and the quarantine is counted right.
- **What scans say** (scan rows, item keys, openings, station heads, parcel views, station keys) is rebuilt from the
  entries and compared.
- **Locks**: the timeline of every order is in the log, its last line tells its state, and no order is shown as locked
  without the device's own signed word, or the word of another lock system that was asked. No handset is locked without
  a live order, or a release on its way; and no order is over while another lock system may hold it.
- **Outbox**: what waits to leave is the newest command of the present wish.
- **Cases** are honest, and their lines are in the log. What was promised elsewhere became a promise where it binds us,
  and nowhere else. No entry's bytes hold what is personal.

Complaints come as sentences; none means that all is well.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import msgspec
from sqlalchemy import Engine, func, select
from sqlmodel import Session, SQLModel, col

from custody.kernel.errors import Trouble
from custody.kernel.keys import PublicKey
from custody.ledger.audit import Audit
from custody.ledger.checkpoint import open_checkpoint
from custody.ledger.note import Ed25519Verifier, text_key
from custody.ledger.record import CONTENT_TYPE as RECORD
from custody.ledger.record import Record, open_record
from custody.ledger.registry import Registry, fold
from custody.ledger.replay import About
from custody.ledger.statements import KEY_ADD, KEY_REVOKE, POLICY
from custody.ledger.tiles import ENTRIES, TileId
from custody.scans.advance import UNSEEN
from custody.scans.edition import Edition
from custody.scans.follow import concerned, follow
from custody.scans.place import index_of, name_place
from custody.scans.scan import Scan
from custody.scans.view import UnitView
from custody.store import log_reader
from custody.store.case_book import CaseFile
from custody.store.log_book import unpack
from custody.store.log_reader import StoredEntry
from custody.store.run_tables import ItemKeyRow
from custody.store.scan_book import held_digest
from custody.store.tables import (
    CheckpointRow,
    DisputeEventRow,
    DisputeRow,
    EntryRow,
    LogHeadRow,
    OpeningRow,
    OutboxRow,
    ParcelRow,
    QuarantineRow,
    SaleRow,
    ScanRow,
    StationHeadRow,
    StationKeyRow,
    UnopenedRow,
)
from custody.trail.names import index_keys
from custody.usecases.judge_group import ScanAnswer
from devicelock import store as lock_store
from devicelock.authority_store import AuthorityRow
from devicelock.rules.ack import open_ack
from devicelock.rules.applied import Applied
from devicelock.rules.desired import ShownState, shown_state
from devicelock.rules.order import SETTLED, OrderState
from devicelock.store import CommandRow, DeviceRow, LockEventRow, LockOrderRow
from devicelock.usecases.hear import key_of
from simulators.handset import Handset
from tests.quarantine_counts import miscounted
from tests.world_audit_parts import outside_promise_complaints, part_complaints
from tests.world_audit_scans import (
    Held,
    batch_complaints,
    custodians,
    editions,
    held_scans,
    number_complaints,
    run_complaints,
)

SHOWN_LOCKED = frozenset({OrderState.ACTIVE_PROVISIONAL, OrderState.ACTIVE_CONFIRMED})
REGISTRY = frozenset({POLICY, KEY_ADD, KEY_REVOKE})
CHUNK = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What the house said of one scan: its place in the log, or that it was kept aside."""

    digest: bytes
    index: int | None

    @classmethod
    def of(cls, scan: Scan, ack: ScanAnswer) -> "Said":
        """The answer to a scan."""
        assert ack.digest == scan.digest, "the answer is about another scan"
        return cls(digest=scan.digest, index=ack.index)


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """A database and what it is compared with. `expected` are codes of findings about people, not about the log."""

    engine: Engine
    origin: str
    log_key: PublicKey
    operator_key: PublicKey
    said: tuple[Said, ...] = ()
    handsets: Mapping[str, Handset] = field(default_factory=dict)
    secrets: tuple[bytes, ...] = ()
    expected: frozenset[str] = frozenset()


def complaints(books: Books) -> Iterator[str]:
    """Everything that does not fit."""
    with Session(books.engine) as session:
        entries = _entries(session)
        yield from _log(session, books, len(entries))
        yield from _acknowledged(session, books, entries)
        records: dict[int, Record] = {}
        yield from _records(entries, books, records)
        yield from _scans(session, entries, records)
        yield from _registry(session, entries)
        yield from _orders(session, records, {entry.idx for entry in entries if entry.erased_ms is not None})
        yield from _devices(session, books)
        yield from part_complaints(session)
        yield from _outbox(session)
        yield from _cases(session, records, entries)
        yield from _private(books, entries)


def _entries(session: Session) -> list[StoredEntry]:
    size = session.scalar(select(func.count()).select_from(EntryRow)) or 0
    return [
        each
        for first in range(0, size, CHUNK)
        for each in log_reader.entries(session, range(first, min(first + CHUNK, size)))
    ]


def _rows(session: Session, table: type[SQLModel]) -> list[Any]:
    return list(session.scalars(select(table)).all())


def _log(session: Session, books: Books, count: int) -> Iterator[str]:
    verifier = Ed25519Verifier(key=text_key(books.origin, books.log_key))
    checkpoints = session.scalars(select(CheckpointRow).order_by(col(CheckpointRow.size))).all()
    heads = _rows(session, LogHeadRow)
    if len(heads) != 1 or not checkpoints:
        yield f"log: {len(heads)} head rows and {len(checkpoints)} checkpoints"
        return
    head = heads[0]
    if (head.size, head.note) != (checkpoints[-1].size, checkpoints[-1].note):
        yield f"log: the head row of size {head.size} is not the last checkpoint, of size {checkpoints[-1].size}"
    if head.size != count:
        yield f"log: the head says {head.size} entries, {count} are stored"
    signed = open_checkpoint(head.note, verifier)
    if not (signed.root == head.root == unpack(head.size, head.peaks).root()):
        yield "log: the head's root, its peaks and its signed checkpoint do not agree"

    def tile(wanted: TileId) -> bytes:
        read = log_reader.bundle if wanted.level == ENTRIES else log_reader.tile
        return read(session, wanted)

    earlier = [open_checkpoint(row.note, verifier) for row in checkpoints]
    audit = Audit(get_checkpoint=lambda: bytes(head.note), get_tile=tile, log=verifier, earlier=earlier)
    for found in audit.run():
        if found.about is About.LOG or found.about is About.REGISTRY or found.code not in books.expected:
            yield f"log audit: {found.about} {found.code} at {found.index}: {found.detail}"


def _acknowledged(session: Session, books: Books, entries: list[StoredEntry]) -> Iterator[str]:
    aside = {row.digest for row in _rows(session, QuarantineRow)}
    yield from miscounted(session)
    placed = {held.digest: held.entry.idx for held in held_scans(session, entries)}
    for said in books.said:
        if said.index is not None and placed.get(said.digest) != said.index:
            yield f"ack: {said.digest.hex()[:12]} was acknowledged at {said.index}, is at {placed.get(said.digest)}"
        if said.index is None and (said.digest not in aside):
            yield f"ack: {said.digest.hex()[:12]} was kept aside and is not in the quarantine"


def _records(entries: list[StoredEntry], books: Books, found: dict[int, Record]) -> Iterator[str]:
    for entry in entries:
        if entry.content_type != RECORD or entry.erased_ms is not None:
            continue
        try:
            record = open_record(entry.raw, entry.opening or b"")
            record.message.verify(books.operator_key)
        except Trouble as trouble:
            yield f"record {entry.idx}: {trouble.detail}"
        else:
            found[entry.idx] = record


def _scans(session: Session, entries: list[StoredEntry], records: Mapping[int, Record]) -> Iterator[str]:
    rows = {row.place: row for row in _rows(session, ScanRow)}
    unopened = {row.place: row for row in _rows(session, UnopenedRow)}
    # A scan whose opening came later took its place in the station's sequence before it said anything of a parcel.
    later = {record.fields["index"] for record in records.values() if record.kind == "scan.opened"}
    keys: dict[int, set[str]] = {}
    for row in _rows(session, ItemKeyRow):
        keys.setdefault(row.place, set()).add(row.key)
    erased = {row.place for row in _rows(session, OpeningRow) if row.content is None}
    partly_erased = {key for place in erased for key in keys.get(place, ())}
    apart = {row.station for row in unopened.values()}
    state = _State(apart=apart, editions=editions(entries), custodians=custodians(entries))
    yield from batch_complaints(session, entries)
    yield from run_complaints(session)
    yield from number_complaints(session)
    for held in held_scans(session, entries):
        place, scan = held.place, held.scan
        if scan is None:
            if place not in unopened and place not in rows:
                yield f"scan {name_place(place)}: it cannot be read, and nothing says why"
            elif place in erased and place in rows:
                state.move_on(held, rows[place])
            continue
        row = rows.pop(place, None)
        yield from _scan(held, scan, row)
        if keys.pop(place, set()) != index_keys(scan.event):
            yield f"scan {name_place(place)}: it is found under other keys than it names"
        if row is not None:
            state.take(held, scan, row, late=held.entry.idx in later)
    rows, keys = ({place: each for place, each in left.items() if place not in erased} for left in (rows, keys))
    if rows or keys:
        yield f"scan: rows {sorted(rows)} and keys {sorted(keys)} belong to no entry"
    if state.differs({row.station: (row.seq, row.digest) for row in _rows(session, StationHeadRow)}, state.heads):
        yield "scan: the stations' heads are not what their entries lead to"
    # What an erased scan said of a parcel is not there to be counted again; once none can be read, all of it is gone.
    state.apart |= partly_erased & state.views.keys()
    views = {row.key: msgspec.json.decode(row.view, type=UnitView) for row in _rows(session, ParcelRow)}
    state.apart |= {key for key, view in views.items() if view.erased}
    if state.differs(views, state.views):
        yield "scan: what is known of parcels is not what their entries lead to"
    without = {index_of(row.place) for row in _rows(session, OpeningRow)} - {entry.idx for entry in entries}
    if without:
        yield f"opening: {sorted(without)} belong to no entry"


@dataclass(slots=True, kw_only=True)
class _State:
    """What the judge knew after each scan, rebuilt. `apart` are stations and parcels that cannot be compared."""

    apart: set[str]
    editions: Mapping[int, Edition]
    custodians: Mapping[bytes, str]
    heads: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    views: dict[str, UnitView] = field(default_factory=dict)

    def take(self, held: Held, scan: Scan, row: ScanRow, *, late: bool) -> None:
        """One more scan."""
        edition, custodian = self.editions[held.entry.idx], self.custodians.get(scan.message.kid)
        if late:
            self.apart |= {scan.station, *concerned(scan.event, edition)}
        self.move_on(held, row)
        if row.result != "quarantined":
            self.views |= follow(scan.event, lambda key: self.views.get(key, UNSEEN), edition, custodian=custodian)

    def move_on(self, held: Held, row: ScanRow) -> None:
        """The station goes on from a scan, also from one that was erased; a batch moves it on as a whole."""
        last = row.seq if held.statement is None else held.statement.last
        if row.result != "quarantined" and last > self.heads.get(row.station, (0, b""))[0]:
            self.heads[row.station] = (last, held.entry.digest)

    def differs(self, stored: Mapping[str, Any], rebuilt: Mapping[str, Any]) -> bool:
        """Whether what is stored is something else than what was rebuilt."""
        names = (stored.keys() | rebuilt.keys()) - self.apart
        return any(stored.get(name) != rebuilt.get(name) for name in names)


def _scan(held: Held, scan: Scan, row: ScanRow | None) -> Iterator[str]:
    entry = held.entry
    if row is None:
        yield f"scan {name_place(held.place)}: it has no row"
        return
    told = (scan.station, scan.seq, held_digest(held.place, scan.digest))
    if told != (row.station, row.seq, row.digest) or scan.digest != held.digest:
        yield f"scan {entry.idx}: its row is not what it says"
    if row.received_ms != entry.received_ms:
        yield f"scan {entry.idx}: its time differs"


def _registry(session: Session, entries: list[StoredEntry]) -> Iterator[str]:
    registry = Registry()
    for entry in entries:
        if entry.idx == 0 or entry.content_type in REGISTRY:
            registry = fold(registry, entry.idx, entry.raw)
    rows = {row.kid: row for row in _rows(session, StationKeyRow)}
    if rows.keys() != registry.keys.keys():
        yield "registry: the enrolled keys are not those in the log"
    for kid, made in registry.keys.items():
        row = rows.get(kid)
        revoked = (made.revoked_at, made.suspect_from if made.revoked_at is not None else None)
        if row is None or (row.station, row.added_idx) != (made.info.station, made.added_at):
            yield f"registry: key {kid.hex()[:12]} stands otherwise in the log"
        elif (row.revoked_idx, row.suspect_from_idx) != revoked:
            yield f"registry: key {kid.hex()[:12]} was revoked otherwise in the log"


def _orders(session: Session, records: Mapping[int, Record], erased: Collection[int]) -> Iterator[str]:
    for order in _rows(session, LockOrderRow):
        events = lock_store.events_of(session, order.id)
        kept = [event for event in events if event.idx not in erased]
        told = [records.get(event.idx) for event in kept]
        for event, record in zip(kept, told, strict=True):
            yield from _step(order, event, record)
        if len(kept) < len(events) and order.state not in SETTLED:
            yield f"order {order.id}: it is {order.state}, and what the log told of it was erased"
        last = next((record for record in reversed(told) if record), None)
        if (kept or not events) and (last is None or last.fields["state"] != order.state):
            yield f"order {order.id}: it is {order.state}, its last line in the log says otherwise"
        if any(one.idx >= two.idx for one, two in pairwise(events)):
            yield f"order {order.id}: its lines are not in the order of the log"
        if order.state in SHOWN_LOCKED and not any(event.event == "locked" for event in events):
            yield f"order {order.id}: shown as locked without the device's word"
        if order.state == OrderState.APPROVED:
            yield f"order {order.id}: approved, and neither sent nor refused"
    yield from _commands(session)


def _step(order: LockOrderRow, event: LockEventRow, record: Record | None) -> Iterator[str]:
    if record is None or record.kind != f"lock.{event.event}":
        yield f"order {order.id}: {event.event} is not in the log at {event.idx}"
    elif (record.fields["order"], record.fields["device"]) != (order.id, order.device):
        yield f"order {order.id}: entry {event.idx} speaks of another order"


def _commands(session: Session) -> Iterator[str]:
    pairs: dict[str, set[tuple[int, int]]] = {}
    for command in session.scalars(select(CommandRow).order_by(col(CommandRow.issued_ms))).all():
        if command.ack is None:
            continue
        row = session.get(DeviceRow, command.device)
        assert row is not None, "a command for no device"
        ack = open_ack(command.ack, device=command.device, key=key_of(row))
        if (ack.command_id, str(ack.result)) != (command.id, command.result):
            yield f"command {command.id}: its answer is to another command"
        if command.result == "applied":
            seen = pairs.setdefault(command.device, set())
            if ack.pair in seen and ack.applied is not Applied.RETIRED:
                yield f"command {command.id}: two commands were applied under one pair {ack.pair}"
            seen.add(ack.pair)


def _devices(session: Session, books: Books) -> Iterator[str]:
    for name, handset in books.handsets.items():
        row = session.get(DeviceRow, name)
        if row is None:
            yield f"handset {name}: the database does not know it"
            continue
        wished, applied = lock_store.desired(row), handset.state.applied
        live = session.get(LockOrderRow, wished.order) if wished.order else None
        if applied is Applied.LOCKED and wished.state is Applied.LOCKED:
            if live is None or live.state not in {OrderState.QUEUED, *SHOWN_LOCKED}:
                yield f"handset {name}: locked without a live order"
        elif applied is Applied.LOCKED and shown_state(wished) is ShownState.UNLOCKED:
            yield f"handset {name}: locked, and the service believes it released"
        if shown_state(wished) is ShownState.LOCKED and applied is Applied.UNLOCKED and _can_speak(handset):
            yield f"handset {name}: not locked, and the service shows it as locked"


def _can_speak(handset: Handset) -> bool:
    """A handset that is off may have released itself without having told anybody yet."""
    return handset.on


def _outbox(session: Session) -> Iterator[str]:
    waiting: dict[str, list[OutboxRow]] = {}
    for row in _rows(session, OutboxRow):
        if row.published_ms is None:
            waiting.setdefault(row.key, []).append(row)
    for name, rows in waiting.items():
        device = session.get(DeviceRow, name.removeprefix("device:"))
        issued = None if device is None else lock_store.desired(device).issued
        keys = [session.get(CommandRow, issued.command_id)] if issued else []
        present = {command.raw for command in keys if command}
        if len(rows) > 1 or {row.payload for row in rows} != present:
            yield f"outbox: {len(rows)} messages under {name}, and not the newest command of the present wish"


def _cases(session: Session, records: Mapping[int, Record], entries: list[StoredEntry]) -> Iterator[str]:
    kinds = {entry.idx: entry.content_type for entry in entries}
    for row in _rows(session, DisputeRow):
        case = msgspec.json.decode(row.facts, type=CaseFile).case
        if (case.state, case.owner, case.presumption) != (row.state, row.owner, "honest"):
            yield f"case {row.id}: row and file do not agree, or its customer is not presumed honest"
    places: Counter[str] = Counter()
    for line in sorted(_rows(session, DisputeEventRow), key=lambda row: row.id):
        record = records.get(line.idx)
        places[line.dispute] += 1
        if record is None and line.facts == "{}":
            continue  # its case was erased
        if record is not None and record.fields["line"] != places[line.dispute]:
            yield f"case {line.dispute}: {line.kind} at {line.idx} is not its line {places[line.dispute]}"
        named = {f"dispute.{line.kind}", line.kind}
        if record is None or record.kind not in named or record.fields["dispute"] != line.dispute:
            yield f"case {line.dispute}: {line.kind} is not in the log at {line.idx}"
    yield from outside_promise_complaints(session)
    for sale in _rows(session, SaleRow):
        record = records.get(sale.recorded_idx)
        if record is None or record.fields.get("order") != sale.order_ref:
            yield f"sale {sale.order_ref}: it is not in the log at {sale.recorded_idx}"
    for row in _rows(session, AuthorityRow):
        if row.in_force_idx is not None and kinds.get(row.in_force_idx) != POLICY:
            yield f"authority {row.id}: entry {row.in_force_idx} is no policy"


def _private(books: Books, entries: list[StoredEntry]) -> Iterator[str]:
    for entry in entries:
        if any(secret in entry.raw for secret in books.secrets):
            yield f"entry {entry.idx}: its bytes hold something personal"
