"""Where disputes and locks meet; nowhere else do the two houses know of each other.

A disputed delivery puts everything in place in one unit of work: case, owner, presumption, promises, clocks, remedy
offer, investigation, and for a claim in which the customer does not hold the device the provisional lock of exactly
the handset that the trail ties to the parcel. The remedy never waits for the lock: if it is refused, the answer says
why and what would allow it, and everything else stands.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import select
from sqlmodel import Session, col

from api.accounts import FIRST_START
from api.tables import AccountRow
from custody.disputes.claim import ClaimType
from custody.disputes.lock_wish import LockFacts as WishFacts
from custody.disputes.messages import say
from custody.disputes.opening import Report
from custody.investigation.pack_locks import LockCommand, LockFile, LockHistory, LockKeys
from custody.kernel.errors import NotFound, Rejected, Trouble
from custody.store import case_book
from custody.store.case_book import CaseFile
from custody.store.unit import Unit
from custody.trail.ties import bind
from custody.usecases.investigate import Attach
from custody.usecases.open_dispute import Disputed, open_dispute
from custody.usecases.read_trail import Found, read_trail
from custody.usecases.record_sale import read_sale, sale_of_imei
from devicelock import store as lock_store
from devicelock.rules.command import Reason
from devicelock.rules.lock_facts import Claim, Person
from devicelock.rules.order import Role, State
from devicelock.rules.tie import Tie
from devicelock.store import DeviceRow, LockOrderRow
from devicelock.usecases.hear import key_of
from devicelock.usecases.lock_office import Circumstances, LockOffice
from devicelock.usecases.release import release_all_of
from devicelock.usecases.request_lock import lock_for_dispute

REASONS = {
    ClaimType.NEVER_RECEIVED: Reason.NEVER_RECEIVED,
    ClaimType.SUBSTITUTED: Reason.SUBSTITUTED,
    ClaimType.MISDELIVERED: Reason.MISDELIVERED,
}
SETTLED = frozenset({State.RELEASED, State.REFUSED, State.FAILED_FINAL})


@dataclass(frozen=True, slots=True, kw_only=True)
class LockAnswer:
    """What became of the lock: an order, or why there is none and what would allow it."""

    order: LockOrderRow | None
    refused: str = ""
    allowed_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handset:
    """The handset and the parcel that an order or an item leads to; None where nothing is known."""

    order_ref: str | None
    imei: str | None
    parcel: str | None


def find_handset(session: Session, *, order_ref: str | None, item: str | None) -> Handset:
    """What the customer's order reference or parcel number leads to; unknown things are None, not an error."""
    imei, parcel, found_ref = None, None, order_ref
    if order_ref:
        try:
            imei = read_sale(session, order_ref).sale.imei
        except NotFound:
            imei = None
    asked = item or (f"po:{order_ref}" if order_ref else None)
    if asked:
        try:
            unit = read_trail(session, asked).trail.unit
        except (NotFound, Rejected):
            return Handset(order_ref=found_ref, imei=imei, parcel=None)
        parcel = unit.parcel
        imei = imei or next((name for held in unit.items for name in sorted(held.names) if "gsma:imei" in name), None)
        found_ref = found_ref or next((ref.removeprefix("po:") for ref in unit.orders), None)
    if imei and not found_ref:
        sale = sale_of_imei(session, imei)
        found_ref = sale.sale.order_ref if sale else None
    return Handset(order_ref=found_ref, imei=imei, parcel=parcel)


def dispute_delivery(
    unit: Unit, office: LockOffice, report: Report, *, handset: Handset, owner: str, found_instead: str
) -> tuple[Disputed, LockAnswer]:
    """Everything that a disputed delivery brings about, in this one unit."""
    disputed = open_dispute(
        unit, report, owner=owner, imei=handset.imei, parcel=handset.parcel, found_instead=found_instead
    )
    unit.session.flush()
    return disputed, lock_of_case(unit, office, disputed.file)


def wish_facts(session: Session, handset: Handset) -> WishFacts:
    """What is known of the ordered handset before the case is opened."""
    device = lock_store.device_by_imei(session, handset.imei) if handset.imei else None
    own = None if device is None or device.sim in {"unknown", "never"} else device.sim == "own"
    return WishFacts(seen_on_customers_own_sim=own)


def wish_facts_of_case(session: Session, dispute: str) -> WishFacts:
    """The same for a case that is open already."""
    file = case_book.read(session, dispute)
    return wish_facts(session, Handset(order_ref=file.case.order_ref, imei=file.imei, parcel=file.parcel))


def customer_found_it(unit: Unit, office: LockOffice, *, dispute: str) -> Sequence[LockOrderRow]:
    """The customer has the phone after all: every lock of the case is released at once, whatever else is going on."""
    return release_all_of(unit, office, dispute=dispute, actor="customer", reason=Reason.FOUND_BY_CUSTOMER)


