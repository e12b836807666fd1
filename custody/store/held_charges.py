"""The orders of which nothing is to be charged and no debt pursued: for whoever does that, to leave them out.

- An order is held while a case about it is open, whoever reported it and whatever it is about.
- So it is once the case is over, for as long as we owe its customer a promise or a credit.
- A report that was joined into one of another order holds its own order as long as that one goes on, or owes something
  for it.
- A case that the letter opened to an independent body goes on until the last day to go there.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import groupby, islice
from operator import attrgetter

import msgspec
from sqlalchemy import or_, select
from sqlmodel import Session, col

from custody.disputes.case import CASE, JOINED
from custody.disputes.opening import AN_OFFER
from custody.disputes.promise import Promise, is_owed
from custody.kernel.clock import Instant
from custody.store import case_book
from custody.store.case_book import OPEN, CaseFile
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
        reports = [(file, why) for _, file in group if (why := _why(session, file, today)) is not None]
        if reports:
            yield _held_charge(reference, [file for file, _ in reports], {why for _, why in reports})


def _why(session: Session, file: CaseFile, today: date) -> str | None:
    """Why a report holds its order; None if it does not."""
    heard = case_book.goes_on(session, file)
    if _goes_on(heard, today):
        return CASE_OPEN
    if heard.case.id == file.case.id and heard.unpaid_credit_pence:
        return OWED
    promises = case_book.promises(session, heard.case.id)
    return OWED if any(map(is_owed, _of_order(file, heard, promises))) else None


def _goes_on(heard: CaseFile, today: date) -> bool:
    if heard.case.state != "adr_open":
        return heard.case.state not in CASE.terminal
    way = next((way for way in heard.recourse if way.independent), None)
    return way is None or today <= way.last_day


def _of_order(file: CaseFile, heard: CaseFile, promises: Iterable[Promise]) -> Iterable[Promise]:
    """What of these promises holds the order of a report: what was for it, and all of its own case.

    Past the last day to go to the independent body nobody waits for an offer any more.
    """
    if heard.case.id != file.case.id:
        return (each for each in promises if each.order_ref == file.case.order_ref)
    return (each for each in promises if heard.case.state in CASE.terminal or each.what != AN_OFFER)


def _held_charge(reference: str, reports: list[CaseFile], why: Collection[str]) -> HeldCharge:
    sent_back = [file.order.sent_back for file in reports if file.order.sent_back]
    return HeldCharge(
        order_ref=reference,
        why=CASE_OPEN if CASE_OPEN in why else OWED,
        since_ms=min(map(attrgetter("case.first_word_ms"), reports)),
        sent_back=min(sent_back, default=None),
        disputes=tuple(file.case.id for file in reports),
    )
