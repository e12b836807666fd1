"""Stories of a kind of problem that is put right: its ways out are those of the kind that it is, and none is lost."""

from datetime import date, timedelta
from typing import Any

import pytest

from custody.disputes.civil import civil_date
from custody.disputes.machine import CaseRole
from custody.disputes.order import OrderFacts, Payment
from custody.disputes.recourse import PLEAS, Recourse, Way
from custody.disputes.remedy import Needs
from custody.kernel.clock import DAY_MS
from custody.store import case_book
from custody.store.case_book import CaseFile
from custody.usecases import decline_case, learn_facts, move_case, move_scheme
from tests.stories.case_steps import DECIDER, PROPOSER, SEEN, act, in_state, not_put_right
from tests.stories.case_steps import SUPERVISOR as DECIDED_BY
from tests.stories.lock_steps import told
from tests.stories.test_case_stories import classify
from tests.stories.test_joined_cases import join
from tests.world import World
from tests.world_parts import Opened

SUPERVISOR: dict[str, Any] = {"actor": "supervisor-1", "role": CaseRole.SUPERVISOR}
AGENT: dict[str, Any] = {"actor": "agent-1", "role": CaseRole.AGENT}
TO_THE_SCHEME = "you can go to the independent scheme"


def ways(file: CaseFile) -> set[Way]:
    return {way.way for way in file.recourse}


def letter(world: World, opened: Opened) -> CaseFile:
    """A letter leaves, and we look at the case again."""
    file = act(world, move_scheme.adr, opened, letter_due_ms=0, deadlock=True, **SUPERVISOR)
    act(world, move_scheme.change_our_mind, opened, **SUPERVISOR)
    return file


def learned(world: World, opened: Opened, delivered: date, role: CaseRole = CaseRole.AGENT) -> CaseFile:
    facts: dict[str, Any] = {"reference": "RECEIPT 1", "actor": "x", "role": role}
    return act(world, learn_facts.order_days, opened, days={"delivered": delivered}, **facts)


def scheme_of(file: CaseFile) -> Recourse:
    return next(way for way in file.recourse if way.way is Way.SCHEME)


def paid(world: World, number: int, payment: Payment, kind: str | None, *, late_days: int = 0) -> Opened:
    """A report of an order that was paid in this way, and should have come so many days ago."""
    expected = civil_date(world.clock.at_ms) - timedelta(days=late_days)
    order = OrderFacts(
        order_ref=world.parcels[number].order, payment=payment, price_pence=89_900, expected_delivery=expected
    )
    return world.dispute(world.parcels[number], kind, order=order)


def two_orders(world: World, kind: str) -> Opened:
    """A report of an order that was paid on the bill, into which one of an order paid by card was joined."""
    by_card, on_bill = paid(world, 0, Payment.CREDIT_CARD, "never_received"), paid(world, 1, Payment.BILL, kind)
    not_put_right(world, by_card)
    join(world, by_card, into=on_bill)
    assert {Way.SCHEME, Way.CARD_LAW, Way.CHARGEBACK} <= ways(world.case(on_bill))
    return on_bill


@pytest.mark.parametrize("kind", [None, "damaged"])
def test_each_way_is_put_as_the_kind_that_was_agreed_on(world: World, kind: str | None) -> None:
    opened = world.dispute(world.parcels[0], kind, needs=Needs(has_working_phone=False))
    before = world.case(opened)
    with world.house.read() as session:
        loan = [one for one in case_book.promises(session, opened.case) if one.what == "a phone on loan"]
    file = classify(world, opened, "substituted")
    assert {way.how.partition(".")[0] + "." for way in file.recourse} == {PLEAS["substituted"]}
    assert [(way.way, way.opens, way.last_day) for way in file.recourse] == [
        (way.way, way.opens, way.last_day) for way in before.recourse
    ], "their days do not hang on the kind"
    with world.house.read() as session:
        assert [one for one in case_book.promises(session, opened.case) if one in loan] == loan
    assert told(world, opened).count(TO_THE_SCHEME) == 1, "the customer knows"


def test_who_was_taken_for_a_holder_has_the_ways_of_a_customer_and_is_told(world: World) -> None:
    opened = world.dispute(world.parcels[0], "holder_enquiry")
    assert ways(world.case(opened)) == {Way.COURT}
    assert TO_THE_SCHEME not in told(world, opened)
    like = world.dispute(world.parcels[0], "never_received")
    assert classify(world, opened, "never_received").recourse == world.case(like).recourse
    assert TO_THE_SCHEME in told(world, opened)


@pytest.mark.parametrize("has_letter", [False, True])
def test_a_way_that_the_kind_has_not_goes_unless_a_letter_for_it_has_left(world: World, *, has_letter: bool) -> None:
    opened = world.dispute(world.parcels[0], "never_received")
    scheme = world.case(opened).recourse[0]
    if has_letter:
        scheme = letter(world, opened).recourse[0]
        file = act(world, move_case.offer_again, opened, claim_type="holder_enquiry", **AGENT)
    else:
        file = classify(world, opened, "holder_enquiry")
    assert scheme.way is Way.SCHEME
    assert ways(file) == ({Way.SCHEME, Way.COURT} if has_letter else {Way.COURT})
    if has_letter:
        assert (file.recourse[0].opens, file.recourse[0].last_day) == (scheme.opens, scheme.last_day)
    else:
        assert "you can go to the county court" in told(world, opened)


