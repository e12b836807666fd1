"""What is asked of the seller's own records: the one of an order, and those whose contact holds a text."""

import re
from itertools import islice

import msgspec
from sqlalchemy import Select, and_, func, or_, select
from sqlmodel import Session, col

from custody.store.tables import DisputeRow, SaleRow

READ_AT_ONCE = 500
WORDS_ASKED = 4


def find(session: Session, order_ref: str) -> SaleRow | None:
    """The record of an order; None if nobody recorded it."""
    return session.get(SaleRow, order_ref)


def with_contact(session: Session, text: str, *, limit: int) -> tuple[str, ...]:
    """Orders whose contact holds the text, newest first; those with a case before all others, be these many or few.

    It holds the text if it holds it as a whole, wherever either has spaces and however a phone number begins, or each
    of its words. Every sale is read for that, so the store is asked for the longest words alone, and they are few.
    """
    facts, newest = col(SaleRow.facts), col(SaleRow.recorded_ms).desc()
    squeezed = func.replace(facts, " ", "")
    whole = [squeezed.icontains(part, autoescape=True) for part in _wholes(text)]
    longest = sorted({*text.split()}, key=lambda word: (-len(word), word))[:WORDS_ASKED]
    words = [or_(*(squeezed.icontains(part, autoescape=True) for part in _spellings(word))) for word in longest]
    query = select(col(SaleRow.order_ref), facts).where(or_(*whole, and_(*words)))
    disputed = col(SaleRow.order_ref).in_(select(col(DisputeRow.order_ref)))
    found = [
        *_named(session, query.where(disputed).order_by(newest), text, limit),
        *_named(session, query.where(~disputed).order_by(newest), text, limit),
    ]
    return tuple(found[:limit])


def has_contact(sale: SaleRow, text: str) -> bool:
    """Whether the contact of a sale holds the text, as a whole or each of its words."""
    return _holds(sale.facts, text)


def _wholes(text: str) -> set[str]:
    """The whole text without its spaces; a phone number as it is dialled within the country and from abroad."""
    whole = "".join(text.split())
    found = _spellings(whole)
    if (abroad := re.fullmatch(r"(?:\+|00)44\(?0?\)?(\d{5,})", whole, re.ASCII)) is not None:
        found.add(f"0{abroad[1]}")
    elif re.fullmatch(r"0[1-9]\d{5,}", whole, re.ASCII):
        found.add(f"+44{whole[1:]}")
    return found


def _holds(facts: str, text: str) -> bool:
    squeezed = "".join(str(msgspec.json.decode(facts)["contact"]).split()).casefold()
    is_whole = any(part.casefold() in squeezed for part in _wholes(text))
    return is_whole or all(word.casefold() in squeezed for word in text.split())


def _spellings(text: str) -> set[str]:
    """A text in small and capital letters: SQLite takes those for alike in ASCII only."""
    return {text} if text.isascii() else {text, text.lower(), text.upper(), text.title()}


def _named(session: Session, query: Select[str, str], text: str, limit: int) -> list[str]:
    """The first sales that hold a text in their contact, and not merely in another of their facts."""
    with session.execute(query.execution_options(yield_per=READ_AT_ONCE)) as rows:
        return list(islice((reference for reference, facts in rows if _holds(facts, text)), limit))
