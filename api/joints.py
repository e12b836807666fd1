"""Where disputes and locks meet; but for the modules that api/DESIGN.md names beside it they do so nowhere.

A disputed delivery puts everything in place in one unit of work: case, owner, presumption, promises, clocks, remedy
offer, investigation, and for a claim in which the customer does not hold the device the provisional lock of exactly
the handset that the trail ties to the parcel. The remedy never waits for the lock: if it is refused, the answer says
why and what would allow it, and everything else stands.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from api.circumstances import cases_of, found_ms, is_customers
from api.joined_locks import give_to, give_to_customer, ordered_for
from api.people import persons
from api.trail_memory import TRAILS
from custody.disputes.case import CASE, Case
from custody.disputes.civil import civil_date
from custody.disputes.claim import ClaimType
from custody.disputes.lock_wish import WishFacts
from custody.disputes.machine import CaseRole
from custody.disputes.messages import say
from custody.disputes.opening import Report
from custody.disputes.people import may_be_with_user, waits_for_user
from custody.disputes.policy import DEFAULT_POLICY as POLICY
from custody.kernel.clock import DAY_MS, Instant
from custody.kernel.errors import Trouble
from custody.store import case_book
from custody.store.case_book import CaseFile
from custody.store.unit import Unit
from custody.usecases.find_handset import FoundHandset
from custody.usecases.investigate import Attaches
from custody.usecases.open_dispute import Disputed, least_busy, open_dispute
from custody.usecases.read_order import TAKEN_BACK
from custody.usecases.record_sale import sale_of_imei
from devicelock import put_off_store, watch_store
from devicelock import store as lock_store
from devicelock.order_facts import read_facts
from devicelock.rules.alert_kind import AlertKind
from devicelock.rules.command import Reason
from devicelock.rules.hello import SimClass
from devicelock.rules.order import SETTLED, OrderEvent, OrderState
from devicelock.store import DeviceRow, LockOrderRow
from devicelock.usecases.alert import raise_alert
from devicelock.usecases.hold_locks import hold_locks
from devicelock.usecases.lock_office import LockOffice
from devicelock.usecases.release import release_all
from devicelock.usecases.request_lock import OPEN, lock_for_dispute
from devicelock.usecases.retire import confirm_receipt, over_since
from devicelock.usecases.wait_for_release import wait_for_release
from devicelock.watch_store import SightingRow

REASONS = {
    ClaimType.NEVER_RECEIVED: Reason.NEVER_RECEIVED,
    ClaimType.SUBSTITUTED: Reason.SUBSTITUTED,
    ClaimType.MISDELIVERED: Reason.MISDELIVERED,
}
TOLD_OF = {
    OrderState.QUEUED: OrderEvent.PUBLISH,
    OrderState.ACTIVE_PROVISIONAL: OrderEvent.DEVICE_ACK,
    OrderState.ACTIVE_CONFIRMED: OrderEvent.CONFIRM,
}
"""By which move a customer is told of a lock that becomes theirs."""
WAITS = "An earlier lock of the handset is being taken back."
ASKED_AGAIN = "It is asked for again by itself."
SIGHTINGS_IN_A_CASE = 20
"""So many sightings are noted in a case; the log has them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockAnswer:
    """What became of the lock: an order, or why there is none and what would allow it."""

    order: LockOrderRow | None
    refused: str = ""
    allowed_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderTold:
    """The case of whoever holds a locked handset, the token of its page, and what they were told."""

    file: CaseFile
    token: str
    words: str


def dispute_delivery(
    unit: Unit,
    office: LockOffice,
    report: Report,
    *,
    handset: FoundHandset,
    owner: str,
    found_instead: str,
    token: str = "",
) -> tuple[Disputed, LockAnswer]:
    """Everything that a disputed delivery brings about, in this one unit."""
    disputed = open_dispute(
        unit,
        report,
        owner=owner,
        imei=handset.imei,
        parcel=handset.parcel,
        order_named=handset.order_named,
        found_instead=found_instead,
        token=token,
    )
    unit.session.flush()
    if handset.imei:
        _note_sightings(unit, disputed.file.case.id, handset.imei)
    return disputed, lock_of_case(unit, office, disputed.file)


