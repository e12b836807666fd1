"""Asking for a lock, saying yes or no as the second person, and confirming a provisional lock.

- By standing authority (a disputed delivery): allowed or refused at once; if allowed, signed in the same unit.
- By a person: the order waits for a second person, who decides; both are checked again when it is signed.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from custody.gs1.imei import imei_digits, imei_urn
from custody.kernel.clock import DAY_MS
from custody.kernel.errors import Conflict, Forbidden, NotFound, Rejected
from custody.store.unit import Unit
from devicelock import store
from devicelock.rules.authority import PROVISIONAL_MS, preflight
from devicelock.rules.check import CheckName, Preflight, Verdict
from devicelock.rules.command import Basis, Reason
from devicelock.rules.lock_facts import Kind
from devicelock.rules.order import Event, Guard, Role, State, step
from devicelock.store import DeviceRow, LockOrderRow
from devicelock.usecases.lock_office import HELD, STANDING, LockOffice
from devicelock.usecases.sign import publish_lock

SECOND_PERSON = frozenset({CheckName.DECIDER, CheckName.TWO_PEOPLE})
CONFIRMED_MS = 90 * DAY_MS
OPEN = (State.REQUESTED, State.APPROVED, *sorted(HELD))


def lock_for_dispute(unit: Unit, office: LockOffice, *, imei: str, reason: Reason, dispute: str) -> LockOrderRow:
    """The provisional lock of a disputed delivery, by standing authority; the order says queued or refused and why."""
    device = _device(unit, imei)
    order = _new_order(unit, device, reason, dispute, requester=STANDING, basis=Basis.STANDING_POLICY, facts={})
    found = preflight(office.facts(unit, order, device, Kind.PROVISIONAL))
    if found.verdict is Verdict.REFUSED:
        return _refuse(unit, order, found)
    _approve(unit, order)
    publish_lock(unit, office, order, device, Kind.PROVISIONAL)
    return order


def request_lock(
    unit: Unit,
    office: LockOffice,
    *,
    imei: str,
    last4: str,
    reason: Reason,
    account: str,
    evidence: Sequence[str],
    dispute: str | None = None,
) -> LockOrderRow:
    """A person asks for a lock; it waits for a second person unless a check fails that no second person could mend."""
    urn = imei_urn(imei)
    if imei_digits(urn)[-4:] != last4:
        raise Rejected("imei_last4", "the last four digits typed are not those of the IMEI", fix="Type them again.")
    device = _device(unit, urn)
    facts = {"evidence": list(evidence)}
    order = _new_order(unit, device, reason, dispute, requester=account, basis=Basis.TWO_PEOPLE, facts=facts)
    found = preflight(office.facts(unit, order, device, Kind.REQUESTED))
    if any(row.name not in SECOND_PERSON for row in found.failing):
        return _refuse(unit, order, found)
    unit.session.add(order)
    store.note(unit, order, "requested", actor=account, facts={"reason": str(reason), "evidence": list(evidence)})
    return order


def approve_lock(unit: Unit, office: LockOffice, *, order: str, account: str) -> LockOrderRow:
    """The second person says yes; the command is signed in the same unit. Raises `Forbidden` for the first person."""
    row = store.order(unit.session, order)
    if row.state != State.REQUESTED:
        raise Conflict(
            "move", f"the order is {row.state}, not waiting for a second person", fix="Read the order again."
        )
    device = store.device(unit.session, row.device)
    row.second = account
    found = preflight(office.facts(unit, row, device, Kind.REQUESTED))
    refuse_if_failing(found)
    _approve(unit, row)
    publish_lock(unit, office, row, device, Kind.REQUESTED)
    return row


def refuse_lock(unit: Unit, *, order: str, account: str, why: str) -> LockOrderRow:
    """The second person says no, with a reason that is shown to the first."""
    row = store.order(unit.session, order)
    guards = {Guard.REASON_SHOWN: bool(why.strip())}
    row.state = step(State(row.state), Event.SECOND_PERSON_SAYS_NO, role=Role.SUPERVISOR, guards=guards)
    _add_facts(row, refused=why)
    unit.session.add(row)
    store.note(unit, row, "refused", actor=account, facts={"why": why})
    return row


def confirm_lock(unit: Unit, office: LockOffice, *, order: str, account: str, role: Role) -> LockOrderRow:
    """Two people keep a lock beyond its 72 hours: the first call proposes, another person's call confirms."""
    row = store.order(unit.session, order)
    device = store.device(unit.session, row.device)
    facts = msgspec.json.decode(row.facts)
    proposer = facts.get("confirm_proposed_by")
    if proposer is None:
        _add_facts(row, confirm_proposed_by=account)
        unit.session.add(row)
        store.note(unit, row, "confirmation_proposed", actor=account, facts={})
        return row
    trial = LockOrderRow(**{**row.model_dump(), "requester": proposer, "second": account})
    judged = office.facts(unit, trial, device, Kind.CONFIRM)
    found = preflight(judged)
    refuse_if_failing(found)
    guards = {Guard.FOUR_EYES: True, Guard.DEVICE_NOT_WITH_CUSTOMER: judged.not_with_customer}
    row.state = step(State(row.state), Event.CONFIRM, role=role, guards=guards)
    row.held_until_ms = unit.now_ms + CONFIRMED_MS
    _add_facts(row, confirmed_by=[proposer, account])
    unit.session.add(row)
    publish_lock(unit, office, as_confirmed(row), device, Kind.CONFIRM)
    store.note(unit, row, "confirmed", actor=account, facts={"with": proposer})
    return row


