"""Tables of the device lock and the questions asked of them.

- `device`: one row per handset with its desired state (`rules.desired.Desired`, as JSON), the newest nonce it offered
  and what its last hello said. The row, not the broker, is the queue.
- `lock_order`, `lock_event`: an order to lock, its state, its people and its timeline.
- `command`: every command that was signed, with the device's answer.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Text, bindparam, event, or_, select
from sqlmodel import AutoString, Field, Session, SQLModel, col

from custody.gs1.imei import urn_of
from custody.kernel.errors import NotFound
from custody.store.bulk import add, ask, pick, write_first
from custody.store.engine import is_sqlite
from custody.store.newest_first import newest_first
from custody.store.unit import Unit
from devicelock.order_facts import read_facts
from devicelock.rules.ack import AckResult
from devicelock.rules.command import Op
from devicelock.rules.desired import Desired
from devicelock.rules.order import LockStep


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


class KnownHandset(NamedTuple):
    """What is asked of a handset before what it says is believed: its key and what is wished of it, as stored."""

    cose_key: bytes
    desired: str


class LockOrderRow(SQLModel, table=True):
    """An order to lock one handset; `facts` holds basis, evidence, screen and reasons as JSON.

    `released_ms` is None while it is not known to be free: also where a released lock turned out to have been applied.
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


class LockEventRow(SQLModel, table=True):
    """One step of an order, with the log entry that holds it; under `RETIREMENT`, who of us retired a handset."""

    __tablename__ = "lock_event"
    __table_args__ = (Index("ix_lock_event_actor", "actor", "event", "at_ms"),)
    id: int | None = Field(default=None, sa_column=_counted())
    order: str = Field(index=True)
    at_ms: int = Field(sa_type=BigInteger)
    event: LockStep = Field(sa_type=AutoString)
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


RETIREMENT = "retirement"
"""What a RETIRE names as its order where the handset never had one."""

# Questions that every lock asks are made once: making one costs as much as asking it.
# A row that is held is read again: somebody may have changed it since this unit read it first. What the unit itself has
# changed of it is written before (autoflush), so that it is not lost. Nobody else changes it from then on, so that it
# is asked for once in a unit.
_ORDER = select(LockOrderRow).where(col(LockOrderRow.id) == bindparam("name"))
_DEVICE = select(DeviceRow).where(col(DeviceRow.device) == bindparam("name"))
_DEVICES_HELD = (
    select(DeviceRow)
    .where(col(DeviceRow.device).in_(bindparam("names", expanding=True)))
    .order_by(col(DeviceRow.device))
    .with_for_update()
    .execution_options(populate_existing=True)
)
_ORDERS_HELD = (
    select(LockOrderRow)
    .where(col(LockOrderRow.id).in_(bindparam("names", expanding=True)))
    .order_by(col(LockOrderRow.id))
    .with_for_update()
    .execution_options(populate_existing=True)
)
_COMMANDS = select(CommandRow).where(col(CommandRow.id).in_(bindparam("names", expanding=True)))
_COMMANDS_OF = select(CommandRow).where(col(CommandRow.order) == bindparam("name")).order_by(col(CommandRow.issued_ms))
_EVENTS = select(LockEventRow).where(col(LockEventRow.order) == bindparam("name")).order_by(col(LockEventRow.id))


def device(session: Session, name: str, *, hold: bool = True) -> DeviceRow:
    """The device's row, held for this unit on PostgreSQL unless it is only read; raises `NotFound`."""
    row = devices(session, [name]).get(name) if hold else session.scalars(_DEVICE, {"name": name}).one_or_none()
    if row is None:
        raise NotFound("device", f"no device {name!r} is registered", fix="Register the handset first.")
    return row


def registered(session: Session, names: Collection[str]) -> dict[str, KnownHandset]:
    """Those of these devices that are registered, not held for this unit but on SQLite, whose unit holds everything."""
    if is_sqlite(session.get_bind()):
        return {name: KnownHandset(row.cose_key, row.desired) for name, row in devices(session, names).items()}
    rows = pick(session, DeviceRow, ("device", *KnownHandset._fields), by=("device",), values=names)
    return {name: KnownHandset._make(row) for name, *row in rows}


def devices(session: Session, names: Collection[str]) -> dict[str, DeviceRow]:
    """The rows of those devices that are registered, locked for this unit on PostgreSQL, in one order for everybody."""
    held: dict[str, DeviceRow] = session.info.setdefault("devices", {})
    if asked := [name for name in names if name not in held]:
        held.update((row.device, row) for row in session.scalars(_DEVICES_HELD, {"names": asked}))
    return {name: held[name] for name in sorted(names) if name in held}


def orders(session: Session, names: Collection[str]) -> dict[str, LockOrderRow]:
    """Those of these orders that there are, locked for this unit on PostgreSQL, in one order for everybody."""
    held: dict[str, LockOrderRow] = session.info.setdefault("orders", {})
    if asked := [name for name in names if name not in held]:
        held.update((row.id, row) for row in session.scalars(_ORDERS_HELD, {"names": asked}))
    return {name: held[name] for name in sorted(names) if name in held}


