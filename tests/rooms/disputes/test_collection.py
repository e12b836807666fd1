"""A free collection: on a working day ahead, in hours that a customer can read, and promised until these end."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.disputes.civil import in_words, is_working_day
from custody.disputes.collection import (
    DAYS_AHEAD,
    HOURS,
    CollectionWindow,
    as_collection,
    between,
    check_offered,
    collection_days,
)
from custody.disputes.order import OrderFacts
from custody.disputes.policy import DEFAULT_POLICY as POLICY
from custody.disputes.remedy import Needs, offer_remedy
from custody.kernel.clock import from_iso
from custody.kernel.errors import Conflict, Rejected

DAYS = st.dates(date(2026, 1, 1), date(2030, 12, 31))
NOW = from_iso("2026-05-11T08:12:30.000+01:00")


@given(today=DAYS, window=st.sampled_from(CollectionWindow))
def test_every_day_that_is_offered_can_be_chosen_and_no_other(today: date, window: CollectionWindow) -> None:
    days = collection_days(today)
    assert days
    for ahead in range(-2, DAYS_AHEAD + 3):
        day = today + timedelta(days=ahead)
        if day in days:
            assert is_working_day(day)
            assert 1 <= ahead <= DAYS_AHEAD
            assert as_collection(day=day, window=window, today=today).day == day
        else:
            with pytest.raises(Rejected) as refused:
                as_collection(day=day, window=window, today=today)
            assert refused.value.code == "collect_on"


@given(today=DAYS, window=st.sampled_from(CollectionWindow))
def test_it_is_due_when_its_hours_end_on_the_clock_of_the_customer(today: date, window: CollectionWindow) -> None:
    chosen = as_collection(day=collection_days(today)[-1], window=window, today=today)
    ends = f"{HOURS[window][1]:%H:%M}"
    assert in_words(chosen.due_ms).startswith(f"{ends} on {chosen.day.day} ")
    assert between(window).endswith(ends)
    assert between(window) in chosen.method


def test_hours_that_nobody_has_are_refused_by_their_name() -> None:
    with pytest.raises(Rejected) as refused:
        as_collection(day=date(2026, 5, 12), window="midnight", today=date(2026, 5, 11))
    assert refused.value.code == "window"


@pytest.mark.parametrize("claim", ["substituted", "damaged", "defective", "wrong_item"])
def test_it_can_be_booked_where_a_wrong_thing_lies_with_the_customer(claim: str) -> None:
    check_offered(offer_remedy(claim, OrderFacts(), Needs(), policy=POLICY, now_ms=NOW))


@pytest.mark.parametrize("claim", ["never_received", "missing_accessory", None])
def test_it_cannot_be_booked_where_nothing_is_to_be_collected(claim: str | None) -> None:
    offer = None if claim is None else offer_remedy(claim, OrderFacts(), Needs(), policy=POLICY, now_ms=NOW)
    with pytest.raises(Conflict):
        check_offered(offer)
