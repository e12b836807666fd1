"""The tiles of the log, in rows of a sixteenth: a tile that grows would be written whole again with each unit.

PostgreSQL would keep each of these states beside the table until it is vacuumed, and SQLite write three pages for one.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter

from sqlmodel import Session

from custody.ledger.merkle import HASH_BYTES
from custody.ledger.tiles import HEIGHT, WIDTH, Tile
from custody.store.bulk import pick, put
from custody.store.tables import TileRow

PART_WIDTH = 32
"""So many hashes stand in a row."""

PART_BYTES = PART_WIDTH * HASH_BYTES
KEYS = ("level", "number", "part")

Place = tuple[int, int]
"""Level and number of a tile."""


def read_tiles(session: Session, places: Collection[Place]) -> Mapping[Place, bytes]:
    """The hashes of those of these tiles that are there; of a tile that lacks a part, those before it."""
    rows = sorted(pick(session, TileRow, (*KEYS, "hashes"), by=KEYS[:2], values=places))
    return {place: _joined(parts) for place, parts in groupby(rows, key=itemgetter(0, 1))}


def write_tiles(session: Session, tiles: Sequence[Tile], *, before: int) -> None:
    """Write what is new in tiles of a log that held `before` entries."""
    rows = [
        {"level": tile.id.level, "number": tile.id.number, "part": part, "hashes": _cut(tile.data, part)}
        for tile in tiles
        for part in range(_stored(tile, before) // PART_WIDTH, -(-tile.id.width // PART_WIDTH))
    ]
    put(session, TileRow, rows, keys=KEYS)


def _stored(tile: Tile, before: int) -> int:
    """How many hashes of a tile were there."""
    number, width = divmod(before >> HEIGHT * tile.id.level, WIDTH)
    return width if number == tile.id.number else 0


def _cut(hashes: bytes, part: int) -> bytes:
    return hashes[part * PART_BYTES : (part + 1) * PART_BYTES]


def _joined(parts: Iterable[tuple[int, int, int, bytes]]) -> bytes:
    whole = b""
    for _, _, part, hashes in parts:
        if len(whole) != part * PART_BYTES:
            break
        whole += hashes
    return whole
