"""Investigations: at most one of a case, as people carry it on."""

from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement, exists, select
from sqlmodel import Session, col

from custody.kernel.clock import Instant
from custody.kernel.errors import NotFound
from custody.store.tables import InquiryRow
from custody.store.unit import Unit

AT_ONCE = 50


def begin(unit: Unit, dispute: str) -> str:
    """Open the investigation of a case, once; returns its id."""
    held = find(unit.session, dispute)
    if held is not None:
        return held.id
    name = unit.ids.new("inq")
    opened = {"opened_ms": unit.now_ms, "told_ms": unit.now_ms}
    unit.session.add(InquiryRow(id=name, dispute=dispute, state="open", result=None, **opened))
    return name


def read(session: Session, dispute: str) -> InquiryRow:
    """The investigation of a case; raises `NotFound`."""
    row = find(session, dispute)
    if row is None:
        raise NotFound("investigation", f"case {dispute!r} has no investigation", fix="Its kind needs none.")
    return row


def find(session: Session, dispute: str) -> InquiryRow | None:
    """The investigation of a case; None if its kind needs none."""
    return session.scalars(select(InquiryRow).where(col(InquiryRow.dispute) == dispute)).one_or_none()


def hold(unit: Unit, dispute: str) -> InquiryRow:
    """The investigation of a case as it is now, held until the unit ends; raises `NotFound`."""
    row = read(unit.session, dispute)
    unit.session.refresh(row, with_for_update=True)
    return row


def quiet(
    session: Session, states: Sequence[str], *, before_ms: Instant, limit: int, hold: bool = True
) -> list[InquiryRow]:
    """Investigations in these states of which the customer was last told before a moment, the quietest first."""
    query = select(InquiryRow).where(*_quiet(states, before_ms)).order_by(col(InquiryRow.told_ms)).limit(limit)
    return list(session.scalars(query.with_for_update() if hold else query).all())


def is_quiet(session: Session, states: Sequence[str], *, before_ms: Instant) -> bool:
    """Whether there is one that `quiet` would give; nobody waits for who asks."""
    return bool(session.scalar(select(exists().where(*_quiet(states, before_ms)))))


def _quiet(states: Sequence[str], before_ms: Instant) -> tuple[ColumnElement[bool], ...]:
    return (col(InquiryRow.told_ms) <= before_ms, col(InquiryRow.state).in_(list(states)))


def every(session: Session) -> Iterator[InquiryRow]:
    """Every investigation by its id, one after the other: the documents of all results are too much to hold or sort."""
    query = select(InquiryRow).order_by(col(InquiryRow.id))
    yield from session.scalars(query.execution_options(yield_per=AT_ONCE))
