"""What is handed in to be taken in, and how it will be filed: all that nobody has to wait for.

While a group is judged every other writer waits. So what does not hang on a part's place in the log, nor on what is
known, is worked out before, beside the check of its signature.
"""

from enum import Enum, auto

import msgspec

from custody.kernel.errors import Rejected
from custody.scans.batch import BATCH, BatchedScan, BatchStatement, SealedBatch
from custody.scans.scan import Scan
from custody.store.batch_book import pack_leaves
from custody.store.brief import KEY, OPENING, RowValue
from custody.store.log_book import NewEntry, ReadyEntry
from custody.trail.names import index_keys

ScanOrBatch = Scan | SealedBatch


class Filing(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A part as it will be filed: its entry, opening and keys of each of its scans, a batch's leaves.

    A scan of a batch that cannot be read has neither.
    """

    entry: ReadyEntry
    openings: list[RowValue | None]
    keys: list[list[RowValue]]
    leaves: bytes = b""


class Unproven(Enum):
    """Why a part is set aside: nobody enrolled the key that it names, or that key did not sign it."""

    UNKNOWN_KEY = auto()
    FORGED = auto()


Checked = Filing | Unproven | Rejected
"""What the check of a part came to: how to file what its key signed, why to set it aside, or why it is not taken."""


def statement_of(part: ScanOrBatch) -> Scan | BatchStatement:
    """What the station of a part signed."""
    return part.statement if isinstance(part, SealedBatch) else part


def file_part(part: ScanOrBatch) -> Filing:
    """The filing of a part that its station signed."""
    if isinstance(part, Scan):
        entry = NewEntry(message=part.message, content_type=part.content_type)
        return Filing(entry=entry.ready(), openings=[OPENING.hold(part.opening)], keys=[_keys_of(part)])
    scans = part.batch.scans
    return Filing(
        entry=NewEntry(message=part.statement.message, content_type=BATCH).ready(),
        openings=[OPENING.hold(scan.opening) if isinstance(scan, BatchedScan) else None for scan in scans],
        keys=[_keys_of(scan) if isinstance(scan, BatchedScan) else [] for scan in scans],
        leaves=pack_leaves([leaf.raw for leaf in part.batch.leaves]),
    )


def _keys_of(scan: Scan) -> list[RowValue]:
    return [KEY.hold(key) for key in sorted(index_keys(scan.event))]
