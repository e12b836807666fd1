"""What of the price is left to give back, and the sum of a remedy that pays money.

- A refund gives back what is left of the price. What was promised or paid before counts, whatever came after it; what
  the customer crossed out or chose something else for does not, nor a payment that came back to us. What the scheme
  decided counts with its sum; where it has none, the words of a refund count as any refund, and all else with nothing.
  What stands beside the remedy by the scheme's word counts with nothing, and what the customer was promised elsewhere,
  or outside the offer, with its sum.
- No rule sets the sum of a price reduction (Consumer Rights Act 2015 s.24 and s.25: an appropriate one). Whoever agrees
  on it with the customer names it, within what is left of the price, and only then it is an option, with its sum.
- Where the price is not known, or nothing was paid up front, a refund is promised in words, and once.
"""

from collections.abc import Iterable
from dataclasses import replace

from custody.disputes.claim import PAYS_MONEY, Remedy
from custody.disputes.policy import CaseworkPolicy
from custody.disputes.promise import AS_DECIDED, BY_OUR_WORD, BY_THEIR_WORD, ON_TOP, Promise
from custody.disputes.remedy import WORDS, RemedyOffer, RemedyOption, within_ms
from custody.kernel.errors import Conflict, Rejected

_MONEY = frozenset(WORDS[remedy] for remedy in PAYS_MONEY)
_REMEDIES = frozenset(WORDS.values())


def is_money(promise: Promise) -> bool:
    """Whether a promise gives back money of the price."""
    return promise.what.lower() in _MONEY


def may_come_back(promise: Promise) -> bool:
    """Whether a payment for it may come back: what the scheme decided may be money too."""
    return is_money(promise) or promise.amount_pence is not None or promise.method in {AS_DECIDED, ON_TOP}


def is_beside(promise: Promise) -> bool:
    """Whether it was promised elsewhere, or outside the offer, and is no remedy.

    It stands beside whatever puts the order right.
    """
    return promise.source in {BY_THEIR_WORD, BY_OUR_WORD} and promise.what not in _REMEDIES


def is_sum_beside(promise: Promise) -> bool:
    """Whether that is a sum, which gives back money of the price all the same; not one on top of the rest."""
    return is_beside(promise) and promise.amount_pence is not None and promise.method != ON_TOP


def left_of_price(price_pence: int | None, promises: Iterable[Promise]) -> int | None:
    """What is left to give back, in pence; None where no sum can be told and no refund was promised either."""
    counted = [each for each in promises if _is_refund(each) or _has_sum(each) or is_sum_beside(each)]
    counted = [each for each in counted if each.method != ON_TOP and each.state != "void"]
    counted = [each for each in counted if not each.came_back and not each.replaced]
    if not price_pence:
        return 0 if any(map(_is_refund, counted)) else None
    return max(0, price_pence - sum(each.amount_pence or price_pence for each in counted))


def name_sum(offer: RemedyOffer, pence: int, *, left_pence: int | None, policy: CaseworkPolicy) -> RemedyOffer:
    """The offer with part of the price as an option; raises `Rejected("price_reduction")`."""
    if not offer.sum_to_name or left_pence is None:
        raise _refused("part of the price cannot be offered here", "Leave the sum out, or see that the price is known.")
    if not 0 < pence <= left_pence:
        raise _refused("the sum is not within the price", f"Name 1 to {left_pence} pence; that much is left of it.")
    option = RemedyOption(
        remedy=Remedy.PRICE_REDUCTION,
        words=WORDS[Remedy.PRICE_REDUCTION],
        within_ms=within_ms(Remedy.PRICE_REDUCTION, offer.offered_ms, policy=policy),
        amount_pence=pence,
    )
    return replace(offer, options=(*offer.options, option), sum_to_name=False)


def sum_of(option: RemedyOption, *, left_pence: int | None) -> int | None:
    """The sum to promise with an option, None if it pays none or none is known; raises `Conflict("paid")`."""
    if option.remedy not in PAYS_MONEY:
        return None
    if left_pence == 0:
        raise paid_back()
    if option.amount_pence is None or left_pence is None:
        return left_pence
    return min(option.amount_pence, left_pence)


def paid_back() -> Conflict:
    """What is said where the whole price was given back already."""
    return Conflict(
        "paid",
        "the whole price was promised or paid back to you already",
        fix="Has the money not reached you? Tell us. We look where it is, and pay again what came back to us.",
    )


def _is_refund(promise: Promise) -> bool:
    """Whether it gives back what is left of the price; a scheme may say so with a capital letter."""
    return promise.what.lower() == WORDS[Remedy.REFUND]


def _has_sum(promise: Promise) -> bool:
    """Whether it is a sum of money: part of the price, or what the scheme decided."""
    return (is_money(promise) or promise.method == AS_DECIDED) and promise.amount_pence is not None


def _refused(why: str, fix: str) -> Rejected:
    return Rejected("price_reduction", why, fix=fix)
