"""The auditor: re-hashes a whole log and says what is wrong with it, at which entry.

Given functions that fetch, it checks in this order:

1. the checkpoint is signed by the log's key;
2. every entry hashes to its leaf in the tiles of level 0, and what the entries say holds (replay.py);
3. every hash of every higher level is the root of the full tile below it;
4. the edge tiles lead to the checkpoint's root;
5. checkpoints that were seen earlier are prefixes of this log;
6. each station's chain is whole, and entry 0 names the key that signs the checkpoints.

A level is compared with the tiles stored below it, so one wrong byte is found where it is and not again on every level
above. What cannot be fetched is reported and, where possible, derived. A log without findings about the log itself is
sound; findings about registry, statements and stations tell of people whose statements the log faithfully holds.
"""

from collections.abc import Callable, Iterator, Sequence

from custody.kernel.errors import Rejected, Trouble
from custody.ledger.checkpoint import Checkpoint, open_checkpoint
from custody.ledger.merkle import HASH_BYTES, Frontier, leaf_hash
from custody.ledger.note import NoteVerifier
from custody.ledger.replay import About, Finding, Replay
from custody.ledger.tiles import (
    ENTRIES,
    HEIGHT,
    WIDTH,
    TileId,
    decode_bundle,
    frontier_of,
    levels_of,
    subtree_root,
    tiles_of,
)

Row = list[bytes | None]


def audit(
    get_checkpoint: Callable[[], bytes],
    get_tile: Callable[[TileId], bytes],
    log: NoteVerifier,
    *,
    earlier: Sequence[bytes] = (),
) -> Iterator[Finding]:
    """Everything that is wrong with the log; `get_tile` fetches tiles and entry bundles and raises `NotFound`.

    `earlier` are notes of checkpoints that somebody kept.
    """
    # 1. The head.
    try:
        head = open_checkpoint(get_checkpoint(), log)
    except Trouble as error:
        yield _of_log(error.code, f"the checkpoint cannot be taken: {error.detail}")
        return
    tree, replay = _Tree(get_tile, head), Replay()
    seen = _Seen(head)
    for note in earlier:
        yield from seen.add(note, log)
    # 2. Entries, their leaves, what they say, and what they must have led to earlier.
    for bundle in tiles_of(head.size, ENTRIES):
        entries, findings = tree.read_entries(bundle)
        yield from findings
        leaves: Row = [None] * bundle.width if entries is None else [leaf_hash(entry) for entry in entries]
        stored, findings = tree.check(TileId(level=0, number=bundle.number, width=bundle.width), leaves)
        yield from findings
        yield from seen.advance(stored if entries is None else leaves)
        for offset, entry in enumerate(entries or ()):
            yield from replay.take(bundle.number * WIDTH + offset, entry)
    # 3. and 4. Higher levels and the root.
    yield from tree.check_levels()
    yield from tree.check_root()
    # 6. Chains, and the key that entry 0 names.
    yield from replay.finish()
    if head.size > 0:
        yield from _check_log_key(replay, head, log)


class _Tree:
    """The stored tiles of one size, compared level by level."""

    def __init__(self, get_tile: Callable[[TileId], bytes], head: Checkpoint) -> None:
        self._get_tile = get_tile
        self._head = head
        self._parents: dict[int, Row] = {}
        self._edge: dict[int, Row] = {}

    def read_entries(self, bundle: TileId) -> tuple[list[bytes] | None, list[Finding]]:
        """The entries of a bundle, or None and why not."""
        try:
            return decode_bundle(self._get_tile(bundle), bundle.width), []
        except Trouble as error:
            first = bundle.number * WIDTH
            return None, [_of_log(error.code, f"{bundle.path} cannot be read: {error.detail}", first)]

    def check(self, tile: TileId, expected: Row) -> tuple[Row, list[Finding]]:
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
            findings.append(_of_log(error.code, f"{tile.path} cannot be read: {error.detail}", first))
        for offset, (have, want) in enumerate(zip(row, expected, strict=True)):
            if want is not None and have != want:
                index = (tile.number * WIDTH + offset) * span
                findings.append(_of_log("hash", f"hash {offset} of {tile.path} is not that of what lies below", index))
        if tile.width == WIDTH:
            whole = [value for value in row if value is not None]
            root = subtree_root(b"".join(whole)) if len(whole) == WIDTH else None
            self._parents.setdefault(tile.level, []).append(root)
        else:
            self._edge[tile.level] = row
        return row, findings

    def check_levels(self) -> Iterator[Finding]:
        """Every hash above level 0."""
        for level in levels_of(self._head.size)[1:]:
            below = self._parents.get(level - 1, [])
            for tile in tiles_of(self._head.size, level):
                start = tile.number * WIDTH
                yield from self.check(tile, below[start : start + tile.width])[1]

    def check_root(self) -> Iterator[Finding]:
        """The edge tiles lead to the root that was signed."""
        rows = [value for row in self._edge.values() for value in row]
        if None in rows:
            yield _of_log("root", "the root cannot be computed, because neither tile nor entries could be read")
            return
        edge = {level: b"".join(value for value in row if value is not None) for level, row in self._edge.items()}
        if frontier_of(self._head.size, edge).root() != self._head.root:
            yield _of_log("root", "the tiles do not lead to the root of the checkpoint")


class _Seen:
    """Checkpoints seen earlier, each compared when the replay reaches its size."""

    def __init__(self, head: Checkpoint) -> None:
        self._head = head
        self._waiting: list[Checkpoint] = []
        self._frontier: Frontier | None = Frontier()

    def add(self, note: bytes, log: NoteVerifier) -> Iterator[Finding]:
        """Take one earlier checkpoint; at once wrong if it is larger than the log."""
        try:
            checkpoint = open_checkpoint(note, log)
        except Rejected as error:
            yield _of_log(error.code, f"an earlier checkpoint cannot be taken: {error.detail}")
            return
        if checkpoint.size > self._head.size:
            yield _of_log("rollback", f"the log had {checkpoint.size} entries and now has {self._head.size}")
        elif checkpoint.size > 0:
            self._waiting = sorted([*self._waiting, checkpoint], key=lambda row: row.size)

    def advance(self, row: Row) -> Iterator[Finding]:
        """Append the leaves of one bundle, stopping at the sizes of earlier checkpoints."""
        leaves = [value for value in row if value is not None]
        if self._frontier is None or len(leaves) < len(row):
            self._frontier = None  # nothing can be compared any more, and the gap has been reported
            return
        start = self._frontier.size
        while self._waiting and self._waiting[0].size <= start + len(leaves):
            checkpoint = self._waiting.pop(0)
            self._frontier = self._frontier.extend(leaves[self._frontier.size - start : checkpoint.size - start])
            if self._frontier.root() != checkpoint.root:
                why = f"the log showed another tree of size {checkpoint.size} before"
                yield _of_log("fork", why)
        self._frontier = self._frontier.extend(leaves[self._frontier.size - start :])


def _check_log_key(replay: Replay, head: Checkpoint, log: NoteVerifier) -> Iterator[Finding]:
    policies = replay.registry.policies
    if not policies:
        yield Finding(about=About.REGISTRY, code="policy", detail="no policy was ever in force")
    elif (policies[0].policy.origin, policies[0].policy.log_key.x) != (head.origin, log.key.raw):
        why = "entry 0 names another origin or log key than the checkpoint's"
        yield Finding(about=About.REGISTRY, code="log-key", detail=why, index=0)


def _of_log(code: str, detail: str, index: int | None = None) -> Finding:
    return Finding(about=About.LOG, code=code, detail=detail, index=index)
