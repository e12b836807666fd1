"""Statements that were accepted to be registered later: waiting, or refused when their turn came.

A row is named by the SHA-256 of the whole statement, not by its digest, so that somebody who posts the same words under
a false signature takes nobody's place in the queue.
"""

import hashlib
from enum import StrEnum

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Text, delete, func, select
from sqlmodel import Field, Session, SQLModel, col

from custody.kernel.clock import Instant
from custody.kernel.cose import Sign1
from custody.store.bulk import ask, put


class RegistrationState(StrEnum):
    """What has become of it so far."""

    WAITING = "waiting"
    REFUSED = "refused"


class RegistrationRow(SQLModel, table=True):
    """A statement that was accepted to be registered later, or was refused then; gone once it is in the log."""

    __tablename__ = "registration"
    __table_args__ = (Index("ix_registration_state_received", "state", "received_ms"),)
    name: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    digest: bytes = Field(sa_type=LargeBinary, index=True)
    statement: bytes = Field(sa_type=LargeBinary)
    state: str
    code: str
    detail: str = Field(sa_type=Text)
    received_ms: int = Field(sa_type=BigInteger)


def wait(session: Session, message: Sign1, *, at_ms: Instant) -> None:
    """Have it wait for its turn; one that was refused before gets another."""
    row = {
        "name": hashlib.sha256(message.raw).digest(),
        "digest": message.digest,
        "statement": message.raw,
        "state": RegistrationState.WAITING.value,
        "code": "",
        "detail": "",
        "received_ms": at_ms,
    }
    put(session, RegistrationRow, [row], keys=("name",))


def waiting(session: Session, most: int) -> list[tuple[bytes, bytes]]:
    """The names and the statements of those whose turn is next, the oldest first; looked for after many a commit."""
    question = "SELECT name, statement FROM registration WHERE state = ? ORDER BY received_ms LIMIT ?"
    return [(name, statement) for name, statement in ask(session, question, (RegistrationState.WAITING.value, most))]


def count_waiting(session: Session) -> int:
    """How many wait."""
    query = (
        select(func.count()).select_from(RegistrationRow).where(col(RegistrationRow.state) == RegistrationState.WAITING)
    )
    return session.scalars(query).one()


def of_digest(session: Session, digest: bytes) -> RegistrationRow | None:
    """What has become of a statement that is not in the log; one that waits before one that was refused."""
    rows = session.scalars(select(RegistrationRow).where(col(RegistrationRow.digest) == digest)).all()
    return min(rows, key=lambda row: row.state != RegistrationState.WAITING, default=None)


def drop(session: Session, name: bytes) -> None:
    """It is in the log."""
    session.connection().execute(delete(RegistrationRow).where(col(RegistrationRow.name) == name))


def refuse(session: Session, name: bytes, *, code: str, detail: str) -> None:
    """It was refused."""
    row = session.get(RegistrationRow, name)
    if row is not None:
        row.state, row.code, row.detail = RegistrationState.REFUSED.value, code, detail
        session.add(row)


def forget(session: Session, *, before_ms: Instant, most: int) -> None:
    """Refusals older than that, or beyond so many newer ones, are told no more."""
    session.flush()
    question = "SELECT received_ms FROM registration WHERE state = ? ORDER BY received_ms DESC LIMIT 1 OFFSET ?"
    beyond = [at_ms + 1 for (at_ms,) in ask(session, question, (RegistrationState.REFUSED.value, most))]
    old = delete(RegistrationRow).where(
        col(RegistrationRow.state) == RegistrationState.REFUSED,
        col(RegistrationRow.received_ms) < max([before_ms, *beyond]),
    )
    session.connection().execute(old)
