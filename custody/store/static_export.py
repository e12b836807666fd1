"""The log as plain files (C2SP tlog-tiles), for a web server, an object store or an auditor's disk.

`checkpoint`, `tile/<level>/<number>`, `tile/entries/<number>`. What makes it safe for readers is the order: every tile
and bundle that a checkpoint covers is there before the checkpoint is, so whoever follows a checkpoint finds everything.

1. The head must be signed by the log's key and continue the checkpoint that the target holds. One of another past
   (a fork), or one that is behind, is refused, and nothing is written.
2. Tiles are checked from the root down: the edge tiles spell the signed root, each full tile hashes to its place one
   level up, each bundle of entries to its tile of level 0. Nothing is written before it was checked.
3. What the held checkpoint covers and the target lists is not read and not sent again. What lies there without a
   checkpoint (an export was stopped) is read and checked: right, it stays; wrong, it is replaced. With `whole`,
   everything is read and checked.
4. The checkpoint comes last, by compare and swap.
5. A partial tile whose full tile was covered by the checkpoint before goes. It stays for one export longer than it is
   needed, and who still follows an older checkpoint reads the full tile in its place, as tlog-tiles says.
"""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from custody.kernel.errors import Conflict, Forbidden, NotFound, Rejected, Unavailable
from custody.ledger.checkpoint import Checkpoint, open_checkpoint
from custody.ledger.merkle import HASH_BYTES, consistency_path, leaf_hash, verify_consistency
from custody.ledger.note import NoteVerifier
from custody.ledger.tiles import (
    ENTRIES,
    HEIGHT,
    WIDTH,
    TileHashReader,
    TileId,
    decode_bundle,
    edge_of,
    frontier_of,
    levels_of,
    parse_path,
    subtree_root,
    tile_width,
    tiles_of,
)
from custody.store.log_target import CHECKPOINT, HeldFile, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What the target holds now; how many files were written, taken away, and could not be taken away."""

    size: int
    root: bytes
    written: int
    removed: int
    left: int


def export_log(
    target: Target,
    *,
    get_checkpoint: Callable[[], bytes],
    get_tile: Callable[[TileId], bytes],
    log: NoteVerifier,
    whole: bool = False,
    progress: Callable[[int, int, int], None] = lambda _done, _size, _written: None,
) -> Exported:
    """Bring the target to the log's present checkpoint; raises `Rejected` or `Conflict` if that would be wrong.

    `progress` is told how many entries of how many are done, and how many files were written.
    """
    # 1. The head, and that it continues the one that is held.
    note = get_checkpoint()
    head = open_checkpoint(note, log)
    held = target.read(CHECKPOINT)
    before = _open_held(target, held, log) if held is not None else None
    if before is not None:
        _check_continues(target, before, head, get_tile)
    # 2. and 3. Tiles and bundles, from the root down.
    with _Lines(target) as lines:
        writing = _Writing(
            target=target, lines=lines, get_tile=get_tile, head=head, before=before, sizes=target.sizes(), whole=whole
        )
        writing.bring_edge()
        for level in reversed(levels_of(head.size)):
            for tile in tiles_of(head.size, level):
                writing.bring(tile)
                if level == 0:
                    progress(tile.number * WIDTH + tile.width, head.size, lines.written)
        lines.finish()
    # 4. Only now is the checkpoint shown.
    written = lines.written
    if held is None or held.data != note:
        target.swap(CHECKPOINT, note, held=held)
        written += 1
    # 5. Partial tiles that nobody needs.
    spent = writing.spent()
    removed = _remove(target, spent)
    return Exported(size=head.size, root=head.root, written=written, removed=removed, left=len(spent) - removed)


class _Lines:
    """Files on their way to the target, several side by side; the first that fails ends the export."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._pool = ThreadPoolExecutor(max_workers=target.at_once)
        self._under_way: deque[Future[None]] = deque()
        self.written = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def put(self, path: str, data: bytes) -> None:
        """Send a file; waits while enough are under way, so that memory stays small."""
        if len(self._under_way) >= 2 * self._target.at_once:
            self._under_way.popleft().result()
        self._under_way.append(self._pool.submit(self._target.put, path, data))
        self.written += 1

    def finish(self) -> None:
        """Wait until everything is there; raises what went wrong."""
        while self._under_way:
            self._under_way.popleft().result()