def wish_facts(session: Session, imei: str | None) -> WishFacts:
    """What is known of the ordered handset before the case is opened."""
    device = lock_store.device_by_imei(session, imei) if imei else None
    own = None if device is None or device.sim in {SimClass.UNKNOWN, SimClass.NEVER} else device.sim == SimClass.OWN
    return WishFacts(seen_on_customers_own_sim=own)


def wish_facts_of_case(session: Session, dispute: str) -> WishFacts:
    """The same for a case that is open already."""
    return wish_facts(session, case_book.read(session, dispute).imei)


def customer_found_it(unit: Unit, office: LockOffice, *, dispute: str) -> Sequence[LockOrderRow]:
    """The customer has the phone after all: every lock of theirs is released at once, whatever else is going on.

    Only from a case that is its customer's own the word also reaches what another report had locked, over or not, and
    counts for ever: whoever holds the box can read the IMEI off it and open a case.
    """
    session = unit.session
    file = case_book.read(session, dispute)
    device = lock_store.device_by_imei(session, file.imei) if file.imei and is_customers(session, file) else None
    sale = sale_of_imei(session, device.imei) if device else None
    orders = ordered_for(session, file)
    others = lock_store.orders_of_device(session, device.device, OPEN) if device else []
    over = over_since(session, device.device, sale.recorded_ms if sale else None) if device else []
    names = list(dict.fromkeys(row.id for row in (*orders, *others, *over)))
    hold_locks(unit, office, names)
    for row in others:
        give_to_customer(unit, row)
    released = release_all(unit, office, orders=names, actor="customer", reason=Reason.FOUND_BY_CUSTOMER)
    if device is not None:
        confirm_receipt(unit, name=device.device, actor="customer", how="found_it")
    return released


def locks_of(session: Session, file: CaseFile) -> list[LockOrderRow]:
    """The lock orders that a case may know of: its own, and on its customer's own case every one of the handset."""
    orders = ordered_for(session, file)
    device = lock_store.device_by_imei(session, file.imei) if file.imei and is_customers(session, file) else None
    if device is not None:
        orders += lock_store.orders_of_device(session, device.device, list(OrderState))
    return sorted({row.id: row for row in orders}.values(), key=lambda row: row.created_ms)


def locks_settled(session: Session, dispute: str) -> bool:
    """Whether every lock of a case is over, or confirmed by two people on a device that is not with the customer."""
    orders = lock_store.orders_of_dispute(session, dispute)
    return all(OrderState(row.state) in SETTLED or row.state == OrderState.ACTIVE_CONFIRMED for row in orders)


def retires_at(session: Session, imei: str) -> Instant | None:
    """From when nobody disputes the delivery of a handset any more; None is not known, or never.

    "I found it" counts from when it was said, everything else from the delivery that the trail shows, or from the sale
    if it shows none. A delivery that a customer says never came is disputed for ever, unless they take it back.
    """
    sale = sale_of_imei(session, imei)
    if sale is None:
        return None
    found, disputed = [], []
    for file in cases_of(session, imei):
        at_ms = found_ms(session, file.case.id)
        if at_ms is None:
            disputed.append(file)
        elif is_customers(session, file):
            found.append(at_ms)
    if found:
        return max(found) + _days_ms("found_it_amnesty_days", max(found))
    disputed = [file for file in disputed if file.case.state not in TAKEN_BACK]
    if any(file.case.state not in CASE.terminal or file.case.claim_type in REASONS for file in disputed):
        return None
    delivered_ms = TRAILS.ask(session, imei).delivered_ms
    start_ms = sale.recorded_ms if delivered_ms is None else delivered_ms
    return start_ms + _days_ms("device_retire_days", start_ms)


