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
from typing import Literal

from custody.kernel.errors import Conflict, Forbidden


class LockRole(StrEnum):
    """Who causes a move. `system` is automation."""

    AGENT = "agent"
    CUSTOMER = "customer"
    INVESTIGATOR = "investigator"
    SUPERVISOR = "supervisor"
    SYSTEM = "system"


class OrderState(StrEnum):
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


class OrderEvent(StrEnum):
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


LockStep = Literal[
    "requested",
    "refused",
    "withdrawn",
    "approved",
    "published",
    "not_signed",
    "answered",
    "locked",
    "had_locked",
    "was_read",
    "holder_spoke",
    "confirmation_proposed",
    "confirmed",
    "shortened",
    "release",
    "released",
    "released_unconfirmed",
    "retired",
    "backends",
    "backend_shown",
    "backend_failed",
    "backend_settled",
    "joined",
]
"""What is written into an order's timeline; after `lock.` it is the kind of the record. Older versions wrote more."""


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

    owner: LockRole | None
    clock: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Where an event leads, who may cause it and what must be shown."""

    to: OrderState
    who: frozenset[LockRole]
    guards: tuple[Guard, ...] = ()


START = OrderState.REQUESTED
TERMINAL = frozenset({OrderState.RELEASED, OrderState.REFUSED, OrderState.FAILED_FINAL})
SETTLED = TERMINAL | {OrderState.RELEASED_UNCONFIRMED}
"""Nobody waits for these any more; a late answer may still come to the last one."""

FACTS: Mapping[OrderState, StateFacts] = MappingProxyType(
    {
        OrderState.REQUESTED: StateFacts(owner=LockRole.SYSTEM, clock="lock_decide_seconds"),
        OrderState.APPROVED: StateFacts(owner=LockRole.SYSTEM, clock="lock_decide_seconds"),
        OrderState.QUEUED: StateFacts(owner=LockRole.SYSTEM, clock="lock_deliver_hours"),
        OrderState.ACTIVE_PROVISIONAL: StateFacts(owner=LockRole.INVESTIGATOR, clock="provisional_lock_hours"),
        OrderState.ACTIVE_CONFIRMED: StateFacts(owner=LockRole.INVESTIGATOR, clock="lock_review_days"),
        OrderState.RELEASE_QUEUED: StateFacts(owner=LockRole.SYSTEM, clock="unlock_minutes"),
        OrderState.RELEASED_UNCONFIRMED: StateFacts(owner=None, clock=None),
        OrderState.RELEASED: StateFacts(owner=None, clock=None),
        OrderState.REFUSED: StateFacts(owner=None, clock=None),
        OrderState.FAILED_FINAL: StateFacts(owner=None, clock=None),
    }
)

_SYSTEM = frozenset({LockRole.SYSTEM})
_ANYONE = frozenset(LockRole)
_ASKS = frozenset({LockRole.AGENT, LockRole.INVESTIGATOR, LockRole.SYSTEM})
_CONFIRMS = frozenset({LockRole.INVESTIGATOR, LockRole.SUPERVISOR})

TRANSITIONS: Mapping[tuple[OrderState, OrderEvent], Move] = MappingProxyType(
    {
        (OrderState.REQUESTED, OrderEvent.PREFLIGHT_FAILS): Move(
            to=OrderState.REFUSED, who=_SYSTEM, guards=(Guard.REASON_SHOWN,)
        ),
        (OrderState.REQUESTED, OrderEvent.PREFLIGHT_PASSES): Move(
            to=OrderState.APPROVED, who=_ASKS, guards=(Guard.AUTHORITY_RECORDED, Guard.IMEI_LAST4_TYPED)
        ),
        (OrderState.REQUESTED, OrderEvent.SECOND_PERSON_SAYS_NO): Move(
            to=OrderState.REFUSED, who=frozenset({LockRole.SUPERVISOR}), guards=(Guard.REASON_SHOWN,)
        ),
        (OrderState.REQUESTED, OrderEvent.WITHDRAW): Move(to=OrderState.REFUSED, who=_ANYONE),
        (OrderState.APPROVED, OrderEvent.PUBLISH): Move(
            to=OrderState.QUEUED, who=_SYSTEM, guards=(Guard.SIGNED, Guard.SEQ_GREATER_THAN_LAST, Guard.EXPIRY_SET)
        ),
        (OrderState.QUEUED, OrderEvent.DEVICE_ACK): Move(to=OrderState.ACTIVE_PROVISIONAL, who=_SYSTEM),
        (OrderState.QUEUED, OrderEvent.CANCEL_BEFORE_DELIVERY): Move(
            to=OrderState.RELEASED, who=_ANYONE, guards=(Guard.TOMBSTONE_SEQ,)
        ),
        (OrderState.QUEUED, OrderEvent.RELEASE): Move(to=OrderState.RELEASE_QUEUED, who=_ANYONE),
        (OrderState.QUEUED, OrderEvent.EXPIRED_UNDELIVERED): Move(to=OrderState.FAILED_FINAL, who=_SYSTEM),
        (OrderState.ACTIVE_PROVISIONAL, OrderEvent.CONFIRM): Move(
            to=OrderState.ACTIVE_CONFIRMED, who=_CONFIRMS, guards=(Guard.FOUR_EYES, Guard.DEVICE_NOT_WITH_CUSTOMER)
        ),
        (OrderState.ACTIVE_PROVISIONAL, OrderEvent.LAPSE_OR_RELEASE): Move(to=OrderState.RELEASE_QUEUED, who=_ANYONE),
        (OrderState.ACTIVE_CONFIRMED, OrderEvent.RELEASE): Move(to=OrderState.RELEASE_QUEUED, who=_ANYONE),
        (OrderState.RELEASE_QUEUED, OrderEvent.DEVICE_ACK_OR_CODE_USED): Move(
            to=OrderState.RELEASED, who=frozenset({LockRole.CUSTOMER, LockRole.SYSTEM})
        ),
        (OrderState.RELEASE_QUEUED, OrderEvent.TERM_PASSED): Move(
            to=OrderState.RELEASED_UNCONFIRMED, who=_SYSTEM, guards=(Guard.HOLD_PASSED,)
        ),
        (OrderState.RELEASED_UNCONFIRMED, OrderEvent.DEVICE_ACK_OR_CODE_USED): Move(
            to=OrderState.RELEASED, who=frozenset({LockRole.CUSTOMER, LockRole.SYSTEM})
        ),
    }
)


def step(
    state: OrderState, event: OrderEvent, *, role: LockRole, guards: Mapping[Guard, bool | None] | None = None
) -> OrderState:
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


def events(state: OrderState, role: LockRole | None = None) -> tuple[OrderEvent, ...]:
    """The events that can move this state, guards apart; those of one role if asked."""
    return tuple(
        event for (source, event), move in TRANSITIONS.items() if source is state and (role is None or role in move.who)
    )
