"""The lock orders of a case, also where they went from one to another.

With a case that is joined they go to the one that goes on. What another's report had locked goes to the case of the
handset's own customer, if they wish for a lock or turn out to have the handset: nobody else's word takes it back then,
and they are told of it and paid for a wrong one, and not whoever read a number off the box.
"""

from sqlmodel import Session

from api.circumstances import cases_of, is_customers
from custody.store import case_book
from custody.store.case_book import CaseFile
from custody.store.unit import Unit
from devicelock import store as lock_store
from devicelock.order_facts import read_facts
from devicelock.store import LockOrderRow

"""In the facts of a lock order: the cases that it was under before they were joined into others."""


def join_locks(unit: Unit, *, dispute: str, into: str) -> None:
    """The locks of a case that was joined go on under the one that goes on, and it stays known whose they were."""
    for order in lock_store.orders_of_dispute(unit.session, dispute):
        lock_store.add_facts(order, joined_from=[*joined_from(order), dispute])
        order.dispute = into
        unit.session.add(order)
    unit.session.flush()  # the orders of a case are asked for past the session


def give_to_customer(unit: Unit, order: LockOrderRow) -> None:
    """A lock on a handset that its customer has goes on under their own newest case, if it was under none of theirs."""
    session = unit.session
    if order.dispute is not None and is_customers(session, case_book.read(session, order.dispute)):
        return
    own = [file for file in cases_of(session, order.imei) if not file.case.joined_into and is_customers(session, file)]
    if own:
        give_to(unit, order, own[-1])


def give_to(unit: Unit, order: LockOrderRow, file: CaseFile) -> None:
    """A lock goes on under this case from now on."""
    before, order.dispute = order.dispute, file.case.id
    unit.session.add(order)
    unit.session.flush()  # the orders of a case are asked for past the session
    lock_store.note(unit, order, "joined", actor="system", facts={"dispute": file.case.id, "before": before})


def ordered_for(session: Session, file: CaseFile) -> list[LockOrderRow]:
    """The lock orders of a case; once it was joined, those that it brought along to where it went."""
    orders = lock_store.orders_of_dispute(session, file.case.id)
    into = file.case.joined_into
    while into is not None:
        orders += [row for row in lock_store.orders_of_dispute(session, into) if file.case.id in joined_from(row)]
        into = case_book.read(session, into).case.joined_into
    return orders


def joined_from(order: LockOrderRow) -> list[str]:
    """The cases that a lock order was under before they were joined into others."""
    return read_facts(order).joined_from
