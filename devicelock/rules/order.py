"""The lock order: its table, and the one function that moves along it.

- `TRANSITIONS` is the whole machine. A key that is missing is a move that does not exist.
- `step` asks in this order: the move stands in the table (`Conflict("move")`), the role may cause it
  (`Forbidden("role")`), every guard is known and true (`Conflict("guard")`). A refused move changes nothing.
- A guard is a fact of three values: true, false, unknown (None or not given). Only true satisfies it.
- `publish` moves to QUEUED: sent, not confirmed. Only a device's verified ack makes a lock active or released.
- What nobody has decided yet is withdrawn by anyone who could release it; no second person has said no then, and the
  state is that of a request that came to nothing.
- From QUEUED, ACTIVE_PROVISIONAL and ACTIVE_CONFIRMED the customer gets out alone. A provisional lock lapses by itself.
- A lock that our agent has not answered and that another lock system has, or may have, is no cancellation: its release
  waits, from QUEUED too, until that system has shown the handset free.
- A handset that never answers its UNLOCK does not keep its order open for ever: past its hold, at which it releases
  itself, and past the days of the policy the order is RELEASED_UNCONFIRMED. That is no answer, and is not shown as one;
  the UNLOCK stays on offer for the life of the handset, and its answer moves the order on to RELEASED.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from custody.kernel.errors import Conflict, Forbidden


class Role(StrEnum):
    """Who causes a move. `system` is automation."""

    AGENT = "agent"
    CUSTOMER = "customer"
    INVESTIGATOR = "investigator"
    SUPERVISOR = "supervisor"
    SYSTEM = "system"


class State(StrEnum):
    """Where a lock order stands."""

    REQUESTED = "requested"
    APPROVED = "approved"
    QUEUED = "queued"
    ACTIVE_PROVISIONAL = "active_provisional"
    ACTIVE_CONFIRMED = "active_confirmed"
    RELEASE_QUEUED = "release_queued"
    RELEASED_UNCONFIRMED = "released_unconfirmed"
    RELEASED = "released"
    REFUSED = "refused"
    FAILED_FINAL = "failed_final"


class Event(StrEnum):
    """What moves a lock order."""

    PREFLIGHT_FAILS = "preflight_fails"
    PREFLIGHT_PASSES = "preflight_passes"
    SECOND_PERSON_SAYS_NO = "second_person_says_no"
    WITHDRAW = "withdraw"
    PUBLISH = "publish"
    DEVICE_ACK = "device_ack"
    CANCEL_BEFORE_DELIVERY = "cancel_before_delivery"
    EXPIRED_UNDELIVERED = "expired_undelivered"
    CONFIRM = "confirm"
    LAPSE_OR_RELEASE = "lapse_or_release"
    RELEASE = "release"
    DEVICE_ACK_OR_CODE_USED = "device_ack_or_code_used"
    TERM_PASSED = "term_passed"


class Guard(StrEnum):
    """What must be shown before a move; `MEANING` says how."""

    REASON_SHOWN = "reason_shown"
    AUTHORITY_RECORDED = "authority_recorded"
    IMEI_LAST4_TYPED = "imei_last4_typed"
    SIGNED = "signed"
    SEQ_GREATER_THAN_LAST = "seq_greater_than_last"
    EXPIRY_SET = "expiry_set"
    TOMBSTONE_SEQ = "tombstone_seq"
    FOUR_EYES = "four_eyes"
    DEVICE_NOT_WITH_CUSTOMER = "device_not_with_customer"
    HOLD_PASSED = "hold_passed"


MEANING: Mapping[Guard, str] = MappingProxyType(
    {
        Guard.REASON_SHOWN: "Tell the person who asked which check failed and who could allow it.",
        Guard.AUTHORITY_RECORDED: "Record on what the lock rests: the policy version, or both people.",
        Guard.IMEI_LAST4_TYPED: "Type the last four digits of the IMEI; automation takes it from two records instead.",
        Guard.SIGNED: "Have the lock key sign the command.",
        Guard.SEQ_GREATER_THAN_LAST: "Issue the command with a pair above every earlier one.",
        Guard.EXPIRY_SET: "Give the command its not_after and held_until.",
        Guard.TOMBSTONE_SEQ: "Issue the cancellation with a pair above the cancelled lock's.",
        Guard.FOUR_EYES: "Have a second person decide: never the one who asked.",
        Guard.DEVICE_NOT_WITH_CUSTOMER: "Show by evidence that the customer does not hold the device.",
        Guard.HOLD_PASSED: "Wait for the hour at which the handset releases itself, and for the days of the policy.",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StateFacts:
    """Who owns a state and which clock runs in it; None where the order has ended."""

    owner: Role | None
    clock: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Where an event leads, who may cause it and what must be shown."""

    to: State
    who: frozenset[Role]
    guards: tuple[Guard, ...] = ()


START = State.REQUESTED
TERMINAL = frozenset({State.RELEASED, State.REFUSED, State.FAILED_FINAL})
SETTLED = TERMINAL | {State.RELEASED_UNCONFIRMED}
"""Nobody waits for these any more; a late answer may still come to the last one."""

