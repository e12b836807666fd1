"""The cases in which a promise is still to be kept, the one that is due next first: what is to be done today."""

import re
from dataclasses import dataclass

import msgspec
from sqlalchemy import ColumnElement, func, select, tuple_
from sqlmodel import Session, col

from custody.kernel.clock import Instant
from custody.kernel.errors import Rejected
from custody.store.case_book import CaseFile
from custody.store.owing import is_owed
from custody.store.tables import DisputeRow, PromiseRow

_CURSOR = re.compile(r"([0-9]{1,18})-(case_\w{1,40})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A case and the moment at which its next promise is due."""

    file: CaseFile
    due_ms: Instant

    @property
    def cursor(self) -> str:
        """The place of the case in the list, also after its promise was kept."""
        return f"{self.due_ms}-{self.file.case.id}"


def soonest_first(session: Session, *only: ColumnElement[bool], after: str | None, limit: int) -> list[Due]:
    """Cases by their next promise, then by id, from behind a `cursor` on; `only`: conditions of their rows.

    Raises `Rejected("cursor")` for what is no cursor.
    """
    next_due = func.min(col(PromiseRow.due_ms)).label("due_ms")
    owed = select(col(PromiseRow.dispute), next_due).where(is_owed()).group_by(col(PromiseRow.dispute)).subquery()
    place = tuple_(owed.c.due_ms, col(DisputeRow.id))
    query = select(col(DisputeRow.facts), owed.c.due_ms).join(owed, owed.c.dispute == col(DisputeRow.id)).where(*only)
    if after is not None:
        query = query.where(place > _place(after))
    rows = session.execute(query.order_by(owed.c.due_ms, col(DisputeRow.id)).limit(limit)).all()
    return [Due(file=msgspec.json.decode(facts, type=CaseFile), due_ms=due_ms) for facts, due_ms in rows]


def _place(cursor: str) -> tuple[int, str]:
    held = _CURSOR.fullmatch(cursor)
    if held is None:
        raise Rejected("cursor", f"no page ended with {cursor!r}", fix="Give `next` of the page before, or no cursor.")
    return int(held[1]), held[2]
