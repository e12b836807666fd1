"""Keys in sorted runs: whatever was added, merged or deleted, what stands under a name is found, and found once."""

from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, col, delete, select

from custody.store import runs
from custody.store.engine import is_sqlite
from custody.store.run_tables import DigestRow, ItemKeyRow, SortedRunRow
from custody.store.unit import House
from tests.contracts_store.houses import begin, open_house

YOUNG, MERGED, STEP = 6, 3, 2
NAMES = st.integers(0, 40).map("po:{}".format)


@pytest.fixture(autouse=True)
def small_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """So small runs that a few rows make many of them."""
    monkeypatch.setattr(runs, "YOUNG", YOUNG)
    monkeypatch.setattr(runs, "MERGED", MERGED)
    monkeypatch.setattr(runs, "STEP", STEP)


def add(house: House, rows: list[tuple[str, int]]) -> None:
    """Rows that one unit adds, each to both tables; on PostgreSQL one of these is a view of other rows."""
    with house.unit() as unit:
        runs.add(unit.session, ItemKeyRow, [{"key": key, "place": place} for key, place in rows])
        if is_sqlite(house.engine):
            runs.add(unit.session, DigestRow, [{"digest": key.encode(), "place": place} for key, place in rows])


def stand_in(session: Session) -> Counter[tuple[str, int]]:
    """Every row of the keys, in whatever run."""
    return Counter((row.key, row.place) for row in session.scalars(select(ItemKeyRow)).all())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(groups=st.lists(st.lists(NAMES, min_size=1, max_size=30), max_size=25))
def test_what_stands_under_a_name_is_found_once_however_runs_are_merged(house: House, groups: list[list[str]]) -> None:
    with house.unit() as unit:
        for table in (ItemKeyRow, DigestRow, SortedRunRow) if is_sqlite(house.engine) else (ItemKeyRow,):
            unit.session.execute(delete(table))
    added: list[tuple[str, int]] = []
    for group in groups:
        rows = [(key, place) for place, key in enumerate(group, len(added))]
        add(house, rows)
        added += rows
        with house.read() as session:
            names = [f"po:{number}" for number in range(41)]
            assert Counter(runs.found(session, ItemKeyRow, ("key", "place"), names)) == Counter(added)
            if is_sqlite(house.engine):
                digests = [name.encode() for name in names]
                found = runs.found(session, DigestRow, ("digest", "place"), digests)
                assert Counter(found) == Counter((key.encode(), place) for key, place in added)
            assert stand_in(session) == Counter(added)


def test_runs_stay_few_and_a_merge_keeps_up_with_what_is_added(house: House) -> None:
    for first in range(0, 3_000, 10):
        add(house, [(f"po:{place * 7919 % 3_000}", place) for place in range(first, first + 10)])
    with house.read() as session:
        held = session.scalars(select(SortedRunRow).where(col(SortedRunRow.table_name) == "item_key")).all()
        if not is_sqlite(session.connection()):
            assert held == []
            assert {row.run for row in session.scalars(select(ItemKeyRow)).all()} == {runs.ONLY}
            return
        levels = Counter(row.level for row in held)
        assert len(levels) == 5
        assert max(levels.values()) < 2 * MERGED
        told, stood = ({row.run: row.size for row in held}, Counter(session.scalars(select(ItemKeyRow.run)).all()))
        assert all(stood[row.run] == row.size for row in held if row.target is None)
        assert sum(stood.values()) == 3_000
        assert stood.keys() <= told.keys()


def test_a_unit_that_fails_moves_nothing(house: House) -> None:
    rows = [(f"po:{place}", place) for place in range(200)]
    for first in range(0, 200, 5):
        add(house, rows[first : first + 5])
        with suppress(ZeroDivisionError), house.unit() as unit:
            runs.add(unit.session, ItemKeyRow, [{"key": f"po:{place}", "place": -place} for place in range(1, 30)])
            raise ZeroDivisionError
        with house.read() as session:
            assert stand_in(session) == Counter(rows[: first + 5])


def test_a_row_that_was_added_twice_holds_up_no_merge(house: House) -> None:
    rows = [(f"po:{place}", place) for place in range(60)]
    for _ in range(2 if is_sqlite(house.engine) else 1):
        for first in range(0, 60, 6):
            add(house, rows[first : first + 6])
    rows += [(f"po:{place}", place) for place in range(60, 460)]
    for first in range(60, 460, 4):
        add(house, rows[first : first + 4])
    with house.read() as session:
        assert set(runs.found(session, ItemKeyRow, ("key", "place"), [key for key, _ in rows])) == set(rows)
        assert set(stand_in(session).values()) == {1}, "a merge keeps one of two"


def test_what_was_deleted_from_a_run_does_not_come_back_by_a_merge(house: House) -> None:
    rows = [(f"po:{place % 11}", place) for place in range(400)]
    for first in range(0, 400, 8):
        add(house, rows[first : first + 8])
        with house.unit() as unit:
            unit.session.execute(delete(ItemKeyRow).where(col(ItemKeyRow.key) == "po:4"))
    with house.read() as session:
        assert stand_in(session) == Counter(row for row in rows if row[0] != "po:4")
        assert list(runs.found(session, ItemKeyRow, ("place",), ["po:4"])) == []


def test_a_name_is_looked_for_in_the_index_of_each_run_on_sqlite(sqlite_url: str) -> None:
    house = open_house(sqlite_url)
    begin(house)
    add(house, [(f"po:{place}", place) for place in range(100)])
    with house.read() as session:
        where = runs.in_runs(session, ItemKeyRow)
        question = f"EXPLAIN QUERY PLAN SELECT place FROM item_key WHERE key IN ('po:1', 'po:2') AND {where}"  # noqa: S608 - nothing of it comes from outside
        plan = [row[-1] for row in session.connection().exec_driver_sql(question)]
    house.engine.dispose()
    assert plan[0] == "SEARCH item_key USING PRIMARY KEY (run=? AND key=?)"
