"""Orders, trails, and the EPCIS events as they were signed."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.accounts import Caller
from api.auth import role, signed_in
from api.encoding import b64
from api.parts import Parts, parts_of
from custody.disputes.order import OrderFacts, Payment, Standing
from custody.gs1.canonical import canonical
from custody.gs1.imei import imei_urn
from custody.kernel.clock import to_iso
from custody.kernel.errors import NotFound
from custody.scans.scan import open_scan
from custody.store import log_reader, scan_book
from custody.trail.describe import describe_trail
from custody.usecases.read_trail import Found, read_trail
from custody.usecases.record_sale import Sale, record_sale

router = APIRouter(prefix="/v1", tags=["custody"])
P = Annotated[Parts, Depends(parts_of)]
Staff = Annotated[Caller, Depends(role("agent", "supervisor", "investigator"))]
MAX_EVENTS = 1_000


class CustomerIn(BaseModel):
    """How to reach the customer, and in which part of the country the order goes. Erasable."""

    model_config = ConfigDict(extra="forbid")
    contact: str = Field(default="", max_length=500)
    region: int | None = Field(default=None, ge=0, le=7)


class OrderIn(BaseModel):
    """An order for a handset, from the seller's own system."""

    model_config = ConfigDict(extra="forbid")
    order: str = Field(max_length=100)
    imei: str
    product: str = Field(default="", max_length=200)
    item_mass_g: int | None = Field(default=None, ge=0)
    customer: CustomerIn = Field(default_factory=CustomerIn)
    price_pence: int | None = Field(default=None, ge=0)
    paid_by: Payment | None = None
    standing: Standing | None = None
    contract: date | None = None
    expected_delivery: date | None = None


@router.post("/orders", status_code=201)
def record(body: OrderIn, parts: P, _caller: Annotated[Caller, Depends(role("agent", "supervisor"))]) -> dict[str, Any]:
    """Record an order once; the same again is no error."""
    facts = OrderFacts(
        order_ref=body.order,
        standing=body.standing,
        payment=body.paid_by,
        price_pence=body.price_pence,
        contract=body.contract,
        expected_delivery=body.expected_delivery,
    )
    sale = Sale(
        order_ref=body.order,
        imei=imei_urn(body.imei),
        product=body.product,
        item_mass_g=body.item_mass_g,
        region=body.customer.region,
        contact=body.customer.contact,
        facts=facts,
    )
    with parts.house.unit() as unit:
        index = record_sale(unit, sale)
    return {"order": body.order, "imei": sale.imei, "index": index}


@router.get("/trails")
def trail(item: str, parts: P, _caller: Staff, parcel: str | None = None) -> dict[str, Any]:
    """The trail of a parcel, by SSCC, IMEI in any form, or po:<order>."""
    with parts.house.read() as session:
        found = read_trail(session, item, parcel=parcel)
    digests = {sealed.index: sealed.digest.hex() for sealed in found.scans}
    receipts = {str(index): f"/v1/entries/{digest}/receipt" for index, digest in digests.items()}
    return {**describe_trail(found.trail), **_without_content(found), "receipts": receipts}


@router.get("/events")
def events(
    parts: P,
    _caller: Annotated[Caller, Depends(signed_in)],
    epc: Annotated[str, Query(alias="MATCH_anyEPC", description="One or more identifiers, joined with |.")],
    after: int = -1,
    limit: Annotated[int, Query(ge=1, le=MAX_EVENTS, alias="perPage")] = 30,
) -> dict[str, Any]:
    """Events by identifier, each as the exact bytes that were signed (base64url) with its place in the log."""
    keys = {key for part in epc.split("|") for key in _forms(part)}
    with parts.house.read() as session:
        rows = [row for row in scan_book.scans_under(session, keys) if row.idx > after]
        page = log_reader.entries(session, [row.idx for row in rows[:limit]])
    found = [
        {
            "index": entry.idx,
            "digest": entry.digest.hex(),
            "recorded_at": to_iso(entry.received_ms),
            "event": None if entry.opening is None else b64(open_scan(entry.raw, entry.opening).event.raw),
            "opening": None if entry.opening is None else b64(entry.opening),
            "statement": b64(entry.raw),
            "receipt": f"/v1/entries/{entry.digest.hex()}/receipt",
        }
        for entry in page
    ]
    return {"events": found, "next": found[-1]["index"] if len(rows) > limit else None}


@router.get("/events/{index}")
def event(
    index: Annotated[int, Path(ge=0, lt=2**63)], parts: P, _caller: Annotated[Caller, Depends(signed_in)]
) -> Response:
    """One event, byte for byte as it was signed."""
    with parts.house.read() as session:
        entry = log_reader.entry(session, index)
    if entry.opening is None:
        raise NotFound("event", f"entry {index} has no event, or it was erased", fix="Ask for the entry itself.")
    return Response(open_scan(entry.raw, entry.opening).event.raw, media_type="application/json")


def _without_content(found: Found) -> dict[str, Any]:
    """The scans that are in the log and cannot be read: erased, or registered without their opening."""
    return {
        "erased": [{"index": row.idx, "station": row.station, "received_ms": row.received_ms} for row in found.erased],
        "opening_missing": [
            {"index": row.idx, "digest": row.digest.hex(), "station": row.station, "seq": row.seq}
            for row in found.unopened
        ],
    }


def _forms(text: str) -> set[str]:
    """An identifier as it was written, and its one canonical spelling."""
    return {text, canonical(text).uri}
