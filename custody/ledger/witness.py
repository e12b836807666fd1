"""What a witness answers to add-checkpoint (C2SP tlog-witness), as a pure decision.

Body: the line `old <size>`, 0 to 63 lines of base64 hashes (a consistency proof), an empty line, the checkpoint's note.
The checks, in this order:

| answer | when |
|---|---|
| 404 | the origin is unknown |
| 403 | no signature is by a key trusted for the origin, or one by a trusted key fails |
| 400 | the old size is larger than the checkpoint's; also a malformed body (`parse_add_checkpoint` raises) |
| 409 | the old size is not the one last cosigned (0 if none); the body is that size, as text/x.tlog.size |
| 422 | size 0 with another root than the empty one; proof lines with old 0; the proof fails; same size, other root |
| 200 | the caller stores the checkpoint, durably and in one atomic step with the comparison, and cosigns it |
"""

from collections.abc import Sequence
from dataclasses import dataclass

from custody.kernel.errors import Rejected
from custody.ledger.checkpoint import Checkpoint, parse_checkpoint
from custody.ledger.merkle import EMPTY_ROOT, HASH_BYTES, verify_consistency
from custody.ledger.note import NoteVerifier, open_note, parse_note
from custody.ledger.spellings import read_base64, read_decimal, write_base64

MAX_PROOF_LINES = 63
SIZE_TYPE = "text/x.tlog.size"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddCheckpoint:
    """A parsed request; nothing in it is verified."""

    old_size: int
    path: tuple[bytes, ...]
    note: bytes
    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessDecision:
    """The answer: on 200 `checkpoint` is to be stored and cosigned, and the cosignature lines are the body."""

    status: int
    why: str
    body: str = ""
    content_type: str = ""
    checkpoint: Checkpoint | None = None


def format_add_checkpoint(old_size: int, path: Sequence[bytes], note: bytes) -> bytes:
    """The body that asks a witness for its cosignature."""
    lines = [f"old {old_size}\n", *(f"{write_base64(node)}\n" for node in path), "\n"]
    return "".join(lines).encode() + note


def parse_add_checkpoint(body: bytes) -> AddCheckpoint:
    """The request in `body`; raises `Rejected` (answer 400) if it is malformed."""
    head, _, note = body.partition(b"\n\n")
    if not head.isascii():
        raise _malformed("size and proof are not ASCII")
    first, *rows = head.decode("ascii").split("\n")
    word, _, size = first.partition(" ")
    if word != "old":
        raise _malformed("the first line is not the old size")
    if len(rows) > MAX_PROOF_LINES:
        raise _malformed(f"it has more than {MAX_PROOF_LINES} proof lines")
    return AddCheckpoint(
        old_size=read_decimal(size, code="add-checkpoint", what="the old size"),
        path=tuple(read_base64(row, code="add-checkpoint", what="a proof line", length=HASH_BYTES) for row in rows),
        note=note,
        checkpoint=parse_checkpoint(parse_note(note).text),
    )


def decide(request: AddCheckpoint, *, trusted: Sequence[NoteVerifier], latest: Checkpoint | None) -> WitnessDecision:
    """The answer, given the keys trusted for the request's origin (none: unknown) and what was last cosigned for it."""
    new, old_size = request.checkpoint, request.old_size
    # 1. Known origin.
    if not trusted:
        return WitnessDecision(status=404, why="the origin is unknown")
    # 2. The log's signature.
    try:
        open_note(request.note, trusted)
    except Rejected as error:
        return WitnessDecision(status=403, why=error.detail)
    # 3. Sizes in order.
    if old_size > new.size:
        return WitnessDecision(status=400, why="the old size is larger than the checkpoint's")
    # 4. The size last cosigned.
    last_size = latest.size if latest else 0
    if old_size != last_size:
        return WitnessDecision(
            status=409, why="another size was cosigned last", body=f"{last_size}\n", content_type=SIZE_TYPE
        )
    # 5. The proof, from what was last cosigned; size 0 and equal sizes are decided there too.
    try:
        verify_consistency(old_size, new.size, latest.root if latest else EMPTY_ROOT, new.root, request.path)
    except Rejected as error:
        return WitnessDecision(status=422, why=error.detail)
    # 6. Store, then cosign.
    return WitnessDecision(status=200, why="consistent with what was last cosigned", checkpoint=new)


def _malformed(why: str) -> Rejected:
    return Rejected("add-checkpoint", f"not an add-checkpoint request: {why}", fix="Write it by C2SP tlog-witness.")
