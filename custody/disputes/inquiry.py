"""The investigation of a chain: its table and its guards.

- It runs beside the case. Neither machine has a guard about the other.
- What is ranked are links, never people: places and things that parcels pass, and processes.
- A conclusion states reasons and a probability with its interval; it may be that a process failed, or that nothing
  was found. What was learned is filed with a named process owner and a date.
"""

from collections.abc import Iterable
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Literal

from custody.disputes.case_guards import reasons
from custody.disputes.machine import CaseRole, Guard, Machine, StateFacts, transition
from custody.kernel.clock import Instant

INVESTIGATOR, SUPERVISOR, SYSTEM = CaseRole.INVESTIGATOR, CaseRole.SUPERVISOR, CaseRole.SYSTEM
InquiryState = Literal["open", "gathering", "ranked", "checking", "concluded", "learned"]
CONCLUDED: Final = "concluded"


class LinkKind(StrEnum):
    """What may be ranked."""

    CUSTODY_LINK = "custody_link"
    BENCH = "bench"
    CAGE = "cage"
    ROUTE = "route"
    SEAL_LOT = "seal_lot"
    HANDHELD = "handheld"
    SHIFT = "shift"
    PROCESS = "process"
    NOT_IN_OUR_DATA = "not_in_our_data"


LINK_KINDS = frozenset(map(str, LinkKind))


def links_not_people(kinds: Iterable[str] | None) -> bool | None:
    """Every ranked object is a link or a process."""
    if kinds is None:
        return None
    ranked = list(kinds)
    return bool(ranked) and all(kind in LINK_KINDS for kind in ranked)


def confidence_stated(probability: float | None, low: float | None, high: float | None) -> bool | None:
    """A probability stands with its interval around it, all between 0 and 1."""
    if probability is None or low is None or high is None:
        return None
    return 0.0 <= low <= probability <= high <= 1.0


def named_process_owner(owner: str | None, due_ms: Instant | None) -> bool | None:
    """Somebody by name owns the fix and has a date for it."""
    return None if owner is None or due_ms is None else bool(owner.strip())


def _state(clock: str | None) -> StateFacts:
    return StateFacts(owner=INVESTIGATOR if clock else None, clock=clock)


INVESTIGATION: Machine[InquiryState] = Machine(
    name="investigation",
    start="open",
    terminal=frozenset({"learned"}),
    states=MappingProxyType(
        {
            "open": _state("inv_start_hours"),
            "gathering": _state("inv_update_days"),
            "ranked": _state("inv_update_days"),
            "checking": _state("inv_update_days"),
            "concluded": _state("learning_days"),
            "learned": _state(None),
        }
    ),
    transitions=(
        transition("open", "gathering", "start", (INVESTIGATOR,)),
        transition("gathering", "ranked", "rank", (INVESTIGATOR, SYSTEM), "links_not_people"),
        transition("ranked", "checking", "do_check", (INVESTIGATOR,)),
        transition("checking", "ranked", "result", (INVESTIGATOR, SYSTEM)),
        transition("ranked", "concluded", "conclude", (INVESTIGATOR,), "reasons", "confidence_stated"),
        transition("checking", "concluded", "conclude", (INVESTIGATOR,), "reasons", "confidence_stated"),
        transition("gathering", "concluded", "nothing_found", (INVESTIGATOR,), "reasons"),
        transition("concluded", "learned", "file_fix", (INVESTIGATOR, SUPERVISOR), "named_process_owner"),
        transition("concluded", "gathering", "reopen", (INVESTIGATOR, SUPERVISOR)),
    ),
    guards=MappingProxyType(
        {
            "links_not_people": Guard(
                means="Every ranked object is a link or a process, never a person.",
                fix="Rank links, benches, cages, routes, seal lots, handhelds, shifts or processes.",
                holds=links_not_people,
            ),
            "reasons": Guard(
                means="Reasons are written down.", fix="Write the reasons for and against.", holds=reasons
            ),
            "confidence_stated": Guard(
                means="A probability stands with its interval.",
                fix="State the probability, its low and its high end, each between 0 and 1.",
                holds=confidence_stated,
            ),
            "named_process_owner": Guard(
                means="Somebody by name owns the fix and has a date for it.",
                fix="Name who owns the process and until when it is mended.",
                holds=named_process_owner,
            ),
        }
    ),
)