@event.listens_for(Session, "after_soft_rollback")
def _let_go(session: Session, _transaction: object) -> None:
    """What was held since a savepoint is not held any more: all is asked for anew."""
    session.info.pop("devices", None)
    session.info.pop("orders", None)


def commands(session: Session, names: Collection[str]) -> dict[str, CommandRow]:
    """Those of these commands that were signed."""
    found = session.scalars(_COMMANDS, {"names": list(names)}).all() if names else []
    return {row.id: row for row in found}


def device_by_imei(session: Session, imei: str) -> DeviceRow | None:
    """The newest device registered under an IMEI URN."""
    query = select(DeviceRow).where(col(DeviceRow.imei) == imei).order_by(col(DeviceRow.registered_ms).desc())
    return session.scalars(query.limit(1)).first()


def device_named(session: Session, text: str) -> DeviceRow:
    """A handset by its name or its IMEI in any form; raises `NotFound`."""
    row = session.get(DeviceRow, text) or device_by_imei(session, urn_of(text))
    if row is None:
        raise NotFound("device", f"no handset {text!r} is registered", fix="Check the IMEI on the box.")
    return row


def desired(row: DeviceRow) -> Desired:
    """The device's desired state."""
    return msgspec.json.decode(row.desired, type=Desired)


def desired_of(session: Session, names: Collection[str]) -> dict[str, Desired]:
    """The desired states of these devices, not held for this unit."""
    held: dict[str, DeviceRow] = session.info.get("devices", {})
    rows = [(name, held[name].desired) for name in names if name in held]
    rows += pick(session, DeviceRow, ("device", "desired"), by=("device",), values=[*{*names} - held.keys()])
    return {name: msgspec.json.decode(wished, type=Desired) for name, wished in rows}


def set_desired(session: Session, row: DeviceRow, value: Desired) -> None:
    """Store the device's desired state."""
    row.desired = msgspec.json.encode(value).decode()
    session.add(row)


def order(session: Session, name: str, *, hold: bool = True) -> LockOrderRow:
    """The order's row, held for this unit on PostgreSQL unless it is only read; raises `NotFound`."""
    row = orders(session, [name]).get(name) if hold else session.scalars(_ORDER, {"name": name}).one_or_none()
    if row is None:
        raise NotFound("order", f"there is no lock order {name!r}", fix="List orders with GET /v1/locks.")
    return row


def imei_of_order(session: Session, name: str) -> str | None:
    """The handset that an order is about; None if there is no such order."""
    write_first(session, LockOrderRow)
    found = ask(session, "SELECT imei FROM lock_order WHERE id = ?", (name,))
    return found[0][0] if found else None


def find_order(session: Session, name: str) -> LockOrderRow | None:
    """The order's row, only to be read; None if there is none."""
    return session.get(LockOrderRow, name)


def put_order(session: Session, row: LockOrderRow) -> None:
    """Store a new order, which is this unit's own: it holds it, and the caps count it, before it is written."""
    session.add(row)
    session.info.setdefault("orders", {})[row.id] = row


def write_new_orders(session: Session) -> None:
    """Write the orders that this unit has made, for a question past the session that must see which there are."""
    if any(isinstance(row, LockOrderRow) for row in session.new):
        session.flush()


def orders_held(session: Session) -> dict[str, LockOrderRow]:
    """The orders that this unit holds."""
    held: dict[str, LockOrderRow] = session.info.get("orders", {})
    return held


def locked_ms(row: LockOrderRow) -> int | None:
    """Since when the order's handset was locked, by its own word or else by that of who read its screen."""
    return row.acked_ms if row.acked_ms is not None else read_facts(row).read_ms


def facts_of_step(row: LockEventRow) -> dict[str, Any]:
    """The facts of a step in an order's timeline."""
    facts: dict[str, Any] = msgspec.json.decode(row.facts)
    return facts


def add_facts(row: LockOrderRow, **facts: Any) -> None:
    """Write facts (of `OrderFacts`) beside those that an order has, in place of what has the same name."""
    row.facts = _json({**msgspec.json.decode(row.facts), **facts})


def orders_of_dispute(session: Session, dispute: str) -> list[LockOrderRow]:
    """Every lock order of a dispute, oldest first."""
    query = select(LockOrderRow).where(col(LockOrderRow.dispute) == dispute).order_by(col(LockOrderRow.created_ms))
    return list(session.scalars(query).all())


def orders_of_device(session: Session, name: str, states: Sequence[str] | None = None) -> list[LockOrderRow]:
    """The device's orders, in these states if they are named."""
    query = select(LockOrderRow).where(col(LockOrderRow.device) == name)
    if states is not None:
        query = query.where(col(LockOrderRow.state).in_(list(states)))
    return list(session.scalars(query).all())


