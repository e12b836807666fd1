"""The outbox: what must leave the house is written in the unit that decided it, and published by the relay later."""

from collections.abc import Sequence

from sqlalchemy import delete, select, update
from sqlmodel import Session, col

from custody.kernel.clock import Instant
from custody.store.tables import OutboxRow
from custody.store.unit import Unit

URGENT = 0
NORMAL = 10


def put(unit: Unit, *, topic: str, payload: bytes, key: str, priority: int, expires_ms: Instant) -> None:
    """Queue a message. An older one under the same key that has not left yet is replaced: only the newest counts."""
    unpublished = col(OutboxRow.published_ms).is_(None)
    unit.session.execute(delete(OutboxRow).where(col(OutboxRow.key) == key, unpublished))
    unit.session.add(
        OutboxRow(
            topic=topic,
            payload=payload,
            priority=priority,
            expires_ms=expires_ms,
            created_ms=unit.now_ms,
            published_ms=None,
            key=key,
        )
    )


def pending(session: Session, *, now_ms: Instant, limit: int = 500) -> list[OutboxRow]:
    """What has not left yet and has not expired: urgent first, then oldest."""
    query = (
        select(OutboxRow)
        .where(col(OutboxRow.published_ms).is_(None), col(OutboxRow.expires_ms) > now_ms)
        .order_by(col(OutboxRow.priority), col(OutboxRow.id))
        .limit(limit)
    )
    return list(session.scalars(query).all())


def mark_published(unit: Unit, ids: Sequence[int]) -> None:
    """Remember that these were handed to the broker."""
    unit.session.execute(update(OutboxRow).where(col(OutboxRow.id).in_(list(ids))).values(published_ms=unit.now_ms))


def sweep(unit: Unit, *, older_than_ms: Instant) -> None:
    """Forget messages that left or expired before a moment; the database keeps the commands themselves."""
    unit.session.execute(delete(OutboxRow).where(col(OutboxRow.expires_ms) < older_than_ms))
