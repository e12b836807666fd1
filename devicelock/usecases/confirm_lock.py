"""Confirming a provisional lock: two people keep it beyond its hours.

Whoever judges a lock that is to be signed has claimed the log before, as in `request_lock.py`.
"""

from custody.kernel.errors import Conflict
from custody.store.unit import Unit
from devicelock import store
from devicelock.order_facts import read_facts
from devicelock.rules.authority import HOLD_MS, preflight
from devicelock.rules.lock_facts import LockFacts, LockKind, Person
from devicelock.rules.order import Guard, LockRole, OrderEvent, OrderState, events, step
from devicelock.rules.preflight import CheckName, CheckReason, Preflight
from devicelock.store import LockOrderRow
from devicelock.usecases.lock_office import LockOffice
from devicelock.usecases.request_lock import alert_of_limits, refuse_if_failing
from devicelock.usecases.sign import publish_lock


def confirm_lock(unit: Unit, office: LockOffice, *, name: str, account: str, role: LockRole) -> LockOrderRow:
    """Two people keep a lock beyond its 72 hours: the first call proposes, another person's call confirms.

    A proposal that nobody can complete any more is replaced by that call. Past its hours a lock is not confirmed.
    """
    order = store.order(unit.session, name)
    device = store.device(unit.session, order.device)
    if OrderEvent.CONFIRM not in events(OrderState(order.state)):
        raise Conflict("move", f"the order is {order.state}, not locked provisionally", fix="Read the order again.")
    if unit.now_ms >= order.held_until_ms:
        raise Conflict("lapsed", "the hours of the lock have passed", fix="Ask for a new lock if one is still right.")
    proposer = read_facts(order).confirm_proposed_by
    if proposer is None:
        return _propose_to_confirm(unit, order, account)
    trial = LockOrderRow(**{**order.model_dump(), "requester": proposer, "second": account})
    unit.log.claim()
    judged, counted = office.facts_and_count(unit, trial, device, LockKind.CONFIRM)
    found = preflight(judged)
    if _nobody_completes(judged, found) and _key(judged.requester) != _key(judged.decider):
        return _propose_to_confirm(unit, order, account)
    refuse_if_failing(found)
    guards = {Guard.FOUR_EYES: True, Guard.DEVICE_NOT_WITH_CUSTOMER: judged.not_with_customer}
    order.state = step(OrderState(order.state), OrderEvent.CONFIRM, role=role, guards=guards)
    order.held_until_ms = unit.now_ms + HOLD_MS[LockKind.CONFIRM]
    store.add_facts(order, confirmed_by=[proposer, account])
    unit.session.add(order)
    publish_lock(unit, office, as_confirmed(order), device, LockKind.CONFIRM)
    store.note(unit, order, "confirmed", actor=account, facts={"with": proposer})
    alert_of_limits(unit, office, order, counted, confirmed=True)
    office.moved(unit, order, OrderEvent.CONFIRM)
    return order


def as_confirmed(order: LockOrderRow) -> LockOrderRow:
    """A confirmed order as it is judged: with the two people who keep it as its people. It is never stored."""
    first, second = read_facts(order).confirmed_by
    return LockOrderRow(**{**order.model_dump(), "requester": first, "second": second})


def _propose_to_confirm(unit: Unit, order: LockOrderRow, account: str) -> LockOrderRow:
    store.add_facts(order, confirm_proposed_by=account)
    unit.session.add(order)
    store.note(unit, order, "confirmation_proposed", actor=account, facts={})
    return order


def _nobody_completes(judged: LockFacts, found: Preflight) -> bool:
    """Whether no second person turns a proposal green: its proposer may not propose, or is who has to decide it."""
    needs = any(row.reason is CheckReason.NEEDS_SPECIALIST for row in found.failing)
    own = needs and judged.specialist is not None and _key(judged.requester) == _key(judged.specialist)
    return own or any(row.name is CheckName.REQUESTER for row in found.failing)


def _key(person: Person | None) -> str | None:
    return None if person is None else person.person
