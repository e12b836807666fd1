"""What other lock systems are to be asked, decided in the unit that decides about the order; nothing is sent here.

- **A lock** becomes a part for every back-end that knows the handset and may carry it (`left_out` says which may not,
  and why). A later deadline (a confirmed lock) is a new version of the part.
- **An entry on an IMEI list takes two people**, whatever the rest of the order rests on, and all checks of
  `LockKind.IMEI_LIST`: a lock by standing authority never goes there until two people have confirmed it.
- **A name that no second person has confirmed** (`give_reference.py`) carries no lock.
- **A release** goes to every back-end that has, or may have, the lock; a lock that was never sent is only struck out.
- **A lock that a restore has forgotten** is known from the anchor, and its release is asked for: nobody else would.
- **Retired is for ever and everywhere**: at every back-end that knows the handset by a confirmed name, locked there or
  not, and by whatever name it ever carried a lock.
- A version is never used twice for a handset at a back-end, even after a restore: the anchored epoch stands above it.
"""

from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

from custody.kernel.clock import SECOND_MS
from custody.store.unit import Unit
from devicelock import part_store, store
from devicelock.anchor import Hold
from devicelock.backends import eir
from devicelock.backends.contract import Capabilities
from devicelock.backends.known import CAPABILITIES
from devicelock.part_store import PartRow, ReferenceRow
from devicelock.rules.applied import Applied
from devicelock.rules.authority import preflight
from devicelock.rules.command import LIFE_MAX_S, LockScreen
from devicelock.rules.lock_facts import LockKind
from devicelock.rules.order import SETTLED
from devicelock.rules.preflight import Ruling
from devicelock.store import DeviceRow, LockOrderRow
from devicelock.usecases.count_locks import Judged
from devicelock.usecases.fan_out import Unfit, unfit
from devicelock.usecases.give_reference import CONFIRMED_BY
from devicelock.usecases.lock_office import LockOffice

EPOCH_BITS = 20
"""So many versions fit into one epoch; the epoch stands above them."""

FORGOTTEN = "forgotten."
"""Stands before the name of an order in the part that releases a lock of it which a restore has forgotten."""


class Why(StrEnum):
    """What is to be known of a back-end before a lock. The list is closed."""

    OK = "ok"
    NO_CONTACT = "no_contact"
    NO_WAY_OUT = "no_way_out"
    UNCONFIRMED = "unconfirmed"
    TWO_PEOPLE = "two_people"
    NOT_CONFIGURED = "not_configured"
    BEFORE_SETUP = "before_setup"
    USER_CAN_LEAVE = "user_can_leave"
    UNVERIFIED = "unverified"


LEFT_OUT = frozenset({Why.NO_CONTACT, Why.NO_WAY_OUT, Why.UNCONFIRMED, Why.TWO_PEOPLE})
"""What keeps a lock from a back-end; the others are told of."""

