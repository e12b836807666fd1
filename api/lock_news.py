"""What customers are told of a lock and of the end of their account: at its moment, once, in the unit that decides it.

- **Before** a lock, a customer who is still served: that it is planned, why, and from which hour on it may be decided.
  Until it is, their word alone calls it back.
  It has the list of what a lock does, which whoever asks for one has read (`lock_effects.py`); so has the news of one.
- **When** a lock is sent, answered, kept by two people, called back, released, or not made: the text of that move.
- **A wrong lock** is apologised for at once and paid for, unasked, when the handset is free.
- **Leaving**: the hours of the policy before the line ends, each once, and nothing after its end. What fell due while
  nobody looked is said once, not again and again. A leaver without a case of their own is told by whoever writes to
  customers: `watch_store.leavers` has the words.

Whoever holds the handset is told on its lock screen, and by `joints.holder_speaks`.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

import msgspec
from sqlmodel import Session

from api.circumstances import cases_of, is_customers
from api.joined_locks import give_to_customer, joined_from
from custody.disputes.case import CASE
from custody.disputes.civil import civil_date, in_words
from custody.disputes.lock_effects import lock_effects
from custody.disputes.lock_wish import LockWish, said_to_customer
from custody.disputes.messages import Message, pounds, say
from custody.disputes.policy import DEFAULT_POLICY as POLICY
from custody.disputes.work_clocks import leaver_notices
from custody.disputes.wrong_lock import compensation_pence, daily_pence
from custody.kernel.clock import HOUR_MS, Instant
from custody.store import case_book
from custody.store.case_book import CaseFile
from custody.store.hold_found import Found, hold_found
from custody.store.unit import Unit
from custody.usecases.read_order import reports_of_order
from devicelock import put_off_store, watch_store
from devicelock import store as lock_store
from devicelock.order_facts import read_facts
from devicelock.rules.command import Basis, Op, Reason, pair_in
from devicelock.rules.order import LockRole, OrderEvent, OrderState
from devicelock.rules.preflight import CheckName
from devicelock.store import DeviceRow, LockOrderRow
from devicelock.usecases.hold_locks import hold_handsets
from devicelock.usecases.lock_office import LockOffice
from devicelock.usecases.release import release
from devicelock.usecases.retire import leave
from devicelock.watch_store import LeavingRow

TOLD = {
    OrderEvent.DEVICE_ACK: {"hours": "provisional_lock_hours"},
    OrderEvent.CONFIRM: {"days": "lock_review_days"},
    OrderEvent.CANCEL_BEFORE_DELIVERY: {},
    OrderEvent.LAPSE_OR_RELEASE: {},
    OrderEvent.RELEASE: {},
    OrderEvent.TERM_PASSED: {},
    OrderEvent.DEVICE_ACK_OR_CODE_USED: {},
}
"""Moves of a lock whose text needs no more than numbers of the policy."""

NOT_MADE = {
    CheckName.POLICY_IN_FORCE: "It takes two people here to lock it, and nobody has asked them yet.",
    CheckName.CLAIM_COVERED: "We do not lock a phone for this kind of problem.",
    CheckName.REQUESTER: "It takes two people here to lock it.",
    CheckName.DECIDER: "It takes two people here to lock it.",
    CheckName.TWO_PEOPLE: "It takes two people here to lock it.",
    CheckName.DEVICE_NOT_WITH_CUSTOMER: "It may be with you.",
    CheckName.IMEI_TIED: "Our records do not tell for sure which phone it is.",
    CheckName.NOT_ON_OWN_SIM: "It was used with your own SIM, so it may be with you.",
    CheckName.NOT_RETIRED: "It is yours, and we never lock it.",
    CheckName.RECEIPT_NOT_CONFIRMED: "You told us that you have it.",
    CheckName.NOT_LEAVING: "You are leaving us, and we never lock the phone of someone who leaves.",
    CheckName.VULNERABILITY: "Someone who knows what you need must look at it first.",
    CheckName.CONTACT_ON_SCREEN: "It could not show whom to call.",
    CheckName.WAY_OUT: "It could not be unlocked with no network.",
    CheckName.NOTICE: "You were not told in time.",
    CheckName.CAPS: "We lock only a few phones at a time.",
    CheckName.KILL_SWITCH: "We have stopped all locks for now.",
}
"""Why a lock was not made, in words for its customer, by the first check that held it back."""

OF_ITS_CLAIM = frozenset({CheckName.CLAIM_COVERED, CheckName.DEVICE_NOT_WITH_CUSTOMER})
UNSURE = "We do not know for sure who has it."
"""Where no claim stands as ground: it was taken back, or the handset was sold since, or may be with its customer."""

AGAIN = "We will try again."
BY_TWO_PEOPLE = "Two people here looked at it, and it is not with you."
KEEP_NUMBER = "text PAC to 65075, and you get the code for it"
NOT_LOCKED, UNLOCKING = "it is not locked", "we are unlocking it, and the code is on your page"
UNANSWERED = (
    "we called the lock back, and it has not told us if it is locked. If it is, the code on your page works at once"
)
PAID: Final = "lock_compensation"
ANNOUNCED: Final = "lock_announced"


def announce_lock(unit: Unit, order: LockOrderRow) -> Instant | None:
    """Tell a customer who is still served that a lock is planned; from when on it may be decided, None for never."""
    if order.dispute is None:
        return None
    file = case_book.read(unit.session, order.dispute)
    return _announce(unit, order, dispute=file.case.id, wish=file.lock_wish)


def announce_joined(unit: Unit, *, dispute: str, into: str) -> None:
    """Tell the customer of a case of the planned locks that a joined report brought along, as of ones planned now.

    Whoever reads its page may not be who was told of them; and who is still served is told before any lock.
    """
    joined, file = (case_book.read(unit.session, name) for name in (dispute, into))
    wish = file.lock_wish if file.lock_wish.notice == "before" else joined.lock_wish
    if wish.notice != "before":
        return
    for order in _undecided(unit, into):
        if dispute in joined_from(order):
            notice_ms = _announce(unit, order, dispute=into, wish=wish)
            lock_store.add_facts(order, notice_ms=notice_ms)
            unit.session.add(order)


def _announce(unit: Unit, order: LockOrderRow, *, dispute: str, wish: LockWish) -> Instant:
    notice_ms = unit.now_ms + POLICY.count("lock_notice_hours", civil_date(unit.now_ms)) * HOUR_MS
    facts = {"order": order.id, "notice_ms": notice_ms}
    case_book.note(unit, dispute, ANNOUNCED, actor=order.requester, facts=facts)
    words = say("lock.before", at=in_words(notice_ms), reason=_why(wish), effects=_effects(unit))
    case_book.say(unit, dispute, [words])
    return notice_ms


def _effects(unit: Unit) -> str:
    return " ".join(lock_effects(policy=POLICY, on_date=civil_date(unit.now_ms)))


def _why(wish: LockWish) -> str:
    return said_to_customer(wish) or BY_TWO_PEOPLE


def customer_disagrees(unit: Unit, office: LockOffice, *, dispute: str) -> Sequence[LockOrderRow]:
    """The customer does not agree to what they were told of: every lock that was announced and not decided is off."""
    told = [row for row in _undecided(unit, dispute) if read_facts(row).notice_ms is not None]
    return _call_off(unit, office, told)


def report_taken_back(unit: Unit, office: LockOffice, *, dispute: str) -> Sequence[LockOrderRow]:
    """The customer takes the report back: every lock of it that was not decided is off, and keeps them from nothing."""
    return _call_off(unit, office, _undecided(unit, dispute))


def _undecided(unit: Unit, dispute: str) -> list[LockOrderRow]:
    return [row for row in lock_store.orders_of_dispute(unit.session, dispute) if row.state == OrderState.REQUESTED]


def _call_off(unit: Unit, office: LockOffice, rows: Sequence[LockOrderRow]) -> list[LockOrderRow]:
    who, why, basis = LockRole.CUSTOMER, Reason.WITHDRAWN, Basis.CUSTOMER
    return [release(unit, office, name=row.id, actor="customer", role=who, reason=why, basis=basis) for row in rows]


def lock_moved(unit: Unit, order: LockOrderRow, event: OrderEvent) -> None:
    """Tell the customer of the case what became of the lock; a wrong one is paid for when it is over."""
    if order.dispute is None:
        return
    said = _words(unit, order, event, dispute=order.dispute)
    case_book.say(unit, order.dispute, [*said, *_paid(unit, order, dispute=order.dispute)])


def hold_cases(unit: Unit, orders: Sequence[LockOrderRow]) -> None:
    """Hold the cases that hear of these orders: what is owed for a wrong lock is written into its case."""
    case_book.claim(unit, {order.dispute for order in orders if order.dispute is not None})


def hold_for_move(unit: Unit, *, disputes: Collection[str], imei: str | None = None) -> None:
    """Hold all that a move of these cases may change, as whoever moves a lock holds it, before anything is recorded.

    `imei`: the handset of a case that is not opened yet.
    """
    named = [] if imei is None else [imei]
    hold_found(unit, partial(_concerned, unit.session, disputes, named), partial(_hold, unit))


def claim_for_erasure(unit: Unit, disputes: Collection[str], imeis: Collection[str]) -> None:
    """Hold all that an erasure of these cases, or of what is known of these handsets, may change, in the same order."""
    hold_found(unit, partial(_concerned, unit.session, disputes, imeis), partial(_hold, unit))


def _concerned(session: Session, disputes: Collection[str], imeis: Collection[str]) -> Found:
    """Lock orders, handsets and cases: of these cases, of every report of their orders, and of these handsets."""
    files: dict[str, CaseFile] = {}
    for name in disputes:
        files |= reports_of_order(session, name)
    known = {*imeis, *(file.imei for file in files.values() if file.imei is not None)}
    found = (lock_store.device_by_imei(session, imei) for imei in known)
    devices = {row.device for row in found if row is not None}
    orders = lock_store.orders_of_any(session, disputes=files, devices=devices)
    return (
        frozenset(order.id for order in orders),
        frozenset({*devices, *(order.device for order in orders)}),
        frozenset({*files, *(order.dispute for order in orders if order.dispute is not None)}),
    )


def _hold(unit: Unit, found: Found) -> None:
    orders, devices, cases = found
    lock_store.orders(unit.session, orders)
    lock_store.devices(unit.session, devices)
    case_book.claim(unit, cases)


def lock_was_wrong(unit: Unit, order: LockOrderRow) -> None:
    """Apologise to the customer at once, and pay if the lock is over already; to none but whose the handset is."""
    give_to_customer(unit, order)
    locked_ms = lock_store.locked_ms(order)
    if order.dispute is None or locked_ms is None:
        return
    sorry = say("lock.wrong", credit=pounds(daily_pence(locked_ms, policy=POLICY)))
    case_book.say(unit, order.dispute, [sorry, *_paid(unit, order, dispute=order.dispute)])


def customer_leaves(
    unit: Unit, office: LockOffice, *, device: str, ends_ms: Instant, actor: str, role: LockRole
) -> DeviceRow:
    """The account of a handset's customer ends: every lock ends before it, and the customer is told until it does."""
    hold_handsets(unit, office, [device])
    held = watch_store.hold_leavers(unit.session, [device]).get(device)  # as who tells leavers: before it is recorded
    row = leave(unit, office, name=device, ends_ms=ends_ms, actor=actor, role=role)
    for file in _open_cases(unit, row):
        case_book.note(unit, file.case.id, "left", actor=actor, facts={"ends_ms": ends_ms})
        case_book.say(unit, file.case.id, [say("leaver.goodbye")])
    if held is None or held.ends_ms != ends_ms:
        leaving = held or LeavingRow(device=device, ends_ms=ends_ms, next_ms=None, told_ms=None, words=None)
        leaving.ends_ms = ends_ms
        leaving.next_ms = min(leaver_notices(ends_ms, policy=POLICY)) if unit.now_ms < ends_ms else None
        unit.session.add(leaving)
    return row


