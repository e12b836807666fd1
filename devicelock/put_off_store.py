"""The locks that are put off, and the questions asked of them.

- `lock_put_off`: a refused order that has only to wait for what held it back, and when it is looked at again.
"""

from collections.abc import Collection

from sqlalchemy import BigInteger, delete, func, select, update
from sqlmodel import Field, Session, SQLModel, col

from custody.kernel.clock import Instant
from custody.store.bulk import add, ask
from custody.store.unit import Unit


class PutOffRow(SQLModel, table=True):
    """A refused order that is to be asked for again; `next_ms` is when somebody looks whether it may be."""

    __tablename__ = "lock_put_off"
    order: str = Field(primary_key=True)
    since_ms: int = Field(sa_type=BigInteger)
    next_ms: int = Field(sa_type=BigInteger, index=True)


def put_off(unit: Unit, order: str) -> None:
    """A refused order is to be asked for again."""
    add(unit.session, PutOffRow, [{"order": order, "since_ms": unit.now_ms, "next_ms": unit.now_ms}])


def is_put_off(session: Session, order: str) -> bool:
    """Whether an order is to be asked for again."""
    return bool(ask(session, 'SELECT 1 FROM lock_put_off WHERE "order" = ?', (order,)))


def due(session: Session, *, now_ms: Instant, limit: int) -> list[PutOffRow]:
    """Those to look at now, who has waited longest first."""
    query = select(PutOffRow).where(col(PutOffRow.next_ms) <= now_ms)
    return list(session.scalars(query.order_by(col(PutOffRow.since_ms), col(PutOffRow.order)).limit(limit)).all())


def look_now(session: Session, now_ms: Instant) -> None:
    """Something that holds locks back has ended: every one is looked at again now."""
    session.execute(update(PutOffRow).values(next_ms=now_ms))


def forget(session: Session, orders: Collection[str]) -> None:
    """Ask for none of these again."""
    session.execute(delete(PutOffRow).where(col(PutOffRow.order).in_(list(orders))))


def count(session: Session) -> int:
    """How many are put off."""
    return session.scalar(select(func.count()).select_from(PutOffRow)) or 0