def holder_speaks(unit: Unit, *, reference: str, words: str, token: str = "") -> HolderTold:
    """Whoever holds a locked handset says so: they get a case of their own, and people are told to look at the lock.

    The case names neither the order nor the handset of the customer who misses it.
    """
    order = lock_store.order(unit.session, reference)
    report = Report(
        words=words,
        channel="web",
        reported_ms=unit.now_ms,
        claim_type=ClaimType.HOLDER_ENQUIRY,
        said_by=CaseRole.CUSTOMER,
    )
    owner = least_busy(unit.session, persons.agents(unit.session))
    opened = open_dispute(unit, report, owner=owner, imei=None, parcel=None, token=token)
    said = say("lock.holder")
    case_book.say(unit, opened.file.case.id, [said])
    lock_store.note(unit, order, "holder_spoke", actor="holder", facts={"case": opened.file.case.id})
    detail = f"Whoever holds the handset of {order.id} says it is theirs; their case is {opened.file.case.id}."
    raise_alert(unit, AlertKind.HOLDER_SPOKE, about=order.id, detail=detail)
    return HolderTold(file=opened.file, token=opened.token, words=said.text)


def handset_seen(unit: Unit, device: DeviceRow, sighting: SightingRow) -> None:
    """A handset was seen on a network or with a SIM that is new to us: that goes into every open case about it."""
    for file in cases_of(unit.session, device.imei):
        if file.case.state not in CASE.terminal:
            _note_sightings(unit, file.case.id, device.imei, only=sighting)


def handset_learned(unit: Unit, office: LockOffice, file: CaseFile) -> None:
    """A case has learned its handset: where that was seen goes into it, and its lock is asked for."""
    if file.imei:
        _note_sightings(unit, file.case.id, file.imei)
    unit.session.flush()
    lock_when_freed(unit, office, [file.case.id])


def _note_sightings(unit: Unit, dispute: str, imei: str, *, only: SightingRow | None = None) -> None:
    """Write where the handset was seen into the case, for the investigation and the evidence pack."""
    device = lock_store.device_by_imei(unit.session, imei)
    seen = [only] if only else watch_store.sightings_of(unit.session, device.device) if device else []
    noted = sum(line.kind == case_book.HANDSET_SEEN for line in case_book.timeline(unit.session, dispute))
    for sighting in seen[: max(0, SIGHTINGS_IN_A_CASE - noted)]:
        facts = {name: getattr(sighting, name) for name in ("sim", "country", "network")}
        where = {"seen_ms": sighting.at_ms, "entry": sighting.idx, **facts}
        case_book.note(unit, dispute, case_book.HANDSET_SEEN, actor=sighting.device, facts=where)


def _days_ms(key: str, at_ms: Instant) -> int:
    return POLICY.count(key, civil_date(at_ms)) * DAY_MS


def attaches(session: Session) -> Attaches:
    """When handsets were seen switched on with a SIM that is not the customer's, by IMEI."""
    seen = defaultdict[str, list[Instant]](list)
    for imei, at_ms in watch_store.seen_with_another_sim(session):
        seen[imei].append(at_ms)
    return seen


def _join_lock(unit: Unit, office: LockOffice, file: CaseFile, *, order: object) -> LockOrderRow | None:
    """The lock of the handset that another's report brought about goes on under its customer's own; None if none does.

    So nobody else's word takes it back, and the customer is told of it as of one of theirs.
    """
    row = lock_store.order(unit.session, order) if isinstance(order, str) and is_customers(unit.session, file) else None
    if row is None or row.state not in {OrderState.REQUESTED, *TOLD_OF}:
        return None
    if row.dispute is not None and is_customers(unit.session, case_book.read(unit.session, row.dispute)):
        return None
    give_to(unit, row, file)
    if row.state in TOLD_OF:
        office.moved(unit, row, TOLD_OF[OrderState(row.state)])
    return row


