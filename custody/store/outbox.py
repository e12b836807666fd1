"""The outbox: what must leave the house is written in the unit that decided it, and published by the relay later."""

from collections.abc import Sequence

from sqlalchemy import delete, func, select, update
from sqlmodel import Session, col

from custody.kernel.clock import Instant
from custody.store.tables import OutboxRow
from custody.store.unit import Unit

URGENT = 0
NORMAL = 10


def put(
    unit: Unit, *, topic: str, payload: bytes, key: str, priority: int, expires_ms: Instant, wait_ms: int = 0
) -> None:
    """Queue a message, to leave after `wait_ms`.

    An older one under the same key that has not left yet is replaced: only the newest counts.
    """
    unit.posted = True
    unpublished = col(OutboxRow.published_ms).is_(None)
    unit.session.execute(delete(OutboxRow).where(col(OutboxRow.key) == key, unpublished))
    unit.session.add(
        OutboxRow(
            topic=topic,
            payload=payload,
            priority=priority,
            expires_ms=expires_ms,
            created_ms=unit.now_ms + wait_ms,
            published_ms=None,
            key=key,
        )
    )


def pending(session: Session, *, now_ms: Instant, limit: int = 500) -> list[OutboxRow]:
    """What has not left yet, need not wait any more and has not expired: urgent first, then oldest."""
    query = (
        select(OutboxRow)
        .where(col(OutboxRow.published_ms).is_(None), col(OutboxRow.expires_ms) > now_ms)
        .where(col(OutboxRow.created_ms) <= now_ms)
        .order_by(col(OutboxRow.priority), col(OutboxRow.id))
        .limit(limit)
    )
    return list(session.scalars(query).all())


def next_due(session: Session, *, now_ms: Instant) -> Instant | None:
    """When the next message that must wait may leave; None if none waits."""
    query = select(func.min(col(OutboxRow.created_ms))).where(col(OutboxRow.published_ms).is_(None))
    due_ms: Instant | None = session.scalar(query.where(col(OutboxRow.created_ms) > now_ms))
    return due_ms


def mark_published(unit: Unit, rows: Sequence[OutboxRow]) -> None:
    """Remember that these were handed to the broker.

    A newer message may have replaced one meanwhile, or the same bytes been put anew, and SQLite may have given that the
    same id: payload and time decide.
    """
    for row in rows:
        same = (
            col(OutboxRow.id) == row.id,
            col(OutboxRow.created_ms) == row.created_ms,
            col(OutboxRow.payload) == row.payload,
        )
        unit.session.execute(update(OutboxRow).where(*same).values(published_ms=unit.now_ms))


def sweep(unit: Unit, *, older_than_ms: Instant) -> None:
    """Forget messages that left or expired before a moment; the database keeps the commands themselves."""
    unit.session.execute(delete(OutboxRow).where(col(OutboxRow.expires_ms) < older_than_ms))
