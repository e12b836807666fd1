"""Releasing: by one person of the front line, by the customer, by lapse. It never waits for anyone or anything.

A lock that the handset had answered, and that turns out to be on a handset the customer has, was wrong: that is written
down at once, stops the group that ordered it, and starts what the customer is owed; also where somebody had released it
before, or it had lapsed. A lock that was sent and never answered was one if a code was given for it since: whoever asks
for one reads it off the lock screen. Releases are counted afterwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from custody.kernel.clock import DAY_MS, Instant
from custody.store.unit import Unit
from devicelock import part_store, store, watch_store
from devicelock.rules.ack import AckResult
from devicelock.rules.alert_kind import AlertKind
from devicelock.rules.command import Authority, Basis, Op, Reason
from devicelock.rules.desired import LAPSED
from devicelock.rules.order import SETTLED, Guard, LockRole, OrderEvent, OrderState, step
from devicelock.store import LockOrderRow
from devicelock.usecases.alert import raise_alert
from devicelock.usecases.hold_locks import hold_locks
from devicelock.usecases.lock_office import LockOffice
from devicelock.usecases.plan_parts import plan_release
from devicelock.usecases.sign import sign_release

RELEASES = {
    OrderState.QUEUED: OrderEvent.CANCEL_BEFORE_DELIVERY,
    OrderState.ACTIVE_PROVISIONAL: OrderEvent.LAPSE_OR_RELEASE,
    OrderState.ACTIVE_CONFIRMED: OrderEvent.RELEASE,
}
WRONG = frozenset({Reason.FOUND_BY_CUSTOMER, Reason.RECEIPT_CONFIRMED, Reason.WRONG_DEVICE})
"""Reasons for which the lock should not have been."""

MANY_RELEASES = 20
"""So many releases by one person within a day are worth a look; none of them waits for it."""

TEXTS = {
    Basis.CUSTOMER: "The customer asked for it.",
    Basis.ONE_PERSON: "A member of staff released it.",
    Basis.LAPSE: LAPSED.text,
}


def release(
    unit: Unit, office: LockOffice, *, name: str, actor: str, role: LockRole, reason: Reason, basis: Basis
) -> LockOrderRow:
    """Release a lock, sent or not; what nobody has decided yet is withdrawn.

    An order that is on its way out or over already stays where it is.
    """
    order = hold_locks(unit, office, [name]).get(name) or store.order(unit.session, name)
    state = OrderState(order.state)
    if state in SETTLED | {OrderState.RELEASE_QUEUED}:
        if reason in WRONG:
            find_wrong(unit, office, order)
        return order
    if state is OrderState.REQUESTED:
        order.state = step(state, OrderEvent.WITHDRAW, role=role)
        unit.session.add(order)
        store.note(unit, order, "withdrawn", actor=actor, facts={"reason": str(reason)})
        office.moved(unit, order, OrderEvent.WITHDRAW)
        return order
    device = store.device(unit.session, order.device)
    authority = Authority(basis=basis, text=TEXTS[basis], references=(order.id,))
    command = sign_release(unit, office, order.id, device, reason=reason, authority=authority)
    waits = plan_release(unit, office, order)
    event = OrderEvent.RELEASE if waits and state is OrderState.QUEUED else RELEASES[state]
    order.state = step(state, event, role=role, guards={Guard.TOMBSTONE_SEQ: True})
    order.release_ms = unit.now_ms
    if order.state == OrderState.RELEASED:
        order.released_ms = unit.now_ms
    unit.session.add(order)
    facts = {"reason": str(reason), "basis": str(basis), "command": command.command_id, "counter": command.counter}
    store.note(unit, order, "release", actor=actor, facts=facts)
    _alert_of_many(unit, office, actor=actor, basis=basis)
    office.moved(unit, order, event)
    if reason in WRONG:
        find_wrong(unit, office, order)
    return order


def find_wrong(unit: Unit, office: LockOffice, order: LockOrderRow) -> None:
    """The customer has the handset: if the lock of this order had been applied, that was wrong, which is said once."""
    if order.wrong_ms is not None:
        return
    if order.acked_ms is None:
        read = _read_since(unit, order)
        if read is None:
            return
        _note_read(unit, order, read)
    order.wrong_ms = unit.now_ms
    unit.session.add(order)
    detail = f"{order.id} locked a handset that the customer has. Its group {order.group} waits for somebody to look."
    raise_alert(unit, AlertKind.WRONG_LOCK, about=order.id, detail=detail)
    office.wronged(unit, order)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """From when a handset counts as locked whose screen somebody read, and when the code was given."""

    locked_ms: Instant
    code_ms: Instant


def _read_since(unit: Unit, order: LockOrderRow) -> _Read | None:
    """Since when somebody may have read the screen of a lock that no answer came for; None if nobody has.

    In doubt it was locked from when it was signed, and until the code was given. A handset that refused every LOCK was
    not, nor one to which none could get.
    """
    newest = store.newest_command(unit.session, order.device, Op.LOCK)
    if newest is None or newest.order != order.id:
        return None
    code_ms = watch_store.last_code_ms(unit.session, order.device, order.decided_ms or unit.now_ms)
    locks = [each for each in store.commands_of(unit.session, order.id) if each.op == Op.LOCK]
    sent = [each.issued_ms for each in locks if each.result in {None, AckResult.APPLIED}]
    reached = store.device(unit.session, order.device, hold=False).hello_ms is not None
    if code_ms is None or not sent or not (reached or part_store.parts_of(unit.session, order.id)):
        return None
    return _Read(locked_ms=min(sent), code_ms=code_ms)


def _note_read(unit: Unit, order: LockOrderRow, read: _Read) -> None:
    store.add_facts(order, read_ms=read.locked_ms)
    if order.released_ms is not None:
        order.released_ms = max(order.released_ms, read.code_ms)
    store.note(unit, order, "was_read", actor="system", facts={"locked_ms": read.locked_ms, "code_ms": read.code_ms})


def release_all(
    unit: Unit, office: LockOffice, *, orders: Sequence[str], actor: str, reason: Reason
) -> list[LockOrderRow]:
    """The customer found the phone: every one of these locks is released; all are held before anything is recorded."""
    hold_locks(unit, office, orders)
    return [
        release(unit, office, name=name, actor=actor, role=LockRole.CUSTOMER, reason=reason, basis=Basis.CUSTOMER)
        for name in orders
    ]


def _alert_of_many(unit: Unit, office: LockOffice, *, actor: str, basis: Basis) -> None:
    if basis is not Basis.ONE_PERSON:
        return
    accounts = office.accounts_of(unit.session, actor)
    count = store.steps_by_since(unit.session, "release", accounts, unit.now_ms - DAY_MS)
    if count >= MANY_RELEASES:
        detail = f"{actor} has released {count} locks within a day."
        raise_alert(unit, AlertKind.MANY_RELEASES, about=office.key_of(unit.session, actor), detail=detail)