ALLOWED_BY = {
    Why.OK: "",
    Why.NO_CONTACT: "Nobody: it cannot show a contact to whoever holds the handset.",
    Why.NO_WAY_OUT: "Our own agent on the handset, which can be unlocked offline.",
    Why.UNCONFIRMED: CONFIRMED_BY,
    Why.TWO_PEOPLE: "Two people who confirm the lock, and every check of an entry on an IMEI list.",
    Why.NOT_CONFIGURED: "Switching the back-end on; until then its part waits.",
    Why.BEFORE_SETUP: "The handset's first set-up: there it cannot be locked before that. Our own agent can.",
    Why.USER_CAN_LEAVE: "Nobody: who knows the handset's passcode can leave this lock.",
    Why.UNVERIFIED: "A trial against the real service; its word that a handset is locked is shown, and not believed.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """What one back-end can make of a lock."""

    backend: str
    why: Why

    @property
    def ok(self) -> bool | None:
        """Whether it carries the lock: true, false, or not before something else has happened."""
        return {Why.OK: True, Why.USER_CAN_LEAVE: True}.get(self.why, False if self.why in LEFT_OUT else None)


def fits(unit: Unit, office: LockOffice, order: LockOrderRow | Judged, device: DeviceRow, kind: LockKind) -> list[Fit]:
    """What every back-end that knows the device can make of this lock."""
    return [
        Fit(backend=row.backend, why=_why(unit, office, order, device, kind, reference=row))
        for row in part_store.references_of(unit.session, device.device)
    ]


def rows_of(found: list[Fit]) -> list[dict[str, Any]]:
    """The same as rows of a preflight, for people."""
    return [
        {"check": f"backend_{each.backend}", "ok": each.ok, "reason": str(each.why), "allowed_by": ALLOWED_BY[each.why]}
        for each in found
    ]


def plan_locks(unit: Unit, office: LockOffice, order: LockOrderRow, device: DeviceRow, kind: LockKind) -> None:
    """A part for every back-end that may carry the lock; one that stands for this deadline already stays as it is."""
    names = part_store.names_of(unit.session, device.device)
    if not names:
        return
    found = fits(unit, office, order, device, kind)
    planned = []
    screen = office.screen_of(order)
    for each in found:
        row = unit.session.get(PartRow, (order.id, each.backend))
        if each.why in LEFT_OUT or (row is not None and (row.wished != Applied.LOCKED or _screen(row) == screen)):
            continue
        row = row or _part(unit, order.id, device.device, each.backend, names[each.backend])
        _wish(unit, office, row, Applied.LOCKED)
        row.screen = msgspec.json.encode(screen).decode()
        row.not_after_ms = min(unit.now_ms + LIFE_MAX_S * SECOND_MS, order.held_until_ms)
        planned.append(each.backend)
    if planned:
        left_out = {each.backend: str(each.why) for each in found if each.why in LEFT_OUT}
        store.note(unit, order, "backends", actor="system", facts={"asked": planned, "left_out": left_out})


def plan_release(unit: Unit, office: LockOffice, order: LockOrderRow) -> bool:
    """Ask every back-end that has or may have the lock for its release; whether there is one."""
    parts = part_store.parts_of(unit.session, order.id) if part_store.has_parts(unit.session, order.id) else []
    for row in parts:
        if row.wished == Applied.LOCKED:
            _wish(unit, office, row, Applied.UNLOCKED)
            row.may_hold = row.may_hold or office.anchor.may_hold(row.order, row.backend)  # a restore forgot its claim
            if not row.may_hold:
                row.due_ms = None
    return any(row.may_hold for row in parts)


def plan_retirement(unit: Unit, office: LockOffice, device: str) -> list[str]:
    """Ask every back-end that knows a retired device to retire it too; those that were asked before are left alone."""
    asked: list[str] = []
    for backend, handset in part_store.unretired_at(unit.session, device):
        named = f"retire.{device}"
        if unit.session.get(PartRow, (named, backend)) is not None:
            named = f"{named}.{handset}"  # another name of the same device at the same back-end
        _wish(unit, office, _part(unit, named, device, backend, handset), Applied.RETIRED)
        asked.append(backend)
    if asked:
        unit.record("device.retiring", {"device": device, "backends": asked})
    return asked


def plan_forgotten(unit: Unit, office: LockOffice, hold: Hold) -> None:
    """Account for a lock that another system may hold and a restore has forgotten: unless it is wished, it is released.

    An order that goes on without a part there is waited for: the part may be planned anew, and else the lock is
    released once the order is over. Of a release that was shown, and only could not be anchored then, that is anchored
    now: to say it once more would free a newer order's lock of the same handset.
    """
    row = unit.session.get(PartRow, (hold.order, hold.backend))
    named = f"{FORGOTTEN}{hold.order}"
    if row is None:
        order = store.orders(unit.session, {hold.order}).get(hold.order)
        if order is not None and order.state not in SETTLED:
            return
        row = unit.session.get(PartRow, (named, hold.backend))
    if row is not None and row.wished != Applied.LOCKED and not row.may_hold:
        let_go(office, row)
        return
    row = row or _part(unit, named, hold.device, hold.backend, hold.handset)
    row.may_hold = True
    if row.wished != Applied.LOCKED:
        _wish(unit, office, row, Applied.UNLOCKED)
    unit.session.add(row)
    unit.record("lock.forgotten", {"order": hold.order, "device": hold.device, "backend": hold.backend})


def let_go(office: LockOffice, row: PartRow) -> None:
    """The back-end is free of the lock, which is anchored if that can be done; else the carrier tries again."""
    with suppress(OSError):
        office.anchor.let_go(order_of(row), row.backend)


def order_of(row: PartRow) -> str:
    """The order whose lock a part is about, also where a restore has forgotten that order."""
    return row.order.removeprefix(FORGOTTEN)


def next_version(unit: Unit, office: LockOffice, row: PartRow) -> int:
    """A version above every one that was ever used for the handset at the back-end, before a restore or after it."""
    highest = part_store.highest_version(unit.session, row.backend, row.handset)
    return max(highest + 1, office.anchor.of(row.device).epoch << EPOCH_BITS)


def lapse_part(unit: Unit, office: LockOffice, row: PartRow) -> None:
    """The back-end's own wish has run out, so that it is a release here too."""
    _wish(unit, office, row, Applied.UNLOCKED)


def _wish(unit: Unit, office: LockOffice, row: PartRow, wished: Applied) -> None:
    row.version = next_version(unit, office, row)
    row.wished, row.screen, row.not_after_ms = wished, None, 0
    row.tries, row.answer, row.trouble, row.retry_after_s, row.at_ms = 0, None, None, None, None
    row.again, row.looks, row.due_ms = False, 0, unit.now_ms
    unit.session.add(row)
    unit.session.flush()


def _part(unit: Unit, order: str, device: str, backend: str, handset: str) -> PartRow:
    return PartRow(
        order=order,
        backend=backend,
        device=device,
        handset=handset,
        wished=Applied.UNLOCKED,
        version=0,
        screen=None,
        not_after_ms=0,
        may_hold=False,
        tries=0,
        answer=None,
        trouble=None,
        retry_after_s=None,
        at_ms=None,
        again=False,
        applied=None,
        seen_ms=None,
        looks=0,
        due_ms=None,
        created_ms=unit.now_ms,
    )


def _screen(row: PartRow) -> LockScreen | None:
    return None if row.screen is None else msgspec.json.decode(row.screen, type=LockScreen)


def _why(
    unit: Unit,
    office: LockOffice,
    order: LockOrderRow | Judged,
    device: DeviceRow,
    kind: LockKind,
    *,
    reference: ReferenceRow,
) -> Why:
    backend = reference.backend
    able = office.backends.get(backend)
    can = able or CAPABILITIES[backend]
    # A device is registered with the key of our agent on it, so the agent carries every order beside the others.
    reasons = unfit(can, beside_agent=True)
    if reasons:
        return {Unfit.NO_CONTACT: Why.NO_CONTACT, Unfit.NO_WAY_OUT: Why.NO_WAY_OUT}[reasons[0]]
    if reference.confirmed_ms is None:
        return Why.UNCONFIRMED
    if backend == eir.NAME and not _may_be_listed(unit, office, order, device, kind):
        return Why.TWO_PEOPLE
    return Why.NOT_CONFIGURED if able is None else _told_of(can, device)


def _told_of(can: Capabilities, device: DeviceRow) -> Why:
    if device.hello_ms is None and not can.holds_before_setup:
        return Why.BEFORE_SETUP
    if can.unverified:
        return Why.UNVERIFIED
    return Why.USER_CAN_LEAVE if can.user_can_leave else Why.OK


def _may_be_listed(
    unit: Unit, office: LockOffice, order: LockOrderRow | Judged, device: DeviceRow, kind: LockKind
) -> bool:
    if kind is LockKind.PROVISIONAL:
        return False
    return preflight(office.facts(unit, order, device, LockKind.IMEI_LIST)).ruling is Ruling.ALLOWED
