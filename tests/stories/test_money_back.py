"""Stories of money: paid once, whatever came after it; a part of the price with its sum; and what came back to us."""

from dataclasses import replace
from typing import Any

import pytest

from api.people import persons
from custody.disputes.machine import CaseRole
from custody.disputes.order import OrderFacts
from custody.disputes.promise import Promise
from custody.kernel.clock import DAY_MS, HOUR_MS
from custody.kernel.errors import Conflict, Forbidden, Rejected
from custody.store import case_book
from custody.usecases import move_case, move_scheme, pay_credit
from custody.usecases.came_back import credit_came_back, payment_came_back
from custody.usecases.move_case import OfferTerms
from tests.stories.case_steps import act, decided
from tests.stories.lock_steps import told
from tests.stories.test_promises import days_pass, round_of_cases
from tests.world import World
from tests.world_parts import Opened

PRICE = 89_900
BY_AGENT: dict[str, Any] = {"actor": "agent-1", "role": CaseRole.AGENT}


def choose(world: World, opened: Opened, remedy: str) -> Promise:
    """The customer chooses money; returns its promise, the newest."""
    act(world, move_case.choose, opened, remedy=remedy, payout="bank_transfer", actor="customer")
    return max(promises(world, opened), key=lambda promise: promise.made_ms)


def promises(world: World, opened: Opened) -> list[Promise]:
    with world.house.read() as session:
        return case_book.promises(session, opened.case)


def paid_and_not_fixed(world: World, opened: Opened, *, reference: str = "BACS 1") -> None:
    """It was paid, the customer says that it is not put right, and an agent offers again."""
    act(world, move_case.remedied, opened, reference=reference, **BY_AGENT)
    world.step(1)
    act(world, move_case.not_fixed, opened, actor="customer")


def offered(world: World, opened: Opened, **facts: Any) -> list[str]:
    """What an agent offers again."""
    file = act(world, move_case.offer_again, opened, claim_type=None, terms=OfferTerms(**facts), **BY_AGENT)
    assert file.offer is not None
    return [option.remedy for option in file.offer.options]


def test_a_price_that_was_paid_back_whole_is_not_paid_back_again(world: World) -> None:
    opened = world.dispute(world.parcels[0], "never_received")
    assert choose(world, opened, "refund").amount_pence == PRICE
    paid_and_not_fixed(world, opened)
    assert offered(world, opened) == ["refund"]
    with world.refused(Conflict, "paid"):
        choose(world, opened, "refund")


def test_where_nothing_but_money_helps_it_is_said_what_to_do_instead_of_paying_twice(world: World) -> None:
    opened = world.dispute(world.parcels[0], "returned_not_credited")
    choose(world, opened, "refund")
    paid_and_not_fixed(world, opened)
    assert offered(world, opened) == ["refund"]
    with pytest.raises(Conflict) as caught:
        choose(world, opened, "refund")
    assert caught.value.code == "paid"
    assert "pay again what came back" in caught.value.fix


def test_a_refund_of_a_price_that_nobody_knows_is_promised_once(world: World) -> None:
    known = world.case(world.dispute(world.parcels[0], "never_received")).order
    opened = world.dispute(world.parcels[0], "never_received", order=replace(known, price_pence=None))
    assert choose(world, opened, "refund").amount_pence is None
    paid_and_not_fixed(world, opened)
    assert offered(world, opened) == ["refund"]
    with world.refused(Conflict, "paid"):
        choose(world, opened, "refund")


def test_part_of_the_price_is_chosen_with_the_sum_that_was_named_and_counts_in_what_is_left(world: World) -> None:
    opened = world.dispute(world.parcels[0], "missing_accessory")
    assert "Would you rather have part of the price back?" in told(world, opened)
    with world.refused(Rejected, "remedy"):
        choose(world, opened, "price_reduction")
    named: dict[str, Any] = {"claim_type": "missing_accessory", **BY_AGENT}
    for pence in (0, -1, PRICE + 1):
        with world.refused(Rejected, "price_reduction"):
            act(world, move_case.classify_and_offer, opened, terms=OfferTerms(price_reduction_pence=pence), **named)
    act(world, move_case.classify_and_offer, opened, terms=OfferTerms(price_reduction_pence=2_000), **named)
    assert "We named the sum for part of the price back." in told(world, opened)
    assert choose(world, opened, "price_reduction").amount_pence == 2_000
    assert "We promise you part of the price back: £20." in told(world, opened)
    paid_and_not_fixed(world, opened)
    act(world, move_case.offer_again, opened, claim_type="never_received", **BY_AGENT)
    assert choose(world, opened, "refund").amount_pence == PRICE - 2_000


