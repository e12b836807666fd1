"""Faults in the database, in pairs: one that was not applied, and one that was and whose answer is lost."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event


@contextmanager
def broken_commit(engine: Engine, *, applied: bool, skip: int = 0) -> Iterator[None]:
    """A commit fails: before the database carried it out, or after, when only the answer is lost. `skip` go well."""
    commit = engine.dialect.do_commit
    driver = engine.dialect.dbapi
    assert driver is not None
    left = [skip]

    def fail(connection: Any) -> None:
        if left[0] > 0:
            left[0] -= 1
            commit(connection)
            return
        engine.dialect.do_commit = commit  # type: ignore[method-assign]  # a fault in the driver's place
        if applied:
            commit(connection)
        raise driver.OperationalError("the line to the database broke")

    engine.dialect.do_commit = fail  # type: ignore[method-assign,assignment]  # as above
    try:
        yield
    finally:
        engine.dialect.do_commit = commit  # type: ignore[method-assign]  # as above


@contextmanager
def broken_statement(engine: Engine, place: int) -> Iterator[Callable[[], bool]]:
    """The statement at that place (0 is the first) fails, once; the value lent tells whether it came to that."""
    seen = [0]
    driver = engine.dialect.loaded_dbapi

    def fail(_statement: str, _values: Any) -> None:
        seen[0] += 1
        if seen[0] == place + 1:
            raise driver.OperationalError("disk I/O error")

    with each_statement(engine, fail):
        yield lambda: seen[0] > place


@contextmanager
def each_statement(engine: Engine, heard: Callable[[str, Any], None]) -> Iterator[None]:
    """`heard` is called with every statement and its values before the driver runs it, whoever gave it to the driver.

    The driver's connections are made anew for this, so nothing may be open at its start.
    """

    def listen(dialect: Any, _record: Any, _args: Any, settings: dict[str, Any]) -> None:
        settings.update(_listening(dialect, heard))

    engine.dispose()
    event.listen(engine, "do_connect", listen)
    try:
        yield
    finally:
        event.remove(engine, "do_connect", listen)
        engine.dispose()


def _listening(dialect: Any, heard: Callable[[str, Any], None]) -> dict[str, Any]:
    """How the driver is to connect so that it tells of each statement."""
    plain = sqlite3.Cursor if dialect.name == "sqlite" else dialect.loaded_dbapi.Cursor

    class Listening(plain):  # type: ignore[misc,valid-type]  # which driver it is turns out when it connects
        def execute(self, statement: Any, values: Any = (), **more: Any) -> Any:
            heard(str(statement), values)
            return super().execute(statement, values, **more)

    class ListeningConnection(sqlite3.Connection):
        def cursor(self, *_given: Any, **_more: Any) -> Any:
            return super().cursor(Listening)

    return {"factory": ListeningConnection} if dialect.name == "sqlite" else {"cursor_factory": Listening}


@contextmanager
def full_disk(engine: Engine) -> Iterator[None]:
    """SQLite may not grow by a page while this lasts: SQLITE_FULL, as on a disk without room."""

    def limit(connection: Any, *_given: Any) -> None:
        connection.execute("PRAGMA max_page_count=1")  # less than it has: it is kept at the size it has

    def lift(connection: Any, *_given: Any) -> None:
        connection.execute(f"PRAGMA max_page_count={2**31 - 2}")

    event.listen(engine, "checkout", limit)
    try:
        yield
    finally:
        event.remove(engine, "checkout", limit)
        event.listen(engine, "checkout", lift)
