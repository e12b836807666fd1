"""When our clock was put back every lock ends as much earlier, so that none is held longer than its hours.

The end of a lock is a moment of our clock, and until then the hello brings back what a handset has let go by its own.
Nobody knows which locks were decided while the clock was ahead, so that all of them count as such: doubt sets free.
"""

from dataclasses import replace

from custody.kernel.clock import SECOND_MS
from custody.store.unit import Unit
from devicelock import store
from devicelock.usecases.hold_locks import hold_locks
from devicelock.usecases.lock_office import LockOffice
from devicelock.usecases.sweep import SWEPT


def shorten_holds(unit: Unit, office: LockOffice, *, by_ms: int) -> int:
    """Have every lock that was signed and not let go end earlier, by whole seconds; returns how many there are."""
    by_s = -(-by_ms // SECOND_MS)
    names = [name for name, _wished in store.wishes_of_orders(unit.session, SWEPT)]
    standing = [order for order in hold_locks(unit, office, names).values() if order.state in SWEPT]
    for order in standing:
        order.held_until_ms -= by_s * SECOND_MS
        unit.session.add(order)
        device = store.device(unit.session, order.device)
        wished = store.desired(device)
        if wished.order == order.id and wished.until_s is not None:
            store.set_desired(unit.session, device, replace(wished, until_s=wished.until_s - by_s))
        facts = {"by_s": by_s, "held_until_s": order.held_until_ms // SECOND_MS}
        store.note(unit, order, "shortened", actor="system", facts=facts)
    return len(standing)
