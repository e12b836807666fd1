"""The scans of a whole log, for the oracle: plain ones and those of batches, with what does not fit about batches."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlmodel import Session

from custody.kernel import cbor
from custody.kernel.keys import read_cose_key
from custody.kernel.merkle import SmallTree, leaf_hash
from custody.ledger.statements import KEY_ADD, POLICY, read_key_add, read_policy
from custody.scans.batch import BATCH, BatchStatement, give_receipt, open_leaf, read_batch, verify_leaf
from custody.scans.edition import Edition, edition_of
from custody.scans.leaf import read_leaf
from custody.scans.place import index_of, place_of, position_of
from custody.scans.scan import SCANS, Scan, open_scan
from custody.store.batch_book import unpack_leaves
from custody.store.engine import is_sqlite
from custody.store.log_reader import StoredEntry
from custody.store.number_book import LateNumberRow, NumberSpanRow
from custody.store.number_span import read_span
from custody.store.run_tables import DigestRow, ItemKeyRow, SortedRunRow
from custody.store.tables import BatchRow, EntryRow, OpeningRow, ScanRow, StationHeadRow, StationKeyRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A number that an entry takes: its scan, None if that was erased or never read."""

    place: int
    entry: StoredEntry
    digest: bytes
    scan: Scan | None
    statement: BatchStatement | None = None


def held_scans(session: Session, entries: list[StoredEntry]) -> Iterator[Held]:
    """Every scan in log order; raises `Rejected` for one that is not what was signed."""
    openings = {row.place: row for row in session.scalars(select(OpeningRow)).all()}
    rows = {row.idx: row for row in session.scalars(select(BatchRow)).all()}
    for entry in entries:
        if entry.content_type in SCANS:
            opened = None if entry.opening is None else open_scan(entry.raw, entry.opening)
            yield Held(place=place_of(entry.idx), entry=entry, digest=entry.digest, scan=opened)
        if entry.content_type == BATCH and entry.idx in rows:
            batch = read_batch(entry.raw)
            for at, raw in enumerate(unpack_leaves(rows[entry.idx].leaves)):
                place = place_of(entry.idx, at)
                row = openings.get(place)
                content = None if row is None else row.content
                scan = None if content is None else open_leaf(batch, read_leaf(raw), content)
                yield Held(place=place, entry=entry, digest=leaf_hash(raw), scan=scan, statement=batch)


def editions(entries: list[StoredEntry]) -> dict[int, Edition]:
    """By which edition of the judge's rules a scan at each entry is judged."""
    found, held = {}, Edition.FIRST
    for entry in entries:
        if entry.content_type == POLICY:
            held = edition_of(read_policy(entry.raw).policy.rules)
        found[entry.idx] = held
    return found


def custodians(entries: list[StoredEntry]) -> dict[bytes, str]:
    """For whom the station works that has each key."""
    added = [read_key_add(entry.raw) for entry in entries if entry.content_type == KEY_ADD]
    return {each.key.kid: each.info.custodian for each in added}


def batch_complaints(session: Session, entries: list[StoredEntry]) -> Iterator[str]:
    """Whether each batch has its row, its leaves lie under the signed root and its seal proves them."""
    rows: dict[int, Any] = {row.idx: row for row in session.scalars(select(BatchRow)).all()}
    keys = {row.kid: read_cose_key(cbor.decode(row.cose_key)) for row in session.scalars(select(StationKeyRow)).all()}
    counts: dict[int, int] = {}
    for entry in entries:
        if entry.content_type != BATCH:
            continue
        batch, row = read_batch(entry.raw), rows.pop(entry.idx, None)
        if row is None:
            yield f"batch {entry.idx}: it has no row"
            continue
        leaves = unpack_leaves(row.leaves)
        counts[entry.idx] = len(leaves)
        tree = SmallTree.of(map(leaf_hash, leaves))
        if (tree.root, tree.size) != (batch.root, batch.count):
            yield f"batch {entry.idx}: its leaves are not those that were signed"
            continue
        for at, leaf in enumerate(leaves):
            verify_leaf(entry.raw, leaf, give_receipt(tree, at, row.seal), keys[batch.message.kid])
    if rows:
        yield f"batch: rows {sorted(rows)} belong to no entry"
    for row in session.scalars(select(OpeningRow)).all():
        index, position = index_of(row.place), position_of(row.place)
        if position is not None and position >= counts.get(index, 0):
            yield f"opening {row.place}: it belongs to no scan"


def run_complaints(session: Session) -> Iterator[str]:
    """What does not fit about the runs in which the names of scans stand."""
    known = {(row.table_name, row.run) for row in session.scalars(select(SortedRunRow)).all()}
    digests, keys = session.scalars(select(DigestRow)).all(), session.scalars(select(ItemKeyRow)).all()
    used = {("digest", row.run) for row in digests} | {("item_key", row.run) for row in keys}
    if is_sqlite(session.connection()) and used - known:
        yield f"run: nobody looks into {sorted(used - known)}"
    scans = session.scalars(select(ScanRow)).all()
    named = [(row.digest, row.place) for row in scans if row.position is not None]
    named += [(row.digest, place_of(row.idx)) for row in session.scalars(select(EntryRow)).all()]
    if sorted(named) != sorted((row.digest, row.place) for row in digests):
        yield "digest: the names of statements and of scans in batches are not those of their rows"
    statements = [digest for digest, place in named if position_of(place) is None]
    if len(set(statements)) < len(statements):
        yield "digest: a statement stands in the log twice"


def number_complaints(session: Session) -> Iterator[str]:
    """What does not fit about the numbers that scans took."""
    late = session.scalars(select(LateNumberRow)).all()
    scans = session.scalars(select(ScanRow)).all()
    numbered = [(row.station, row.seq, row.place) for row in late]
    heads = {row.station: row for row in session.scalars(select(StationHeadRow)).all()}
    spans = sorted(session.scalars(select(NumberSpanRow)).all(), key=lambda row: (row.station, row.last))
    held = [(row.station, row.taken) for row in spans] + [(row.station, row.taken) for row in heads.values()]
    in_turn = [(station, *pair) for station, taken in held for pair in read_span(taken)]
    if sorted(numbered + in_turn) != sorted((row.station, row.seq, row.place) for row in scans):
        yield "number: the numbers that are kept are not those of the scans"
    for station in {station for station, _, _ in in_turn}:
        numbers = [seq for name, seq, _ in in_turn if name == station]
        if numbers != sorted(set(numbers)) or numbers[-1] > heads[station].seq:
            yield f"number: {station} did not take {numbers} in turn"
