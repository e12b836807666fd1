"""Whether locking the missing handset is fair for a kind of problem, and why or why not.

Where the customer once held the handset they are told before the lock; where it never reached them, at once.
A wish is not a lock: it names no device and holds no authority. The handset is found from the trail of the parcel, and
eligibility, authority and caps are checked where locks are made.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from custody.disputes.claim import LockRule, claim_of
from custody.disputes.policy import CaseworkPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class WishFacts:
    """What is known of the ordered handset; None is not known."""

    seen_on_customers_own_sim: bool | None = None
    lost_on_return_leg: bool | None = None
    absent_from_returns_bench: bool | None = None
    days_since_return: int | None = None
    customer_told: bool | None = None
    returns_bench_told: bool | None = None
    missing_from_custody: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LockWish:
    """Whether a lock is fair, for which kind of problem, and why. `notice` is at_once, before or none."""

    fair: bool
    claim_type: str | None
    reason: str
    notice: str


def lock_wish(claim_type: str | None, facts: WishFacts, *, policy: CaseworkPolicy, on_date: date) -> LockWish:
    """The wish for one case."""
    if claim_type is None:
        return LockWish(fair=False, claim_type=None, reason="The kind of problem is not agreed yet.", notice="none")
    rule = claim_of(claim_type).lock
    fair, reason = _decide(rule, facts, days=policy.count("returns_bench_days", on_date))
    if fair and facts.seen_on_customers_own_sim:
        fair, reason = False, "The handset was seen on the customer's own SIM: it is with them."
    notice = "none"
    if fair:
        held = rule not in {LockRule.AT_ONCE, LockRule.MISSING_FROM_CUSTODY}
        notice = policy.value("lock_notice", on_date)[
            "customer_still_served" if held else "order_never_reached_customer"
        ]
    return LockWish(fair=fair, claim_type=claim_type, reason=reason, notice=notice)


TO_CUSTOMER: Mapping[LockRule, str] = MappingProxyType(
    {
        LockRule.AT_ONCE: "The phone that you ordered never reached you.",
        LockRule.LOST_ON_RETURN_LEG: "The phone was lost on its way back to us.",
        LockRule.ABSENT_FROM_RETURNS_BENCH: "The phone that you sent back has not come to us.",
        LockRule.MISSING_FROM_CUSTODY: "The phone that you ordered went missing while we had it.",
    }
)
"""Why a lock is fair, as its customer reads it; `LockWish.reason` is for staff and stands in the case."""


def said_to_customer(wish: LockWish) -> str | None:
    """Why a lock is fair, in words for its customer; None where it is not."""
    return TO_CUSTOMER[claim_of(wish.claim_type).lock] if wish.fair and wish.claim_type else None


def _decide(rule: LockRule, facts: WishFacts, *, days: int) -> tuple[bool, str]:
    told = facts.customer_told is True and facts.returns_bench_told is True
    overdue = facts.days_since_return is not None and facts.days_since_return >= days
    fair, yes, no = {
        LockRule.AT_ONCE: (True, "The ordered handset never reached the customer.", ""),
        LockRule.LOST_ON_RETURN_LEG: (
            facts.lost_on_return_leg is True,
            "The handset was lost on its way back to us.",
            "The customer holds the handset; only one lost on its way back to us is locked.",
        ),
        LockRule.ABSENT_FROM_RETURNS_BENCH: (
            facts.absent_from_returns_bench is True and told and overdue,
            "The returned handset is not on the returns bench, and both sides were told.",
            f"A return is locked only when it is not on the bench by day {days} and both sides were told.",
        ),
        LockRule.MISSING_FROM_CUSTODY: (
            facts.missing_from_custody is True,
            "The ordered handset is missing from our own chain.",
            "The ordered handset is not known to be missing from our chain.",
        ),
        LockRule.NEVER: (False, "", "The customer holds the handset."),
        LockRule.STAYS: (False, "", "Nothing new is locked; a person reviews the lock that is there."),
    }[rule]
    return fair, yes if fair else no
