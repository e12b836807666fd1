"""The auditor: re-hashes a whole log and says what is wrong with it, at which entry.

Given functions that fetch, it checks in this order:

1. the checkpoint is signed by the log's key and, if a witness policy is given, cosigned as that demands;
2. every entry hashes to its leaf in the tiles of level 0, and what the entries say holds (replay.py);
3. every hash of every higher level is the root of the full tile below it;
4. the edge tiles lead to the checkpoint's root;
5. checkpoints that were seen earlier are prefixes of this log;
6. each station's chain is whole, and entry 0 names the key that signs the checkpoints.

A log without findings about the log itself, and without the witnesses that were asked for missing, is sound; findings
about registry, statements and stations tell of people whose statements the log faithfully holds.

The log is read to the size of that checkpoint and no further, however it grows meanwhile. An audit is given up where
too many entries are missing or too much of the log is wrong (`MAX_UNREAD`, `MAX_WRONG`), and not begun if there are
more to read than the auditor said (`most`); its last finding says so.

With what was kept of an earlier audit (kept_audit.py) only the entries after it are read. Those before it were hashed
then; what the log serves of them now is not looked at again. That the kept head is a prefix is proven before anything
is read, since what is kept names the new head from then on, however far this audit comes.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from custody.kernel.errors import Rejected, Trouble
from custody.ledger.audit_tree import FORK, ROLLBACK, GetTile, Row, SeenHeads, Tree, of_log
from custody.ledger.checkpoint import Checkpoint, open_checkpoint
from custody.ledger.kept_audit import Kept
from custody.ledger.merkle import Frontier, leaf_hash
from custody.ledger.note import NoteVerifier
from custody.ledger.replay import About, AuditFinding, Replay
from custody.ledger.tiles import ENTRIES, WIDTH, tiles_of
from custody.ledger.witness_policy import Witnessed, WitnessPolicy, parse_policy

GAVE_UP = "gave-up"
MAX_UNREAD = 64
"""How many bundles may be missing; a checkpoint of an absurd size shall not keep an auditor for ever."""
MAX_WRONG = 10_000
"""After how many findings about the log itself an audit is given up; the same size may come with files full of junk.

