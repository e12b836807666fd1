"""A week's overturned answers are read from the timelines, on both engines, from Monday to Sunday in London."""

from datetime import date

import pytest
from sqlalchemy import text

from custody.disputes.civil import day_starts_ms
from custody.disputes.opening import Report
from custody.disputes.overturned import Answer, Week
from custody.store import case_book, overturned_book
from custody.store.engine import is_sqlite
from custody.store.some_rows import ANSWERED
from custody.store.unit import House
from custody.usecases.open_dispute import open_dispute
from custody.usecases.overturned_answers import overturned_in
from tests.world_parts import Clock

MONDAY = date(2026, 10, 26)
"""The first day after the clocks went back."""


def reported(house: House, channel: str) -> str:
    with house.unit() as unit:
        report = Report(words="It is broken.", channel=channel, reported_ms=unit.now_ms, claim_type="defective")
        return open_dispute(unit, report, owner="agent-1", imei=None, parcel=None).file.case.id


def overturn(house: House, dispute: str, at_ms: int) -> None:
    """A supervisor does not decline, at one moment."""
    assert isinstance(house.clock, Clock)
    house.clock.at_ms = at_ms - 1
    with house.unit() as unit:
        assert unit.now_ms == at_ms
        case_book.note(unit, dispute, "heard_accepted", actor="supervisor-1", facts={})


def test_a_week_begins_with_the_monday_and_ends_before_the_next_one_in_london(house: House) -> None:
    dispute, starts, ends = reported(house, "shop"), day_starts_ms(MONDAY), day_starts_ms(date(2026, 11, 2))
    for at_ms in (starts - 1, starts, ends - 1, ends):
        overturn(house, dispute, at_ms)
    week = Week(monday=MONDAY)
    with house.read() as session:
        found = [overturned_in(session, each) for each in (week.beside(-1), week, week.beside(1))]
    assert [[one.at_ms for one in each] for each in found] == [[starts - 1], [starts, ends - 1], [ends]]
    assert {(one.place, one.dispute, one.answer) for each in found for one in each} == {
        ("shop", dispute, Answer.DECLINE_PROPOSED)
    }


def test_places_stand_together_and_many_cases_are_read_in_pieces(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overturned_book, "AT_ONCE", 2)
    disputes = [reported(house, channel) for channel in ("web", "shop", "phone", "shop", "web")]
    for number, dispute in enumerate(disputes):
        overturn(house, dispute, day_starts_ms(MONDAY) + number)
    with house.read() as session:
        found = overturned_in(session, Week(monday=MONDAY))
    assert [one.place for one in found] == ["phone", "shop", "shop", "web", "web"]
    assert [one.dispute for one in found[1:3]] == [disputes[1], disputes[3]]


def test_a_weeks_answers_are_found_by_an_index_of_their_own(house: House) -> None:
    if not is_sqlite(house.engine):
        pytest.skip("PostgreSQL plans by how many rows there are")
    with house.read() as session:
        asked = f"EXPLAIN QUERY PLAN SELECT dispute FROM dispute_event WHERE {ANSWERED} AND at_ms >= 1"  # noqa: S608 - ours
        plan = " ".join(str(row) for row in session.execute(text(asked)))
    assert "ix_dispute_event_answered" in plan
