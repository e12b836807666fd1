"""The locks of cases that only what passes held back, or records that were not there yet, each asked for again later.

A case wishes for its lock for as long as it goes on, and what held it back passes: an hour, a day, a pause that a
second person ends, a switch that two people turn off. The refused order stays as its customer was told of it; what is
asked for again is an order of its own, judged in full and counted by every limit. Who has waited longest comes first.

What holds back all of them is looked at again at once when people end it, and otherwise after a tenth of the time that
a lock has waited. So are records that tie the handset, for as long as stations may keep scans offline; what they say is
then judged as if it had been there, and only two independent ones allow a lock.
"""

from sqlmodel import Session

from custody.kernel.clock import MINUTE_MS, SECOND_MS, Instant
from custody.scans.tolerances import Tolerances
from custody.store.unit import Unit
from devicelock import put_off_store, store
from devicelock.put_off_store import PutOffRow
from devicelock.rules.authority import preflight
from devicelock.rules.lock_facts import LockKind
from devicelock.rules.order import OrderState
from devicelock.rules.preflight import Preflight
from devicelock.store import LockOrderRow
from devicelock.usecases.hold_locks import hold_locks
from devicelock.usecases.lock_office import LockOffice
from devicelock.usecases.request_lock import OPEN, as_asked_again

AT_ONCE = 5
"""So many are looked at in a unit: each costs as much as a lock."""

LEAST_MS, MOST_MS = 10 * SECOND_MS, 10 * MINUTE_MS
SHARE = 10

RECORDS_MS = Tolerances().offline_ms
"""So long records are waited for, as no station may keep a scan for longer."""


def is_put_off_due(session: Session, *, now_ms: Instant) -> bool:
    """Whether `ask_again` would look at any; nobody waits for who asks."""
    return bool(put_off_store.due(session, now_ms=now_ms, limit=1))


def due_put_off(session: Session, *, now_ms: Instant, limit: int = AT_ONCE) -> list[str]:
    """The orders that `ask_again` would look at now."""
    return [row.order for row in put_off_store.due(session, now_ms=now_ms, limit=limit)]


def ask_again(unit: Unit, office: LockOffice, *, only: str | None = None, limit: int = AT_ONCE) -> int:
    """Look at those that are due, or `only` at this one; how many have waited long enough."""
    names = [name for name in due_put_off(unit.session, now_ms=unit.now_ms, limit=limit) if only in {None, name}]
    hold_locks(unit, office, names)
    unit.log.claim()  # another process may have asked for them meanwhile
    over = 0
    for row in put_off_store.due(unit.session, now_ms=unit.now_ms, limit=limit):
        if row.order not in names:
            continue
        order = store.order(unit.session, row.order)
        found = _judge(unit, office, order)
        if found.is_put_off and not _is_too_late(unit, row, found):
            _wait(unit, row, found)
            continue
        unit.session.delete(row)
        unit.session.flush()
        if not found.is_put_off and order.dispute is not None and not _is_ordered(unit, order):
            office.freed(unit, office, [order.dispute])
        over += 1
    return over


def _judge(unit: Unit, office: LockOffice, order: LockOrderRow) -> Preflight:
    """How it would be judged now; put off again if it is refused as it was, for what it has only to wait for."""
    device = store.device(unit.session, order.device)
    return preflight(office.facts(unit, as_asked_again(unit, order), device, LockKind.PROVISIONAL))


def _is_too_late(unit: Unit, row: PutOffRow, found: Preflight) -> bool:
    return found.waits_for_records and unit.now_ms - row.since_ms > RECORDS_MS


def _is_ordered(unit: Unit, order: LockOrderRow) -> bool:
    """Whether the handset has another order by now; one that is being taken back is waited for (`wait_for_release`)."""
    found = store.orders_of_device(unit.session, order.device, OPEN)
    return any(each.state != OrderState.RELEASE_QUEUED for each in found)


def _wait(unit: Unit, row: PutOffRow, found: Preflight) -> None:
    waited_ms = unit.now_ms - row.since_ms
    most_ms = RECORDS_MS if found.waits_for_records else MOST_MS
    row.next_ms = unit.now_ms + min(max(waited_ms // SHARE, LEAST_MS), most_ms)
    unit.session.add(row)
