"""Bulk inserts, and INSERT ... ON CONFLICT for both engines."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel


def add(session: Session, table: type[SQLModel], rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows, past the session's own memory of objects; the statement is compiled once and run for all rows."""
    if rows:
        session.connection().execute(insert(table_of(table)), list(rows))


def put(session: Session, table: type[SQLModel], rows: Sequence[dict[str, Any]], *, keys: Sequence[str]) -> None:
    """Insert rows, or replace those whose `keys` stand already."""
    if not rows:
        return
    statement = _dialect(session).insert(table_of(table))
    changed = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    upsert = statement.on_conflict_do_update(index_elements=list(keys), set_=changed)
    session.connection().execute(upsert, list(rows))


def put_if_absent(
    session: Session, table: type[SQLModel], rows: Sequence[dict[str, Any]], *, keys: Sequence[str]
) -> None:
    """Insert the rows whose `keys` do not stand yet; the others stay as they are."""
    statement = _dialect(session).insert(table_of(table)).on_conflict_do_nothing(index_elements=list(keys))
    session.connection().execute(statement, list(rows))


def table_of(row: type[SQLModel]) -> Table:
    """The table of a row class; statements over it are cheaper than over the class."""
    table: Table = row.__table__  # type: ignore[attr-defined]  # SQLModel adds it to table classes
    return table


def _dialect(session: Session) -> Any:
    return sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
