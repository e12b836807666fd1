"""The end of the road: a handset is released for ever, and nobody can lock it again.

A registered handset is protected and inert. It leaves the programme in one of four ways, and never comes back:

- **the customer's own word** that they have it (`confirm_receipt`): never locked from then on, and retired;
- **"I found it"** in the order's customer's case: never locked from then on, and retired after the days of amnesty;
- **time**: the days of the policy have passed without a dispute;
- **leaving**: the customer ends the account. Every lock is released and the handset retired at once, before the end.

A carrier's scan of a delivery does none of this, and neither does the customer's SIM: a new one may lie in the parcel.

Retired means: written into the registry outside the backups before anything else; a RETIRE is signed and offered until
the handset has answered it, whatever else happens; on it the handset destroys the key that locks verify under.

A release waits for none of this: where the registry cannot be written (a full disk) the handset is free all the same,
and never locked from then on; time retires it as soon as that can be anchored.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog
from sqlmodel import Session

from custody.kernel.clock import DAY_MS, Instant
from custody.kernel.errors import Unavailable
from custody.store.unit import Unit
from devicelock import store
from devicelock.rules.alert_kind import AlertKind
from devicelock.rules.applied import Applied
from devicelock.rules.command import Authority, Basis, Reason
from devicelock.rules.desired import wish
from devicelock.rules.order import SETTLED, LockRole
from devicelock.store import DeviceRow, LockEventRow, LockOrderRow
from devicelock.usecases.alert import raise_alert
from devicelock.usecases.hold_locks import hold_handsets
from devicelock.usecases.lock_office import LockOffice
from devicelock.usecases.plan_parts import plan_retirement
from devicelock.usecases.release import MANY_RELEASES, find_wrong, release
from devicelock.usecases.request_lock import OPEN
from devicelock.usecases.sign import sign_release

ANCHOR = "anchor"
TIME_PASSED = "The days in which a delivery may be disputed have passed."
NOT_ANCHORED = "The customer has the handset, or leaves; it could not be anchored when that was said."

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetLook:
    """How far a look over the fleet came: the last handset, empty at the end, and whether any is due to be retired."""

    last: str
    due: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetRound:
    """How far a round over the fleet came: the last handset looked at, empty at the end, and how many were retired."""

    last: str
    retired: int


def confirm_receipt(unit: Unit, *, name: str, actor: str, how: str) -> DeviceRow:
    """Somebody's word that the customer has the handset: it is never locked from now on."""
    device = store.device(unit.session, name)
    if not device.confirmed:
        device.confirmed = True
        unit.session.add(device)
        unit.record("device.confirmed", {"device": name, "actor": actor, "how": how})
    return device


def over_since(session: Session, name: str, sold_ms: Instant | None) -> list[LockOrderRow]:
    """The orders of a handset that are over; one from before it was sold to its customer was somebody else's."""
    orders = store.orders_of_device(session, name, sorted(SETTLED))
    return [order for order in orders if sold_ms is None or order.created_ms >= sold_ms]


def received(
    unit: Unit, office: LockOffice, *, name: str, actor: str, role: LockRole, sold_ms: Instant | None = None
) -> DeviceRow:
    """The customer has the handset and says so: whatever lock there is ends, and the handset is retired.

    A lock of theirs that is over already was wrong too. `sold_ms`: when it was sold to them; None is not known.
    """
    hold_handsets(unit, office, [name])
    device = confirm_receipt(unit, name=name, actor=actor, how="received")
    for order in over_since(unit.session, name, sold_ms):
        find_wrong(unit, office, order)
    text = "The customer has the handset."
    return _out(unit, office, device, actor=actor, role=role, reason=Reason.RECEIPT_CONFIRMED, text=text)


def leave(unit: Unit, office: LockOffice, *, name: str, ends_ms: Instant, actor: str, role: LockRole) -> DeviceRow:
    """The account ends at that moment: every lock ends before it, now, without exception; the handset is retired."""
    hold_handsets(unit, office, [name])
    device = store.device(unit.session, name)
    device.left = True
    unit.session.add(device)
    unit.record("device.left", {"device": name, "actor": actor, "ends_ms": ends_ms})
    text = "The customer leaves; a leaver is never locked."
    return _out(unit, office, device, actor=actor, role=role, reason=Reason.LEAVING, text=text)


def look(session: Session, office: LockOffice, *, after: str, limit: int, now_ms: Instant) -> FleetLook:
    """Whether `retire_due` would retire one of these handsets: a look that holds nobody up, as most find none.

    One that cannot be judged counts as due, so that the round tries each alone and goes past it.
    """
    names = store.devices_after(session, after, limit=limit)
    due = any(_seems_due(session, office, device, now_ms) for device in _unretired(session, office, names))
    return FleetLook(last=names[-1] if len(names) == limit else "", due=due)