@dataclass(slots=True, kw_only=True)
class _Writing:
    """Brings the target what it lacks of one head."""

    target: Target
    lines: _Lines
    get_tile: Callable[[TileId], bytes]
    head: Checkpoint
    before: Checkpoint | None
    sizes: dict[str, int]
    whole: bool
    _edge: dict[int, bytes] = field(default_factory=dict)
    _newest: dict[int, tuple[int, bytes]] = field(default_factory=dict)

    def bring_edge(self) -> None:
        """The partial tiles, which spell the root."""
        tiles = edge_of(self.head.size)
        stored = {tile.level: self._stored(tile) for tile in tiles}
        self._edge = {tile.level: stored[tile.level] or self._fetch(tile) for tile in tiles}
        if not self._is_root() and any(stored.values()):
            self._edge = {tile.level: self._fetch(tile) for tile in tiles}
        if not self._is_root():
            raise _wrong("the tiles do not lead to the root of the checkpoint")
        for tile in tiles:
            if stored[tile.level] != self._edge[tile.level]:
                self.lines.put(tile.path, self._edge[tile.level])

    def bring(self, tile: TileId) -> None:
        """A tile, and at level 0 its entries."""
        bundle = TileId(level=ENTRIES, number=tile.number, width=tile.width)
        lacking = self.whole or not self._covered(tile) or self.sizes.get(tile.path) != tile.width * HASH_BYTES
        if lacking or (tile.level == 0 and bundle.path not in self.sizes):
            hashes = self._hashes(tile.level, tile.number)
            if tile.level == 0:
                self._bring_bundle(bundle, hashes)

    def spent(self) -> list[str]:
        """The partial tiles that lie there and whose full tiles the held checkpoint covered already."""
        found = []
        for path in self.sizes if self.before is not None else ():
            try:
                tile = parse_path(path)
            except Rejected:  # somebody else's file
                continue
            if tile.width < WIDTH and self._covered(TileId(level=tile.level, number=tile.number)):
                found.append(path)
        return found

    def _covered(self, tile: TileId) -> bool:
        size = 0 if self.before is None else self.before.size
        return tile.number * WIDTH + tile.width <= size >> HEIGHT * max(tile.level, 0)

    def _is_root(self) -> bool:
        return frontier_of(self.head.size, self._edge).root() == self.head.root

    def _hashes(self, level: int, number: int) -> bytes:
        """The right hashes of a tile; a full one that the target lacks or holds wrongly is sent."""
        if tile_width(self.head.size, level, number) < WIDTH:
            return self._edge[level]
        newest, data = self._newest.get(level, (-1, b""))
        if newest != number:
            data = self._full(TileId(level=level, number=number))
            self._newest[level] = (number, data)
        return data

    def _full(self, tile: TileId) -> bytes:
        at = tile.number % WIDTH * HASH_BYTES
        root = self._hashes(tile.level + 1, tile.number // WIDTH)[at : at + HASH_BYTES]
        stored = self._stored(tile)
        if stored is not None and subtree_root(stored) == root:
            return stored
        data = self._fetch(tile)
        if subtree_root(data) != root:
            raise _wrong(f"{tile.path} is not what the tile above it names")
        self.lines.put(tile.path, data)
        return data

    def _bring_bundle(self, wanted: TileId, hashes: bytes) -> None:
        if wanted.path in self.sizes:
            if self._covered(wanted) and not self.whole:
                return
            held = self.target.read(wanted.path)
            if held is not None and _fits(held.data, wanted.width, hashes):
                return
        data = self.get_tile(wanted)
        if not _fits(data, wanted.width, hashes):
            raise _wrong(f"the entries of {wanted.path} do not hash to their tile")
        self.lines.put(wanted.path, data)

    def _stored(self, tile: TileId) -> bytes | None:
        if self.sizes.get(tile.path) != tile.width * HASH_BYTES:
            return None
        held = self.target.read(tile.path)
        return held.data if held is not None and len(held.data) == tile.width * HASH_BYTES else None

    def _fetch(self, tile: TileId) -> bytes:
        data = self.get_tile(tile)
        if len(data) != tile.width * HASH_BYTES:
            raise _wrong(f"{tile.path} holds {len(data)} bytes")
        return data


def _fits(bundle: bytes, width: int, hashes: bytes) -> bool:
    try:
        entries = decode_bundle(bundle, width)
    except Rejected:
        return False
    return b"".join(map(leaf_hash, entries)) == hashes


def _open_held(target: Target, held: HeldFile, log: NoteVerifier) -> Checkpoint:
    try:
        return open_checkpoint(held.data, log)
    except Rejected as error:
        raise Rejected(
            "other_log",
            f"{target.name} holds a checkpoint that this log's key did not sign: {error.detail}",
            fix="Nothing was written. Name a place of this log's own, or with --vkey the key of the log that is meant.",
        ) from error


def _check_continues(target: Target, before: Checkpoint, head: Checkpoint, get_tile: Callable[[TileId], bytes]) -> None:
    """Raise unless the head continues what was exported before."""
    if before.size > head.size:
        _check_behind(target, before, head)
        raise Conflict(
            "older",
            f"{target.name} holds a newer checkpoint: {before.size} entries, and this log shows {head.size}",
            fix="Nothing was written. A mirror or a log that waits for its witnesses catches up: export again later. "
            "If the log was set back to a backup, stop it: entries that it had shown are lost.",
        )
    try:
        path = consistency_path(before.size, head.size, TileHashReader(get_tile, head.size, root=head.root))
        verify_consistency(before.size, head.size, before.root, head.root, path)
    except Rejected as error:
        raise _fork(target, before, head, error) from error


def _check_behind(target: Target, before: Checkpoint, head: Checkpoint) -> None:
    """Raise `Rejected("fork")` if what the target holds does not continue the head; its own tiles say so."""

    def tile(wanted: TileId) -> bytes:
        held = target.read(wanted.path)
        if held is None:
            raise NotFound("tile", f"{target.name} lacks {wanted.path}", fix="Export again from a log that is whole.")
        return held.data

    try:
        path = consistency_path(head.size, before.size, TileHashReader(tile, before.size, root=before.root))
    except (NotFound, Rejected):  # its tiles cannot be read: it is newer all the same, and stays as it is
        return
    try:
        verify_consistency(head.size, before.size, head.root, before.root, path)
    except Rejected as error:
        raise _fork(target, before, head, error) from error


def _fork(target: Target, before: Checkpoint, head: Checkpoint, error: Rejected) -> Rejected:
    return Rejected(
        "fork",
        f"the log of {head.size} entries and the {before.size} that {target.name} holds are two pasts: {error.detail}",
        fix="Nothing was written. Keep both checkpoints: they are evidence that the log was set back or split.",
    )


def _remove(target: Target, paths: list[str]) -> int:
    """Take files away; how many. Where that is not allowed they stay: they are true, and in nobody's way."""
    if not paths:
        return 0
    try:
        target.remove(paths)
    except (Forbidden, Unavailable):
        return 0
    return len(paths)


def _wrong(why: str) -> Rejected:
    return Rejected("export", why, fix="Audit the log that it comes from: `weaklink log audit` says what is wrong.")
