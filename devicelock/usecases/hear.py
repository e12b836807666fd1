"""What the service does with a message from a handset: verify, merge, answer, record; one unit each.

`hear` returns True when the message may be acknowledged to the broker: it was taken in and is durable, or it is bad
and will never be better. It returns False only when the database is away, so that the broker delivers it again.
"""

from typing import Any

import structlog

from custody.kernel import cbor
from custody.kernel.errors import NotFound, Rejected, Trouble, Unavailable
from custody.kernel.keys import PublicKey, read_cose_key
from custody.store.unit import Unit
from devicelock import store, watch_store
from devicelock.rules.ack import Ack, Result, open_ack
from devicelock.rules.applied import Applied
from devicelock.rules.command import Basis, KeyRing, Op, Reason, open_command
from devicelock.rules.desired import FORGOTTEN, LAPSED, Desired, Standing, Step, reconcile, settle, standing
from devicelock.rules.hello import Cause, Hello, SimClass, open_hello
from devicelock.rules.lock_facts import Kind
from devicelock.rules.order import Event, Role, State, step
from devicelock.rules.topic import Channel, read_topic
from devicelock.store import CommandRow, DeviceRow, LockOrderRow
from devicelock.usecases.alert import AlertKind, raise_alert
from devicelock.usecases.lock_office import LockOffice
from devicelock.usecases.release import RELEASES, release
from devicelock.usecases.request_lock import as_confirmed, kind_of
from devicelock.usecases.settle_parts import end_release
from devicelock.usecases.sign import publish_lock, queue, sign_release
from devicelock.watch_store import SightingRow

SIGNED_AGAIN = frozenset({State.APPROVED, State.QUEUED, State.ACTIVE_PROVISIONAL, State.ACTIVE_CONFIRMED})
SHOWN = frozenset({Standing.LOCKED, Standing.UNLOCKED, Standing.RETIRED})

log = structlog.get_logger()


def hear(office: LockOffice, topic: str, payload: bytes) -> bool:
    """Take one message in; never raises."""
    try:
        where = read_topic(topic)
        with office.house.unit() as unit:
            if where.channel is Channel.ACK:
                settle_ack(unit, office, where.device, payload)
            elif where.channel is Channel.HELLO:
                reconcile_hello(unit, office, where.device, payload)
    except Unavailable as error:
        log.warning("message from a handset left with the broker", topic=topic, code=error.code, detail=error.detail)
        return False
    except (Rejected, NotFound) as error:
        log.warning("message from a handset refused", topic=topic, code=error.code, detail=error.detail)
    except Exception:
        # One message that always fails would block everything behind it: it is dropped, and hello settles the rest.
        log.exception("message from a handset failed", topic=topic)
    return True


def settle_ack(unit: Unit, office: LockOffice, device: str, payload: bytes) -> None:
    """Merge an ack; only a verified answer to the newest command of the present wish moves an order."""
    row = store.device(unit.session, device)
    ack = open_ack(payload, device=device, key=key_of(row))
    command = unit.session.get(CommandRow, ack.command_id)
    if command is None or command.device != device:
        raise NotFound("command", f"no command {ack.command_id!r} was sent to this device", fix="Say hello.")
    before = store.desired(row)
    after = settle(before, ack)
    store.set_desired(unit.session, row, after)
    repeated = command.ack == payload
    if command.acked_ms is None or command.result != Result.APPLIED:
        command.ack, command.acked_ms, command.result = payload, unit.now_ms, ack.result
        unit.session.add(command)
    order = unit.session.get(LockOrderRow, command.order, with_for_update=True)  # a retirement may have none
    if order is None:
        return
    if _settles(after, ack):
        facts = {"command": ack.command_id, "counter": ack.counter, "device": device}
        _moved(unit, office, order, ack.applied, facts)
    elif ack.result is not Result.APPLIED and not repeated:
        store.note(unit, order, "answered", actor=device, facts={"result": str(ack.result), "ack": payload})


