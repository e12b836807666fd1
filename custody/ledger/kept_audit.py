"""What an auditor keeps between two audits, so that the next one reads only what is new.

Deterministic CBOR behind its own SHA-256: {`form`: 1, `log`: the vkey, `note`: the head that was audited, `size`: how
many entries were, `start`: where the last full tile ends, `peaks` and `rows`: the tree at `start`, `changes`:
[[index, statement of policy or keys]], `chains`, `others`, `signed`, `kinds`: see replay.py, `findings`: about people}.
It is kept only while nothing is wrong with the log. It is the auditor's own file and proves nothing to anybody else.
Its hash tells damage, and no hand: whatever stands in it, it is read or refused.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from custody.kernel import cbor
from custody.kernel.errors import Rejected
from custody.ledger.checkpoint import Checkpoint, open_checkpoint
from custody.ledger.fields import Fields, take
from custody.ledger.merkle import HASH_BYTES, Frontier
from custody.ledger.note import NoteVerifier
from custody.ledger.registry import fold
from custody.ledger.replay import About, AuditFinding, Replay
from custody.ledger.station_chain import HALF, PLACE_BYTES, Chained, StationChain, pack_places, unpack_places
from custody.ledger.tiles import HEIGHT, WIDTH, levels_of

FORM = 1
_CODE = "kept"
_MEMBERS = frozenset(
    {"form", "log", "note", "size", "start", "peaks", "rows", "changes", "chains", "others", "signed", "kinds"}
    | {"findings"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A place from which an audit can go on: `head` is what `note` says, `start` is `size` down to a full tile."""

    log: str
    note: bytes
    head: Checkpoint
    size: int
    frontier: Frontier
    rows: Mapping[int, Sequence[bytes]]
    replay: Replay
    findings: tuple[AuditFinding, ...]

    @property
    def start(self) -> int:
        """The entry that is read first."""
        return self.frontier.size


def write_kept(kept: Kept) -> bytes:
    """The file's bytes."""
    replay = kept.replay
    members = {
        "form": FORM,
        "log": kept.log,
        "note": kept.note,
        "size": kept.size,
        "start": kept.start,
        "peaks": b"".join(kept.frontier.peaks),
        "rows": [[level, b"".join(row)] for level, row in sorted(kept.rows.items())],
        "changes": [[index, raw] for index, raw in replay.changes],
        "chains": [_write_chain(chain) for chain in replay.chains.values()],
        "others": b"".join([half + index.to_bytes(PLACE_BYTES, "big") for half, index in replay.others.items()]),
        "signed": [[kid, pack_places(places)] for kid, places in replay.signed.items()],
        "kinds": dict(replay.kinds),
        "findings": [[str(row.about), row.code, row.detail, row.index] for row in kept.findings],
    }
    raw = cbor.encode(members)
    return hashlib.sha256(raw).digest() + raw


def read_kept(raw: bytes, log: NoteVerifier) -> Kept:
    """What was kept of the audits of this log; raises `Rejected("kept")` for a damaged file or another log's."""
    digest, body = raw[:HASH_BYTES], raw[HASH_BYTES:]
    if hashlib.sha256(body).digest() != digest:
        raise _unfit("it is damaged")
    try:
        return _read(body, log)
    except Rejected as error:
        if error.code == _CODE:
            raise
        raise _unfit(error.detail) from error
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
        raise _unfit("its parts are none") from error


def _read(body: bytes, log: NoteVerifier) -> Kept:
    fields = take(cbor.decode(body, most_items=len(body)), code=_CODE, names=_MEMBERS)
    if (fields.number("form"), fields.text("log", longest=4096)) != (FORM, log.key.vkey()):
        raise _unfit("it is of another log, or in another form")
    start, size, note = fields.number("start"), fields.number("size"), fields.octets("note")
    head = open_checkpoint(note, log)
    if start != size // WIDTH * WIDTH or head.size < size:
        raise _unfit("its sizes do not fit each other")
    rows = {level: _hashes(row) for level, row in fields.members["rows"]}
    for level in {*rows, *levels_of(start)[1:]}:
        if level < 1 or len(rows.get(level, ())) != (start >> HEIGHT * level) % WIDTH:
            raise _unfit("its rows do not fit its size")
    return Kept(
        log=fields.text("log", longest=4096),
        note=note,
        head=head,
        size=size,
        frontier=Frontier(size=start, peaks=tuple(_hashes(fields.octets("peaks")))),
        rows=rows,
        replay=_read_replay(fields),
        findings=tuple(
            AuditFinding(about=About(about), code=code, detail=detail, index=index)
            for about, code, detail, index in fields.members["findings"]
        ),
    )


def _write_chain(chain: StationChain) -> list[Any]:
    ahead = [[link.index, link.digest, link.prev, seq, link.count] for seq, link in sorted(chain.ahead.items())]
    run = [pack_places(chain.firsts), bytes(chain.halves), pack_places(chain.places), chain.head, chain.due]
    return [chain.issuer, *run, ahead]


def _read_chain(row: Sequence[Any]) -> StationChain:
    issuer, firsts, halves, places, head, due, ahead = row
    waiting = [
        Chained(index=index, digest=digest, prev=prev, seq=seq, count=count)
        for index, digest, prev, seq, count in ahead
    ]
    return StationChain(
        issuer=issuer,
        firsts=unpack_places(firsts),
        halves=bytearray(halves),
        places=unpack_places(places),
        head=head,
        due=due,
        ahead={link.seq: link for link in waiting},
    )


def _read_replay(fields: Fields) -> Replay:
    replay, step = Replay(), HALF + PLACE_BYTES
    replay.changes = [(index, raw) for index, raw in fields.members["changes"]]
    for index, raw in replay.changes:
        replay.registry = fold(replay.registry, index, raw)
    replay.chains = {row[0]: _read_chain(row) for row in fields.members["chains"]}
    others = fields.octets("others")
    if len(others) % step:
        raise _unfit("a place in it is cut off")
    replay.others = {
        others[at : at + HALF]: int.from_bytes(others[at + HALF : at + step], "big")
        for at in range(0, len(others), step)
    }
    replay.signed = {kid: unpack_places(places) for kid, places in fields.members["signed"]}
    replay.kinds = Counter(fields.members["kinds"])
    return replay


def _hashes(raw: bytes) -> list[bytes]:
    if len(raw) % HASH_BYTES:
        raise _unfit("a hash in it is cut off")
    return [raw[at : at + HASH_BYTES] for at in range(0, len(raw), HASH_BYTES)]


def _unfit(why: str) -> Rejected:
    return Rejected(
        _CODE, f"what was kept of the last audit cannot be used: {why}", fix="Delete the file and audit from the start."
    )
