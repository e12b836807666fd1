"""Batches: the seal and the leaves that their entries do not hold, and what one scan of them is proved with.

A row holds the leaves in this form. A leaf ends in a digest of 32 bytes, which cannot be pressed:

| bytes | what |
|---|---|
| 1 | a mark |
| 4 | CRC-32 of all that follows |
| 2 | how many leaves there are |
| 32 each | the ends of the leaves, in order |
| the rest | the CBOR array of what stands before the ends, pressed by zlib (RFC 1950) |

Rows of before are the CBOR array of whole leaves, pressed by zlib; none begins with the mark.
"""

import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from custody.kernel import cbor
from custody.kernel.errors import Fatal, NotFound
from custody.kernel.merkle import HASH_BYTES, SmallTree, leaf_hash
from custody.scans.batch import give_receipt
from custody.scans.leaf import Leaf, read_leaf
from custody.store.bulk import add, pick
from custody.store.tables import BatchRow

LEVEL = 6
MARK = b"\x01"
_CHECK, _COUNT = struct.Struct(">I"), struct.Struct(">H")


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
    whole = list(leaves)
    ends = b"".join([leaf[-HASH_BYTES:] for leaf in whole])
    words = zlib.compress(cbor.encode([leaf[:-HASH_BYTES] for leaf in whole]), LEVEL)
    held = _COUNT.pack(len(whole)) + ends + words
    return MARK + _CHECK.pack(zlib.crc32(held)) + held


def unpack_leaves(row: bytes) -> tuple[bytes, ...]:
    """The leaves that a row holds; raises `Fatal("leaves")`, or what its readers raise, for one that is damaged."""
    if not row.startswith(MARK):
        return tuple(cbor.decode(zlib.decompress(row)))
    held = row[len(MARK) + _CHECK.size :]
    if row[len(MARK) : -len(held)] != _CHECK.pack(zlib.crc32(held)):
        raise Fatal("leaves", "the leaves of a batch are damaged", fix="Restore a copy of the database.")
    (count,) = _COUNT.unpack_from(held)
    first, end = _COUNT.size, _COUNT.size + count * HASH_BYTES
    words = cbor.decode(zlib.decompress(held[end:]))
    return tuple(
        [word + held[at : at + HASH_BYTES] for word, at in zip(words, range(first, end, HASH_BYTES), strict=True)]
    )


def batch_row(index: int, seal: bytes, packed: bytes) -> dict[str, object]:
    """The row of a batch."""
    return {"idx": index, "seal": seal, "leaves": packed}


def add_batches(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert batches."""
    add(session, BatchRow, rows)


def batches(session: Session, indexes: Iterable[int]) -> dict[int, StoredBatch]:
    """Batches by the index of their entry."""
    return {
        idx: StoredBatch(seal=seal, leaves=unpack_leaves(leaves))
        for idx, seal, leaves in pick(session, BatchRow, ("idx", "seal", "leaves"), by=("idx",), values=indexes)
    }


def batch(session: Session, index: int) -> StoredBatch:
    """The batch at an index; raises `NotFound`."""
    found = batches(session, [index]).get(index)
    if found is None:
        raise NotFound("batch", f"entry {index} is no batch", fix="Ask for the index of a batch.")
    return found
