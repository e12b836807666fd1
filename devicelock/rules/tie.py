"""Whether independent records tie one IMEI to the parcel.

- Two records are independent if operator, device and source differ and they were made at least a minute apart. Two rows
  copied from one scan are one record, however many places they stand in.
- IMEIs are compared by their first 14 digits; the check digit carries no identity (3GPP TS 23.003 section 6.2.1).
- If any two records disagree there is no lock: the mis-scan is then the finding.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

from custody.kernel.clock import MINUTE_MS, Instant
from custody.kernel.errors import Rejected

IDENTITY_DIGITS = 14
APART_MS = MINUTE_MS


class TieState(StrEnum):
    """What the records say together."""

    TIED = "tied"
    SINGLE = "single"
    DISAGREE = "disagree"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class TieRecord:
    """One record that names the handset in the parcel.

    `operator` runs the place, `device` is the scanner, scale or system that wrote it, `source` is the digest of the
    statement or document it was taken from.
    """

    kind: str
    operator: str
    device: str
    source: str
    at_ms: Instant
    imei: str

    def __post_init__(self) -> None:
        if not (self.imei.isascii() and self.imei.isdigit() and len(self.imei) in {14, 15, 16}):
            raise Rejected(
                "imei", "an IMEI in a record is not 14 to 16 digits", fix="Take the record's number as it is."
            )


def independent(one: TieRecord, other: TieRecord) -> bool:
    """Whether two records cannot be copies of one observation."""
    return (
        one.operator != other.operator
        and one.device != other.device
        and one.source != other.source
        and abs(one.at_ms - other.at_ms) >= APART_MS
    )


def tie(records: Sequence[TieRecord]) -> TieState:
    """What all records together say about the IMEI."""
    if not records:
        return TieState.NONE
    if len({record.imei[:IDENTITY_DIGITS] for record in records}) > 1:
        return TieState.DISAGREE
    return TieState.TIED if any(independent(one, other) for one, other in combinations(records, 2)) else TieState.SINGLE
