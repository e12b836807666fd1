"""Checkpoints: the head of the log as a signed note (C2SP tlog-checkpoint).

The text is three lines, each ended by a newline: the origin, the size in decimal, the 32-byte root in base64. A log may
add extension lines, opaque and not empty. Ours adds none, as nobody can audit them; those of other logs are kept,
because they belong to the text that Ed25519 signs. A signature of kind 0x06 does not cover them. The log's key carries
the origin as its name, and a checkpoint is taken only from a key of that name: a key cannot speak for two logs.
"""

from dataclasses import dataclass

from custody.kernel.errors import Rejected
from custody.kernel.keys import Signer
from custody.ledger.merkle import EMPTY_ROOT, HASH_BYTES
from custody.ledger.note import Note, NoteVerifier, open_note, sign_text
from custody.ledger.spellings import is_plain, read_base64, read_decimal, write_base64

MAX_ORIGIN_BYTES = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The log named `origin` had `size` entries under `root`; what it says in `extensions` means nothing here."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        """The lines that are signed."""
        lines = (self.origin, str(self.size), write_base64(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


def parse_checkpoint(text: str) -> Checkpoint:
    """The checkpoint in a note's text; raises `Rejected("checkpoint")` for anything that `text()` would not write."""
    lines = text.split("\n")
    if len(lines) < 4 or lines.pop():
        raise _malformed("it is not three lines or more, each ended by a newline")
    check_origin(lines[0])
    if not all(line and is_plain(line) for line in lines[3:]):
        raise _malformed("an extension line is empty or holds a control character")
    return Checkpoint(
        origin=lines[0],
        size=read_decimal(lines[1], code="checkpoint", what="the size"),
        root=read_base64(lines[2], code="checkpoint", what="the root", length=HASH_BYTES),
        extensions=tuple(lines[3:]),
    )


def check_origin(origin: str) -> None:
    """Raise `Rejected("checkpoint")` for what cannot stand on the first line."""
    if not is_plain(origin) or not 1 <= len(origin.encode()) <= MAX_ORIGIN_BYTES:
        raise _malformed("the origin is empty, too long or holds a control character")


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> bytes:
    """The note with the log's own Ed25519 signature under the origin as key name."""
    _check_empty(checkpoint)
    text = checkpoint.text()
    if parse_checkpoint(text) != checkpoint:
        raise _malformed("a line of it holds a newline")
    return Note(text=text, signatures=(sign_text(text, name=checkpoint.origin, signer=signer),)).raw()


def open_checkpoint(raw: bytes, verifier: NoteVerifier) -> Checkpoint:
    """The checkpoint of a note that the log's key signed; raises `Rejected` for anything else.

    Other signatures on the note are not looked at; `WitnessPolicy.judge` does that.
    """
    checkpoint = parse_checkpoint(open_note(raw, [verifier]).text)
    if checkpoint.origin != verifier.key.name:
        raise Rejected(
            "checkpoint", "the origin is not the name of the log's key", fix="Ask the log for a checkpoint of its own."
        )
    _check_empty(checkpoint)
    return checkpoint


def _check_empty(checkpoint: Checkpoint) -> None:
    if checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT:
        raise _malformed("size 0 has another root than the empty tree")


def _malformed(why: str) -> Rejected:
    return Rejected("checkpoint", f"not a checkpoint: {why}", fix="Write origin, size and root, each on a line.")
