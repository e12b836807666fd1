"""Appending to the log inside one unit of work.

The first append of a unit locks the head row (PostgreSQL: SELECT ... FOR UPDATE; SQLite: the unit began with BEGIN
IMMEDIATE), so an index is final at once. When the unit ends, `seal` extends the tiles, signs one checkpoint for all
that was appended, moves the head by compare-and-swap on its size, and the unit commits: entries, tiles, head and
everything else that the unit decided become durable together, or none of it does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from sqlmodel import Session

from custody.kernel import cose
from custody.kernel.clock import Instant
from custody.kernel.errors import Fatal, Rejected, Unavailable
from custody.kernel.keys import Signer
from custody.ledger.checkpoint import Checkpoint, sign_checkpoint
from custody.ledger.merkle import HASH_BYTES, Frontier, leaf_hash
from custody.ledger.tiles import MAX_ENTRY_BYTES, edge_of, extend_tiles
from custody.scans.place import place_of
from custody.store import runs
from custody.store.brief import MEDIA_TYPE, OPENING, STATEMENT, RowValue
from custody.store.bulk import add, ask, change
from custody.store.engine import is_sqlite
from custody.store.run_tables import DigestRow
from custody.store.tables import CheckpointRow, EntryRow, OpeningRow
from custody.store.tile_book import read_tiles, write_tiles

HEAD_ID = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """What goes into the log: the statement, and what it commits to if that is kept apart.

    The opening of a scan is not in it: it comes with the scan's row (`scan_book.add_scans`).
    """

    message: cose.Sign1
    content_type: str
    opening: bytes | None = None

    @classmethod
    def of(cls, statement: bytes, opening: bytes | None = None) -> "NewEntry":
        """The entry of a statement, with the content type that its header names."""
        message = cose.parse(statement)
        named = message.protected.get(cose.PREIMAGE_CONTENT_TYPE, message.protected.get(cose.CONTENT_TYPE, ""))
        return cls(message=message, content_type=str(named), opening=opening)

    def ready(self) -> "ReadyEntry":
        """The entry with all that can be worked out before its index is known.

        Raises `Rejected("too_large")` for a statement that no bundle of entries could hold: it would leave the log
        without a form that anybody can read it in (C2SP tlog-tiles).
        """
        size = len(self.message.raw)
        if size > MAX_ENTRY_BYTES:
            raise Rejected(
                "too_large",
                f"the statement is {size:,} bytes, and an entry of the log holds {MAX_ENTRY_BYTES:,}",
                fix="Sign less at once, or a digest of large content.",
            )
        return ReadyEntry(
            digest=self.message.digest,
            leaf=leaf_hash(self.message.raw),
            raw=STATEMENT.hold(self.message.raw),
            content_type=MEDIA_TYPE.hold(self.content_type),
            opening=None if self.opening is None else OPENING.hold(self.opening),
        )


class ReadyEntry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A new entry as its rows will hold it, and its leaf hash."""

    digest: bytes
    leaf: bytes
    raw: RowValue
    content_type: RowValue
    opening: RowValue | None


class LogBook:
    """The log as one unit of work sees it."""

    def __init__(self, session: Session, *, origin: str, signer: Signer, now_ms: Instant) -> None:
        self._session = session
        self._origin = origin
        self._signer = signer
        self._now_ms = now_ms
        self._frontier: Frontier | None = None
        self._staged: list[ReadyEntry] = []

    @property
    def size(self) -> int:
        """How many entries the log holds, with those staged in this unit; claims the log, so that it stays so."""
        return self._locked().size + len(self._staged)

    @property
    def is_claimed(self) -> bool:
        """Whether no other unit can append before this one ends."""
        return self._frontier is not None

    def claim(self) -> None:
        """Wait until no other unit may append; none can before this one ends."""
        self._locked()

    def append(self, entries: Sequence[NewEntry | ReadyEntry]) -> range:
        """Stage entries; returns their final indexes."""
        first = self.size
        self._staged += [entry if isinstance(entry, ReadyEntry) else entry.ready() for entry in entries]
        return range(first, first + len(entries))

    def seal(self) -> bool:
        """Write what was staged and move the head, or tell that nothing was; it is not visible before the commit."""
        if self._frontier is None or not self._staged:
            return False
        before = self._frontier
        self._write_entries(before.size)
        leaves = [entry.leaf for entry in self._staged]
        growth = extend_tiles(before, self._edge(before.size), leaves)
        write_tiles(self._session, growth.tiles, before=before.size)
        self._move_head(before, growth.frontier)
        self._frontier, self._staged = growth.frontier, []
        return True

    def _locked(self) -> Frontier:
        if self._frontier is None:
            question = "SELECT size, peaks FROM log_head WHERE id = ?"
            locked = question if is_sqlite(self._session.get_bind()) else f"{question} FOR UPDATE"
            found = ask(self._session, locked, (HEAD_ID,))
            if not found:
                raise Fatal("no_log", "the log has no head", fix="Run migrations and open the log first.")
            self._frontier = unpack(*found[0])
        return self._frontier

    def _write_entries(self, first: int) -> None:
        rows, names, openings = [], [], []
        for idx, entry in enumerate(self._staged, first):
            rows.append(
                {
                    "idx": idx,
                    "digest": entry.digest,
                    "raw": entry.raw,
                    "content_type": entry.content_type,
                    "received_ms": self._now_ms,
                }
            )
            names.append({"digest": entry.digest, "place": place_of(idx)})
            if entry.opening is not None:
                openings.append(opening_row(place_of(idx), entry.opening))
        add(self._session, EntryRow, rows)
        runs.add(self._session, DigestRow, names)
        add(self._session, OpeningRow, openings)

    def _edge(self, size: int) -> dict[int, bytes]:
        wanted = {(tile.level, tile.number): tile for tile in edge_of(size)}
        found = read_tiles(self._session, wanted)
        edge = {level: hashes for (level, _), hashes in found.items()}
        for tile in wanted.values():
            if len(edge.get(tile.level, b"")) != tile.width * HASH_BYTES:
                raise Fatal("tile", f"{tile.path} is not as the head says", fix="Run `weaklink log audit`.")
        return edge

    def _move_head(self, before: Frontier, after: Frontier) -> None:
        checkpoint = Checkpoint(origin=self._origin, size=after.size, root=after.root())
        note = sign_checkpoint(checkpoint, self._signer)
        moved = change(
            self._session,
            "UPDATE log_head SET size = ?, root = ?, peaks = ?, note = ?, signed_ms = ? WHERE id = ? AND size = ?",
            (after.size, after.root(), pack(after), note, self._now_ms, HEAD_ID, before.size),
        )
        if moved != 1:
            raise Unavailable("head_moved", "another writer moved the log's head", fix="Send the same request again.")
        add(self._session, CheckpointRow, [{"size": after.size, "note": note, "signed_ms": self._now_ms}])


def opening_row(place: int, opening: bytes | RowValue) -> dict[str, object]:
    """The row of an opening."""
    return {"place": place, "content": opening, "erased_ms": None}


def pack(frontier: Frontier) -> bytes:
    """The peaks in one byte string."""
    return b"".join(frontier.peaks)


def unpack(size: int, peaks: bytes) -> Frontier:
    """The frontier of a head row."""
    cut = range(0, len(peaks), HASH_BYTES)
    return Frontier(size=size, peaks=tuple(peaks[at : at + HASH_BYTES] for at in cut))
