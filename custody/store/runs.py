"""Keys in sorted runs, so that what comes in random order is written in few pages.

Once a B-tree is large, keys that come in random order change a page for nearly every one of them, and SQLite writes
whole pages. So the keys that come go into a small young run. A full run stays as it is; eight of one level are merged
into one of the next (the log-structured merge-tree of O'Neil and others, 1996, with tiers). Nobody waits for a whole
merge: it goes on in steps, in the units of those who add keys, and moves about as many rows as were added.

Every row stands in one run at any moment, so whoever looks into all runs finds it.

PostgreSQL writes what has changed and not its pages, and keeps the old version of every row that moves: there a table
is one run for ever, in no order, and its names have an index. Nothing there keeps a row from standing twice. Most names
stand in other rows there, of which these tables are views (`run_tables.py`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, SQLModel

from custody.store import bulk
from custody.store.engine import is_sqlite
from custody.store.run_tables import SortedRunRow
from custody.store.some_rows import A_VIEW

YOUNG = 2_048
"""So many rows, or a few more, make a run of the lowest level."""

MERGED = 8
"""So many runs of a level become one of the next."""

STEP = 128
"""After every so many rows that were added each merge moves twice as many."""

ONLY = 0
"""The one run of a table on PostgreSQL."""

FIRST = 1
"""The run of a table on SQLite that was filled at once."""


@dataclass(slots=True)
class _Run:
    """A run as `SortedRunRow` holds it."""

    run: int
    level: int
    size: int = 0
    target: int | None = None


def add(session: Session, table: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, given without their run."""
    if not rows:
        return
    if not is_sqlite(session.connection()):
        if bulk.table_of(table).info[A_VIEW]:
            bulk.add(session, table, [{"run": ONLY, **row} for row in rows])
        return
    runs = _Runs(session, table)
    young = runs.young()
    bulk.add(session, table, [{"run": young.run, **row} for row in rows])
    steps = (young.size + len(rows)) // STEP - young.size // STEP
    young.size += len(rows)
    if steps:
        runs.merge(most=2 * STEP * steps)
    runs.remember()


def found(
    session: Session, table: type[SQLModel], columns: Sequence[str], names: Iterable[Any]
) -> Iterator[tuple[Any, ...]]:
    """The columns of the rows that stand under any of the names."""
    return bulk.pick(session, table, columns, by=(_columns(table)[0],), values=names, where=in_runs(session, table))


def in_runs(session: Session, table: type[SQLModel], known_as: str | None = None) -> str:
    """In SQL: the row stands in one of the runs. Whoever looks for a name must say so, or every row is read."""
    name = bulk.table_of(table).name
    column = f"{known_as or name}.run"
    if not is_sqlite(session.get_bind()):
        return f"{column} = {ONLY}"
    return f"{column} IN (SELECT sorted_run.run FROM sorted_run WHERE sorted_run.table_name = '{name}')"  # noqa: S608 - nothing of it comes from outside


def are_whole(session: Session, table: type[SQLModel]) -> bool:
    """Whether every row stands in a run, and each run that is merged goes into one that is there."""
    name = bulk.table_of(table).name
    astray = f"SELECT 1 FROM {name} WHERE NOT ({in_runs(session, table)}) LIMIT 1"  # noqa: S608 - nothing of it comes from outside
    if bulk.ask(session, astray, ()):
        return False
    targets = dict(bulk.ask(session, "SELECT run, target FROM sorted_run WHERE table_name = ?", (name,)))
    return all(target is None or (target != run and target in targets) for run, target in targets.items())


def refill(session: Session, table: type[SQLModel], question: str) -> None:
    """Put what a question of ours gives, names and places, in the place of all rows on SQLite, as one run."""
    name, columns = bulk.table_of(table).name, ", ".join(_columns(table))
    bulk.change(session, "DELETE FROM sorted_run WHERE table_name = ?", (name,))
    bulk.change(session, f"DELETE FROM {name}", ())  # noqa: S608 - nothing of it comes from outside
    insert = f"INSERT INTO {name} (run, {columns}) SELECT DISTINCT {FIRST}, {columns} FROM ({question}) AS led"  # noqa: S608 - as above
    size = bulk.change(session, f"{insert} ORDER BY {columns}", ())
    if size:
        row = {"table_name": name, "run": FIRST, "level": _level_of(size), "size": size, "target": None}
        bulk.add(session, SortedRunRow, [row])


