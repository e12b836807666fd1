"""What the service does with messages from handsets: verify, merge, answer, record.

What waits is taken in as one group, in one unit and in the order it came; a bad message in it is left out, and if the
group fails each of its messages is tried alone, in a unit of its own, so that none can harm another.

A message may be acknowledged to the broker when it was taken in and is durable, or when it is bad and will never be
better. It stays with the broker, and all that came after it, only when the database is away.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
import structlog

from custody.kernel import cbor
from custody.kernel.clock import DAY_MS, SECOND_MS
from custody.kernel.errors import NotFound, Rejected, Trouble, Unavailable
from custody.kernel.keys import PublicKey, read_cose_key
from custody.store.unit import Unit
from devicelock import store, watch_store
from devicelock.order_facts import release_reason
from devicelock.rules.ack import Ack, AckResult, open_ack
from devicelock.rules.alert_kind import AlertKind
from devicelock.rules.applied import Applied, check_shown
from devicelock.rules.command import Basis, Op, Reason, open_command, pair_in
from devicelock.rules.desired import (
    FORGOTTEN,
    LAPSED,
    Desired,
    HelloReply,
    Issued,
    ShownState,
    reconcile,
    settle,
    shown_state,
)
from devicelock.rules.hello import Hello, SimClass, StateCause, open_hello
from devicelock.rules.order import LockRole, OrderEvent, OrderState, step
from devicelock.rules.topic import Channel, read_topic
from devicelock.store import CommandRow, DeviceRow, KnownHandset, LockOrderRow
from devicelock.transport import Message
from devicelock.usecases.alert import raise_alert
from devicelock.usecases.answer_limit import SIGHTINGS_PER_DAY
from devicelock.usecases.lock_office import LockOffice
from devicelock.usecases.release import RELEASES, WRONG, find_wrong, release
from devicelock.usecases.settle_parts import end_release
from devicelock.usecases.sign import queue, sign_release
from devicelock.usecases.sign_again import SIGNED_AGAIN, send_lock_again, sign_lock_again
from devicelock.watch_store import SightingRow

SHOWN = frozenset({ShownState.LOCKED, ShownState.UNLOCKED, ShownState.RETIRED})

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A verified message and the name of the device that signed it."""

    device: str
    said: Ack | Hello
    payload: bytes


class HandsetAnswer(NamedTuple):
    """A device's verified answer to a command, and the bytes that it signed."""

    command: CommandRow
    ack: Ack
    payload: bytes


Orders = Mapping[str, LockOrderRow]


def hear_together(office: LockOffice, messages: Sequence[Message]) -> int:
    """Take messages in; from the first on so many of them may be acknowledged. Never raises."""
    if len(messages) > 1:
        try:
            _hear(office, messages)
        except Exception as error:  # noqa: BLE001 - whatever it was, each message is tried alone and says it again
            log.warning("messages from handsets are taken in one by one", count=len(messages), error=repr(error))
        else:
            return len(messages)
    taken = 0
    while taken < len(messages) and hear(office, messages[taken]):
        taken += 1
    return taken


def hear(office: LockOffice, message: Message) -> bool:
    """Take one message in; whether it may be acknowledged. Never raises."""
    try:
        _hear(office, [message])
    except Unavailable as error:
        where = {"topic": message.topic, "code": error.code, "detail": error.detail}
        log.warning("message from a handset left with the broker", **where)
        return False
    except Exception:
        # One message that always fails would block everything behind it: it is dropped, and hello settles the rest.
        log.exception("message from a handset failed", topic=message.topic)
    return True


def _hear(office: LockOffice, messages: Sequence[Message]) -> None:
    """Take messages in, in order and in one unit; bad ones are left out."""
    with office.house.unit() as unit:
        session = unit.session
        known = store.registered(session, {_speaker(message) for message in messages})
        opened = [(message, _opened(known, message)) for message in messages]
        answered = {heard.said.command_id for _, heard in opened if heard is not None and isinstance(heard.said, Ack)}
        commands = store.commands(session, answered)
        # As whoever decides takes them (`hold_locks.py`): so that nobody waits for one who waits for them.
        orders = store.orders(session, _orders_behind(known.values(), commands.values()))
        devices = store.devices(session, known)
        office.hold(unit, list(orders.values()))
        for message, heard in opened:
            if heard is None:
                continue
            device = devices[heard.device]
            if isinstance(heard.said, Hello):
                _reconcile(unit, office, device, heard.said, orders)
                continue
            command = commands.get(heard.said.command_id)
            if command is None or command.device != heard.device:
                _refuse(message, NotFound("command", "it answers no command of ours to this device", fix="Say hello."))
                continue
            _settle(unit, office, device, HandsetAnswer(command, heard.said, heard.payload), orders)


