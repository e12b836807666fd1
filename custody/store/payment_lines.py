"""What the lines of a timeline tell of what was paid or delivered, and of what came back from the bank."""

from collections.abc import Iterator

import msgspec
from sqlmodel import Session

from custody.disputes.line import LineKind
from custody.store import case_book
from custody.store.tables import DisputeEventRow

PAYMENTS: frozenset[LineKind] = frozenset(
    {"remedied", "promise_kept", "credit_paid", "credit_came_back", "payment_came_back"}
)


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of such a line; None: it is of a kind that has no such fact, or it was erased.

    `reference` shows the payment or the delivery itself, and `payment` is the reference of the one that came back. The
    line of a remedy names no `promise`.
    """

    reference: str | None = None
    promise: str | None = None
    payment: str | None = None
    pence: int | None = None


def payment_in(line: DisputeEventRow) -> Payment:
    """What a line tells of a payment."""
    return msgspec.json.decode(line.facts, type=Payment)


def payments(session: Session, dispute: str) -> Iterator[tuple[LineKind, Payment]]:
    """The payments of the reports that were joined into a case, and then its own, in order, with each line's kind."""
    for case in (*case_book.joined_into(session, dispute), dispute):
        for line in case_book.timeline(session, case):
            if line.kind in PAYMENTS:
                yield line.kind, payment_in(line)
