"""What is offered to put it right, and until when.

- Every option of the kind of problem is offered, the default first. The customer chooses; the promise is the choice
  plus the days of the policy, and never later than the law's own last day.
- A defective handset is swapped first and assessed afterwards. After a failed repair, or within the short-term right to
  reject, the money is offered too; where the day of delivery is not known it is offered as well.
- A wrong thing in the parcel is collected free. A return charge is held while proof of sending exists. Nobody is left
  without a phone, and what the report took away (maps, service) is restored while we look.
- Part of the price is an option once its sum was named, because everything on offer can be chosen as it stands.
- Once the whole price was given back it is not given again, and no phone in its place.
- What we know of the customer's past has no place here: there is no argument for it.
"""

from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from types import MappingProxyType

from custody.disputes import civil, clocks
from custody.disputes.claim import PAYS_MONEY, ClaimType, Remedy, claim_of
from custody.disputes.order import OrderFacts
from custody.disputes.policy import CaseworkPolicy
from custody.disputes.work_clocks import UNITS, work_clock
from custody.kernel.clock import Instant

WORDS = MappingProxyType(
    {
        Remedy.REPLACEMENT: "a new phone sent to you",
        Remedy.REFUND: "your money back",
        Remedy.ADVANCE_SWAP: "a working phone, swapped at your door",
        Remedy.REPAIR: "a repair",
        Remedy.INSURANCE: "help with your insurance",
        Remedy.ACCESSORY: "the missing part sent to you",
        Remedy.PRICE_REDUCTION: "part of the price back",
        Remedy.UNLOCK: "your phone unlocked",
        Remedy.CONTACT: "the contact who can help you, and a receipt if you hand the phone in",
    }
)
PHONES = frozenset({Remedy.REPLACEMENT, Remedy.ADVANCE_SWAP, Remedy.REPAIR})
"""Remedies that give the customer a working phone."""
OTHER_KEYS = MappingProxyType(
    {
        Remedy.ACCESSORY: ("accessory_days", None),
        Remedy.UNLOCK: ("unlock_minutes", None),
        Remedy.CONTACT: ("remedy_offer_hours", "holder_enquiry"),
    }
)


