"""What of a group of scans does not come into the log: why, whose it is, and what its sender is told of it.

Where the signature is wrong, or the key unknown, every scan is kept aside while there is room (`store/quarantine.py`),
a batch's with what its leaf needs. Evidence that an enrolled key signed has its room first, then what names somebody
whom the log knows.
"""

from collections.abc import Collection, Iterator, Mapping

from custody.kernel import cbor
from custody.kernel.errors import Conflict, Rejected, Trouble
from custody.scans.batch import BatchStatement
from custody.scans.scan import Scan
from custody.store.quarantine import Evidence, Room, Share, Why, name_of, room
from custody.store.scan_book import EnrolledKey
from custody.usecases.file_part import Checked, ScanOrBatch, Unproven, statement_of

Names = set[tuple[bytes, bytes]]
"""Of rows that are kept aside."""


def why_aside(statement: Scan | BatchStatement, checked: Checked, key: EnrolledKey | None) -> Why | None:
    """Why this does not come into the log; None if it does, or is not taken at all."""
    if isinstance(checked, Rejected):
        return None
    mine = key is not None and key.station == statement.station
    if mine and not isinstance(checked, Unproven):
        return None
    return "signature" if mine and checked is Unproven.FORGED else "key_unknown"


def evidence_of(
    part: ScanOrBatch, checked: Checked, keys: Mapping[bytes, EnrolledKey], announced: Collection[str]
) -> list[Evidence]:
    """What is kept aside of a part, scan by scan; nothing of one that comes into the log or is not taken."""
    statement = statement_of(part)
    key = keys.get(statement.message.kid)
    why = why_aside(statement, checked, key)
    if why is None:
        return []
    rooms = tuple(_rooms(statement, checked, key, announced))
    return [Evidence(digest, statement.message.raw, opening, why, rooms) for digest, opening in _openings(part)]


def told_of(evidence: Evidence, kept: Names) -> Trouble | None:
    """What the sender is told instead of a verdict."""
    is_kept = name_of(evidence) in kept
    if evidence.why == "signature":
        return Rejected(
            "signature",
            f"the enrolled key did not sign these bytes; {kept_as(is_kept=is_kept)}",
            fix="Sign the exact bytes with the enrolled key and send the statement again.",
        )
    if is_kept:
        return None
    return Conflict(
        "not_kept",
        "no enrolled key of its station signed it, and there is no room to keep more of such: nothing of it was kept",
        fix="Have the key enrolled; then send the same bytes again, or scan it anew.",
    )


def kept_as(*, is_kept: bool) -> str:
    """How a refusal says what became of the bytes."""
    return "the statement was kept as evidence" if is_kept else "nothing of it was kept, for want of room"


def _rooms(
    statement: Scan | BatchStatement, checked: Checked, key: EnrolledKey | None, announced: Collection[str]
) -> Iterator[Room]:
    kid = statement.message.kid
    if key is not None and not isinstance(checked, Unproven):
        yield room(Share.PROVED, kid)
    if key is not None or statement.station in announced:
        yield room(Share.NAMED, statement.station if key is None else key.station)
    yield room(Share.STRANGE, kid)


def _openings(part: ScanOrBatch) -> Iterator[tuple[bytes, bytes]]:
    if isinstance(part, Scan):
        yield part.digest, part.opening
        return
    for leaf, opening in zip(part.batch.leaves, part.batch.openings, strict=True):
        yield leaf.digest, cbor.encode([leaf.subject, leaf.content_type, opening])
