"""What time brings about: locks lapse, undelivered ones end. The device releases itself too; nobody waits for this."""

from custody.kernel.errors import Trouble
from custody.store import outbox
from custody.store.unit import Unit
from devicelock import store
from devicelock.rules.command import Basis, Reason
from devicelock.rules.order import Role, State
from devicelock.usecases.lock_office import LockOffice
from devicelock.usecases.release import release

SWEPT = (State.QUEUED, State.ACTIVE_PROVISIONAL, State.ACTIVE_CONFIRMED)


def sweep(unit: Unit, office: LockOffice, *, limit: int = 200) -> int:
    """Move every order whose time has passed; returns how many moved."""
    moved = 0
    for order in store.orders_due(unit.session, SWEPT, now_ms=unit.now_ms, limit=limit):
        try:
            release(
                unit, office, order=order.id, actor="system", role=Role.SYSTEM, reason=Reason.LAPSED, basis=Basis.LAPSE
            )
        except Trouble as trouble:
            store.note(unit, order, "not_released", actor="system", facts={"why": trouble.detail})
        moved += 1
    outbox.sweep(unit, older_than_ms=unit.now_ms)
    return moved
