"""The Merkle tree of the log (RFC 9162 section 2.1, which hashes as RFC 6962 section 2.1 does), with SHA-256.

- Empty tree: SHA256(""). Leaf: SHA256(0x00 || entry). Node: SHA256(0x01 || left || right).
- A tree of n > 1 leaves splits at the largest power of two below n. An odd leaf is never doubled.
- `verify_inclusion` is section 2.1.3.2 and `verify_consistency` section 2.1.4.2, behind checks that the RFC leaves
  to the caller: every hash is 32 bytes; sizes in order; equal sizes mean equal roots and an empty path; size 0 means
  the empty root and an empty path. Both raise, so a check cannot be forgotten.
- Proofs are made from a `HashReader`, which answers the root of any complete subtree; a path asks for each hash once.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from custody.kernel.errors import Rejected

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()


class HashReader(Protocol):
    """Answers hashes of complete subtrees."""

    def read(self, level: int, index: int) -> bytes:
        """The root of the leaves from index * 2**level up to, not including, (index + 1) * 2**level."""
        ...


def leaf_hash(entry: bytes) -> bytes:
    """SHA256(0x00 || entry)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


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
        _check_hashes(self.peaks)

    def append(self, leaf: bytes) -> "Frontier":
        """The frontier after one more leaf hash."""
        return self.extend((leaf,))

    def extend(self, leaves: Iterable[bytes]) -> "Frontier":
        """The frontier after more leaf hashes, in order."""
        peaks, size = list(self.peaks), self.size
        for leaf in leaves:
            if len(leaf) != HASH_BYTES:
                raise _not_a_hash()
            peak, rest = leaf, size
            while rest & 1:
                peak = node_hash(peaks.pop(), peak)
                rest >>= 1
            peaks.append(peak)
            size += 1
        return Frontier(size=size, peaks=tuple(peaks))

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


def verify_inclusion(index: int, size: int, leaf: bytes, path: Sequence[bytes], root: bytes) -> None:
    """Return if leaf hash `leaf` stands at `index` of the tree with `root`; raises `Rejected("proof")` if not."""
    _check_hashes((root,))
    if inclusion_root(index, size, leaf, path) != root:
        raise _wrong_proof("the path leads from this leaf to another root")


def inclusion_root(index: int, size: int, leaf: bytes, path: Sequence[bytes]) -> bytes:
    """The root that the path leads to; for receipts, whose root is not written down."""
    # 1. Shapes: every hash is 32 bytes and the leaf lies in the tree.
    _check_hashes((leaf, *path))
    if not 0 <= index < size:
        raise _wrong_proof(f"there is no leaf {index} in a tree of {size}")
    # 2. Climb, keeping the place of the node (fn) and of the last node (sn) of each level.
    fn, sn, here = index, size - 1, leaf
    for sibling in path:
        if sn == 0:
            raise _wrong_proof("the path is too long")
        if fn & 1 or fn == sn:
            here = node_hash(sibling, here)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            here = node_hash(here, sibling)
        fn, sn = fn >> 1, sn >> 1
    # 3. The climb ends at the root.
    if sn != 0:
        raise _wrong_proof("the path is too short")
    return here


def verify_consistency(old_size: int, new_size: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> None:
    """Return if the old tree is a prefix of the new one; raises `Rejected("proof")` if not."""
    # 1. Shapes: every hash is 32 bytes and the sizes are in order.
    _check_hashes((old_root, new_root, *path))
    if not 0 <= old_size <= new_size:
        raise _wrong_proof(f"a tree of {new_size} has no prefix of {old_size}")
    # 2. Size 0 and equal sizes are decided here; the RFC's algorithm is for 0 < old < new.
    if old_size == 0 and (path or old_root != EMPTY_ROOT):
        raise _wrong_proof("size 0 needs the root of the empty tree and an empty path")
    if old_size == new_size and (path or old_root != new_root):
        raise _wrong_proof("equal sizes need equal roots and an empty path")
    # 3. The path leads from the old root to the new one.
    if 0 < old_size < new_size and consistency_root(old_size, new_size, old_root, path) != new_root:
        raise _wrong_proof("the path leads from the old tree to another root")


def consistency_root(old_size: int, new_size: int, old_root: bytes, path: Sequence[bytes]) -> bytes:
    """The newer root that the path leads to from the older, for 0 < old < new; for receipts."""
    # 1. Shapes: every hash is 32 bytes, and there is something to prove.
    _check_hashes((old_root, *path))
    if not 0 < old_size < new_size or not path:
        raise _wrong_proof("there is no path to follow")
    # 2. An old tree that is one complete subtree is the first node of its own path.
    nodes = [old_root, *path] if old_size.bit_count() == 1 else list(path)
    # 3. Climb from the last complete subtree of the old tree, towards both roots at once.
    fn, sn = old_size - 1, new_size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    old = new = nodes[0]
    for node in nodes[1:]:
        if sn == 0:
            raise _wrong_proof("the path is too long")
        if fn & 1 or fn == sn:
            old, new = node_hash(node, old), node_hash(node, new)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            new = node_hash(new, node)
        fn, sn = fn >> 1, sn >> 1
    # 4. Both climbs end at the roots.
    if sn != 0:
        raise _wrong_proof("the path is too short")
    if old != old_root:
        raise _wrong_proof("the path does not hold the old tree")
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


def _check_hashes(hashes: Iterable[bytes]) -> None:
    for value in hashes:
        if len(value) != HASH_BYTES:
            raise _not_a_hash()


def _not_a_hash() -> Rejected:
    return Rejected("proof", "a hash is not 32 bytes long", fix="Send SHA-256 hashes whole.")


def _wrong_proof(why: str) -> Rejected:
    return Rejected(
        "proof", f"the proof does not hold: {why}", fix="Fetch a fresh proof for the size of the checkpoint."
    )
