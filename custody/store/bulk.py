"""Many rows in one statement, the same on both engines and past SQLAlchemy, which would cost the most.

Statements go to the driver's own cursor, inside the session's transaction; what the driver raises is raised as
SQLAlchemy's own error for it, as everywhere else.

SQLite takes as many rows, and is asked for as many values, as a power of two, so that few statements are ever compiled.
Row after row would be as quick while nothing else runs, but its driver lets go of the interpreter for each of them and
has to win it back from busy threads. PostgreSQL takes a column of all rows as one array and unnests them: one text
however many rows there are. Values are what the drivers take as they are: ints, texts, bytes and None.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, SQLModel

from custody.kernel.errors import Fatal
from custody.store.brief import Brief
from custody.store.column_arrays import as_array
from custody.store.engine import is_sqlite
from custody.store.some_rows import BEGINS, beginning

MAX_VALUES = 16_384
"""How many values one statement may hold on SQLite, which takes 32,766."""

POSTGRESQL = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy gives no types to its dialects

_CURSOR: Mapping[str, dict[str, bool]] = {"sqlite": {}, "postgresql": {"binary": True}}
"""How to ask the driver for a cursor: as text PostgreSQL would write each byte in two digits."""

Row = Mapping[str, Any]


class _Outcome(NamedTuple):
    """What a statement gave, and how many rows it changed."""

    rows: list[tuple[Any, ...]]
    changed: int


def add(session: Session, table: type[SQLModel], rows: Sequence[Row]) -> None:
    """Insert rows, past the session's own memory of objects."""
    _insert(session, table, rows, "")


def put(session: Session, table: type[SQLModel], rows: Sequence[Row], *, keys: Sequence[str]) -> None:
    """Insert rows, or replace those whose `keys` stand already; of rows with equal keys the last one counts."""
    last = {tuple([row[name] for name in keys]): row for row in rows}
    changed = ", ".join([f'"{name}" = excluded."{name}"' for name in rows[0] if name not in keys]) if rows else ""
    _insert(session, table, list(last.values()), f"ON CONFLICT ({_listed(keys)}) DO UPDATE SET {changed}")


def put_if_absent(session: Session, table: type[SQLModel], rows: Sequence[Row], *, keys: Sequence[str]) -> None:
    """Insert the rows whose `keys` do not stand yet; the others stay as they are."""
    _insert(session, table, rows, f"ON CONFLICT ({_listed(keys)}) DO NOTHING")


def pick(
    session: Session,
    table: type[SQLModel],
    columns: Sequence[str],
    *,
    by: Sequence[str],
    values: Iterable[Any],
    where: str = "",
) -> Iterator[tuple[Any, ...]]:
    """The columns of the rows whose `by` columns hold one of the values: single ones, or tuples for several columns.

    `where`, in SQL of ours, says which of these rows are meant; it goes with a single `by` column.
    """
    asked = list(dict.fromkeys(values))
    shown, names = tuple(columns), tuple(by)
    if where and len(names) > 1:
        raise Fatal("pick", f"rows are picked by {', '.join(names)} and not {where!r}", fix="Give one `by` column.")
    if not asked:
        return
    write_first(session, table)
    connection = session.connection()
    if is_sqlite(connection):
        most = MAX_VALUES // len(names)
        for first in range(0, len(asked), most):
            part = asked[first : first + most]
            places = 1 << (len(part) - 1).bit_length()
            part += part[-1:] * (places - len(part))
            given = part if len(names) == 1 else [value for each in part for value in each]
            question = _question(table, shown, names, places, where)
            yield from whole(table, shown, _execute(connection, question, _brief(table, names, given)).rows)
        return
    arrays = [asked] if len(names) == 1 else [list(column) for column in zip(*asked, strict=True)]
    given = [_array(table, name, array) for name, array in zip(names, arrays, strict=True)]
    question = _array_question(table, shown, names, where)
    yield from whole(table, shown, _execute(connection, question, tuple(given * _times_asked(table, names))).rows)


