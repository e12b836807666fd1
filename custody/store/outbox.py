"""The outbox: what must leave the house is written in the unit that decided it, and published by the relay later.

A message that waits is replaced by name, in whatever order the names come. Whoever marks messages or forgets them takes
several at once, and passes over those that another unit holds: it would wait for one that may wait for it.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlmodel import Session

from custody.kernel.clock import MINUTE_MS, Instant
from custody.store.bulk import add, ask, change, pick
from custody.store.engine import is_sqlite
from custody.store.tables import OutboxRow
from custody.store.unit import Unit

URGENT = 0
NORMAL = 10
MOST_WAIT_MS = MINUTE_MS
"""Nobody puts a message in that is to wait for so long; one that seems to is due, and the clock was set back."""


class OutboxName(NamedTuple):
    """What tells a message from another with the same bytes; SQLite may give an id again."""

    id: int
    created_ms: int


class Posted(NamedTuple):
    """A message that waits to leave."""

    id: int
    created_ms: int
    topic: str
    payload: bytes
    priority: int
    expires_ms: int

    @property
    def name(self) -> OutboxName:
        """Its name."""
        return OutboxName(self.id, self.created_ms)


class Waiting(NamedTuple):
    """What waits to leave: how many messages, and since when the oldest."""

    messages: int
    since_ms: Instant


def put(
    unit: Unit, *, topic: str, payload: bytes, key: str, priority: int, expires_ms: Instant, wait_ms: int = 0
) -> None:
    """Queue a message, to leave after `wait_ms`.

    An older one under the same key that has not left yet is replaced: only the newest counts.
    """
    unit.posted = True
    change(unit.session, 'DELETE FROM outbox WHERE "key" = ? AND published_ms IS NULL', (key,))
    columns = ("topic", "payload", "priority", "expires_ms", "created_ms", "key")
    values = (topic, payload, priority, expires_ms, unit.now_ms + wait_ms, key)
    add(unit.session, OutboxRow, [dict(zip(columns, values, strict=True))])


def take_back(unit: Unit, *, key: str, priority: int) -> None:
    """What waits under this key with this priority does not leave any more."""
    bounds = (key, priority)
    change(unit.session, 'DELETE FROM outbox WHERE "key" = ? AND priority = ? AND published_ms IS NULL', bounds)


def pending(
    session: Session, *, now_ms: Instant, limit: int = 500, but: Collection[OutboxName] = frozenset()
) -> list[Posted]:
    """What has not left yet, need not wait any more and has not expired: urgent first, then oldest.

    A clock that was set back makes nothing wait: what is urgent never does, and the rest no longer than a minute. The
    messages in `but` are left out, without being read again.
    """
    question = (
        "SELECT id, created_ms FROM outbox WHERE published_ms IS NULL AND expires_ms > ? "
        "AND (priority = ? OR created_ms <= ? OR created_ms > ?) ORDER BY priority, id LIMIT ?"
    )
    bounds = (now_ms, URGENT, now_ms, now_ms + MOST_WAIT_MS, limit + len(but))
    found = [OutboxName._make(row) for row in ask(session, question, bounds)]
    wanted = [name for name in found if name not in but][:limit]
    rows = pick(session, OutboxRow, Posted._fields, by=("id",), values=[name.id for name in wanted])
    posted = {row[0]: Posted(*row) for row in rows}
    return [posted[name.id] for name in wanted if name.id in posted]


def waiting(session: Session, *, now_ms: Instant) -> Waiting:
    """How many messages have not left that may, and since when the oldest of them waits."""
    which = "published_ms IS NULL AND expires_ms > ? AND created_ms <= ?"
    question = f"SELECT count(*), min(created_ms) FROM outbox WHERE {which}"  # noqa: S608 - ours
    messages, since_ms = ask(session, question, (now_ms, now_ms))[0]
    return Waiting(messages, since_ms or now_ms)


def next_due(session: Session, *, now_ms: Instant) -> Instant | None:
    """When the next message that must wait may leave; None if none waits."""
    question = "SELECT min(created_ms) FROM outbox WHERE published_ms IS NULL AND created_ms > ?"
    due_ms: Instant | None = ask(session, question, (now_ms,))[0][0]
    return due_ms


def mark_published(unit: Unit, rows: Sequence[Posted]) -> None:
    """Remember that these were handed to the broker.

    A newer message may have replaced one meanwhile, or the same bytes been put anew, and SQLite may have given that the
    same id: payload and time decide. One that is being replaced just now is passed over; should it stay after all, it
    leaves once more, which its counter makes harmless.
    """
    free = _free(unit.session, "id = ? AND created_ms = ? AND payload = ?")
    for row in rows:
        bounds = (row.id, row.created_ms, row.payload)
        change(unit.session, f"UPDATE outbox SET published_ms = ? WHERE id IN ({free})", (unit.now_ms, *bounds))  # noqa: S608 - ours


def is_any_over(session: Session, *, older_than_ms: Instant) -> bool:
    """Whether there is a message that `sweep` would forget."""
    return bool(ask(session, "SELECT 1 FROM outbox WHERE expires_ms < ? LIMIT 1", (older_than_ms,)))


def sweep(unit: Unit, *, older_than_ms: Instant) -> None:
    """Forget messages that left or expired before a moment; the database keeps the commands themselves.

    What another unit holds just now is left to the next sweep.
    """
    free = _free(unit.session, "expires_ms < ?")
    change(unit.session, f"DELETE FROM outbox WHERE id IN ({free})", (older_than_ms,))  # noqa: S608 - ours


def _free(session: Session, which: str) -> str:
    """The question for these messages, but those that another unit holds; on SQLite none can hold any."""
    question = f"SELECT id FROM outbox WHERE {which}"  # noqa: S608 - ours
    return question if is_sqlite(session.get_bind()) else f"{question} FOR UPDATE SKIP LOCKED"
