"""What came of asking another lock system, written down in a unit of its own; and when an order is over.

- **Before a lock is sent** it is claimed: everything that allows it is asked again in that unit, with the log claimed,
  as it is where our own agent's command is signed, and also whether two people, and the back-end itself where it can
  tell, name this handset. From then on a release must reach the back-end, whatever becomes of the call, and whatever
  backup is put back: it is anchored first. The IMEI list reads what it holds from its own folder.
- **What was overtaken** by a newer wish while it was under way leaves the newer one as it is.
- **Shown** is only what the back-end has confirmed. Its word that a handset is locked makes the order active, unless it
  blocks the network only or was never tried (`Capabilities.vouches`).
- **A release is over** when nobody may hold the lock any more: our agent by the last it said, and every back-end that
  has, or may have, the lock. One that fails keeps the order open, and is told of; where it can say nothing any more,
  somebody who has seen the handset free may say so instead (`settle_by_word`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from custody.kernel.clock import MINUTE_MS, SECOND_MS, Instant
from custody.kernel.errors import Conflict, Rejected, Unavailable
from custody.store.unit import Unit
from devicelock import part_store, store
from devicelock.anchor import Hold
from devicelock.backends import eir
from devicelock.backends.asserted import NOTHING
from devicelock.backends.contract import BackendAnswer, Capabilities, Held
from devicelock.part_store import PartRow
from devicelock.rules.alert_kind import AlertKind
from devicelock.rules.applied import Applied
from devicelock.rules.authority import authorise_lock
from devicelock.rules.lock_facts import LockKind
from devicelock.rules.order import LockRole, OrderEvent, OrderState, step
from devicelock.store import DeviceRow, LockOrderRow
from devicelock.usecases.alert import raise_alert
from devicelock.usecases.confirm_lock import as_confirmed
from devicelock.usecases.fan_out import Open, Tried, judge, wait_s
from devicelock.usecases.give_reference import refuse_other_handset, refuse_unless_confirmed
from devicelock.usecases.hold_locks import hold_locks
from devicelock.usecases.lock_office import STANDING, LockOffice
from devicelock.usecases.plan_parts import lapse_part, let_go, order_of
from devicelock.usecases.wait_for_release import tell_who_waits

RELEASING = frozenset({OrderState.RELEASE_QUEUED, OrderState.RELEASED_UNCONFIRMED})
LOOK_FIRST_S, LOOK_MAX_S = 2, 900
"""How often a back-end is looked at until it shows what is wished, and afterwards."""
UNDONE_MS = 5 * MINUTE_MS
"""A handset that shows itself otherwise than wished so long after its back-end was asked was never told, or forgot."""
ALERT_TRIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """What came of one go at a part: the last call, and what the back-end holds and shows (None: it cannot be seen).

    `other_handset`: it was not sent, because the back-end knows another handset by this name.
    """

    tried: Tried
    held: Held | None = None
    other_handset: bool = False


def claim_part(unit: Unit, office: LockOffice, part: PartRow, *, told_imei: str | None = None) -> bool:
    """Anchor this lock and mark it as one that the back-end may hold; False, and nothing done, if it is wished no more.

    Raises `Forbidden` where it is not allowed any more, `Unavailable("anchor")` where it cannot be anchored.
    `told_imei`: the IMEI of what is known by this name, by the back-end's own word.
    """
    order = store.order(unit.session, part.order)
    device = store.device(unit.session, part.device)
    unit.log.claim()
    row = part_store.part(unit.session, part.order, part.backend)
    if (row.version, row.wished) != (part.version, part.wished):
        return False
    judged, kind = judged_as(order, row.backend)
    refuse_unless_confirmed(unit.session, row)
    authorise_lock(office.facts(unit, judged, device, kind))
    refuse_other_handset(device, row, told_imei=told_imei)
    anchor_hold(office, row)
    row.may_hold = True
    unit.session.add(row)
    return True


def anchor_hold(office: LockOffice, row: PartRow) -> None:
    """Write down outside the database that the back-end may hold the lock; raises `Unavailable("anchor")`."""
    if row.backend == eir.NAME:
        return
    try:
        office.anchor.hold(Hold(order=order_of(row), backend=row.backend, handset=row.handset, device=row.device))
    except OSError as error:
        why = f"no lock leaves before it is anchored outside the database: {error.strerror}"
        raise Unavailable("anchor", why, fix="Make room on the disk of the data folder.") from error


def judged_as(order: LockOrderRow, backend: str) -> tuple[LockOrderRow, LockKind]:
    """The order as it is judged for a back-end, and as what."""
    confirmed = order.state == OrderState.ACTIVE_CONFIRMED
    judged = as_confirmed(order) if confirmed else order
    if backend == eir.NAME:
        return judged, LockKind.IMEI_LIST
    if confirmed:
        return judged, LockKind.CONFIRM
    return judged, LockKind.PROVISIONAL if order.requester == STANDING else LockKind.REQUESTED


def remember(unit: Unit, office: LockOffice, part: PartRow, came: Came, can: Capabilities | None) -> None:
    """Write down what came of a go at a part, and move its order to where that has shown it to be."""
    order = hold_locks(unit, office, [part.order]).get(part.order)  # a retirement has none
    row = part_store.part(unit.session, part.order, part.backend)
    if (row.version, row.wished) != (part.version, part.wished):
        return
    before, failed_before = row.applied, row.trouble is not None
    tried = came.tried
    row.tries, row.answer, row.trouble = tried.tries, tried.answer, tried.trouble
    row.retry_after_s, row.at_ms, row.again = tried.retry_after_s, tried.at_ms, row.again and tried.trouble is not None
    if came.held is not None:
        row.applied, row.seen_ms = came.held.applied, came.held.last_seen_ms
        if not came.held.taken and row.answer == BackendAnswer.TAKEN:
            row.answer = None  # the device would not do it, or was asked by a command that has ended: it is said anew
    row.may_hold = _may_hold(row, part)
    if not row.may_hold:
        let_go(office, row)
    row.due_ms = _due(row, can, now_ms=unit.now_ms)
    unit.session.add(row)
    if _has_lapsed(row, came):
        lapse_part(unit, office, row)
    if order is not None:
        if row.applied != before:
            facts = {"wished": row.wished, "applied": row.applied, "version": row.version}
            store.note(unit, order, "backend_shown", actor=row.backend, facts=facts)
        if row.trouble is not None and not failed_before:
            store.note(unit, order, "backend_failed", actor=row.backend, facts={"why": row.trouble[:300]})
        _move(unit, office, order, row, can)
    if came.other_handset:
        raise_alert(unit, AlertKind.WRONG_REFERENCE, about=f"{row.device} at {row.backend}", detail=_detail(row))
    _alert(unit, row)


def settle_by_word(unit: Unit, office: LockOffice, *, name: str, backend: str, actor: str, why: str) -> LockOrderRow:
    """Somebody has seen that the handset is free where the back-end will not say so; only of a release, and logged."""
    row = hold_locks(unit, office, [name]).get(name) or store.order(unit.session, name)
    part = part_store.part(unit.session, name, backend)
    if part.wished == Applied.LOCKED:
        raise Conflict("move", f"{backend} is asked for a lock, not for a release", fix="Release the order first.")
    if not why.strip():
        raise Rejected("why", "nobody can check a word without a reason", fix="Say what was seen, and by whom.")
    part.may_hold, part.due_ms = False, None
    let_go(office, part)
    unit.session.add(part)
    store.note(unit, row, "backend_settled", actor=actor, facts={"backend": backend, "why": why})
    end_release(unit, office, row, actor=actor, facts={"shown_by": actor, "backend": backend})
    return row


def missing(row: PartRow) -> Open | None:
    """What keeps a release open at this back-end; None for a lock, and where nothing is left to do."""
    if row.wished == Applied.LOCKED or row.due_ms is None:
        return None
    found = judge([row.backend], [tried_of(row)]).open
    return found[0] if found else None


def tried_of(row: PartRow) -> Tried:
    """The last call for the present wish, and what is shown."""
    return Tried(
        backend=row.backend,
        tries=row.tries,
        answer=None if row.answer is None else BackendAnswer(row.answer),
        trouble=row.trouble,
        retry_after_s=row.retry_after_s,
        at_ms=row.at_ms,
        applied=None if row.applied is None else Applied(row.applied),
    )


def end_release(unit: Unit, office: LockOffice, order: LockOrderRow, *, actor: str, facts: Mapping[str, Any]) -> bool:
    """End a release that nobody is known to hold back any more; whether it did."""
    if order.state not in RELEASING or part_store.may_hold(unit.session, order.id) or _agent_holds(unit, order):
        return False
    order.state = step(OrderState(order.state), OrderEvent.DEVICE_ACK_OR_CODE_USED, role=LockRole.SYSTEM)
    order.released_ms = unit.now_ms
    unit.session.add(order)
    store.note(unit, order, "released", actor=actor, facts=facts)
    office.moved(unit, order, OrderEvent.DEVICE_ACK_OR_CODE_USED)
    tell_who_waits(unit, office, order)
    return True


def _agent_holds(unit: Unit, order: LockOrderRow) -> bool:
    seen = store.desired(unit.session.get_one(DeviceRow, order.device)).seen
    return seen is not None and seen.applied is Applied.LOCKED


def _may_hold(row: PartRow, part: PartRow) -> bool:
    if row.wished != Applied.LOCKED:
        return row.may_hold and bool(judge([row.backend], [tried_of(row)]).open)
    surely_not = row.answer in NOTHING and row.trouble is None and not part.may_hold
    return row.may_hold and not surely_not


def _has_lapsed(row: PartRow, came: Came) -> bool:
    over = came.held is not None and came.held.desired is not Applied.LOCKED
    return row.wished == Applied.LOCKED and over and came.tried.answer in {BackendAnswer.TAKEN, BackendAnswer.NOT_NOW}


def _due(row: PartRow, can: Capabilities | None, *, now_ms: Instant) -> Instant | None:
    if row.wished != Applied.LOCKED and _is_over(row):
        return None
    if row.answer != BackendAnswer.TAKEN:
        return now_ms + wait_s(tried_of(row)) * SECOND_MS
    row.again = row.again or _is_undone(row, can)
    shown = row.applied == row.wished
    row.looks = 0 if shown else row.looks + 1
    wait = LOOK_MAX_S if shown else min(LOOK_FIRST_S << min(row.looks - 1, 16), LOOK_MAX_S)
    return now_ms + wait * SECOND_MS


def _is_over(row: PartRow) -> bool:
    if row.wished == Applied.RETIRED and row.answer in NOTHING and row.trouble is None:
        return True  # it does not know the handset, so there is nothing to end; our own book refuses every later lock
    done = not judge([row.backend], [tried_of(row)]).open
    return done and (row.wished != Applied.RETIRED or row.answer == BackendAnswer.TAKEN)


def _is_undone(row: PartRow, can: Capabilities | None) -> bool:
    """Whether the handset shows by now that what was taken is not so, and is to be told once more.

    Where a way out of a lock is its holder's own, nobody says that lock again.
    """
    if row.seen_ms is None or row.at_ms is None or row.seen_ms <= row.at_ms + UNDONE_MS:
        return False
    if row.wished != Applied.LOCKED:
        return row.applied == Applied.LOCKED
    return can is not None and not can.user_can_leave and row.applied == Applied.UNLOCKED


def _move(unit: Unit, office: LockOffice, order: LockOrderRow, row: PartRow, can: Capabilities | None) -> None:
    if row.wished != Applied.LOCKED:
        facts = {"shown_by": row.backend, "applied": row.applied, "version": row.version}
        end_release(unit, office, order, actor=row.backend, facts=facts)
    elif row.applied == Applied.LOCKED and order.state == OrderState.QUEUED and can is not None and can.vouches:
        order.state = step(OrderState.QUEUED, OrderEvent.DEVICE_ACK, role=LockRole.SYSTEM)
        order.acked_ms = unit.now_ms
        unit.session.add(order)
        facts = {"shown_by": row.backend, "version": row.version, "device": row.device}
        store.note(unit, order, "locked", actor=row.backend, facts=facts)
        office.moved(unit, order, OrderEvent.DEVICE_ACK)


def _detail(row: PartRow) -> str:
    todo = "Release the order, give the right name of the handset there, and have a second person confirm it."
    return f"A lock was {row.trouble}. {todo}"


def _alert(unit: Unit, row: PartRow) -> None:
    found = missing(row)
    if found is not None and found.loud and (row.trouble is None or row.tries >= ALERT_TRIES):
        raise_alert(unit, AlertKind.BACKEND_FAILED, about=f"{row.order} at {row.backend}", detail=found.detail[:300])
