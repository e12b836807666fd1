"""The lock orders of a case, also where it was joined into another one and they went with it."""

import msgspec
from sqlmodel import Session

from custody.store import case_book
from custody.store.case_book import CaseFile
from custody.store.unit import Unit
from devicelock import store as lock_store
from devicelock.store import LockOrderRow

JOINED_FROM = "joined_from"
"""In the facts of a lock order: the cases that it was under before they were joined into others."""


def join_locks(unit: Unit, *, dispute: str, into: str) -> None:
    """The locks of a case that was joined go on under the one that goes on, and it stays known whose they were."""
    for order in lock_store.orders_of_dispute(unit.session, dispute):
        facts = msgspec.json.decode(order.facts)
        order.facts = msgspec.json.encode({**facts, JOINED_FROM: [*_joined_from(order), dispute]}).decode()
        order.dispute = into
        unit.session.add(order)
    unit.session.flush()  # the orders of a case are asked for past the session


def ordered_for(session: Session, file: CaseFile) -> list[LockOrderRow]:
    """The lock orders of a case; once it was joined, those that it brought along to where it went."""
    orders = lock_store.orders_of_dispute(session, file.case.id)
    into = file.case.joined_into
    while into is not None:
        orders += [row for row in lock_store.orders_of_dispute(session, into) if file.case.id in _joined_from(row)]
        into = case_book.read(session, into).case.joined_into
    return orders


def _joined_from(order: LockOrderRow) -> list[str]:
    found: list[str] = msgspec.json.decode(order.facts).get(JOINED_FROM, [])
    return found
