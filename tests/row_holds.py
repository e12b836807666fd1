"""Watches in which order units hold rows on PostgreSQL, whoever else is there: a deadlock takes two, and luck.

Whoever holds rows in one order for everybody waits for nobody who waits for them (`devicelock/usecases/hold_locks.py`).
A row that is written is held as one that is asked for to be held.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.engine import Engine

ORDER = ("lock_order", "device", "dispute", "leaving", "log_head")
"""Tables as they are held, one after the other; within one table by name."""
NAMES = {"lock_order": "lock_", "device": "dev_", "dispute": "case_"}
"""How the names of a table's rows begin, by which they are told from other values of a statement."""
HELD, MARKS = "rows held", "rows held at savepoints"

Row = tuple[int, str]


@contextmanager
def row_holds() -> Iterator[list[str]]:
    """Lend the list of what was held out of order while this lasts, each with what was held already."""
    broken: list[str] = []

    def asked(conn: Connection, _cursor: Any, statement: str, values: Any, _context: Any, many: bool) -> None:  # noqa: FBT001 - as it is called
        table = _held_table(statement) if conn.dialect.name == "postgresql" else None
        if table is None:
            return
        held: set[Row] = conn.info.setdefault(HELD, set())
        place = ORDER.index(table)
        new = {(place, name) for name in _names(table, values if many else [values])} - held
        if new and held and min(new) < max(held):
            broken.append(f"{table} {sorted(new)} after {sorted(held)}: {statement:.80}")
        held |= new

    def ended(conn: Connection) -> None:
        conn.info.pop(HELD, None)
        conn.info.pop(MARKS, None)

    def marked(conn: Connection, _name: str | None) -> None:
        conn.info.setdefault(MARKS, []).append(set(conn.info.get(HELD, ())))

    def kept(conn: Connection, _name: str, _context: Any) -> None:
        conn.info[MARKS].pop()

    def let_go(conn: Connection, _name: str, _context: Any) -> None:
        conn.info[HELD] = conn.info[MARKS].pop()

    listeners = {
        "before_cursor_execute": asked,
        "commit": ended,
        "rollback": ended,
        "savepoint": marked,
        "release_savepoint": kept,
        "rollback_savepoint": let_go,
    }
    for name, listener in listeners.items():
        event.listen(Engine, name, listener)
    try:
        yield broken
    finally:
        for name, listener in listeners.items():
            event.remove(Engine, name, listener)


def _held_table(statement: str) -> str | None:
    words = statement.split()
    if words[0] == "UPDATE":
        table = words[1]
    elif "FOR UPDATE" in statement and "SKIP LOCKED" not in statement:
        table = words[words.index("FROM") + 1]
    else:
        return None
    return table if table in ORDER else None


def _names(table: str, rows: Sequence[Any]) -> set[str]:
    values = [value for row in rows for value in (row.values() if isinstance(row, Mapping) else row)]
    begins = NAMES.get(table)
    if begins is None:
        return {table}
    return {value for value in values if isinstance(value, str) and value.startswith(begins)}