def tell_leavers(unit: Unit, *, only: str | None = None, limit: int = 200) -> int:
    """Tell every leaver for whom an hour of the policy has come, or `only` of this handset; how many were told."""
    told = 0
    due = watch_store.leavers_due(unit.session, now_ms=unit.now_ms, limit=limit)
    names = {leaving.device for leaving in due if only in {None, leaving.device}}
    lock_store.devices(unit.session, names)  # before the first is recorded
    for leaving in watch_store.hold_leavers(unit.session, names).values():
        if leaving.next_ms is None or leaving.next_ms > unit.now_ms:
            continue  # somebody told them meanwhile, or put off when they leave
        moments = sorted(leaver_notices(leaving.ends_ms, policy=POLICY))
        leaving.next_ms = next((at_ms for at_ms in moments if at_ms > unit.now_ms), None)
        unit.session.add(leaving)
        if unit.now_ms < leaving.ends_ms:
            _tell_leaver(unit, leaving)
            told += 1
    return told


def _tell_leaver(unit: Unit, leaving: LeavingRow) -> None:
    device = lock_store.device(unit.session, leaving.device)
    state = _lock_state(unit.session, device)
    said = say("leaver.notice", at=in_words(leaving.ends_ms), lock_state=state, keep_number=KEEP_NUMBER)
    cases = _open_cases(unit, device)
    for file in cases:
        case_book.note(unit, file.case.id, "leaver_told", actor="system", facts={"ends_ms": leaving.ends_ms})
        case_book.say(unit, file.case.id, [said])
    leaving.told_ms, leaving.words = unit.now_ms, said.text
    facts = {"device": device.device, "ends_ms": leaving.ends_ms, "cases": [file.case.id for file in cases]}
    unit.record("device.leaver_told", facts)


