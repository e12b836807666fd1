"""Ways to pay money back that reach this customer.

- Bank transfer and cheque reach everybody. A return to the card needs a card payment.
- "On the next bill" and "on the account" need somebody we serve today: a former customer never gets a next bill, and a
  person whose standing is not known is treated like one.
- It does not go back the way it came where whoever paid has died (`people.payment_back`).
- Else the money goes back the way it came unless the customer prefers another (Consumer Rights Act 2015 s.20(16)).
"""

from enum import StrEnum

from custody.disputes.claim import PAYS_MONEY, Remedy
from custody.disputes.order import CARDS, Payment, Standing
from custody.kernel.errors import Rejected


class Payout(StrEnum):
    """A way to pay."""

    BANK_TRANSFER = "bank_transfer"
    CHEQUE = "cheque"
    CARD_RETURN = "card_return"
    NEXT_BILL = "next_bill"
    ACCOUNT_CREDIT = "account_credit"


WORDS = {
    Payout.BANK_TRANSFER: "by bank transfer",
    Payout.CHEQUE: "by cheque",
    Payout.CARD_RETURN: "back to your card",
    Payout.NEXT_BILL: "on your next bill",
    Payout.ACCOUNT_CREDIT: "on your account",
}


def payouts(standing: Standing | None, payment: Payment | None) -> tuple[Payout, ...]:
    """The ways that reach this customer, the way the money came first."""
    ways = [Payout.BANK_TRANSFER, Payout.CHEQUE]
    if payment in CARDS:
        ways.insert(0, Payout.CARD_RETURN)
    if standing is Standing.EXISTING:
        ways += [Payout.NEXT_BILL, Payout.ACCOUNT_CREDIT]
    return tuple(ways)


def works(remedy: Remedy, payout: str | None, *, standing: Standing | None, payment: Payment | None) -> bool | None:
    """The guard `payout_route_works_for_this_customer`: a remedy without money needs no way of payment."""
    if remedy not in PAYS_MONEY:
        return True
    return None if payout is None else payout in payouts(standing, payment)


def choose_payout(payout: str, *, standing: Standing | None, payment: Payment | None) -> Payout:
    """The chosen way; raises `Rejected("payout_route")` with the ways that work."""
    ways = payouts(standing, payment)
    if payout not in ways:
        raise Rejected(
            "payout_route",
            f"{payout!r} does not reach this customer",
            fix=f"Offer one of: {', '.join(WORDS[way] for way in ways)}.",
            offers=tuple(str(way) for way in ways),
        )
    return Payout(payout)
