"""The customer chooses: the move, the promise that comes with it, and the message that says the same date.

A remedy that pays money needs a way of payment that reaches this customer; one that does not is refused with the ways
that do. The sum is what `price` says. The promise is due after the days of the policy, and never later than the law's
own last day.
"""

from dataclasses import dataclass

from custody.disputes import civil
from custody.disputes.case import CASE, Case, CaseState
from custody.disputes.claim import PAYS_MONEY, Remedy
from custody.disputes.machine import CaseRole, Transition, step
from custody.disputes.messages import Message, pounds, say
from custody.disputes.one_order import NOTHING_BEFORE, Before, check_choice
from custody.disputes.order import OrderFacts
from custody.disputes.payout import WORDS, Payout, choose_payout, works
from custody.disputes.people import payment_back
from custody.disputes.policy import CaseworkPolicy
from custody.disputes.price import sum_of
from custody.disputes.promise import Promise, make_promise
from custody.disputes.remedy import RemedyOffer, remedy_due_ms
from custody.kernel.clock import Instant
from custody.kernel.errors import Rejected

GUARDS = ("payout_route_works_for_this_customer",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What a choice brings about."""

    move: Transition[CaseState]
    promise: Promise
    payout: Payout | None
    messages: tuple[Message, ...]


def choose_remedy(
    case: Case,
    offer: RemedyOffer,
    order: OrderFacts,
    *,
    remedy: str,
    payout: str | None,
    promise_id: str,
    policy: CaseworkPolicy,
    now_ms: Instant,
    known: Before = NOTHING_BEFORE,
) -> Chosen:
    """The customer's choice beside what was promised before.

    Raises `Rejected("remedy")` or `Rejected("payout_route")`, or what `step`, `check_choice` or `sum_of` do.
    """
    step(CASE, case.state, "choose", CaseRole.CUSTOMER, dict.fromkeys(GUARDS, True))  # over, whatever is chosen
    option = next((option for option in offer.options if option.remedy == remedy), None)
    if option is None:
        offered = ", ".join(str(option.remedy) for option in offer.options)
        raise Rejected("remedy", f"{remedy!r} is not on offer", fix=f"Choose one of: {offered}.", offered=offered)
    way, payment = None, payment_back(case.people, order.payment)
    if option.remedy in PAYS_MONEY and payout is not None:
        way = choose_payout(payout, standing=order.standing, payment=payment)
    guard = works(option.remedy, way, standing=order.standing, payment=payment)
    move = step(CASE, case.state, "choose", CaseRole.CUSTOMER, dict.fromkeys(GUARDS, guard))
    check_choice(option, known, price_pence=order.price_pence)
    promise = make_promise(
        promise_id=promise_id,
        case_id=case.id,
        what=option.words,
        amount_pence=sum_of(option, left_pence=known.left_pence(order.price_pence)),
        due_ms=remedy_due_ms(option.remedy, order, claim_type=offer.claim_type, chosen_ms=now_ms, policy=policy),
        method=WORDS[way] if way is not None else _method(option.remedy),
        owner=case.owner,
        now_ms=now_ms,
        policy=policy,
    )
    return Chosen(move=move, promise=promise, payout=way, messages=(_chosen(promise), said_of(promise)))


def said_of(promise: Promise) -> Message:
    """The message of a promise just made: what, how much, how, until when, by whom."""
    facts = {
        "what": promise.what,
        "method": promise.method,
        "due": civil.in_words(promise.due_ms),
        "owner": promise.owner,
    }
    if promise.amount_pence is None:
        return say("promise.made", promises=(promise.id,), **facts)
    return say("promise.made_money", promises=(promise.id,), amount=pounds(promise.amount_pence), **facts)


def _chosen(promise: Promise) -> Message:
    return say(
        "case.choose",
        promises=(promise.id,),
        remedy=promise.what,
        due=civil.in_words(promise.due_ms),
        owner=promise.owner,
    )


def _method(remedy: Remedy) -> str:
    return {
        Remedy.REPLACEMENT: "at your door",
        Remedy.ADVANCE_SWAP: "at your door",
        Remedy.REPAIR: "back at your door",
        Remedy.INSURANCE: "by phone or in writing",
        Remedy.ACCESSORY: "by post",
        Remedy.UNLOCK: "on the phone itself",
        Remedy.CONTACT: "in writing",
    }[remedy]
