"""What counts as an answer that was overturned, and what a week is."""

from dataclasses import fields
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.disputes.overturned import (
    OFFERED,
    OVERTURNED_BY,
    REPORTED,
    Answer,
    CaseLine,
    Overturned,
    overturned,
    read_week,
    week_of,
)
from custody.kernel.errors import Rejected
from custody.store.some_rows import ANSWERED


def line(kind: str, at_ms: int, said_by: str = "system", claim_type: str | None = None) -> CaseLine:
    return CaseLine(kind=kind, at_ms=at_ms, said_by=said_by, claim_type=claim_type)


def answers(*lines: CaseLine) -> list[Answer]:
    return [each.answer for each in overturned(lines)]


def test_a_kind_that_another_one_of_us_changed_was_overturned_each_time() -> None:
    said = [
        line(REPORTED, 1, "shop-1", "damaged"),
        line(OFFERED, 2, "head-1", "defective"),
        line(OFFERED, 3, "shop-1", "damaged"),
    ]
    assert overturned(said) == (Overturned(answer=Answer.KIND, at_ms=2), Overturned(answer=Answer.KIND, at_ms=3))


def test_the_same_kind_offered_again_keeps_whose_answer_it_was() -> None:
    first, again = line(REPORTED, 1, "shop-1", "damaged"), line(OFFERED, 2, "head-1", "damaged")
    assert answers(first, again) == []
    assert answers(first, again, line(OFFERED, 3, "shop-1", "defective")) == [], "their own answer"
    assert answers(first, again, line(OFFERED, 3, "head-1", "defective")) == [Answer.KIND]


def test_the_customers_own_word_is_no_answer_of_ours() -> None:
    assert answers(line(REPORTED, 1, "customer", "damaged"), line(OFFERED, 2, "head-1", "defective")) == []
    assert answers(line(REPORTED, 1, "shop-1"), line(OFFERED, 2, "head-1", "defective")) == [], "none was agreed"


@pytest.mark.parametrize("kind", OVERTURNED_BY)
def test_each_of_these_lines_overturns_an_answer_by_itself(kind: str) -> None:
    assert overturned([line(REPORTED, 1, "customer", "defective"), line(kind, 7)]) == (
        Overturned(answer=OVERTURNED_BY[kind], at_ms=7),
    )


def test_the_index_holds_the_lines_that_are_looked_for() -> None:
    kinds = ", ".join(f"'{kind}'" for kind in (OFFERED, *OVERTURNED_BY))
    assert f"kind IN ({kinds})" == ANSWERED


def test_an_overturned_answer_names_nobody() -> None:
    assert [field.name for field in fields(Overturned)] == ["answer", "at_ms"]


@given(st.dates(min_value=date(2000, 1, 10), max_value=date(2999, 12, 20)))
def test_a_week_is_read_as_it_is_written_and_holds_its_day(day: date) -> None:
    week = week_of(day)
    assert read_week(str(week)) == week
    assert week.monday <= day <= week.sunday
    assert week.beside(-1).beside(1) == week
    assert str(week) == f"{day.isocalendar()[0]}-W{day.isocalendar()[1]:02d}"


@pytest.mark.parametrize(
    "text", ["", "2026-W54", "2026-W00", "2026W01", " 2026-W01", "2026-W01\n", "0000-W01", "0001-W01", "9999-W52"]
)
def test_what_is_no_week_is_refused(text: str) -> None:
    with pytest.raises(Rejected, match="is no week"):
        read_week(text)