def retire_due(unit: Unit, office: LockOffice, *, after: str, limit: int) -> FleetRound:
    """Retire handsets whose delivery nobody disputes any more; looks at so many, in the order of their names."""
    names = store.devices_after(unit.session, after, limit=limit)
    gone = 0
    due = [
        each.device
        for each in _unretired(unit.session, office, names)
        if _is_due(unit.session, office, each, unit.now_ms)
    ]
    hold_handsets(unit, office, due)  # each is as it is now, not as it was found
    for device in store.devices(unit.session, due).values():
        if _is_due(unit.session, office, device, unit.now_ms):
            asked = device.left or store.desired(device).to_retire
            authority = Authority(basis=Basis.LAPSE, text=NOT_ANCHORED if asked else TIME_PASSED)
            retire(unit, office, device, actor="system", reason=Reason.RECEIPT_CONFIRMED, authority=authority)
            gone += 1
    return FleetRound(last=names[-1] if len(names) == limit else "", retired=gone)


def retire(
    unit: Unit, office: LockOffice, device: DeviceRow, *, actor: str, reason: Reason, authority: Authority
) -> None:
    """Retire a handset for ever; once more changes nothing. Raises `Unavailable("anchor")` before any change."""
    desired = store.desired(device)
    _anchor(office, device)
    plan_retirement(unit, office, device.device)
    if desired.state is Applied.RETIRED:
        return
    name = desired.order or store.RETIREMENT
    store.set_desired(unit.session, device, wish(desired, Applied.RETIRED, order=name, authority=authority))
    idx = unit.record("device.retired", {"device": device.device, "actor": actor, "reason": str(reason)})
    sign_release(unit, office, name, device, reason=reason, authority=authority)
    if authority.basis is Basis.ONE_PERSON:
        _count(unit, office, actor=actor, idx=idx)


def _anchor(office: LockOffice, device: DeviceRow) -> None:
    try:
        office.anchor.retire(device.device)
    except OSError as error:
        why = f"no handset is retired before that is anchored outside the database: {error.strerror}"
        raise Unavailable(ANCHOR, why, fix="Make room on the disk of the data folder.") from error


def _count(unit: Unit, office: LockOffice, *, actor: str, idx: int) -> None:
    """Tell people of who sets many handsets free for ever, before anybody could lock them; nothing waits for it."""
    step = LockEventRow(order=store.RETIREMENT, at_ms=unit.now_ms, event="retired", actor=actor, facts="{}", idx=idx)
    unit.session.add(step)
    unit.session.flush()
    accounts = office.accounts_of(unit.session, actor)
    count = store.steps_by_since(unit.session, "retired", accounts, unit.now_ms - DAY_MS)
    if count >= MANY_RELEASES:
        detail = f"{actor} has set {count} handsets free for ever within a day."
        raise_alert(unit, AlertKind.MANY_RELEASES, about=office.key_of(unit.session, actor), detail=detail)


def _unretired(session: Session, office: LockOffice, names: Sequence[str]) -> list[DeviceRow]:
    """Those of these handsets that are not retired, not held for this unit."""
    return [session.get_one(DeviceRow, name) for name in names if not office.anchor.of(name).retired]


def _seems_due(session: Session, office: LockOffice, device: DeviceRow, now_ms: Instant) -> bool:
    try:
        return _is_due(session, office, device, now_ms)
    except Exception:  # noqa: BLE001 - whatever it is, `retire_due` meets it again
        return True


def _is_due(session: Session, office: LockOffice, device: DeviceRow, now_ms: Instant) -> bool:
    if device.left or store.desired(device).to_retire:
        return True
    due_ms = office.retires_at(session, device.imei)
    return due_ms is not None and due_ms <= now_ms


def _out(
    unit: Unit, office: LockOffice, device: DeviceRow, *, actor: str, role: LockRole, reason: Reason, text: str
) -> DeviceRow:
    basis = Basis.CUSTOMER if role is LockRole.CUSTOMER else Basis.ONE_PERSON
    for order in store.orders_of_device(unit.session, device.device, OPEN):
        release(unit, office, name=order.id, actor=actor, role=role, reason=reason, basis=basis)
    try:
        retire(unit, office, device, actor=actor, reason=reason, authority=Authority(basis=basis, text=text))
    except Unavailable as trouble:
        if trouble.code != ANCHOR:
            raise
        log.warning("a handset is free and will be retired", device=device.device, detail=trouble.detail)
        store.set_desired(unit.session, device, replace(store.desired(device), to_retire=True))
    return device
