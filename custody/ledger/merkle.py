"""The Merkle tree of the log as it grows (RFC 9162 section 2.1), on the hashing of `kernel/merkle.py`.

- A tree of n > 1 leaves splits at the largest power of two below n.
- `verify_consistency` is section 2.1.4.2, behind checks that the RFC leaves to the caller: every hash is 32 bytes;
  sizes in order; equal sizes mean equal roots and an empty path; size 0 means the empty root and an empty path. It
  raises, so a check cannot be forgotten.
- Proofs are made from a `HashReader`, which answers the root of any complete subtree; a path asks for each hash once.

The names of the hashing are offered here too, so that whoever deals with the log has them in one place.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from custody.kernel.errors import Rejected
from custody.kernel.merkle import (
    EMPTY_ROOT,
    HASH_BYTES,
    check_hashes,
    inclusion_root,
    leaf_hash,
    node_hash,
    not_a_hash,
    verify_inclusion,
    wrong_proof,
)

__all__ = [
    "EMPTY_ROOT",
    "HASH_BYTES",
    "Frontier",
    "HashReader",
    "consistency_path",
    "consistency_root",
    "inclusion_path",
    "inclusion_root",
    "leaf_hash",
    "node_hash",
    "verify_consistency",
    "verify_inclusion",
]


class HashReader(Protocol):
    """Answers hashes of complete subtrees."""

    def read(self, level: int, index: int) -> bytes:
        """The root of the leaves from index * 2**level up to, not including, (index + 1) * 2**level."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontier:
    """All that is needed to append: the size, and the roots of the complete subtrees, largest first.

    There is one peak for each bit of the size that is set.
    """

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.peaks) != self.size.bit_count():
            raise Rejected("frontier", "the peaks do not fit the size", fix="Give one peak for each set bit of it.")
        check_hashes(self.peaks)

    def append(self, leaf: bytes) -> "Frontier":
        """The frontier after one more leaf hash."""
        return self.extend((leaf,))

    def extend(self, leaves: Iterable[bytes]) -> "Frontier":
        """The frontier after more leaf hashes, in order."""
        peaks, size = list(self.peaks), self.size
        for leaf in leaves:
            if len(leaf) != HASH_BYTES:
                raise not_a_hash()
            peak, rest = leaf, size
            while rest & 1:
                peak = node_hash(peaks.pop(), peak)
                rest >>= 1
            peaks.append(peak)
            size += 1
        return Frontier(size=size, peaks=tuple(peaks))

    def placed(self) -> dict[tuple[int, int], bytes]:
        """The peaks by the level and index at which a `HashReader` of this tree answers them."""
        held, start = {}, 0
        for peak in self.peaks:
            level = (self.size - start).bit_length() - 1
            held[level, start >> level] = peak
            start += 1 << level
        return held

    def root(self) -> bytes:
        """The root of the tree of this size."""
        return _join(self.peaks) if self.peaks else EMPTY_ROOT


def inclusion_path(index: int, size: int, reader: HashReader) -> list[bytes]:
    """The audit path of leaf `index` in the tree of `size`, the leaf's sibling first (RFC 9162 section 2.1.3.1)."""
    if not 0 <= index < size:
        raise Rejected("proof", f"there is no leaf {index} in a tree of {size}", fix="Ask below the tree's size.")
    ranges, start, end = [], 0, size
    while end - start > 1:
        split = start + _split(end - start)
        if index < split:
            ranges.append((split, end))
            end = split
        else:
            ranges.append((start, split))
            start = split
    return [_range_root(first, last, reader) for first, last in reversed(ranges)]


def consistency_path(old_size: int, new_size: int, reader: HashReader) -> list[bytes]:
    """The proof that the tree of `old_size` is a prefix of that of `new_size` (RFC 9162 section 2.1.4.1)."""
    if not 0 <= old_size <= new_size:
        raise Rejected("proof", f"a tree of {new_size} has no prefix of {old_size}", fix="Name the older size first.")
    if old_size in {0, new_size}:
        return []
    ranges, start, end = [], 0, new_size
    while end != old_size:
        split = start + _split(end - start)
        if old_size <= split:
            ranges.append((split, end))
            end = split
        else:
            ranges.append((start, split))
            start = split
    if start > 0:  # otherwise the remaining subtree is the old tree itself, whose root the verifier holds
        ranges.append((start, end))
    return [_range_root(first, last, reader) for first, last in reversed(ranges)]


def verify_consistency(old_size: int, new_size: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> None:
    """Return if the old tree is a prefix of the new one; raises `Rejected("proof")` if not."""
    # 1. Shapes: every hash is 32 bytes and the sizes are in order.
    check_hashes((old_root, new_root, *path))
    if not 0 <= old_size <= new_size:
        raise wrong_proof(f"a tree of {new_size} has no prefix of {old_size}")
    # 2. Size 0 and equal sizes are decided here; the RFC's algorithm is for 0 < old < new.
    if old_size == 0 and (path or old_root != EMPTY_ROOT):
        raise wrong_proof("size 0 needs the root of the empty tree and an empty path")
    if old_size == new_size and (path or old_root != new_root):
        raise wrong_proof("equal sizes need equal roots and an empty path")
    # 3. The path leads from the old root to the new one.
    if 0 < old_size < new_size and consistency_root(old_size, new_size, old_root, path) != new_root:
        raise wrong_proof("the path leads from the old tree to another root")


def consistency_root(old_size: int, new_size: int, old_root: bytes, path: Sequence[bytes]) -> bytes:
    """The newer root that the path leads to from the older, for 0 < old < new; for receipts."""
    # 1. Shapes: every hash is 32 bytes, and there is something to prove.
    check_hashes((old_root, *path))
    if not 0 < old_size < new_size or not path:
        raise wrong_proof("there is no path to follow")
    # 2. An old tree that is one complete subtree is the first node of its own path.
    nodes = [old_root, *path] if old_size.bit_count() == 1 else list(path)
    # 3. Climb from the last complete subtree of the old tree, towards both roots at once.
    fn, sn = old_size - 1, new_size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    old = new = nodes[0]
    for node in nodes[1:]:
        if sn == 0:
            raise wrong_proof("the path is too long")
        if fn & 1 or fn == sn:
            old, new = node_hash(node, old), node_hash(node, new)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            new = node_hash(new, node)
        fn, sn = fn >> 1, sn >> 1
    # 4. Both climbs end at the roots.
    if sn != 0:
        raise wrong_proof("the path is too short")
    if old != old_root:
        raise wrong_proof("the path does not hold the old tree")
    return new


def _split(size: int) -> int:
    return 1 << ((size - 1).bit_length() - 1)


def _range_root(start: int, end: int, reader: HashReader) -> bytes:
    peaks = []
    while start < end:
        level = (end - start).bit_length() - 1
        peaks.append(reader.read(level, start >> level))
        start += 1 << level
    return _join(peaks)


def _join(peaks: Sequence[bytes]) -> bytes:
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = node_hash(peak, root)
    return root
