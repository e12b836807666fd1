"""Tables of the device lock and the questions asked of them.

- `device`: one row per handset with its desired state (`rules.desired.Desired`, as JSON), the newest nonce it offered
  and what its last hello said. The row, not the broker, is the queue.
- `lock_order`, `lock_event`: an order to lock, its state, its people and its timeline.
- `command`: every command that was signed, with the device's answer.
- `standing_authority`: proposals to allow provisional locks, with the two people who put one in force.
- `switch`: the kill switch, and others like it.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Text, func, select
from sqlmodel import Field, Session, SQLModel, col

from custody.kernel.errors import NotFound
from custody.store.bulk import pick, run
from custody.store.unit import Unit
from devicelock.rules.ack import Result
from devicelock.rules.command import Op
from devicelock.rules.desired import Desired
from devicelock.rules.order import State


def _counted() -> Column[int]:
    return Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)


class DeviceRow(SQLModel, table=True):
    """A registered handset; `imei` is its canonical URN."""

    __tablename__ = "device"
    device: str = Field(primary_key=True)
    imei: str = Field(index=True)
    model: str
    cose_key: bytes = Field(sa_type=LargeBinary)
    desired: str = Field(sa_type=Text)
    nonce: bytes | None = Field(sa_type=LargeBinary)
    hello_ms: int | None = Field(sa_type=BigInteger)
    country: str | None
    network: str | None = None
    sim: str
    confirmed: bool
    left: bool
    registered_ms: int = Field(sa_type=BigInteger)
    registered_idx: int = Field(sa_type=BigInteger)


class LockOrderRow(SQLModel, table=True):
    """An order to lock one handset; `facts` holds basis, evidence, screen and reasons as JSON.

    `group` is what ordered it (`caps.group_of`), `wrong_ms` when it was found to be wrong; the caps count it by the
    `model` of the handset and the `site` of its parcel.
    """

    __tablename__ = "lock_order"
    __table_args__ = (
        Index("ix_lock_order_counted", "decided_ms", "requester", "second", "model", "site"),
        Index("ix_lock_order_asked", "created_ms", "requester"),
        Index("ix_lock_order_first", "group", "decided_ms"),
        Index("ix_lock_order_wrong", "group", "wrong_ms"),
    )
    id: str = Field(primary_key=True)
    device: str = Field(index=True)
    imei: str
    state: str = Field(index=True)
    basis: str
    reason: str
    dispute: str | None = Field(index=True)
    requester: str
    second: str | None
    decided_ms: int | None = Field(sa_type=BigInteger)
    acked_ms: int | None = Field(sa_type=BigInteger)
    release_ms: int | None = Field(sa_type=BigInteger)
    released_ms: int | None = Field(sa_type=BigInteger)
    held_until_ms: int = Field(sa_type=BigInteger)
    created_ms: int = Field(sa_type=BigInteger)
    group: str | None = None
    wrong_ms: int | None = Field(default=None, sa_type=BigInteger)
    model: str = ""
    site: str = ""
    facts: str = Field(sa_type=Text)


class DecidedLock(NamedTuple):
    """What the caps look at in one order that was decided."""

    id: str
    state: str
    requester: str
    second: str | None
    decided_ms: int | None
    acked_ms: int | None
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


class LockEventRow(SQLModel, table=True):
    """One step of an order, with the log entry that holds it."""

    __tablename__ = "lock_event"
    __table_args__ = (Index("ix_lock_event_actor", "actor", "event", "at_ms"),)
    id: int | None = Field(default=None, sa_column=_counted())
    order: str = Field(index=True)
    at_ms: int = Field(sa_type=BigInteger)
    event: str
    actor: str
    facts: str = Field(sa_type=Text)
    idx: int = Field(sa_type=BigInteger)


class CommandRow(SQLModel, table=True):
    """A signed command and the device's signed answer."""

    __tablename__ = "command"
    id: str = Field(primary_key=True)
    order: str = Field(index=True)
    device: str = Field(index=True)
    op: str
    raw: bytes = Field(sa_type=LargeBinary)
    issued_ms: int = Field(sa_type=BigInteger)
    ack: bytes | None = Field(sa_type=LargeBinary)
    acked_ms: int | None = Field(sa_type=BigInteger)
    result: str | None


