"""Tables of what is watched beside the locks themselves, and the questions asked of them.

- `lock_clearance`: who let a paused group of locks go on.
- `lock_alert`: what people must look at.
- `device_sighting`: on what network and with whose SIM a handset was seen, each of them once.
- `issued_code`: when unlock codes were given out, for whom and by whom.
- `leaving`: whose account ends when, and what they were told last.
"""

import re
from collections.abc import Collection, Sequence

from sqlalchemy import BigInteger, Column, ColumnElement, Integer, Text, and_, bindparam, case, exists, func, select
from sqlmodel import Field, Session, SQLModel, col

from custody.kernel.errors import Rejected
from custody.store.bulk import ask, write_first
from devicelock.part_store import PartRow
from devicelock.rules.alert_kind import AlertKind
from devicelock.rules.caps import Clearance
from devicelock.rules.hello import SimClass
from devicelock.rules.order import OrderState
from devicelock.store import DeviceRow, LockOrderRow

_LEAVER = re.compile(r"([0-9]{1,18})-(dev_\w{1,40})", re.ASCII)


def _counted() -> Column[int]:
    return Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)


class ClearanceRow(SQLModel, table=True):
    """Somebody let a paused group of locks go on, having seen what was signed up to then."""

    __tablename__ = "lock_clearance"
    id: int | None = Field(default=None, sa_column=_counted())
    group: str = Field(index=True)
    person: str
    why: str = Field(sa_type=Text)
    at_ms: int = Field(sa_type=BigInteger)
    idx: int = Field(sa_type=BigInteger)


class AlertRow(SQLModel, table=True):
    """Something that people must look at; `about` names what it is about, and has one unseen alert of a kind."""

    __tablename__ = "lock_alert"
    id: str = Field(primary_key=True)
    kind: str
    about: str = Field(index=True)
    detail: str = Field(sa_type=Text)
    raised_ms: int = Field(sa_type=BigInteger)
    idx: int = Field(sa_type=BigInteger)
    seen_by: str | None
    seen_ms: int | None = Field(sa_type=BigInteger, index=True)


class SightingRow(SQLModel, table=True):
    """Where a handset was seen: country, network, whose SIM. No place is finer than that."""

    __tablename__ = "device_sighting"
    id: int | None = Field(default=None, sa_column=_counted())
    device: str = Field(index=True)
    at_ms: int = Field(sa_type=BigInteger)
    sim: str
    country: str | None
    network: str | None
    idx: int = Field(sa_type=BigInteger)


class CodeRow(SQLModel, table=True):
    """An unlock code was given out for a handset; which one is not kept, it can be computed again.

    `actor`: the member of staff who gave it, or the case from whose page it was asked for.
    """

    __tablename__ = "issued_code"
    id: int | None = Field(default=None, sa_column=_counted())
    device: str = Field(index=True)
    actor: str = Field(index=True)
    at_ms: int = Field(sa_type=BigInteger)
    idx: int = Field(sa_type=BigInteger)


class LeavingRow(SQLModel, table=True):
    """The account of a handset's customer ends; `next_ms` is when they are told next, None for never again."""

    __tablename__ = "leaving"
    device: str = Field(primary_key=True)
    ends_ms: int = Field(sa_type=BigInteger, index=True)
    next_ms: int | None = Field(sa_type=BigInteger, index=True)
    told_ms: int | None = Field(sa_type=BigInteger)
    words: str | None = Field(sa_type=Text)


# A question that many hellos ask is made once.
_SIGHTINGS = select(SightingRow).where(col(SightingRow.device) == bindparam("name")).order_by(col(SightingRow.id))


def clearances_of(session: Session, group: str) -> list[ClearanceRow]:
    """Who let a group go on, oldest first."""
    query = select(ClearanceRow).where(col(ClearanceRow.group) == group).order_by(col(ClearanceRow.id))
    return list(session.scalars(query).all())


def marks_of(session: Session, group: str) -> list[Clearance]:
    """The same, no more of it than the caps look at."""
    write_first(session, ClearanceRow)
    found = ask(session, 'SELECT person, at_ms FROM lock_clearance WHERE "group" = ? ORDER BY id', (group,))
    return [Clearance(group=group, person=person, at_ms=at_ms) for person, at_ms in found]


def waits_to_be_seen(session: Session, kind: AlertKind, about: str) -> bool:
    """Whether nobody has looked yet at an alert of a kind about something."""
    write_first(session, AlertRow)
    question = "SELECT 1 FROM lock_alert WHERE about = ? AND kind = ? AND seen_ms IS NULL LIMIT 1"
    return bool(ask(session, question, (about, kind)))


