"""The questions that the caps ask of lock orders: who asked, what was decided, and which were the first of a group."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import func, select
from sqlmodel import Session, col

from custody.store.bulk import ask
from devicelock.order_facts import read_text
from devicelock.rules.order import LockStep, OrderState
from devicelock.store import LockOrderRow

OPEN = (OrderState.REQUESTED, OrderState.QUEUED, OrderState.ACTIVE_PROVISIONAL, OrderState.ACTIVE_CONFIRMED)
"""Where an order stands that can still be let go."""

CONFIRMED: LockStep = "confirmed"
"""Two people kept an order beyond its hours."""
NONE = ("",)
"""What stands for an empty list of ids, which not every database takes."""


class DecidedLock(NamedTuple):
    """What the caps look at in one order that was decided."""

    id: str
    state: str
    requester: str
    second: str | None
    decided_ms: int | None
    acked_ms: int | None
    released_ms: int | None
    held_until_ms: int
    model: str
    site: str
    group: str | None
    wrong_ms: int | None


class DecidedLocks(NamedTuple):
    """How many orders were decided that the caps count alike, and how many of them lately.

    A day has many, and every lock counts all of them.
    """

    requester: str
    second: str | None
    model: str
    site: str
    decided: int
    lately: int


class ConfirmedLock(NamedTuple):
    """An order that two people keep beyond its hours, which signed a LOCK of its own."""

    people: tuple[str, ...]
    model: str
    site: str
    at_ms: int


def asked_since(session: Session, since_ms: int) -> dict[str, int]:
    """How many locks each account asked for since a moment, whatever became of them."""
    query = select(col(LockOrderRow.requester), func.count()).where(col(LockOrderRow.created_ms) >= since_ms)
    return dict(session.execute(query.group_by(col(LockOrderRow.requester))).all())


def count_in(session: Session, states: Sequence[str], *, but: Collection[str]) -> int:
    """How many orders but these are in these states."""
    question = f"SELECT count(*) FROM lock_order WHERE state IN ({_places(states)}) AND id NOT IN ({_places(but)})"  # noqa: S608 - places only
    count: int = ask(session, question, (*states, *(but or NONE)))[0][0]
    return count


def registered_count(session: Session) -> int:
    """How many handsets were ever registered."""
    count: int = ask(session, "SELECT count(*) FROM device", ())[0][0]
    return count


def canary_of(session: Session, group: str, *, first: int) -> list[LockOrderRow]:
    """The first orders of a group that were decided, and every one of it that was found wrong."""
    mine = select(LockOrderRow).where(col(LockOrderRow.group) == group, col(LockOrderRow.decided_ms).is_not(None))
    canary = session.scalars(mine.order_by(col(LockOrderRow.decided_ms)).limit(first)).all()
    wrong = session.scalars(mine.where(col(LockOrderRow.wrong_ms).is_not(None))).all()
    return list({row.id: row for row in (*canary, *wrong)}.values())


def groups_since(session: Session, since_ms: int) -> list[str]:
    """The groups in which a lock was decided since a moment."""
    query = select(col(LockOrderRow.group)).where(
        col(LockOrderRow.group).is_not(None), col(LockOrderRow.decided_ms) >= since_ms
    )
    return sorted(name for name in session.scalars(query.distinct()).all() if name is not None)


def is_group(session: Session, group: str) -> bool:
    """Whether anybody ever asked for a lock in it."""
    return bool(ask(session, 'SELECT 1 FROM lock_order WHERE "group" = ? LIMIT 1', (group,)))


def open_orders(session: Session, group: str) -> list[str]:
    """The orders of a group that lock a handset, are on their way to one, or wait for a second person; oldest first."""
    question = f'SELECT id FROM lock_order WHERE "group" = ? AND state IN ({_places(OPEN)}) ORDER BY created_ms, id'  # noqa: S608 - places only
    return [name for (name,) in ask(session, question, (group, *OPEN))]


def locks_decided(session: Session, after_ms: int, *, lately_ms: int, but: Collection[str]) -> list[DecidedLocks]:
    """Orders but these that were decided after a moment, and how many after a later one, as the caps count them."""
    alike = "requester, second, model, site"
    counts = "count(*), sum(CASE WHEN decided_ms > ? THEN 1 ELSE 0 END)"
    those = f"decided_ms > ? AND id NOT IN ({_places(but)})"
    question = f"SELECT {alike}, {counts} FROM lock_order WHERE {those} GROUP BY {alike}"  # noqa: S608 - our own names
    return [DecidedLocks._make(row) for row in ask(session, question, (lately_ms, after_ms, *(but or NONE)))]


def confirmed_since(
    session: Session, since_ms: int, *, decided_after_ms: int, but: Collection[str]
) -> list[ConfirmedLock]:
    """The orders but these that two people confirmed since a moment; each was decided after an earlier one."""
    joined = 'lock_order o JOIN lock_event e ON e."order" = o.id'
    those = f"o.decided_ms > ? AND o.id NOT IN ({_places(but)}) AND e.event = ? AND e.at_ms > ?"
    question = f"SELECT o.facts, o.model, o.site, e.at_ms FROM {joined} WHERE {those}"  # noqa: S608 - our own names
    found = ask(session, question, (decided_after_ms, *(but or NONE), CONFIRMED, since_ms))
    return [
        ConfirmedLock(people=tuple(read_text(facts).confirmed_by), model=model, site=site, at_ms=at_ms)
        for facts, model, site, at_ms in found
    ]


def confirmed_ms(session: Session, name: str) -> int | None:
    """When two people kept an order beyond its hours; None if they did not."""
    question = 'SELECT max(at_ms) FROM lock_event WHERE "order" = ? AND event = ?'
    at_ms: int | None = ask(session, question, (name, CONFIRMED))[0][0]
    return at_ms


def first_locks(session: Session, group: str, *, first: int, but: Collection[str]) -> list[DecidedLock]:
    """As `canary_of`, no more than the caps look at, and none of these."""
    columns = ", ".join(f'"{name}"' for name in DecidedLock._fields)
    those = f"decided_ms IS NOT NULL AND id NOT IN ({_places(but)})"
    decided = f'SELECT {columns} FROM lock_order WHERE "group" = ? AND {those}'  # noqa: S608 - our own names
    early = f"SELECT * FROM ({decided} ORDER BY decided_ms, id LIMIT ?) AS early"  # noqa: S608 - our own names
    wrong = f"{decided} AND wrong_ms IS NOT NULL"
    values = (group, *(but or NONE))
    found = ask(session, f"{early} UNION {wrong} ORDER BY decided_ms, id", (*values, first, *values))
    return [DecidedLock._make(row) for row in found]


def _places(values: Collection[object]) -> str:
    """A place for each value of a list in a statement of ours; one where there is none, for `NONE`."""
    return ", ".join("?" * max(1, len(values)))