@pytest.mark.parametrize(
    ("claim", "order"), [("never_received", None), ("missing_accessory", OrderFacts(order_ref="SO-NO-PRICE"))]
)
def test_no_sum_is_named_for_what_is_not_on_offer_nor_without_a_price(
    world: World, claim: str, order: OrderFacts | None
) -> None:
    facts = {} if order is None else {"order": order}
    opened = world.dispute(world.parcels[0], claim, **facts)
    named: dict[str, Any] = {"claim_type": claim, "terms": OfferTerms(price_reduction_pence=100), **BY_AGENT}
    with world.refused(Rejected, "price_reduction"):
        act(world, move_case.classify_and_offer, opened, **named)


def test_money_that_came_back_to_us_is_promised_anew_and_keeps_the_case_open_until_it_is_paid(world: World) -> None:
    opened = world.dispute(world.parcels[0], "returned_not_credited")
    first = choose(world, opened, "refund")
    back: dict[str, Any] = {"promise": first.id, "reference": "RETURN 1", **BY_AGENT}
    with world.refused(Rejected, "promise"):
        act(world, payment_came_back, opened, **back)
    act(world, move_case.remedied, opened, reference="BACS 1", **BY_AGENT)
    world.step(1)
    act(world, payment_came_back, opened, **back)
    with world.refused(Rejected, "promise"):
        act(world, payment_came_back, opened, **back)
    (again,) = (promise for promise in promises(world, opened) if promise.state != "kept")
    assert again.amount_pence == PRICE
    assert "Your money came back to us" in told(world, opened)
    with world.refused(Conflict, "guard"):
        act(world, move_case.confirm, opened, actor="customer", locks_settled=True)
    act(world, move_case.promise_kept, opened, promise=again.id, reference="BACS 2", **BY_AGENT)
    assert act(world, move_case.confirm, opened, actor="customer", locks_settled=True).case.state == "closed"


def test_of_two_payments_that_are_owed_one_reference_shows_one(world: World) -> None:
    opened = world.dispute(world.parcels[0], "missing_accessory")
    named(world, opened, 2_000)
    part = choose(world, opened, "price_reduction")
    paid_and_not_fixed(world, opened)
    act(world, move_case.offer_again, opened, claim_type="wrong_item", **BY_AGENT)
    rest = choose(world, opened, "refund")
    assert rest.amount_pence == PRICE - 2_000
    act(world, payment_came_back, opened, promise=part.id, reference="RETURN 1", **BY_AGENT)
    (again,) = (one for one in promises(world, opened) if one.state != "kept" and one.id != rest.id)
    with world.refused(Conflict, "several"):
        act(world, move_case.remedied, opened, reference="BACS 2", **BY_AGENT)
    act(world, move_case.promise_kept, opened, promise=again.id, reference="BACS 3", **BY_AGENT)
    assert "Done: your money back." not in told(world, opened)
    act(world, move_case.remedied, opened, reference="BACS 2", **BY_AGENT)
    assert "Done: your money back." in told(world, opened)


@pytest.mark.parametrize("days", [0, 9])
def test_what_was_decided_takes_the_place_of_what_was_chosen_before_and_not_done(world: World, days: int) -> None:
    opened = world.dispute(world.parcels[0], "never_received")
    refund = choose(world, opened, "refund")
    world.step(days * DAY_MS)
    by: dict[str, Any] = {"actor": "supervisor-1", "role": CaseRole.SUPERVISOR}
    act(world, move_scheme.adr, opened, letter_due_ms=0, deadlock=True, **by)
    decided(world, opened, "A new phone sent to you")
    accepted = act(world, move_scheme.accept_decision, opened, actor="customer")
    assert bool(accepted.unpaid_credit_pence) == (days > 0), "what its lateness has earned stays owed"
    assert "It takes the place of what we promised before. That is: your money back." in told(world, opened)
    act(world, move_case.remedied, opened, reference="JJD 1", **BY_AGENT)
    assert "your money back. We" not in told(world, opened), "nobody sent money"
    (before,) = (one for one in promises(world, opened) if one.id == refund.id)
    assert (before.state, before.replaced) == (("missed", True) if days else ("void", False))


@pytest.mark.parametrize("role", sorted(set(CaseRole) - {CaseRole.AGENT, CaseRole.SUPERVISOR}))
def test_only_support_writes_down_what_became_of_money(world: World, role: CaseRole) -> None:
    opened = world.dispute(world.parcels[0], "damaged")
    promise = choose(world, opened, "refund")
    act(world, move_case.remedied, opened, reference="BACS 1", **BY_AGENT)
    by = {"reference": "RETURN 1", "actor": "somebody", "role": role}
    with world.refused(Forbidden, "role"):
        act(world, payment_came_back, opened, promise=promise.id, **by)
    with world.refused(Forbidden, "role"):
        act(world, pay_credit.credit_paid, opened, **by)


