"""Orders, trails, and the EPCIS events as they were signed."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import Field

from api.act_alerts import tell_of_price, tell_of_sale
from api.http.body import Body, Day
from api.parts import Parts, parts_of
from api.people.accounts import Caller
from api.people.auth import role, signed_in
from api.receipt_address import receipt_address
from api.sold_again import disputes_of_other_orders, is_recorded
from custody.disputes.order import OrderFacts, Payment, Standing
from custody.disputes.people import MOST_NAME, CasePeople, Relation, by_order
from custody.gs1.canonical import canonical
from custody.gs1.imei import imei_urn
from custody.kernel.base64url import b64
from custody.kernel.clock import Instant, to_iso
from custody.kernel.errors import NotFound, Rejected
from custody.scans.batch import BATCH, MOST
from custody.scans.place import MOST_ENTRIES, index_of, name_place, place_of, position_of
from custody.scans.scan import SCANS
from custody.store import log_reader, scan_book, unopened_book
from custody.trail.describe import describe_trail
from custody.trail.names import NO_THING, ORDER, aliases, ask
from custody.usecases.bound_times import bound_times
from custody.usecases.open_scans import StoredScan, stored_scans
from custody.usecases.read_trail import FoundTrail, read_trail
from custody.usecases.record_sale import Sale, record_sale
from devicelock.rules.receipt_code import receipt_code

router = APIRouter(prefix="/v1", tags=["custody"])
P = Annotated[Parts, Depends(parts_of)]
Staff = Annotated[Caller, Depends(role("agent", "supervisor", "investigator"))]
MAX_EVENTS = 1_000
EPCS = "One or more identifiers, joined with |: as events have them, or as a trail is asked for."


class CustomerIn(Body):
    """How to reach the customer, and in which part of the country the order goes. Erasable."""

    contact: str = Field(default="", max_length=500, description="Name, post code, e-mail, phone: what finds them.")
    region: int | None = Field(
        default=None, ge=0, le=7, description="The part of the country, by your own numbers; stations have the same."
    )


class OrderPeopleIn(Body):
    """Who is who in the contract, where it is not all one person. Erasable, and for staff alone."""

    holder: str | None = Field(default=None, max_length=MOST_NAME)
    payer: str | None = Field(default=None, max_length=MOST_NAME)
    user: str | None = Field(default=None, max_length=MOST_NAME)
    representative: str | None = Field(default=None, max_length=MOST_NAME)
    write_to: str = Field(default="", max_length=MOST_NAME)

    def known(self) -> CasePeople | None:
        """The same, by their parts."""
        names = {relation: name for relation in Relation if (name := getattr(self, relation)) is not None}
        return by_order(names, write_to=self.write_to)


class OrderIn(Body):
    """An order for a handset, from the seller's own system."""

    order: str = Field(max_length=100)
    imei: str
    product: str = Field(default="", max_length=200)
    item_mass_g: int | None = Field(default=None, ge=0)
    customer: CustomerIn = Field(default_factory=CustomerIn)
    people: OrderPeopleIn = Field(default_factory=OrderPeopleIn)
    price_pence: int | None = Field(default=None, ge=0)
    paid_by: Annotated[Payment | None, Field(strict=False)] = None
    standing: Annotated[Standing | None, Field(strict=False)] = None
    contract: Day | None = None
    expected_delivery: Day | None = None


@router.post("/orders", status_code=201)
def record(body: OrderIn, parts: P, caller: Annotated[Caller, Depends(role("agent", "supervisor"))]) -> dict[str, Any]:
    """Record an order once; the same again is no error.

    `receipt_code` is for the customer, in another message than the parcel: with it they say "I have it". Of a handset
    that an open case of another order is about, somebody else is asked to look; until then the case stays its
    customer's own.
    """
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
        people=body.people.known(),
        facts=facts,
    )
    with parts.house.unit() as unit:
        is_new = not is_recorded(unit.session, sale.order_ref)
        disputes = disputes_of_other_orders(unit.session, sale) if is_new else []
        index = record_sale(unit, sale)
        if is_new:
            tell_of_sale(unit, sale, disputes, account=caller.account)
            tell_of_price(unit, sale, account=caller.account)
    code = receipt_code(parts.keyring.codes, body.order)
    return {"order": body.order, "imei": sale.imei, "index": index, "receipt_code": code}