def test_the_ways_of_a_report_that_was_joined_in_stay_whatever_the_kind(world: World) -> None:
    other, survivor = world.dispute(world.parcels[0], "never_received"), world.dispute(None, "holder_enquiry")
    not_put_right(world, other)
    world.step(DAY_MS)
    join(world, other, into=survivor)
    joined = world.case(survivor)
    assert {Way.SCHEME, Way.CARD_LAW} <= ways(joined)
    for kind in ("wrong_item", "holder_enquiry"):
        file = classify(world, survivor, kind)
        assert [(way.way, way.opens, way.last_day) for way in file.recourse] == [
            (way.way, way.opens, way.last_day) for way in joined.recourse
        ]


def test_days_that_were_learned_of_the_order_count_for_the_new_kind_too(world: World) -> None:
    opened = world.dispute(world.parcels[0], "damaged")
    before = learned(world, opened, civil_date(world.clock.at_ms) - timedelta(days=200))
    file = classify(world, opened, "defective")
    assert [(way.way, way.last_day) for way in file.recourse] == [(way.way, way.last_day) for way in before.recourse]


@pytest.mark.parametrize("kind", ["wrong_item", "holder_enquiry"])
def test_a_letter_and_days_that_are_learned_leave_the_ways_of_every_order_of_the_case(world: World, kind: str) -> None:
    opened = two_orders(world, kind)
    before = world.case(opened)
    today = civil_date(world.clock.at_ms)
    after_days = learned(world, opened, today - timedelta(days=3))
    assert ways(after_days) == ways(before)
    after_letter = letter(world, opened)
    assert ways(after_letter) == ways(before)
    assert scheme_of(after_letter).opens == today
    assert "You may go to the independent scheme CISAS now." in told(world, opened)
    assert ways(letter(world, opened)) == ways(before)


def test_of_two_orders_by_card_the_chargeback_of_one_is_there_when_that_of_the_other_is_over(world: World) -> None:
    early = paid(world, 0, Payment.DEBIT_CARD, None, late_days=110)
    late = paid(world, 1, Payment.DEBIT_CARD, "never_received", late_days=5)
    not_put_right(world, late)
    join(world, late, into=early)
    world.step(20 * DAY_MS)
    chargeback = next(way for way in letter(world, early).recourse if way.way is Way.CHARGEBACK)
    assert chargeback.last_day > civil_date(world.clock.at_ms)


def test_the_court_that_is_open_for_one_order_is_not_hidden_by_one_that_is_over_for_another(world: World) -> None:
    old = paid(world, 0, Payment.BILL, "never_received", late_days=2300)
    new = paid(world, 1, Payment.BILL, None)
    not_put_right(world, old)
    assert not world.case(old).recourse[-1].still_open
    join(world, old, into=new)
    for file in (world.case(new), letter(world, new)):
        (court,) = (way for way in file.recourse if way.way is Way.COURT)
        assert court.still_open


def test_a_day_that_is_put_right_counts_for_each_report_of_its_order(world: World) -> None:
    today = civil_date(world.clock.at_ms)
    first, second = (world.dispute(world.parcels[0], None) for _ in range(2))
    for opened in (first, second):
        learned(world, opened, today - timedelta(days=200))
    join(world, first, into=second)
    right = learned(world, second, today - timedelta(days=20), role=CaseRole.SUPERVISOR)
    court = next(way for way in right.recourse if way.way is Way.COURT)
    assert court.opens == today - timedelta(days=20)


def test_a_scheme_that_the_letter_named_is_named_in_the_next_one_whatever_the_kind(world: World) -> None:
    opened = world.dispute(world.parcels[0], "never_received")
    first = scheme_of(letter(world, opened))
    act(world, move_case.offer_again, opened, claim_type="holder_enquiry", **AGENT)
    world.step(DAY_MS)
    second = scheme_of(letter(world, opened))
    assert (second.opens, second.last_day) == (first.opens, first.last_day)
    assert told(world, opened).count("You may go to the independent scheme CISAS now.") == 2


def test_the_letter_of_a_report_that_was_joined_in_keeps_its_last_day(world: World) -> None:
    other, survivor = world.dispute(world.parcels[0], "never_received"), world.dispute(world.parcels[1], None)
    first = scheme_of(letter(world, other))
    join(world, other, into=survivor)
    world.step(DAY_MS)
    second = scheme_of(letter(world, survivor))
    assert (second.opens, second.last_day) == (first.opens, first.last_day)


def long_ago(world: World, payment: Payment) -> Opened:
    """A report of an order that is too dear for the scheme, and too old for the court."""
    day = date(2019, 1, 2)
    order = OrderFacts(order_ref="SO-2019", delivered=day, contract=day, price_pence=2_000_000, payment=payment)
    return world.dispute(None, "defective", order=order)


@pytest.mark.parametrize("declines", [True, False])
def test_a_letter_for_a_way_that_is_over_says_so(world: World, *, declines: bool) -> None:
    opened = long_ago(world, Payment.BILL)
    if declines:
        in_state(world, opened, "triaged")
        act(world, decline_case.propose_decline, opened, findings=(SEEN,), **PROPOSER)
        world.step(60 * DAY_MS)
        act(world, decline_case.decline, opened, why="Seen.", heard=False, actor=DECIDED_BY, **DECIDER)
    else:
        letter(world, opened)
    assert "This is your letter. The last day to go to the county court was 2 January 2025." in told(world, opened)
    assert ("We have said no this time. This is why: Seen." in told(world, opened)) is declines
    for wrong in ("You may go to", "You can take it to", "You have until 2 January 2025", "independent body"):
        assert wrong not in told(world, opened), wrong


def test_a_letter_is_for_a_way_that_is_open_and_not_for_one_that_is_over(world: World) -> None:
    opened = long_ago(world, Payment.DEVICE_CREDIT)
    world.step(60 * DAY_MS)
    letter(world, opened)
    assert "You may go to the Financial Ombudsman now." in told(world, opened)
