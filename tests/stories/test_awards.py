"""Stories of what the scheme decided: promised as any sum is, given once, and owed until it has come."""

from typing import Any

import pytest

from api.rounds.timer import CASES
from api.views import case_view
from custody.disputes.machine import CaseRole
from custody.disputes.promise import Promise, is_owed
from custody.kernel.errors import Conflict
from custody.store import case_book
from custody.usecases import move_case, move_scheme
from custody.usecases.came_back import payment_came_back
from custody.usecases.erase import erase
from custody.usecases.sweep_cases import sweep_case
from tests.stories.case_steps import act, in_state
from tests.stories.lock_steps import told
from tests.stories.test_money_back import BY_AGENT, PRICE, choose, offered, paid_and_not_fixed, promises
from tests.stories.test_one_remedy import by_the_box
from tests.world import World
from tests.world_parts import Opened

BY_SUPERVISOR: dict[str, Any] = {"actor": "supervisor-1", "role": CaseRole.SUPERVISOR}
THE_PRICE = "Pay the customer the price of the phone"


def awarded(
    world: World, opened: Opened, award: str = THE_PRICE, *, pence: int | None = PRICE, beside: bool = False
) -> Promise:
    """The scheme decided, and the customer said yes; returns what we promise for it."""
    act(world, move_scheme.adr, opened, letter_due_ms=0, deadlock=True, **BY_SUPERVISOR)
    in_state(world, opened, "with_adr")
    decision: dict[str, Any] = {"award": award, "award_pence": pence, "beside": beside, "reference": "S-1"}
    act(world, move_scheme.scheme_decides, opened, **decision, **BY_SUPERVISOR)
    world.step(1)
    act(world, move_scheme.accept_decision, opened, actor="customer")
    return max(promises(world, opened), key=lambda promise: promise.made_ms)


def owed(world: World, opened: Opened) -> list[Promise]:
    """What is still to be done."""
    return [promise for promise in promises(world, opened) if is_owed(promise)]


def test_an_award_whose_payment_came_back_stays_owed_whatever_the_customer_confirms(world: World) -> None:
    opened = world.dispute(world.parcels[0], "never_received")
    paid = awarded(world, opened)
    act(world, move_case.remedied, opened, reference="BACS 1", **BY_AGENT)
    act(world, payment_came_back, opened, promise=paid.id, reference="RETURN 1", **BY_AGENT)
    with world.refused(Conflict, "guard"):
        act(world, move_case.confirm, opened, actor="customer", locks_settled=True)
    (again,) = owed(world, opened)
    assert (again.what, again.amount_pence) == (THE_PRICE, PRICE)
    act(world, move_case.promise_kept, opened, promise=again.id, reference="BACS 2", **BY_AGENT)
    assert act(world, move_case.confirm, opened, actor="customer", locks_settled=True).case.state == "closed"


def test_of_two_awards_that_are_owed_one_reference_shows_one(world: World) -> None:
    first, second = (world.dispute(world.parcels[0], "never_received") for _ in range(2))
    awarded(world, first)
    late = awarded(world, second, "Pay the customer 50 pounds for the wait", pence=5_000)
    act(world, move_scheme.adr, second, letter_due_ms=0, deadlock=True, **BY_SUPERVISOR)
    act(world, move_scheme.change_our_mind, second, **BY_SUPERVISOR)
    act(world, move_scheme.join_case, second, into=first.case, consent=True, **BY_AGENT)
    with world.refused(Conflict, "several"):
        act(world, move_case.remedied, first, reference="BACS 1", **BY_AGENT)
    act(world, move_case.promise_kept, first, promise=late.id, reference="BACS 1", **BY_AGENT)
    act(world, move_case.remedied, first, reference="BACS 2", **BY_AGENT)
    assert owed(world, first) == []


def test_what_is_chosen_after_an_award_that_is_not_done_takes_its_place(world: World) -> None:
    opened = world.dispute(world.parcels[0], "never_received")
    award = awarded(world, opened)
    act(world, move_scheme.adr, opened, letter_due_ms=0, deadlock=True, **BY_SUPERVISOR)
    act(world, move_scheme.change_our_mind, opened, **BY_SUPERVISOR)
    offered(world, opened)
    world.step(1)
    refund = choose(world, opened, "refund")
    assert owed(world, opened) == [refund]
    assert refund.amount_pence == PRICE
    assert next(one for one in promises(world, opened) if one.id == award.id).state == "void"


def test_a_second_award_takes_the_place_of_the_first_one_that_is_not_done(world: World) -> None:
    opened = world.dispute(world.parcels[0], "never_received")
    awarded(world, opened)
    second = awarded(world, opened, "Pay the price and 50 pounds for the wait", pence=PRICE + 5_000)
    assert owed(world, opened) == [second]
    assert f"It takes the place of what we promised before. That is: {THE_PRICE}." in told(world, opened)
    act(world, move_case.remedied, opened, reference="BACS 1", **BY_AGENT)
    assert [one.id for one in promises(world, opened) if one.state == "kept"] == [second.id]


