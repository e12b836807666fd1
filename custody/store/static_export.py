"""The log as a folder of files (C2SP tlog-tiles), for a web server, an object store or an auditor's disk.

`checkpoint`, `tile/<level>/<number>`, `tile/entries/<number>`. Every file is written whole and durably, and only if it
is not there yet: full tiles never change, so an export that was interrupted goes on where it stopped, and a later one
adds what is new. The checkpoint comes last, after everything that it covers; before that, it is checked that

1. the log's key signed it, and the checkpoint that the folder holds already is a prefix of it;
2. every new bundle of entries hashes to its tile of level 0;
3. every tile, new or old, hashes to its place one level up, and the edge leads to the signed root.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from custody.kernel.errors import Rejected
from custody.ledger.checkpoint import Checkpoint, open_checkpoint
from custody.ledger.merkle import HASH_BYTES, consistency_path, leaf_hash, verify_consistency
from custody.ledger.note import NoteVerifier
from custody.ledger.tiles import (
    ENTRIES,
    WIDTH,
    TileHashReader,
    TileId,
    decode_bundle,
    frontier_of,
    levels_of,
    subtree_root,
    tiles_of,
)
from custody.store.durable_file import make_folder, replace_file

CHECKPOINT = "checkpoint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What the folder holds now, and how many files were written for it."""

    size: int
    root: bytes
    written: int


def export_log(
    folder: Path, *, get_checkpoint: Callable[[], bytes], get_tile: Callable[[TileId], bytes], log: NoteVerifier
) -> Exported:
    """Bring the folder to the log's present checkpoint; raises `Rejected` if what is fetched does not fit."""
    make_folder(folder)
    # 1. The head, and that it continues the one in the folder.
    note = get_checkpoint()
    head = open_checkpoint(note, log)
    writing = _Writing(folder=folder, get_tile=get_tile)
    held = folder / CHECKPOINT
    before = open_checkpoint(held.read_bytes(), log) if held.is_file() else None
    if before is not None:
        _check_continues(before, head, writing)
    # 2. Tiles and bundles, from the left, each level checked against the one below.
    roots: list[bytes] = []
    edge: dict[int, bytes] = {}
    for level in levels_of(head.size):
        roots = _export_level(writing, head.size, level, roots, edge)
    # 3. The edge leads to the root that was signed; only then is the checkpoint shown.
    if frontier_of(head.size, edge).root() != head.root:
        raise _wrong("the tiles do not lead to the root of the checkpoint")
    if before is None or before.size < head.size or held.read_bytes() != note:
        writing.put(CHECKPOINT, note)
    return Exported(size=head.size, root=head.root, written=writing.written)


@dataclass(slots=True, kw_only=True)
class _Writing:
    """Fetches what the folder lacks."""

    folder: Path
    get_tile: Callable[[TileId], bytes]
    written: int = 0
    _known: set[Path] = field(default_factory=set)

    def tile(self, wanted: TileId) -> bytes:
        """The hashes of a tile, from the folder if it has them."""
        path = self.folder / wanted.path
        if path.is_file():
            return path.read_bytes()
        data = self.get_tile(wanted)
        if len(data) != wanted.width * HASH_BYTES:
            raise _wrong(f"{wanted.path} holds {len(data)} bytes")
        self.put(wanted.path, data)
        return data

    def bundle(self, wanted: TileId, hashes: bytes) -> None:
        """The entries below a tile of level 0, unless the folder has them."""
        if (self.folder / wanted.path).is_file():
            return
        data = self.get_tile(wanted)
        if b"".join(map(leaf_hash, decode_bundle(data, wanted.width))) != hashes:
            raise _wrong(f"the entries of {wanted.path} do not hash to their tile")
        self.put(wanted.path, data)

    def put(self, path: str, data: bytes) -> None:
        """Write one file."""
        target = self.folder / path
        if target.parent not in self._known:
            make_folder(target.parent)
            self._known.add(target.parent)
        replace_file(target, data)
        self.written += 1


def _export_level(writing: _Writing, size: int, level: int, below: list[bytes], edge: dict[int, bytes]) -> list[bytes]:
    """Write one level; returns the root of each of its full tiles."""
    roots = []
    for tile in tiles_of(size, level):
        data = writing.tile(tile)
        start = tile.number * WIDTH
        if level and data != b"".join(below[start : start + tile.width]):
            raise _wrong(f"{tile.path} is not what the tiles below lead to")
        if level == 0:
            writing.bundle(TileId(level=ENTRIES, number=tile.number, width=tile.width), data)
        if tile.width == WIDTH:
            roots.append(subtree_root(data))
        else:
            edge[level] = data
    return roots


def _check_continues(before: Checkpoint, head: Checkpoint, writing: _Writing) -> None:
    reader = TileHashReader(writing.tile, head.size)
    try:
        path = consistency_path(before.size, head.size, reader)
        verify_consistency(before.size, head.size, before.root, head.root, path)
    except Rejected as error:
        raise Rejected(
            "fork",
            f"the log does not continue the {before.size} entries that were exported before: {error.detail}",
            fix="Keep the folder as it is: it is evidence that the log was set back or shows two pasts.",
        ) from error


def _wrong(why: str) -> Rejected:
    return Rejected("export", why, fix="Audit the log; delete the named file if it is a damaged copy in this folder.")