def lock_as_known(unit: Unit, office: LockOffice, before: Case, file: CaseFile, *, actor: str) -> None:
    """What a move brings about for the lock: of a kind that was agreed anew, or of the word of whoever uses the phone.

    Once they say that they do not have it, the lock is made that waited for it. Once they say that they have it, every
    lock of the case is let go, as by "I found it". One of whom nobody knows whether they have it leaves a lock to its
    hours: two people cannot keep it beyond these.
    """
    has_it = file.case.people is not None and file.case.people.user_has_it is True
    if has_it and not (before.people is not None and before.people.user_has_it is True):
        let_go(unit, office, file, actor=actor)
    waited = waits_for_user(before.people) and not may_be_with_user(file.case.people)
    if file.case.claim_type != before.claim_type:
        lock_as_agreed(unit, office, file, actor=actor)
    elif waited and file.case.state not in CASE.terminal and file.found_ms is None:
        lock_of_case(unit, office, file)


def lock_as_agreed(unit: Unit, office: LockOffice, file: CaseFile, *, actor: str) -> None:
    """What a kind that was agreed anew brings about: the lock it wishes for, or the end of one that is fair no more."""
    if file.lock_wish.fair:
        lock_of_case(unit, office, file)
    else:
        let_go(unit, office, file, actor=actor)


def let_go(unit: Unit, office: LockOffice, file: CaseFile, *, actor: str) -> None:
    """Every lock that a case has ordered is released."""
    orders = [order.id for order in lock_store.orders_of_dispute(unit.session, file.case.id)]
    release_all(unit, office, orders=orders, actor=actor, reason=Reason.WITHDRAWN)


def lock_when_freed(unit: Unit, office: LockOffice, disputes: Sequence[str]) -> None:
    """The locks that have waited for an earlier one to be taken back, where these cases still wish for them."""
    for dispute in disputes:
        file = case_book.goes_on(unit.session, case_book.read(unit.session, dispute))
        if file.case.state not in CASE.terminal and file.found_ms is None and file.lock_wish.fair:
            lock_of_case(unit, office, file)


def lock_of_case(unit: Unit, office: LockOffice, file: CaseFile) -> LockAnswer:
    """The provisional lock that a case wishes for, if it is fair and allowed; never an error, always an answer."""
    wish = file.lock_wish
    if not wish.fair or file.case.claim_type is None:
        return LockAnswer(order=None, refused=wish.reason, allowed_by="Two people, if the handset is missing.")
    if file.imei is None:
        allowed_by = "A report with the number of the order, the parcel or the handset; join this one to it."
        return LockAnswer(order=None, refused="No record says which handset it is.", allowed_by=allowed_by)
    reason = REASONS.get(ClaimType(file.case.claim_type), Reason.MISSING_FROM_CUSTODY)
    try:
        order = lock_for_dispute(unit, office, imei=file.imei, reason=reason, dispute=file.case.id)
    except Trouble as trouble:
        return _held_back(unit, office, file, trouble)
    if order.state == OrderState.REFUSED:
        first = next(row for row in read_facts(order).checks if row.ok is not True)
        allowed_by = first.allowed_by
        if put_off_store.is_put_off(unit.session, order.id):
            allowed_by = f"{allowed_by} {ASKED_AGAIN}"
        return LockAnswer(order=order, refused=f"{first.check}: {first.reason}", allowed_by=allowed_by)
    return LockAnswer(order=order)


def _held_back(unit: Unit, office: LockOffice, file: CaseFile, trouble: Trouble) -> LockAnswer:
    """What becomes of a lock that another order of the handset, or anything else, stands in the way of."""
    earlier = trouble.facts.get("order")
    joined = _join_lock(unit, office, file, order=earlier)
    if joined is not None:
        return LockAnswer(order=joined)
    if isinstance(earlier, str) and wait_for_release(unit, name=earlier, dispute=file.case.id):
        case_book.note(unit, file.case.id, "lock_waits", actor="system", facts={"order": earlier})
        return LockAnswer(order=None, refused=WAITS, allowed_by="It is asked for anew by itself when that is over.")
    case_book.note(unit, file.case.id, "lock_refused", actor="system", facts={"why": trouble.detail})
    return LockAnswer(order=None, refused=trouble.detail, allowed_by=trouble.fix)
