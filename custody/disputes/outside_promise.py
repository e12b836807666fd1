"""An outside promise: what somebody promised the customer elsewhere, as the customer tells it, and its table.

- It is pending for the days of the policy. In these somebody of ours can rebut it, with reasons that the customer
  reads; after them it binds us, and a late rebuttal is refused. The days count from when we learned of it.
- Once it binds it is a promise as any other: with an owner, a day, and a credit if it is late. It names the customer's
  word as its source. Without a day it is due a day after it binds; a day that has passed makes it missed next.
- It stands beside the remedy, unless it is told in the very words of one. Then it is one: a choice takes its place.
- Its sum gives back money of the price, as the sum of an award does: never more than is left of the price, whichever
  came first. Where the price is not known the sum is promised as it was told, and all such sums of a case, answers of
  ours too, are no more than a phone costs: more takes another person.
- What the customer has already, or is to have, does not come twice; they are told so.
- In messages it has the customer's own words where they keep the rules for what a customer reads, and else ours. Their
  own stand on their page and in the case as they told them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType
from typing import Literal

from custody.disputes.civil import add_months, civil_date, day_ends_ms
from custody.disputes.claim import Remedy
from custody.disputes.machine import CaseRole, Guard, Machine, StateFacts, Transition
from custody.disputes.messages import fields, pounds, say
from custody.disputes.one_order import Before, is_phone
from custody.disputes.order import FIRST_ORDER_DATE
from custody.disputes.policy import CaseworkPolicy
from custody.disputes.price import is_money, left_of_price
from custody.disputes.promise import BY_OUR_WORD, BY_THEIR_WORD, ON_TOP, Promise, first_state, is_owed
from custody.disputes.remedy import WORDS
from custody.disputes.work_clocks import WorkClock, work_clock
from custody.kernel.clock import DAY_MS, Instant
from custody.kernel.errors import Conflict, Rejected

REBUT_DAYS = "outside_promise_rebut_days"
AS_TOLD = "as you were told"
"""By which way it is done, as far as we know."""
SOMETHING_TOLD = "what they told you"
"""In the place of words that no message can have."""
MOST_WORDS, MOST_NAME = 500, 200
MOST_TOLD = 5
"""So many does one case take from its customer without a call: nobody needs an account to open one."""
MOST_PENCE = 250_000
"""More than a phone costs. Where the price is not known nothing else bounds the sums that bind us by a word."""
MOST_MONTHS_AHEAD = 120
_REMEDY_OF = MappingProxyType({words.casefold(): remedy for remedy, words in WORDS.items()})
_SAID_IN = (
    "promise.made",
    "promise.made_money",
    "promise.done",
    "promise.date_passed",
    "promise.done_late",
    "promise.customer_changed_mind",
    "outside.told",
    "outside.rebut",
    "outside.has_it_already",
    "outside.price_is_back",
    "outside.taken_back",
    "outside.days_passed",
    "outside.days_passed_late",
)
_EXAMPLES = MappingProxyType(
    {
        "amount": pounds(MOST_PENCE),
        "credit": pounds(MOST_PENCE),
        "due": "23:59 on 30 September 2026",
        "method": AS_TOLD,
        "owner": "somebody",
        "reasons": "It is not so.",
    }
)

OutsideState = Literal["pending", "stands", "has_it", "rebutted", "taken_back"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the customer says they were told, and by whom; `told_us_ms` is when we learned of it."""

    what: str
    by_whom: str
    told_us_ms: Instant
    due_ms: Instant | None = None
    amount_pence: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsidePromise:
    """What was told, as it stands in a case.

    `rebut_by_ms`: until when it can be rebutted. `why`: the reasons of a rebuttal. `promise_id`: what it became once it
    bound us. `order_ref`: of the order that it is for, if a report of another order was joined into its case.
    """

    id: str
    case_id: str
    told: Told
    rebut_by_ms: Instant
    state: OutsideState = "pending"
    why: str = ""
    promise_id: str | None = None
    order_ref: str | None = None

    @property
    def is_pending(self) -> bool:
        """Whether it neither binds us yet nor is over."""
        return self.state == OUTSIDE.start

    @property
    def clock(self) -> WorkClock:
        """The clock that runs until it binds."""
        return WorkClock(key=REBUT_DAYS, start_ms=self.told.told_us_ms, due_ms=self.rebut_by_ms)


def as_told(*, what: str, by_whom: str, until: date | None, amount_pence: int | None, now_ms: Instant) -> Told:
    """What is told now, to come by the end of a day; raises `Rejected`."""
    if until is not None:
        _check_day(until, today=civil_date(now_ms))
    due_ms = None if until is None else day_ends_ms(until) - 1
    told = Told(what=what.strip(), by_whom=by_whom.strip(), told_us_ms=now_ms, due_ms=due_ms, amount_pence=amount_pence)
    check_told(told)
    return told


