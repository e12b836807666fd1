"""Work clocks: units, starts, pauses, and whose time it is."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.disputes import civil
from custody.disputes.case import CASE
from custody.disputes.inquiry import INVESTIGATION
from custody.disputes.machine import Machine
from custody.disputes.policy import DEFAULT_POLICY as POLICY
from custody.disputes.promise import PROMISE
from custody.disputes.work_clocks import (
    OpenTime,
    WorkClock,
    elapsed,
    leaver_notices,
    pause,
    state_clock,
    work_clock,
)
from custody.kernel.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, from_iso
from custody.kernel.errors import Rejected

NOW = from_iso("2026-05-11T08:00:00+01:00")


@pytest.mark.parametrize(
    ("key", "part", "length"),
    [
        ("ack_minutes", None, 5 * MINUTE_MS),
        ("owner_minutes", None, 15 * MINUTE_MS),
        ("remedy_offer_hours", "substituted", 24 * HOUR_MS),
        ("remedy_offer_hours", "leaver_locked", HOUR_MS),
        ("ask_open_days", None, 7 * DAY_MS),
        ("offer_choice_days", None, 14 * DAY_MS),
        ("confirm_days", None, 7 * DAY_MS),
        ("hearing_days", None, 10 * DAY_MS),
        ("inv_start_hours", None, 4 * HOUR_MS),
        ("inv_update_days", None, 5 * DAY_MS),
        ("learning_days", None, 14 * DAY_MS),
        ("missed_escalate_minutes", None, 60 * MINUTE_MS),
        ("lock_decide_seconds", None, 60 * SECOND_MS),
        ("lock_deliver_hours", None, 72 * HOUR_MS),
        ("provisional_lock_hours", None, 72 * HOUR_MS),
        ("lock_review_days", None, 90 * DAY_MS),
        ("unlock_minutes", None, 60 * MINUTE_MS),
        ("benefit_restored_hours", None, 24 * HOUR_MS),
        ("exception_approver_hours", None, HOUR_MS),
        ("owner_absent_minutes", None, 15 * MINUTE_MS),
    ],
)
def test_a_clock_runs_for_the_number_of_the_policy_in_the_unit_of_its_name(
    key: str, part: str | None, length: int
) -> None:
    assert work_clock(key, NOW, policy=POLICY, part=part).due_ms == NOW + length


def test_a_key_that_is_no_time_makes_no_clock() -> None:
    for key in ("adr_cap_gbp", "switch_working_days"):
        with pytest.raises(Rejected):
            work_clock(key, NOW, policy=POLICY)


def test_every_open_state_has_a_clock_that_can_be_computed_and_a_terminal_one_has_none() -> None:
    machines: tuple[Machine[Any], ...] = (CASE, INVESTIGATION, PROMISE)
    for machine in machines:
        for state in machine.states:
            clock = state_clock(
                machine,
                state,
                entered_ms=NOW,
                policy=POLICY,
                first_report_ms=NOW - HOUR_MS,
                claim_type="substituted",
                promise_due_ms=NOW + DAY_MS,
            )
            assert (clock is None) == (state in machine.terminal)
            if clock is not None:
                assert clock.key == machine.states[state].clock
                assert clock.due_ms > clock.start_ms


def test_the_first_offer_counts_from_the_first_report_and_later_ones_from_what_brought_the_case_back() -> None:
    facts = {"entered_ms": NOW, "policy": POLICY, "first_report_ms": NOW - HOUR_MS}
    first = state_clock(CASE, "triaged", claim_type="damaged", **facts)  # type: ignore[arg-type]  # facts are mixed
    again = state_clock(CASE, "triaged", came_back=True, **facts)  # type: ignore[arg-type]  # as above
    assert first is not None
    assert again is not None
    assert (first.start_ms, again.start_ms) == (NOW - HOUR_MS, NOW)


def test_a_clock_that_lacks_a_fact_is_refused() -> None:
    for state in ("remedy_in_progress", "reported"):
        with pytest.raises(Rejected):
            state_clock(CASE, state, entered_ms=NOW, policy=POLICY)


def test_a_hearing_is_longer_where_support_needs_are_recorded() -> None:
    def hearing(*, needs: bool) -> int:
        clock = state_clock(CASE, "decline_proposed", entered_ms=NOW, policy=POLICY, support_needs=needs)
        assert clock is not None
        assert clock.key == "hearing_days"
        return clock.due_ms - clock.start_ms

    assert (hearing(needs=False), hearing(needs=True)) == (10 * DAY_MS, 20 * DAY_MS)


def test_the_letter_is_due_in_hours_and_always_on_the_same_day() -> None:
    for at in ("2026-05-11T08:00:00+01:00", "2026-05-11T23:30:00+01:00"):
        declined = from_iso(at)
        clock = state_clock(CASE, "declined", entered_ms=declined, policy=POLICY)
        assert clock is not None
        assert clock.due_ms <= declined + 4 * HOUR_MS
        assert civil.civil_date(clock.due_ms - 1) == date(2026, 5, 11)


def test_an_independent_decision_is_carried_out_by_the_end_of_the_last_working_day() -> None:
    clock = state_clock(CASE, "adr_decided", entered_ms=from_iso("2026-08-21T12:00:00+01:00"), policy=POLICY)
    assert clock is not None
    assert clock.due_ms == civil.day_ends_ms(date(2026, 9, 21))


offer = WorkClock(key="remedy_offer_hours", start_ms=NOW, due_ms=NOW + DAY_MS)


def test_the_offer_pauses_for_an_open_ask_and_shows_it() -> None:
    closed = OpenTime(from_ms=NOW + HOUR_MS, until_ms=NOW + 3 * HOUR_MS)
    paused = pause(offer, [closed], NOW + 5 * HOUR_MS)
    assert (paused.due_ms, paused.paused_ms) == (offer.due_ms + 2 * HOUR_MS, 2 * HOUR_MS)
    still_open = pause(offer, [OpenTime(from_ms=NOW + HOUR_MS, until_ms=None)], NOW + 5 * HOUR_MS)
    assert still_open.paused_ms == 4 * HOUR_MS


def test_an_ask_sent_after_the_offer_was_due_pauses_nothing() -> None:
    late = OpenTime(from_ms=offer.due_ms + 1, until_ms=offer.due_ms + DAY_MS)
    assert pause(offer, [late], offer.due_ms + 2 * DAY_MS) == offer


def test_time_before_the_clock_started_is_not_paused() -> None:
    early = OpenTime(from_ms=NOW - DAY_MS, until_ms=NOW - HOUR_MS)
    assert pause(offer, [early], NOW + HOUR_MS) == offer


@given(st.sampled_from([s for m in (CASE, INVESTIGATION, PROMISE) for s in m.states.values() if s.clock]))
def test_no_other_clock_pauses(state: object) -> None:
    key = str(getattr(state, "clock", ""))
    clock = WorkClock(key=key, start_ms=NOW, due_ms=NOW + DAY_MS)
    paused = pause(clock, [OpenTime(from_ms=NOW, until_ms=None)], NOW + HOUR_MS)
    assert (paused == clock) == (key != "remedy_offer_hours")


@given(st.integers(0, 50), st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=3))
def test_time_since_the_first_word_is_on_us_or_on_the_customer(first: int, asks: list[tuple[int, int]]) -> None:
    times, cursor = [], NOW + first * HOUR_MS
    for gap, length in asks:
        times.append(OpenTime(from_ms=cursor + gap * HOUR_MS, until_ms=cursor + (gap + length) * HOUR_MS))
        cursor += (gap + length) * HOUR_MS
    spent = elapsed(NOW, times, cursor)
    assert spent.on_us_ms + spent.on_customer_ms == cursor - NOW
    assert spent.on_customer_ms == sum(length for _, length in asks) * HOUR_MS
    assert spent.on_us_ms >= 0


def test_lateness_is_counted_from_the_due_instant() -> None:
    assert not offer.late(offer.due_ms)
    assert offer.late(offer.due_ms + 1)


def test_a_leaver_is_told_four_times() -> None:
    end = from_iso("2026-07-01T00:00:00+01:00")
    assert [(end - at) // HOUR_MS for at in leaver_notices(end, policy=POLICY)] == [720, 168, 24, 1]