def orders_of_any(
    session: Session, *, devices: Collection[str], disputes: Collection[str] = ()
) -> Sequence[LockOrderRow]:
    """Every order of these devices, or of these disputes."""
    of_any = or_(col(LockOrderRow.device).in_(list(devices)), col(LockOrderRow.dispute).in_(list(disputes)))
    return session.scalars(select(LockOrderRow).where(of_any)).all()


def orders_in(session: Session, states: Sequence[str], *, limit: int = 1000) -> list[LockOrderRow]:
    """Orders in these states, oldest first."""
    query = select(LockOrderRow).where(col(LockOrderRow.state).in_(list(states)))
    return list(session.scalars(query.order_by(col(LockOrderRow.created_ms)).limit(limit)).all())


def orders_page(session: Session, *, states: Sequence[str], after: str | None, limit: int) -> list[LockOrderRow]:
    """Orders in these or in all states, newest first; `after` is the id that the page before ended with."""
    query = newest_first(session, LockOrderRow, when="created_ms", after=after)
    if states:
        query = query.where(col(LockOrderRow.state).in_(list(states)))
    return list(session.scalars(query.limit(limit)).all())


def desired_of_orders(session: Session, states: Collection[str]) -> list[tuple[str, Desired]]:
    """The names of the orders in these states, each with what is wished of its device, not held for this unit."""
    query = select(col(LockOrderRow.id), col(DeviceRow.desired)).join(
        DeviceRow, col(DeviceRow.device) == col(LockOrderRow.device)
    )
    rows = session.execute(query.where(col(LockOrderRow.state).in_(list(states)))).all()
    return [(order, msgspec.json.decode(wished, type=Desired)) for order, wished in rows]


def devices_in(session: Session, states: Sequence[str]) -> list[str]:
    """The names of the devices that have an order in these states."""
    query = select(col(LockOrderRow.device)).where(col(LockOrderRow.state).in_(list(states)))
    return list(session.scalars(query.distinct()).all())


def devices_unanswered(session: Session) -> list[str]:
    """The names of the devices that have not said of every command for them that they applied it, new or old."""
    unanswered = col(CommandRow.result).is_distinct_from(AckResult.APPLIED)
    return list(session.scalars(select(col(CommandRow.device)).where(unanswered).distinct()).all())


def events_of(session: Session, name: str) -> list[LockEventRow]:
    """The order's timeline."""
    return list(session.scalars(_EVENTS, {"name": name}).all())


def commands_of(session: Session, name: str) -> list[CommandRow]:
    """The order's commands, oldest first."""
    return list(session.scalars(_COMMANDS_OF, {"name": name}).all())


def locks_signed(session: Session, order: str) -> list[tuple[bytes, int]]:
    """The LOCKs that were signed for an order, and when, oldest first."""
    write_first(session, CommandRow)
    question = 'SELECT raw, issued_ms FROM command WHERE "order" = ? AND op = ? ORDER BY issued_ms'
    return [(raw, issued_ms) for raw, issued_ms in ask(session, question, (order, str(Op.LOCK)))]


def note(unit: Unit, row: LockOrderRow, event: LockStep, *, actor: str, facts: Mapping[str, Any]) -> int:
    """Write one step of an order into its timeline and the log; returns the log index."""
    idx = unit.record(
        f"lock.{event}",
        {"order": row.id, "device": row.device, "state": row.state, "actor": actor, **facts},
    )
    line = {"order": row.id, "at_ms": unit.now_ms, "event": event, "actor": actor, "facts": _json(facts), "idx": idx}
    add(unit.session, LockEventRow, [line])
    return idx


def devices_after(session: Session, name: str, *, limit: int) -> list[str]:
    """The names of the devices that come after this one, in order."""
    query = select(col(DeviceRow.device)).where(col(DeviceRow.device) > name).order_by(col(DeviceRow.device))
    return list(session.scalars(query.limit(limit)).all())


def newest_command(session: Session, name: str, op: Op) -> CommandRow | None:
    """The newest command of a kind that was signed for a device."""
    mine = select(CommandRow).where(col(CommandRow.device) == name, col(CommandRow.op) == op)
    return session.scalars(mine.order_by(col(CommandRow.issued_ms).desc()).limit(1)).first()


def steps_by_since(session: Session, event: LockStep, actors: Collection[str], since_ms: int) -> int:
    """How many steps of a kind these accounts have caused since a moment, on whatever orders."""
    places = ", ".join("?" * len(actors))
    question = f"SELECT count(*) FROM lock_event WHERE event = ? AND actor IN ({places}) AND at_ms >= ?"  # noqa: S608 - places only
    count: int = ask(session, question, (event, *actors, since_ms))[0][0]
    return count


def locks_signed_since(session: Session, order: str, since_ms: int) -> int:
    """How many LOCK commands were signed for an order since a moment."""
    question = 'SELECT count(*) FROM command WHERE "order" = ? AND op = ? AND issued_ms >= ?'
    count: int = ask(session, question, (order, str(Op.LOCK), since_ms))[0][0]
    return count


def _json(value: Mapping[str, Any]) -> str:
    return msgspec.json.encode(value).decode()