def waits_of_act(session: Session, kind: AlertKind, of: str) -> bool:
    """Whether nobody has looked yet at an alert of a kind about some account's act of a thing."""
    write_first(session, AlertRow)
    question = "SELECT about FROM lock_alert WHERE kind = ? AND seen_ms IS NULL"
    return any(about.endswith(f":{of}") for (about,) in ask(session, question, (kind,)))


def is_raised_unseen(session: Session, kind: AlertKind, *, after_ms: int, until_ms: int) -> bool:
    """Whether an alert of a kind, at which nobody has looked yet, was raised in this time."""
    waits = select(col(AlertRow.id)).where(
        col(AlertRow.kind) == kind,
        col(AlertRow.seen_ms).is_(None),
        col(AlertRow.raised_ms) <= until_ms,
        col(AlertRow.raised_ms) > after_ms,
    )
    return session.scalars(waits.limit(1)).first() is not None


def alerts(session: Session, *, seen: bool, limit: int = 100) -> list[AlertRow]:
    """Alerts that nobody has looked at yet, or those that somebody has; newest first."""
    query = select(AlertRow).where(col(AlertRow.seen_ms).is_not(None) if seen else col(AlertRow.seen_ms).is_(None))
    return list(session.scalars(query.order_by(col(AlertRow.raised_ms).desc(), col(AlertRow.id)).limit(limit)).all())


def count_unseen(session: Session) -> int:
    """How many alerts nobody has looked at yet."""
    return session.scalar(select(func.count()).select_from(AlertRow).where(col(AlertRow.seen_ms).is_(None))) or 0


def sightings_of(session: Session, name: str) -> list[SightingRow]:
    """Where a device was seen, oldest first."""
    return list(session.scalars(_SIGHTINGS, {"name": name}).all())


def is_seen_with(session: Session, name: str, sim: str, *, since_ms: int) -> bool:
    """Whether a device was seen with such a SIM since a moment."""
    write_first(session, SightingRow)
    question = "SELECT 1 FROM device_sighting WHERE device = ? AND sim = ? AND at_ms >= ? LIMIT 1"
    return bool(ask(session, question, (name, str(sim), since_ms)))


def seen_with_another_sim(session: Session) -> list[tuple[str, int]]:
    """When handsets were seen with a SIM that is not the customer's, each by its IMEI."""
    same, other = col(SightingRow.device) == col(DeviceRow.device), col(SightingRow.sim) == SimClass.OTHER
    rows = session.execute(select(col(DeviceRow.imei), col(SightingRow.at_ms)).join(SightingRow, same).where(other))
    return [(imei, at_ms) for imei, at_ms in rows]


def codes_since(session: Session, name: str, actors: Collection[str], since_ms: int) -> int:
    """How many unlock codes were given for a device since a moment to these accounts, or in this case."""
    mine = (col(CodeRow.device) == name, col(CodeRow.actor).in_(list(actors)), col(CodeRow.at_ms) >= since_ms)
    return session.scalar(select(func.count()).select_from(CodeRow).where(*mine)) or 0


def last_code_ms(session: Session, name: str, since_ms: int) -> int | None:
    """When the newest unlock code was given for a device since a moment; None if none was."""
    mine = (col(CodeRow.device) == name, col(CodeRow.at_ms) >= since_ms)
    return session.scalar(select(func.max(col(CodeRow.at_ms))).where(*mine))


def codes_by_since(session: Session, actors: Collection[str], since_ms: int) -> int:
    """How many unlock codes these accounts have given out since a moment, for whatever device."""
    mine = (col(CodeRow.actor).in_(list(actors)), col(CodeRow.at_ms) >= since_ms)
    return session.scalar(select(func.count()).select_from(CodeRow).where(*mine)) or 0


def orders_due(session: Session, states: Sequence[str], *, now_ms: int, limit: int) -> list[LockOrderRow]:
    """Orders in these states whose time has passed, the longest overdue first."""
    query = select(LockOrderRow).where(
        col(LockOrderRow.state).in_(list(states)), col(LockOrderRow.held_until_ms) <= now_ms
    )
    return list(session.scalars(query.order_by(col(LockOrderRow.held_until_ms)).limit(limit)).all())


def holds_ending(session: Session, *, before_ms: int, untold: AlertKind, limit: int) -> list[LockOrderRow]:
    """Provisional locks whose time passes before a moment, and of which no alert of this kind was raised."""
    query = select(LockOrderRow).where(
        col(LockOrderRow.state) == OrderState.ACTIVE_PROVISIONAL,
        col(LockOrderRow.held_until_ms) <= before_ms,
        ~_raised(untold),
    )
    return list(session.scalars(query.order_by(col(LockOrderRow.held_until_ms)).limit(limit)).all())


