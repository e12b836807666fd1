"""Tables of the other lock systems, and the questions asked of them.

- `backend_reference`: by which name a back-end knows a handset, and who says so; one row per device and back-end.
- `backend_part`: one back-end's part in a lock order (or in a retirement): what is wished there, under which version,
  what came of the last call, and what the back-end has confirmed. Written in the unit that decides, carried out by
  `usecases.carry_parts`, so that no network call ever happens inside a transaction.
- `backend_wish`: the newest wish of each handset at each back-end (`backends.book.Wish`, as JSON).
- `backend_event`: what a back-end said to us by its webhook, each event once.
- `lease`: which process carries the parts out at present.
"""

from collections.abc import Collection, Sequence

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    and_,
    bindparam,
    case,
    delete,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.orm import aliased
from sqlmodel import Field, Session, SQLModel, col

from custody.kernel.clock import HOUR_MS, Instant
from custody.kernel.errors import NotFound
from custody.store.bulk import pick
from devicelock.rules.applied import Applied

MOST_WAIT_MS = HOUR_MS
"""No part waits longer: an hour is the most that a back-end may ask for."""


class ReferenceRow(SQLModel, table=True):
    """By which name a back-end knows a device; no two devices share one.

    `given_by`: whose word it is (None: given before that was kept). `confirmed_ms`: when a second person confirmed it,
    `confirmed_by`, or None; then it is only proposed, and carries no lock.
    """

    __tablename__ = "backend_reference"
    __table_args__ = (UniqueConstraint("backend", "handset"),)
    device: str = Field(primary_key=True)
    backend: str = Field(primary_key=True)
    handset: str
    given_ms: int = Field(sa_type=BigInteger)
    given_idx: int = Field(sa_type=BigInteger)
    given_by: str | None = None
    confirmed_by: str | None = None
    confirmed_ms: int | None = Field(default=None, sa_type=BigInteger)
    confirmed_idx: int | None = Field(default=None, sa_type=BigInteger)


class PartRow(SQLModel, table=True):
    """One back-end's part in an order.

    `may_hold`: the back-end has, or may have, the lock; only a release that it has shown ends that. `tries`, `answer`,
    `trouble`, `retry_after_s` and `at_ms` tell of the last call for the present wish. `again`: the other side has given
    a sign of life and is to be told once more. `due_ms`: when it is worked on next; None: nothing is left to do.
    """

    __tablename__ = "backend_part"
    __table_args__ = (Index("ix_backend_part_backend_handset", "backend", "handset"),)
    order: str = Field(primary_key=True)
    backend: str = Field(primary_key=True)
    device: str = Field(index=True)
    handset: str
    wished: str
    version: int = Field(sa_type=BigInteger)
    screen: str | None = Field(sa_type=Text)
    not_after_ms: int = Field(sa_type=BigInteger)
    may_hold: bool
    tries: int
    answer: str | None
    trouble: str | None = Field(sa_type=Text)
    retry_after_s: int | None
    at_ms: int | None = Field(sa_type=BigInteger)
    again: bool
    applied: str | None
    seen_ms: int | None = Field(sa_type=BigInteger)
    looks: int
    due_ms: int | None = Field(sa_type=BigInteger, index=True)
    created_ms: int = Field(sa_type=BigInteger)


class WishRow(SQLModel, table=True):
    """The newest wish of a handset at a back-end."""

    __tablename__ = "backend_wish"
    backend: str = Field(primary_key=True)
    handset: str = Field(primary_key=True)
    wish: str = Field(sa_type=Text)


class EventRow(SQLModel, table=True):
    """One event of a back-end; `digest` is the SHA-256 of its bytes, so that no event counts twice."""

    __tablename__ = "backend_event"
    id: int | None = Field(
        default=None,
        sa_column=Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    )
    digest: bytes = Field(sa_type=LargeBinary, unique=True)
    backend: str
    event: str = Field(sa_type=Text)
    received_ms: int = Field(sa_type=BigInteger, index=True)
    handled_ms: int | None = Field(sa_type=BigInteger)


class LeaseRow(SQLModel, table=True):
    """A task that one process at a time does, and until when it has it."""

    __tablename__ = "lease"
    name: str = Field(primary_key=True)
    holder: str
    until_ms: int = Field(sa_type=BigInteger)


# Questions that every lock, or every release, asks are made once.
_REFERENCES = (
    select(ReferenceRow).where(col(ReferenceRow.device) == bindparam("name")).order_by(col(ReferenceRow.backend))
)
_PARTS = select(PartRow).where(col(PartRow.order) == bindparam("name")).order_by(col(PartRow.backend))


