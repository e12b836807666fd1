"""Signing and queueing commands: the only place where a command comes into being.

Eligibility is asked here, in the transaction that signs, of facts that were read in it. A command, the row that
remembers it, its log entry and the outbox row become durable together.
"""

from dataclasses import replace

from custody.kernel.clock import DAY_MS, SECOND_MS
from custody.store import outbox
from custody.store.bulk import add
from custody.store.unit import Unit
from devicelock import store
from devicelock.order_facts import read_facts
from devicelock.rules.applied import Applied
from devicelock.rules.authority import authorise_lock
from devicelock.rules.command import REASONS, Authority, Command, LockScreen, Op, Reason, make_command
from devicelock.rules.desired import Desired, issue, wish
from devicelock.rules.lock_facts import LockFacts, LockKind
from devicelock.rules.order import Guard, LockRole, OrderEvent, OrderState, step
from devicelock.rules.topic import Channel, topic
from devicelock.store import CommandRow, DeviceRow, LockOrderRow
from devicelock.usecases.lock_office import LockOffice
from devicelock.usecases.plan_parts import plan_locks

LOCK_LIFE_S = 72 * 3600
RELEASE_LIFE_S = 400 * 24 * 3600
ENTRIES_NAMED = 5
"""How many of the log entries that tie the handset a command names as evidence.

What else an order rests on, and whatever a person typed, may be personal or untrue and stays here.
"""
RECENT_MS = 60 * SECOND_MS
FIRST_WAIT_MS, LONGEST_WAIT_MS = 250, 8 * SECOND_MS


def sign_lock(unit: Unit, office: LockOffice, order: LockOrderRow, device: DeviceRow, judged: LockFacts) -> Command:
    """Sign a LOCK for the order and queue it; raises `Forbidden` if it is not allowed at this moment.

    `judged` was read in this unit.
    """
    authority = authorise_lock(judged, references=tuple(read_facts(order).entries[:ENTRIES_NAMED]))
    desired = store.desired(device)
    until_s = order.held_until_ms // 1000
    if (desired.order, desired.state, desired.until_s) != (order.id, Applied.LOCKED, until_s):
        desired = wish(desired, Applied.LOCKED, order=order.id, authority=authority, until_s=until_s)
    desired = replace(desired, authority=authority)
    screen = office.screen_of(order)
    return _issue(unit, office, device, desired, reason=Reason(order.reason), life_s=LOCK_LIFE_S, screen=screen)


def sign_release(
    unit: Unit, office: LockOffice, name: str, device: DeviceRow, *, reason: Reason, authority: Authority
) -> Command:
    """Sign an UNLOCK and queue it ahead of every lock; nobody and nothing can hold it back.

    A device that is to be retired gets its RETIRE instead, which sets it free as well, and for ever.
    """
    desired = store.desired(device)
    if desired.state is Applied.RETIRED:
        reason = reason if reason in REASONS[Op.RETIRE] else Reason.RECEIPT_CONFIRMED
    else:
        desired = wish(desired, Applied.UNLOCKED, order=name, authority=authority)
    return _issue(unit, office, device, desired, reason=reason, life_s=RELEASE_LIFE_S, screen=None)


def publish_lock(
    unit: Unit,
    office: LockOffice,
    order: LockOrderRow,
    device: DeviceRow,
    kind: LockKind,
    *,
    judged: LockFacts | None = None,
) -> None:
    """Move an approved order to queued by signing its command; a queued one stays queued and is signed anew.

    `judged`: the facts of the order as it is now, if this unit has read them already. The other lock systems that know
    the handset are asked beside our agent.
    """
    command = sign_lock(unit, office, order, device, judged or office.facts(unit, order, device, kind))
    if order.state == OrderState.APPROVED:
        guards = {Guard.SIGNED: True, Guard.SEQ_GREATER_THAN_LAST: True, Guard.EXPIRY_SET: True}
        order.state = step(OrderState.APPROVED, OrderEvent.PUBLISH, role=LockRole.SYSTEM, guards=guards)
        unit.session.add(order)
        office.moved(unit, order, OrderEvent.PUBLISH)
    store.note(unit, order, "published", actor="system", facts=_facts(command))
    plan_locks(unit, office, order, device, kind)


def _issue(
    unit: Unit,
    office: LockOffice,
    device: DeviceRow,
    desired: Desired,
    *,
    reason: Reason,
    life_s: int,
    screen: LockScreen | None,
) -> Command:
    remembered, command = issue(
        desired,
        anchor=office.anchor.of(device.device),
        command_id=unit.ids.new("cmd"),
        issuer=office.issuer,
        now_s=unit.now_ms // 1000,
        life_s=life_s,
        reason=reason,
        nonce=device.nonce,
        screen=screen,
    )
    raw = make_command(command, office.signers)
    wait_ms = _wait_ms(unit, command.order) if command.op is Op.LOCK else 0
    store.set_desired(unit.session, device, remembered)
    signed = {
        "id": command.command_id,
        "order": command.order,
        "device": device.device,
        "op": str(command.op),
        "raw": raw,
        "issued_ms": unit.now_ms,
    }
    add(unit.session, CommandRow, [signed])
    queue(unit, device, command, raw, wait_ms=wait_ms)
    return command


def queue(unit: Unit, device: DeviceRow, command: Command, raw: bytes, *, wait_ms: int = 0) -> None:
    """Put signed bytes into the outbox; an older command for the device that has not left yet is replaced.

    They may leave for a day at least, whatever their age: a handset that refuses them for it, or has applied them, says
    how it is.
    """
    life_ms = command.not_after_s * SECOND_MS - unit.now_ms
    outbox.put(
        unit,
        topic=topic(device.device, Channel.COMMAND),
        payload=raw,
        key=_key(device),
        priority=outbox.NORMAL if command.op is Op.LOCK else outbox.URGENT,
        expires_ms=unit.now_ms + min(max(life_ms, DAY_MS), 30 * DAY_MS),
        wait_ms=wait_ms,
    )


def take_lock_back(unit: Unit, device: DeviceRow) -> None:
    """A LOCK for the device that has not left yet does not leave any more; what sets it free does."""
    outbox.take_back(unit, key=_key(device), priority=outbox.NORMAL)


def _key(device: DeviceRow) -> str:
    return f"device:{device.device}"


def _wait_ms(unit: Unit, name: str) -> int:
    """How long a LOCK waits for a newer one to take its place: not at all, unless the name's went out a moment ago.

    Where each hello of a device brings another nonce, each makes us sign again. With two LOCKs on their way each is
    always one nonce late, and neither is ever applied. Waiting, ever longer, until the device's newest hello is in,
    brings them together into one.
    """
    locks = store.locks_signed_since(unit.session, name, unit.now_ms - RECENT_MS)
    return min(FIRST_WAIT_MS << (locks - 2), LONGEST_WAIT_MS) if locks > 1 else 0


def _facts(command: Command) -> dict[str, object]:
    return {
        "command": command.command_id,
        "op": str(command.op),
        "epoch": command.epoch,
        "counter": command.counter,
        "not_after_s": command.not_after_s,
        "basis": str(command.authority.basis),
        "authority": command.authority.text,
    }