def test_an_award_in_as_many_words_as_may_be_is_followed_by_a_second_one(world: World) -> None:
    opened = world.dispute(world.parcels[0], "never_received")
    awarded(world, opened, "Pay the customer the price of the phone and tell them that you are sorry")
    second = awarded(world, opened, "Pay the customer 50 pounds for the wait", pence=5_000)
    assert owed(world, opened) == [second]


@pytest.mark.parametrize("more", [0, 5_000])
def test_a_price_that_an_award_gave_back_is_not_given_back_again(world: World, more: int) -> None:
    opened = world.dispute(world.parcels[0], "never_received")
    awarded(world, opened, pence=PRICE + more)
    paid_and_not_fixed(world, opened)
    assert offered(world, opened) == ["refund"]
    with world.refused(Conflict, "paid"):
        choose(world, opened, "refund")


@pytest.mark.parametrize(("award", "pence", "left"), [(THE_PRICE, 20_000, PRICE - 20_000), ("Say sorry", None, PRICE)])
def test_of_an_award_its_sum_counts_in_what_is_left_and_one_without_a_sum_does_not(
    world: World, award: str, pence: int | None, left: int
) -> None:
    opened = world.dispute(world.parcels[0], "never_received")
    awarded(world, opened, award, pence=pence)
    paid_and_not_fixed(world, opened)
    assert "replacement" in offered(world, opened)
    world.step(1)
    assert choose(world, opened, "refund").amount_pence == left


def test_an_award_whose_payment_came_back_counts_once(world: World) -> None:
    opened = world.dispute(world.parcels[0], "never_received")
    paid = awarded(world, opened, pence=20_000)
    paid_and_not_fixed(world, opened)
    act(world, payment_came_back, opened, promise=paid.id, reference="RETURN 1", **BY_AGENT)
    offered(world, opened)
    world.step(1)
    refund = choose(world, opened, "refund")
    assert (owed(world, opened), refund.amount_pence) == ([refund], PRICE)


def test_an_award_of_one_report_counts_in_another_one_of_its_order(world: World) -> None:
    first, second = (world.dispute(world.parcels[0], "never_received") for _ in range(2))
    awarded(world, first, pence=20_000)
    assert choose(world, second, "refund").amount_pence == PRICE - 20_000


def test_before_a_yes_the_customer_and_staff_read_what_it_takes_the_place_of(world: World) -> None:
    opened = world.dispute(world.parcels[0], "never_received")
    act(world, move_case.choose, opened, remedy="replacement", payout=None, actor="customer")
    act(world, move_scheme.adr, opened, letter_due_ms=0, deadlock=True, **BY_SUPERVISOR)
    in_state(world, opened, "with_adr")
    decision: dict[str, Any] = {"award": "Pay 50 pounds for the wait", "award_pence": 5_000, "reference": "S-1"}
    act(world, move_scheme.scheme_decides, opened, **decision, **BY_SUPERVISOR)
    before = "If you say yes, it takes the place of what we promised you before. That is: a new phone sent to you."
    assert told(world, opened).count(before) == 1
    with world.house.read() as session:
        shown = case_view(session, case_book.read(session, opened.case))["decision"]
    assert shown == {
        "award": "Pay 50 pounds for the wait",
        "award_pence": 5_000,
        "instead_of": ["a new phone sent to you"],
        "beside": [],
    }
    act(world, move_scheme.reject_decision, opened, actor="customer", locks_settled=True)
    assert [one.what for one in owed(world, opened)] == ["a new phone sent to you"]
    with world.house.read() as session:
        assert case_view(session, case_book.read(session, opened.case))["decision"] is None


@pytest.mark.parametrize("award", ["Your money back.", "A new phone sent to you"])
def test_an_award_in_the_words_of_a_remedy_puts_the_order_right_also_once_its_case_is_erased(
    world: World, award: str
) -> None:
    stranger, mine = by_the_box(world), world.dispute(world.parcels[0], "damaged")
    choose(world, stranger, "refund")
    awarded(world, mine, award, pence=None)
    act(world, move_case.remedied, mine, reference="BACS 1", **BY_AGENT)
    act(world, move_case.confirm, mine, actor="customer", locks_settled=True)
    with world.house.unit() as unit:
        erase(unit, mine.case, reason="asked", actor="supervisor-1", holds=lambda *_: [])
    act(world, sweep_case, stranger, asked=CASES)
    assert owed(world, stranger) == []


