"""Reading the log: head, checkpoints, tiles, entry bundles, entries, openings and proofs."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Engine, and_, func, inspect, select, text
from sqlmodel import Session, col

from custody.kernel.clock import Instant
from custody.kernel.errors import NotFound
from custody.ledger.merkle import HASH_BYTES, consistency_path, inclusion_path
from custody.ledger.tiles import WIDTH, TileHashReader, TileId, encode_bundle, tiles_above, tiles_beside
from custody.scans.place import MOST_ENTRIES, index_of, place_of, position_of
from custody.store import runs
from custody.store.bulk import ask, pick
from custody.store.log_book import HEAD_ID, unpack
from custody.store.run_tables import DigestRow
from custody.store.some_rows import NOT_A_SCAN
from custody.store.tables import CheckpointRow, EntryRow, LogHeadRow, OpeningRow
from custody.store.tile_book import read_tiles

ENTRY = ("idx", "digest", "raw", "content_type", "received_ms")
OPENING = ("place", "content", "erased_ms")


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The log's newest published checkpoint."""

    size: int
    root: bytes
    note: bytes
    signed_ms: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredOpening:
    """An opening; `content` is None if it was erased, then."""

    content: bytes | None
    erased_ms: Instant | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEntry:
    """An entry as it stands in the log; `opening` is None if it never had one or it was erased."""

    idx: int
    digest: bytes
    raw: bytes
    content_type: str
    received_ms: Instant
    opening: bytes | None
    erased_ms: Instant | None


def is_begun(engine: Engine) -> bool:
    """Whether the database holds a log, whose tables may not be there yet."""
    if not inspect(engine).has_table(EntryRow.__tablename__):
        return False
    with Session(engine) as session:
        return session.get(EntryRow, 0) is not None


def head(session: Session) -> Head:
    """The newest checkpoint; raises `NotFound` before the log is opened."""
    row = session.get(LogHeadRow, HEAD_ID)
    if row is None or not row.note:
        raise NotFound("no_log", "the log is empty", fix="Start the service once; it writes the first entry.")
    return Head(size=row.size, root=row.root, note=row.note, signed_ms=row.signed_ms)


def size_now(session: Session) -> int:
    """How long the log is; raises `NotFound` before it is opened."""
    sizes = ask(session, "SELECT size FROM log_head WHERE id = ?", (HEAD_ID,))
    if not sizes:
        raise NotFound("no_log", "the log is empty", fix="Start the service once; it writes the first entry.")
    return int(sizes[0][0])


def size_before(session: Session, at_ms: Instant) -> int:
    """How many entries were signed for before a moment; the first one at or after it has that index."""
    later = select(func.min(CheckpointRow.size)).where(col(CheckpointRow.signed_ms) >= at_ms).scalar_subquery()
    before = select(func.max(CheckpointRow.size)).where(
        col(CheckpointRow.size) < func.coalesce(later, size_now(session) + 1)
    )
    return session.scalar(before) or 0


def newest_note(session: Session) -> bytes:
    """The newest checkpoint's note; empty before the log is opened."""
    notes = ask(session, "SELECT note FROM log_head WHERE id = ?", (HEAD_ID,))
    return notes[0][0] if notes else b""


def tile(session: Session, wanted: TileId) -> bytes:
    """The hashes of a tile; raises `NotFound` for hashes that no checkpoint covers yet."""
    return tiles(session, [wanted])[wanted]


def tiles(session: Session, wanted: Collection[TileId]) -> dict[TileId, bytes]:
    """The hashes of several tiles; raises `NotFound` as `tile` does."""
    rows = read_tiles(session, [(each.level, each.number) for each in wanted])
    found = {each: rows.get((each.level, each.number), b"")[: each.width * HASH_BYTES] for each in wanted}
    for each, hashes in found.items():
        if not hashes or len(hashes) < each.width * HASH_BYTES:
            raise NotFound("tile", f"{each.path} is not there yet", fix="Read the checkpoint first.")
    return found


