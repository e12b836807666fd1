"""What time brings about: locks lapse, undelivered ones end. The device releases itself too; nobody waits for this.

That a lock ends soon is told to people while two of them can still keep it.
A release that the handset has not answered within its hour is told to people. Past its hold, at which the handset
releases itself, and past the days of the policy its order ends as released but not confirmed; the UNLOCK stays the wish
for the handset, and is offered at every hello for as long as there is one.
"""

from collections.abc import Sequence

from sqlmodel import Session

from custody.kernel.clock import DAY_MS, Instant
from custody.kernel.errors import Trouble
from custody.store import outbox
from custody.store.unit import Unit
from devicelock import part_store, store, watch_store
from devicelock.rules.alert_kind import AlertKind
from devicelock.rules.command import Basis, Reason
from devicelock.rules.order import Guard, LockRole, OrderEvent, OrderState, step
from devicelock.store import LockOrderRow
from devicelock.usecases.alert import raise_alert
from devicelock.usecases.hold_locks import hold_locks
from devicelock.usecases.lock_office import LockOffice
from devicelock.usecases.release import release
from devicelock.usecases.wait_for_release import tell_who_waits

NEAR_MS = DAY_MS
"""So long before a provisional lock ends by itself people are told."""

SWEPT = (OrderState.QUEUED, OrderState.ACTIVE_PROVISIONAL, OrderState.ACTIVE_CONFIRMED)


def is_lapse_due(session: Session, *, now_ms: Instant) -> bool:
    """Whether the time of any lock has passed; nobody waits for who asks."""
    return bool(watch_store.orders_due(session, SWEPT, now_ms=now_ms, limit=1))


def due_lapses(session: Session, *, now_ms: Instant, limit: int = 200) -> list[str]:
    """The orders whose time has passed."""
    return [order.id for order in watch_store.orders_due(session, SWEPT, now_ms=now_ms, limit=limit)]


def sweep_lapses(unit: Unit, office: LockOffice, *, only: str | None = None, limit: int = 200) -> int:
    """Release every lock whose time has passed, or `only` this one; returns how many. In doubt of the clock too."""
    moved = 0
    due = _asked_about(only, watch_store.orders_due(unit.session, SWEPT, now_ms=unit.now_ms, limit=limit))
    hold_locks(unit, office, {order.id for order in due})  # each is as it is now, not as it was found
    for order in due:
        if order.held_until_ms > unit.now_ms:
            continue  # two people have kept it meanwhile
        try:
            release(
                unit,
                office,
                name=order.id,
                actor="system",
                role=LockRole.SYSTEM,
                reason=Reason.LAPSED,
                basis=Basis.LAPSE,
            )
        except Trouble as trouble:
            detail = f"The time of {order.id} has passed and it could not be released: {trouble.detail}."
            raise_alert(unit, AlertKind.RELEASE_OVERDUE, about=order.id, detail=detail)
        moved += 1
    return moved


def is_lapse_near(session: Session, *, now_ms: Instant) -> bool:
    """Whether people are to be told of a lock that ends soon; nobody waits for who asks."""
    return bool(near_lapses(session, now_ms=now_ms, limit=1))


def near_lapses(session: Session, *, now_ms: Instant, limit: int = 200) -> list[str]:
    """The provisional locks that end within a day, and of which nobody was told."""
    found = watch_store.holds_ending(session, before_ms=now_ms + NEAR_MS, untold=AlertKind.LAPSE_NEAR, limit=limit)
    return [order.id for order in found]


def tell_of_lapses(unit: Unit, *, only: str | None = None, limit: int = 200) -> int:
    """Tell people of each of them, or `only` of this one, while two of them can still keep it; how many they were."""
    unit.log.claim()  # as `raise_alert`: another process may be telling of them
    names = [name for name in near_lapses(unit.session, now_ms=unit.now_ms, limit=limit) if only in {None, name}]
    for name in names:
        detail = f"{name} ends by itself within a day, and its handset is free then, unless two people keep it before."
        raise_alert(unit, AlertKind.LAPSE_NEAR, about=name, detail=detail)
    return len(names)