class Extra(StrEnum):
    """What comes with an offer, unasked."""

    COLLECTED_FREE = "collected_free"
    CHARGE_HELD = "charge_held"
    LOAN_PHONE = "loan_phone"
    BENEFIT_RESTORED = "benefit_restored"
    LATE_CREDIT = "late_credit"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemedyOption:
    """One thing the customer can choose, its words, and the time we allow ourselves after the choice.

    `amount_pence` is the sum of a price reduction, None for everything else.
    """

    remedy: Remedy
    words: str
    within_ms: int
    amount_pence: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemedyOffer:
    """What is offered. The customer is reminded at `remind_ms`; an offer never lapses to nothing.

    `sum_to_name`: part of the price can be had too, once somebody of ours has named its sum. `paid_back`: the whole
    price was promised or paid back before.
    """

    claim_type: str
    options: tuple[RemedyOption, ...]
    extras: tuple[Extra, ...]
    offered_ms: Instant
    remind_ms: Instant
    sum_to_name: bool = False
    paid_back: bool = False

    @property
    def default(self) -> RemedyOption:
        """The option that is chosen if the customer says "do what you think best"."""
        return self.options[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What the report took from the customer; None is not known."""

    has_working_phone: bool | None = None
    benefit_lost: bool | None = None


def offer_remedy(
    claim_type: str,
    order: OrderFacts,
    needs: Needs,
    *,
    policy: CaseworkPolicy,
    now_ms: Instant,
    left_pence: int | None = None,
    paid_back: bool = False,
) -> RemedyOffer:
    """The offer for a kind of problem.

    None of money if none of the price is left, and no phone if it was `paid_back` to this customer. Where nothing else
    helps the refund stands alone: choosing it says what became of it.
    """
    today = civil.civil_date(now_ms)
    remedies = [
        *claim_of(claim_type).remedies,
        *(_after_failed_repair(order, policy=policy, today=today) if claim_type == ClaimType.DEFECTIVE else ()),
    ]
    if claim_type == ClaimType.DEFECTIVE and not _may_have_money(order, policy=policy, today=today):
        remedies.remove(Remedy.REFUND)
        remedies.append(Remedy.REPAIR)
    gone = (PAYS_MONEY if left_pence == 0 else frozenset()) | (PHONES if paid_back else frozenset())
    remedies = [remedy for remedy in remedies if remedy not in gone] or [Remedy.REFUND]
    options = tuple(
        RemedyOption(remedy=remedy, words=WORDS[remedy], within_ms=within_ms(remedy, now_ms, policy=policy))
        for remedy in dict.fromkeys(remedies)
        if remedy != Remedy.PRICE_REDUCTION
    )
    return RemedyOffer(
        claim_type=claim_type,
        options=options,
        extras=_extras(claim_type, order, needs),
        offered_ms=now_ms,
        remind_ms=work_clock("offer_choice_days", now_ms, policy=policy).due_ms,
        sum_to_name=Remedy.PRICE_REDUCTION in remedies and bool(order.price_pence),
        paid_back=paid_back,
    )


def learned(offer: RemedyOffer, order: OrderFacts, needs: Needs) -> RemedyOffer:
    """An offer after more was learned of its order or its customer: more may come with it, and nothing of it goes."""
    more = _extras(offer.claim_type, order, needs)
    return replace(offer, extras=tuple(dict.fromkeys((*offer.extras, *more))))


def within_ms(remedy: Remedy, chosen_ms: Instant, *, policy: CaseworkPolicy) -> int:
    """How long we allow ourselves after the choice."""
    key, part = OTHER_KEYS.get(remedy, ("remedy_complete_days", str(remedy)))
    return policy.count(key, civil.civil_date(chosen_ms), part=part) * UNITS[key.rsplit("_", 1)[-1]]


def remedy_due_ms(
    remedy: Remedy, order: OrderFacts, *, claim_type: str, chosen_ms: Instant, policy: CaseworkPolicy
) -> Instant:
    """The instant to promise: the choice plus our days, or the end of the law's last day if that is earlier."""
    due_ms = chosen_ms + within_ms(remedy, chosen_ms, policy=policy)
    if remedy is not Remedy.REFUND:
        return due_ms
    last_day = clocks.refund_after_rejection(civil.civil_date(chosen_ms), policy=policy)
    returned = order.sent_back
    if (
        claim_type == ClaimType.RETURNED_NOT_CREDITED
        and returned is not None
        and policy.in_force("refund_days_cancellation", returned)
    ):
        last_day = clocks.refund_after_cancellation(
            goods_back=order.goods_back, proof_of_sending=order.proof_of_sending, policy=policy
        )
    law_ms = civil.day_ends_ms(last_day)
    return min(due_ms, law_ms) if law_ms > chosen_ms else due_ms


def _after_failed_repair(order: OrderFacts, *, policy: CaseworkPolicy, today: date) -> tuple[Remedy, ...]:
    enough = order.repairs_tried >= policy.count("repairs_before_final_reject", today)
    return (Remedy.REFUND, Remedy.PRICE_REDUCTION) if enough else ()


def _may_have_money(order: OrderFacts, *, policy: CaseworkPolicy, today: date) -> bool:
    if order.delivered is None or _after_failed_repair(order, policy=policy, today=today):
        return True
    if not policy.in_force("short_term_reject_days", order.delivered):
        return False
    last_day = clocks.short_term_reject_last_day(
        order.delivered,
        policy=policy,
        repair_wait_days=order.repair_wait_days,
        repair_returned=order.repair_returned,
    )
    return today <= last_day


def _extras(claim_type: str, order: OrderFacts, needs: Needs) -> tuple[Extra, ...]:
    wrong_thing_held = {ClaimType.SUBSTITUTED, ClaimType.DAMAGED, ClaimType.DEFECTIVE, ClaimType.WRONG_ITEM}
    returned = claim_type == ClaimType.RETURNED_NOT_CREDITED
    given = {
        Extra.COLLECTED_FREE: claim_type in wrong_thing_held,
        Extra.CHARGE_HELD: returned and order.sent_back is not None,
        Extra.LOAN_PHONE: needs.has_working_phone is False,
        Extra.BENEFIT_RESTORED: needs.benefit_lost is True,
        Extra.LATE_CREDIT: claim_type == ClaimType.LEAVER_LOCKED,
    }
    return tuple(extra for extra, holds in given.items() if holds)
