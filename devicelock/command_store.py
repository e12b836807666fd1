"""Commands, asked of many orders at once."""

from collections.abc import Collection

from sqlalchemy import select
from sqlmodel import Session, col

from devicelock.rules.command import Op
from devicelock.store import CommandRow


def is_any_signed(session: Session) -> bool:
    """Whether any command was ever signed."""
    return session.scalars(select(col(CommandRow.id)).limit(1)).first() is not None


def locks_of_orders(session: Session, orders: Collection[str]) -> list[tuple[str, bytes]]:
    """The LOCKs that were signed for these orders, each with the order it is of."""
    if not orders:
        return []
    theirs = col(CommandRow.order).in_(orders), col(CommandRow.op) == Op.LOCK
    rows = session.execute(select(col(CommandRow.order), col(CommandRow.raw)).where(*theirs))
    return [(order, raw) for order, raw in rows]
