"""What is erased of locks with the cases that they are of, and of handsets with the parcels that they came in.

- Of the lock orders of a case: what people wrote, and the openings of the records of their steps. States, people,
  times, commands and answers stay: the limits count by them, and a handset that wakes up late is freed by them. Only
  orders that nobody waits for are touched, which is what an erasure is held for.
- Of a handset: where it was seen, the openings of the records that tell of it and of its registration, and its orders
  of no case. Only of one that is retired and under no lock that is waited for; that it is retired stays, and where.
- `locks_on` and `locked_handsets` name what nothing may be erased under, for whoever holds an erasure back by it.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, delete
from sqlmodel import Session, and_, col, or_, select

from devicelock import put_off_store, store, watch_store
from devicelock.rules.applied import Applied
from devicelock.rules.order import SETTLED
from devicelock.store import DeviceRow, LockOrderRow
from devicelock.watch_store import SightingRow

WRITTEN = frozenset({"evidence", "refused"})
"""What an order holds in words that somebody wrote; a step of one may hold anything."""
KEPT_OF_STEPS = frozenset({"reason"})
"""What is asked of a step later: for which of our reasons a lock was released."""


def forget_locks(session: Session, names: Collection[str]) -> list[int]:
    """Delete what there is of these cases and of handsets, named by their IMEIs; returns the entries of its records."""
    handsets = [row for row in _devices(session, names) if _is_over(session, row)]
    mine = or_(
        col(LockOrderRow.dispute).in_(list(names)),
        and_(col(LockOrderRow.device).in_([row.device for row in handsets]), col(LockOrderRow.dispute).is_(None)),
    )
    return [*_forget_orders(session, mine), *(index for row in handsets for index in _forget_handset(session, row))]


def locked_handsets(session: Session) -> Collection[str]:
    """The IMEIs of all handsets under a lock order that somebody waits for."""
    return session.exec(select(LockOrderRow.imei).distinct().where(_is_waited_for())).all()


def locks_on(session: Session, names: Collection[str]) -> Sequence[str]:
    """Lock orders that somebody waits for on these handsets, named by their IMEIs, or of these cases."""
    these = or_(col(LockOrderRow.imei).in_(list(names)), col(LockOrderRow.dispute).in_(list(names)))
    found = session.exec(select(LockOrderRow).where(these, _is_waited_for())).all()
    return [f"lock order {order.id} is {order.state}" for order in found]


def _is_waited_for() -> ColumnElement[bool]:
    return col(LockOrderRow.state).not_in(SETTLED)


def _devices(session: Session, imeis: Collection[str]) -> Sequence[DeviceRow]:
    return session.scalars(select(DeviceRow).where(col(DeviceRow.imei).in_(list(imeis)))).all()


def _is_over(session: Session, device: DeviceRow) -> bool:
    unsettled = select(LockOrderRow.id).where(col(LockOrderRow.device) == device.device, _is_waited_for())
    return store.desired(device).state is Applied.RETIRED and session.scalars(unsettled.limit(1)).first() is None


def _forget_orders(session: Session, mine: ColumnElement[bool]) -> list[int]:
    names = session.scalars(select(LockOrderRow.id).where(mine, col(LockOrderRow.state).in_(SETTLED))).all()
    put_off_store.forget(session, names)
    indexes = []
    for row in store.orders(session, names).values():
        row.facts = _without(row.facts, WRITTEN)
        session.add(row)
        for step in store.events_of(session, row.id):
            step.facts = _only(step.facts, KEPT_OF_STEPS)
            session.add(step)
            indexes.append(step.idx)
    session.flush()
    return indexes


def _forget_handset(session: Session, device: DeviceRow) -> list[int]:
    seen = [sighting.idx for sighting in watch_store.sightings_of(session, device.device)]
    session.execute(delete(SightingRow).where(col(SightingRow.device) == device.device))
    return [device.registered_idx, *seen]


def _without(facts: str, names: Collection[str]) -> str:
    return _json({name: value for name, value in msgspec.json.decode(facts).items() if name not in names})


def _only(facts: str, names: Collection[str]) -> str:
    return _json({name: value for name, value in msgspec.json.decode(facts).items() if name in names})


def _json(value: Mapping[str, Any]) -> str:
    return msgspec.json.encode(value).decode()