def check_told(told: Told) -> None:
    """Return if this can have been told; raises `Rejected`."""
    if not told.what.strip() or len(told.what) > MOST_WORDS:
        fix = f"Say what in 1 to {MOST_WORDS} letters."
        raise Rejected("what", "it does not say what was promised, or is too long", fix=fix)
    if len(told.by_whom) > MOST_NAME:
        raise Rejected("by_whom", "who promised it is too long", fix=f"Say it in at most {MOST_NAME} letters.")
    if told.due_ms is not None:
        _check_day(civil_date(told.due_ms), today=civil_date(told.told_us_ms))
    if told.amount_pence is not None and not 0 < told.amount_pence <= MOST_PENCE:
        raise Rejected("amount_pence", "the sum is no sum", fix=f"Name 1 to {MOST_PENCE} pence, or leave it out.")


def _check_day(day: date, *, today: date) -> None:
    last = add_months(today, MOST_MONTHS_AHEAD)
    if not FIRST_ORDER_DATE <= day <= last:
        fix = f"Give a day from {FIRST_ORDER_DATE.isoformat()} to {last.isoformat()}, or leave it out."
        raise Rejected("until", "the day of what was told cannot be right", fix=fix)


def check_room(before: Iterable[OutsidePromise]) -> None:
    """Return if the customer can tell of one more; raises `Conflict("many")`."""
    if len(list(before)) >= MOST_TOLD:
        raise Conflict("many", "you told us of many promises already", fix="Call us, and we write down the rest.")


def check_sums(told: Told, others: Iterable[Told | Promise], *, price_pence: int | None, by_customer: bool) -> None:
    """Return if all sums that bind us by a word are within `MOST_PENCE`, where no price bounds them.

    `others`: what was promised for the case and is pending. Raises `Conflict("many")`.
    """
    if price_pence or told.amount_pence is None:
        return
    if told.amount_pence + sum(each.amount_pence or 0 for each in others if counts_as_told(each)) > MOST_PENCE:
        raise Conflict(
            "many",
            "the sums that were promised come to more than a phone costs",
            fix="Call us, and we look at it." if by_customer else "Ask for an exception: another person answers it.",
        )


def counts_as_told(one: Told | Promise) -> bool:
    """Whether its sum binds us by a word, or will, without another person."""
    if isinstance(one, Told):
        return True
    by_word = one.source in {BY_THEIR_WORD, BY_OUR_WORD} and one.method != ON_TOP
    return by_word and one.state != "void" and not one.came_back and not one.replaced


def is_same(told: Told, other: Told) -> bool:
    """Whether the same thing was told twice."""
    return replace(told, told_us_ms=0) == replace(other, told_us_ms=0)


def pend(told: Told, *, name: str, case_id: str, policy: CaseworkPolicy) -> OutsidePromise:
    """What was told, until it is rebutted or binds us."""
    clock = work_clock(REBUT_DAYS, told.told_us_ms, policy=policy)
    return OutsidePromise(id=name, case_id=case_id, told=told, rebut_by_ms=clock.due_ms)


def told_stands(told: Told, *, rebutted_ms: Instant | None, now_ms: Instant, policy: CaseworkPolicy) -> bool | None:
    """Whether what the customer was told binds us: None while it may still be rebutted."""
    days = policy.count(REBUT_DAYS, civil_date(told.told_us_ms))
    until_ms = told.told_us_ms + days * DAY_MS
    if rebutted_ms is not None and rebutted_ms <= until_ms:
        return False
    return True if now_ms > until_ms or rebutted_ms is not None else None


def bind(
    told: Told, *, promise_id: str, case_id: str, method: str, owner: str, now_ms: Instant, policy: CaseworkPolicy
) -> Promise:
    """The promise that stands because the customer was told so; a date that has passed makes it missed next."""
    due_ms = now_ms + DAY_MS if told.due_ms is None else told.due_ms
    return Promise(
        id=promise_id,
        case_id=case_id,
        what=spoken(told),
        amount_pence=told.amount_pence,
        due_ms=due_ms,
        method=method,
        owner=owner,
        made_ms=now_ms,
        state=first_state(due_ms, now_ms, policy),
        source=BY_THEIR_WORD,
    )


def spoken(told: Told) -> str:
    """What was told, as messages say it: a remedy by its own words."""
    what = " ".join(told.what.split()).strip(" .,;:!?")
    remedy = _REMEDY_OF.get(what.casefold())
    if remedy is not None:
        has_sum = told.amount_pence is not None
        fits = remedy == Remedy.REFUND or has_sum == (remedy == Remedy.PRICE_REDUCTION)
        return WORDS[remedy] if fits else SOMETHING_TOLD
    return what if what and _can_be_said(what) else SOMETHING_TOLD


