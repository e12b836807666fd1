"""A promise: its table, and the value with what, how much, until when, by which way and by whom.

- Due soon 24 hours before; a promise made with less time than that is due soon at once. Missed one second after its
  date if nothing proves that it was kept. A missed promise is never given up; it is kept late, or what the customer
  chooses instead takes its place.
- The customer hears of a miss first and from us, with a credit that nobody has to ask for: a sum for each begun day,
  up to a cap of days.
- A miss that is not made good within the minutes of the policy is told to supervisors, once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from custody.disputes.civil import civil_date
from custody.disputes.machine import CaseRole, Guard, Machine, StateFacts, transition
from custody.disputes.policy import CaseworkPolicy
from custody.kernel.clock import DAY_MS, HOUR_MS, SECOND_MS, Instant
from custody.kernel.errors import Forbidden, Rejected

CUSTOMER, AGENT, SUPERVISOR, SYSTEM = CaseRole.CUSTOMER, CaseRole.AGENT, CaseRole.SUPERVISOR, CaseRole.SYSTEM
PAYERS = (AGENT, SUPERVISOR)
"""Who writes down what became of money that we owe: those who say that a promise was kept, in time or late."""
BY_THEIR_WORD: Final = "customer_word"
"""The source of what somebody promised the customer elsewhere (`outside_promise`)."""
BY_OUR_WORD: Final = "our_word"
"""The source of what one of us gave or said outside the offer (`exception`, `two_answers`)."""
AS_DECIDED = "as it was decided"
"""By which way it is done what the independent scheme decided."""
ON_TOP = "on top of the rest"
"""The same of what it decided beside the remedy: it takes the place of nothing, and nothing takes its own."""
A_COPY, DATA_PUT_RIGHT = "a copy of all that we hold about you", "an answer on how we use your data"
ABOUT_DATA = frozenset({A_COPY, DATA_PUT_RIGHT})
"""What the law on data owes: it keeps no case open, and neither an end of the case nor a choice takes it away."""
A_COLLECTION = "a free collection"
GOES_ON = ABOUT_DATA | {A_COLLECTION}
"""What goes on when the customer says that all is put right: it keeps no case open."""

PromiseState = Literal["made", "due_soon", "missed", "kept", "void"]
MADE: Final = "made"
DUE_SOON: Final = "due_soon"
MISSED: Final = "missed"
KEPT: Final = "kept"
"""States that the database is asked by, where the type check sees no misspelt one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """Something promised to a customer. `amount_pence` is None when no money is part of it.

    `credited_pence` is what its lateness has added to the credit that is owed; `came_back`: its payment did not reach
    the customer; `replaced`: it was late, and the customer chose another remedy or took the report back; `set_aside`:
    the order was put right by way of another report of it; `order_ref`: of the order that it is for, if that is not the
    one of its case, since a report of another order was joined into it; `lowered_from_pence`: its sum before another
    report of the order left less of the price to it.
    """

    id: str
    case_id: str
    what: str
    amount_pence: int | None
    due_ms: Instant
    method: str
    owner: str
    made_ms: Instant
    state: PromiseState
    source: Literal["ours", "customer_word", "our_word"] = "ours"
    credited_pence: int = 0
    came_back: bool = False
    replaced: bool = False
    set_aside: bool = False
    order_ref: str | None = None
    lowered_from_pence: int | None = None

    @property
    def whole_pence(self) -> int | None:
        """Its sum if no other report of the order had left less to it."""
        return self.lowered_from_pence or self.amount_pence


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """What a late promise has earned the customer so far."""

    promise_id: str
    days: int
    pence: int


def make_promise(
    *,
    promise_id: str,
    case_id: str,
    what: str,
    due_ms: Instant,
    method: str,
    owner: str,
    now_ms: Instant,
    policy: CaseworkPolicy,
    amount_pence: int | None = None,
) -> Promise:
    """A promise of ours; raises `Rejected("promise")` if a part is missing or its date is not ahead."""
    for part, text in (("what", what), ("method", method), ("owner", owner)):
        if not text.strip():
            raise Rejected("promise", f"the promise has no {part}", fix="Say what, how much, until when, how and who.")
    if due_ms <= now_ms:
        raise Rejected(
            "promise", "the date of the promise is not ahead", fix="Promise an instant that is still to come."
        )
    if amount_pence is not None and amount_pence <= 0:
        raise Rejected("promise", "the amount is not more than nothing", fix="Leave it out, or name the sum in pence.")
    return Promise(
        id=promise_id,
        case_id=case_id,
        what=what,
        amount_pence=amount_pence,
        due_ms=due_ms,
        method=method,
        owner=owner,
        made_ms=now_ms,
        state=first_state(due_ms, now_ms, policy),
    )


