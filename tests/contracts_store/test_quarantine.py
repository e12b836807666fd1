"""What is kept aside is bounded, counted seldom, and never pushed out by more."""

from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlmodel import Session

from custody.store import quarantine
from custody.store.quarantine import Quarantine
from custody.store.tables import QuarantineRow
from custody.store.unit import House
from tests.contracts_store.faults import each_statement


def evidence(number: int) -> dict[str, Any]:
    named = {"digest": b"%032d" % number, "statement": b"s%d" % number, "opening": b"o"}
    return {**named, "why": "key_unknown", "received_ms": 1}


def held(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(QuarantineRow)) or 0


def test_evidence_that_comes_twice_in_one_group_is_kept_once(house: House) -> None:
    row = evidence(0)
    with house.unit() as unit:
        unit.quarantine.keep(unit.session, [dict(row), dict(row)])
    with house.unit() as unit:
        session = unit.session
        session.connection().execute(update(QuarantineRow).values(opening=b""))
        unit.quarantine.keep(session, [dict(row)])
    with house.read() as session:
        (kept,) = session.scalars(select(QuarantineRow)).all()
    assert (kept.statement, kept.opening) == (row["statement"], b""), "what was erased is not brought back"


def test_rows_are_counted_once_for_many_groups_while_there_is_room(house: House) -> None:
    asked: list[str] = []
    with each_statement(house.engine, lambda statement, _values: asked.append(statement)):
        for number in range(30):
            with house.unit() as unit:
                assert unit.quarantine.keep(unit.session, [evidence(number)]) == 1
    assert len([one for one in asked if "count(" in one.lower() and "quarantine" in one]) == 1


def test_a_flood_fills_what_is_left_and_no_more_and_what_stands_stays(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "MOST", 40)
    processes = (Quarantine(), Quarantine())
    for number in range(80):
        with house.unit() as unit:
            processes[number % 2].keep(unit.session, [evidence(number)])
    with house.read() as session:
        assert 40 <= held(session) <= 40 + 40 // quarantine.COUNTED_AGAIN
        first = select(QuarantineRow.digest).order_by(QuarantineRow.digest).limit(1)
        assert session.scalar(first) == evidence(0)["digest"]


def test_of_one_group_as_much_is_kept_as_there_is_room_for(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quarantine, "MOST", 5)
    kept = Quarantine()
    with house.unit() as unit:
        assert kept.keep(unit.session, [evidence(number) for number in range(9)]) == 5
        assert kept.keep(unit.session, [evidence(9)]) == 0
        assert held(unit.session) == 5
