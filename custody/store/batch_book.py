"""Batches: the seal and the leaves that their entries do not hold, and what one scan of them is proved with."""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from custody.kernel import cbor
from custody.kernel.errors import NotFound
from custody.kernel.merkle import SmallTree, leaf_hash
from custody.scans.batch import give_receipt
from custody.scans.leaf import Leaf, read_leaf
from custody.store.bulk import add, pick
from custody.store.tables import BatchRow

LEVEL = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBatch:
    """A batch's seal and leaves, in order."""

    seal: bytes
    leaves: tuple[bytes, ...]

    def leaf(self, position: int) -> Leaf:
        """The leaf of one scan."""
        return read_leaf(self.leaves[position])

    def receipt(self, position: int) -> bytes:
        """The station's receipt of one scan (RFC 9942)."""
        tree = SmallTree.of(map(leaf_hash, self.leaves))
        return give_receipt(tree, position, self.seal)


def pack_leaves(leaves: Iterable[bytes]) -> bytes:
    """A batch's leaves as its row holds them."""
    return zlib.compress(cbor.encode(list(leaves)), LEVEL)


def batch_row(index: int, seal: bytes, packed: bytes) -> dict[str, object]:
    """The row of a batch."""
    return {"idx": index, "seal": seal, "leaves": packed}


def add_batches(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert batches."""
    add(session, BatchRow, rows)


def batches(session: Session, indexes: Iterable[int]) -> dict[int, StoredBatch]:
    """Batches by the index of their entry."""
    return {
        idx: StoredBatch(seal=seal, leaves=tuple(cbor.decode(zlib.decompress(leaves))))
        for idx, seal, leaves in pick(session, BatchRow, ("idx", "seal", "leaves"), by=("idx",), values=indexes)
    }


def batch(session: Session, index: int) -> StoredBatch:
    """The batch at an index; raises `NotFound`."""
    found = batches(session, [index]).get(index)
    if found is None:
        raise NotFound("batch", f"entry {index} is no batch", fix="Ask for the index of a batch.")
    return found
