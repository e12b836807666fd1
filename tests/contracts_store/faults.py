"""Faults in the database, in pairs: one that was not applied, and one that was and whose answer is lost."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError


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

    def fail(*_given: Any) -> None:
        seen[0] += 1
        if seen[0] == place + 1:
            raise OperationalError("the statement", {}, sqlite3.OperationalError("disk I/O error"))

    event.listen(engine, "before_cursor_execute", fail)
    try:
        yield lambda: seen[0] > place
    finally:
        event.remove(engine, "before_cursor_execute", fail)


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
