"""Asking witnesses for their cosignatures on our checkpoints (C2SP tlog-witness, as the log).

Only committed heads are shown to a witness, never one that could still be lost. What a witness answers is verified
before it is stored; lines of unknown keys are ignored. The newest checkpoint that the working quorum cosigned is the
one that the public sees. Who takes lines on a checkpoint holds it until the unit ends: of witnesses who answer at the
same moment, the later unit sees the lines of both.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlmodel import Session

from custody.kernel.clock import HOUR_MS
from custody.kernel.errors import Rejected
from custody.ledger.cosignature import Cosigner, cosigned_at_s
from custody.ledger.note import Note, VerifierKey, open_note, parse_note, parse_signatures
from custody.ledger.witness import format_add_checkpoint
from custody.ledger.witness_policy import Cosigned, WitnessPolicy
from custody.store import log_reader, witness_book
from custody.store.unit import Unit

AHEAD_S = HOUR_MS // 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What is sent to a witness: the newest checkpoint of the log, and the way there from the size it knows."""

    size: int
    note: bytes
    body: bytes


def ask(session: Session, known: int) -> Asking:
    """The request to a witness that last cosigned size `known`; raises `Rejected("witness")` if it knows more than we.

    A witness that has seen a longer log than this one is evidence that the log was set back.
    """
    head = log_reader.head(session)
    if known > head.size:
        raise Rejected(
            "witness",
            f"the witness has cosigned {known} entries, and this log has {head.size}",
            fix="Find out which database the larger log came from, before anything else.",
        )
    path = log_reader.prove_consistency(session, known, head.size) if known else []
    return Asking(size=head.size, note=head.note, body=format_add_checkpoint(known, path, head.note))


def take(unit: Unit, asked: Asking, answer: str, *, keys: Mapping[str, VerifierKey], policy: WitnessPolicy) -> None:
    """Store the lines of those `keys` in a witness's answer, and show the checkpoint if the quorum has it now.

    Raises `Rejected` if there is no such line, if one does not verify, or if it tells no time or one ahead of ours.
    """
    # 1. The lines verify over the checkpoint that was asked about.
    whole = Note(text=parse_note(asked.note).text, signatures=parse_signatures(answer))
    signed = open_note(whole.raw(), [Cosigner(key=key) for key in keys.values()])
    # 2. They tell their times, as tlog-witness demands, and these are not ahead of ours.
    times = [cosigned_at_s(line.blob) for line in signed.signatures]
    if 0 in times:
        raise Rejected("cosignature", "the witness does not tell when it cosigned", fix="Have it cosign with the time.")
    if max(times) > unit.now_ms // 1000 + AHEAD_S:
        raise Rejected("cosignature", "the witness's clock is over an hour ahead", fix="Have its clock set right.")
    # 3. Kept, each under its witness's name; nobody else counts the lines on this checkpoint meanwhile.
    witness_book.hold(unit.session, asked.size)
    lines = [(name, line) for line in signed.signatures for name, key in keys.items() if line.is_by(key)]
    witness_book.add(unit.session, asked.size, lines, at_ms=unit.now_ms)
    # 4. Shown, once enough have cosigned it.
    show(unit, asked.size, policy=policy)


def show(unit: Unit, size: int, *, policy: WitnessPolicy) -> None:
    """Show the checkpoint of this size if the quorum has cosigned it and no newer one is shown."""
    note = witness_book.note_of(unit.session, size)
    if note is not None and policy.judge(note).satisfied:
        witness_book.publish(unit.session, size, note, at_ms=unit.now_ms)


def is_owed(session: Session, size: int, *, policy: WitnessPolicy) -> bool:
    """Whether the quorum has cosigned the checkpoint of this size, and an older one is shown."""
    shown = witness_book.newest(session)
    if shown is not None and shown.size >= size:
        return False
    note = witness_book.note_of(session, size)
    return note is not None and policy.judge(note).satisfied


def parties(session: Session, policy: WitnessPolicy) -> tuple[Cosigned, ...]:
    """Who cosigned the checkpoint that the public sees, and when."""
    cosigned = witness_book.newest(session)
    return policy.judge(cosigned.note).parties if cosigned else ()
