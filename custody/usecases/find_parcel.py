"""Which parcel and which handset a number leads to, and of which order they are.

An order's number by itself is another order for every seller who counts (CBV 2.0 section 8.5: the seller's GLN is part
of the number). So the number of a parcel's order is ours only where nothing says that somebody else gave it out, and
else the case is of the order in full: it takes no facts of our sale of that number, and is joined with no report of it.
A house whose warehouses each write their own GLN is one seller, where our company prefixes are known.
"""

from collections.abc import Collection, Iterable

from sqlmodel import Session

from custody.disputes.typed_order import spellings
from custody.gs1.check_digit import is_digits
from custody.gs1.event import sellers_number
from custody.kernel.errors import NotFound, Rejected
from custody.store import sale_book
from custody.trail.belongings import Belongings
from custody.trail.contents import packed_first
from custody.trail.names import ORDER, ask, is_item, same_orders
from custody.usecases.record_sale import read_sale, sale_of_imei
from custody.usecases.trails_ahead import TrailsAhead


def parcel_of(session: Session, item: str, trails: TrailsAhead) -> Belongings | None:
    """The parcel that scans tell of under a number, if any does."""
    try:
        return trails.read(session, item).trail.belongings
    except (NotFound, Rejected):
        return None


def meant_order(session: Session, typed: str, trails: TrailsAhead) -> str:
    """The reference of ours that was meant; what was typed where we know that itself, or none or several beside it."""
    if sale_book.find(session, typed) is not None or parcel_of(session, ORDER + typed, trails) is not None:
        return typed
    known = [each for each in spellings(typed) if sale_book.find(session, each) is not None]
    return known[0] if len(known) == 1 else typed


def parcel_beside(
    session: Session, found: Belongings, trails: TrailsAhead, *, order: str, imei: str | None
) -> Belongings | None:
    """The other parcel of an order in which a handset lies; None if it lies in this one, or nobody knows where."""
    if imei is None or _lies_in(found, imei):
        return None
    beside = parcel_of(session, imei, trails)
    return beside if beside is not None and beside.parcel is not None and order in beside.orders else None


def packed_in(session: Session, found: Belongings, trails: TrailsAhead) -> str | None:
    """The handset that was put into a parcel by who packed it first; None if that is several and none was asked for."""
    items = found.items
    if len(items) > 1:
        trail = trails.read(session, found.asked, parcel=found.parcel).trail
        items = packed_first(trail.entries, trail.belongings)
        items = tuple(held for held in items if not is_item(found.asked) or found.asked in held.names)
    named = (name for held in items for name in sorted(held.names) if "gsma:imei" in name)
    return next(named, None) if len(items) == 1 else None


def sold_imei(session: Session, item: str | None) -> str | None:
    """The handset of that number, if we sold one that nobody scanned."""
    try:
        name = ask(item) if item else None
    except Rejected:
        return None
    return name if name and sale_of_imei(session, name) is not None else None


def sold_by(session: Session, order_ref: str) -> str | None:
    """The handset that we sold by an order, if we recorded that sale."""
    try:
        return read_sale(session, order_ref).sale.imei
    except NotFound:
        return None


def order_of(session: Session, found: Belongings, trails: TrailsAhead, own: Collection[str]) -> str | None:
    """The reference of a parcel's order: its number if it may be ours, in full if it is another seller's.

    `own` are our company prefixes. Where none are known, a number of which we recorded a sale is ours if the handset
    sold lies in the parcel, or in another one of the same order.
    """
    references = [key.removeprefix(ORDER) for key in found.orders]
    numbers = [each for each in references if sellers_number(each) is None]
    if not numbers:
        return next(iter(references), None)
    sellers = {each: given[0] for each in references if (given := sellers_number(each)) and given[1] == numbers[0]}
    if not sellers or any(_prefix(seller, own) for seller in sellers.values()):
        return numbers[0]
    theirs = min(sellers)
    if own:
        return theirs
    sold = sold_by(session, numbers[0])
    return numbers[0] if sold is None or _is_sold_with(session, found, trails, sold, ORDER + numbers[0]) else theirs


def orders_of_one(one: Iterable[str], other: Iterable[str], own: Collection[str]) -> frozenset[str]:
    """The order references that both have, as `same_orders`: those of one house are one seller's."""
    return same_orders(_of_house(one, own), _of_house(other, own))


def _is_sold_with(session: Session, found: Belongings, trails: TrailsAhead, imei: str, order: str) -> bool:
    if _lies_in(found, imei):
        return True
    beside = parcel_beside(session, found, trails, order=order, imei=imei)
    return beside is not None and order in same_orders(found.orders, beside.orders)


def _lies_in(found: Belongings, imei: str) -> bool:
    return any(imei in held.names for held in found.items)


def _of_house(orders: Iterable[str], own: Collection[str]) -> set[str]:
    """Order references with our company prefix in place of each GLN under it."""
    found = set()
    for key in orders:
        given = sellers_number(key.removeprefix(ORDER))
        prefix = None if given is None else _prefix(given[0], own)
        found.add(key if given is None or prefix is None else key.replace(f":{given[0]}:", f":{prefix}:", 1))
    return found


def _prefix(gln: str, own: Collection[str]) -> str | None:
    """The company prefix of ours that a GLN is under."""
    return next((prefix for prefix in own if is_digits(gln) and gln.startswith(prefix)), None)
