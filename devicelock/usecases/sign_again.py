"""A LOCK once more, with every check made again: at a hello, and when what held locks back has ended.

It is signed anew, or the very bytes are sent that were signed for the nonce that the handset still has. Where that is
not allowed now, the timeline says why, and one that waits to leave is taken back.

A handset whose lock may not be signed at its hello says no other for a while. So whoever throws the kill switch back,
puts a standing authority in force or lets a group go on has every lock that was not answered yet signed in the same
unit, each of them if it is allowed now.

Whatever it is signed under now, it stays in the group that ordered it: what pauses or lets go that group reaches it. In
the group of a newer authority, as decided before all others there, it would count as one of its first, unanswered as it
is, and pause that one.
"""

from collections.abc import Collection

from custody.kernel.errors import Trouble
from custody.store.unit import Unit
from devicelock import store
from devicelock.rules.applied import Applied
from devicelock.rules.authority import authorise_lock
from devicelock.rules.command import open_command
from devicelock.rules.desired import Desired, ShownState, shown_state
from devicelock.rules.lock_facts import LockKind
from devicelock.rules.order import OrderState
from devicelock.store import DeviceRow, LockOrderRow
from devicelock.usecases.confirm_lock import as_confirmed
from devicelock.usecases.lock_office import LockOffice
from devicelock.usecases.request_lock import kind_of
from devicelock.usecases.sign import publish_lock, queue, take_lock_back

SIGNED_AGAIN = frozenset(
    {OrderState.APPROVED, OrderState.QUEUED, OrderState.ACTIVE_PROVISIONAL, OrderState.ACTIVE_CONFIRMED}
)

Unanswered = list[tuple[LockOrderRow, DeviceRow]]


def hold_unanswered(unit: Unit, *, devices: Collection[str] = ()) -> Unanswered:
    """The locks that no handset has shown yet, held with these handsets as well, as everybody holds them.

    That is before anything is recorded, and one handset after the other by name, of which there may be a fleet.
    """
    found = store.desired_of_orders(unit.session, SIGNED_AGAIN)
    orders = store.orders(unit.session, {order for order, desired in found if _is_unanswered(order, desired)})
    names = sorted({*devices, *(order.device for order in orders.values())})
    rows = {name: store.device(unit.session, name) for name in names}
    held = [(order, rows[order.device]) for order in orders.values()]
    return [(order, device) for order, device in held if _is_unanswered(order.id, store.desired(device))]


def sign_unanswered(unit: Unit, office: LockOffice, unanswered: Unanswered) -> None:
    """Sign each of these locks anew, if it is allowed now."""
    for order, device in unanswered:
        sign_lock_again(unit, office, order, device)


def sign_lock_again(unit: Unit, office: LockOffice, order: LockOrderRow, device: DeviceRow) -> None:
    """Sign the LOCK of an order anew, if it is allowed now."""
    kind, order = _judged_as(order)
    unit.log.claim()  # as `request_lock`
    try:
        publish_lock(unit, office, order, device, kind)
    except Trouble as refused:
        _refused(unit, order, device, refused)


def send_lock_again(unit: Unit, office: LockOffice, order: LockOrderRow, device: DeviceRow, raw: bytes) -> bool:
    """Put the very bytes of an order's LOCK into the outbox again, if it is allowed now; whether it was."""
    kind, judged = _judged_as(order)
    unit.log.claim()  # as `request_lock`
    try:
        authorise_lock(office.facts(unit, judged, device, kind))
    except Trouble as refused:
        _refused(unit, judged, device, refused)
        return False
    queue(unit, device, open_command(raw, office.keys), raw)
    return True


def _judged_as(order: LockOrderRow) -> tuple[LockKind, LockOrderRow]:
    return (
        (LockKind.CONFIRM, as_confirmed(order))
        if order.state == OrderState.ACTIVE_CONFIRMED
        else (kind_of(order), order)
    )


def _refused(unit: Unit, order: LockOrderRow, device: DeviceRow, refused: Trouble) -> None:
    take_lock_back(unit, device)
    store.note(unit, order, "not_signed", actor="system", facts={"code": refused.code, "why": refused.detail})


def _is_unanswered(name: str, desired: Desired) -> bool:
    return (desired.state, desired.order, shown_state(desired)) == (Applied.LOCKED, name, ShownState.SENT)
