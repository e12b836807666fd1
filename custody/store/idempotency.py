"""Requests that may be sent twice: the key of the request is written in the same transaction as what it did.

The door sets `CURRENT` for a request that carries an idempotency key. The first unit that commits inside it writes the
key's row, so that a crash after the commit cannot make a repeat do it again. The answer is added when it is known.
"""

from contextvars import ContextVar
from dataclasses import dataclass

from sqlmodel import Session

from custody.kernel.clock import Instant
from custody.kernel.errors import Conflict
from custody.store.tables import IdempotencyRow

DONE_WITHOUT_ANSWER = 0


@dataclass(slots=True, kw_only=True)
class RequestKey:
    """The key of the request being answered, the digest of what was asked, and whether a unit wrote it already."""

    key: str
    request_hash: bytes
    written: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAnswer:
    """What was answered to a key before."""

    status: int
    body: bytes


CURRENT: ContextVar[RequestKey | None] = ContextVar("idempotency key of the present request", default=None)


def mark(session: Session, *, now_ms: Instant) -> None:
    """Write the present request's key into this unit, once."""
    request = CURRENT.get()
    if request is None or request.written:
        return
    request.written = True
    session.add(
        IdempotencyRow(
            key=request.key, request_hash=request.request_hash, status=DONE_WITHOUT_ANSWER, body=b"", at_ms=now_ms
        )
    )


def find(session: Session, request: RequestKey) -> StoredAnswer | None:
    """The earlier answer to this key; raises `Conflict` if it was another request, or if its answer was never kept."""
    row = session.get(IdempotencyRow, request.key)
    if row is None:
        return None
    if row.request_hash != request.request_hash:
        raise Conflict("idempotency", "the key was used for another request", fix="Make a fresh key for each request.")
    if row.status == DONE_WITHOUT_ANSWER:
        raise Conflict("idempotency", "this was carried out, but its answer was lost", fix="Read what it changed.")
    return StoredAnswer(status=row.status, body=row.body)


def keep(session: Session, request: RequestKey, answer: StoredAnswer) -> None:
    """Add the answer to the key's row."""
    row = session.get(IdempotencyRow, request.key)
    if row is not None:
        row.status, row.body = answer.status, answer.body
        session.add(row)