def _orders_behind(devices: Iterable[KnownHandset], answered: Iterable[CommandRow]) -> set[str]:
    """The orders that are wished of devices, and those of commands that were answered; some may not be orders."""
    wished = {msgspec.json.decode(device.desired, type=Desired).order for device in devices}
    return {command.order for command in answered} | {order for order in wished if order is not None}


def _speaker(message: Message) -> str:
    """The device on whose topic something was said; nobody, if it is no topic of ours."""
    try:
        return read_topic(message.topic).device
    except Rejected:
        return ""


def _opened(known: Mapping[str, KnownHandset], message: Message) -> Heard | None:
    """The verified message; None for a bad one."""
    try:
        return _open(known, message)
    except (Rejected, NotFound) as refusal:
        _refuse(message, refusal)
        return None


def _open(known: Mapping[str, KnownHandset], message: Message) -> Heard:
    where = read_topic(message.topic)
    if where.device not in known:
        raise NotFound("device", f"no device {where.device!r} is registered", fix="Register the handset first.")
    key = _key(known[where.device].cose_key)
    if where.channel is Channel.ACK:
        said: Ack | Hello = open_ack(message.payload, device=where.device, key=key)
    elif where.channel is Channel.HELLO:
        said = open_hello(message.payload, device=where.device, key=key)
    else:
        raise Rejected("topic", "handsets say nothing to us there", fix="Use the topics for acks and hellos.")
    check_shown(said.pair)
    return Heard(device=where.device, said=said, payload=message.payload)


def _refuse(message: Message, refusal: Trouble) -> None:
    log.warning("message from a handset refused", topic=message.topic, code=refusal.code, detail=refusal.detail)


def _settle(unit: Unit, office: LockOffice, device: DeviceRow, answer: HandsetAnswer, orders: Orders) -> None:
    """Merge an ack; only a verified answer to the newest command of the present wish moves an order."""
    command, ack, payload = answer
    after = settle(store.desired(device), ack)
    store.set_desired(unit.session, device, after)
    repeated = command.ack == payload
    if command.acked_ms is None or command.result != AckResult.APPLIED:
        command.ack, command.acked_ms, command.result = payload, unit.now_ms, ack.result
        unit.session.add(command)
    order = _order(unit, orders, command.order)  # a retirement may have none
    if order is None:
        return
    if _settles(after, ack):
        facts = {"command": ack.command_id, "counter": ack.counter, "device": device.device}
        _moved(unit, office, order, ack.applied, facts)
    elif ack.result is not AckResult.APPLIED and not repeated:
        store.note(unit, order, "answered", actor=device.device, facts={"result": str(ack.result), "ack": payload})
    elif command.op == Op.LOCK and ack.applied is Applied.LOCKED and order.release_ms and order.acked_ms is None:
        since_ms = min(max(ack.at_s * SECOND_MS, command.issued_ms), unit.now_ms)  # its own clock, within what we know
        facts = {"command": ack.command_id, "counter": ack.counter}
        _had_locked(unit, office, order, device, since_ms=since_ms, facts=facts)


def _had_locked(
    unit: Unit, office: LockOffice, order: LockOrderRow, device: DeviceRow, *, since_ms: int, facts: dict[str, Any]
) -> None:
    """The handset had locked before its release reached it, and says so only now: it was locked, whatever was said.

    It is free when it says so, which it may have done already.
    """
    order.acked_ms = since_ms
    seen = store.desired(device).seen
    if order.state == OrderState.RELEASED:
        freed = [each.acked_ms for each in store.commands_of(unit.session, order.id) if _frees(each)]
        is_free = seen is not None and seen.applied is not Applied.LOCKED
        order.released_ms = max(filter(None, freed), default=unit.now_ms) if is_free else None
    unit.session.add(order)
    store.note(unit, order, "had_locked", actor=device.device, facts={**facts, "locked_ms": since_ms})
    released = [line for line in store.events_of(unit.session, order.id) if line.event == "release"]
    if device.confirmed or any(release_reason(line) in WRONG for line in released):
        find_wrong(unit, office, order)