class AuthorityRow(SQLModel, table=True):
    """A proposal to allow provisional locks, and who approved it."""

    __tablename__ = "standing_authority"
    id: str = Field(primary_key=True)
    rules: str = Field(sa_type=Text)
    proposer: str
    approver: str | None
    proposed_ms: int = Field(sa_type=BigInteger)
    in_force_idx: int | None = Field(sa_type=BigInteger, index=True)
    withdrawn: bool


class SwitchRow(SQLModel, table=True):
    """A switch that one person may throw."""

    __tablename__ = "switch"
    name: str = Field(primary_key=True)
    on: bool
    thrown_by: str
    at_ms: int = Field(sa_type=BigInteger)


KILL_SWITCH = "no-locks"


def device(session: Session, name: str) -> DeviceRow:
    """The device's row, locked for this unit on PostgreSQL; raises `NotFound`."""
    row = session.scalars(select(DeviceRow).where(col(DeviceRow.device) == name).with_for_update()).one_or_none()
    if row is None:
        raise NotFound("device", f"no device {name!r} is registered", fix="Register the handset first.")
    return row


def device_keys(session: Session, names: Collection[str]) -> dict[str, bytes]:
    """The enrolled keys of those devices that are registered, as they are stored."""
    return dict(pick(session, DeviceRow, ("device", "cose_key"), by=("device",), values=names))


def devices(session: Session, names: Collection[str]) -> dict[str, DeviceRow]:
    """The rows of those devices that are registered, locked for this unit on PostgreSQL, in one order for everybody."""
    query = select(DeviceRow).where(col(DeviceRow.device).in_(names)).order_by(col(DeviceRow.device))
    return {row.device: row for row in session.scalars(query.with_for_update()).all()}


def orders(session: Session, names: Collection[str]) -> dict[str, LockOrderRow]:
    """Those of these orders that there are, locked for this unit on PostgreSQL, in one order for everybody."""
    query = select(LockOrderRow).where(col(LockOrderRow.id).in_(names)).order_by(col(LockOrderRow.id))
    return {row.id: row for row in session.scalars(query.with_for_update()).all()} if names else {}


def commands(session: Session, names: Collection[str]) -> dict[str, CommandRow]:
    """Those of these commands that were signed."""
    query = select(CommandRow).where(col(CommandRow.id).in_(names))
    return {row.id: row for row in session.scalars(query).all()} if names else {}


def device_by_imei(session: Session, imei: str) -> DeviceRow | None:
    """The newest device registered under an IMEI URN."""
    query = select(DeviceRow).where(col(DeviceRow.imei) == imei).order_by(col(DeviceRow.registered_ms).desc())
    return session.scalars(query.limit(1)).first()


def desired(row: DeviceRow) -> Desired:
    """The device's desired state."""
    return msgspec.json.decode(row.desired, type=Desired)


def set_desired(session: Session, row: DeviceRow, value: Desired) -> None:
    """Store the device's desired state."""
    row.desired = msgspec.json.encode(value).decode()
    session.add(row)


def order(session: Session, name: str, *, hold: bool = True) -> LockOrderRow:
    """The order's row, held for this unit on PostgreSQL unless it is only read; raises `NotFound`."""
    query = select(LockOrderRow).where(col(LockOrderRow.id) == name)
    row = session.scalars(query.with_for_update() if hold else query).one_or_none()
    if row is None:
        raise NotFound("order", f"there is no lock order {name!r}", fix="List orders with GET /v1/locks.")
    return row


