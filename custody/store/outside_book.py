"""Outside promises as they stand in the cases: what was told, until it is rebutted or binds us."""

from collections.abc import Collection

import msgspec
from sqlalchemy import BigInteger, Text, delete, select
from sqlmodel import Field, Session, SQLModel, col

from custody.disputes.outside_promise import OUTSIDE, OutsidePromise
from custody.kernel.clock import Instant
from custody.store.unit import Unit


class OutsidePromiseRow(SQLModel, table=True):
    """What a customer was promised elsewhere, by their word. `facts` holds all of it, as JSON."""

    __tablename__ = "outside_promise"
    id: str = Field(primary_key=True)
    dispute: str = Field(index=True)
    state: str = Field(index=True)
    rebut_by_ms: int = Field(sa_type=BigInteger)
    facts: str = Field(sa_type=Text)


def put(unit: Unit, promise: OutsidePromise) -> None:
    """Insert or replace one."""
    row = unit.session.get(OutsidePromiseRow, promise.id)
    if row is None:
        row = OutsidePromiseRow(id=promise.id, dispute="", state="", rebut_by_ms=promise.rebut_by_ms, facts="")
    row.dispute, row.state = promise.case_id, promise.state
    row.facts = msgspec.json.encode(promise).decode()
    unit.session.add(row)


def of_case(session: Session, dispute: str) -> list[OutsidePromise]:
    """Those of a case as they are now, the first that was told first."""
    query = select(OutsidePromiseRow).where(col(OutsidePromiseRow.dispute) == dispute)
    rows = session.scalars(query.order_by(*_IN_ORDER).execution_options(populate_existing=True)).all()
    return [msgspec.json.decode(row.facts, type=OutsidePromise) for row in rows]


def pending_in(session: Session, disputes: Collection[str]) -> dict[str, Instant]:
    """The cases among these in which one is pending, each with the moment at which the first of them binds."""
    query = select(col(OutsidePromiseRow.dispute), col(OutsidePromiseRow.rebut_by_ms)).where(
        col(OutsidePromiseRow.state) == OUTSIDE.start, col(OutsidePromiseRow.dispute).in_(list(disputes))
    )
    return dict(session.execute(query.order_by(col(OutsidePromiseRow.rebut_by_ms).desc())).all())


def forget(session: Session, dispute: str) -> None:
    """Delete all that was told in a case."""
    session.connection().execute(delete(OutsidePromiseRow).where(col(OutsidePromiseRow.dispute) == dispute))


_IN_ORDER = (col(OutsidePromiseRow.rebut_by_ms), col(OutsidePromiseRow.id))