def releases_overdue(session: Session, *, before_ms: int, untold: AlertKind, limit: int) -> list[LockOrderRow]:
    """Orders whose release has waited since before a moment, and of which no alert of this kind was raised."""
    query = select(LockOrderRow).where(
        col(LockOrderRow.state) == OrderState.RELEASE_QUEUED,
        col(LockOrderRow.release_ms) <= before_ms,
        ~_raised(untold),
    )
    return list(session.scalars(query.order_by(col(LockOrderRow.release_ms)).limit(limit)).all())


def releases_answered(session: Session, *, since_ms: int, within_ms: int, now_ms: int) -> tuple[int, int]:
    """How many locks were let go since a moment and free within that time, and how many took longer or still wait."""
    took = func.coalesce(col(LockOrderRow.released_ms), now_ms) - col(LockOrderRow.release_ms)
    free = and_(col(LockOrderRow.released_ms).is_not(None), took <= within_ms)
    let_go = select(func.sum(case((free, 1), else_=0)), func.sum(case((took > within_ms, 1), else_=0)))
    in_time, late = session.execute(let_go.where(col(LockOrderRow.release_ms) >= since_ms)).one()
    return in_time or 0, late or 0


def orders_silent(session: Session, *, released_before_ms: int, held_before_ms: int, limit: int) -> list[LockOrderRow]:
    """Orders whose release has waited for an answer since before one moment, and whose hold ended before another.

    One that another lock system may hold waits for that, or for somebody's word, and not for time.
    """
    held = select(col(PartRow.order)).where(col(PartRow.order) == col(LockOrderRow.id), col(PartRow.may_hold))
    query = select(LockOrderRow).where(
        col(LockOrderRow.state) == OrderState.RELEASE_QUEUED,
        col(LockOrderRow.release_ms) <= released_before_ms,
        col(LockOrderRow.held_until_ms) <= held_before_ms,
        ~held.exists(),
    )
    return list(session.scalars(query.order_by(col(LockOrderRow.release_ms)).limit(limit)).all())


def _raised(kind: AlertKind) -> ColumnElement[bool]:
    """Whether an alert of this kind was ever raised about an order."""
    return exists().where(col(AlertRow.about) == col(LockOrderRow.id), col(AlertRow.kind) == kind)


def leavers_due(session: Session, *, now_ms: int, limit: int = 200) -> list[LeavingRow]:
    """Leavers who are to be told something now, the longest overdue first; nobody waits for who asks."""
    query = select(LeavingRow).where(col(LeavingRow.next_ms) <= now_ms).order_by(col(LeavingRow.next_ms)).limit(limit)
    return list(session.scalars(query).all())


def hold_leavers(session: Session, names: Collection[str]) -> dict[str, LeavingRow]:
    """Those of these handsets whose customer leaves, as it is now, held for this unit on PostgreSQL.

    Whoever holds them holds the handsets already.
    """
    query = select(LeavingRow).where(col(LeavingRow.device).in_(list(names))).order_by(col(LeavingRow.device))
    rows = session.scalars(query.with_for_update().execution_options(populate_existing=True)).all()
    return {row.device: row for row in rows}


def is_leaver_due(session: Session, *, now_ms: int) -> bool:
    """Whether there is one that `leavers_due` would give; nobody waits for who asks."""
    return bool(session.scalar(select(exists().where(col(LeavingRow.next_ms) <= now_ms))))


def leavers(session: Session, *, now_ms: int, limit: int, after: str | None = None) -> list[LeavingRow]:
    """Leavers who were told something and whose account has not ended yet, the latest told first.

    `after`: the `leaver_cursor` that the page before ended with; raises `Rejected("cursor")` for what is none.
    """
    told, device = col(LeavingRow.told_ms), col(LeavingRow.device)
    query = select(LeavingRow).where(col(LeavingRow.ends_ms) > now_ms, told.is_not(None))
    if after is not None:
        held = _LEAVER.fullmatch(after)
        if held is None:
            fix = "Give `next` of the page before, or no cursor."
            raise Rejected("cursor", f"no page ended with {after!r}", fix=fix)
        query = query.where((told < int(held[1])) | ((told == int(held[1])) & (device > held[2])))
    return list(session.scalars(query.order_by(told.desc(), device).limit(limit)).all())


def leaver_cursor(row: LeavingRow) -> str:
    """The place of a leaver in the list."""
    return f"{row.told_ms}-{row.device}"
