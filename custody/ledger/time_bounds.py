"""The time sandwich: between which moments a statement was made, on the word of witnesses and of no station's clock.

- **Not before.** The statement embeds the digest of the last witnessed checkpoint that its station saw: SHA-256 of the
  whole note, cosignature lines included. Who writes that digest has the note, so every cosignature in it was made
  before. The root alone would not do: it existed before anybody cosigned it.
- **Not after.** A cosigned checkpoint whose tree covers the statement's entry was cosigned after the entry was there.

Which witness is believed is the policy's (C2SP tlog-policy): a bound holds if a whole quorum says so. "Not before" is
the latest time that a quorum's cosignatures in the embedded note all reach, and "not after" the earliest by which a
quorum had cosigned trees that cover the entry. A policy that asks for no witness gives no bound. Witnesses tell whole
seconds (C2SP tlog-cosignature), so "not after" is the end of its second.

A station that was offline, or a checkpoint that waited for its witnesses, makes the sandwich wider and never wrong.
None means that nothing is known on that side.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from custody.kernel.clock import SECOND_MS, Instant
from custody.ledger.witness_policy import NONE, WitnessPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeBounds:
    """The two moments; None where nothing is known."""

    not_before_ms: Instant | None = None
    not_after_ms: Instant | None = None


UNKNOWN = TimeBounds()


def note_digest(note: bytes) -> bytes:
    """What a statement embeds of a checkpoint: SHA-256 of the note as it was shown, with its cosignature lines."""
    return hashlib.sha256(note).digest()


def not_before(note: bytes, policy: WitnessPolicy) -> Instant | None:
    """The bound from an embedded note; raises `Rejected` for a note that no log of the policy signed."""
    times = _times(note, policy)
    reached = [at_s for at_s in times.values() if policy.is_quorum(_at_or_after(at_s, times))]
    return max(reached) * SECOND_MS if reached and policy.quorum != NONE else None


def not_after(index: int, notes: Iterable[bytes], policy: WitnessPolicy) -> Instant | None:
    """The bound from cosigned notes; those whose tree does not cover the entry say nothing of it.

    Raises `Rejected` for a note that no log of the policy signed.
    """
    times: dict[str, int] = {}
    for note in notes:
        judged = policy.judge(note)
        if judged.checkpoint.size > index:
            for row in judged.parties:
                times[row.party] = min(row.at_s, times.get(row.party, row.at_s))
    reached = [at_s for at_s in times.values() if policy.is_quorum(_at_or_before(at_s, times))]
    return (min(reached) + 1) * SECOND_MS - 1 if reached and policy.quorum != NONE else None


def _times(note: bytes, policy: WitnessPolicy) -> dict[str, int]:
    return {row.party: row.at_s for row in policy.judge(note).parties}


def _at_or_after(at_s: int, times: Mapping[str, int]) -> set[str]:
    return {party for party, other_s in times.items() if other_s >= at_s}


def _at_or_before(at_s: int, times: Mapping[str, int]) -> set[str]:
    return {party for party, other_s in times.items() if other_s <= at_s}
