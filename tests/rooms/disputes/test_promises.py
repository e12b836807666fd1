"""Promises: dates, credits, and what the customer was told elsewhere."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.disputes.machine import CaseRole, step
from custody.disputes.outside_promise import Told, bind, told_stands
from custody.disputes.policy import DEFAULT_POLICY as POLICY
from custody.disputes.promise import (
    PROMISE,
    Promise,
    all_promises_settled,
    credit,
    due_event,
    make_promise,
)
from custody.kernel.clock import DAY_MS, HOUR_MS, SECOND_MS, from_iso
from custody.kernel.errors import Rejected

NOW = from_iso("2026-05-11T08:00:00+01:00")


def promise(due_ms: int = NOW + 5 * DAY_MS, **changes: object) -> Promise:
    made = make_promise(
        promise_id="promise_1",
        case_id="case_1",
        what="your money back",
        due_ms=due_ms,
        method="back to your card",
        owner="desk 4",
        now_ms=NOW,
        policy=POLICY,
        amount_pence=54_000,
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # the changes are mixed on purpose


def test_a_promise_made_under_a_day_ahead_is_due_soon_at_once() -> None:
    assert promise(NOW + DAY_MS + 1).state == "made"
    assert promise(NOW + DAY_MS).state == "due_soon"
    assert promise(NOW + 1).state == "due_soon"


@pytest.mark.parametrize(
    "wrong", [{"what": " "}, {"method": ""}, {"owner": ""}, {"due_ms": NOW}, {"amount_pence": 0}, {"amount_pence": -1}]
)
def test_a_promise_says_what_until_when_how_and_who(wrong: dict[str, object]) -> None:
    facts: dict[str, object] = {
        "promise_id": "p",
        "case_id": "c",
        "what": "a phone",
        "due_ms": NOW + 1,
        "method": "at your door",
        "owner": "desk 4",
        "now_ms": NOW,
        "policy": POLICY,
    }
    with pytest.raises(Rejected):
        make_promise(**{**facts, **wrong})  # type: ignore[arg-type]  # the facts are mixed on purpose


def test_time_makes_a_promise_due_soon_and_then_missed_one_second_after_its_date() -> None:
    made = promise()
    assert due_event(made, now_ms=made.due_ms - DAY_MS - 1, policy=POLICY) is None
    assert due_event(made, now_ms=made.due_ms - DAY_MS, policy=POLICY) == "t_minus_24h"
    soon = replace(made, state="due_soon")
    assert due_event(soon, now_ms=made.due_ms + SECOND_MS - 1, policy=POLICY) is None
    assert due_event(soon, now_ms=made.due_ms + SECOND_MS, policy=POLICY) == "date_passed"
    for state in ("missed", "kept", "void"):
        assert due_event(replace(made, state=state), now_ms=made.due_ms + DAY_MS, policy=POLICY) is None


def test_a_long_sleep_still_walks_the_table() -> None:
    made, much_later = promise(), NOW + 100 * DAY_MS
    walked = []
    holds: dict[str, bool | None] = {"credit_added": True, "customer_told_first": True}
    while event := due_event(made, now_ms=much_later, policy=POLICY):
        made = replace(made, state=step(PROMISE, made.state, event, CaseRole.SYSTEM, holds).target)
        walked.append(made.state)
    assert walked == ["due_soon", "missed"]


def test_the_credit_is_there_one_second_after_the_date_and_grows_by_the_day_to_its_cap() -> None:
    late = promise()
    for after_ms, days in (
        (SECOND_MS - 1, 0),
        (SECOND_MS, 1),
        (DAY_MS, 1),
        (DAY_MS + 1, 2),
        (59 * DAY_MS + 1, 60),
        (400 * DAY_MS, 60),
    ):
        found = credit(late, until_ms=late.due_ms + after_ms, policy=POLICY)
        assert (found.days, found.pence) == (days, days * 646)


@given(st.integers(-100, 100 * 24), st.integers(0, 100 * 24))
def test_waiting_longer_never_lowers_the_credit(first_hours: int, more_hours: int) -> None:
    late = promise()
    one = credit(late, until_ms=late.due_ms + first_hours * HOUR_MS, policy=POLICY)
    two = credit(late, until_ms=late.due_ms + (first_hours + more_hours) * HOUR_MS, policy=POLICY)
    assert 0 <= one.pence <= two.pence <= 60 * 646


def test_promises_are_settled_when_kept_or_given_up_by_the_customer_and_credits_are_paid() -> None:
    kept, void = promise(state="kept"), promise(state="void")
    assert all_promises_settled([kept, void], unpaid_credit_pence=0) is True
    assert all_promises_settled([], unpaid_credit_pence=0) is True
    assert all_promises_settled([kept], unpaid_credit_pence=1) is False
    for state in set(PROMISE.states) - PROMISE.terminal:
        assert all_promises_settled([kept, promise(state=state)], unpaid_credit_pence=0) is False
    assert all_promises_settled(None, unpaid_credit_pence=0) is None
    assert all_promises_settled([kept], unpaid_credit_pence=None) is None


def test_a_missed_promise_is_never_given_up_only_kept_late() -> None:
    assert [row.event for row in PROMISE.leaving("missed")] == ["done_late"]


told = Told(what="the refund on my card", by_whom="the chat", told_us_ms=NOW, due_ms=NOW + 30 * DAY_MS)


def test_what_the_customer_was_told_elsewhere_binds_unless_rebutted_in_two_days() -> None:
    limit = NOW + 2 * DAY_MS
    assert told_stands(told, rebutted_ms=None, now_ms=limit, policy=POLICY) is None
    assert told_stands(told, rebutted_ms=None, now_ms=limit + 1, policy=POLICY) is True
    assert told_stands(told, rebutted_ms=limit, now_ms=limit, policy=POLICY) is False
    assert told_stands(told, rebutted_ms=limit + 1, now_ms=limit + 1, policy=POLICY) is True


def test_a_bound_promise_has_its_date_and_names_the_customers_word_as_its_source() -> None:
    def bound(told: Told) -> Promise:
        return bind(told, promise_id="p", case_id="c", method="by cheque", owner="desk 4", now_ms=NOW, policy=POLICY)

    ahead = bound(told)
    assert (ahead.due_ms, ahead.state, ahead.source) == (NOW + 30 * DAY_MS, "made", "customer_word")
    passed = bound(replace(told, due_ms=NOW - DAY_MS))
    assert passed.state == "due_soon"
    assert due_event(passed, now_ms=NOW, policy=POLICY) == "date_passed"
    assert bound(replace(told, due_ms=None)).due_ms == NOW + DAY_MS
