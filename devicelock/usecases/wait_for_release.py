"""A lock that is wished while an earlier one of the same handset is being taken back waits for that, and is then made.

Two orders of a handset are never on their way at once. Who waits stands in the order that is waited for; whether the
lock is allowed is asked in full when its turn has come.
"""

from custody.store.unit import Unit
from devicelock import store
from devicelock.order_facts import read_facts
from devicelock.rules.order import OrderState
from devicelock.store import LockOrderRow
from devicelock.usecases.lock_office import LockOffice


def wait_for_release(unit: Unit, *, name: str, dispute: str) -> bool:
    """Let the lock of a case wait for an order that is being taken back; whether it is."""
    order = store.order(unit.session, name)
    if order.state != OrderState.RELEASE_QUEUED:
        return False
    waiting = dict.fromkeys([*read_facts(order).waiting, dispute])
    store.add_facts(order, waiting=list(waiting))
    unit.session.add(order)
    return True


def tell_who_waits(unit: Unit, office: LockOffice, order: LockOrderRow) -> None:
    """The order is over: whoever waits for it has their turn."""
    waiting = read_facts(order).waiting
    if waiting:
        unit.session.flush()
        office.freed(unit, office, waiting)
