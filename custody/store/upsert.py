"""INSERT ... ON CONFLICT for both engines."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel


def put(session: Session, table: type[SQLModel], rows: Sequence[dict[str, Any]], *, keys: Sequence[str]) -> None:
    """Insert rows, or replace those whose `keys` stand already, in one statement."""
    if not rows:
        return
    statement = _dialect(session).insert(table).values(list(rows))
    changed = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    session.connection().execute(statement.on_conflict_do_update(index_elements=list(keys), set_=changed))


def put_if_absent(
    session: Session, table: type[SQLModel], rows: Sequence[dict[str, Any]], *, keys: Sequence[str]
) -> None:
    """Insert the rows whose `keys` do not stand yet; the others stay as they are."""
    statement = _dialect(session).insert(table).values(list(rows))
    session.connection().execute(statement.on_conflict_do_nothing(index_elements=list(keys)))


def _dialect(session: Session) -> Any:
    return sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