@router.get("/trails")
def trail(
    item: str, parts: P, _caller: Staff, parcel: Annotated[str | None, Query(min_length=1)] = None
) -> dict[str, Any]:
    """The trail of a parcel, by SSCC, IMEI in any form, or po:<order>.

    `warnings` tell of keys with a wrong check digit, which are filed as they stand on the label.
    """
    with parts.house.read() as session:
        found = read_trail(session, item, parcel=parcel, gaps=True)
        bounds = bound_times(session, found.trail)
    receipts = {name_place(sealed.place): receipt_address(sealed.digest, sealed.position) for sealed in found.scans}
    told = {**describe_trail(found.trail, bounds=bounds), **_without_content(found)}
    return {**told, "receipts": receipts, "warnings": list(found.trail.belongings.warnings)}


@router.get("/events")
def events(
    parts: P,
    _caller: Annotated[Caller, Depends(signed_in)],
    epc: Annotated[str, Query(alias="MATCH_anyEPC", description=EPCS)],
    after: Annotated[int, Query(description="Only events with a greater number, as next or the last one seen.")] = -1,
    limit: Annotated[int, Query(ge=1, le=MAX_EVENTS, alias="perPage")] = 30,
) -> dict[str, Any]:
    """Events by identifier, each as the exact bytes that were signed (base64url) with its place in the log.

    They come in the order in which they could first be read. `number` is the log entry by which an event could be, and
    `recorded_at` the time of that entry: its own, or, where the opening came after the statement, the one that records
    the opening. Once a number was seen, nothing new ever comes at it or below, so whoever asks again with the greatest
    one as `after` misses nothing. `next` is that number while there are more, else null; events with one number stay
    together on a page.
    """
    keys = {key for part in epc.split("|") for key in _forms(part)}
    with parts.house.read() as session:
        rows = scan_book.scans_under(session, keys)
        later = unopened_book.records_by_place(session, [row.place for row in rows])
        due = sorted((later.get(row.place, row.index), row.place) for row in rows)
        due = [(number, place) for number, place in due if number > after]
        last = due[min(limit, len(due)) - 1][0] if due else after
        page = [(number, place) for number, place in due if number <= last]
        stored = stored_scans(session, [place for _, place in page])
        told = log_reader.entries(session, [number for number, place in page if place in later], bare=True)
    at_ms = {entry.idx: entry.received_ms for entry in told}
    found = [_event(stored[place], number, at_ms.get(number)) for number, place in page if place in stored]
    return {"events": found, "next": last if len(due) > len(page) else None}


@router.get("/events/{index}")
def event(
    index: Annotated[int, Path(ge=0, lt=MOST_ENTRIES)],
    parts: P,
    _caller: Annotated[Caller, Depends(signed_in)],
    position: Annotated[int | None, Query(ge=0, lt=MOST, description="Which scan, if the entry is a batch.")] = None,
) -> Response:
    """One event, byte for byte as it was signed."""
    with parts.house.read() as session:
        entry = log_reader.entry(session, index)
        place = place_of(index, position) if entry.content_type in ((BATCH,) if position is not None else SCANS) else -1
        opened = stored_scans(session, [place]).get(place) if place >= 0 else None
    scan = None if opened is None else opened.open()
    if scan is None:
        raise NotFound("event", f"entry {index} has no event, or it was erased", fix="Ask for the entry itself.")
    return Response(scan.event.raw, media_type="application/json")


def _event(stored: StoredScan, number: int, opened_ms: Instant | None) -> dict[str, Any]:
    scan = stored.open()
    return {
        **_where(stored.place),
        "number": number,
        "digest": stored.digest.hex(),
        "recorded_at": to_iso(stored.received_ms if opened_ms is None else opened_ms),
        "event": None if scan is None else b64(scan.event.raw),
        "opening": None if stored.opening is None else b64(stored.opening),
        "statement": b64(stored.entry.raw),
        "receipt": receipt_address(stored.digest, position_of(stored.place)),
    }


def _without_content(found: FoundTrail) -> dict[str, Any]:
    """The scans that are in the log and cannot be read: erased, or registered without their opening."""
    return {
        "erased": [
            {**_where(row.place), "station": row.station, "received_ms": row.received_ms} for row in found.erased
        ],
        "opening_missing": [
            {**_where(row.place), "digest": row.digest.hex(), "station": row.station, "seq": row.seq}
            for row in found.unopened
        ],
    }


def _where(place: int) -> dict[str, int]:
    position = position_of(place)
    return {"index": index_of(place)} | ({} if position is None else {"position": position})


def _forms(text: str) -> set[str]:
    """An identifier as it was written, its one canonical spelling, and of an order what it was filed under before.

    Bare digits are read as a trail reads them; raises `Rejected` if they have a wrong check digit.
    """
    forms = {text, canonical(text).uri, *(aliases(text) if text.startswith(ORDER) else ())}
    try:
        return {*forms, ask(text)}
    except Rejected as error:
        if error.code != NO_THING:
            raise
    return forms
