"""Hashes, roots and inclusion in a Merkle tree of RFC 9162 section 2.1 (as RFC 6962 section 2.1), with SHA-256.

- Empty tree: SHA256(""). Leaf: SHA256(0x00 || entry). Node: SHA256(0x01 || left || right).
- A tree of n > 1 leaves splits at the largest power of two below n. Joining neighbours level by level, and lifting an
  odd last node as it is, gives the same tree. An odd leaf is never doubled.
- `verify_inclusion` is section 2.1.3.2, behind checks that the RFC leaves to the caller: every hash is 32 bytes, the
  leaf lies in the tree. It raises, so a check cannot be forgotten.

The log's tree, which grows and is kept in tiles, is `ledger/merkle.py`. `SmallTree` is for a tree that is held whole.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from custody.kernel.errors import Rejected

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
MAX_SIZE = 2**63 - 1
"""No tree that is spoken of here is larger."""


def leaf_hash(entry: bytes) -> bytes:
    """SHA256(0x00 || entry)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallTree:
    """A tree held whole: `levels` are its nodes, the leaf hashes first and the root by itself last."""

    levels: tuple[tuple[bytes, ...], ...]

    @classmethod
    def of(cls, leaves: Iterable[bytes]) -> "SmallTree":
        """The tree over these leaf hashes, in order."""
        level = tuple(leaves)
        check_hashes(level)
        levels = [level]
        while len(level) > 1:
            pairs = zip(level[::2], level[1::2], strict=False)
            level = (*(node_hash(left, right) for left, right in pairs), *level[len(level) & ~1 :])
            levels.append(level)
        return cls(levels=tuple(levels))

    @property
    def size(self) -> int:
        """How many leaves it has."""
        return len(self.levels[0])

    @property
    def root(self) -> bytes:
        """Its root."""
        return self.levels[-1][0] if self.size else EMPTY_ROOT

    def path(self, index: int) -> list[bytes]:
        """The audit path of a leaf, its sibling first (section 2.1.3.1); raises `Rejected("proof")`."""
        if not 0 <= index < self.size:
            raise Rejected("proof", f"there is no leaf {index} in a tree of {self.size}", fix="Ask below its size.")
        siblings = [(level, (index >> height) ^ 1) for height, level in enumerate(self.levels[:-1])]
        return [level[at] for level, at in siblings if at < len(level)]


def verify_inclusion(index: int, size: int, leaf: bytes, path: Sequence[bytes], root: bytes) -> None:
    """Return if leaf hash `leaf` stands at `index` of the tree with `root`; raises `Rejected("proof")` if not."""
    check_hashes((root,))
    if inclusion_root(index, size, leaf, path) != root:
        raise wrong_proof("the path leads from this leaf to another root")


def inclusion_root(index: int, size: int, leaf: bytes, path: Sequence[bytes]) -> bytes:
    """The root that the path leads to; for receipts, whose root is not written down."""
    # 1. Shapes: every hash is 32 bytes and the leaf lies in the tree.
    check_hashes((leaf, *path))
    if not 0 <= index < size:
        raise wrong_proof(f"there is no leaf {index} in a tree of {size}")
    # 2. Climb, keeping the place of the node (fn) and of the last node (sn) of each level.
    fn, sn, here = index, size - 1, leaf
    for sibling in path:
        if sn == 0:
            raise wrong_proof("the path is too long")
        if fn & 1 or fn == sn:
            here = node_hash(sibling, here)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            here = node_hash(here, sibling)
        fn, sn = fn >> 1, sn >> 1
    # 3. The climb ends at the root.
    if sn != 0:
        raise wrong_proof("the path is too short")
    return here


def check_hashes(hashes: Iterable[bytes]) -> None:
    """Return if each is 32 bytes long; raises `Rejected("proof")` if one is not."""
    for value in hashes:
        if len(value) != HASH_BYTES:
            raise not_a_hash()


def not_a_hash() -> Rejected:
    """The error for a hash of another length."""
    return Rejected("proof", "a hash is not 32 bytes long", fix="Send SHA-256 hashes whole.")


def wrong_proof(why: str) -> Rejected:
    """The error for a proof that does not hold."""
    return Rejected(
        "proof", f"the proof does not hold: {why}", fix="Fetch a fresh proof for the size of the checkpoint."
    )
