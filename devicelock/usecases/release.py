"""Releasing: by one person of the front line, by the customer, by lapse. It never waits for anyone or anything."""

from custody.store.unit import Unit
from devicelock import store
from devicelock.rules.command import Authority, Basis, Reason
from devicelock.rules.order import Event, Guard, Role, State, step
from devicelock.store import LockOrderRow
from devicelock.usecases.lock_office import LockOffice
from devicelock.usecases.sign import sign_release

RELEASES = {
    State.QUEUED: Event.CANCEL_BEFORE_DELIVERY,
    State.ACTIVE_PROVISIONAL: Event.LAPSE_OR_RELEASE,
    State.ACTIVE_CONFIRMED: Event.RELEASE,
}
TEXTS = {
    Basis.CUSTOMER: "The customer asked for it.",
    Basis.ONE_PERSON: "A member of staff released it.",
    Basis.LAPSE: "The time for which the lock was allowed has passed.",
}


def release(
    unit: Unit, office: LockOffice, *, order: str, actor: str, role: Role, reason: Reason, basis: Basis
) -> LockOrderRow:
    """Release a lock, sent or not. An order that is on its way out or over already stays as it is."""
    row = store.order(unit.session, order)
    state = State(row.state)
    if state in {State.RELEASE_QUEUED, State.RELEASED, State.REFUSED, State.FAILED_FINAL}:
        return row
    if state is State.REQUESTED:
        row.state = step(state, Event.SECOND_PERSON_SAYS_NO, role=Role.SUPERVISOR, guards={Guard.REASON_SHOWN: True})
        unit.session.add(row)
        store.note(unit, row, "withdrawn", actor=actor, facts={"reason": str(reason)})
        return row
    device = store.device(unit.session, row.device)
    authority = Authority(basis=basis, text=TEXTS[basis], references=(row.id,))
    command = sign_release(unit, office, row.id, device, reason=reason, authority=authority)
    row.state = step(state, RELEASES[state], role=role, guards={Guard.TOMBSTONE_SEQ: True})
    row.release_ms = unit.now_ms
    if row.state == State.RELEASED:
        row.released_ms = unit.now_ms
    unit.session.add(row)
    facts = {"reason": str(reason), "basis": str(basis), "command": command.command_id, "counter": command.counter}
    store.note(unit, row, "release", actor=actor, facts=facts)
    return row


def release_all_of(unit: Unit, office: LockOffice, *, dispute: str, actor: str, reason: Reason) -> list[LockOrderRow]:
    """The customer found the phone, or withdrew: every lock of the dispute is released."""
    return [
        release(unit, office, order=row.id, actor=actor, role=Role.CUSTOMER, reason=reason, basis=Basis.CUSTOMER)
        for row in store.orders_of_dispute(unit.session, dispute)
    ]