def _lock_state(session: Session, device: DeviceRow) -> str:
    """What is known of the handset of a leaver, whose every lock was called back or is being released."""
    if lock_store.orders_of_device(session, device.device, [OrderState.RELEASE_QUEUED]):
        return UNLOCKING
    lock, seen = lock_store.newest_command(session, device.device, Op.LOCK), lock_store.desired(device).seen
    answered = lock is None or seen is None or lock.result is not None or seen.pair >= pair_in(lock.raw)
    return NOT_LOCKED if answered else UNANSWERED


def _open_cases(unit: Unit, device: DeviceRow) -> list[CaseFile]:
    """The open cases of the handset's own customer: whoever read a number off the box hears nothing of their line."""
    session = unit.session
    files = [file for file in cases_of(session, device.imei) if file.case.state not in CASE.terminal]
    return [file for file in files if is_customers(session, file)]


def _words(unit: Unit, order: LockOrderRow, event: OrderEvent, *, dispute: str) -> list[Message]:
    """The text of a move; none where the case is about another handset, or was told the same before."""
    if event in TOLD:
        return [_plain(unit, order, event)]
    file = case_book.read(unit.session, dispute)
    said = _with_reason(unit, order, event, file) if file.imei == order.imei else None
    if said is None or (event is OrderEvent.PREFLIGHT_FAILS and _was_said(unit, dispute, said)):
        return []
    return [said]