def test_of_a_credit_that_grew_after_it_was_paid_the_rest_stays_owed_and_what_was_paid_is_said(world: World) -> None:
    opened = world.dispute(world.parcels[0], "never_received")
    choose(world, opened, "refund")
    world.step(HOUR_MS)
    days_pass(world, 5)
    seen = world.case(opened).unpaid_credit_pence
    days_pass(world, 1)
    round_of_cases(world)
    owed = world.case(opened).unpaid_credit_pence
    assert (seen, owed) == (646, 1_292)
    for wrong in (0, -1, owed + 1):
        with world.refused(Rejected, "pence"):
            act(world, pay_credit.credit_paid, opened, reference="BACS 1", pence=wrong, **BY_AGENT)
    paid = act(world, pay_credit.credit_paid, opened, reference="BACS 1", pence=seen, **BY_AGENT)
    assert paid.unpaid_credit_pence == owed - seen
    assert "We paid you the £6.46 that we owed you." in told(world, opened)
    back = act(world, credit_came_back, opened, payment="BACS 1", reference="RETURN 1", **BY_AGENT)
    assert back.unpaid_credit_pence == owed, "what came back is what was paid"
    act(world, pay_credit.credit_paid, opened, reference="BACS 2", **BY_AGENT)
    assert "We paid you the £12.92 that we owed you." in told(world, opened)


def named(
    world: World, opened: Opened, pence: int | None, claim_type: str = "missing_accessory", **more: Any
) -> int | None:
    """An agent names a sum, or none, with the kind; the sum that is on offer then."""
    terms = OfferTerms(price_reduction_pence=pence, **more)
    file = act(world, move_case.classify_and_offer, opened, claim_type=claim_type, terms=terms, **BY_AGENT)
    assert file.offer is not None
    return next((option.amount_pence for option in file.offer.options if option.amount_pence), None)


def test_a_sum_that_was_named_is_lowered_only_with_a_reason_that_the_customer_reads(world: World) -> None:
    opened = world.dispute(world.parcels[0], "missing_accessory")
    assert named(world, opened, 2_000) == 2_000
    assert named(world, opened, 2_500) == 2_500
    for why in (None, " "):
        with world.refused(Rejected, "why"):
            named(world, opened, 2_400, why=why)
    assert named(world, opened, 2_400, why="The charger came after all.") == 2_400
    assert "We named a lower sum than before. This is why: The charger came after all." in told(world, opened)
    assert named(world, opened, 2_450) == 2_450, "what counts is the sum before this one"


def test_a_sum_that_was_named_stays_where_none_is_named_anew_and_is_not_lost_by_another_kind(world: World) -> None:
    opened = world.dispute(world.parcels[0], "missing_accessory")
    named(world, opened, 2_000)
    assert named(world, opened, None) == 2_000
    assert named(world, opened, None, claim_type="damaged", custody_words="At the door.") is None
    with world.refused(Rejected, "why"):
        named(world, opened, 1_000)
    assert named(world, opened, 2_000) == 2_000


def test_a_sum_after_the_one_that_the_customer_chose_is_another_sum(world: World) -> None:
    opened = world.dispute(world.parcels[0], "missing_accessory")
    named(world, opened, 2_000)
    choose(world, opened, "price_reduction")
    paid_and_not_fixed(world, opened)
    assert "price_reduction" in offered(world, opened, price_reduction_pence=500)


@pytest.mark.parametrize("leaves", ["before it came back", "after it"])
def test_what_came_back_in_a_closed_case_whose_owner_left_is_looked_after_by_who_works_here(
    world: World, leaves: str
) -> None:
    opened = world.dispute(world.parcels[0], "damaged")
    paid = choose(world, opened, "refund")
    act(world, move_case.remedied, opened, reference="BACS 1", **BY_AGENT)
    act(world, move_case.confirm, opened, actor="customer", locks_settled=True)
    owner = world.case(opened).case.owner
    with world.house.read() as session:
        left = [name for name in persons.agents(session) if name != owner]
    if leaves == "before it came back":
        world.dismiss(owner)
    with world.house.read() as session:
        people = persons.agents(session)
    act(
        world,
        payment_came_back,
        opened,
        promise=paid.id,
        reference="RETURN 1",
        people=people,
        **BY_AGENT,
    )
    if leaves == "after it":
        world.dismiss(owner)
        assert round_of_cases(world) == 1
    assert round_of_cases(world) == 0
    (again,) = (one for one in promises(world, opened) if one.state == "made")
    assert again.owner in (left or ["the duty team"])
    assert world.case(opened).case.owner == again.owner
    assert again.owner in told(world, opened)