FACTS: Mapping[State, StateFacts] = MappingProxyType(
    {
        State.REQUESTED: StateFacts(owner=Role.SYSTEM, clock="lock_decide_seconds"),
        State.APPROVED: StateFacts(owner=Role.SYSTEM, clock="lock_decide_seconds"),
        State.QUEUED: StateFacts(owner=Role.SYSTEM, clock="lock_deliver_hours"),
        State.ACTIVE_PROVISIONAL: StateFacts(owner=Role.INVESTIGATOR, clock="provisional_lock_hours"),
        State.ACTIVE_CONFIRMED: StateFacts(owner=Role.INVESTIGATOR, clock="lock_review_days"),
        State.RELEASE_QUEUED: StateFacts(owner=Role.SYSTEM, clock="unlock_minutes"),
        State.RELEASED_UNCONFIRMED: StateFacts(owner=None, clock=None),
        State.RELEASED: StateFacts(owner=None, clock=None),
        State.REFUSED: StateFacts(owner=None, clock=None),
        State.FAILED_FINAL: StateFacts(owner=None, clock=None),
    }
)

_SYSTEM = frozenset({Role.SYSTEM})
_ANYONE = frozenset(Role)
_ASKS = frozenset({Role.AGENT, Role.INVESTIGATOR, Role.SYSTEM})
_CONFIRMS = frozenset({Role.INVESTIGATOR, Role.SUPERVISOR})

TRANSITIONS: Mapping[tuple[State, Event], Move] = MappingProxyType(
    {
        (State.REQUESTED, Event.PREFLIGHT_FAILS): Move(to=State.REFUSED, who=_SYSTEM, guards=(Guard.REASON_SHOWN,)),
        (State.REQUESTED, Event.PREFLIGHT_PASSES): Move(
            to=State.APPROVED, who=_ASKS, guards=(Guard.AUTHORITY_RECORDED, Guard.IMEI_LAST4_TYPED)
        ),
        (State.REQUESTED, Event.SECOND_PERSON_SAYS_NO): Move(
            to=State.REFUSED, who=frozenset({Role.SUPERVISOR}), guards=(Guard.REASON_SHOWN,)
        ),
        (State.REQUESTED, Event.WITHDRAW): Move(to=State.REFUSED, who=_ANYONE),
        (State.APPROVED, Event.PUBLISH): Move(
            to=State.QUEUED, who=_SYSTEM, guards=(Guard.SIGNED, Guard.SEQ_GREATER_THAN_LAST, Guard.EXPIRY_SET)
        ),
        (State.QUEUED, Event.DEVICE_ACK): Move(to=State.ACTIVE_PROVISIONAL, who=_SYSTEM),
        (State.QUEUED, Event.CANCEL_BEFORE_DELIVERY): Move(
            to=State.RELEASED, who=_ANYONE, guards=(Guard.TOMBSTONE_SEQ,)
        ),
        (State.QUEUED, Event.RELEASE): Move(to=State.RELEASE_QUEUED, who=_ANYONE),
        (State.QUEUED, Event.EXPIRED_UNDELIVERED): Move(to=State.FAILED_FINAL, who=_SYSTEM),
        (State.ACTIVE_PROVISIONAL, Event.CONFIRM): Move(
            to=State.ACTIVE_CONFIRMED, who=_CONFIRMS, guards=(Guard.FOUR_EYES, Guard.DEVICE_NOT_WITH_CUSTOMER)
        ),
        (State.ACTIVE_PROVISIONAL, Event.LAPSE_OR_RELEASE): Move(to=State.RELEASE_QUEUED, who=_ANYONE),
        (State.ACTIVE_CONFIRMED, Event.RELEASE): Move(to=State.RELEASE_QUEUED, who=_ANYONE),
        (State.RELEASE_QUEUED, Event.DEVICE_ACK_OR_CODE_USED): Move(
            to=State.RELEASED, who=frozenset({Role.CUSTOMER, Role.SYSTEM})
        ),
        (State.RELEASE_QUEUED, Event.TERM_PASSED): Move(
            to=State.RELEASED_UNCONFIRMED, who=_SYSTEM, guards=(Guard.HOLD_PASSED,)
        ),
        (State.RELEASED_UNCONFIRMED, Event.DEVICE_ACK_OR_CODE_USED): Move(
            to=State.RELEASED, who=frozenset({Role.CUSTOMER, Role.SYSTEM})
        ),
    }
)


def step(state: State, event: Event, *, role: Role, guards: Mapping[Guard, bool | None] | None = None) -> State:
    """The state after the event; see the rules above for what it raises."""
    move = TRANSITIONS.get((state, event))
    if move is None:
        possible = tuple(str(open_event) for open_event in events(state))
        raise Conflict(
            "move",
            f"{event!s} is not possible for a lock order in the state {state!s}",
            fix=f"Possible here: {', '.join(possible) or 'nothing'}.",
            state=str(state),
            possible=possible,
        )
    if role not in move.who:
        who = tuple(sorted(move.who))
        raise Forbidden(
            "role",
            f"the role {role!s} may not cause {event!s} in the state {state!s}",
            fix=f"It takes one of: {', '.join(who)}.",
            state=str(state),
            who=who,
        )
    shown = guards or {}
    unmet = tuple(guard for guard in move.guards if shown.get(guard) is not True)
    if unmet:
        said = "; ".join(f"{guard} is {'not known' if shown.get(guard) is None else 'false'}" for guard in unmet)
        raise Conflict(
            "guard",
            f"{event!s} in the state {state!s} is held back: {said}",
            fix=" ".join(MEANING[guard] for guard in unmet),
            state=str(state),
            unmet=unmet,
        )
    return move.to


def events(state: State, role: Role | None = None) -> tuple[Event, ...]:
    """The events that can move this state, guards apart; those of one role if asked."""
    return tuple(
        event for (source, event), move in TRANSITIONS.items() if source is state and (role is None or role in move.who)
    )
