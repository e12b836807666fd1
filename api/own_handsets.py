"""The handsets of a case as its customer's page tells of them: several, once a report of another order was joined.

Each has its own locks, and a code of its own that opens no other one.
"""

from collections.abc import Sequence
from typing import Any

from sqlmodel import Session

from api import joints
from api.circumstances import found_ms, is_customers
from api.lock_views import order_views, own_locks
from custody.gs1.imei import imei_digits
from custody.kernel.errors import Conflict, Rejected
from custody.store.case_book import CaseFile
from devicelock import store as lock_store
from devicelock.rules.applied import Applied
from devicelock.store import LockOrderRow


def own_handsets(session: Session, file: CaseFile) -> list[dict[str, Any]]:
    """Each phone of a case: its newest lock, and whether the page gives its code.

    Several, as after a join, are told apart by the last four digits of the IMEI; the only one needs no name.
    """
    orders = joints.locks_of(session, file)
    several = len({row.device for row in orders}) > 1
    views = {view["order"]: view for view in order_views(session, orders)}
    newest = {row.device: row for row in orders if own_locks([views[row.id]], named=file.order_named)}
    return [
        {
            "order": row.id,
            "imei_last4": imei_digits(row.imei)[-4:] if several else None,
            **own_locks([views[row.id]], named=file.order_named)[0],
            "code_due": code_is_due(session, file, [each for each in orders if each.device == row.device]),
        }
        for row in newest.values()
    ]


def of_one_handset(orders: Sequence[LockOrderRow], *, order: str | None) -> list[LockOrderRow]:
    """The orders of the phone that one of them names, or of the only one; a code opens no other phone than its own."""
    if not orders:
        raise Conflict("no_lock", "no phone was locked for this case", fix="Call us if a phone of yours is locked.")
    devices = {row.device for row in orders if order in {None, row.id}}
    if len(devices) != 1:
        raise Rejected("order", "it is not said which phone is meant", fix="Name a lock of the phone that you hold.")
    return [row for row in orders if row.device in devices]


def code_is_due(session: Session, file: CaseFile, orders: Sequence[LockOrderRow]) -> bool:
    """Whether the page gives the code of the phone that these orders are of.

    It does if the customer found the phone, or a lock of it was sent and none is wished any more.
    """
    if found_ms(session, file.case.id) is not None:
        return not is_locked_for_another(session, file, orders)
    device = lock_store.device(session, orders[-1].device, hold=False)
    return any(row.decided_ms for row in orders) and lock_store.desired(device).state is not Applied.LOCKED


def is_locked_for_another(session: Session, file: CaseFile, orders: Sequence[LockOrderRow]) -> bool:
    """Whether a lock is wished that this case cannot speak for: whoever holds the box can open a case and find it."""
    desired = lock_store.desired(lock_store.device(session, orders[-1].device, hold=False))
    theirs = desired.state is Applied.LOCKED and desired.order not in {row.id for row in orders}
    return theirs and not is_their_own(session, file, orders)


def is_their_own(session: Session, file: CaseFile, orders: Sequence[LockOrderRow]) -> bool:
    """Whether these orders are of the phone that this case is its customer's own of, and not of a joined one's."""
    return orders[-1].imei == file.imei and is_customers(session, file)