def is_there(promise: Promise, told: Told, known: Before, *, price_pence: int | None) -> bool:
    """Whether the customer has what was told already, or is to have it: it comes once.

    `promise`: what it would become; `known`: what was promised for the order. What was given before it was told may be
    wrong again, and does not count.
    """
    every = (*known.mine, *known.others)
    since = [each for each in every if is_owed(each) or (_is_given(each) and each.made_ms >= told.told_us_ms)]
    is_sum, what = promise.amount_pence is not None, promise.what.casefold()
    if not is_sum and what != SOMETHING_TOLD and any(each.what.casefold() == what for each in since):
        return True
    if promise.what in _REMEDY_OF and known.in_place:
        return True
    phone, left_pence = any(map(is_phone, since)), _left_pence(known, price_pence)
    if is_phone(promise):
        return phone or left_pence == 0
    if not is_sum and not is_money(promise):
        return False
    if left_pence is None:
        return phone and is_money(promise)
    return left_pence == 0 or (phone and (promise.amount_pence or left_pence) >= left_pence)


def is_price_back(known: Before, *, price_pence: int | None) -> bool:
    """Whether the whole price was promised or paid back, so that nothing more of it comes."""
    return _left_pence(known, price_pence) == 0


def sum_left(promise: Promise, known: Before, *, price_pence: int | None) -> Promise:
    """The promise with no more than what is left of the price; a refund of the whole has what is left as its sum."""
    left_pence = _left_pence(known, price_pence)
    if left_pence is None or (promise.amount_pence is None and not is_money(promise)):
        return promise
    return replace(promise, amount_pence=min(promise.amount_pence or left_pence, left_pence))


def _left_pence(known: Before, price_pence: int | None) -> int | None:
    """What is left of the price beside all that is owed too: nothing that stands is taken the place of."""
    return left_of_price(price_pence, (*known.mine, *known.others, *known.money))


def _is_given(promise: Promise) -> bool:
    return promise.state == "kept" and not promise.came_back


def _can_be_said(what: str) -> bool:
    try:
        for key in _SAID_IN:
            say(key, promises=("told",), **{name: what if name == "what" else _EXAMPLES[name] for name in fields(key)})
    except Rejected:
        return False
    return True


def in_time(told: Told, *, now_ms: Instant, policy: CaseworkPolicy) -> bool:
    """The days in which it can be rebutted have not passed."""
    return told_stands(told, rebutted_ms=now_ms, now_ms=now_ms, policy=policy) is False


def days_over(told: Told, *, now_ms: Instant, policy: CaseworkPolicy) -> bool:
    """They have passed, and nobody rebutted it."""
    return told_stands(told, rebutted_ms=None, now_ms=now_ms, policy=policy) is True


def reasons_given(why: str | None) -> bool | None:
    """The customer can read why."""
    return None if why is None else bool(why.strip())


def _row(target: OutsideState, event: str, who: tuple[CaseRole, ...], *guards: str) -> Transition[OutsideState]:
    return Transition(source="pending", target=target, event=event, who=who, guards=guards)


_OVER = StateFacts(owner=None, clock=None)
OUTSIDE: Machine[OutsideState] = Machine(
    name="outside",
    start="pending",
    terminal=frozenset({"stands", "has_it", "rebutted", "taken_back"}),
    states=MappingProxyType(
        {
            "pending": StateFacts(owner=CaseRole.AGENT, clock=REBUT_DAYS),
            "stands": _OVER,
            "has_it": _OVER,
            "rebutted": _OVER,
            "taken_back": _OVER,
        }
    ),
    transitions=(
        _row("rebutted", "rebut", (CaseRole.AGENT, CaseRole.SUPERVISOR), "in_time", "reasons_given"),
        _row("stands", "days_passed", (CaseRole.SYSTEM,), "days_over"),
        _row("has_it", "has_it_already", (CaseRole.SYSTEM,), "days_over"),
        _row("taken_back", "taken_back", (CaseRole.CUSTOMER,)),
    ),
    guards=MappingProxyType(
        {
            "in_time": Guard(
                means="The days in which it can be rebutted have not passed.",
                fix="It binds us by now: keep it.",
                holds=in_time,
            ),
            "days_over": Guard(
                means="The days in which it can be rebutted have passed.",
                fix="Wait until they have.",
                holds=days_over,
            ),
            "reasons_given": Guard(
                means="The customer can read why.",
                fix="Say why it does not stand, in words that the customer can read.",
                holds=reasons_given,
            ),
        }
    ),
)
