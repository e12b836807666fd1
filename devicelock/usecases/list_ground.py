"""On what an entry of the IMEI list rests, asked when the lock is sent there and again when the list is published.

Only a live order that two different people decided has a ground, with every check of `Kind.IMEI_LIST` made anew.
"""

from custody.kernel.errors import Forbidden
from devicelock import store
from devicelock.backends import eir
from devicelock.backends.eir import ListGround
from devicelock.rules.authority import authorise_lock
from devicelock.rules.command import Reason
from devicelock.rules.order import OrderState
from devicelock.store import LockOrderRow
from devicelock.usecases.lock_office import LockOffice
from devicelock.usecases.settle_parts import judged_as

LIVE = frozenset({OrderState.QUEUED, OrderState.ACTIVE_PROVISIONAL, OrderState.ACTIVE_CONFIRMED})


def ground_of(office: LockOffice, name: str) -> ListGround | None:
    """The ground of an order as things are now, or None if it has none; opens a unit of its own."""
    with office.house.unit() as unit:
        order = unit.session.get(LockOrderRow, name)
        if order is None or order.state not in LIVE:
            return None
        judged, kind = judged_as(order, eir.NAME)
        try:
            authority = authorise_lock(office.facts(unit, judged, store.device(unit.session, order.device), kind))
        except Forbidden:
            return None
        return ListGround(authority=authority, reason=Reason(order.reason))
