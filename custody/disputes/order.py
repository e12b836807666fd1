"""What is known of the order behind a report: who bought, how it was paid, and the days that the law counts from.

None means not known. A date that is not known never counts against the customer.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

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