def references_of(session: Session, device: str) -> list[ReferenceRow]:
    """By which names the back-ends know a device."""
    return list(session.scalars(_REFERENCES, {"name": device}).all())


def names_of(session: Session, device: str) -> dict[str, str]:
    """The names alone, by the back-ends that know the device by them."""
    return dict(sorted(pick(session, ReferenceRow, ("backend", "handset"), by=("device",), values=[device])))


def references_proposed(session: Session, *, limit: int) -> list[ReferenceRow]:
    """Names that no second person has confirmed, the newest first."""
    query = select(ReferenceRow).where(col(ReferenceRow.confirmed_ms).is_(None))
    return list(session.scalars(query.order_by(col(ReferenceRow.given_ms).desc()).limit(limit)).all())


def device_at(session: Session, backend: str, handset: str) -> str | None:
    """The device that a back-end knows by this name."""
    named = (col(ReferenceRow.backend) == backend, col(ReferenceRow.handset) == handset)
    return session.scalar(select(col(ReferenceRow.device)).where(*named))


def unretired_after(session: Session, after: str, *, limit: int) -> list[str]:
    """The next devices, in the order of their names, that a back-end has not been asked to retire.

    What is to be retired with a device is every confirmed name, and every name that ever carried a lock of it,
    confirmed now or not; but for one that is another device's now, whose own locks it carries.
    """
    found: set[str] = set()
    for names, to_retire in ((ReferenceRow, _confirmed()), (PartRow, _carried())):
        device = col(names.device)
        query = select(device).where(device > after, *to_retire).distinct().order_by(device).limit(limit)
        found.update(session.scalars(query).all())
    return sorted(found)[:limit]


def part(session: Session, order: str, backend: str) -> PartRow:
    """One part, locked for this unit on PostgreSQL; raises `NotFound`."""
    named = (col(PartRow.order) == order, col(PartRow.backend) == backend)
    row = session.scalars(select(PartRow).where(*named).with_for_update()).one_or_none()
    if row is None:
        raise NotFound("part", f"{backend} has no part in the order {order!r}", fix="Read the order.")
    return row


def parts_of(session: Session, order: str) -> list[PartRow]:
    """Every back-end's part in an order."""
    return list(session.scalars(_PARTS, {"name": order}).all())


def has_parts(session: Session, order: str) -> bool:
    """Whether any back-end has a part in an order."""
    return any(True for _ in pick(session, PartRow, ("backend",), by=("order",), values=[order]))


def held(session: Session) -> list[PartRow]:
    """Every part whose back-end has, or may have, the lock."""
    return list(session.scalars(select(PartRow).where(col(PartRow.may_hold))).all())


def shown_locked(session: Session, orders: Sequence[str]) -> set[str]:
    """Those of these orders whose handset a back-end shows as locked."""
    rows = pick(session, PartRow, ("order", "applied"), by=("order",), values=orders)
    return {order for order, applied in rows if applied == Applied.LOCKED}


def parts_at(session: Session, backend: str, handset: str) -> list[PartRow]:
    """Every part of a handset at a back-end that is still worked on."""
    named = (col(PartRow.backend) == backend, col(PartRow.handset) == handset, col(PartRow.due_ms).is_not(None))
    return list(session.scalars(select(PartRow).where(*named).order_by(col(PartRow.version))).all())


def is_known(session: Session, backend: str, handset: str) -> bool:
    """Whether anything was ever wished of a handset at a back-end."""
    named = (col(PartRow.backend) == backend, col(PartRow.handset) == handset)
    return session.scalar(select(col(PartRow.order)).where(*named).limit(1)) is not None


def parts_due(session: Session, *, now_ms: Instant, but: Collection[str], limit: int) -> list[PartRow]:
    """Parts to work on now at all back-ends but these: releases ahead of locks, then the longest overdue.

    A clock that was put back makes no new wish wait, and no other longer than the longest wait.
    """
    due_ms = col(PartRow.due_ms)
    new = and_(col(PartRow.at_ms).is_(None), due_ms > now_ms)
    due = (or_(due_ms <= now_ms, due_ms > now_ms + MOST_WAIT_MS, new), col(PartRow.backend).not_in(sorted(but)))
    locks = case((col(PartRow.wished) == Applied.LOCKED, 1), else_=0)
    return list(session.scalars(select(PartRow).where(*due).order_by(locks, col(PartRow.due_ms)).limit(limit)).all())


