"""Holding what a unit moves locks with, before anything is recorded.

Orders, then handsets, then cases and leavers, then the head of the log: who holds them in this order waits for nobody
who waits for them. The head is held by whoever records first, so that everything else is held before.
"""

from collections.abc import Collection

from custody.store.hold_found import hold_found
from custody.store.unit import Unit
from devicelock import store
from devicelock.store import LockOrderRow
from devicelock.usecases.lock_office import LockOffice


def hold_locks(
    unit: Unit, office: LockOffice, names: Collection[str], *, devices: Collection[str] = ()
) -> dict[str, LockOrderRow]:
    """Hold these orders, their handsets and these, and the cases that hear of them; the orders as they are now."""
    orders = store.orders(unit.session, set(names))
    store.devices(unit.session, {*devices, *(row.device for row in orders.values())})
    office.hold(unit, list(orders.values()))
    return orders


def hold_handsets(unit: Unit, office: LockOffice, names: Collection[str]) -> dict[str, LockOrderRow]:
    """Hold every order of these handsets, themselves, and the cases that hear of them."""
    session = unit.session
    return hold_found(
        unit,
        lambda: (frozenset(order.id for order in store.orders_of_any(session, devices=names)),),
        lambda found: hold_locks(unit, office, found[0], devices=names),
    )
