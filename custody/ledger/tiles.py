"""Tiles: the tree cut into files of 256 hashes (C2SP tlog-tiles).

- Hash i of tile n at level l is the root of the leaves from (n*256 + i) * 256**l up to (n*256 + i + 1) * 256**l.
  Level 0 holds leaf hashes. A full tile is 256 hashes, 8192 bytes, and never changes.
- The last tile of a level is partial, 1 to 255 hashes wide; a partial tile never feeds the level above. For a tree of
  size s its width at level l is floor(s / 256**l) mod 256; width 0 does not exist.
- Path: `tile/<level>/<number>[.p/<width>]`, the number in groups of three digits, all but the last with an x before:
  1234067 -> `x001/x234/067`. Entries lie in bundles of the same numbers and widths under `tile/entries/`.
- A bundle is, for each entry, its length as two bytes, big end first, and the entry: at most 65 535 bytes.

The **edge** of a tree is the bytes of its partial tiles, by level: with it a tree grows without reading anything else.
"""

import hashlib
import re
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from custody.kernel.errors import Fatal, Rejected
from custody.ledger.merkle import HASH_BYTES, Frontier

HEIGHT = 8
WIDTH = 1 << HEIGHT
PAIR_BYTES = 2 * HASH_BYTES
TILE_BYTES = WIDTH * HASH_BYTES
ENTRIES = -1
MAX_LEVEL = 63
MAX_NUMBER = 2**56
MAX_ENTRY_BYTES = 0xFFFF

