"""Where the customer can go without us: the router that always knows a way.

- It returns every way that fits the kind of problem and the payment, with its first and last day. At least one is
  independent of us: the court is always among them.
- The independent scheme is there from the letter on (deadlock, or the deadline), for 12 months. A handset matter is
  told as what it is in contract: not delivered, not as described, not paid back. It never pleads a crime, because
  schemes do not take those.
- A purchase by credit card over GBP 100 and up to 30,000 makes the card's bank liable too (Consumer Credit Act 1974
  s.75); a price that is not known does not close that way. A card has the chargeback. A credit agreement has the
  Financial Ombudsman, eight weeks after the complaint.
- A way whose last day has passed is left out, except the court: it stays with its true last day and `still_open`
  false, so that nobody is told that there is nothing.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from types import MappingProxyType

from custody.disputes import clocks
from custody.disputes.claim import ClaimType
from custody.disputes.order import CARDS, OrderFacts, Payment
from custody.disputes.policy import CaseworkPolicy

PENCE_A_POUND = 100
COURT = "the county court"
NO_SCHEME = "none"
"""How the policy says that the house belongs to no independent scheme."""


class Way(StrEnum):
    """The ways."""

    SCHEME = "scheme"
    FINANCIAL_OMBUDSMAN = "financial_ombudsman"
    COURT = "court"
    CARD_LAW = "card_law"
    CHARGEBACK = "chargeback"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recourse:
    """One way: who decides, from when, until when, and how to put it."""

    way: Way
    body: str
    opens: date
    last_day: date
    independent: bool
    still_open: bool
    how: str


PLEAS = MappingProxyType(
    {
        ClaimType.NEVER_RECEIVED: "Say: what I bought was not delivered to me.",
        ClaimType.SUBSTITUTED: "Say: what I bought was not delivered to me.",
        ClaimType.MISDELIVERED: "Say: what I bought was not delivered to me.",
        ClaimType.DAMAGED: "Say: what I got was damaged before I had it.",
        ClaimType.DEFECTIVE: "Say: what I bought does not work as it should.",
        ClaimType.CUSTOMER_DAMAGE: "Say: I do not agree with how the damage was judged.",
        ClaimType.MISSING_ACCESSORY: "Say: a part of what I bought is missing.",
        ClaimType.RETURNED_NOT_CREDITED: "Say: I sent it back and was not paid.",
        ClaimType.WRONG_ITEM: "Say: what I got is not what I bought.",
        ClaimType.LEAVER_LOCKED: "Say: my own phone was locked and I lost its use.",
        ClaimType.HOLDER_ENQUIRY: "Say: the phone I hold was locked and I lost its use.",
    }
)
NEUTRAL_PLEA = "Say in your own words what went wrong."


def recourse(
    claim_type: str | None,
    order: OrderFacts,
    *,
    first_word: date,
    today: date,
    policy: CaseworkPolicy,
    letter: date | None = None,
) -> tuple[Recourse, ...]:
    """The ways for this case: the scheme, other independent ones, and the rest, each the earlier last day first."""
    plea = PLEAS[ClaimType(claim_type)] if claim_type is not None else NEUTRAL_PLEA
    ways = [_court(order, plea, first_word=first_word, today=today, policy=policy)]
    if claim_type != ClaimType.HOLDER_ENQUIRY:
        ways += _scheme(order, plea, first_word=first_word, letter=letter, policy=policy, today=today)
        ways += _credit(order, plea, first_word=first_word, policy=policy, today=today)
        ways += _cards(order, plea, first_word=first_word, policy=policy, today=today)
    return _in_order(way for way in ways if way.still_open or way.way is Way.COURT)


def join_ways(first: Iterable[Recourse], second: Iterable[Recourse]) -> tuple[Recourse, ...]:
    """The ways of two joined cases: of two to one body the open one stays, of two open ones the one to end first."""
    kept: dict[Way, Recourse] = {}
    for way in (*first, *second):
        kept[way.way] = min(kept.get(way.way, way), way, key=lambda one: (not one.still_open, one.last_day, one.opens))
    return _in_order(kept.values())


def of_kind(
    claim_type: str, ways: Iterable[Recourse], *, now: Iterable[Recourse], stay: Collection[Way]
) -> tuple[Recourse, ...]:
    """The ways of a case that is of this kind now; `now`: what `recourse` says of it, `stay`: what is not taken out."""
    plea = PLEAS[ClaimType(claim_type)]
    goes_to_court_alone = claim_type == ClaimType.HOLDER_ENQUIRY
    kept = {
        way.way: replace(way, how=_put_as(way.how, plea))
        for way in ways
        if not goes_to_court_alone or way.way in {Way.COURT, *stay}
    }
    return _in_order(({way.way: way for way in now} | kept).values())


def first_independent(ways: Iterable[Recourse]) -> Recourse | None:
    """The first way by which somebody else can still decide."""
    return next((way for way in ways if way.independent and way.still_open), None)


def _put_as(how: str, plea: str) -> str:
    before = next((each for each in (*PLEAS.values(), NEUTRAL_PLEA) if how.startswith(each)), "")
    return f"{plea}{how.removeprefix(before)}" if before else how


def _in_order(ways: Iterable[Recourse]) -> tuple[Recourse, ...]:
    return tuple(sorted(ways, key=lambda way: (not way.independent, way.way is not Way.SCHEME, way.last_day)))


def breach_day(order: OrderFacts, first_word: date) -> date:
    """The earliest day from which a court may count; the strictest reading, so that no deadline is named too late."""
    known = [day for day in (order.expected_delivery, order.delivered) if day is not None]
    return min([*known, first_word]) if known else min(order.contract or first_word, first_word)


def independent_body(policy: CaseworkPolicy, today: date) -> str:
    """Who decides without us, whatever the case: the scheme that the house belongs to, or the court if to none."""
    name = policy.value("adr_scheme", today)
    return COURT if name == NO_SCHEME else f"the independent scheme {name}"


def for_holders(body: str) -> str:
    """Who can overrule us, for whoever holds a handset, be they a customer of ours or not: one sentence."""
    if body == COURT:
        return f"If we cannot agree, {COURT} can help."
    return f"If we cannot agree, {body} can help customers of ours, and {COURT} anybody."


def _court(order: OrderFacts, plea: str, *, first_word: date, today: date, policy: CaseworkPolicy) -> Recourse:
    breach = breach_day(order, first_word)
    last_day = clocks.court_last_day(breach, policy=policy)
    return Recourse(
        way=Way.COURT,
        body=COURT,
        opens=breach,
        last_day=last_day,
        independent=True,
        still_open=today <= last_day,
        how=f"{plea} You can start a small claim online. Free advice helps you first.",
    )


def _scheme(
    order: OrderFacts, plea: str, *, first_word: date, letter: date | None, policy: CaseworkPolicy, today: date
) -> list[Recourse]:
    body = independent_body(policy, today)
    cap_pence = policy.count("adr_cap_gbp", today) * PENCE_A_POUND
    if body == COURT or (order.price_pence or 0) > cap_pence:
        return []
    opens = letter or clocks.scheme_letter_due(first_word, policy=policy)
    last_day = clocks.scheme_referral_last_day(opens, policy=policy)
    return [
        Recourse(
            way=Way.SCHEME,
            body=body,
            opens=opens,
            last_day=last_day,
            independent=True,
            still_open=today <= last_day,
            how=f"{plea} It costs you nothing. We must do what it decides if you accept it.",
        )
    ]


def _credit(order: OrderFacts, plea: str, *, first_word: date, policy: CaseworkPolicy, today: date) -> list[Recourse]:
    if order.payment not in {Payment.CREDIT_CARD, Payment.DEVICE_CREDIT}:
        return []
    opens = clocks.credit_leg_response_due(first_word, policy=policy)
    last_day = clocks.credit_leg_referral_last_day(opens, policy=policy)
    return [
        Recourse(
            way=Way.FINANCIAL_OMBUDSMAN,
            body="the Financial Ombudsman",
            opens=opens,
            last_day=last_day,
            independent=True,
            still_open=today <= last_day,
            how=f"{plea} First tell the bank that gave the credit. It costs you nothing.",
        )
    ]


def _cards(order: OrderFacts, plea: str, *, first_word: date, policy: CaseworkPolicy, today: date) -> list[Recourse]:
    ways = []
    breach = breach_day(order, first_word)
    low = policy.count("s75_min_gbp_exclusive", today) * PENCE_A_POUND
    high = policy.count("s75_max_gbp_inclusive", today) * PENCE_A_POUND
    if order.payment is Payment.CREDIT_CARD and (order.price_pence is None or low < order.price_pence <= high):
        last_day = clocks.court_last_day(breach, policy=policy)
        ways.append(
            Recourse(
                way=Way.CARD_LAW,
                body="the bank of your credit card",
                opens=breach,
                last_day=last_day,
                independent=False,
                still_open=today <= last_day,
                how=f"{plea} Your bank owes you the same as we do.",
            )
        )
    expected = order.expected_delivery or order.contract
    cap = policy.count("chargeback_cap_days", today)
    if order.payment in CARDS and expected is not None and (today - expected).days <= cap:
        last_day = clocks.chargeback_last_day(expected, policy=policy, processed=order.paid_on)
        ways.append(
            Recourse(
                way=Way.CHARGEBACK,
                body="the bank of your card",
                opens=expected,
                last_day=last_day,
                independent=False,
                still_open=today <= last_day,
                how=f"{plea} Ask your bank to take the payment back.",
            )
        )
    return ways