def _told_by_hello(unit: Unit, office: LockOffice, order: LockOrderRow, device: DeviceRow, hello: Hello) -> None:
    """Its answer to a LOCK of a released order is lost: the pair that it has applied tells that it had locked.

    Since when is not said; in doubt since it was signed.
    """
    if not order.release_ms or order.acked_ms is not None:
        return
    locks = store.locks_signed(unit.session, order.id)
    since_ms = next((issued_ms for raw, issued_ms in locks if pair_in(raw) == hello.pair), None)
    if since_ms is not None:
        facts = {"shown_by": "hello", "counter": hello.counter}
        _had_locked(unit, office, order, device, since_ms=since_ms, facts=facts)


def _frees(command: CommandRow) -> bool:
    return command.op != Op.LOCK and command.result == AckResult.APPLIED


def _reconcile(unit: Unit, office: LockOffice, device: DeviceRow, hello: Hello, orders: Orders) -> None:
    """Compare what the device says with what is wished, and send the difference."""
    anchor = office.anchor.of(device.device)
    after, answer = reconcile(store.desired(device), hello, anchor=anchor, now_s=unit.now_ms // 1000)
    store.set_desired(unit.session, device, after)
    order = _order(unit, orders, after.order)
    _remember(unit, office, device, hello, order)
    if order is not None:
        _told_by_hello(unit, office, order, device, hello)
    if order is not None and hello.applied is Applied.RETIRED and order.state in RELEASES:
        why, basis = Reason.LAPSED, Basis.LAPSE  # a restore has forgotten how it ended
        release(unit, office, name=order.id, actor=device.device, role=LockRole.SYSTEM, reason=why, basis=basis)
    if order is not None and shown_state(after) in SHOWN:
        facts = {"shown_by": "hello", "counter": hello.counter, "device": device.device}
        _moved(unit, office, order, hello.applied, facts)
    if not _may_answer(unit, office, device, after, answer):
        return
    if answer is HelloReply.RESEND and after.issued is not None:
        _resend(unit, office, device, order, after.issued)
    elif answer is HelloReply.SIGN and order is not None and _opened_by_code(after, hello) and order.state in RELEASES:
        why, basis = Reason.RELEASED_BY_STAFF, Basis.ONE_PERSON
        release(unit, office, name=order.id, actor=device.device, role=LockRole.SYSTEM, reason=why, basis=basis)
    elif answer is HelloReply.SIGN and order is not None:
        _sign_again(unit, office, order, device, after.state)
    elif answer is HelloReply.SIGN and after.order is not None:
        sign_release(unit, office, after.order, device, reason=Reason.CANCELLED, authority=FORGOTTEN)


def _may_answer(unit: Unit, office: LockOffice, device: DeviceRow, after: Desired, answer: HelloReply) -> bool:
    """Whether a hello has its answer, or the handset's had enough of them; what is signed for one is counted."""
    frees = answer is HelloReply.RESEND and after.issued is not None and after.issued.op is not Op.LOCK
    if answer is HelloReply.NOTHING or frees or after.order is None:
        return True
    if office.answered.is_reached(device.device, after.order, unit.now_ms):
        return False
    if answer is HelloReply.SIGN:
        office.answered.count(device.device, after.order, unit.now_ms)
    return True


def _resend(unit: Unit, office: LockOffice, device: DeviceRow, order: LockOrderRow | None, issued: Issued) -> None:
    """Send the very bytes again; that a LOCK is not allowed any more is written down, and counted."""
    command = unit.session.get(CommandRow, issued.command_id)
    if command is not None and command.op == Op.LOCK and order is not None:
        if not send_lock_again(unit, office, order, device, command.raw):
            office.answered.count(device.device, order.id, unit.now_ms)
    elif command is not None and command.op != Op.LOCK:
        queue(unit, device, open_command(command.raw, office.keys), command.raw)


def _order(unit: Unit, orders: Orders, name: str | None) -> LockOrderRow | None:
    """An order, one of those at hand or one that came after they were looked up."""
    if name is None:
        return None
    return orders.get(name) or store.orders(unit.session, {name}).get(name)


def key_of(device: DeviceRow) -> PublicKey:
    """The device's enrolled key."""
    return _key(device.cose_key)


@lru_cache(maxsize=4_096)
def _key(cose_key: bytes) -> PublicKey:
    return read_cose_key(cbor.decode(cose_key))


def _settles(after: Desired, ack: Ack) -> bool:
    """Whether this is the device's own word that the newest command of the present wish is done."""
    newest = after.issued is not None and after.issued.command_id == ack.command_id
    return newest and shown_state(after) in SHOWN and ack.result is AckResult.APPLIED


def _opened_by_code(after: Desired, hello: Hello) -> bool:
    """Whether the holder typed a code of ours into this very lock; a hello of an earlier lock says nothing of it."""
    newest = after.issued
    return hello.cause is StateCause.CODE and newest is not None and newest.op is Op.LOCK and hello.pair == newest.pair


def _sign_again(unit: Unit, office: LockOffice, order: LockOrderRow, device: DeviceRow, wished: Applied) -> None:
    if wished is Applied.LOCKED and order.state in SIGNED_AGAIN:
        sign_lock_again(unit, office, order, device)
    elif wished is not Applied.LOCKED and order.state in RELEASES:
        release(
            unit, office, name=order.id, actor="system", role=LockRole.SYSTEM, reason=Reason.LAPSED, basis=Basis.LAPSE
        )
    elif wished is not Applied.LOCKED:
        sign_release(unit, office, order.id, device, reason=Reason.LAPSED, authority=LAPSED)


def _remember(unit: Unit, office: LockOffice, device: DeviceRow, hello: Hello, order: LockOrderRow | None) -> None:
    seen, before = (hello.sim, hello.country, hello.network), (device.sim, device.country, device.network)
    seen_before = device.hello_ms is not None and seen == before
    device.nonce, device.hello_ms = hello.nonce, unit.now_ms
    device.sim, device.country, device.network = seen
    unit.session.add(device)
    if order is not None and order.state in SIGNED_AGAIN and hello.sim is SimClass.OWN:
        detail = "A handset that is locked, or about to be, has the customer's own SIM in it: they may have it."
        raise_alert(unit, AlertKind.LOCKED_ON_OWN_SIM, about=order.id, detail=detail)
    past = [] if seen_before else watch_store.sightings_of(unit.session, device.device)
    if seen_before or any((each.sim, each.country, each.network) == seen for each in past):
        return
    today = [each.sim for each in past if each.at_ms > unit.now_ms - DAY_MS]
    if len(today) >= SIGHTINGS_PER_DAY and hello.sim in today:
        return
    where = {"sim": str(hello.sim), "country": hello.country, "network": hello.network}
    sighting = SightingRow(
        device=device.device,
        at_ms=unit.now_ms,
        sim=hello.sim,
        country=hello.country,
        network=hello.network,
        idx=unit.record("device.seen", {"device": device.device, **where}),
    )
    unit.session.add(sighting)
    office.sighted(unit, device, sighting)


def _moved(unit: Unit, office: LockOffice, order: LockOrderRow, shown: Applied, facts: dict[str, Any]) -> None:
    """Move an order to where the device's own signature has shown it to be."""
    if order.state == OrderState.QUEUED and shown is Applied.LOCKED:
        order.state = step(OrderState.QUEUED, OrderEvent.DEVICE_ACK, role=LockRole.SYSTEM)
        order.acked_ms = unit.now_ms
        unit.session.add(order)
        store.note(unit, order, "locked", actor=order.device, facts=facts)
        office.moved(unit, order, OrderEvent.DEVICE_ACK)
    elif shown is not Applied.LOCKED and order.state == OrderState.RELEASED and order.released_ms is None:
        order.released_ms = unit.now_ms
        unit.session.add(order)
        store.note(unit, order, "released", actor=order.device, facts=facts)
        office.moved(unit, order, OrderEvent.DEVICE_ACK_OR_CODE_USED)
    elif shown is not Applied.LOCKED:
        end_release(unit, office, order, actor=order.device, facts=facts)
