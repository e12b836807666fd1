"""Requests that may be sent twice: the key of the request is written in the same transaction as what it did.

The door sets `CURRENT` for a request that carries an idempotency key. The first unit that commits inside it has the
key's row, so that a crash after the commit cannot make a repeat do it again. The row is written before anything else:
of two requests with one key that come at one moment the second waits there, and begins only if the first one failed.
The answer is added when it is known, sealed by the door under what only the request itself says. A row is kept for a
day, then its key is free again.
"""

from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from custody.kernel.clock import DAY_MS, MINUTE_MS, Instant
from custody.kernel.errors import Conflict, Rejected
from custody.store.tables import IdempotencyRow

DONE_WITHOUT_ANSWER = 0
KEPT_MS = DAY_MS
ANSWERED_WITHIN_MS = 2 * MINUTE_MS
"""So long after the commit the answer may still be on its way; what never came by then was lost in a crash.

So was what was committed further ahead than that, before the clock was put back.
"""
ASK_AGAIN_S = 2


@dataclass(slots=True, kw_only=True)
class RequestKey:
    """The key of the request being answered and what tells it from others.

    `written` says that a unit of this request has committed it, `taken` that another request came first.
    """

    key: str
    request_hash: bytes
    written: bool = False
    taken: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """What was answered to a key before: the status, and the body as the door has sealed it."""

    status: int
    sealed: bytes


CURRENT: ContextVar[RequestKey | None] = ContextVar("idempotency key of the present request", default=None)


def claim(session: Session, *, now_ms: Instant) -> None:
    """Write the present request's key into this unit, unless one before has it; raises `Conflict` if it is taken."""
    request = CURRENT.get()
    if request is None or request.written:
        return
    session.add(
        IdempotencyRow(
            key=request.key, request_hash=request.request_hash, status=DONE_WITHOUT_ANSWER, body=b"", at_ms=now_ms
        )
    )
    try:
        session.flush()
    except IntegrityError as error:
        request.taken = True
        raise _underway() from error


def committed() -> None:
    """The unit that holds the present request's key is durable."""
    request = CURRENT.get()
    if request is not None:
        request.written = True


def find(session: Session, request: RequestKey, *, now_ms: Instant) -> KeptAnswer | None:
    """The earlier answer to this key; raises `Rejected` if it was another request, `Conflict` if there is none yet."""
    row = session.get(IdempotencyRow, request.key)
    if row is None:
        return None
    if row.request_hash != request.request_hash:
        raise Rejected("idempotency", "the key was used for another request", fix="Make a fresh key for each request.")
    if row.status == DONE_WITHOUT_ANSWER and abs(now_ms - row.at_ms) <= ANSWERED_WITHIN_MS:
        raise _underway()
    if row.status == DONE_WITHOUT_ANSWER:
        raise Conflict("idempotency", "this was carried out, but its answer was lost", fix="Read what it changed.")
    return KeptAnswer(status=row.status, sealed=row.body)


def keep(session: Session, request: RequestKey, answer: KeptAnswer) -> None:
    """Add the answer to the key's row."""
    row = session.get(IdempotencyRow, request.key)
    if row is not None:
        row.status, row.body = answer.status, answer.sealed
        session.add(row)


def outlived(session: Session, *, now_ms: Instant, limit: int) -> Sequence[str]:
    """Keys of rows that nobody needs any more."""
    old = col(IdempotencyRow.at_ms) < now_ms - KEPT_MS
    return session.scalars(select(col(IdempotencyRow.key)).where(old).limit(limit)).all()


def forget(session: Session, keys: Sequence[str]) -> None:
    """Forget these rows."""
    session.execute(delete(IdempotencyRow).where(col(IdempotencyRow.key).in_(keys)))


def _underway() -> Conflict:
    return Conflict(
        "idempotency",
        "the first request with this key is still being answered",
        fix=f"Send the same request again in {ASK_AGAIN_S} seconds.",
        retry_after_s=ASK_AGAIN_S,
    )