def orders_of_dispute(session: Session, dispute: str) -> list[LockOrderRow]:
    """Every lock order of a dispute, oldest first."""
    query = select(LockOrderRow).where(col(LockOrderRow.dispute) == dispute).order_by(col(LockOrderRow.created_ms))
    return list(session.scalars(query).all())


def orders_of_device(session: Session, name: str, states: Sequence[str]) -> list[LockOrderRow]:
    """The device's orders in these states."""
    query = select(LockOrderRow).where(col(LockOrderRow.device) == name, col(LockOrderRow.state).in_(list(states)))
    return list(session.scalars(query).all())


def orders_in(session: Session, states: Sequence[str], *, limit: int = 1000) -> list[LockOrderRow]:
    """Orders in these states, oldest first."""
    query = select(LockOrderRow).where(col(LockOrderRow.state).in_(list(states)))
    return list(session.scalars(query.order_by(col(LockOrderRow.created_ms)).limit(limit)).all())


def devices_in(session: Session, states: Sequence[str]) -> list[str]:
    """The names of the devices that have an order in these states."""
    query = select(col(LockOrderRow.device)).where(col(LockOrderRow.state).in_(list(states)))
    return list(session.scalars(query.distinct()).all())


def devices_unanswered(session: Session) -> list[str]:
    """The names of the devices that have not said of every command for them that they applied it, new or old."""
    unanswered = col(CommandRow.result).is_distinct_from(Result.APPLIED)
    return list(session.scalars(select(col(CommandRow.device)).where(unanswered).distinct()).all())


def count_in(session: Session, states: Sequence[str], *, but: str) -> int:
    """How many orders but this one are in these states."""
    question = f"SELECT count(*) FROM lock_order WHERE state IN ({_places(states)}) AND id <> ?"  # noqa: S608 - places only
    count: int = run(session, question, (*states, but)).scalar_one()
    return count


def orders_due(session: Session, states: Sequence[str], *, now_ms: int, limit: int) -> list[LockOrderRow]:
    """Orders in these states whose time has passed, the longest overdue first."""
    query = select(LockOrderRow).where(
        col(LockOrderRow.state).in_(list(states)), col(LockOrderRow.held_until_ms) <= now_ms
    )
    return list(session.scalars(query.order_by(col(LockOrderRow.held_until_ms)).limit(limit)).all())


def orders_silent(session: Session, *, released_before_ms: int, held_before_ms: int, limit: int) -> list[LockOrderRow]:
    """Orders whose release has waited for an answer since before one moment, and whose hold ended before another."""
    query = select(LockOrderRow).where(
        col(LockOrderRow.state) == State.RELEASE_QUEUED,
        col(LockOrderRow.release_ms) <= released_before_ms,
        col(LockOrderRow.held_until_ms) <= held_before_ms,
    )
    return list(session.scalars(query.order_by(col(LockOrderRow.release_ms)).limit(limit)).all())


def events_of(session: Session, name: str) -> list[LockEventRow]:
    """The order's timeline."""
    query = select(LockEventRow).where(col(LockEventRow.order) == name).order_by(col(LockEventRow.id))
    return list(session.scalars(query).all())


def commands_of(session: Session, name: str) -> list[CommandRow]:
    """The order's commands, oldest first."""
    query = select(CommandRow).where(col(CommandRow.order) == name).order_by(col(CommandRow.issued_ms))
    return list(session.scalars(query).all())


def note(unit: Unit, row: LockOrderRow, event: str, *, actor: str, facts: Mapping[str, Any]) -> int:
    """Write one step of an order into its timeline and the log; returns the log index."""
    idx = unit.record(
        f"lock.{event}",
        {"order": row.id, "device": row.device, "state": row.state, "actor": actor, **facts},
    )
    unit.session.add(
        LockEventRow(order=row.id, at_ms=unit.now_ms, event=event, actor=actor, facts=_json(facts), idx=idx)
    )
    return idx


