"""The seller's own record of an order: which handset was sold, to be sent to whom, and how it was paid.

It is one of the records that may tie a handset to a parcel, and it tells which remedies and payouts fit. The customer's
contact, and the names of who is who in the contract, are personal and stay in the erasable store.
"""

from dataclasses import dataclass

import msgspec
from sqlmodel import Session

from custody.disputes import civil
from custody.disputes.order import OrderFacts, check_days
from custody.disputes.people import CasePeople
from custody.gs1.imei import imei_urn
from custody.kernel.clock import Instant
from custody.kernel.errors import Conflict, NotFound, Rejected
from custody.store.bulk import ask, write_first
from custody.store.tables import SaleRow
from custody.store.unit import Unit

NEWEST = (
    "SELECT facts, recorded_ms, recorded_idx, received_ms FROM sale WHERE imei = ? ORDER BY recorded_ms DESC LIMIT 1"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """An order for a handset. `imei` is a canonical URN; `region` and `item_mass_g` are None if not known."""

    order_ref: str
    imei: str
    product: str
    item_mass_g: int | None = None
    region: int | None = None
    contact: str = ""
    people: CasePeople | None = None
    facts: OrderFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSale:
    """A sale with the moment and the log entry of its record.

    `received_ms`: when its customer said that they have the handset, if they did before it was registered.
    """

    sale: Sale
    recorded_ms: Instant
    index: int
    received_ms: Instant | None


def record_sale(unit: Unit, sale: Sale) -> int:
    """Record an order once; returns its log index. The same again is no error, other content is a `Conflict`."""
    if not sale.order_ref.strip() or len(sale.order_ref) > 100:
        raise Rejected("order", "the order reference is empty or too long", fix="Send the reference on the invoice.")
    if imei_urn(sale.imei) != sale.imei:
        raise Rejected("imei", "the IMEI is not a canonical URN", fix="Send the digits as printed on the box.")
    held = unit.session.get(SaleRow, sale.order_ref)
    if held is not None:
        if msgspec.json.decode(held.facts, type=Sale) == sale:
            return held.recorded_idx
        raise Conflict("order", f"order {sale.order_ref!r} was recorded otherwise", fix="Read it before changing it.")
    check_days(sale.facts, today=civil.civil_date(unit.now_ms))
    index = unit.record("sale.recorded", {"order": sale.order_ref, "imei": sale.imei, "product": sale.product})
    facts = msgspec.json.encode(sale).decode()
    unit.session.add(
        SaleRow(order_ref=sale.order_ref, imei=sale.imei, facts=facts, recorded_ms=unit.now_ms, recorded_idx=index)
    )
    return index


def say_received(unit: Unit, order_ref: str) -> bool:
    """Keep the word of an order's customer that they have the handset, once; False if there is no such order."""
    row = unit.session.get(SaleRow, order_ref)
    if row is not None and row.received_ms is None:
        row.received_ms = unit.now_ms
        unit.session.add(row)
        unit.record("sale.received", {"order": order_ref})
    return row is not None


def read_sale(session: Session, order_ref: str) -> StoredSale:
    """The sale of an order; raises `NotFound`."""
    row = session.get(SaleRow, order_ref)
    if row is None:
        raise NotFound("order", f"there is no order {order_ref!r}", fix="Check the reference on the invoice.")
    return _stored(row.facts, row.recorded_ms, row.recorded_idx, row.received_ms)


def sale_of_imei(session: Session, imei: str) -> StoredSale | None:
    """The newest sale of a handset."""
    write_first(session, SaleRow)
    found = ask(session, NEWEST, (imei,))
    return _stored(*found[0]) if found else None


def _stored(facts: str, recorded_ms: Instant, index: int, received_ms: Instant | None) -> StoredSale:
    sale = msgspec.json.decode(facts, type=Sale)
    return StoredSale(sale=sale, recorded_ms=recorded_ms, index=index, received_ms=received_ms)
