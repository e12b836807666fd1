"""Statements for many rows mean the same on both engines, however many rows they are given."""

import re
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlmodel import Session, SQLModel

from custody.kernel.errors import Fatal
from custody.scans.view import StationHead
from custody.store import (
    case_book,
    erase_book,
    number_book,
    policy_book,
    registration_book,
    registry_book,
    runs,
    scan_book,
)
from custody.store.bulk import pick, put, put_if_absent
from custody.store.engine import is_sqlite, open_engine
from custody.store.migrate import migrate
from custody.store.number_book import LateNumberRow, Newest, NumberSpanRow
from custody.store.policy_book import every_policy
from custody.store.run_tables import DigestRow, ItemKeyRow
from custody.store.tables import (
    ParcelRow,
    ScanRow,
    StationHeadRow,
    TileRow,
    UnopenedRow,
)
from custody.store.unit import House
from simulators.fill import fill
from tests.contracts_store.faults import each_statement
from tests.world_parts import VERSIONS

MANY = 70_000
"""More rows than either engine takes values for in one statement."""

BY_STATE = "ix_dispute_state"
SCAN = {
    "received_ms": 2,
    "result": "accepted",
    "code": "S00",
    "flags": "",
}


def view(house: House, key: str) -> str:
    """What is stored under a key."""
    with house.read() as session:
        row = session.get(ParcelRow, key)
        return "" if row is None else row.view


def test_put_inserts_and_replaces(house: House) -> None:
    with house.unit() as unit:
        put(unit.session, ParcelRow, [{"key": "a", "view": "1"}, {"key": "b", "view": "1"}], keys=("key",))
    with house.unit() as unit:
        put(unit.session, ParcelRow, [{"key": "b", "view": "2"}, {"key": "c", "view": "2"}], keys=("key",))
        put(unit.session, ParcelRow, [], keys=("key",))
    assert [view(house, key) for key in "abc"] == ["1", "2", "2"]


def test_put_if_absent_leaves_what_stands(house: House) -> None:
    with house.unit() as unit:
        put(unit.session, ParcelRow, [{"key": "a", "view": "1"}], keys=("key",))
    with house.unit() as unit:
        rows = [{"key": "a", "view": "2"}, {"key": "b", "view": "2"}]
        put_if_absent(unit.session, ParcelRow, rows, keys=("key",))
    assert [view(house, key) for key in "ab"] == ["1", "2"]


def test_any_number_of_parcels_may_be_asked_for_at_once(house: House) -> None:
    keys = [f"https://id.gs1.org/00/{number:018d}" for number in range(MANY)]
    with house.unit() as unit:
        scan_book.put_parcels(unit.session, dict.fromkeys([keys[0], keys[-1]], "{}"))
    with house.read() as session:
        assert scan_book.parcels(session, keys) == {keys[0]: "{}", keys[-1]: "{}"}


def test_a_station_has_one_newest_statement(house: House) -> None:
    with house.unit() as unit:
        first, second = (Newest(StationHead(seq=seq, digest=b"%d" % seq * 32)) for seq in (1, 2))
        number_book.go_on(unit.session, {"hub": first})
        number_book.go_on(unit.session, {"hub": second, "dock": first})
    with house.read() as session:
        assert number_book.newest(session, ["hub", "dock", "nowhere"]) == {"hub": second, "dock": first}
        assert session.scalar(select(func.count()).select_from(StationHeadRow)) == 2


def test_rows_are_asked_for_by_two_columns_together(house: House) -> None:
    rows = [
        {"station": name, "seq": seq, "digest": bytes([seq]) * 32, "place": 10 * number + seq, **SCAN}
        for number, name in enumerate(("dock", "hub"))
        for seq in (1, 2, 3)
    ]
    with house.unit() as unit:
        scan_book.add_scans(unit.session, rows, [b""] * len(rows), [])
    wanted = [("dock", 1), ("hub", 3), ("hub", 9), ("nowhere", 1), ("dock", 1)]
    with house.read() as session:
        found = sorted(pick(session, ScanRow, ("station", "seq", "place"), by=("station", "seq"), values=wanted))
    assert found == [("dock", 1, 1), ("hub", 3, 13)]


def test_a_condition_that_would_be_left_out_is_refused(house: House) -> None:
    with house.read() as session, pytest.raises(Fatal):
        list(pick(session, ScanRow, ("place",), by=("station", "seq"), values=[("hub", 1)], where="seq > 1"))


def test_asking_for_nothing_finds_nothing_and_writing_nothing_is_fine(house: House) -> None:
    with house.unit() as unit:
        scan_book.add_scans(unit.session, [], [], [])
        number_book.go_on(unit.session, {})
        number_book.add_late(unit.session, [])
        assert number_book.takers_at(unit.session, [], {}) == {}
        assert scan_book.parcels(unit.session, iter(())) == {}