@pytest.mark.parametrize("award", ["Your money back.", "your money back"])
@pytest.mark.parametrize("paid", [False, True])
def test_an_award_of_the_price_in_words_alone_is_the_price_whatever_letter_it_begins_with(
    world: World, award: str, *, paid: bool
) -> None:
    first, second = (world.dispute(world.parcels[0], "damaged") for _ in range(2))
    awarded(world, first, award, pence=None)
    if paid:
        act(world, move_case.remedied, first, reference="BACS 1", **BY_AGENT)
    with world.refused(Conflict, "paid"):
        choose(world, second, "refund")


@pytest.mark.parametrize("award", ["Part of the price back", "part of the price back"])
def test_an_award_of_part_of_the_price_without_a_sum_takes_nothing_from_what_is_left(world: World, award: str) -> None:
    first, second = (world.dispute(world.parcels[0], "damaged") for _ in range(2))
    awarded(world, first, award, pence=None)
    assert choose(world, second, "refund").amount_pence == PRICE


def test_money_that_came_back_in_a_report_that_names_the_order_is_paid_again_whatever_another_one_gives(
    world: World,
) -> None:
    first, second = (world.dispute(world.parcels[0], kind) for kind in ("missing_accessory", "damaged"))
    terms = move_case.OfferTerms(price_reduction_pence=2_000)
    act(world, move_case.classify_and_offer, first, claim_type="missing_accessory", terms=terms, **BY_AGENT)
    paid = choose(world, first, "price_reduction")
    act(world, move_case.remedied, first, reference="BACS 1", **BY_AGENT)
    world.step(1)
    act(world, move_case.choose, second, remedy="replacement", payout=None, actor="customer")
    act(world, payment_came_back, first, promise=paid.id, reference="RETURN 1", **BY_AGENT)
    assert [one.amount_pence for one in owed(world, first)] == [2_000]


FOR_THE_WAIT = "Pay the customer 50 pounds for the wait"


def test_an_award_beside_the_remedy_takes_the_place_of_nothing_and_each_is_done_by_its_own_word(world: World) -> None:
    opened = world.dispute(world.parcels[0], "never_received")
    phone = choose_phone(world, opened)
    award = awarded(world, opened, FOR_THE_WAIT, pence=5_000, beside=True)
    assert owed(world, opened) == [phone, award]
    assert f"That is: {phone.what}. If you say no, that stays promised too." in told(world, opened)
    with world.refused(Conflict, "several"):
        act(world, move_case.remedied, opened, reference="JJD 1", **BY_AGENT)
    act(world, move_case.promise_kept, opened, promise=award.id, reference="BACS 1", **BY_AGENT)
    assert world.case(opened).case.state == "remedy_in_progress"
    act(world, move_case.promise_kept, opened, promise=phone.id, reference="JJD 1", **BY_AGENT)
    assert world.case(opened).case.state == "remedied"


def test_a_sum_for_the_wait_takes_nothing_from_the_price(world: World) -> None:
    opened = world.dispute(world.parcels[0], "never_received")
    refund = choose(world, opened, "refund")
    award = awarded(world, opened, FOR_THE_WAIT, pence=5_000, beside=True)
    assert [one.amount_pence for one in owed(world, opened)] == [PRICE, 5_000]
    act(world, move_case.promise_kept, opened, promise=refund.id, reference="BACS 1", **BY_AGENT)
    act(world, payment_came_back, opened, promise=refund.id, reference="RETURN 1", **BY_AGENT)
    assert sorted(one.amount_pence or 0 for one in owed(world, opened)) == [5_000, PRICE]
    act(world, move_scheme.adr, opened, letter_due_ms=0, deadlock=True, **BY_SUPERVISOR)
    act(world, move_scheme.change_our_mind, opened, **BY_SUPERVISOR)
    offered(world, opened)
    world.step(1)
    phone = choose_phone(world, opened)
    assert owed(world, opened) == [phone, award], "a later choice does not take its place either"


def test_a_decision_stands_beside_nothing_where_nothing_was_promised(world: World) -> None:
    opened = world.dispute(world.parcels[0], "never_received")
    act(world, move_scheme.adr, opened, letter_due_ms=0, deadlock=True, **BY_SUPERVISOR)
    in_state(world, opened, "with_adr")
    decision: dict[str, Any] = {"award": FOR_THE_WAIT, "award_pence": 5_000, "reference": "S-1", "beside": True}
    with world.refused(Conflict, "nothing_beside"):
        act(world, move_scheme.scheme_decides, opened, **decision, **BY_SUPERVISOR)


def choose_phone(world: World, opened: Opened) -> Promise:
    act(world, move_case.choose, opened, remedy="replacement", payout=None, actor="customer")
    return max(promises(world, opened), key=lambda promise: promise.made_ms)