def asked_since(session: Session, since_ms: int) -> dict[str, int]:
    """How many locks each account asked for since a moment, whatever became of them."""
    query = select(col(LockOrderRow.requester), func.count()).where(col(LockOrderRow.created_ms) >= since_ms)
    return dict(session.execute(query.group_by(col(LockOrderRow.requester))).all())


def devices_after(session: Session, name: str, *, limit: int) -> list[str]:
    """The names of the devices that come after this one, in order."""
    query = select(col(DeviceRow.device)).where(col(DeviceRow.device) > name).order_by(col(DeviceRow.device))
    return list(session.scalars(query.limit(limit)).all())


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


def newest_command(session: Session, name: str, op: str) -> CommandRow | None:
    """The newest command of a kind that was signed for a device."""
    mine = select(CommandRow).where(col(CommandRow.device) == name, col(CommandRow.op) == op)
    return session.scalars(mine.order_by(col(CommandRow.issued_ms).desc()).limit(1)).first()


def steps_by_since(session: Session, event: str, actor: str, since_ms: int) -> int:
    """How many steps of a kind somebody has caused since a moment, on whatever orders."""
    mine = (col(LockEventRow.event) == event, col(LockEventRow.actor) == actor, col(LockEventRow.at_ms) >= since_ms)
    return session.scalar(select(func.count()).select_from(LockEventRow).where(*mine)) or 0


def locks_decided(session: Session, after_ms: int, *, lately_ms: int, but: Collection[str]) -> list[DecidedLocks]:
    """Orders but these that were decided after a moment, and how many after a later one, as the caps count them."""
    alike = "requester, second, model, site"
    counts = "count(*), sum(CASE WHEN decided_ms > ? THEN 1 ELSE 0 END)"
    those = f"decided_ms > ? AND id NOT IN ({_places(but)})"
    question = f"SELECT {alike}, {counts} FROM lock_order WHERE {those} GROUP BY {alike}"  # noqa: S608 - our own names
    return [DecidedLocks._make(row) for row in run(session, question, (lately_ms, after_ms, *but))]


def first_locks(session: Session, group: str, *, first: int) -> list[DecidedLock]:
    """As `canary_of`, no more than the caps look at."""
    columns = ", ".join(f'"{name}"' for name in DecidedLock._fields)
    decided = f'SELECT {columns} FROM lock_order WHERE "group" = ? AND decided_ms IS NOT NULL'  # noqa: S608 - our own names
    early = run(session, f"{decided} ORDER BY decided_ms LIMIT ?", (group, first)).all()
    wrong = run(session, f"{decided} AND wrong_ms IS NOT NULL", (group,)).all()
    return list({row.id: DecidedLock._make(row) for row in (*early, *wrong)}.values())


def locks_signed_since(session: Session, order: str, since_ms: int) -> int:
    """How many LOCK commands were signed for an order since a moment."""
    question = 'SELECT count(*) FROM command WHERE "order" = ? AND op = ? AND issued_ms >= ?'
    count: int = run(session, question, (order, str(Op.LOCK), since_ms)).scalar_one()
    return count


def fleet_size(session: Session) -> int:
    """How many handsets are registered."""
    count: int = run(session, "SELECT count(*) FROM device", ()).scalar_one()
    return count


def switched_on(session: Session, name: str) -> bool:
    """Whether a switch is on."""
    row = session.get(SwitchRow, name)
    return bool(row and row.on)


def authority_in_force(session: Session) -> AuthorityRow | None:
    """The newest standing authority that two people put in force and nobody withdrew."""
    query = select(AuthorityRow).where(
        col(AuthorityRow.in_force_idx).is_not(None), col(AuthorityRow.withdrawn).is_(False)
    )
    return session.scalars(query.order_by(col(AuthorityRow.in_force_idx).desc()).limit(1)).first()


def _places(values: Collection[object]) -> str:
    """A place for each value of a list in a statement of ours."""
    return ", ".join("?" * len(values))


def _json(value: Mapping[str, Any]) -> str:
    return msgspec.json.encode(value).decode()
