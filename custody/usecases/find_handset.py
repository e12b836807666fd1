"""Which handset and which parcel a customer's order reference or parcel number leads to."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlmodel import Session

from custody.kernel.errors import NotFound
from custody.usecases.find_parcel import (
    order_of,
    orders_of_one,
    packed_in,
    parcel_beside,
    parcel_of,
    sold_imei,
)
from custody.usecases.record_sale import read_sale, sale_of_imei
from custody.usecases.trails_ahead import TrailsAhead


@dataclass(frozen=True, slots=True, kw_only=True)
class Handset:
    """The handset and the parcel that an order or an item leads to; None where nothing is known.

    `order_named`: the order's own reference was given, and leads to it.
    """

    order_ref: str | None
    imei: str | None
    parcel: str | None
    order_named: bool = False


def find_handset(
    session: Session,
    *,
    order_ref: str | None,
    item: str | None,
    own: Collection[str] = (),
    trails: TrailsAhead | None = None,
) -> Handset:
    """What the customer's order reference or parcel number leads to; unknown things are None, not an error.

    Of an order with several parcels it is the one that was named, and without that the one with the handset sold.
    A number that two sellers gave out leads to none without either, and never to a handset of the other one's. `own`
    are our company prefixes: sellers under one of them are one. `trails` may have been read ahead.
    """
    trails = trails or TrailsAhead()
    imei, parcel, found_ref, by_trail = None, None, order_ref, False
    if order_ref:
        try:
            imei = read_sale(session, order_ref).sale.imei
        except NotFound:
            imei = None
    by_sale = imei is not None
    asked = item or (f"po:{order_ref}" if order_ref else None)
    found = parcel_of(session, asked, trails) if asked else None
    if found is None:
        imei = imei or sold_imei(session, item)
    else:
        by_trail = f"po:{order_ref}" in found.orders
        beside = parcel_beside(session, found, trails, order=f"po:{order_ref}", imei=imei) if by_trail else None
        if beside is not None:
            named = item and f"po:{order_ref}" in orders_of_one(found.orders, beside.orders, own)
            found, imei = (found, None) if named else (beside, imei)
        parcel = found.parcel
        imei = imei or packed_in(session, found, trails)
        found_ref = found_ref or order_of(session, found, trails, own)
    if imei and not found_ref:
        sale = sale_of_imei(session, imei)
        found_ref = sale.sale.order_ref if sale else None
    return Handset(order_ref=found_ref, imei=imei, parcel=parcel, order_named=by_sale or by_trail)