def _level_of(size: int) -> int:
    """The level of a run that so many rows came into at once."""
    level, least = 1, YOUNG * MERGED
    while least * MERGED <= size:
        level, least = level + 1, least * MERGED
    return level


class _Runs:
    """The runs of a table in this unit."""

    def __init__(self, session: Session, table: type[SQLModel]) -> None:
        self._session = session
        self._table = bulk.table_of(table).name
        self._columns = _columns(table)
        question = "SELECT run, level, size, target FROM sorted_run WHERE table_name = ?"
        self._before = {row[0]: row for row in bulk.ask(session, question, (self._table,))}
        self._held = {run: _Run(*row) for run, row in self._before.items()}

    def young(self) -> _Run:
        """The run that takes rows now."""
        young = (run for run in self._held.values() if run.level == 0 and run.size < YOUNG)
        return next(young, None) or self._begin(level=0)

    def merge(self, *, most: int) -> None:
        """Begin the merges that are due, and move so many rows of each."""
        for level in sorted({run.level for run in self._held.values()}):
            self._begin_merge(level)
        for target in sorted({run.target for run in self._held.values() if run.target is not None}):
            self._move(self._held[target], most)

    def remember(self) -> None:
        """Write what has changed."""
        rows = [
            {"table_name": self._table, "run": run.run, "level": run.level, "size": run.size, "target": run.target}
            for run in self._held.values()
            if self._before.get(run.run) != (run.run, run.level, run.size, run.target)
        ]
        bulk.put(self._session, SortedRunRow, rows, keys=("table_name", "run"))
        for run in self._before.keys() - self._held.keys():
            bulk.change(self._session, "DELETE FROM sorted_run WHERE table_name = ? AND run = ?", (self._table, run))

    def _begin(self, *, level: int) -> _Run:
        run = _Run(max(self._held, default=0) + 1, level)
        self._held[run.run] = run
        return run

    def _begin_merge(self, level: int) -> None:
        """Have the oldest runs of a level merged from now on, unless they are too few or others of them are."""
        targets = {run.target for run in self._held.values()}
        runs = [run for run in self._held.values() if run.level == level and run.run not in targets]
        whole = sorted((run for run in runs if level or run.size >= YOUNG), key=lambda run: run.run)
        if len(whole) >= MERGED and all(run.target is None for run in runs):
            target = self._begin(level=level + 1)
            for run in whole[:MERGED]:
                run.target = target.run

    def _move(self, target: _Run, most: int) -> None:
        """Move the first rows of the runs that are merged into this one to its end; what stands in two is one row."""
        sources = [run.run for run in self._held.values() if run.target == target.run]
        columns = ", ".join(self._columns)
        rows = " UNION ALL ".join([f"SELECT {columns} FROM {self._table} WHERE run = {run}" for run in sources])  # noqa: S608 - nothing of it comes from outside
        insert = f"INSERT OR IGNORE INTO {self._table} (run, {columns}) SELECT {target.run}, {columns} FROM ({rows})"  # noqa: S608 - as above
        moved = bulk.change(self._session, f"{insert} ORDER BY {columns} LIMIT ?", (most,))
        target.size += moved
        delete = f"DELETE FROM {self._table} WHERE run = ? AND ({columns}) <= (?, ?)"  # noqa: S608 - as above
        for last in self._last_of(target):
            for run in sources:
                bulk.change(self._session, delete, (run, *last))
        if moved < most:  # there are no more, or some stood in two runs
            for run in sources:
                if not self._last_of(self._held[run]):
                    del self._held[run]

    def _last_of(self, run: _Run) -> list[tuple[Any, ...]]:
        """The last row of a run; none if it is empty."""
        columns = ", ".join(self._columns)
        backwards = ", ".join([f"{column} DESC" for column in self._columns])
        question = f"SELECT {columns} FROM {self._table} WHERE run = ? ORDER BY {backwards} LIMIT 1"  # noqa: S608 - as above
        return bulk.ask(self._session, question, (run.run,))


def _columns(table: type[SQLModel]) -> list[str]:
    """The name and the place, by which the rows of a run are sorted."""
    return [column.name for column in bulk.table_of(table).primary_key.columns if column.name != "run"]