def is_silence_due(session: Session, office: LockOffice, *, now_ms: Instant) -> bool:
    """Whether `sweep_silences` would find anything; nobody waits for who asks."""
    return bool(
        _silent(session, office, now_ms=now_ms, limit=1)
        or _overdue(session, office, now_ms=now_ms, limit=1)
        or outbox.is_any_over(session, older_than_ms=now_ms)
    )


def due_silences(session: Session, office: LockOffice, *, now_ms: Instant, limit: int = 200) -> list[str]:
    """The orders that `sweep_silences` would end, or tell of, now."""
    waiting = _silent(session, office, now_ms=now_ms, limit=limit) + _overdue(
        session, office, now_ms=now_ms, limit=limit
    )
    return list(dict.fromkeys(order.id for order in waiting))


def sweep_silences(unit: Unit, office: LockOffice, *, only: str | None = None, limit: int = 200) -> int:
    """End the releases that were not answered in their days, tell of those that are late; returns how many ended.

    What has left, or expired, is forgotten too. While the clock is in doubt none of it is done: customers would be told
    that their handset is free, and be paid for the time until then.
    """
    silent = _asked_about(only, _silent(unit.session, office, now_ms=unit.now_ms, limit=limit))
    hold_locks(unit, office, {order.id for order in silent})  # each is as it is now, not as it was found
    moved = _settle_silent(unit, office, silent)
    unit.log.claim()  # as `raise_alert`: another process may be telling of them
    _tell_of_overdue(unit, _asked_about(only, _overdue(unit.session, office, now_ms=unit.now_ms, limit=limit)))
    outbox.sweep(unit, older_than_ms=unit.now_ms)
    return moved


def _silent(session: Session, office: LockOffice, *, now_ms: Instant, limit: int) -> list[LockOrderRow]:
    term_ms = now_ms - office.release_term_ms
    return watch_store.orders_silent(session, released_before_ms=term_ms, held_before_ms=now_ms, limit=limit)


def _overdue(session: Session, office: LockOffice, *, now_ms: Instant, limit: int) -> list[LockOrderRow]:
    before_ms = now_ms - office.release_clock_ms
    return watch_store.releases_overdue(session, before_ms=before_ms, untold=AlertKind.RELEASE_OVERDUE, limit=limit)


def _settle_silent(unit: Unit, office: LockOffice, silent: Sequence[LockOrderRow]) -> int:
    """End the orders whose handset never answered the release, and by its own clock is free.

    Another lock system that may hold the handset has no such clock: its order waits for it, or for somebody's word.
    """
    waiting = [order for order in silent if order.state == OrderState.RELEASE_QUEUED]
    gone = [order for order in waiting if not part_store.may_hold(unit.session, order.id)]
    for order in gone:
        order.state = step(
            OrderState(order.state), OrderEvent.TERM_PASSED, role=LockRole.SYSTEM, guards={Guard.HOLD_PASSED: True}
        )
        unit.session.add(order)
        store.note(unit, order, "released_unconfirmed", actor="system", facts={"released_ms": order.release_ms})
        detail = f"The handset of {order.id} has not answered its release; by its own clock it is free."
        raise_alert(unit, AlertKind.RELEASED_UNCONFIRMED, about=order.id, detail=detail)
        office.moved(unit, order, OrderEvent.TERM_PASSED)
        tell_who_waits(unit, office, order)
    return len(gone)


def _asked_about(only: str | None, orders: list[LockOrderRow]) -> list[LockOrderRow]:
    return [order for order in orders if only in {None, order.id}]


def _tell_of_overdue(unit: Unit, orders: Sequence[LockOrderRow]) -> None:
    for order in orders:
        detail = f"The handset of {order.id} has not answered its release in time; the code works without a network."
        raise_alert(unit, AlertKind.RELEASE_OVERDUE, about=order.id, detail=detail)
