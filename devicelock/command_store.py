"""Commands, asked of many orders at once."""

from collections.abc import Collection

from sqlalchemy import select
from sqlmodel import Session, col

from custody.store.bulk import pick
from devicelock.rules.command import Op
from devicelock.store import CommandRow


def is_any_signed(session: Session) -> bool:
    """Whether any command was ever signed."""
    return session.scalars(select(col(CommandRow.id)).limit(1)).first() is not None


def locks_of_orders(session: Session, orders: Collection[str]) -> list[tuple[str, bytes]]:
    """The LOCKs that were signed for these orders, each with the order it is of."""
    found = pick(session, CommandRow, ("order", "raw"), by=("order",), values=orders, where=f"op = '{Op.LOCK}'")
    return [(order, raw) for order, raw in found]
