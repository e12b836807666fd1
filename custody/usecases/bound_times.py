"""The time sandwich of a trail's scans, from the checkpoints that witnesses cosigned and this service showed.

A checkpoint that a station had from somebody else is not at hand here, and gives no bound.
"""

from functools import cache

from sqlmodel import Session

from custody.ledger.statements import read_policy
from custody.ledger.time_bounds import TimeBounds
from custody.ledger.witness_policy import parse_policy
from custody.store import witness_book
from custody.store.policy_book import newest_policy
from custody.trail import sandwich
from custody.trail.sandwich import WORKING
from custody.trail.trail import Trail


def bound_times(session: Session, trail: Trail) -> dict[bytes, TimeBounds]:
    """The bounds by the scans' digests; none if the log's policy names no witnesses for daily work."""
    text = read_policy(newest_policy(session)).policy.witnesses.get(WORKING)
    if text is None:
        return {}
    embedded = {entry.marks.witnessed for entry in trail.entries if entry.marks.witnessed is not None}

    @cache
    def note_of(size: int) -> bytes | None:
        return witness_book.note_of(session, size)

    def covering(index: int) -> list[bytes]:
        notes = [note_of(size) for size in sorted(witness_book.first_sizes_beyond(session, index))]
        return [note for note in notes if note is not None]

    return sandwich.bound_times(
        trail.entries,
        parse_policy(text),
        seen=witness_book.shown_notes(session, embedded),
        covering=covering,
    )
