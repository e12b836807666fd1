"""Asking for a lock, and saying yes or no as the second person.

- By standing authority (a disputed delivery): allowed or refused at once; if allowed, signed in the same unit. Where
  the customer needs support, and nothing else holds it back, it waits for a person who decides it as the specialist.
  What only a limit, the kill switch or records that are not there yet refuse is asked for again later (`ask_again.py`).
- By a person: the order waits for a second person, who decides; both are checked again when it is signed.
- What one person asks for in a day is bounded, and whoever fills a cap or a canary raises an alert in the same unit.
- Whoever judges a lock that is to be signed or asked for has claimed the log before: so nobody else's lock, and no kill
  switch, can become durable between the judgement and the signature.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from custody.gs1.imei import imei_digits, imei_urn
from custody.kernel.clock import DAY_MS, Instant
from custody.kernel.errors import Conflict, Forbidden, NotFound, Rejected, Trouble
from custody.store.unit import Unit
from devicelock import authority_store, caps_store, put_off_store, store
from devicelock.order_facts import read_facts
from devicelock.rules.alert_kind import AlertKind
from devicelock.rules.authority import PROVISIONAL_MS, preflight
from devicelock.rules.caps import CapReason, group_of, may_ask
from devicelock.rules.command import REASONS, Basis, Op, Reason
from devicelock.rules.lock_facts import LockKind
from devicelock.rules.order import Guard, LockRole, OrderEvent, OrderState, step
from devicelock.rules.preflight import CheckName, CheckReason, Preflight, Ruling
from devicelock.store import DeviceRow, LockOrderRow
from devicelock.usecases.alert import raise_alert
from devicelock.usecases.count_locks import HELD, Counted, Judged
from devicelock.usecases.lock_office import STANDING, Circumstances, LockOffice
from devicelock.usecases.sign import publish_lock

WAITS_FOR = frozenset({CheckName.DECIDER, CheckName.TWO_PEOPLE, CheckName.NOTICE})
"""Checks that do not keep anybody from asking: a second person turns them green, or the hour told to the customer."""
OPEN = (OrderState.REQUESTED, OrderState.APPROVED, *sorted(HELD))
PAUSES = frozenset({CapReason.CANARY_UNSETTLED, CapReason.CANARY_NOT_CLEARED, CapReason.WRONG_LOCK})
EVIDENCE_MAX, EVIDENCE_CHARS = 20, 200


def lock_for_dispute(unit: Unit, office: LockOffice, *, imei: str, reason: Reason, dispute: str) -> LockOrderRow:
    """The provisional lock of a disputed delivery, by standing authority; the order says queued or refused and why."""
    device = _device(unit, imei)
    _refuse_second_order(unit, device)
    unit.log.claim()
    known = office.circumstances(unit.session, device.imei, dispute)
    order = _order(unit, device, reason, dispute, known, requester=STANDING, basis=Basis.STANDING_POLICY, facts={})
    judged, counted = office.facts_and_count(unit, order, device, LockKind.PROVISIONAL, known=known)
    found = preflight(judged)
    if [(row.name, row.reason) for row in found.failing] == [(CheckName.VULNERABILITY, CheckReason.NEEDS_SPECIALIST)]:
        store.put_order(unit.session, order)
        store.note(unit, order, "requested", actor="system", facts={"waits_for": "a specialist", "reason": str(reason)})
        return order
    if found.is_put_off:
        put_off_store.put_off(unit, order.id)
    if found.ruling is Ruling.REFUSED:
        return _refuse(unit, office, order, found)
    _approve(unit, order)
    publish_lock(unit, office, order, device, LockKind.PROVISIONAL, judged=judged)
    alert_of_limits(unit, office, order, counted)
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
    specialist: str | None = None,
) -> LockOrderRow:
    """A person asks for a lock; it waits for a second person unless a check fails that no second person could mend.

    A customer who is still served is told of it in the same unit, and it waits for the hour of which they were told.
    `specialist`: the account of whoever decides it, for a customer who needs support.
    """
    urn = _checked(imei, last4, reason, evidence)
    may_ask(office.caps, asked_today=_asked_today(unit, office, account)[1])  # who is past it learns of no handset
    device = _device(unit, urn)
    unit.log.claim()
    who, asked = _asked_today(unit, office, account)
    may_ask(office.caps, asked_today=asked)
    _refuse_second_order(unit, device)
    facts = {"evidence": list(evidence), "specialist": specialist}
    known = office.circumstances(unit.session, device.imei, dispute)
    order = _order(unit, device, reason, dispute, known, requester=account, basis=Basis.TWO_PEOPLE, facts=facts)
    if asked + 1 == office.caps.asks_per_person_day:
        detail = (
            f"{who} answers for {asked + 1} locks asked for within a day, the last with {account}; no more are taken."
        )
        raise_alert(unit, AlertKind.ASKS_REACHED, about=who, detail=detail)
    found = preflight(office.facts_and_count(unit, order, device, LockKind.REQUESTED, known=known)[0])
    if any(row.name not in WAITS_FOR for row in found.failing):
        return _refuse(unit, office, order, found)
    if any(row.name is CheckName.NOTICE for row in found.failing):
        store.add_facts(order, notice_ms=office.announce(unit, order))
    store.put_order(unit.session, order)
    stored = read_facts(order)
    asked_for = {"reason": str(reason), "evidence": stored.evidence, "notice_ms": stored.notice_ms}
    store.note(unit, order, "requested", actor=account, facts=asked_for)
    return order


def _checked(imei: str, last4: str, reason: Reason, evidence: Sequence[str]) -> str:
    """The canonical IMEI of a request that says what it has to; raises `Rejected`."""
    if reason not in REASONS[Op.LOCK]:
        reasons = ", ".join(sorted(REASONS[Op.LOCK]))
        raise Rejected("reason", f"{str(reason)!r} is no reason to lock", fix=f"Use one of {reasons}.")
    urn = imei_urn(imei)
    if imei_digits(urn)[-4:] != last4:
        raise Rejected("imei_last4", "the last four digits typed are not those of the IMEI", fix="Type them again.")
    if len(evidence) > EVIDENCE_MAX or any(not 0 < len(each) <= EVIDENCE_CHARS for each in evidence):
        raise Rejected(
            "evidence",
            f"there are more than {EVIDENCE_MAX} references, or one is empty or over {EVIDENCE_CHARS} letters",
            fix="Name log entries, cases or files, not their content.",
        )
    return urn


def approve_lock(unit: Unit, office: LockOffice, *, name: str, account: str) -> LockOrderRow:
    """The second person says yes; the command is signed in the same unit. Raises `Forbidden` for the first person.

    What waited for a specialist counts to the standing authority under which it is decided.
    """
    order = store.order(unit.session, name)
    if order.state != OrderState.REQUESTED:
        raise Conflict(
            "move", f"the order is {order.state}, not waiting for a second person", fix="Read the order again."
        )
    device, kind = store.device(unit.session, order.device), kind_of(order)
    order.group = _group(unit, order.requester, order.created_ms)
    unit.log.claim()
    judged, counted = office.facts_and_count(unit, as_decided(order, account), device, kind)
    refuse_if_failing(preflight(judged))
    order.second = account
    if order.requester == STANDING:
        store.add_facts(order, specialist=account)
    _approve(unit, order)
    publish_lock(unit, office, order, device, kind, judged=judged)
    alert_of_limits(unit, office, order, counted)
    return order


def refuse_lock(unit: Unit, office: LockOffice, *, name: str, account: str, why: str) -> LockOrderRow:
    """The second person says no, with a reason that is shown to the first, and to the customer of the case."""
    order = store.order(unit.session, name)
    guards = {Guard.REASON_SHOWN: bool(why.strip())}
    order.state = step(
        OrderState(order.state), OrderEvent.SECOND_PERSON_SAYS_NO, role=LockRole.SUPERVISOR, guards=guards
    )
    store.add_facts(order, refused=why)
    unit.session.add(order)
    store.note(unit, order, "refused", actor=account, facts={"why": why})
    office.moved(unit, order, OrderEvent.SECOND_PERSON_SAYS_NO)
    return order


def kind_of(order: LockOrderRow) -> LockKind:
    """As what an order is judged until it is confirmed."""
    return LockKind.PROVISIONAL if order.requester == STANDING else LockKind.REQUESTED


def as_decided(order: LockOrderRow, account: str) -> Judged:
    """An order as it would be if this account said yes to it."""
    facts = read_facts(order)
    if order.requester == STANDING:
        facts = msgspec.structs.replace(facts, specialist=account)
    return Judged(
        id=order.id,
        group=order.group,
        dispute=order.dispute,
        requester=order.requester,
        second=account,
        facts=msgspec.json.encode(facts).decode(),
    )


def as_asked_again(unit: Unit, order: LockOrderRow) -> Judged:
    """The order of a case as it would be judged if its lock were asked for now, by the authority in force."""
    return Judged(
        id=order.id,
        group=_group(unit, STANDING, unit.now_ms),
        dispute=order.dispute,
        requester=STANDING,
        second=None,
        facts="{}",
    )


def trial_order(
    unit: Unit,
    office: LockOffice,
    device: DeviceRow,
    *,
    dispute: str | None,
    requester: str = STANDING,
    specialist: str | None = None,
) -> LockOrderRow:
    """An order that is only looked at and never stored, for a dry run."""
    facts = {"specialist": specialist}
    basis = Basis.STANDING_POLICY if requester == STANDING else Basis.TWO_PEOPLE
    known = office.circumstances(unit.session, device.imei, dispute)
    return _order(unit, device, Reason.NEVER_RECEIVED, dispute, known, requester=requester, basis=basis, facts=facts)


def refuse_if_failing(found: Preflight) -> None:
    """Raise `Forbidden` with every failing check and what would allow it."""
    if found.ruling is Ruling.ALLOWED:
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


def refusal_to_ask(unit: Unit, office: LockOffice, device: DeviceRow, account: str) -> Trouble | None:
    """What keeps a person from asking for a lock of a handset whatever its checks say; None if nothing does."""
    try:
        may_ask(office.caps, asked_today=_asked_today(unit, office, account)[1])
        _refuse_second_order(unit, device)
    except Trouble as refused:
        return refused
    return None


def _device(unit: Unit, imei: str) -> DeviceRow:
    device = store.device_by_imei(unit.session, imei_urn(imei))
    if device is None:
        raise NotFound("device", "no handset is registered under this IMEI", fix="Use an IMEI list, by two people.")
    return store.device(unit.session, device.device)


def _refuse_second_order(unit: Unit, device: DeviceRow) -> None:
    open_orders = store.orders_of_device(unit.session, device.device, OPEN)
    if open_orders:
        raise Conflict(
            "already_ordered",
            f"the handset has the open lock order {open_orders[0].id}",
            fix="Read that order; release it before asking for another.",
            order=open_orders[0].id,
        )


def _asked_today(unit: Unit, office: LockOffice, account: str) -> tuple[str, int]:
    """Who of those who answer for an account has asked for most locks within a day, with whatever accounts; how many.

    An account that was made within the day counts to whoever made it too: who can make accounts has no more by that.
    """
    since_ms, asked = unit.now_ms - DAY_MS, Counter[str]()
    for name, count in caps_store.asked_since(unit.session, since_ms).items():
        asked.update(dict.fromkeys(office.answering(unit.session, name, since_ms), count))
    who = max(sorted(office.answering(unit.session, account, since_ms)), key=lambda person: asked[person])
    return who, asked[who]


def _order(
    unit: Unit,
    device: DeviceRow,
    reason: Reason,
    dispute: str | None,
    known: Circumstances,
    *,
    requester: str,
    basis: Basis,
    facts: dict[str, Any],
) -> LockOrderRow:
    entries = [each for each in known.evidence if each.startswith("entry:")]
    named = {"evidence": [*facts.pop("evidence", []), *known.evidence], "entries": entries}
    return LockOrderRow(
        id=unit.ids.new("lock"),
        device=device.device,
        imei=device.imei,
        state=OrderState.REQUESTED,
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
        group=_group(unit, requester, unit.now_ms),
        model=device.model,
        site=known.site,
        facts=msgspec.json.encode({**facts, **named}).decode(),
    )


def _group(unit: Unit, requester: str, asked_ms: Instant) -> str:
    policy = authority_store.in_force(unit.session) if requester == STANDING else None
    return group_of(policy=policy.id if policy else None, account=requester, at_ms=asked_ms)


def _approve(unit: Unit, order: LockOrderRow) -> None:
    guards = {Guard.AUTHORITY_RECORDED: True, Guard.IMEI_LAST4_TYPED: True}
    order.state = step(OrderState(order.state), OrderEvent.PREFLIGHT_PASSES, role=LockRole.SYSTEM, guards=guards)
    order.decided_ms, order.held_until_ms = unit.now_ms, unit.now_ms + PROVISIONAL_MS
    store.put_order(unit.session, order)
    people = {"requester": order.requester, "second": order.second}
    facts = {"basis": order.basis, **people, "reason": order.reason, "evidence": read_facts(order).evidence}
    store.note(unit, order, "approved", actor=order.second or order.requester, facts=facts)


def alert_of_limits(
    unit: Unit, office: LockOffice, order: LockOrderRow, counted: Counted, *, confirmed: bool = False
) -> None:
    """Tell people of every limit that holds back the next lock like this one; a confirmation pauses no group."""
    for limit in office.held_back_next(unit, counted, order, confirmed=confirmed):
        if confirmed and limit in PAUSES:
            continue
        kind = AlertKind.GROUP_PAUSED if limit in PAUSES else AlertKind.CAP_REACHED
        about = (order.group or "") if limit in PAUSES else str(limit)
        detail = f"After {order.id}, ordered by {order.requester}, the limit {limit} holds back the next lock like it."
        raise_alert(unit, kind, about=about, detail=detail)


def _refuse(unit: Unit, office: LockOffice, order: LockOrderRow, found: Preflight) -> LockOrderRow:
    order.state = step(
        OrderState(order.state), OrderEvent.PREFLIGHT_FAILS, role=LockRole.SYSTEM, guards={Guard.REASON_SHOWN: True}
    )
    store.add_facts(order, checks=rows_of(found))
    store.put_order(unit.session, order)
    failing = [f"{row.name}: {row.reason}" for row in found.failing]
    store.note(unit, order, "refused", actor="system", facts={"failing": failing})
    office.moved(unit, order, OrderEvent.PREFLIGHT_FAILS)
    return order
