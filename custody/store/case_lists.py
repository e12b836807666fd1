"""Lists of cases as staff look for them, newest first: open, ended, or owing something; of orders; with a number.

Beside them: how many lines of a kind somebody wrote lately, in whatever cases.
"""

from collections.abc import Collection, Sequence

import msgspec
from sqlalchemy import Select, func, or_, select
from sqlmodel import Session, col

from custody.disputes.case import CASE
from custody.kernel.clock import Instant
from custody.store.bulk import write_first
from custody.store.case_book import CaseFile
from custody.store.owing import owes
from custody.store.tables import DisputeEventRow, DisputeRow


def page(session: Session, *, show: str, owner: str | None, after: str | None, limit: int) -> tuple[CaseFile, ...]:
    """Cases that `ended`, that are `owed` something, or else that are open; those of one owner if asked.

    They begin behind the case `after`, or at the newest if there is no such case.
    """
    ended, state = sorted(CASE.terminal), col(DisputeRow.state)
    shown = {"ended": state.in_(ended), "owed": owes()}
    query = _newest_first().where(shown.get(show, state.not_in(ended)))
    if owner is not None:
        query = query.where(col(DisputeRow.owner) == owner)
    last = session.get(DisputeRow, after) if after else None
    if last is not None:
        older = col(DisputeRow.opened_ms) < last.opened_ms
        same = (col(DisputeRow.opened_ms) == last.opened_ms) & (col(DisputeRow.id) < last.id)
        query = query.where(older | same)
    return _files(session, query.limit(limit))


def of_orders(session: Session, references: Sequence[str], *, limit: int) -> tuple[CaseFile, ...]:
    """The cases about these orders."""
    if not references:
        return ()
    return _files(session, _newest_first().where(col(DisputeRow.order_ref).in_(references)).limit(limit))


def holding(
    session: Session, numbers: Collection[str], *, of_no_order: bool = False, limit: int
) -> tuple[CaseFile, ...]:
    """The cases in whose file one of these numbers stands, wherever it does: every case is read for them.

    `of_no_order`: only those without an order, which are few.
    """
    if not numbers:
        return ()
    query = _newest_first().where(
        or_(*(col(DisputeRow.facts).icontains(number, autoescape=True) for number in numbers))
    )
    if of_no_order:
        query = query.where(col(DisputeRow.order_ref) == "")
    return _files(session, query.limit(limit))


def lines_by_since(session: Session, kind: str, actors: Collection[str], since_ms: Instant) -> int:
    """How many lines of a kind these accounts have written since a moment; older ones are not read."""
    write_first(session, DisputeEventRow)
    name, at_ms = col(DisputeEventRow.id), col(DisputeEventRow.at_ms)
    older = session.scalar(select(name).where(at_ms < since_ms).order_by(name.desc()).limit(1)) or 0
    mine = (name > older, col(DisputeEventRow.kind) == kind, col(DisputeEventRow.actor).in_(list(actors)))
    return session.scalar(select(func.count()).select_from(DisputeEventRow).where(*mine)) or 0


def _newest_first() -> Select[DisputeRow]:
    return select(DisputeRow).order_by(col(DisputeRow.opened_ms).desc(), col(DisputeRow.id).desc())


def _files(session: Session, query: Select[DisputeRow]) -> tuple[CaseFile, ...]:
    return tuple(msgspec.json.decode(row.facts, type=CaseFile) for row in session.scalars(query).all())