def as_confirmed(order: LockOrderRow) -> LockOrderRow:
    """A confirmed order as it is judged: with the two people who keep it as its people. It is never stored."""
    first, second = msgspec.json.decode(order.facts)["confirmed_by"]
    return LockOrderRow(**{**order.model_dump(), "requester": first, "second": second})


def trial_order(unit: Unit, device: DeviceRow, *, dispute: str | None) -> LockOrderRow:
    """An order that is only looked at and never stored, for a dry run."""
    return _order(unit, device, Reason.NEVER_RECEIVED, dispute, requester=STANDING, basis=Basis.TWO_PEOPLE, facts={})


def refuse_if_failing(found: Preflight) -> None:
    """Raise `Forbidden` with every failing check and what would allow it."""
    if found.verdict is Verdict.ALLOWED:
        return
    first = found.failing[0]
    raise Forbidden(
        "lock_refused",
        f"{first.name}: {first.reason}",
        fix=first.allowed_by,
        checks=rows_of(found),
    )


def rows_of(found: Preflight) -> list[dict[str, Any]]:
    """The checks as plain values, for people and for the log."""
    return [
        {"check": str(row.name), "ok": row.ok, "reason": str(row.reason), "allowed_by": row.allowed_by}
        for row in found.rows
    ]


def _device(unit: Unit, imei: str) -> DeviceRow:
    row = store.device_by_imei(unit.session, imei_urn(imei))
    if row is None:
        raise NotFound("device", "no handset is registered under this IMEI", fix="Use an IMEI list, by two people.")
    return store.device(unit.session, row.device)


def _new_order(
    unit: Unit,
    device: DeviceRow,
    reason: Reason,
    dispute: str | None,
    *,
    requester: str,
    basis: Basis,
    facts: dict[str, Any],
) -> LockOrderRow:
    open_orders = store.orders_of_device(unit.session, device.device, OPEN)
    if open_orders:
        raise Conflict(
            "already_ordered",
            f"the handset has the open lock order {open_orders[0].id}",
            fix="Read that order; release it before asking for another.",
            order=open_orders[0].id,
        )
    return _order(unit, device, reason, dispute, requester=requester, basis=basis, facts=facts)


def _order(
    unit: Unit,
    device: DeviceRow,
    reason: Reason,
    dispute: str | None,
    *,
    requester: str,
    basis: Basis,
    facts: dict[str, Any],
) -> LockOrderRow:
    return LockOrderRow(
        id=unit.ids.new("lock"),
        device=device.device,
        imei=device.imei,
        state=State.REQUESTED,
        basis=basis,
        reason=reason,
        dispute=dispute,
        requester=requester,
        second=None,
        decided_ms=None,
        acked_ms=None,
        release_ms=None,
        released_ms=None,
        held_until_ms=unit.now_ms + PROVISIONAL_MS,
        created_ms=unit.now_ms,
        facts=msgspec.json.encode({**facts, "model": device.model}).decode(),
    )


def _approve(unit: Unit, order: LockOrderRow) -> None:
    guards = {Guard.AUTHORITY_RECORDED: True, Guard.IMEI_LAST4_TYPED: True}
    order.state = step(State(order.state), Event.PREFLIGHT_PASSES, role=Role.SYSTEM, guards=guards)
    order.decided_ms, order.held_until_ms = unit.now_ms, unit.now_ms + PROVISIONAL_MS
    unit.session.add(order)
    facts = {"basis": order.basis, "requester": order.requester, "second": order.second, "reason": order.reason}
    store.note(unit, order, "approved", actor=order.second or order.requester, facts=facts)


def _refuse(unit: Unit, order: LockOrderRow, found: Preflight) -> LockOrderRow:
    order.state = step(State(order.state), Event.PREFLIGHT_FAILS, role=Role.SYSTEM, guards={Guard.REASON_SHOWN: True})
    _add_facts(order, checks=rows_of(found))
    unit.session.add(order)
    failing = [f"{row.name}: {row.reason}" for row in found.failing]
    store.note(unit, order, "refused", actor="system", facts={"failing": failing})
    return order


def _add_facts(order: LockOrderRow, **facts: Any) -> None:
    order.facts = msgspec.json.encode({**msgspec.json.decode(order.facts), **facts}).decode()
