"""What was promised elsewhere: which words it gets, until when it can be rebutted, and that it comes once."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.disputes.civil import add_months, civil_date
from custody.disputes.claim import Remedy
from custody.disputes.machine import CaseRole, step
from custody.disputes.messages import say
from custody.disputes.one_order import Before
from custody.disputes.outside_promise import (
    AS_TOLD,
    MOST_NAME,
    MOST_PENCE,
    MOST_TOLD,
    MOST_WORDS,
    OUTSIDE,
    SOMETHING_TOLD,
    Told,
    as_told,
    bind,
    check_room,
    check_told,
    days_over,
    in_time,
    is_same,
    is_there,
    pend,
    spoken,
    sum_left,
)
from custody.disputes.policy import DEFAULT_POLICY as POLICY
from custody.disputes.price import is_beside, left_of_price
from custody.disputes.promise import BY_THEIR_WORD, Promise, credit, make_promise
from custody.disputes.remedy import WORDS
from custody.kernel.clock import DAY_MS, SECOND_MS, from_iso
from custody.kernel.errors import Conflict, Rejected

NOW = from_iso("2026-05-11T08:00:00+01:00")
PRICE = 54_000
anything = st.text(max_size=MOST_WORDS)
pence = st.none() | st.integers(1, MOST_PENCE)


def told(what: str = "a case for the new phone", pence: int | None = None, **changes: object) -> Told:
    made = Told(what=what, by_whom="the shop", told_us_ms=NOW, amount_pence=pence)
    return replace(made, **changes)  # type: ignore[arg-type]  # the changes are mixed on purpose


def bound(of: Told, *, now_ms: int = NOW + 2 * DAY_MS + 1) -> Promise:
    return bind(of, promise_id="p", case_id="c", method=AS_TOLD, owner="desk 4", now_ms=now_ms, policy=POLICY)


def ours(what: str, pence: int | None = None, **changes: object) -> Promise:
    made = make_promise(
        promise_id="q",
        case_id="c",
        what=what,
        due_ms=NOW + 9 * DAY_MS,
        method="at your door",
        owner="desk 4",
        now_ms=NOW,
        policy=POLICY,
        amount_pence=pence,
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # the changes are mixed on purpose


@given(anything, pence)
def test_whatever_was_told_every_message_of_its_promise_can_be_said(what: str, sum_pence: int | None) -> None:
    promise = bound(told(what, sum_pence))
    facts = {"what": promise.what, "due": "23:59 on 30 September 2026", "owner": "desk 4"}
    for key in ("outside.days_passed", "outside.days_passed_late"):
        say(key, promises=("p",), **facts)
    say("outside.told", what=promise.what, due=facts["due"])
    say("outside.rebut", promises=("p",), what=promise.what, reasons="It is not so.")
    say("promise.date_passed", promises=("p",), **facts, credit="£6.46")
    for key in ("outside.has_it_already", "outside.taken_back", "promise.done", "promise.customer_changed_mind"):
        say(key, promises=("p",), what=promise.what)
    say("promise.made", promises=("p",), **facts, method=promise.method)


@pytest.mark.parametrize(
    ("what", "sum_pence", "said"),
    [
        ("  a case for\n the new phone. ", None, "a case for the new phone"),
        ("£20 by 5 May", 2_000, "£20 by 5 May"),
        ("You are all frauds", None, SOMETHING_TOLD),
        ("word " * 30, None, SOMETHING_TOLD),
        ("...", None, SOMETHING_TOLD),
        ("A new phone sent to you!", None, WORDS[Remedy.REPLACEMENT]),
        ("a new phone sent to you", 2_000, SOMETHING_TOLD),
        ("Your money back", None, WORDS[Remedy.REFUND]),
        ("part of the price back", 2_000, WORDS[Remedy.PRICE_REDUCTION]),
        ("part of the price back", None, SOMETHING_TOLD),
    ],
)
def test_their_words_are_used_where_a_customer_may_read_them_and_a_remedy_has_its_own(
    what: str, sum_pence: int | None, said: str
) -> None:
    assert spoken(told(what, sum_pence)) == said


@given(st.integers(-3 * DAY_MS, 3 * DAY_MS))
def test_at_every_moment_it_can_be_rebutted_or_it_binds_and_never_both(after_ms: int) -> None:
    now_ms = NOW + max(0, after_ms)
    rebuttable = in_time(told(), now_ms=now_ms, policy=POLICY)
    assert rebuttable is not days_over(told(), now_ms=now_ms, policy=POLICY)
    assert rebuttable is (now_ms <= pend(told(), name="t", case_id="c", policy=POLICY).rebut_by_ms)


@pytest.mark.parametrize(
    "guards", [{"in_time": False, "reasons_given": True}, {"in_time": True, "reasons_given": None}]
)
def test_a_late_rebuttal_and_one_without_reasons_are_refused(guards: dict[str, bool | None]) -> None:
    with pytest.raises(Conflict, match="rebut"):
        step(OUTSIDE, "pending", "rebut", CaseRole.AGENT, guards)


def test_nobody_rebuts_what_binds_us_or_is_over() -> None:
    for state in OUTSIDE.terminal:
        assert OUTSIDE.leaving(state) == ()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"what": " "}, "what"),
        ({"what": "x" * (MOST_WORDS + 1)}, "what"),
        ({"by_whom": "x" * (MOST_NAME + 1)}, "by_whom"),
        ({"due_ms": from_iso("1989-12-31T00:00:00Z")}, "until"),
        ({"due_ms": from_iso("2036-05-12T00:00:00Z")}, "until"),
        ({"amount_pence": 0}, "amount_pence"),
        ({"amount_pence": MOST_PENCE + 1}, "amount_pence"),
    ],
)
def test_what_cannot_have_been_told_is_named(changes: dict[str, object], code: str) -> None:
    with pytest.raises(Rejected) as caught:
        check_told(told(**changes))  # type: ignore[arg-type]  # the changes are mixed on purpose
    assert caught.value.code == code


@given(st.dates())
def test_any_day_is_one_that_can_have_been_told_or_is_refused_by_its_name(day: date) -> None:
    def tell() -> Told:
        return as_told(what="a call", by_whom="", until=day, amount_pence=None, now_ms=NOW)

    today = civil_date(NOW)
    if date(1990, 1, 1) <= day <= add_months(today, 120):
        due_ms = tell().due_ms
        assert due_ms is not None
        assert (civil_date(due_ms), civil_date(due_ms + 1)) == (day, day + timedelta(days=1))
    else:
        with pytest.raises(Rejected, match="cannot be right"):
            tell()


def test_the_same_told_later_is_the_same_and_a_customer_tells_of_so_many() -> None:
    assert is_same(told(), told(told_us_ms=NOW + DAY_MS))
    assert not is_same(told(), told(pence=1))
    held = [pend(told(str(number)), name=str(number), case_id="c", policy=POLICY) for number in range(MOST_TOLD)]
    check_room(held[1:])
    with pytest.raises(Conflict, match="many promises"):
        check_room(held)


@given(st.none() | st.integers(1, 90_000), st.lists(st.integers(1, 90_000), max_size=3), st.integers(1, 90_000))
def test_with_what_was_told_never_more_than_the_price_is_given_back(
    price_pence: int | None, before: list[int], sum_pence: int
) -> None:
    mine = tuple(replace(bound(told(pence=each)), id=str(number)) for number, each in enumerate(before))
    known = Before(mine=mine)
    left_before = left_of_price(price_pence, mine)
    promise, there = bound(told("£20 for the wait", sum_pence)), False
    there = is_there(promise, told(), known, price_pence=price_pence)
    if price_pence is None:
        assert not there
        assert sum_left(promise, known, price_pence=None).amount_pence == sum_pence, "it is promised as it was told"
        return
    assert left_before is not None
    assert there is (left_before == 0)
    if not there:
        promise = sum_left(promise, known, price_pence=price_pence)
        assert promise.amount_pence == min(sum_pence, left_before)
        assert left_of_price(price_pence, (*mine, promise)) == left_before - promise.amount_pence
        assert Before(mine=(*mine, promise)).left_pence(price_pence) == left_before - promise.amount_pence


@pytest.mark.parametrize(
    ("what", "sum_pence", "before", "there"),
    [
        ("a case", None, (), False),
        ("a case", None, (ours("A case"),), True),
        ("a case", None, (ours("a case", state="kept"),), True),
        ("a case", None, (ours("a case", state="kept", made_ms=NOW - DAY_MS),), False),
        ("a case", None, (ours("a case", state="void"),), False),
        ("a new phone sent to you", None, (), False),
        ("a new phone sent to you", None, (ours("a repair"),), True),
        ("a new phone sent to you", None, (ours("your money back", PRICE),), True),
        ("a new phone sent to you", None, (ours("your money back", PRICE, state="kept", made_ms=0),), True),
        ("your money back", None, (ours("a new phone sent to you"),), True),
        ("your money back", None, (ours("your money back", PRICE, state="kept", made_ms=0),), True),
        ("your money back", None, (ours("your money back", 4_000, state="kept", made_ms=0),), False),
        ("£20 for the wait", 2_000, (ours("a new phone sent to you"),), False),
        ("all of it", PRICE, (ours("a new phone sent to you"),), True),
        ("all of it", PRICE, (ours("a new phone sent to you", state="kept", made_ms=0),), False),
        ("£20 for the wait", 2_000, (ours("your money back", PRICE),), True),
        ("£20 for the wait", 2_000, (ours("a case"),), False),
    ],
)
def test_what_they_have_or_are_to_have_does_not_come_twice(
    what: str, sum_pence: int | None, before: tuple[Promise, ...], *, there: bool
) -> None:
    of = told(what, sum_pence)
    assert is_there(bound(of), of, Before(mine=before), price_pence=PRICE) is there


def test_it_stands_beside_the_remedy_unless_it_is_told_in_the_words_of_one() -> None:
    case, phone = bound(told()), bound(told("a new phone sent to you"))
    assert (case.source, phone.source) == (BY_THEIR_WORD, BY_THEIR_WORD)
    assert is_beside(case)
    assert not is_beside(phone)
    assert Before(mine=(case, phone)).in_place == (phone,), "a choice takes the place of the phone alone"


def test_a_day_that_has_passed_earns_one_day_and_the_others_from_when_it_binds() -> None:
    late = bound(told(due_ms=NOW - 300 * DAY_MS), now_ms=NOW)
    for after_ms, days in ((0, 1), (SECOND_MS, 1), (DAY_MS, 1), (DAY_MS + 1, 2), (400 * DAY_MS, 60)):
        assert credit(late, until_ms=NOW + after_ms, policy=POLICY).days == days