What the entries say of people is not counted: nobody who writes into a log shall be able to keep it from being audited.
"""
UNSOUND = frozenset({About.LOG, About.WITNESS})


def _silent(_done: int, _size: int) -> None:
    """Nobody wants to see how far it is."""


@dataclass(slots=True, kw_only=True)
class Audit:
    """One audit, run once. What it has learnt so far can be read at any time.

    `head` is the checkpoint, `done` how many entries were replayed, here or before. `demanded` says who cosigned the
    head by the policy that was given, `named` by each that the log itself names, whatever that calls its purpose.
    `files_hold` until a file is missing or is not what the head or the entries lead to: whoever keeps the files may
    have done that, and what is said of stations, keys and statements may be for want of what stood in them.
    `progress` is told done and size before the first bundle and after each; no entry is read if more than `most` are
    new. With `whole`, every entry is, and the head that was kept is all that is taken from there.
    """

    get_checkpoint: Callable[[], bytes]
    get_tile: GetTile
    log: NoteVerifier
    earlier: Sequence[Checkpoint] = ()
    witnesses: WitnessPolicy | None = None
    kept: Kept | None = None
    whole: bool = False
    most: int | None = None
    progress: Callable[[int, int], None] = _silent
    head: Checkpoint | None = None
    done: int = 0
    sound: bool = True
    files_hold: bool = True
    demanded: Witnessed | None = None
    named: dict[str, Witnessed] = field(default_factory=dict)
    replay: Replay = field(default_factory=Replay)
    _note: bytes = b""
    _unread: int = 0
    _wrong: int = 0
    _found: list[AuditFinding] = field(default_factory=list)
    _place: tuple[Frontier, dict[int, list[bytes]]] = field(default_factory=lambda: (Frontier(), {}))

    def run(self) -> Iterator[AuditFinding]:
        """Everything that is wrong with the log, as it is found."""
        for finding in self._run():
            self.sound = self.sound and finding.about not in UNSOUND
            self._wrong += finding.about is About.LOG
            yield finding

    def keep(self) -> Kept | None:
        """What to go on from another time; None if something is wrong with the log."""
        if not self.sound or self.head is None:
            return None
        frontier, rows = self._place
        return Kept(
            log=self.log.key.vkey(),
            note=self._note,
            head=self.head,
            size=self.done,
            frontier=frontier,
            rows=rows,
            replay=self.replay,
            findings=tuple(self._found),
        )

    def _run(self) -> Iterator[AuditFinding]:
        # 1. The head, and who cosigned it.
        try:
            self._note = self.get_checkpoint()
            head = open_checkpoint(self._note, self.log)
        except Trouble as error:
            yield of_log(error.code, f"the checkpoint cannot be taken: {error.detail}")
            return
        self.head = head
        yield from self._judge_witnesses()
        # 5. What was kept of earlier audits, and checkpoints seen elsewhere.
        seen = self._resume(head)
        if self.kept is not None:
            yield from self._of_files(seen.add(self.kept.head, at_once=True))
        for checkpoint in self.earlier:
            yield from self._of_files(seen.add(checkpoint))
        if self.done > head.size:
            return
        new = head.size - self.done
        if self.most is not None and new > self.most:
            yield of_log(GAVE_UP, f"{new} entries are to be read, and you want to read {self.most} at most")
            return
        self.progress(self.done, head.size)
        # 2. and 3. Entries, their leaves, what they say, and the tiles above them.
        tree = Tree(self.get_tile, head, rows=self._place[1])
        yield from self._found
        for bundle in tiles_of(head.size, ENTRIES, first=self._place[0].size // WIDTH):
            yield from self._read(bundle.number, bundle.width, tree, seen)
            if self._unread > MAX_UNREAD or self._wrong > MAX_WRONG:
                why = "wrong" if self._wrong > MAX_WRONG else "missing"
                yield of_log(GAVE_UP, f"too much of the log is {why}; nothing after this was looked at", self.done)
                return
            self.progress(self.done, head.size)
        # 4. The root.
        yield from self._of_files(tree.finish())
        # 6. Chains, the key that entry 0 names, and the witnesses that the log names.
        yield from self.replay.finish()
        if head.size > 0:
            yield from self._check_policy(head)

    def _resume(self, head: Checkpoint) -> SeenHeads:
        if self.kept is not None and not self.whole:
            self.replay, self.done, self._found = self.kept.replay, self.kept.size, list(self.kept.findings)
            self._place = (self.kept.frontier, {level: list(row) for level, row in self.kept.rows.items()})
        return SeenHeads(self.get_tile, head, frontier=self._place[0])

    def _read(self, number: int, width: int, tree: Tree, seen: SeenHeads) -> Iterator[AuditFinding]:
        entries, findings = tree.read_entries(number, width)
        self._unread += entries is None
        yield from self._of_files(findings)
        leaves: Row = [None] * width if entries is None else [leaf_hash(entry) for entry in entries]
        stored, findings = tree.take(number, leaves)
        yield from self._of_files(findings)
        yield from seen.advance(stored if entries is None else leaves)
        for index, entry in enumerate(entries or (), number * WIDTH):
            if index >= self.done:
                for finding in self.replay.take(index, entry):
                    self._found.append(finding)
                    yield finding
        self.done = max(self.done, number * WIDTH + width)
        if width == WIDTH and seen.frontier is not None:
            rows = {level: [value for value in row if value is not None] for level, row in tree.rows.items()}
            self._place = (seen.frontier, rows)

    def _of_files(self, findings: Iterable[AuditFinding]) -> Iterator[AuditFinding]:
        for finding in findings:
            self.files_hold = self.files_hold and finding.code in {FORK, ROLLBACK}
            yield finding

    def _judge_witnesses(self) -> Iterator[AuditFinding]:
        if self.witnesses is None:
            return
        try:
            self.demanded = self.witnesses.judge(self._note)
            self.demanded.demand()
        except Rejected as error:
            yield AuditFinding(about=About.WITNESS, code=error.code, detail=error.detail)

    def _check_policy(self, head: Checkpoint) -> Iterator[AuditFinding]:
        policies = self.replay.registry.policies
        if not policies:
            yield AuditFinding(about=About.REGISTRY, code="policy", detail="no policy was ever in force")
            return
        if (policies[0].policy.origin, policies[0].policy.log_key.x) != (head.origin, self.log.key.raw):
            why = "entry 0 names another origin or log key than the checkpoint's"
            yield AuditFinding(about=About.REGISTRY, code="log-key", detail=why, index=0)
        for purpose, text in policies[-1].policy.witnesses.items():
            try:
                self.named[purpose] = parse_policy(text).judge(self._note)
            except Rejected as error:
                why = f"the {purpose} witnesses that the log names cannot be judged: {error.detail}"
                yield AuditFinding(about=About.REGISTRY, code=error.code, detail=why)
