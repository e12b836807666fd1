"""Legal clocks: worked dates, month ends, working days, and the change of the scheme's rule."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.disputes import civil, clocks
from custody.disputes.bank_holidays import PUBLISHED, SATURDAY, bank_holidays, by_rule
from custody.disputes.clocks import LegalClock, join_clocks
from custody.disputes.policy import DEFAULT_POLICY as POLICY
from custody.kernel.clock import from_iso
from custody.kernel.errors import NotFound, Rejected

CHANGE = date(2026, 4, 8)
days = st.dates(date(2019, 1, 1), date(2030, 12, 31))


def d(text: str) -> date:
    return date.fromisoformat(text)


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (clocks.delivery_long_stop(d("2026-03-02"), policy=POLICY), "2026-04-01"),
        (clocks.short_term_reject_last_day(d("2026-03-01"), policy=POLICY, repair_wait_days=10), "2026-04-10"),
        (clocks.short_term_reject_last_day(d("2026-03-01"), policy=POLICY), "2026-03-31"),
        (clocks.refund_after_rejection(d("2026-05-01"), policy=POLICY), "2026-05-14"),
        (clocks.fault_presumption_end(d("2026-01-31"), policy=POLICY), "2026-07-31"),
        (clocks.fault_presumption_end(d("2025-08-31"), policy=POLICY), "2026-02-28"),
        (clocks.scheme_letter_due(d("2026-04-20"), policy=POLICY), "2026-06-01"),
        (clocks.scheme_perform_by(d("2026-08-21"), policy=POLICY), "2026-09-21"),
        (clocks.access_request_internal(d("2026-01-31"), policy=POLICY), "2026-02-28"),
        (clocks.chargeback_last_day(d("2026-03-10"), policy=POLICY), "2026-07-08"),
        (clocks.chargeback_last_day(d("2026-03-10"), policy=POLICY, processed=d("2025-01-01")), "2026-06-25"),
        (clocks.scheme_referral_last_day(d("2028-02-29"), policy=POLICY), "2029-02-28"),
        (clocks.data_complaint_acknowledged_by(d("2026-07-01"), policy=POLICY), "2026-07-30"),
        (clocks.credit_leg_response_due(d("2026-04-20"), policy=POLICY), "2026-06-15"),
        (clocks.credit_leg_referral_last_day(d("2026-08-31"), policy=POLICY), "2027-02-28"),
        (clocks.court_last_day(d("2020-02-29"), policy=POLICY), "2026-02-28"),
    ],
)
def test_worked_dates(found: date, wanted: str) -> None:
    assert found == d(wanted)


def test_the_right_to_reject_lasts_at_least_a_week_after_the_repair() -> None:
    last = clocks.short_term_reject_last_day(
        d("2026-03-01"), policy=POLICY, repair_wait_days=10, repair_returned=d("2026-04-08")
    )
    assert last == d("2026-04-15")


def test_a_refund_after_cancellation_counts_from_whichever_came_first() -> None:
    both = clocks.refund_after_cancellation(goods_back=d("2026-05-20"), proof_of_sending=d("2026-05-12"), policy=POLICY)
    assert both == d("2026-05-26")
    assert clocks.refund_after_cancellation(goods_back=d("2026-05-20"), proof_of_sending=None, policy=POLICY) == d(
        "2026-06-03"
    )
    with pytest.raises(Rejected):
        clocks.refund_after_cancellation(goods_back=None, proof_of_sending=None, policy=POLICY)


def test_an_access_request_rolls_to_a_working_day_and_the_house_target_does_not() -> None:
    assert d("2026-02-28").weekday() == SATURDAY
    assert clocks.access_request_due(d("2026-01-31"), policy=POLICY) == d("2026-03-02")
    assert clocks.access_request_due(d("2026-01-31"), policy=POLICY, extended=True) == d("2026-04-30")
    assert clocks.access_request_due(d("2026-02-03"), policy=POLICY) == d("2026-03-03")
    assert clocks.access_request_due(d("2026-11-25"), policy=POLICY) == d("2026-12-29")


@given(days.filter(lambda day: day >= d("2019-01-01")))
def test_the_scheme_letter_under_each_rule_and_across_the_change(first: date) -> None:
    due = clocks.scheme_letter_due(first, policy=POLICY)
    eight, six = first + timedelta(days=56), first + timedelta(days=42)
    if first >= CHANGE:
        assert due == six
    elif eight < CHANGE:
        assert due == eight
    else:
        assert due == max(six, CHANGE)
    assert six <= due <= eight


@given(days, days)
def test_deadlock_brings_the_letter_to_the_same_day_and_never_delays_it(first: date, deadlock: date) -> None:
    due = clocks.scheme_letter_due(first, policy=POLICY)
    assert clocks.scheme_letter_due(first, policy=POLICY, deadlock=deadlock) == min(due, deadlock)


def test_a_kinder_house_rule_brings_the_letter_forward() -> None:
    house = POLICY.override("adr_weeks", 4, from_date=d("2026-05-01"), note="trial")
    assert clocks.scheme_letter_due(d("2026-05-01"), policy=house) == d("2026-05-29")
    assert clocks.scheme_letter_due(d("2026-04-20"), policy=house) == d("2026-05-18")


@given(days, st.integers(0, 240))
def test_a_month_goes_to_the_same_day_number_or_to_the_last_day(day: date, months: int) -> None:
    later = civil.add_months(day, months)
    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    last = (civil.add_months(later.replace(day=1), 1) - timedelta(days=1)).day
    assert later.day == min(day.day, last)


@given(st.dates(date(2026, 1, 1), date(2027, 10, 1)), st.integers(0, 40))
def test_working_days_count_only_working_days_and_not_the_first(day: date, count: int) -> None:
    later = civil.add_working_days(day, count)
    between = [day + timedelta(days=n) for n in range(1, (later - day).days + 1)]
    assert sum(map(civil.is_working_day, between)) == count
    assert count == 0 or civil.is_working_day(later)


MOVED_OR_PROCLAIMED = {
    2020: ("05-04", "05-08"),
    2022: ("05-30", "06-02 06-03 09-19"),
    2023: ("", "05-08"),
}
"""By year: what the rule gives and was moved, and what was there instead or was proclaimed for once."""


def of_year(year: int, days: str) -> set[date]:
    """Days of a year, as MM-DD."""
    return {d(f"{year}-{day}") for day in days.split()}


def test_the_bank_holidays_are_week_days_eight_a_year_and_those_that_were_proclaimed_for_once() -> None:
    for year in range(min(PUBLISHED), 2100):
        holidays = bank_holidays(year)
        assert len(holidays) == {2022: 10, 2023: 9}.get(year, 8)
        assert all(day.year == year and day.weekday() < SATURDAY for day in holidays)


def test_the_rule_gives_the_bank_holidays_of_every_published_list_but_those_that_were_moved_or_proclaimed() -> None:
    assert range(2019, 2029) == range(min(PUBLISHED), max(PUBLISHED) + 1)
    assert len(PUBLISHED) == 10
    for year, days in PUBLISHED.items():
        moved, instead = MOVED_OR_PROCLAIMED.get(year, ("", ""))
        assert days == by_rule(year) - of_year(year, moved) | of_year(year, instead)


def test_a_day_that_was_moved_for_once_is_no_working_day_and_the_one_it_was_moved_from_is() -> None:
    assert civil.is_working_day(d("2020-05-04"))
    assert not civil.is_working_day(d("2020-05-08"))
    assert civil.add_working_days(d("2022-06-01"), 1) == d("2022-06-06")
    assert civil.next_working_day(d("2022-09-19")) == d("2022-09-20")
    assert civil.add_working_days(d("2023-05-05"), 1) == d("2023-05-09")


@pytest.mark.parametrize(
    ("year", "days"),
    [
        (2018, "01-01 03-30 04-02 05-07 05-28 08-27 12-25 12-26"),
        (2021, "01-01 04-02 04-05 05-03 05-31 08-30 12-27 12-28"),
        (2024, "01-01 03-29 04-01 05-06 05-27 08-26 12-25 12-26"),
        (2028, "01-03 04-14 04-17 05-01 05-29 08-28 12-25 12-26"),
        (2033, "01-03 04-15 04-18 05-02 05-30 08-29 12-26 12-27"),
    ],
)
def test_a_bank_holiday_on_a_weekend_is_made_up_for_and_easter_is_found(year: int, days: str) -> None:
    assert by_rule(year) == of_year(year, days)


def test_a_decision_can_be_accepted_and_performed_after_the_last_published_list() -> None:
    assert clocks.scheme_perform_by(d("2027-12-20"), policy=POLICY) == d("2028-01-20")
    assert clocks.scheme_perform_by(d("2028-05-01"), policy=POLICY) == d("2028-05-30")


def test_a_year_before_the_lists_of_bank_holidays_is_refused_with_what_to_do() -> None:
    with pytest.raises(Rejected) as refused:
        clocks.scheme_perform_by(d("2018-12-20"), policy=POLICY)
    assert refused.value.code == "bank_holidays"
    assert "bank_holidays.json" in refused.value.fix


def test_a_rule_that_is_not_in_force_yet_makes_no_date() -> None:
    with pytest.raises(NotFound):
        clocks.data_complaint_acknowledged_by(d("2026-06-18"), policy=POLICY)


def test_civil_dates_are_those_of_london_in_summer_and_winter() -> None:
    assert civil.civil_date(from_iso("2026-06-30T23:30:00Z")) == d("2026-07-01")
    assert civil.civil_date(from_iso("2026-12-31T23:30:00Z")) == d("2026-12-31")
    assert civil.day_starts_ms(d("2026-07-01")) == from_iso("2026-06-30T23:00:00Z")
    assert civil.day_ends_ms(d("2026-03-29")) - civil.day_starts_ms(d("2026-03-29")) == 23 * 3_600_000
    assert civil.in_words(from_iso("2026-05-16T13:03:00Z")) == "14:03 on 16 May 2026"


@given(days)
def test_a_day_holds_its_instants_and_no_other(day: date) -> None:
    assert civil.civil_date(civil.day_starts_ms(day)) == day
    assert civil.civil_date(civil.day_ends_ms(day) - 1) == day
    assert civil.civil_date(civil.day_ends_ms(day)) == day + timedelta(days=1)


def legal(last: str, *, key: str = "scheme_letter", about: str = "") -> LegalClock:
    return LegalClock(key=key, about=about, starts=d(last) - timedelta(days=42), last_day=d(last))


def test_joining_two_cases_keeps_the_earlier_clock_of_each_thing() -> None:
    first = (legal("2026-06-01"), legal("2026-07-01", key="delivery_long_stop", about="po 1"))
    second = (legal("2026-05-20"), legal("2026-06-30", key="delivery_long_stop", about="po 2"))
    for joined in (join_clocks(first, second), join_clocks(second, first)):
        assert set(joined) == {second[0], first[1], second[1]}


def test_a_joined_clock_starts_at_the_first_word_also_where_the_later_report_has_the_earlier_last_day() -> None:
    first = LegalClock(key="scheme_letter", about="", starts=d("2026-06-01"), last_day=d("2026-07-27"))
    later = LegalClock(key="scheme_letter", about="", starts=d("2026-06-10"), last_day=d("2026-07-22"))
    for joined in (join_clocks([first], [later]), join_clocks([later], [first])):
        assert joined == (LegalClock(key="scheme_letter", about="", starts=first.starts, last_day=later.last_day),)
