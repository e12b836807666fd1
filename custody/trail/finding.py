"""What a trail shows that a reader must not overlook: a typed list with a severity and a plain sentence each.

Severities: `note` explains the picture (a late arrival, a keyed entry), `look` asks for a human look (a handover with
one side only), `serious` breaks an expectation that honest, working equipment always meets (a seal that differs, one
sequence number used twice). A finding is about a link or a record, never about a customer. Sentences name log indices
and show no more than the last four digits of a handset's number.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Severity = Literal["note", "look", "serious"]


class FindingKind(StrEnum):
    """Every kind of finding."""

    QUARANTINED = "quarantined"
    KEY_SUSPECT = "key_suspect"
    KEYED_ENTRY = "keyed_entry"
    UNREADABLE_TERM = "unreadable_term"
    LATE_ARRIVAL = "late_arrival"
    CLOCK_AHEAD = "clock_ahead"
    CLOCK_STEPPED_BACK = "clock_stepped_back"
    CLOCKS_DISAGREE = "clocks_disagree"
    ORDER_CYCLE = "order_cycle"
    SEQUENCE_GAP = "sequence_gap"
    SEQUENCE_FORK = "sequence_fork"
    SEQUENCE_BROKEN = "sequence_broken"
    CHAIN_GAP = "chain_gap"
    CHAIN_CLOSED = "chain_closed"
    CHAIN_FORK = "chain_fork"
    EVENT_REPEATED = "event_repeated"
    EVENT_ID_REUSED = "event_id_reused"
    DECLARED_WRONG = "declared_wrong"
    DECLARED_BOUND = "declared_bound"
    DECLARATION_ALONE = "declaration_alone"
    DECLARATION_DIFFERS = "declaration_differs"
    DECLARATION_UNAUTHORISED = "declaration_unauthorised"
    CORRECTION_MISSING = "correction_missing"
    RELEASE_CANCELLED = "release_cancelled"
    RELEASE_BOUND = "release_bound"
    HANDOVER_UNBOUND = "handover_unbound"
    HANDOVER_WRONG_DIGEST = "handover_wrong_digest"
    HANDOVER_UNKNOWN_UPSTREAM = "handover_unknown_upstream"
    HANDOVER_SAME_STATION = "handover_same_station"
    HANDOVER_OTHER_PARTY = "handover_other_party"
    HANDOVER_ONE_SIDED = "handover_one_sided"
    HANDOVER_MISSING = "handover_missing"
    RELEASE_OPEN = "release_open"
    STEP_MISSING = "step_missing"
    PLACE_UNEXPECTED = "place_unexpected"
    DELIVERY_REOPENED = "delivery_reopened"
    DELIVERY_UNPROVED = "delivery_unproved"
    CHECK_REFUTED = "check_refuted"
    CHECK_DISPUTED = "check_disputed"
    UNPACK_UNCONFIRMED = "unpack_unconfirmed"
    WEIGHT_OUT = "weight_out"
    WEIGHT_UNCLEAR = "weight_unclear"
    SEAL_DIFFERS = "seal_differs"
    SEAL_BROKEN = "seal_broken"
    SEAL_MISSING = "seal_missing"
    SEAL_REPLACED = "seal_replaced"
    SERIAL_DIFFERS = "serial_differs"
    OTHER_GOODS = "other_goods"
    CONTENTS_SHORT = "contents_short"
    CONTENTS_CONFLICT = "contents_conflict"
    ITEM_ELSEWHERE = "item_elsewhere"
    SEAL_ELSEWHERE = "seal_elsewhere"
    CARRIER_NOT_UNLOADED = "carrier_not_unloaded"
    TIE_DISPUTED = "tie_disputed"


_NOTES = frozenset(
    {
        FindingKind.KEYED_ENTRY,
        FindingKind.LATE_ARRIVAL,
        FindingKind.CHAIN_CLOSED,
        FindingKind.EVENT_REPEATED,
        FindingKind.DECLARED_WRONG,
        FindingKind.RELEASE_CANCELLED,
        FindingKind.SEAL_REPLACED,
        FindingKind.WEIGHT_UNCLEAR,
        FindingKind.CARRIER_NOT_UNLOADED,
        FindingKind.UNREADABLE_TERM,
    }
)
_SERIOUS = frozenset(
    {
        FindingKind.SEQUENCE_FORK,
        FindingKind.SEQUENCE_BROKEN,
        FindingKind.ORDER_CYCLE,
        FindingKind.EVENT_ID_REUSED,
        FindingKind.DECLARATION_DIFFERS,
        FindingKind.DECLARATION_UNAUTHORISED,
        FindingKind.CHAIN_GAP,
        FindingKind.HANDOVER_WRONG_DIGEST,
        FindingKind.HANDOVER_OTHER_PARTY,
        FindingKind.DELIVERY_REOPENED,
        FindingKind.CHECK_REFUTED,
        FindingKind.WEIGHT_OUT,
        FindingKind.SEAL_DIFFERS,
        FindingKind.SEAL_BROKEN,
        FindingKind.SEAL_MISSING,
        FindingKind.SERIAL_DIFFERS,
        FindingKind.OTHER_GOODS,
        FindingKind.CONTENTS_SHORT,
        FindingKind.CONTENTS_CONFLICT,
        FindingKind.ITEM_ELSEWHERE,
        FindingKind.SEAL_ELSEWHERE,
        FindingKind.TIE_DISPUTED,
    }
)
_RANK: dict[Severity, int] = {"serious": 0, "look": 1, "note": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing to know; `indices` are the log entries it speaks of, in trail order."""

    kind: FindingKind
    sentence: str
    indices: tuple[int, ...] = ()

    @property
    def severity(self) -> Severity:
        """note, look or serious; fixed by the kind."""
        if self.kind in _SERIOUS:
            return "serious"
        return "note" if self.kind in _NOTES else "look"


def sort_findings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Without repeats; serious first, then by log index."""
    return tuple(sorted(set(findings), key=lambda f: (_RANK[f.severity], f.indices, f.kind, f.sentence)))