def test_what_a_unit_has_not_flushed_yet_is_found_too(house: House) -> None:
    with house.unit() as unit:
        unit.session.add(ParcelRow(key="new", view="{}"))
        assert scan_book.parcels(unit.session, ["new"]) == {"new": "{}"}


@pytest.mark.parametrize(
    ("table", "by", "value"),
    [
        (LateNumberRow, ("station", "seq"), ("hub", 1)),
        (UnopenedRow, ("station", "seq"), ("hub", 1)),
        (TileRow, ("level", "number"), (0, 1)),
        (ParcelRow, ("key",), "a"),
        (NumberSpanRow, ("station", "last"), ("hub", 1)),
        (ItemKeyRow, ("key",), "po:1"),
        (DigestRow, ("digest",), b"1"),
    ],
)
def test_a_question_goes_by_an_index_however_long_the_table_is(
    house: House, table: type[SQLModel], by: tuple[str, ...], value: object
) -> None:
    asked: list[tuple[str, Any]] = []
    with each_statement(house.engine, lambda *given: asked.append(given)), house.read() as session:
        if not is_sqlite(house.engine):
            session.connection().exec_driver_sql("SET LOCAL enable_seqscan = off")  # a small table is read whole
        where = runs.in_runs(session, table) if table in (ItemKeyRow, DigestRow) else ""
        list(pick(session, table, by, by=by, values=[value], where=where))
        statement, values = asked[-1]
        explain = "EXPLAIN QUERY PLAN" if is_sqlite(house.engine) else "EXPLAIN"
        plan = "\n".join(str(row) for row in session.connection().exec_driver_sql(f"{explain} {statement}", values))
    assert not re.search(rf"SCAN (held|{table.__tablename__})\b|Seq Scan", plan), plan
    assert re.search(r"SEARCH|Index", plan), plan


def test_what_is_no_scan_is_found_by_an_index_that_holds_no_scans(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    migrate(engine, *VERSIONS)
    asked: list[tuple[str, Any]] = []
    with each_statement(engine, lambda *given: asked.append(given)), Session(engine) as session:
        registry_book.replay(session)
        every_policy(session)
        for statement, values in asked[:]:
            if "FROM entry" in statement:
                plan = str(session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all())
                assert "SEARCH entry USING INDEX ix_entry_content_type" in plan
    assert any("FROM entry" in statement for statement, _ in asked)
    engine.dispose()


def test_the_newest_policy_is_found_without_reading_the_scans_after_it(house: House) -> None:
    """Each unit of scans asks for it, holding the log's head; a new PostgreSQL knows nothing of its tables yet."""
    fill(house, 0, 4_000, lambda _what, _done, _total: None)
    asked: list[tuple[str, Any]] = []
    with each_statement(house.engine, lambda *given: asked.append(given)), house.read() as session:
        policy_book.judge_edition(session)
        policy_book.newest_policy(session)
        explain = "EXPLAIN QUERY PLAN" if is_sqlite(house.engine) else "EXPLAIN"
        questions = [each for each in asked if "FROM entry" in each[0]]
        plans = [session.connection().exec_driver_sql(f"{explain} {each}", values).all() for each, values in questions]
    assert len(plans) == 2
    assert all("ix_entry_content_type" in str(plan) for plan in plans), plans


def test_the_open_cases_are_found_by_their_state_however_many_are_over(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    migrate(engine, *VERSIONS)
    asked: list[tuple[str, Any]] = []
    with each_statement(engine, lambda *given: asked.append(given)), Session(engine) as session:
        case_book.open_after(session, after="", limit=50)
        erase_book.open_cases(session)
        plans = [
            str(session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all())
            for statement, values in [each for each in asked if "FROM dispute" in each[0]]
        ]
    assert [f"SEARCH dispute USING INDEX {BY_STATE}" in plan for plan in plans] == [True, True], plans
    engine.dispose()


def test_refusals_that_are_over_and_statements_whose_turn_is_next_are_found_by_state_and_time(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    migrate(engine, *VERSIONS)
    asked: list[tuple[str, Any]] = []
    with each_statement(engine, lambda *given: asked.append(given)), Session(engine) as session:
        registration_book.forget(session, before_ms=1, most=2)
        registration_book.waiting(session, 100)
        plans = [
            str(session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all())
            for statement, values in [each for each in asked if "registration" in each[0]]
        ]
    beyond, forgotten, waiting = plans
    assert "(state=? AND received_ms<?)" in forgotten, plans
    assert "(state=?)" in beyond
    assert "(state=?)" in waiting
    assert "TEMP B-TREE" not in beyond + waiting
    engine.dispose()