def bundle(session: Session, wanted: TileId) -> bytes:
    """An entry bundle: each entry behind its 16-bit length (C2SP tlog-tiles)."""
    first, width = wanted.number * WIDTH, wanted.width
    query = (
        select(col(EntryRow.raw))
        .where(col(EntryRow.idx) >= first, col(EntryRow.idx) < first + width)
        .order_by(col(EntryRow.idx))
    )
    raws: Sequence[bytes] = session.scalars(query).all() if first + width <= MOST_ENTRIES else []
    if len(raws) < width:
        raise NotFound("tile", f"{wanted.path} is not there yet", fix="Read the checkpoint first.")
    return encode_bundle(raws)


def entry(session: Session, idx: int) -> StoredEntry:
    """The entry at an index; raises `NotFound`."""
    found = entries(session, [idx])
    if not found:
        raise NotFound("entry", f"the log has no entry {idx}", fix="Ask for an index below the log's size.")
    return found[0]


def entry_by_digest(session: Session, digest: bytes) -> StoredEntry:
    """The entry of a statement digest; raises `NotFound`."""
    places = [place for (place,) in runs.found(session, DigestRow, ("place",), [digest])]
    found = [index_of(place) for place in places if position_of(place) is None]
    if not found:
        raise NotFound("entry", "no entry has this digest", fix="Post the statement, or check the digest.")
    return entry(session, found[0])


def entries(session: Session, indexes: Sequence[int], *, bare: bool = False) -> list[StoredEntry]:
    """Several entries in index order, without their openings if `bare`; unknown indexes are left out."""
    possible = [index for index in indexes if index < MOST_ENTRIES]
    opened = {} if bare else openings(session, map(place_of, possible))
    found = pick(session, EntryRow, ENTRY, by=("idx",), values=possible)
    return [_stored_entry(row, opened.get(place_of(row[0]))) for row in sorted(found)]


def of_types(*content_types: str) -> ColumnElement[bool]:
    """Whether an entry is one of these and no scan; such entries are found by an index."""
    return and_(text(NOT_A_SCAN), col(EntryRow.content_type).in_(content_types))


def openings(session: Session, places: Iterable[int]) -> dict[int, StoredOpening]:
    """Openings by place; a place that never had one is left out."""
    return {
        place: StoredOpening(content=content, erased_ms=erased_ms)
        for place, content, erased_ms in pick(session, OpeningRow, OPENING, by=("place",), values=places)
    }


def erased_at(session: Session, places: Iterable[int]) -> set[int]:
    """Those of these places whose opening was erased."""
    found = pick(session, OpeningRow, ("place",), by=("place",), values=places, where="erased_ms IS NOT NULL")
    return {place for (place,) in found}


def hash_reader(session: Session, size: int) -> TileHashReader:
    """Subtree hashes of the tree of `size` entries, from stored tiles."""
    return TileHashReader(lambda wanted: tile(session, wanted), size)


def prove_inclusion(session: Session, idx: int, size: int) -> list[bytes]:
    """The inclusion path of an entry in the tree of `size` entries (RFC 9162 section 2.1.3)."""
    return inclusion_path(idx, size, _reader_beside(session, idx, size))


def prove_consistency(session: Session, old_size: int, size: int) -> list[bytes]:
    """The consistency path between two sizes (RFC 9162 section 2.1.4)."""
    return consistency_path(old_size, size, _reader_beside(session, old_size - 1, size))


def _reader_beside(session: Session, leaf: int, size: int) -> TileHashReader:
    """Subtree hashes for the path of a leaf; all tiles that it needs are read in one question.

    At the head's own size its peaks are read instead of the edge, whose tiles would have to be hashed to spell them.
    """
    found = ask(session, "SELECT size, peaks FROM log_head WHERE id = ? AND size = ?", (HEAD_ID, size))
    frontier = unpack(*found[0]) if found else None
    wanted = tiles_beside(leaf, size) if frontier is None else tiles_above(leaf, size)
    return TileHashReader(tiles(session, wanted).__getitem__, size, frontier=frontier)


def _stored_entry(entry: tuple[Any, ...], opening: StoredOpening | None) -> StoredEntry:
    idx, digest, raw, content_type, received_ms = entry
    return StoredEntry(
        idx=idx,
        digest=digest,
        raw=raw,
        content_type=content_type,
        received_ms=received_ms,
        opening=None if opening is None else opening.content,
        erased_ms=None if opening is None else opening.erased_ms,
    )
