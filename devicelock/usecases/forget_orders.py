"""What is erased of lock orders with the cases that they are of: what people wrote, and the openings of their records.

States, people, times, commands and answers stay: the limits count by them, and a handset that wakes up late is freed by
them. Only orders that nobody waits for are touched, which is what an erasure is held for.
"""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec
from sqlmodel import Session, col, select

from devicelock import store
from devicelock.rules.order import SETTLED
from devicelock.store import LockOrderRow

WRITTEN = frozenset({"evidence", "refused"})
"""What an order holds in words that somebody wrote; a step of one may hold anything."""
KEPT_OF_STEPS = frozenset({"reason"})
"""What is asked of a step later: for which of our reasons a lock was released."""


def forget_orders(session: Session, disputes: Collection[str]) -> list[int]:
    """Delete what was written in the orders of these cases; returns the entries of the records of their steps."""
    mine = select(LockOrderRow.id).where(
        col(LockOrderRow.dispute).in_(list(disputes)), col(LockOrderRow.state).in_(SETTLED)
    )
    indexes = []
    for row in store.orders(session, session.scalars(mine).all()).values():
        row.facts = _without(row.facts, WRITTEN)
        session.add(row)
        for step in store.events_of(session, row.id):
            step.facts = _only(step.facts, KEPT_OF_STEPS)
            session.add(step)
            indexes.append(step.idx)
    session.flush()
    return indexes


def _without(facts: str, names: Collection[str]) -> str:
    return _json({name: value for name, value in msgspec.json.decode(facts).items() if name not in names})


def _only(facts: str, names: Collection[str]) -> str:
    return _json({name: value for name, value in msgspec.json.decode(facts).items() if name in names})


def _json(value: Mapping[str, Any]) -> str:
    return msgspec.json.encode(value).decode()
