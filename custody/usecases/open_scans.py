"""Opening scans from the log, plain ones and those of batches alike, from the bytes that were signed."""

from collections.abc import Iterable

import msgspec
from sqlmodel import Session

from custody.kernel.clock import Instant
from custody.scans.batch import BatchStatement, open_leaf, read_batch
from custody.scans.leaf import Leaf
from custody.scans.place import index_of, place_of, position_of
from custody.scans.scan import Scan, open_scan
from custody.store import batch_book, log_reader
from custody.store.batch_book import StoredBatch
from custody.store.log_reader import StoredEntry


class Inside(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a scan of a batch has beside its entry."""

    batch: StoredBatch
    statement: BatchStatement
    leaf: Leaf
    position: int

    @property
    def receipt(self) -> bytes:
        """The station's receipt for it (RFC 9942)."""
        return self.batch.receipt(self.position)


class StoredScan(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A scan as the log holds it; `opening` is None if it was erased, never came, or holds no event."""

    entry: StoredEntry
    opening: bytes | None
    inside: Inside | None = None

    @property
    def place(self) -> int:
        """Its place in the log."""
        return place_of(self.entry.idx, None if self.inside is None else self.inside.position)

    @property
    def digest(self) -> bytes:
        """Its name."""
        return self.entry.digest if self.inside is None else self.inside.leaf.digest

    @property
    def received_ms(self) -> Instant:
        """When it came."""
        return self.entry.received_ms

    def open(self) -> Scan | None:
        """The scan, if its opening is there; raises `Rejected` for one that is not what was signed."""
        if self.opening is None:
            return None
        if self.inside is None:
            return open_scan(self.entry.raw, self.opening)
        return open_leaf(self.inside.statement, self.inside.leaf, self.opening)


def stored_scans(session: Session, places: Iterable[int]) -> dict[int, StoredScan]:
    """Scans by place, in the order of the log; a place where none stands is left out."""
    wanted = sorted(set(places))
    inside = [place for place in wanted if position_of(place) is not None]
    entries = {entry.idx: entry for entry in log_reader.entries(session, sorted({*map(index_of, wanted)}))}
    batches = batch_book.batches(session, {*map(index_of, inside)})
    statements = {index: read_batch(entries[index].raw) for index in batches}
    openings = log_reader.openings(session, inside)
    found = {}
    for place in wanted:
        index, position = index_of(place), position_of(place)
        entry = entries.get(index)
        if entry is None:
            continue
        if position is None:
            found[place] = StoredScan(entry=entry, opening=entry.opening)
        elif index in batches and position < len(batches[index].leaves):
            held = openings.get(place)
            found[place] = StoredScan(
                entry=entry,
                opening=None if held is None else held.content,
                inside=Inside(
                    batch=batches[index],
                    statement=statements[index],
                    leaf=batches[index].leaf(position),
                    position=position,
                ),
            )
    return found