def reconcile_hello(unit: Unit, office: LockOffice, device: str, payload: bytes) -> None:
    """Compare what the device says with what is wished, and send the difference."""
    row = store.device(unit.session, device)
    hello = open_hello(payload, device=device, key=key_of(row))
    anchor = office.anchor.of(device)
    after, answer = reconcile(store.desired(row), hello, anchor=anchor, now_s=unit.now_ms // 1000)
    store.set_desired(unit.session, row, after)
    order = unit.session.get(LockOrderRow, after.order, with_for_update=True) if after.order else None
    _remember(unit, office, row, hello, order)
    if order is not None and standing(after) in SHOWN:
        facts = {"shown_by": "hello", "counter": hello.counter, "device": device}
        _moved(unit, office, order, hello.applied, facts)
    if answer is Step.RESEND and after.issued is not None:
        command = unit.session.get(CommandRow, after.issued.command_id)
        if command is not None:
            keys = KeyRing(lock=None, unlock=office.signers.unlock.public)
            queue(unit, row, open_command(command.raw, keys), command.raw)
    elif answer is Step.SIGN and order is not None and _opened_by_code(after, hello) and order.state in RELEASES:
        why, basis = Reason.RELEASED_BY_STAFF, Basis.ONE_PERSON
        release(unit, office, order=order.id, actor=device, role=Role.SYSTEM, reason=why, basis=basis)
    elif answer is Step.SIGN and order is not None:
        _sign_again(unit, office, order, row, after.state)
    elif answer is Step.SIGN and after.order is not None:
        sign_release(unit, office, after.order, row, reason=Reason.CANCELLED, authority=FORGOTTEN)


def key_of(row: DeviceRow) -> PublicKey:
    """The device's enrolled key."""
    return read_cose_key(cbor.decode(row.cose_key))


def _settles(after: Desired, ack: Ack) -> bool:
    """Whether this is the device's own word that the newest command of the present wish is done."""
    newest = after.issued is not None and after.issued.command_id == ack.command_id
    return newest and standing(after) in SHOWN and ack.result is Result.APPLIED


def _opened_by_code(after: Desired, hello: Hello) -> bool:
    """Whether the holder typed a code of ours into this very lock; a hello of an earlier lock says nothing of it."""
    newest = after.issued
    return hello.cause is Cause.CODE and newest is not None and newest.op is Op.LOCK and hello.pair == newest.pair


def _sign_again(unit: Unit, office: LockOffice, order: LockOrderRow, row: DeviceRow, wished: Applied) -> None:
    if wished is Applied.LOCKED and order.state in SIGNED_AGAIN:
        kind = kind_of(order)
        if order.state == State.ACTIVE_CONFIRMED:
            kind, order = Kind.CONFIRM, as_confirmed(order)
        try:
            publish_lock(unit, office, order, row, kind)
        except Trouble as refused:
            store.note(unit, order, "not_signed", actor="system", facts={"code": refused.code, "why": refused.detail})
    elif wished is not Applied.LOCKED and order.state in RELEASES:
        release(unit, office, order=order.id, actor="system", role=Role.SYSTEM, reason=Reason.LAPSED, basis=Basis.LAPSE)
    elif wished is not Applied.LOCKED:
        sign_release(unit, office, order.id, row, reason=Reason.LAPSED, authority=LAPSED)


def _remember(unit: Unit, office: LockOffice, row: DeviceRow, hello: Hello, order: LockOrderRow | None) -> None:
    row.nonce, row.hello_ms = hello.nonce, unit.now_ms
    row.sim, row.country, row.network = hello.sim, hello.country, hello.network
    unit.session.add(row)
    if order is not None and order.state in SIGNED_AGAIN and hello.sim is SimClass.OWN:
        detail = "A handset that is locked, or about to be, has the customer's own SIM in it: they may have it."
        raise_alert(unit, AlertKind.LOCKED_ON_OWN_SIM, about=order.id, detail=detail)
    seen = (hello.sim, hello.country, hello.network)
    if any(
        (past.sim, past.country, past.network) == seen for past in watch_store.sightings_of(unit.session, row.device)
    ):
        return
    where = {"sim": str(hello.sim), "country": hello.country, "network": hello.network}
    sighting = SightingRow(
        device=row.device,
        at_ms=unit.now_ms,
        sim=hello.sim,
        country=hello.country,
        network=hello.network,
        idx=unit.record("device.seen", {"device": row.device, **where}),
    )
    unit.session.add(sighting)
    office.sighted(unit, row, sighting)


def _moved(unit: Unit, office: LockOffice, order: LockOrderRow, shown: Applied, facts: dict[str, Any]) -> None:
    """Move an order to where the device's own signature has shown it to be."""
    if order.state == State.QUEUED and shown is Applied.LOCKED:
        order.state = step(State.QUEUED, Event.DEVICE_ACK, role=Role.SYSTEM)
        order.acked_ms = unit.now_ms
        unit.session.add(order)
        store.note(unit, order, "locked", actor=order.device, facts=facts)
        office.moved(unit, order, Event.DEVICE_ACK)
    elif shown is not Applied.LOCKED:
        end_release(unit, office, order, actor=order.device, facts=facts)