_PATH = re.compile(r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([0-9]{1,3}))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class TileId:
    """Which tile: its level (`ENTRIES` for a bundle of entries), its number from the left, how many it holds."""

    level: int
    number: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """The tile's path below the log's prefix."""
        groups = [f"{self.number % 1000:03d}"]
        rest = self.number // 1000
        while rest:
            groups.insert(0, f"x{rest % 1000:03d}")
            rest //= 1000
        level = "entries" if self.level == ENTRIES else str(self.level)
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{level}/{'/'.join(groups)}{partial}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A tile or a bundle of entries with its bytes."""

    id: TileId
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """What appending changed: the tiles to write, the new edge, the new frontier."""

    tiles: tuple[Tile, ...]
    edge: Mapping[int, bytes]
    frontier: Frontier


def parse_path(path: str) -> TileId:
    """The tile that a path names; raises `Rejected("path")` for any path that `TileId.path` would not write."""
    found = _PATH.fullmatch(path)
    if found is None:
        raise _bad_path()
    level, number, width = found.groups()
    tile = TileId(
        level=ENTRIES if level == "entries" else int(level),
        number=int(number.replace("x", "").replace("/", "")),
        width=WIDTH if width is None else int(width),
    )
    if tile.path != path or tile.level > MAX_LEVEL or tile.number >= MAX_NUMBER or not 1 <= tile.width <= WIDTH:
        raise _bad_path()
    return tile


def tile_width(size: int, level: int, number: int) -> int:
    """How many hashes (or entries) tile `number` of `level` holds in the tree of `size`; 0 if it does not exist."""
    return max(0, min(WIDTH, (size >> HEIGHT * max(level, 0)) - number * WIDTH))


def tiles_of(size: int, level: int, *, first: int = 0) -> Iterator[TileId]:
    """Every tile of one level (or every bundle) of the tree of `size`, from the left or from number `first` on."""
    number = first
    while width := tile_width(size, level, number):
        yield TileId(level=level, number=number, width=width)
        number += 1


def levels_of(size: int) -> range:
    """The levels on which the tree of `size` has hashes."""
    return range(-(-size.bit_length() // HEIGHT))


def edge_of(size: int) -> list[TileId]:
    """The partial tiles of the tree of `size`, lowest level first."""
    edge = []
    for level in levels_of(size):
        number, width = divmod(size >> HEIGHT * level, WIDTH)
        if width:
            edge.append(TileId(level=level, number=number, width=width))
    return edge


def tiles_beside(leaf: int, size: int) -> set[TileId]:
    """The tiles in which all hashes of the leaf's path in the tree of `size` stand: those above it, and the edge.

    A consistency path from an older size needs no others than the path of that tree's last leaf.
    """
    return tiles_above(leaf, size) | set(edge_of(size))


def tiles_above(leaf: int, size: int) -> set[TileId]:
    """The same for whoever holds the frontier of the tree, which spells what the edge does; none if it has no leaf."""
    tiles = set()
    for level in levels_of(size) if 0 <= leaf < size else ():
        number = leaf >> HEIGHT * (level + 1)
        if width := tile_width(size, level, number):
            tiles.add(TileId(level=level, number=number, width=width))
    return tiles


def row_above(hashes: bytes) -> bytes:
    """The node hashes of the pairs in a row of hashes; a last one without a partner is left out."""
    pairs = _pairs_in(len(hashes) // PAIR_BYTES)
    return b"".join([hashlib.sha256(b"\x01" + pair).digest() for pair in pairs.unpack(hashes[: pairs.size])])


@lru_cache(maxsize=WIDTH)
def _pairs_in(many: int) -> struct.Struct:
    """Cuts a row into its pairs at once; each by itself takes a sixth longer, the hashing included."""
    return struct.Struct(f"{PAIR_BYTES}s" * many)


def subtree_root(hashes: bytes) -> bytes:
    """The root over 1, 2, 4, ... hashes that lie side by side."""
    while len(hashes) > HASH_BYTES:
        hashes = row_above(hashes)
    return hashes


def frontier_of(size: int, edge: Mapping[int, bytes]) -> Frontier:
    """The frontier that the edge tiles spell; raises `Rejected("tile")` if their widths do not fit the size."""
    peaks: list[bytes] = []
    for level in levels_of(size):
        hashes, width = edge.get(level, b""), (size >> HEIGHT * level) % WIDTH
        _check_width(hashes, width)
        here, start = [], 0
        for bit in reversed(range(HEIGHT)):
            if width >> bit & 1:
                end = start + (HASH_BYTES << bit)
                here.append(subtree_root(hashes[start:end]))
                start = end
        peaks = here + peaks
    return Frontier(size=size, peaks=tuple(peaks))


def extend_tiles(frontier: Frontier, edge: Mapping[int, bytes], leaves: Sequence[bytes]) -> Growth:
    """Append leaf hashes to the tree whose frontier and edge are given.

    Every full tile that arises is returned once, and of each level at most one partial tile, that of the new size.
    """
    tiles: list[Tile] = []
    new_edge = dict(edge)
    fresh, level, count = b"".join(leaves), 0, frontier.size
    while fresh:
        number, width = divmod(count, WIDTH)
        held = new_edge.pop(level, b"")
        if len(held) != width * HASH_BYTES:
            raise Fatal(
                "edge", f"the edge tile of level {level} does not fit size {frontier.size}", fix="Audit the log."
            )
        hashes, parents = held + fresh, []
        for start in range(0, len(hashes), TILE_BYTES):
            data = hashes[start : start + TILE_BYTES]
            tiles.append(Tile(id=TileId(level=level, number=number, width=len(data) // HASH_BYTES), data=data))
            number += 1
            if len(data) == TILE_BYTES:
                parents.append(subtree_root(data))
            else:
                new_edge[level] = data
        fresh, level, count = b"".join(parents), level + 1, count >> HEIGHT
    return Growth(tiles=tuple(tiles), edge=new_edge, frontier=frontier.extend(leaves))


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """The bytes of a bundle; raises `Rejected("entry")` if an entry is longer than 65 535 bytes."""
    if any(len(entry) > MAX_ENTRY_BYTES for entry in entries):
        raise Rejected(
            "entry", f"an entry is longer than {MAX_ENTRY_BYTES} bytes", fix="Log a digest of large content."
        )
    return b"".join([len(entry).to_bytes(2, "big") + entry for entry in entries])


def decode_bundle(data: bytes, width: int) -> list[bytes]:
    """The `width` entries of a bundle; raises `Rejected("bundle")` unless it holds exactly these."""
    entries: list[bytes] = []
    at = 0
    for _ in range(width):
        start = at + 2
        at = start + int.from_bytes(data[at:start], "big")
        entries.append(data[start:at])
    if at != len(data):  # whatever is missing or too much shows here, because `at` never goes back
        raise Rejected("bundle", f"the bundle does not hold exactly {width} entries", fix="Fetch the bundle again.")
    return entries


class TileHashReader:
    """Answers a `HashReader` from the tiles of one tree; each tile is fetched and hashed once.

    With the tree's `frontier`, what that spells is asked of no tile, so no tile of the edge is but for its leaves.
    With `root`, the tiles may come from anyone: the edge tiles must spell that root, and the hash of every full tile
    must stand in its parent, which is checked before it in the same way.
    """

    def __init__(
        self,
        get_tile: Callable[[TileId], bytes],
        size: int,
        *,
        root: bytes | None = None,
        frontier: Frontier | None = None,
    ) -> None:
        self._get_tile = get_tile
        self._size = size
        self._proven = root is not None
        self._peaks = {} if frontier is None else frontier.placed()
        self._held: dict[tuple[int, int], list[bytes]] = {}
        if root is not None:
            edge = {tile.level: get_tile(tile) for tile in edge_of(size)}
            if frontier_of(size, edge).root() != root:
                raise Rejected(
                    "tile", "the edge tiles do not lead to the root", fix="Fetch them again or audit the log."
                )
            self._held = {(tile.level, tile.number): _rows(edge[tile.level]) for tile in edge_of(size)}

    def read(self, level: int, index: int) -> bytes:
        """The root of a complete subtree of the tree; raises `Rejected("tile")` if tile or subtree do not fit."""
        if level < 0 or index < 0 or (index + 1) << level > self._size:
            raise Rejected("tile", f"a tree of {self._size} has no such subtree", fix="Ask below the tree's size.")
        peak = self._peaks.get((level, index))
        if peak is not None:
            return peak
        tile_level, low = divmod(level, HEIGHT)
        number, offset = divmod(index << low, WIDTH)
        start = (offset >> low) * HASH_BYTES
        return self._tile(tile_level, number)[low][start : start + HASH_BYTES]

    def _tile(self, level: int, number: int) -> list[bytes]:
        held = self._held.get((level, number))
        if held is not None:
            return held
        width = tile_width(self._size, level, number)
        hashes = self._get_tile(TileId(level=level, number=number, width=width))
        _check_width(hashes, width)
        rows = _rows(hashes)
        # With a root every partial tile is already held, so this one is full and its hash stands one level up.
        if self._proven and rows[HEIGHT] != self.read(HEIGHT * (level + 1), number):
            raise Rejected(
                "tile", f"tile {number} of level {level} is not the one its parent names", fix="Fetch it again."
            )
        self._held[level, number] = rows
        return rows


def _rows(hashes: bytes) -> list[bytes]:
    rows = [hashes]
    while len(rows[-1]) > HASH_BYTES:
        rows.append(row_above(rows[-1]))
    return rows


def _check_width(hashes: bytes, width: int) -> None:
    if len(hashes) != width * HASH_BYTES:
        raise Rejected("tile", f"a tile holds {len(hashes)} bytes, not {width} hashes", fix="Fetch the tile again.")


def _bad_path() -> Rejected:
    return Rejected("path", "not the path of a tile", fix="Write it like tile/0/x001/x234/067 or tile/entries/000.p/5.")
