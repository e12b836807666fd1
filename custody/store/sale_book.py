"""What is asked of the seller's own records: the one of an order, and those whose contact holds a text."""

from collections.abc import Collection
from itertools import islice

import msgspec
from sqlalchemy import Select, or_, select
from sqlmodel import Session, col

from custody.store.tables import DisputeRow, SaleRow

READ_AT_ONCE = 500


def find(session: Session, order_ref: str) -> SaleRow | None:
    """The record of an order; None if nobody recorded it."""
    return session.get(SaleRow, order_ref)


def with_contact(session: Session, text: str, *, limit: int) -> tuple[str, ...]:
    """Orders whose contact holds the text, newest first; those with a case before all others, be these many or few."""
    wanted = _spellings(text) | _spellings(text.replace(" ", ""))
    facts, newest = col(SaleRow.facts), col(SaleRow.recorded_ms).desc()
    query = select(col(SaleRow.order_ref), facts).where(
        or_(*(facts.icontains(part, autoescape=True) for part in wanted))
    )
    disputed = col(SaleRow.order_ref).in_(select(col(DisputeRow.order_ref)))
    found = [
        *_named(session, query.where(disputed).order_by(newest), wanted, limit),
        *_named(session, query.where(~disputed).order_by(newest), wanted, limit),
    ]
    return tuple(found[:limit])


def _spellings(text: str) -> set[str]:
    """A text in small and capital letters: SQLite takes those for alike in ASCII only."""
    return {text} if text.isascii() else {text, text.lower(), text.upper(), text.title()}


def _named(session: Session, query: Select[str, str], wanted: Collection[str], limit: int) -> list[str]:
    """The first sales that hold a text in their contact, and not merely in another of their facts."""
    with session.execute(query.execution_options(yield_per=READ_AT_ONCE)) as rows:
        found = (
            reference
            for reference, facts in rows
            if any(part.casefold() in str(msgspec.json.decode(facts)["contact"]).casefold() for part in wanted)
        )
        return list(islice(found, limit))
