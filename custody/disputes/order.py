"""What is known of the order behind a report: who bought, how it was paid, and the days that the law counts from.

None means not known. A date that is not known never counts against the customer. An order with a day that cannot be
right is refused where it is recorded; where one is recorded already, a report of it takes that day as not known.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from custody.disputes import civil
from custody.kernel.errors import Rejected


class Standing(StrEnum):
    """Whether the person is served by us today. It opens ways of payment and never closes a remedy."""

    NEW = "new"
    EXISTING = "existing"
    FORMER = "former"


class Payment(StrEnum):
    """How the goods were paid for."""

    CREDIT_CARD = "credit_card"
    DEBIT_CARD = "debit_card"
    BANK_TRANSFER = "bank_transfer"
    DIRECT_DEBIT = "direct_debit"
    BILL = "bill"
    DEVICE_CREDIT = "device_credit"
    CASH = "cash"
    OTHER = "other"


FIRST_ORDER_DATE = date(1990, 1, 1)
MONTHS_AHEAD = 12
ORDER_DATES = (
    "contract",
    "expected_delivery",
    "delivered",
    "paid_on",
    "goods_back",
    "proof_of_sending",
    "repair_returned",
)
MOST_REPAIR_DAYS = 3650
CARDS = frozenset({Payment.CREDIT_CARD, Payment.DEBIT_CARD})


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFacts:
    """The order as the seller's own records and the customer's word have it."""

    order_ref: str | None = None
    standing: Standing | None = None
    payment: Payment | None = None
    price_pence: int | None = None
    contract: date | None = None
    expected_delivery: date | None = None
    delivered: date | None = None
    paid_on: date | None = None
    goods_back: date | None = None
    proof_of_sending: date | None = None
    repairs_tried: int = 0
    repair_wait_days: int = 0
    repair_returned: date | None = None

    @property
    def sent_back(self) -> date | None:
        """The earlier of proof of sending and the goods' return; None if neither is known."""
        return min(filter(None, (self.goods_back, self.proof_of_sending)), default=None)

    def __post_init__(self) -> None:
        counts = (self.repairs_tried, self.repair_wait_days, self.price_pence or 0)
        if min(counts) < 0 or self.repair_wait_days > MOST_REPAIR_DAYS:
            raise Rejected(
                "order",
                "a count or a sum of the order cannot be right",
                fix=f"Repairs, price and days are not negative, and a repair takes at most {MOST_REPAIR_DAYS} days.",
            )


def odd_days(order: OrderFacts, *, today: date) -> dict[str, date]:
    """The days of an order that cannot be right, by name."""
    days = {name: getattr(order, name) for name in ORDER_DATES}
    last = civil.add_months(today, MONTHS_AHEAD)
    return {name: day for name, day in days.items() if day is not None and not FIRST_ORDER_DATE <= day <= last}


def check_days(order: OrderFacts, *, today: date) -> None:
    """Raise `Rejected` for an order with a day that cannot be right."""
    for name, day in odd_days(order, today=today).items():
        raise Rejected(
            "date",
            f"{name} is {day.isoformat()}, which cannot be right",
            fix=f"Give a day from {FIRST_ORDER_DATE.isoformat()} on, at most a year ahead, or leave it out.",
        )