def write_first(session: Session, *tables: type[SQLModel]) -> None:
    """Write what this unit has changed of these tables, for a question past the session that must see it.

    What it has changed of others waits, to be written with the rest of its kind at once.
    """
    if any(isinstance(row, tables) for rows in (session.new, session.dirty, session.deleted) for row in rows):
        session.flush()


def ask(session: Session, question: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """The rows that answer a question of ours, written with `?` for each value."""
    return _run(session, question, values).rows


def change(session: Session, statement: str, values: Sequence[Any]) -> int:
    """How many rows a statement of ours changed, written with `?` for each value."""
    return _run(session, statement, values).changed


def table_of(row: type[SQLModel]) -> Table:
    """The table of a row class."""
    table: Table = row.__table__  # type: ignore[attr-defined]  # SQLModel adds it to table classes
    return table


def _insert(session: Session, table: type[SQLModel], rows: Sequence[Row], on_conflict: str) -> None:
    if not rows:
        return
    names = tuple(rows[0])
    connection = session.connection()
    if is_sqlite(connection):
        for part in _powers_of_two(rows, most=MAX_VALUES // len(names)):
            values = [row[name] for row in part for name in names]
            _execute(connection, _insertion(table, names, len(part), on_conflict), _brief(table, names, values))
    else:
        columns = [_array(table, name, [row[name] for row in rows]) for name in names]
        _execute(connection, _array_insertion(table, names, on_conflict), tuple(columns))


def _run(session: Session, statement: str, values: Sequence[Any]) -> _Outcome:
    connection = session.connection()
    written = statement if is_sqlite(connection) else statement.replace("?", "%s")
    return _execute(connection, written, tuple(values))


def _execute(connection: Connection, statement: str, values: tuple[Any, ...]) -> _Outcome:
    cursor = connection.connection.cursor(**_CURSOR[connection.dialect.name])
    try:
        cursor.execute(statement, values)
        return _Outcome(rows=list(cursor.fetchall() if cursor.description else []), changed=cursor.rowcount)
    except connection.dialect.loaded_dbapi.Error as error:
        base = connection.dialect.loaded_dbapi.Error
        raise DBAPIError.instance(statement, values, error, base, dialect=connection.dialect) from error
    finally:
        cursor.close()


def _array(table: type[SQLModel], name: str, values: list[Any]) -> Any:
    """A column as PostgreSQL takes it."""
    return as_array(_kind(table, name), _brief(table, (name,), values))


def _brief(table: type[SQLModel], names: tuple[str, ...], values: list[Any]) -> tuple[Any, ...]:
    """Values, row by row, as rows hold them."""
    for at, column in _briefs(table, names):
        values[at :: len(names)] = map(column.to_row, values[at :: len(names)])
    return tuple(values)


def whole(table: type[SQLModel], names: Sequence[str], rows: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    """Rows of these columns as their values were."""
    briefs = _briefs(table, tuple(names))
    if not briefs:
        yield from rows
        return
    for row in rows:
        values = list(row)
        for at, column in briefs:
            values[at] = column.from_row(values[at])
        yield tuple(values)


@lru_cache(maxsize=256)
def _briefs(table: type[SQLModel], names: tuple[str, ...]) -> tuple[tuple[int, Brief], ...]:
    kinds = [table_of(table).columns[name].type for name in names]
    return tuple([(at, kind) for at, kind in enumerate(kinds) if isinstance(kind, Brief)])


def _powers_of_two(rows: Sequence[Row], *, most: int) -> Iterator[Sequence[Row]]:
    """The rows in their order, in parts whose lengths are powers of two."""
    first = 0
    while left := len(rows) - first:
        length = 1 << (min(left, most).bit_length() - 1)
        yield rows[first : first + length]
        first += length


@lru_cache(maxsize=256)
def _insertion(table: type[SQLModel], names: tuple[str, ...], rows: int, on_conflict: str) -> str:
    values = ", ".join([f"({', '.join('?' * len(names))})"] * rows)
    return f'INSERT INTO "{table_of(table).name}" ({_listed(names)}) VALUES {values} {on_conflict}'


@lru_cache(maxsize=256)
def _array_insertion(table: type[SQLModel], names: tuple[str, ...], on_conflict: str) -> str:
    return (
        f'INSERT INTO "{table_of(table).name}" ({_listed(names)}) SELECT * FROM {_unnested(table, names)} {on_conflict}'
    )


@lru_cache(maxsize=256)
def _question(table: type[SQLModel], columns: tuple[str, ...], by: tuple[str, ...], places: int, where: str) -> str:
    if len(by) == 1:
        return _where(table, columns, f'"{by[0]}" IN ({", ".join("?" * places)})', where)
    one = f"({', '.join('?' * len(by))})"
    values = f"(VALUES {', '.join([one] * places)})"
    asked = f"WITH asked ({_listed(by)}) AS (SELECT DISTINCT * FROM {values})"
    same = " AND ".join([f'held."{name}" = asked."{name}"' for name in by])
    shown = ", ".join([f'held."{name}"' for name in columns])
    # Left to itself SQLite reads the whole table for (a, b) IN (...); a cross join is carried out as it is written.
    return f'{asked} SELECT {shown} FROM asked CROSS JOIN "{table_of(table).name}" AS held ON {same}'


@lru_cache(maxsize=256)
def _array_question(table: type[SQLModel], columns: tuple[str, ...], by: tuple[str, ...], where: str) -> str:
    if len(by) == 1:
        same = f'"{by[0]}" = ANY ({_arrays(table, by)})'
        length = _begins(table, by)
        if length is None:
            return _where(table, columns, same, where)
        beginnings = f"SELECT {beginning('asked', length)} FROM {_unnested(table, by)} AS asked"
        return _where(table, columns, f"{beginning(by[0], length)} = ANY (ARRAY({beginnings}))", same, where)
    asked = f"(SELECT DISTINCT * FROM {_unnested(table, by)}) AS asked ({_listed(by)})"
    same = " AND ".join([f'"{name}" = asked."{name}"' for name in by])
    # OFFSET 0 keeps the planner from turning a few look-ups into one reading of the whole table.
    held = f"({_where(table, columns, same)} OFFSET 0) AS held"
    return f"SELECT held.* FROM {asked} CROSS JOIN LATERAL {held}"


def _begins(table: type[SQLModel], by: tuple[str, ...]) -> int | None:
    """By how many of its first bytes the one column is found on PostgreSQL, if it is found by them."""
    begins: int | None = table_of(table).columns[by[0]].info.get(BEGINS) if len(by) == 1 else None
    return begins


def _times_asked(table: type[SQLModel], by: tuple[str, ...]) -> int:
    """How often a question names the array of a column."""
    return 1 if _begins(table, by) is None else 2


def _where(table: type[SQLModel], columns: Iterable[str], *conditions: str) -> str:
    return f'SELECT {_listed(columns)} FROM "{table_of(table).name}" WHERE {" AND ".join(filter(None, conditions))}'


def _unnested(table: type[SQLModel], names: Iterable[str]) -> str:
    return f"unnest({_arrays(table, names)})"


def _arrays(table: type[SQLModel], names: Iterable[str]) -> str:
    return ", ".join([f"%s::{_kind(table, name)}[]" for name in names])


@lru_cache(maxsize=256)
def _kind(table: type[SQLModel], name: str) -> str:
    """Of which type a column is on PostgreSQL."""
    return table_of(table).columns[name].type.compile(POSTGRESQL)


def _listed(names: Iterable[str]) -> str:
    return ", ".join([f'"{name}"' for name in names])
