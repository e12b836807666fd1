"""The word of an order's customer that they have its handset, said with the code that came in another message.

A handset that was sold again since is somebody else's: the code of its earlier order says nothing of it. Of one that is
not registered, or was retired before, the word is kept with the order.
"""

from custody.kernel.errors import Conflict, NotFound
from custody.store.unit import Unit
from custody.usecases.find_handset import find_handset
from custody.usecases.record_sale import sale_of_imei, say_received
from devicelock import store as lock_store
from devicelock.rules.order import LockRole
from devicelock.usecases.lock_office import LockOffice
from devicelock.usecases.retire import received


def hear_receipt(unit: Unit, office: LockOffice, *, order_ref: str) -> None:
    """The customer of an order has its handset. Raises `Conflict` if it was sold since, `NotFound` for none known."""
    handset = find_handset(unit.session, order_ref=order_ref, item=None)
    row = lock_store.device_by_imei(unit.session, handset.imei) if handset.imei else None
    gone = row is None or office.anchor.of(row.device).retired
    if row is not None:
        sale = sale_of_imei(unit.session, row.imei)
        if sale is not None and sale.sale.order_ref != order_ref:
            why = "the phone of this order was sold again since"
            raise Conflict("sold_since", why, fix="Call us if you have it.")
        sold_ms = None if sale is None else sale.recorded_ms
        received(unit, office, name=row.device, actor="customer", role=LockRole.CUSTOMER, sold_ms=sold_ms)
    kept = gone and say_received(unit, order_ref)
    if row is None and not kept:
        raise NotFound("order", f"we know no phone of the order {order_ref!r}", fix="Call us if you have it.")