def _plain(unit: Unit, order: LockOrderRow, event: OrderEvent) -> Message:
    if event is OrderEvent.CANCEL_BEFORE_DELIVERY:
        in_time = order.held_until_ms > unit.now_ms
        if lock_store.device(unit.session, order.device).hello_ms is not None:  # it may have reached it
            return say("lock.cancel_unanswered" if in_time else "lock.expired_unanswered")
        return say("lock.cancel_before_delivery" if in_time else "lock.expired_undelivered")
    given = {name: str(POLICY.count(key, civil_date(unit.now_ms))) for name, key in TOLD[event].items()}
    return say(f"lock.{event}", promises=(), **given)


def _with_reason(unit: Unit, order: LockOrderRow, event: OrderEvent, file: CaseFile) -> Message | None:
    if event is OrderEvent.PUBLISH:
        return say("lock.publish", reason=_why(file.lock_wish), effects=_effects(unit))
    if event is OrderEvent.SECOND_PERSON_SAYS_NO:
        return say("lock.second_person_says_no", reason=read_facts(order).refused)
    if event is OrderEvent.WITHDRAW:
        return say("lock.cancel_before_delivery")
    if event is not OrderEvent.PREFLIGHT_FAILS:
        return None
    again = f" {AGAIN}" if put_off_store.is_put_off(unit.session, order.id) else ""
    return say("lock.preflight_fails", reason=f"{_not_made(order)}{again}")


def _was_said(unit: Unit, dispute: str, said: Message) -> bool:
    return any(text == said.text for _, text in case_book.messages(unit.session, dispute))


def _not_made(order: LockOrderRow) -> str:
    failing = {CheckName(row.check): row.ok for row in read_facts(order).checks if row.ok is not True}
    people = {CheckName.REQUESTER, CheckName.DECIDER, CheckName.TWO_PEOPLE}
    first = next((name for name in failing if name not in people), CheckName.TWO_PEOPLE)
    known = failing.get(first) is not None
    return NOT_MADE[first] if known or first not in OF_ITS_CLAIM else UNSURE


def _paid(unit: Unit, order: LockOrderRow, *, dispute: str) -> list[Message]:
    """What is owed for a wrong lock, once, when the handset is free."""
    is_over = order.released_ms is not None or order.state == OrderState.RELEASED_UNCONFIRMED
    locked_ms = lock_store.locked_ms(order)
    if order.wrong_ms is None or locked_ms is None or not is_over:
        return []
    if any(_was_paid(unit, order, case) for case in {dispute, *joined_from(order)}):
        return []
    free_ms = order.released_ms or min(unit.now_ms, order.held_until_ms)
    pence = compensation_pence(locked_ms=locked_ms, free_ms=free_ms, policy=POLICY)
    file = case_book.read(unit.session, dispute)
    owing = replace(file, unpaid_credit_pence=file.unpaid_credit_pence + pence)
    version = case_book.replace(unit, owing, before=file)
    facts = {"order": order.id, "locked_ms": locked_ms, "free_ms": free_ms, "pence": pence, "version": version}
    case_book.note(unit, dispute, PAID, actor="system", facts=facts)
    return [say("lock.compensation", credit=pounds(pence))]


def _was_paid(unit: Unit, order: LockOrderRow, dispute: str) -> bool:
    lines = [line for line in case_book.timeline(unit.session, dispute) if line.kind == PAID]
    # Of an erased case no line says any more which order it was.
    return any(msgspec.json.decode(line.facts).get("order", order.id) == order.id for line in lines)