def parts_unfinished(session: Session, *, limit: int) -> list[PartRow]:
    """Every part that is still worked on, the newest first."""
    query = select(PartRow).where(col(PartRow.due_ms).is_not(None)).order_by(col(PartRow.created_ms).desc())
    return list(session.scalars(query.limit(limit)).all())


def hurry(session: Session, backend: str, *, now_ms: Instant) -> None:
    """Have every part at a back-end worked on now."""
    mine = (col(PartRow.backend) == backend, col(PartRow.due_ms).is_not(None))
    session.execute(update(PartRow).where(*mine).values(due_ms=now_ms, looks=0))


def highest_version(session: Session, backend: str, handset: str) -> int:
    """The highest version ever wished of a handset at a back-end."""
    named = (col(PartRow.backend) == backend, col(PartRow.handset) == handset)
    return session.scalar(select(func.max(col(PartRow.version))).where(*named)) or 0


def events_waiting(session: Session, *, limit: int) -> list[EventRow]:
    """Events that nobody has looked at yet, in the order in which they came."""
    query = select(EventRow).where(col(EventRow.handled_ms).is_(None)).order_by(col(EventRow.id))
    return list(session.scalars(query.limit(limit)).all())


def was_heard(session: Session, digest: bytes) -> bool:
    """Whether an event came before."""
    return session.scalar(select(col(EventRow.id)).where(col(EventRow.digest) == digest)) is not None


def forget_events(session: Session, *, before_ms: Instant) -> None:
    """Drop events that are too old to be taken a second time anyhow."""
    old = (col(EventRow.received_ms) < before_ms, col(EventRow.handled_ms).is_not(None))
    session.execute(delete(EventRow).where(*old))


def take_lease(session: Session, name: str, *, holder: str, now_ms: Instant, life_ms: int) -> bool:
    """Take or renew a task for `life_ms`; whether the holder has it now.

    A lease that is further ahead than two lives was taken by a clock that has been put right since, and is over.
    """
    row = session.scalars(select(LeaseRow).where(col(LeaseRow.name) == name).with_for_update()).one_or_none()
    if row is None:
        row = LeaseRow(name=name, holder=holder, until_ms=0)
    if row.holder != holder and now_ms < row.until_ms <= now_ms + 2 * life_ms:
        return False
    row.holder, row.until_ms = holder, now_ms + life_ms
    session.add(row)
    return True


def give_lease_up(session: Session, name: str, *, holder: str) -> None:
    """Let another process have the task at once."""
    session.execute(delete(LeaseRow).where(col(LeaseRow.name) == name, col(LeaseRow.holder) == holder))


def wishes(session: Session, backend: str) -> Sequence[str]:
    """Every wish at a back-end, as JSON."""
    query = select(col(WishRow.wish)).where(col(WishRow.backend) == backend).order_by(col(WishRow.handset))
    return session.scalars(query).all()


def may_hold(session: Session, order: str) -> list[PartRow]:
    """The parts of an order whose back-ends have, or may have, the lock.

    What the unit has changed of them is seen without being written first: every new part is flushed where it is made.
    """
    if not has_parts(session, order):
        return []
    with session.no_autoflush:
        return [row for row in parts_of(session, order) if row.may_hold]


def unretired_at(session: Session, device: str) -> list[tuple[str, str]]:
    """The back-ends, and the names of a device there, at which it is neither retired nor to be (`unretired_after`)."""
    found: set[tuple[str, str]] = set()
    for names, to_retire in ((ReferenceRow, _confirmed()), (PartRow, _carried())):
        query = select(col(names.backend), col(names.handset)).where(col(names.device) == device, *to_retire)
        found.update((backend, handset) for backend, handset in session.execute(query).all())
    return sorted(found)


def _confirmed() -> tuple[ColumnElement[bool], ...]:
    return col(ReferenceRow.confirmed_ms).is_not(None), ~_is_retired(ReferenceRow)


def _carried() -> tuple[ColumnElement[bool], ...]:
    other = aliased(ReferenceRow)
    same = (col(other.backend) == col(PartRow.backend), col(other.handset) == col(PartRow.handset))
    taken = select(col(other.device)).where(*same, col(other.device) != col(PartRow.device)).exists()
    return col(PartRow.wished) != Applied.RETIRED, ~taken, ~_is_retired(PartRow)


def _is_retired(row: type[ReferenceRow | PartRow]) -> ColumnElement[bool]:
    asked = aliased(PartRow)
    same = (
        col(asked.device) == col(row.device),
        col(asked.backend) == col(row.backend),
        col(asked.handset) == col(row.handset),
    )
    return select(col(asked.order)).where(*same, col(asked.wished) == Applied.RETIRED).exists()
