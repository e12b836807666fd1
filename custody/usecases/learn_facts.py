"""What somebody of ours learned of an order or its handset while its case is open; the case moves by none of it.

- Whereabouts: what became of the handset. Whether a lock of it is fair is judged anew.
- Handset: which one the case is about, where no record led to one when it was reported. What the seller recorded of
  its order comes with it, beside what was learned; who is who in the contract stays as it was told.
- Order: what the seller recorded of it after the report, beside what was learned; who is who stays as it was told.
- Days of the order: when it was delivered, when the customer proved that they sent it back, when it came back. Each is
  said with what shows it, by anybody who works on the case: proof of sending comes from the customer, the others from
  the chain and the returns bench. The law counts from these days, so one that is known is put right by a supervisor
  alone. Legal clocks and ways out follow; an offer that was made is never narrowed by what is learned after it.
- Needs: what the report took from the customer, a working phone or what came with the order. It is promised at once, as
  it is where they say so in the report.
- In favour: what speaks for the customer, and nothing else of their past. It is shown to every later handler, and no
  rule of ours takes it. The record tells its kind alone.
- Support needs: what the customer needs of us, in words that they agreed to, beside what is known already. Whoever
  decides on a lock of the handset next is held to them, and a hearing that goes on gets the days that such a one has.
  The record names none of them, since they may tell of somebody's health. One that was written down by mistake is taken
  out by a supervisor, and the customer is told. What it has brought about stays: the days of a hearing, and that a
  person decides on the lock that waits for one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date
from typing import Any, Final

from sqlmodel import Session

from custody.disputes import civil
from custody.disputes.case import CASE
from custody.disputes.choose_remedy import said_of
from custody.disputes.history import IN_FAVOUR, HistoryFact, notes_in_favour
from custody.disputes.lock_wish import WishFacts, lock_wish
from custody.disputes.machine import CaseRole
from custody.disputes.messages import Message, say
from custody.disputes.opening import legal_clocks, promised_beside
from custody.disputes.order import FIRST_ORDER_DATE, OrderFacts, odd_days
from custody.disputes.policy import DEFAULT_POLICY, CaseworkPolicy
from custody.disputes.promise import KEPT, is_owed, proof
from custody.disputes.remedy import Extra, Needs, learned
from custody.disputes.work_clocks import state_clock
from custody.kernel.clock import Instant
from custody.kernel.errors import Conflict, Forbidden, NotFound, Rejected
from custody.store import case_book
from custody.store.case_book import CaseFile
from custody.store.unit import Unit
from custody.usecases.find_handset import FoundHandset
from custody.usecases.record_sale import read_sale
from custody.usecases.ways_out import ways_of_days
from custody.usecases.write_move import write_move

DAYS = ("delivered", "goods_back", "proof_of_sending")
"""The days of an order that become known after it was sold."""
HEARING: Final = "decline_proposed"
"""The state in which the customer is heard before a decision."""


def whereabouts(
    unit: Unit, dispute: str, *, lock_facts: WishFacts, actor: str, policy: CaseworkPolicy = DEFAULT_POLICY
) -> CaseFile:
    """What became of the ordered handset; what is not known of it stays unknown."""
    file, today = _hold_open(unit, dispute), civil.civil_date(unit.now_ms)
    sent = file.order.sent_back
    known = replace(lock_facts, days_since_return=None if sent is None else (today - sent).days)
    wish = lock_wish(file.case.claim_type, known, policy=policy, on_date=today)
    facts = {"known": {name: fact for name, fact in asdict(known).items() if fact is not None}, "lock_fair": wish.fair}
    return write_move(unit, file, replace(file, lock_wish=wish), "whereabouts", actor=actor, facts=facts, said=[])


def handset(
    unit: Unit,
    dispute: str,
    *,
    found: FoundHandset,
    lock_facts: WishFacts,
    actor: str,
    policy: CaseworkPolicy = DEFAULT_POLICY,
) -> CaseFile:
    """The handset that the numbers of a case lead to by now. A lock that was fair is not where its customer uses it."""
    file, today = _hold_open(unit, dispute), civil.civil_date(unit.now_ms)
    order = _order_with(unit.session, found.order_ref, file.order, now_ms=unit.now_ms)
    moved = _with_order(unit, file, order, policy=policy)
    in_use = lock_facts.seen_on_customers_own_sim is True
    moved = replace(
        moved,
        case=replace(file.case, order_ref=moved.order.order_ref),
        imei=found.imei,
        parcel=file.parcel or found.parcel,
        order_named=file.order_named or found.order_named,
        lock_wish=lock_wish(file.case.claim_type, lock_facts, policy=policy, on_date=today)
        if in_use
        else file.lock_wish,
    )
    facts = {"imei": moved.imei, "parcel": moved.parcel, "lock_fair": moved.lock_wish.fair}
    return write_move(unit, file, moved, "handset_learned", actor=actor, facts=facts, said=_said_of_charge(file, moved))


def recorded_since(session: Session, file: CaseFile, *, now_ms: Instant) -> OrderFacts | None:
    """What an open case that knows its handset would know by the seller's record of its order.

    None if that tells nothing new, or another handset.
    """
    if file.imei is None or file.case.state in CASE.terminal:
        return None
    try:
        sale = read_sale(session, file.case.order_ref or "").sale
    except NotFound:
        return None
    known = _order_with(session, sale.order_ref, file.order, now_ms=now_ms)
    return None if sale.imei != file.imei or known == file.order else known


def order_recorded(unit: Unit, dispute: str, *, actor: str, policy: CaseworkPolicy = DEFAULT_POLICY) -> CaseFile:
    """What the seller recorded of the order by now. What tells nothing new changes nothing."""
    file = case_book.hold_one(unit, dispute)
    order = recorded_since(unit.session, file, now_ms=unit.now_ms)
    if order is None:
        return file
    moved = _with_order(unit, file, order, policy=policy)
    facts = {"order": order.order_ref}
    return write_move(unit, file, moved, "order_learned", actor=actor, facts=facts, said=_said_of_charge(file, moved))


def order_days(
    unit: Unit,
    dispute: str,
    *,
    days: Mapping[str, date],
    reference: str,
    actor: str,
    role: CaseRole,
    policy: CaseworkPolicy = DEFAULT_POLICY,
) -> CaseFile:
    """Days of the order, by the names of `DAYS`; raises `Rejected` or, for a known one, `Forbidden`."""
    file = _hold_open(unit, dispute)
    _check(file, days, reference, role=role, today=civil.civil_date(unit.now_ms))
    known: dict[str, Any] = dict(days)
    moved = _with_order(unit, file, replace(file.order, **known), policy=policy)
    facts = {"days": {name: day.isoformat() for name, day in days.items()}, "reference": reference}
    return write_move(unit, file, moved, "order_days", actor=actor, facts=facts, said=_said_of_charge(file, moved))


def support_needs(
    unit: Unit, dispute: str, *, needs: Sequence[str], actor: str, policy: CaseworkPolicy = DEFAULT_POLICY
) -> CaseFile:
    """Needs that were learned after the report; raises `Rejected` if none is named. Known ones change nothing."""
    file = _hold_open(unit, dispute)
    named = [need.strip() for need in needs if need.strip()]
    if not named:
        raise Rejected("support_needs", "no need is named", fix="Write down at least one, as the customer says it.")
    every = tuple(dict.fromkeys((*file.case.support_needs, *named)))
    if every == file.case.support_needs:
        return file
    moved = _heard_longer(replace(file, case=replace(file.case, support_needs=every)), policy=policy)
    facts, said = {"added": len(every) - len(file.case.support_needs)}, list[Message]()
    if moved.hearing_due_ms is not None and moved.hearing_due_ms != file.hearing_due_ms:
        facts["due_ms"] = moved.hearing_due_ms
        said.append(say("case.heard_longer", due=civil.in_words(moved.hearing_due_ms)))
    return write_move(unit, file, moved, "support_needs", actor=actor, facts=facts, said=said)


def need_mistaken(unit: Unit, dispute: str, *, needs: Sequence[str], actor: str, role: CaseRole) -> CaseFile:
    """Needs that were written down by mistake; raises `Forbidden`, or `Rejected` for one that is not in the case."""
    if role is not CaseRole.SUPERVISOR:
        raise Forbidden("role", "a need is taken out by a supervisor", fix="Ask a supervisor.", who=("supervisor",))
    file = _hold_open(unit, dispute)
    named = {need.strip() for need in needs if need.strip()}
    if not named or not named <= set(file.case.support_needs):
        fix = "Name needs of the case, in the words that stand in it."
        raise Rejected("support_needs", "a need that is named is none of this case", fix=fix)
    left = tuple(need for need in file.case.support_needs if need not in named)
    moved = replace(file, case=replace(file.case, support_needs=left))
    said = [say("case.need_mistaken")]
    return write_move(unit, file, moved, "need_mistaken", actor=actor, facts={"removed": len(named)}, said=said)


def in_favour(unit: Unit, dispute: str, *, kind: str, words: str, actor: str) -> CaseFile:
    """Something that speaks for the customer; raises `Rejected` for a kind that could speak against anybody."""
    file = _hold_open(unit, dispute)
    notes = notes_in_favour([HistoryFact(kind=kind, words=words.strip())])
    if not notes or not words.strip():
        why = "nothing that speaks for the customer is named"
        raise Rejected("in_favour", why, fix=f"Say in words one of: {', '.join(IN_FAVOUR)}.")
    every = tuple(dict.fromkeys((*file.case.notes_in_favour, *notes)))
    if every == file.case.notes_in_favour:
        return file
    moved = replace(file, case=replace(file.case, notes_in_favour=every))
    return write_move(unit, file, moved, "in_favour", actor=actor, facts={"in_favour": kind}, said=[])


def needs(unit: Unit, dispute: str, *, needs: Needs, actor: str, policy: CaseworkPolicy = DEFAULT_POLICY) -> CaseFile:
    """What the report took from the customer, learned after it; raises `Rejected` if they are without nothing.

    What was promised already is not promised again.
    """
    file = _hold_open(unit, dispute)
    wanted = promised_beside(needs, file.case, policy=policy, now_ms=unit.now_ms, ids=unit.ids)
    if not wanted:
        raise Rejected(
            "needs",
            "the customer is without nothing",
            fix="Say that they have no working phone, or lost what they had.",
        )
    promised = case_book.promises(unit.session, dispute)
    known = {one.what for one in promised if is_owed(one) or one.state == KEPT}
    made = [promise for promise in wanted if promise.what not in known]
    if not made:
        return file
    for promise in made:
        case_book.put_promise(unit, promise)
    moved = file if file.offer is None else replace(file, offer=learned(file.offer, file.order, needs))
    facts = {**asdict(needs), "promises": [promise.id for promise in made]}
    return write_move(unit, file, moved, "needs", actor=actor, facts=facts, said=[said_of(one) for one in made])


def _heard_longer(file: CaseFile, *, policy: CaseworkPolicy) -> CaseFile:
    """The case with the days of a supported hearing, counted from the proposal, if one goes on."""
    runs = next((clock for clock in file.work_clocks if clock.key == CASE.facts(HEARING).clock), None)
    if file.case.state != HEARING or runs is None:
        return file
    longer = state_clock(CASE, HEARING, entered_ms=runs.start_ms, policy=policy, support_needs=True)
    if longer is None or longer.due_ms <= runs.due_ms:
        return file
    clocks = tuple(longer if clock == runs else clock for clock in file.work_clocks)
    return replace(file, work_clocks=clocks, hearing_due_ms=longer.due_ms)


def _order_with(session: Session, order_ref: str | None, known: OrderFacts, *, now_ms: Instant) -> OrderFacts:
    """What the seller recorded of an order, without days that cannot be right, and what was learned of it meanwhile."""
    try:
        recorded = read_sale(session, order_ref or "").sale.facts
    except NotFound:
        return replace(known, order_ref=order_ref)
    unknown = asdict(OrderFacts())
    learned_since = {name: fact for name, fact in asdict(known).items() if fact != unknown[name]}
    odd: dict[str, Any] = dict.fromkeys(odd_days(recorded, today=civil.civil_date(now_ms)))
    return replace(recorded, **{**odd, **learned_since, "order_ref": order_ref})


def _with_order(unit: Unit, file: CaseFile, order: OrderFacts, *, policy: CaseworkPolicy) -> CaseFile:
    """The case with other facts of its order, and what follows from them."""
    new = legal_clocks(order, first_word_ms=file.case.first_word_ms, policy=policy)
    clocks = {(clock.key, clock.about): clock for clock in (*file.legal_clocks, *new)}
    offer = None if file.offer is None else learned(file.offer, order, Needs())
    moved = replace(file, order=order, legal_clocks=tuple(clocks.values()), offer=offer)
    return replace(moved, recourse=ways_of_days(unit, moved, policy=policy))


def _said_of_charge(before: CaseFile, after: CaseFile) -> list[Message]:
    return [say("case.charge_held")] if _holds_charge(after) and not _holds_charge(before) else []


def _hold_open(unit: Unit, dispute: str) -> CaseFile:
    file = case_book.hold_one(unit, dispute)
    if file.case.state in CASE.terminal:
        raise Conflict("move", f"the case is {file.case.state}", fix="Open the case again first.")
    return file


def _check(file: CaseFile, days: Mapping[str, date], reference: str, *, role: CaseRole, today: date) -> None:
    if not days or set(days) - set(DAYS):
        raise Rejected("days", "no day that can be learned was named", fix=f"Name one of {', '.join(DAYS)}.")
    if not proof(reference):
        raise Rejected(
            "reference", "nothing shows it", fix="Say what shows it: a receipt, a scan, the customer's word."
        )
    for name, day in days.items():
        if not FIRST_ORDER_DATE <= day <= today:
            why = f"{name} is {day.isoformat()}, which cannot be right"
            raise Rejected("date", why, fix=f"Give a day from {FIRST_ORDER_DATE.isoformat()} to today.")
        if getattr(file.order, name) not in {None, day} and role is not CaseRole.SUPERVISOR:
            raise Forbidden("role", f"{name} is known already", fix="Ask a supervisor to put it right.")


def _holds_charge(file: CaseFile) -> bool:
    return file.offer is not None and Extra.CHARGE_HELD in file.offer.extras
