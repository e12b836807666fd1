"""What the caps judge a lock by: what was signed before it, what is held, and who let its group go on.

The orders that a unit holds are counted as they are in it, written or not. All others are asked for in the database:
once in a unit, as soon as the log is claimed, since nobody else signs, moves or confirms a lock, or lets a group go on,
while it is. So a group of decisions asks once, and each of them is still judged by all that those before it have done.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

from sqlmodel import Session

from custody.kernel.clock import DAY_MS, HOUR_MS, Instant
from custody.store.unit import Unit
from devicelock import caps_store, store, watch_store
from devicelock.caps_store import ConfirmedLock, DecidedLock
from devicelock.order_facts import read_facts
from devicelock.rules.authority import PROVISIONAL_MS
from devicelock.rules.caps import Caps, Clearance, LockAsked, SignedLock
from devicelock.rules.order import SETTLED, OrderState
from devicelock.store import DeviceRow, LockOrderRow

HELD = frozenset(
    {OrderState.QUEUED, OrderState.ACTIVE_PROVISIONAL, OrderState.ACTIVE_CONFIRMED, OrderState.RELEASE_QUEUED}
)


class Judged(NamedTuple):
    """What an order is judged by, where it is judged as something that is not stored."""

    id: str
    group: str | None
    dispute: str | None
    requester: str
    second: str | None
    facts: str


class People(Protocol):
    """Who is behind an account."""

    def key_of(self, session: Session, account: str) -> str:
        """The person, or the account's own name where nobody is known."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What the caps judge an order by: the lock asked for, and what was signed before it (`caps.held_back`)."""

    asked: LockAsked
    signed: tuple[SignedLock, ...]
    fleet: int
    held: int
    clearances: tuple[Clearance, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Others:
    """What the database says of all orders but those that a unit holds, and of the group of one that is judged."""

    first: tuple[DecidedLock, ...]
    signed: tuple[SignedLock, ...]
    held: int
    clearances: tuple[Clearance, ...]


def count_locks(
    unit: Unit, people: People, order: LockOrderRow | Judged, device: DeviceRow, *, site: str, caps: Caps, retired: int
) -> Counted:
    """What is counted against the order now, itself not counted. `retired`: so many handsets can be locked no more."""
    session, group, now_ms = unit.session, order.group or "", unit.now_ms
    held, canary = store.orders_held(session), caps.canary
    others = _others(unit, people, order, held=frozenset(held), canary=canary)
    mine = [row for row in held.values() if row.id != order.id]
    decided = [row for row in held.values() if row.decided_ms is not None]
    of_group = [row for row in decided if group and row.group == group]
    known: list[LockOrderRow | DecidedLock] = [*others.first, *of_group]
    first = sorted(known, key=lambda row: (row.decided_ms or now_ms, row.id))
    asked = LockAsked(
        at_ms=now_ms,
        person=people.key_of(session, order.requester),
        second=people.key_of(session, order.second) if order.second else None,
        model=device.model,
        site=site,
        group=group,
        canary=order.id in {row.id for row in first[:canary]},
    )
    signed = [signed_lock(session, people, row, now_ms) for row in first if row.id != order.id]
    apart = [row for row in decided if row.id != order.id and not (group and row.group == group)]
    signed += [replace(signed_lock(session, people, row, now_ms), group=None) for row in apart]
    signed += _kept(session, people, _confirmed(session, mine, now_ms), now_ms)
    count = others.held + sum(row.state in HELD for row in mine)
    return Counted(
        asked=asked,
        signed=(*signed, *others.signed),
        # A fleet is counted where its share of held ones may matter: to this order, or to the next one like it.
        fleet=max(0, _registered(unit) - retired) if count + 1 >= caps.fleet_least else 0,
        held=count,
        clearances=others.clearances,
    )


def signed_lock(session: Session, people: People, order: LockOrderRow | DecidedLock, now_ms: Instant) -> SignedLock:
    """An order that was decided, as the caps count it."""
    return SignedLock(
        at_ms=order.decided_ms or now_ms,
        person=people.key_of(session, order.requester),
        second=people.key_of(session, order.second) if order.second else None,
        model=order.model,
        site=order.site,
        group=order.group or "",
        settled_ms=_settled_ms(order, now_ms),
        wrong_at_ms=order.wrong_ms,
    )


def _others(unit: Unit, people: People, order: LockOrderRow | Judged, *, held: frozenset[str], canary: int) -> Others:
    """Asked once for the same orders; again where the log is not claimed, since others may go on meanwhile."""
    group, but = order.group or "", held | {order.id}
    known: dict[tuple[str, frozenset[str]], Others] = unit.session.info.setdefault("counted", {})
    found = known.get((group, but))
    if found is None:
        first = caps_store.first_locks(unit.session, group, first=canary, but=sorted(held)) if group else []
        found = _ask(unit.session, people, group, unit.now_ms, but=sorted(but), first=first)
        if unit.log.is_claimed:
            known[group, but] = found
    return found


def _registered(unit: Unit) -> int:
    """How many handsets were ever registered; asked once where nobody can register another one meanwhile."""
    count: int | None = unit.session.info.get("registered")
    if count is None:
        count = caps_store.registered_count(unit.session)
        if unit.log.is_claimed:
            unit.session.info["registered"] = count
    return count


def _ask(
    session: Session,
    people: People,
    group: str,
    now_ms: Instant,
    *,
    but: Sequence[str],
    first: Sequence[DecidedLock],
) -> Others:
    signed = _of_the_day(session, people, now_ms, but=[*but, *(row.id for row in first)])
    since_ms = now_ms - DAY_MS
    # An order is confirmed within its first hours.
    confirmed = caps_store.confirmed_since(session, since_ms, decided_after_ms=since_ms - PROVISIONAL_MS, but=but)
    return Others(
        first=tuple(first),
        signed=(*signed, *_kept(session, people, confirmed, now_ms)),
        held=caps_store.count_in(session, sorted(HELD), but=but),
        clearances=tuple(watch_store.marks_of(session, group)),
    )


def _of_the_day(session: Session, people: People, now_ms: Instant, *, but: Sequence[str]) -> list[SignedLock]:
    """The orders of the last day but these, alike ones together; of no group, whose first ones are known apart."""
    found = []
    for each in caps_store.locks_decided(session, now_ms - DAY_MS, lately_ms=now_ms - HOUR_MS, but=but):
        lock = SignedLock(
            at_ms=now_ms,
            person=people.key_of(session, each.requester),
            second=people.key_of(session, each.second) if each.second else None,
            model=each.model,
            site=each.site,
            group=None,
            settled_ms=now_ms,
            count=each.lately,
        )
        found += [lock, replace(lock, at_ms=now_ms - HOUR_MS, count=each.decided - each.lately)]
    return found


def _confirmed(session: Session, rows: Sequence[LockOrderRow], now_ms: Instant) -> Iterable[ConfirmedLock]:
    """Those of these orders that two people kept beyond their hours within a day."""
    for row in rows:
        names = read_facts(row).confirmed_by
        at_ms = caps_store.confirmed_ms(session, row.id) if names else None
        if at_ms is not None and at_ms > now_ms - DAY_MS:
            yield ConfirmedLock(people=tuple(names), model=row.model, site=row.site, at_ms=at_ms)


def _kept(
    session: Session, people: People, confirmed: Iterable[ConfirmedLock], now_ms: Instant
) -> Iterable[SignedLock]:
    """What two people kept beyond its hours: each signed a LOCK more, and counts against both."""
    for each in confirmed:
        yield SignedLock(
            at_ms=each.at_ms,
            person=people.key_of(session, each.people[0]),
            second=people.key_of(session, each.people[1]),
            model=each.model,
            site=each.site,
            group=None,
            settled_ms=now_ms,
        )


def _settled_ms(order: LockOrderRow | DecidedLock, now_ms: Instant) -> Instant | None:
    """When an order was acknowledged, had ended, or had passed its hour; None if none of it was yet."""
    over = OrderState(order.state) in SETTLED or order.held_until_ms < now_ms
    known = (order.acked_ms, order.released_ms if over else None, min(order.held_until_ms, now_ms) if over else None)
    return min((at_ms for at_ms in known if at_ms is not None), default=None)
