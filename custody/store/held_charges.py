"""The orders of which nothing is to be charged and no debt pursued: for whoever does that, to leave them out.

- An order is held while a case about it is open, whoever reported it and whatever it is about.
- So it is once the case is over, for as long as we owe its customer a promise or a credit.
- A report that was joined into one of another order holds its own order as long as that one goes on.
- A case that the letter opened to an independent body holds its order until the last day to go there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import groupby, islice
from operator import attrgetter

import msgspec
from sqlalchemy import or_, select
from sqlmodel import Session, col

from custody.disputes.case import CASE
from custody.kernel.clock import Instant
from custody.store import case_book
from custody.store.case_book import JOINED, OPEN, CaseFile
from custody.store.owing import owes
from custody.store.tables import DisputeRow

READ_AT_ONCE = 200
CASE_OPEN, OWED = "case_open", "owed"
"""Why an order is held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldCharge:
    """An order of which nothing is to be charged: why, since which first word, and the day it was sent back."""

    order_ref: str
    why: str
    since_ms: Instant
    sent_back: date | None
    disputes: tuple[str, ...]


def held_charges(session: Session, *, after: str | None, limit: int, today: date) -> list[HeldCharge]:
    """Held orders by their reference, from behind the one that the page before ended with."""
    state, order = col(DisputeRow.state), col(DisputeRow.order_ref)
    query = select(order, col(DisputeRow.facts)).where(order > (after or ""), or_(state.in_([*OPEN, JOINED]), owes()))
    with session.execute(query.order_by(order, col(DisputeRow.id)).execution_options(yield_per=READ_AT_ONCE)) as rows:
        files = ((reference, msgspec.json.decode(facts, type=CaseFile)) for reference, facts in rows)
        return list(islice(_held(session, files, today), limit))


def _held(session: Session, files: Iterator[tuple[str, CaseFile]], today: date) -> Iterator[HeldCharge]:
    for reference, group in groupby(files, key=lambda pair: pair[0]):
        reports = [file for _, file in group if _holds(case_book.goes_on(session, file), file, today)]
        if reports:
            yield _of(reference, reports)


def _holds(goes_on: CaseFile, file: CaseFile, today: date) -> bool:
    state = goes_on.case.state
    if state == "adr_open":
        way = next((way for way in goes_on.recourse if way.independent), None)
        return way is None or today <= way.last_day
    return state not in CASE.terminal or goes_on.case.id == file.case.id


def _of(reference: str, reports: list[CaseFile]) -> HeldCharge:
    is_open = any(file.case.state not in CASE.terminal or file.case.joined_into for file in reports)
    sent_back = [file.order.sent_back for file in reports if file.order.sent_back]
    return HeldCharge(
        order_ref=reference,
        why=CASE_OPEN if is_open else OWED,
        since_ms=min(map(attrgetter("case.first_word_ms"), reports)),
        sent_back=min(sent_back, default=None),
        disputes=tuple(file.case.id for file in reports),
    )
