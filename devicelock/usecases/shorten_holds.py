"""When our clock was put back every lock ends as much earlier, so that none is held longer than its hours.

The end of a lock is a moment of our clock, and until then the hello brings back what a handset has let go by its own.
Nobody knows which locks were decided while the clock was ahead, so that all of them count as such: doubt sets free.

Several services on one database see their own clocks put back, mostly one and the same. So an order keeps by how much
each of them went back since its end was set, and ends as much earlier as the one that went back furthest. None ends
before 1970: a clock may have been thousands of years ahead, and no calendar could tell such an end.
"""

from dataclasses import replace

from custody.kernel.clock import SECOND_MS
from custody.store.unit import Unit
from devicelock import store
from devicelock.order_facts import PutBack, read_facts
from devicelock.store import LockOrderRow
from devicelock.usecases.hold_locks import hold_locks
from devicelock.usecases.lock_office import LockOffice
from devicelock.usecases.sweep import SWEPT

"""In the facts of an order: its end, and by how many seconds each service's clock was put back since that was set."""


def shorten_holds(unit: Unit, office: LockOffice, *, by_ms: int, service: str) -> int:
    """Have every lock that was signed and not let go end earlier, by whole seconds; returns how many do.

    `service`: whose clock was put back.
    """
    by_s = -(-by_ms // SECOND_MS)
    names = [name for name, _desired in store.desired_of_orders(unit.session, SWEPT)]
    standing = [order for order in hold_locks(unit, office, names).values() if order.state in SWEPT]
    shortened = [(order, less_s) for order in standing if (less_s := _shorten(order, by_s, service)) > 0]
    for order in standing:
        unit.session.add(order)
    for order, less_s in shortened:
        device = store.device(unit.session, order.device)
        desired = store.desired(device)
        if desired.order == order.id and desired.until_s is not None:
            store.set_desired(unit.session, device, replace(desired, until_s=desired.until_s - less_s))
        facts = {"by_s": less_s, "held_until_s": order.held_until_ms // SECOND_MS}
        store.note(unit, order, "shortened", actor="system", facts=facts)
    return len(shortened)


def _shorten(order: LockOrderRow, by_s: int, service: str) -> int:
    """Put the end of an order earlier; returns by how many seconds, 0 where another clock has put it as early."""
    known = read_facts(order).put_back
    before = known.by_s if known is not None and known.end_ms == order.held_until_ms else {}
    after = {**before, service: before.get(service, 0) + by_s}
    less_s = min(max(after.values()) - max(before.values(), default=0), order.held_until_ms // SECOND_MS)
    order.held_until_ms -= less_s * SECOND_MS
    store.add_facts(order, put_back=PutBack(end_ms=order.held_until_ms, by_s=after))
    return less_s
