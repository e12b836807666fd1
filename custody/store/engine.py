"""Opening the database: SQLite (WAL, synchronous=FULL) or PostgreSQL through psycopg 3.

SQLite's own transaction handling is switched off, so that a writing unit can start with BEGIN IMMEDIATE and take
the write lock before it reads; a reading unit starts with a plain BEGIN and sees one snapshot.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from custody.kernel.errors import Rejected, Unavailable

WRITES = "writes"
SNAPSHOT = "REPEATABLE READ"
"""The isolation level of PostgreSQL at which a transaction sees one moment."""

KINDS = ("sqlite", "postgresql")
WATCHED = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
"""A server whose machine has gone without a word is noticed within half a minute (libpq, Parameter Key Words).

Else the system waits two hours, and with it whoever takes scans in, whether or not another server has taken its place.
What the address says of these counts."""

HOW = "Give postgresql+psycopg://USER:PASSWORD@HOST/NAME, or leave it out for SQLite in the data folder."


def open_engine(url: str) -> Engine:
    """An engine for `sqlite:///file.db` or `postgresql+psycopg://...`; no connection is made yet.

    What is said of a statement that failed does not show its values, which may be somebody's words.

    Raises `Rejected("database_url")` for anything else.
    """
    parsed = read_address(url)
    if parsed.get_backend_name() != "sqlite":
        watched = {name: value for name, value in WATCHED.items() if name not in parsed.query}
        return create_engine(
            parsed, connect_args=watched, pool_size=20, max_overflow=20, pool_pre_ping=True, hide_parameters=True
        )
    Path(str(parsed.database)).parent.mkdir(parents=True, exist_ok=True)
    waits = {"timeout": 30, "check_same_thread": False}
    engine = create_engine(parsed, connect_args=waits, hide_parameters=True)
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


@contextmanager
def opening(engine: Engine) -> Iterator[None]:
    """What keeps a database from being opened is told with its address, without the password; `Unavailable`."""
    try:
        yield
    except DBAPIError as error:
        where, why = engine.url.render_as_string(), reason(error)
        raise Unavailable(
            "database",
            f"the database {where} cannot be opened: {why}",
            fix="See that it is there, whole, and this service's to read and write; the setting is database_url.",
        ) from error


def reason(error: SQLAlchemyError) -> str:
    """What the database, or its driver, says of an error in one line, which shows no values."""
    return str(getattr(error, "orig", error)).strip().partition("\n")[0]


def is_sqlite(database: Engine | Connection) -> bool:
    """Whether the database speaks SQLite."""
    return database.dialect.name == "sqlite"


def is_one_snapshot(database: Engine | Connection) -> bool:
    """Whether all that a transaction reads there is as it was at one moment: always on SQLite, else by `SNAPSHOT`."""
    return is_sqlite(database) or database.get_execution_options().get("isolation_level") == SNAPSHOT


def read_address(url: str) -> URL:
    """The address of a database that we can use; raises `Rejected("database_url")`."""
    try:
        parsed = make_url(url)
        parsed.get_dialect()
    except (ArgumentError, ValueError) as error:
        raise Rejected("database_url", "the setting database_url is no address of a database", fix=HOW) from error
    if parsed.get_backend_name() not in KINDS or parsed.get_driver_name() not in {"pysqlite", "psycopg"}:
        raise Rejected("database_url", f"the setting database_url names {parsed.drivername}", fix=HOW)
    if parsed.get_backend_name() == "sqlite" and (not parsed.database or ":memory:" in parsed.database):
        raise Rejected(
            "database_url",
            "the setting database_url names no file, and a database in memory is gone with its process",
            fix="Name a file, such as sqlite:////var/lib/weaklink.db, or leave it out for one in the data folder.",
        )
    return parsed


def _configure_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=30000",
        "cache_size=-65536",
        "secure_delete=ON",  # what was deleted, or moved elsewhere, is overwritten
        "temp_store=MEMORY",  # what a statement for many rows would undo is not written to a file
        "wal_autocheckpoint=32000",  # 128 MiB: commits leave the copying of pages to a thread, see write_ahead.py
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
