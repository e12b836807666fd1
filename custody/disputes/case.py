"""The case: its table, and the value that the table moves.

Rules that the table cannot show:

- The presumption is honest from the first word on and has no other value.
- Legal clocks start at the first word of dissatisfaction on any channel. `first_word_ms` is set once; the earliest one
  survives joining, and reopening keeps it.
- `withdraw` is offered until a remedy is on its way; after that the customer ends the case by confirming it.
- Joining two cases is not held back by locks: locks, promises and evidence move with the case.
- `customer_rejects_or_lapse` closes after an independent decision although promises may be open: they stay owed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, Literal

from custody.disputes.case_guards import CASE_GUARDS
from custody.disputes.machine import CaseRole, Machine, StateFacts, Transition, transition
from custody.disputes.people import CasePeople, joined_people, told_here
from custody.kernel.clock import Instant
from custody.kernel.errors import Rejected

CUSTOMER, AGENT, INVESTIGATOR = CaseRole.CUSTOMER, CaseRole.AGENT, CaseRole.INVESTIGATOR
SUPERVISOR, SYSTEM, ADR = CaseRole.SUPERVISOR, CaseRole.SYSTEM, CaseRole.ADR

CaseState = Literal[
    "reported",
    "triaged",
    "awaiting_customer",
    "remedy_offered",
    "remedy_in_progress",
    "remedied",
    "decline_proposed",
    "declined",
    "adr_open",
    "with_adr",
    "adr_decided",
    "closed",
    "withdrawn",
    "merged",
]
WITHDRAWN: Final = "withdrawn"
JOINED: Final = "merged"


def _state(owner: CaseRole | None, clock: str | None, customer_words: str) -> StateFacts:
    return StateFacts(owner=owner, clock=clock, customer_words=customer_words)


STATES: Mapping[CaseState, StateFacts] = MappingProxyType(
    {
        "reported": _state(AGENT, "ack_minutes", "We have your report. You do not have to prove it."),
        "triaged": _state(AGENT, "remedy_offer_hours", "We agreed with you what kind of problem it is."),
        "awaiting_customer": _state(
            AGENT, "ask_open_days", "We asked one thing; skipping it does not count against you."
        ),
        "remedy_offered": _state(AGENT, "offer_choice_days", "Choose: replacement or refund."),
        "remedy_in_progress": _state(AGENT, "promise", "Your remedy is on its way, by the date shown."),
        "remedied": _state(AGENT, "confirm_days", "We think it is fixed. Is it?"),
        "decline_proposed": _state(
            SUPERVISOR, "hearing_days", "We found something we must ask you about before deciding."
        ),
        "declined": _state(SUPERVISOR, "adr_letter_hours", "We said no; here is why and how to overrule us."),
        "adr_open": _state(SUPERVISOR, "adr_letter_hours", "You may go to the independent scheme now; pack attached."),
        "with_adr": _state(SUPERVISOR, "adr_evidence_days", "An independent body is deciding."),
        "adr_decided": _state(SUPERVISOR, "adr_perform_working_days", "The independent body decided; we carry it out."),
        "closed": _state(None, None, "Closed. Reopen any time here."),
        "withdrawn": _state(None, None, "You withdrew it. Reopen any time here."),
        "merged": _state(None, None, "Joined with your other report; earliest date kept."),
    }
)

ADR_EVENT = "six_weeks_or_deadlock_or_customer_asks_at_deadline"
BEFORE_ADR: tuple[CaseState, ...] = (
    "reported",
    "triaged",
    "awaiting_customer",
    "remedy_offered",
    "remedy_in_progress",
    "remedied",
    "decline_proposed",
)

TRANSITIONS: tuple[Transition[CaseState], ...] = (
    transition(
        "reported",
        "triaged",
        "classify",
        (AGENT, INVESTIGATOR, SYSTEM),
        "customer_words_kept",
        "claim_type_set",
    ),
    transition(
        "triaged",
        "awaiting_customer",
        "ask",
        (AGENT, INVESTIGATOR),
        "not_held_already",
        "asks_for_item==0",
        "open_asks==0",
    ),
    transition("awaiting_customer", "triaged", "answered_or_skipped", (CUSTOMER, SYSTEM), "any_format"),
    transition("triaged", "remedy_offered", "offer", (AGENT, SYSTEM), "policy_version_pinned"),
    transition("awaiting_customer", "remedy_offered", "offer", (AGENT, SYSTEM), "policy_version_pinned"),
    transition("remedy_offered", "remedy_in_progress", "choose", (CUSTOMER,), "payout_route_works_for_this_customer"),
    transition("remedy_in_progress", "remedied", "delivered_or_paid", (AGENT, SYSTEM), "proof_of_remedy"),
    transition(
        "remedied", "closed", "confirm_or_lapse", (CUSTOMER, SYSTEM), "all_locks_settled", "all_promises_settled"
    ),
    transition("remedied", "triaged", "not_fixed", (CUSTOMER,)),
    transition(
        "triaged",
        "decline_proposed",
        "propose_decline",
        (INVESTIGATOR,),
        "positive_evidence_about_this_person",
        "not_score_only",
    ),
    transition("decline_proposed", "triaged", "heard_accepted", (SUPERVISOR,), "reasons"),
    transition(
        "decline_proposed",
        "declined",
        "decline",
        (SUPERVISOR,),
        "four_eyes",
        "customer_heard_or_hearing_lapsed",
        "reasons",
        "human_decision",
    ),
    transition("declined", "adr_open", "adr_letter", (SYSTEM,), "same_day"),
    transition("adr_open", "with_adr", "adr_accepts", (ADR, AGENT), "pack_built"),
    transition("adr_open", "triaged", "we_changed_our_mind", (SUPERVISOR,)),
    transition("with_adr", "adr_decided", "decision", (ADR,)),
    transition("adr_decided", "remedy_in_progress", "customer_accepts", (CUSTOMER,)),
    transition("adr_decided", "closed", "customer_rejects_or_lapse", (CUSTOMER, SYSTEM), "all_locks_settled"),
    *(
        transition(source, "withdrawn", "withdraw", (CUSTOMER,), "all_locks_settled")
        for source in ("reported", "triaged", "awaiting_customer", "remedy_offered")
    ),
    *(
        transition(source, "merged", "merge", (AGENT, INVESTIGATOR), "same_customer_or_consent", "min_clock_kept")
        for source in ("reported", "triaged")
    ),
    *(transition(source, "adr_open", ADR_EVENT, (CUSTOMER, SUPERVISOR, SYSTEM), "adr_due") for source in BEFORE_ADR),
    *(
        transition(source, "triaged", "reopen", (CUSTOMER, SUPERVISOR), "adr_clock_from_first_report")
        for source in ("closed", "withdrawn")
    ),
)

CASE: Machine[CaseState] = Machine(
    name="case",
    start="reported",
    terminal=frozenset({"closed", "merged", "withdrawn"}),
    states=STATES,
    transitions=TRANSITIONS,
    guards=CASE_GUARDS,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A case as it stands. `claim_type` is None until the customer agreed on one."""

    id: str
    state: CaseState
    claim_type: str | None
    words: str
    channel: str
    owner: str
    policy_version: str
    opened_ms: Instant
    first_word_ms: Instant
    presumption: Literal["honest"] = "honest"
    order_ref: str | None = None
    support_needs: tuple[str, ...] = ()
    notes_in_favour: tuple[str, ...] = ()
    anything_else: str = ""
    joined_into: str | None = None
    people: CasePeople | None = None

    def __post_init__(self) -> None:
        CASE.facts(self.state)
        if self.presumption != "honest":
            raise Rejected("presumption", f"a case presumes {self.presumption!r}", fix="The presumption is honest.")
        if not self.owner.strip():
            raise Rejected("owner", "a case has no named owner", fix="Name the person who looks after it.")
        if self.first_word_ms > self.opened_ms:
            raise Rejected("first_word", "the first word is later than the case", fix="Give the earlier of the two.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """Two cases after joining: one goes on, the other points to it."""

    survivor: Case
    joined: Case


def join(survivor: Case, other: Case) -> Joined:
    """Both cases after `merge`: the survivor has the earliest dates and everything the customer told us.

    The move of `other` along the table, with its guards, is the caller's.
    """
    if survivor.id == other.id:
        raise Rejected("same_case", "a case cannot be joined with itself", fix="Name the other case.")
    is_same = survivor.order_ref in {None, other.order_ref}
    return Joined(
        survivor=replace(
            survivor,
            opened_ms=min(survivor.opened_ms, other.opened_ms),
            first_word_ms=min(survivor.first_word_ms, other.first_word_ms),
            words="\n".join(dict.fromkeys((survivor.words, other.words))),
            support_needs=tuple(dict.fromkeys(survivor.support_needs + other.support_needs)),
            notes_in_favour=tuple(dict.fromkeys(survivor.notes_in_favour + other.notes_in_favour)),
            anything_else="\n".join(filter(None, dict.fromkeys((survivor.anything_else, other.anything_else)))),
            people=joined_people(survivor.people, other.people if is_same else told_here(other.people)),
        ),
        joined=replace(other, state=JOINED, joined_into=survivor.id),
    )
