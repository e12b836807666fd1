"""One unit of work: one request or message, one transaction, committed only here.

`House.unit()` gives a writing unit; leaving the block without an error seals the log and commits, an error rolls
everything back. `House.read()` gives a snapshot that writes nothing, and `House.look()` a unit over such a snapshot.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError, InternalError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoneFree
from sqlmodel import Session

from custody.kernel.clock import Clock, Instant
from custody.kernel.errors import Fatal, Unavailable
from custody.kernel.ids import Ids
from custody.kernel.keys import Signer
from custody.ledger.record import CONTENT_TYPE, make_record
from custody.store import idempotency
from custody.store.engine import SNAPSHOT, WRITES, is_sqlite, reason
from custody.store.log_book import LogBook, NewEntry
from custody.store.turn import Turn

READ_ONLY = "25006"
"""PostgreSQL's SQLSTATE read_only_sql_transaction."""

NO_ANSWER = "database"
"""The code of what the database did not take."""

log = structlog.get_logger()


class Unit:
    """What a use case works with.

    `now_ms` is read once and holds for the whole unit; `posted` says that a message was put into the outbox.
    """

    def __init__(self, session: Session, *, house: "House", now_ms: Instant) -> None:
        self.session = session
        self.now_ms = now_ms
        self.ids = house.ids
        self.origin = house.origin
        self.log = LogBook(session, origin=house.origin, signer=house.log_signer, now_ms=now_ms)
        self.posted = False
        self._operator = house.operator_signer

    def record(self, kind: str, fields: Mapping[str, Any]) -> int:
        """Seal a record of ours in the log; returns its index. Fields must be CBOR values, without kind and time."""
        if taken := fields.keys() & {"kind", "at_ms"}:
            raise Fatal(
                "record", f"a fact took the name {min(taken)!r} of a record's own", fix="Name the fact otherwise."
            )
        statement, opening = make_record(
            {"kind": kind, "at_ms": self.now_ms, **fields},
            salt=self.ids.random_bytes(32),
            signer=self._operator,
            iss=f"urn:weaklink:operator:{self.origin}",
            sub=f"urn:weaklink:{self.ids.new('rec')}",
            iat_s=self.now_ms // 1000,
        )
        entry = NewEntry(message=statement, content_type=CONTENT_TYPE, opening=opening)
        return self.log.append([entry])[0]


class House:
    """The database with what every unit needs: clock, ids, and the keys that sign checkpoints and records.

    `after_commit` is called after every committed unit, outside it, and `after_post` after those that put a message
    into the outbox; they must not block and must not raise. `writes` is False from the first unit on that the
    database does not take, as on a full disk, until one that has sealed an entry is committed.
    """

    def __init__(
        self, engine: Engine, *, origin: str, log_signer: Signer, operator_signer: Signer, clock: Clock, ids: Ids
    ) -> None:
        self.engine = engine
        self.origin = origin
        self.log_signer = log_signer
        self.operator_signer = operator_signer
        self.clock = clock
        self.ids = ids
        self.after_commit: Callable[[], None] = _nothing
        self.after_post: Callable[[], None] = _nothing
        self.writes = True
        self._turn = Turn(engine) if is_sqlite(engine) else nullcontext()
        self._writing = engine.execution_options(**{WRITES: True})
        self._reading = engine if is_sqlite(engine) else engine.execution_options(isolation_level=SNAPSHOT)

    @contextmanager
    def unit(self) -> Iterator[Unit]:
        """A writing unit; see the module's text."""
        with (
            self._turn,
            self._noted(),
            _busy_is_unavailable(),
            Session(self._writing, expire_on_commit=False) as session,
            _read_only_is_left(session),
        ):
            unit = Unit(session, house=self, now_ms=self.clock.now_ms())
            idempotency.claim(session, now_ms=unit.now_ms)
            yield unit
            sealed = unit.log.seal()
            try:
                session.commit()
            except BaseException:
                # The database may still be inside the transaction, or have carried it out: that connection is given up.
                session.invalidate()
                raise
        self.writes = self.writes or sealed
        idempotency.committed()
        self.after_commit()
        if unit.posted:
            self.after_post()

    @contextmanager
    def _noted(self) -> Iterator[None]:
        """Note that the database did not take a unit; one that was refused for what was in it says nothing of that."""
        try:
            yield
        except Unavailable as error:
            self.writes = self.writes and error.code != NO_ANSWER
            raise

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A snapshot for reading."""
        with _busy_is_unavailable(), Session(self._reading, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def look(self) -> Iterator[Unit]:
        """A unit that is never committed and keeps nobody waiting: for asking what an act would come to."""
        with self.read() as session:
            yield Unit(session, house=self, now_ms=self.clock.now_ms())


def _nothing() -> None:
    """Nobody wants to know that a unit was committed."""


@contextmanager
def _busy_is_unavailable() -> Iterator[None]:
    try:
        yield
    except (OperationalError, NoneFree) as error:
        raise _no_answer(error) from error
    except IntegrityError as error:
        raise Unavailable(
            "raced", "somebody else wrote the same at the same moment", fix="Send the same request again."
        ) from error


@contextmanager
def _read_only_is_left(session: Session) -> Iterator[None]:
    """A server that takes no writes any more, as after a failover, is left: the next unit connects anew."""
    try:
        yield
    except InternalError as error:
        if getattr(error.orig, "sqlstate", None) != READ_ONLY:
            raise
        session.invalidate()
        raise _no_answer(error) from error


def _no_answer(error: SQLAlchemyError) -> Unavailable:
    """Callers can only wait; why they must is for whoever runs the service."""
    log.warning("the database did not answer", why=reason(error))
    return Unavailable(NO_ANSWER, "the database did not answer", fix="Send the same request again.")
