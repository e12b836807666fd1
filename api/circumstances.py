"""What is known of a handset from its trail, its sale and the cases about it, when a lock of it is judged."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial

import msgspec
from sqlmodel import Session

from api.trail_memory import TRAILS
from custody.disputes.case import CASE
from custody.disputes.claim import ClaimType, claim_of
from custody.disputes.people import may_be_with_user
from custody.gs1.imei import imei_digits
from custody.kernel.clock import Instant
from custody.store import case_book
from custody.store.case_book import CaseFile
from custody.usecases.read_order import TAKEN_BACK
from custody.usecases.record_sale import StoredSale, sale_of_imei
from devicelock.case_store import cases_about
from devicelock.rules.alert_kind import AlertKind
from devicelock.rules.lock_facts import LockClaim
from devicelock.store import LockOrderRow
from devicelock.usecases.lock_office import Circumstances
from devicelock.watch_store import waits_of_act

Sales = Callable[[str], StoredSale | None]
"""The newest sale of a handset."""


def circumstances(session: Session, imei: str, dispute: str | None) -> Circumstances:
    """What custody knows of the parcel and the customer behind a handset.

    A case about another handset says nothing of this one, nor one of an order that it was sold after. A report that was
    taken back is no ground for a lock; and where the customer says in another case that they have the handset, or in
    any that they found it, nobody knows where it is; nor while somebody else who uses it has not said that they do not
    have it. What a case needs of support is needed in every other one.
    """
    told = TRAILS.ask(session, imei)
    known = Circumstances(tie=told.tie, site=told.site, evidence=told.evidence)
    if dispute is None:
        return known
    sales = cache(partial(sale_of_imei, session))
    others = {each.case.id: each for each in cases_of(session, imei, sales=sales)}
    file = others.pop(dispute, None) or case_book.read(session, dispute)
    if file.imei != imei or _was_sold_since(session, file, sales):
        return known
    known = replace(
        known,
        vulnerable=any(need.strip() for each in (file, *others.values()) for need in each.case.support_needs),
        still_served=file.lock_wish.notice == "before",
        evidence=(*told.evidence, f"case:{dispute}"),
    )
    if file.case.state in TAKEN_BACK or _is_with_customer(session, file, list(others.values()), sales):
        return known
    claim, sale = LockClaim(file.case.claim_type) if file.case.claim_type else None, sales(imei)
    sold_ms = None if sale is None else sale.recorded_ms
    return replace(known, claim=claim, not_with_customer=file.lock_wish.fair, sold_ms=sold_ms)


def look_ahead(session: Session, orders: Sequence[LockOrderRow]) -> None:
    """Ask at once for what the trails of the handsets say of which these orders are, and are about to be judged."""
    TRAILS.ask_together(session, {order.imei for order in orders})


def cases_of(session: Session, imei: str, *, sales: Sales | None = None) -> list[CaseFile]:
    """The cases about a handset, oldest first: those of its order, and those that a lock of it was ordered for.

    An order may have several handsets; of its cases those are left out that are about another one.
    """
    sale = sales(imei) if sales else sale_of_imei(session, imei)
    found = cases_about(session, order_ref=sale.sale.order_ref if sale else None, imei=imei)
    files = [(msgspec.json.decode(facts, type=CaseFile), locks) for facts, locks in found]
    return [file for file, locks in files if locks or file.imei in {None, imei}]


def is_customers(session: Session, file: CaseFile, *, sales: Sales | None = None) -> bool:
    """Whether a case is that of the customer of its order: it named the order, and nobody bought the handset since."""
    return file.order_named and not _was_sold_since(session, file, sales or partial(sale_of_imei, session))


def found_ms(session: Session, dispute: str) -> Instant | None:
    """When the customer said first that they have the phone; None if they did not."""
    return case_book.first_ms(session, dispute, "found")


def _is_with_customer(session: Session, file: CaseFile, others: Sequence[CaseFile], sales: Sales) -> bool:
    """Whether the customer may have the handset by their own word; a stranger's case does not speak for them."""
    mine = is_customers(session, file, sales=sales)
    heard = [each for each in others if not mine or is_customers(session, each, sales=sales)]
    held = [each for each in heard if each.case.state not in CASE.terminal and _says_held(each)]
    if any(may_be_with_user(each.case.people) for each in (file, *heard) if each.case.state not in CASE.terminal):
        return True
    return bool(held) or any(found_ms(session, each.case.id) is not None for each in (file, *heard))


def _says_held(file: CaseFile) -> bool:
    kind = file.case.claim_type
    if kind is None or kind == ClaimType.HOLDER_ENQUIRY or file.lock_wish.fair:
        return False
    return claim_of(kind).customer_holds_device


def _was_sold_since(session: Session, file: CaseFile, sales: Sales) -> bool:
    """Whether the handset was sold in another order; written down beside an open case, once somebody looked at that."""
    sale = sales(file.imei) if file.imei and file.case.order_ref else None
    if sale is None or sale.sale.order_ref == file.case.order_ref:
        return False
    was_open = file.case.opened_ms < sale.recorded_ms
    return not (was_open and waits_of_act(session, AlertKind.SOLD_IN_DISPUTE, imei_digits(sale.sale.imei)))
