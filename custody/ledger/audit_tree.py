"""The tree as an auditor sees it: stored tiles against what lies below them, in one pass from the left.

A level is compared with the tiles stored below it, so one wrong byte is found where it is and not again on every level
above. What cannot be read is reported and, where possible, derived. Of each level only the tile that is being filled is
kept, so memory does not grow with the log.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from custody.kernel.errors import Rejected, Trouble
from custody.ledger.checkpoint import Checkpoint
from custody.ledger.merkle import HASH_BYTES, Frontier, consistency_path, verify_consistency
from custody.ledger.replay import About, AuditFinding
from custody.ledger.tiles import (
    ENTRIES,
    HEIGHT,
    WIDTH,
    TileHashReader,
    TileId,
    decode_bundle,
    frontier_of,
    levels_of,
    subtree_root,
    tile_width,
)

GetTile = Callable[[TileId], bytes]
Row = list[bytes | None]
ROLLBACK, FORK = "rollback", "fork"


class Tree:
    """The stored tiles of one size. `rows` has, for each level above 0, the hashes that the next tile there must hold.

    An audit that goes on where an earlier one stopped gives the rows of that place, where level 0 ended in a full tile.
    """

    def __init__(self, get_tile: GetTile, head: Checkpoint, *, rows: Mapping[int, Sequence[bytes]]) -> None:
        self._get_tile = get_tile
        self._head = head
        self._edge: dict[int, Row] = {}
        self.rows: dict[int, Row] = {level: list(row) for level, row in rows.items()}

    def read_entries(self, number: int, width: int) -> tuple[list[bytes] | None, list[AuditFinding]]:
        """The entries of a bundle, or None and why not."""
        bundle = TileId(level=ENTRIES, number=number, width=width)
        try:
            return decode_bundle(self._get_tile(bundle), width), []
        except Trouble as error:
            return None, [of_log(error.code, f"{bundle.path} cannot be read: {error.detail}", number * WIDTH)]

    def take(self, number: int, leaves: Row) -> tuple[Row, list[AuditFinding]]:
        """Compare one tile of level 0, and those above it that it completes.

        Returns the leaves as stored (as expected, where the tile cannot be read).
        """
        row, findings = self._check(TileId(level=0, number=number, width=len(leaves)), leaves)
        level, below = 0, row
        while len(below) == WIDTH:
            whole = [value for value in below if value is not None]
            root = subtree_root(b"".join(whole)) if len(whole) == WIDTH else None
            level += 1
            expected = self.rows.setdefault(level, [])
            expected.append(root)
            if len(expected) < WIDTH:
                break
            place = TileId(level=level, number=((number + 1) >> HEIGHT * level) - 1)
            below, more = self._check(place, expected)
            findings += more
            self.rows[level] = []
        return row, findings

    def finish(self) -> Iterator[AuditFinding]:
        """The partial tiles above level 0, and the root."""
        for level in levels_of(self._head.size)[1:]:
            number = self._head.size >> HEIGHT * (level + 1)
            width = tile_width(self._head.size, level, number)
            if width:
                yield from self._check(TileId(level=level, number=number, width=width), self.rows[level])[1]
        rows = [value for row in self._edge.values() for value in row]
        if None in rows:
            yield of_log("root-unknown", "the root cannot be computed: neither tile nor entries could be read")
            return
        edge = {level: b"".join(value for value in row if value is not None) for level, row in self._edge.items()}
        if frontier_of(self._head.size, edge).root() != self._head.root:
            yield of_log("root", "the tiles do not lead to the root of the checkpoint")

    def _check(self, tile: TileId, expected: Row) -> tuple[Row, list[AuditFinding]]:
        """The tile's hashes as stored (as expected if it cannot be read), and where they are not as expected."""
        findings = []
        span = 1 << HEIGHT * tile.level
        row = expected
        try:
            data = self._get_tile(tile)
            if len(data) != tile.width * HASH_BYTES:
                raise Rejected("tile", f"it holds {len(data)} bytes", fix="Restore the tile.")
            row = [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]
        except Trouble as error:
            first = tile.number * WIDTH * span
            findings.append(of_log(error.code, f"{tile.path} cannot be read: {error.detail}", first))
        for offset, (have, want) in enumerate(zip(row, expected, strict=True)):
            if want is not None and have != want:
                index = (tile.number * WIDTH + offset) * span
                findings.append(of_log("hash", f"hash {offset} of {tile.path} is not that of what lies below", index))
        if tile.width < WIDTH:
            self._edge[tile.level] = row
        return row, findings


class SeenHeads:
    """Checkpoints seen earlier, each compared when the pass reaches its size; `frontier` is None after a hole."""

    def __init__(self, get_tile: GetTile, head: Checkpoint, *, frontier: Frontier) -> None:
        self._get_tile = get_tile
        self._head = head
        self._start = frontier
        self._waiting: list[Checkpoint] = []
        self.frontier: Frontier | None = frontier

    def add(self, checkpoint: Checkpoint, *, at_once: bool = False) -> Iterator[AuditFinding]:
        """Take one earlier checkpoint; wrong if it is larger than the log. `at_once`, a later one is proven now."""
        if checkpoint.size > self._head.size:
            yield of_log(ROLLBACK, f"the log had {checkpoint.size} entries and now has {self._head.size}")
        elif checkpoint.size > self._start.size and not at_once:
            self._waiting = sorted([*self._waiting, checkpoint], key=lambda row: row.size)
        elif checkpoint.size == self._start.size:  # now: where the log ends here, no bundle follows to be compared at
            if checkpoint.root != self._start.root():
                yield _forked(checkpoint)
        elif checkpoint.size > 0:
            yield from self._prove(checkpoint)

    def advance(self, row: Row) -> Iterator[AuditFinding]:
        """Append the leaves of one bundle, stopping at the sizes of earlier checkpoints."""
        leaves = [value for value in row if value is not None]
        if self.frontier is None or len(leaves) < len(row):
            self.frontier = None  # nothing can be compared any more, and the hole has been reported
            return
        start = self.frontier.size
        while self._waiting and self._waiting[0].size <= start + len(leaves):
            checkpoint = self._waiting.pop(0)
            self.frontier = self.frontier.extend(leaves[self.frontier.size - start : checkpoint.size - start])
            if self.frontier.root() != checkpoint.root:
                yield _forked(checkpoint)
        self.frontier = self.frontier.extend(leaves[self.frontier.size - start :])

    def _prove(self, old: Checkpoint) -> Iterator[AuditFinding]:
        """Compare with a size that lies before this pass, by a proof from the tiles (RFC 9162 section 2.1.4)."""
        try:
            reader = TileHashReader(self._get_tile, self._head.size, root=self._head.root)
            path = consistency_path(old.size, self._head.size, reader)
        except Trouble as error:
            yield of_log(error.code, f"the way from size {old.size} cannot be proven: {error.detail}")
            return
        try:
            verify_consistency(old.size, self._head.size, old.root, self._head.root, path)
        except Rejected:
            yield _forked(old)


def of_log(code: str, detail: str, index: int | None = None) -> AuditFinding:
    """A finding about the log itself."""
    return AuditFinding(about=About.LOG, code=code, detail=detail, index=index)


def _forked(checkpoint: Checkpoint) -> AuditFinding:
    return of_log(FORK, f"the log showed another tree of size {checkpoint.size} before")