def due_event(promise: Promise, *, now_ms: Instant, policy: CaseworkPolicy) -> str | None:
    """The event that time has brought about, if any: `t_minus_24h` or `date_passed`. Ask again after moving."""
    if promise.state == "made" and now_ms >= promise.due_ms - _soon_ms(promise.made_ms, policy):
        return "t_minus_24h"
    if promise.state == "due_soon" and now_ms >= promise.due_ms + SECOND_MS:
        return "date_passed"
    return None


def credit(promise: Promise, *, until_ms: Instant, policy: CaseworkPolicy) -> Credit:
    """The credit for the days from the promised date until then (now, or when it was kept).

    The sum and the cap are those in force when the promise was made. One that was late when it began to bind us has
    earned a day by that, and the others from then on.
    """
    late_ms, bound_ms = until_ms - promise.due_ms, until_ms - max(promise.due_ms, promise.made_ms)
    day = civil_date(promise.made_ms)
    days = 0 if late_ms < SECOND_MS else min(max(1, -(-bound_ms // DAY_MS)), policy.count("credit_cap_days", day))
    return Credit(promise_id=promise.id, days=days, pence=days * policy.pence("missed_promise_credit_gbp_per_day", day))


def is_late(promise: Promise) -> bool:
    """Whether it was missed and is still to be done."""
    return promise.state == MISSED and is_owed(promise)


def is_owed(promise: Promise) -> bool:
    """Whether it is still to be done, in time or late."""
    return not promise.replaced and promise.state not in PROMISE.terminal


def all_promises_settled(promises: Iterable[Promise] | None, *, unpaid_credit_pence: int | None) -> bool | None:
    """Each promise is kept, was given up by the customer or replaced by another, and no credit is left to pay.

    What is owed about their data, and a collection that is booked, go on without the case.
    """
    if promises is None or unpaid_credit_pence is None:
        return None
    return unpaid_credit_pence == 0 and not any(is_owed(one) for one in promises if one.what not in GOES_ON)


def check_payer(role: CaseRole) -> None:
    """Return if this role may write down what became of money; raises `Forbidden`."""
    if role not in PAYERS:
        raise Forbidden(
            "role",
            f"the role {str(role)!r} may not write down what became of money",
            fix=f"It takes one of: {', '.join(PAYERS)}.",
        )


def proof(reference: str | None) -> bool | None:
    """Something shows that it was done: a delivery record, a payment reference, the customer's own word."""
    return None if reference is None else bool(reference.strip())


def credit_added(row: Credit | None) -> bool | None:
    """A credit row of at least one day exists."""
    return None if row is None else row.days >= 1 and row.pence > 0


def customer_told_first(*, message_ms: Instant | None, staff_saw_ms: Instant | None) -> bool | None:
    """The customer's message is written, and no dashboard showed the miss before it."""
    return None if message_ms is None else staff_saw_ms is None or message_ms <= staff_saw_ms


def _soon_ms(made_ms: Instant, policy: CaseworkPolicy) -> int:
    return policy.count("due_soon_hours", civil_date(made_ms)) * HOUR_MS


def first_state(due_ms: Instant, now_ms: Instant, policy: CaseworkPolicy) -> PromiseState:
    """Where a promise begins: one that is made with less time than a day is due soon at once."""
    return "due_soon" if due_ms - _soon_ms(now_ms, policy) <= now_ms else "made"


PROMISE: Machine[PromiseState] = Machine(
    name="promise",
    start="made",
    terminal=frozenset({"kept", "void"}),
    states=MappingProxyType(
        {
            "made": StateFacts(owner=AGENT, clock="promise"),
            "due_soon": StateFacts(owner=AGENT, clock="promise"),
            "missed": StateFacts(owner=SUPERVISOR, clock="missed_escalate_minutes"),
            "kept": StateFacts(owner=None, clock=None),
            "void": StateFacts(owner=None, clock=None),
        }
    ),
    transitions=(
        transition("made", "due_soon", "t_minus_24h", (SYSTEM,)),
        transition("due_soon", "kept", "done", (AGENT, SYSTEM), "proof"),
        transition("made", "kept", "done", (AGENT, SYSTEM), "proof"),
        transition("due_soon", "missed", "date_passed", (SYSTEM,), "credit_added", "customer_told_first"),
        transition("missed", "kept", "done_late", (SUPERVISOR, SYSTEM), "proof"),
        transition("made", "void", "customer_changed_mind", (CUSTOMER,)),
        transition("due_soon", "void", "customer_changed_mind", (CUSTOMER,)),
    ),
    guards=MappingProxyType(
        {
            "proof": Guard(
                means="Something shows that it was done.",
                fix="Attach the delivery record or payment reference, or the customer's word that it has come.",
                holds=proof,
            ),
            "credit_added": Guard(
                means="A credit of at least one day is written.",
                fix="Write the credit in the same unit of work.",
                holds=credit_added,
            ),
            "customer_told_first": Guard(
                means="The customer's message is written before any dashboard shows the miss.",
                fix="Write the customer's message in the same unit of work.",
                holds=customer_told_first,
            ),
        }
    ),
)
