"""The cases in which something is owed to a customer whom no open case brings to mind: to be paid by whoever pays."""

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlmodel import col

from custody.disputes.case import CASE
from custody.disputes.outside_promise import OUTSIDE
from custody.disputes.promise import PROMISE
from custody.store.outside_book import OutsidePromiseRow
from custody.store.tables import DisputeRow, PromiseRow

_OPEN = tuple(state for state in PROMISE.states if state not in PROMISE.terminal)
"""The states of a promise that is not over; named one by one, they lead to its rows by their index."""
_CREDIT, _REPLACED = '%"unpaid_credit_pence":{}%', '%"replaced":true%'
"""Fields as they are stored. No words have them: there a quotation mark has a backslash before it."""


def owes() -> ColumnElement[bool]:
    """Whether a credit of a case is not paid, or a case that is over leaves a promise that is still to be kept."""
    facts = col(DisputeRow.facts)
    credited = and_(facts.like(_CREDIT.format("")), ~facts.like(_CREDIT.format("0,")))
    over = col(DisputeRow.state).in_(sorted(CASE.terminal))
    mine = col(PromiseRow.dispute) == col(DisputeRow.id)
    return or_(credited, and_(over, exists().where(mine, is_owed())))


def is_left_to_keep() -> ColumnElement[bool]:
    """Whether a promise of a case is still to be kept, in time or late, whether or not the case is over."""
    left = select(col(PromiseRow.dispute)).where(col(PromiseRow.state).in_(_OPEN), is_owed())
    return col(DisputeRow.id).in_(left)


def is_to_bind() -> ColumnElement[bool]:
    """Whether something that was promised elsewhere is pending in a case, whether or not the case is over."""
    pending = col(OutsidePromiseRow.state) == OUTSIDE.start
    return col(DisputeRow.id).in_(select(col(OutsidePromiseRow.dispute)).where(pending))


def is_owed() -> ColumnElement[bool]:
    """Whether a promise is still to be kept, in time or late (`promise.is_owed`)."""
    return and_(col(PromiseRow.state).not_in(sorted(PROMISE.terminal)), ~col(PromiseRow.facts).like(_REPLACED))