def locks_settled(session: Session, dispute: str) -> bool:
    """Whether every lock of a case is over, or confirmed by two people on a device that is not with the customer."""
    orders = lock_store.orders_of_dispute(session, dispute)
    return all(State(row.state) in SETTLED or row.state == State.ACTIVE_CONFIRMED for row in orders)


def circumstances(session: Session, imei: str, dispute: str | None) -> Circumstances:
    """What custody knows of the parcel and the customer behind a handset."""
    found = _trail(session, imei)
    known = None if found is None else _tie(found, imei)
    site = found.scans[0].station.site if found and found.scans else ""
    if dispute is None:
        return Circumstances(tie=known, site=site)
    file = case_book.read(session, dispute)
    claim = Claim(file.case.claim_type) if file.case.claim_type else None
    away = file.lock_wish.fair if file.imei == imei else None
    return Circumstances(tie=known, claim=claim, not_with_customer=away, site=site)


def person(session: Session, account: str) -> Person | None:
    """The person behind an account, as the lock office sees people."""
    row = session.get(AccountRow, account)
    if row is None:
        return None
    maker = session.get(AccountRow, row.created_by)
    return Person(
        person=row.person,
        roles=frozenset({Role(row.role)}),
        employed=row.active,
        account_made_by=maker.person if maker else FIRST_START if row.created_by == FIRST_START else None,
    )


def attaches(session: Session) -> dict[str, Attach]:
    """When handsets were first seen switched on with a SIM that is not the customer's, by IMEI."""
    rows = session.scalars(select(DeviceRow).where(col(DeviceRow.hello_ms).is_not(None))).all()
    return {row.imei: Attach(at_ms=row.hello_ms) for row in rows if row.hello_ms is not None and row.sim == "other"}


def lock_file(session: Session, office: LockOffice, dispute: str) -> LockFile:
    """Every lock order of a case with its signed commands and answers, for the evidence pack."""
    orders = lock_store.orders_of_dispute(session, dispute)
    public = office.signers
    keys = LockKeys(lock=public.lock.public if public.lock else None, unlock=public.unlock.public)
    return LockFile(keys=keys if orders else LockKeys(), orders=tuple(_history(session, row) for row in orders))


def _history(session: Session, order: LockOrderRow) -> LockHistory:
    device = lock_store.device(session, order.device)
    commands = tuple(
        LockCommand(raw=row.raw, issued_ms=row.issued_ms, ack=row.ack, acked_ms=row.acked_ms)
        for row in lock_store.commands_of(session, order.id)
    )
    steps = [event.idx for event in lock_store.events_of(session, order.id)]
    return LockHistory(
        order=order.id,
        state=order.state,
        device=order.device,
        device_key=key_of(device),
        commands=commands,
        indexes=(device.registered_idx, *steps),
    )


def lock_of_case(unit: Unit, office: LockOffice, file: CaseFile) -> LockAnswer:
    """The provisional lock that a case wishes for, if it is fair and allowed; never an error, always an answer."""
    wish = file.lock_wish
    if not wish.fair or file.case.claim_type is None:
        return LockAnswer(order=None, refused=wish.reason, allowed_by="Two people, if the handset is missing.")
    if file.imei is None:
        return LockAnswer(
            order=None, refused="No record says which handset it is.", allowed_by="Give the order or the parcel number."
        )
    reason = REASONS.get(ClaimType(file.case.claim_type), Reason.MISSING_FROM_CUSTODY)
    try:
        order = lock_for_dispute(unit, office, imei=file.imei, reason=reason, dispute=file.case.id)
    except Trouble as trouble:
        case_book.note(unit, file.case.id, "lock_refused", actor="system", facts={"why": trouble.detail})
        return LockAnswer(order=None, refused=trouble.detail, allowed_by=trouble.fix)
    if order.state == State.REFUSED:
        failing = [row for row in msgspec.json.decode(order.facts).get("checks", []) if row["ok"] is not True]
        first: dict[str, Any] = failing[0] if failing else {}
        why = f"{first.get('check')}: {first.get('reason')}"
        return LockAnswer(order=order, refused=why, allowed_by=first.get("allowed_by", ""))
    case_book.say(unit, file.case.id, [say("lock.publish", reason=wish.reason)])
    return LockAnswer(order=order)


def _trail(session: Session, imei: str) -> Found | None:
    try:
        return read_trail(session, imei)
    except (NotFound, Rejected):
        return None


def _tie(found: Found, imei: str) -> Tie:
    """What the signed records say together: only two independent ones without a contradiction tie."""
    binding = bind(found.trail, imei)
    if binding.findings:
        return Tie.DISAGREE
    if binding.bound:
        return Tie.TIED
    return Tie.SINGLE if binding.ties else Tie.NONE
