"""The `.tlog-proof` file (C2SP tlog-proof): one entry's place in the log, provable offline.

    c2sp.org/tlog-proof@v1
    extra <base64>              optional, and not authenticated
    index <i>
    <base64 hash>               the leaf's sibling first; none for a log of one entry

    <the checkpoint's note, verbatim>

Unlike a receipt it binds the size, carries the cosignatures, and exists for a log of one entry.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from custody.kernel.errors import Rejected
from custody.ledger.checkpoint import Checkpoint, open_checkpoint
from custody.ledger.merkle import HASH_BYTES, leaf_hash, verify_inclusion
from custody.ledger.note import NoteVerifier, parse_note
from custody.ledger.spellings import read_base64, read_decimal, write_base64

HEADER = "c2sp.org/tlog-proof@v1"
MAX_PATH = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class LogProof:
    """A parsed proof; nothing in it is verified. `note` is the checkpoint's note as it stood in the file."""

    index: int
    path: tuple[bytes, ...]
    note: bytes
    extra: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """The entry stands at `index` of the log that `checkpoint` describes."""

    index: int
    checkpoint: Checkpoint


def make_proof(*, index: int, path: Sequence[bytes], note: bytes, extra: bytes | None = None) -> bytes:
    """The file's bytes."""
    lines = [HEADER]
    if extra is not None:
        lines.append(f"extra {write_base64(extra)}")
    lines += [f"index {index}", *(write_base64(node) for node in path), "", ""]
    return "\n".join(lines).encode() + note


def parse_proof(raw: bytes) -> LogProof:
    """The proof in `raw`; raises `Rejected("tlog-proof")` or `Rejected("note")`."""
    head, _, note = raw.partition(b"\n\n")
    if not head.isascii():
        raise _malformed("what stands before the first empty line is not ASCII")
    rows = head.decode("ascii").split("\n")
    if rows.pop(0) != HEADER:
        raise _malformed(f"it does not start with {HEADER}")
    extra = None
    if rows and rows[0].startswith("extra "):
        extra = read_base64(rows.pop(0).removeprefix("extra "), code="tlog-proof", what="the extra data")
    if not rows or not rows[0].startswith("index "):
        raise _malformed("there is no index line where one must be")
    index = read_decimal(rows.pop(0).removeprefix("index "), code="tlog-proof", what="the index")
    if len(rows) > MAX_PATH:
        raise _malformed("the path is too long")
    path = tuple(read_base64(row, code="tlog-proof", what="a hash", length=HASH_BYTES) for row in rows)
    parse_note(note)
    return LogProof(index=index, path=path, note=note, extra=extra)


def verify_proof(raw: bytes, entry: bytes, log: NoteVerifier) -> Placed:
    """Where `entry` stands; raises `Rejected` unless the log signed the checkpoint and the path leads to its root.

    Who cosigned it is the question of `WitnessPolicy.judge(parse_proof(raw).note)`.
    """
    # 1. The file's form.
    proof = parse_proof(raw)
    # 2. The checkpoint is the log's.
    checkpoint = open_checkpoint(proof.note, log)
    # 3. The path leads from the entry to the checkpoint's root.
    verify_inclusion(proof.index, checkpoint.size, leaf_hash(entry), proof.path, checkpoint.root)
    return Placed(index=proof.index, checkpoint=checkpoint)


def _malformed(why: str) -> Rejected:
    return Rejected("tlog-proof", f"not a .tlog-proof: {why}", fix="Write it by C2SP tlog-proof.")
