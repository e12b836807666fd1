"""Exceptions as they stand in the cases: what was asked for beyond the rules, and what was answered."""

from collections.abc import Collection

import msgspec
from sqlalchemy import BigInteger, Text, delete, func, select
from sqlmodel import Field, Session, SQLModel, col

from custody.disputes.exception import EXCEPTION, AskedException
from custody.kernel.clock import Instant
from custody.store.newest_first import newest_first
from custody.store.unit import Unit


class ExceptionRow(SQLModel, table=True):
    """Something that was asked for beyond the rules. `facts` holds all of it, as JSON."""

    __tablename__ = "exception"
    id: str = Field(primary_key=True)
    dispute: str = Field(index=True)
    state: str = Field(index=True)
    approver: str
    asked_ms: int = Field(sa_type=BigInteger)
    due_ms: int = Field(sa_type=BigInteger)
    facts: str = Field(sa_type=Text)


def put(unit: Unit, asked: AskedException) -> None:
    """Insert or replace one."""
    row = unit.session.get(ExceptionRow, asked.id)
    if row is None:
        row = ExceptionRow(
            id=asked.id, dispute="", state="", approver="", asked_ms=asked.asked_ms, due_ms=asked.due_ms, facts=""
        )
    row.dispute, row.state, row.approver, row.due_ms = asked.case_id, asked.state, asked.approver, asked.due_ms
    row.facts = msgspec.json.encode(asked).decode()
    unit.session.add(row)


def of_case(session: Session, dispute: str) -> list[AskedException]:
    """Those of a case as they are now, the one that was asked first first."""
    query = select(ExceptionRow).where(col(ExceptionRow.dispute) == dispute)
    in_order = query.order_by(col(ExceptionRow.asked_ms), col(ExceptionRow.id))
    return _read(session.scalars(in_order.execution_options(populate_existing=True)).all())


def listing(session: Session, *, waiting: bool, after: str | None, limit: int) -> list[AskedException]:
    """Those that wait for their answer, or those that have one; newest first, from behind the id `after` on."""
    is_asked = col(ExceptionRow.state) == EXCEPTION.start
    query = newest_first(session, ExceptionRow, when="asked_ms", after=after)
    return _read(session.scalars(query.where(is_asked if waiting else ~is_asked).limit(limit)).all())


def waiting_for(session: Session, approvers: Collection[str]) -> dict[str, int]:
    """How many wait for each of these people."""
    mine = col(ExceptionRow.state) == EXCEPTION.start, col(ExceptionRow.approver).in_(list(approvers))
    query = select(col(ExceptionRow.approver), func.count()).where(*mine)
    return dict(session.execute(query.group_by(col(ExceptionRow.approver))).all())


def waits_in(session: Session, disputes: Collection[str]) -> bool:
    """Whether one waits for its answer in any of these cases."""
    mine = col(ExceptionRow.state) == EXCEPTION.start, col(ExceptionRow.dispute).in_(list(disputes))
    return session.scalars(select(col(ExceptionRow.id)).where(*mine).limit(1)).first() is not None


def unanswered(session: Session, *, now_ms: Instant, limit: int) -> list[AskedException]:
    """Those whose approver has not answered in time, the longest overdue first."""
    late = col(ExceptionRow.state) == EXCEPTION.start, col(ExceptionRow.due_ms) < now_ms
    query = select(ExceptionRow).where(*late).order_by(col(ExceptionRow.due_ms), col(ExceptionRow.id)).limit(limit)
    return _read(session.scalars(query.execution_options(populate_existing=True)).all())


def forget(session: Session, dispute: str) -> None:
    """Delete all that was asked for in a case."""
    session.connection().execute(delete(ExceptionRow).where(col(ExceptionRow.dispute) == dispute))


def _read(rows: Collection[ExceptionRow]) -> list[AskedException]:
    return [msgspec.json.decode(row.facts, type=AskedException) for row in rows]
