"""Which handset and which parcel a customer's order reference or parcel number leads to."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlmodel import Session

from custody.trail.names import ORDER
from custody.usecases.find_parcel import (
    meant_order,
    order_of,
    orders_of_one,
    packed_in,
    parcel_beside,
    parcel_of,
    sold_by,
    sold_imei,
)
from custody.usecases.record_sale import sale_of_imei
from custody.usecases.trails_ahead import TrailsAhead


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundHandset:
    """The handset and the parcel that an order or an item leads to; None where nothing is known.

    `order_named`: the order's own reference was given, and leads to it.
    """

    order_ref: str | None
    imei: str | None
    parcel: str | None
    order_named: bool


def find_handset(
    session: Session,
    *,
    order_ref: str | None,
    item: str | None,
    own: Collection[str] = (),
    trails: TrailsAhead | None = None,
) -> FoundHandset:
    """What the customer's order reference or parcel number leads to; unknown things are None, not an error.

    The reference may be typed as people type (`disputes/typed_order.py`).
    Of an order with several parcels it is the one that was named, and without that the one with the handset sold.
    A number that two sellers gave out leads to none without either, and never to a handset of the other one's. `own`
    are our company prefixes: sellers under one of them are one. `trails` may have been read ahead.
    """
    trails = trails or TrailsAhead()
    order_ref = meant_order(session, order_ref, trails) if order_ref else None
    order = ORDER + order_ref if order_ref else None
    sold = sold_by(session, order_ref) if order_ref else None
    asked = item or order
    parcel = parcel_of(session, asked, trails) if asked else None
    imei, found_ref, order_named = sold, order_ref, sold is not None
    if parcel is None:
        imei = imei or sold_imei(session, item)
    else:
        if order is not None and order in parcel.orders:
            order_named = True
            beside = parcel_beside(session, parcel, trails, order=order, imei=sold)
            if beside is not None and item and order in orders_of_one(parcel.orders, beside.orders, own):
                imei = None  # the parcel that was named counts, and not the one with the handset sold
            elif beside is not None:
                parcel = beside
        imei = imei or packed_in(session, parcel, trails)
        found_ref = found_ref or order_of(session, parcel, trails, own)
    found_ref = found_ref or _order_of_sale(session, imei)
    return FoundHandset(
        order_ref=found_ref, imei=imei, parcel=parcel.parcel if parcel else None, order_named=order_named
    )


def _order_of_sale(session: Session, imei: str | None) -> str | None:
    sale = sale_of_imei(session, imei) if imei else None
    return sale.sale.order_ref if sale else None
