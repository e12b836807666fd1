"""Stories of several reports of one order: it is put right once, and nobody is left without a way on."""

from dataclasses import replace
from typing import Any

import pytest

from api.customer_troubles import in_their_words
from api.views import case_view
from custody.disputes.claim import ClaimType
from custody.disputes.machine import CaseRole
from custody.disputes.messages import alternatives
from custody.disputes.order import OrderFacts
from custody.disputes.promise import Promise
from custody.disputes.wording import lint_text
from custody.kernel.clock import DAY_MS
from custody.kernel.errors import Conflict, Rejected
from custody.store import case_book
from custody.usecases import move_case, move_scheme, pay_credit
from custody.usecases.came_back import payment_came_back
from custody.usecases.sweep_promises import sweep_promises
from tests.stories.case_steps import act
from tests.stories.lock_steps import told
from tests.world import World
from tests.world_parts import Opened

PRICE = 89_900
BY_AGENT: dict[str, Any] = {"actor": "agent-1", "role": CaseRole.AGENT}
BY_SUPERVISOR: dict[str, Any] = {"actor": "supervisor-1", "role": CaseRole.SUPERVISOR}


def choose(world: World, opened: Opened, remedy: str) -> Promise:
    """The customer chooses; returns the promise."""
    payout = "bank_transfer" if remedy == "refund" else None
    with world.house.unit() as unit:
        _, chosen = move_case.choose(unit, opened.case, remedy=remedy, payout=payout, actor="customer")
    return chosen.promise


def refused(world: World, opened: Opened, remedy: str) -> Conflict:
    """A choice that is refused in words that a customer may read."""
    with pytest.raises(Conflict) as caught:
        choose(world, opened, remedy)
    lint_text(f"{caught.value.detail}. {caught.value.fix}")
    return caught.value


def promises(world: World, opened: Opened) -> dict[str, Promise]:
    """The promises of a case by their id."""
    with world.house.read() as session:
        return {promise.id: promise for promise in case_book.promises(session, opened.case)}


def offered(world: World, opened: Opened) -> list[str]:
    """What is on offer."""
    offer = world.case(opened).offer
    assert offer is not None
    return [str(option.remedy) for option in offer.options]


def pay(world: World, opened: Opened) -> None:
    act(world, move_case.remedied, opened, reference="BACS 1", **BY_AGENT)


def come_back(world: World, opened: Opened, promise: str) -> None:
    act(world, payment_came_back, opened, promise=promise, reference="RETURN 1", **BY_AGENT)


def withdraw(world: World, opened: Opened) -> None:
    act(world, move_case.withdraw, opened, actor="customer", locks_settled=True)


@pytest.mark.parametrize("reached", ["promised", "paid"])
def test_two_reports_of_one_order_give_the_price_back_once(world: World, reached: str) -> None:
    first, second = (world.dispute(world.parcels[0], "damaged") for _ in range(2))
    assert choose(world, first, "refund").amount_pence == PRICE
    if reached == "paid":
        pay(world, first)
    assert refused(world, second, "refund").code == "paid"
    assert refused(world, second, "replacement").code == "paid"
    third = world.dispute(world.parcels[0], "damaged")
    assert offered(world, third) == ["refund"]
    assert "The whole price was promised or paid back to you." in told(world, third)


def test_part_of_the_price_in_one_report_leaves_the_rest_for_the_other(world: World) -> None:
    first, second = (world.dispute(world.parcels[0], kind) for kind in ("missing_accessory", "damaged"))
    act(
        world,
        move_case.classify_and_offer,
        first,
        claim_type="missing_accessory",
        terms=move_case.OfferTerms(price_reduction_pence=2_000),
        **BY_AGENT,
    )
    act(world, move_case.choose, first, remedy="price_reduction", payout="cheque", actor="customer")
    assert choose(world, second, "refund").amount_pence == PRICE - 2_000


def test_a_report_that_was_taken_back_or_joined_holds_nothing_back(world: World) -> None:
    first, second, third = (world.dispute(world.parcels[0], "damaged") for _ in range(3))
    withdraw(world, first)
    choose(world, second, "refund")
    pay(world, second)
    world.step(1)
    act(world, move_case.not_fixed, second, actor="customer")
    act(world, move_scheme.join_case, second, into=third.case, consent=False, **BY_AGENT)
    assert refused(world, third, "refund").code == "paid"
    fourth = world.dispute(world.parcels[0], "damaged")
    assert offered(world, fourth) == ["refund"]


def test_money_that_came_back_in_one_report_is_not_promised_in_another_one_too(world: World) -> None:
    first, second = (world.dispute(world.parcels[0], "damaged") for _ in range(2))
    promise = choose(world, first, "refund")
    pay(world, first)
    come_back(world, first, promise.id)
    assert refused(world, second, "refund").code == "paid"


def test_while_a_phone_is_on_its_way_nothing_else_is_promised_beside_it(world: World) -> None:
    first, second = (world.dispute(world.parcels[0], "never_received") for _ in range(2))
    choose(world, first, "replacement")
    for remedy in ("replacement", "refund"):
        said = refused(world, second, remedy)
        assert said.code == "on_its_way"
        assert "another report" in said.detail
    act(world, move_case.remedied, first, reference="JJD 1", **BY_AGENT)
    assert choose(world, second, "refund").amount_pence == PRICE, "a new phone may fail as well"


def test_a_report_by_whoever_holds_the_box_keeps_the_customer_from_nothing(world: World) -> None:
    stranger = world.dispute(None, "damaged", item=world.parcels[0].unit.imei, order=order_of(world))
    assert not world.case(stranger).order_named
    choose(world, stranger, "refund")
    mine = world.dispute(world.parcels[0], "damaged")
    assert offered(world, mine) == ["refund", "replacement"]
    assert choose(world, mine, "replacement").amount_pence is None
    later = world.dispute(None, "damaged", item=world.parcels[0].unit.imei, order=order_of(world))
    assert refused(world, later, "refund").code == "on_its_way"


def test_what_was_paid_in_a_report_that_named_no_order_counts_as_money(world: World) -> None:
    first = world.dispute(None, "damaged", item=world.parcels[0].unit.imei, order=order_of(world))
    choose(world, first, "refund")
    pay(world, first)
    second = world.dispute(world.parcels[0], "damaged")
    assert offered(world, second) == ["replacement"]
    choose(world, second, "replacement")


def test_an_order_that_nobody_knows_is_not_one_order(world: World) -> None:
    first, second = (world.dispute(None, "damaged", order=OrderFacts(order_ref="none")) for _ in range(2))
    choose(world, first, "refund")
    choose(world, second, "refund")


def test_after_the_whole_price_no_phone_is_offered_and_the_customer_reads_why(world: World) -> None:
    opened = world.dispute(world.parcels[0], "never_received")
    choose(world, opened, "refund")
    pay(world, opened)
    world.step(1)
    act(world, move_case.not_fixed, opened, actor="customer")
    act(world, move_case.offer_again, opened, claim_type=None, **BY_AGENT)
    assert offered(world, opened) == ["refund"]
    assert "Has it not reached you? Tell us" in told(world, opened)
    assert "pay again what came back" in refused(world, opened, "refund").fix


@pytest.mark.parametrize("kind", ["defective", "missing_accessory", "customer_damage", "leaver_locked"])
def test_after_the_whole_price_something_is_still_offered_for_every_kind(world: World, kind: str) -> None:
    choose(world, world.dispute(world.parcels[0], "damaged"), "refund")
    left = offered(world, world.dispute(world.parcels[0], kind))
    assert left
    assert not {"replacement", "advance_swap", "repair"} & set(left)


def test_money_that_came_back_can_be_chosen_again_and_the_case_goes_on(world: World) -> None:
    opened = world.dispute(world.parcels[0], "returned_not_credited")
    first = choose(world, opened, "refund")
    pay(world, opened)
    world.step(1)
    act(world, move_case.not_fixed, opened, actor="customer")
    come_back(world, opened, first.id)
    act(world, move_case.offer_again, opened, claim_type=None, **BY_AGENT)
    assert choose(world, opened, "refund").amount_pence == PRICE
    assert "You changed your mind" not in told(world, opened)
    pay(world, opened)
    assert act(world, move_case.confirm, opened, actor="customer", locks_settled=True).case.state == "closed"
    assert [promise.state for promise in promises(world, opened).values()].count("void") == 1


@pytest.mark.parametrize("days", [0, 7])
@pytest.mark.parametrize(("before", "after"), [("replacement", "refund"), ("refund", "replacement")])
def test_a_choice_takes_the_place_of_the_one_before_it(world: World, before: str, after: str, days: int) -> None:
    opened = world.dispute(world.parcels[0], "damaged")
    first, late = choose(world, opened, before), days > 0
    if late:
        world.step(days * DAY_MS)
        with world.house.unit() as unit:
            assert sweep_promises(unit)
        with world.house.unit() as unit:
            sweep_promises(unit)
    act(world, move_scheme.adr, opened, letter_due_ms=0, deadlock=True, **BY_SUPERVISOR)
    act(world, move_scheme.change_our_mind, opened, **BY_SUPERVISOR)
    act(world, move_case.offer_again, opened, claim_type=None, **BY_AGENT)
    assert offered(world, opened) == ["refund", "replacement"]
    second = choose(world, opened, after)
    assert second.amount_pence == (PRICE if after == "refund" else None)
    owed = world.case(opened).unpaid_credit_pence
    assert bool(owed) is late
    pay(world, opened)
    held = promises(world, opened)
    assert held[second.id].state == "kept"
    assert held[first.id].state == ("missed" if late else "void")
    assert held[first.id].replaced is late
    assert f"Done at last: {first.what}" not in told(world, opened)
    if late:
        act(world, pay_credit.credit_paid, opened, reference="BACS 9", actor="agent-1", role=CaseRole.AGENT)
    assert act(world, move_case.confirm, opened, actor="customer", locks_settled=True).case.state == "closed"


def order_of(world: World) -> OrderFacts:
    """The order as the seller's record has it."""
    return replace(world.case(world.dispute(world.parcels[0], None)).order)


@pytest.mark.parametrize("days", [0, 30])
def test_money_that_came_back_in_a_report_that_was_taken_back_is_owed_there_and_nowhere_else(
    world: World, days: int
) -> None:
    first, second = (world.dispute(world.parcels[0], "damaged") for _ in range(2))
    promise = choose(world, first, "refund")
    pay(world, first)
    world.step(1)
    act(world, move_case.not_fixed, first, actor="customer")
    withdraw(world, first)
    come_back(world, first, promise.id)
    world.step(days * DAY_MS)
    with world.house.unit() as unit:
        sweep_promises(unit)
    again = next(one for one in promises(world, first).values() if one.id != promise.id)
    assert again.state == ("missed" if days else "made")
    assert refused(world, second, "refund").code == "paid"
    third = world.dispute(world.parcels[0], "damaged")
    assert offered(world, third) == ["refund"]


def test_what_was_late_when_a_report_was_taken_back_is_not_paid_after_it_was_opened_again(world: World) -> None:
    first, second = (world.dispute(world.parcels[0], "damaged") for _ in range(2))
    promise = choose(world, first, "refund")
    act(world, move_scheme.adr, first, letter_due_ms=0, deadlock=True, **BY_SUPERVISOR)
    world.step(7 * DAY_MS)
    act(world, move_scheme.change_our_mind, first, **BY_SUPERVISOR)
    withdraw(world, first)
    assert promises(world, first)[promise.id].replaced
    assert choose(world, second, "refund").amount_pence == PRICE
    act(world, move_case.reopen, first, actor="customer", role=CaseRole.CUSTOMER)
    with world.refused(Rejected, "promise"):
        act(world, move_case.promise_kept, first, promise=promise.id, reference="BACS 3", **BY_SUPERVISOR)


def by_the_box(world: World) -> Opened:
    """A report that names what stands on the box and not the order."""
    return world.dispute(None, "damaged", item=world.parcels[0].unit.imei, order=order_of(world))


@pytest.mark.parametrize("remedy", ["refund", "replacement"])
def test_what_was_promised_by_the_box_is_set_aside_when_the_customer_of_the_order_chooses(
    world: World, remedy: str
) -> None:
    stranger, mine = by_the_box(world), world.dispute(world.parcels[0], "damaged")
    promised = choose(world, stranger, "refund")
    choose(world, mine, remedy)
    aside = promises(world, stranger)[promised.id]
    assert (aside.state, aside.set_aside) == ("void", True)
    assert "We put this order right by way of another report" in told(world, stranger)
    with world.refused(Conflict, "set_aside"):
        pay(world, stranger)
    pay(world, mine)
    pay(world, stranger)
    assert world.case(stranger).case.state == "remedied"
    assert not [one for one in promises(world, stranger).values() if one.state == "kept" and one.amount_pence]


def test_what_was_late_by_the_box_keeps_what_it_earned_and_earns_no_more(world: World) -> None:
    stranger, mine = by_the_box(world), world.dispute(world.parcels[0], "damaged")
    promised = choose(world, stranger, "refund")
    world.clock.at_ms = promised.due_ms + DAY_MS
    choose(world, mine, "replacement")
    owed = world.case(stranger).unpaid_credit_pence
    assert owed > 0
    world.clock.at_ms += 9 * DAY_MS
    with world.house.unit() as unit:
        sweep_promises(unit)
    aside = promises(world, stranger)[promised.id]
    assert (aside.state, aside.replaced, aside.set_aside) == ("missed", True, True)
    assert world.case(stranger).unpaid_credit_pence == owed


def test_money_that_came_back_by_the_box_is_not_paid_again_once_the_order_was_put_right(world: World) -> None:
    stranger, mine = by_the_box(world), world.dispute(world.parcels[0], "damaged")
    paid = choose(world, stranger, "refund")
    pay(world, stranger)
    choose(world, mine, "replacement")
    come_back(world, stranger, paid.id)
    assert [one.came_back for one in promises(world, stranger).values() if one.amount_pence] == [True]
    assert "We put this order right by way of another report" in told(world, stranger)


def test_what_helps_with_neither_phone_nor_money_sets_nothing_aside(world: World) -> None:
    stranger, mine = by_the_box(world), world.dispute(world.parcels[0], "missing_accessory")
    promised = choose(world, stranger, "refund")
    act(world, move_case.choose, mine, remedy="accessory", payout=None, actor="customer")
    assert promises(world, stranger)[promised.id] == promised


def status(world: World, opened: Opened) -> str:
    """What the customer reads of where their case stands, on the page, in JSON and on the command line."""
    with world.house.read() as session:
        words = str(case_view(session, case_book.read(session, opened.case))["status"])
    lint_text(words)
    return words


@pytest.mark.parametrize("days", [0, 7])
def test_the_status_of_a_report_that_was_set_aside_says_so_and_what_can_be_done(world: World, days: int) -> None:
    stranger, mine = by_the_box(world), world.dispute(world.parcels[0], "damaged")
    choose(world, stranger, "refund")
    assert "on its way" in status(world, stranger)
    world.step(days * DAY_MS)
    choose(world, mine, "replacement")
    said = status(world, stranger)
    assert "on its way" not in said
    for part in ("by way of another report", "Call us", "I do not agree", "independent body"):
        assert part in said
    assert "on its way" in status(world, mine)
    act(world, move_scheme.adr, stranger, letter_due_ms=0, deadlock=True, **BY_SUPERVISOR)
    act(world, move_scheme.change_our_mind, stranger, **BY_SUPERVISOR)
    assert "another report" not in status(world, stranger), "it is looked at again"


def test_what_cannot_be_done_in_a_report_that_was_set_aside_is_said_with_what_is_true_of_it(world: World) -> None:
    stranger, mine = by_the_box(world), world.dispute(world.parcels[0], "damaged")
    choose(world, stranger, "refund")
    choose(world, mine, "replacement")
    with pytest.raises(Conflict) as caught:
        choose(world, stranger, "refund")
    said = in_their_words(caught.value, status(world, stranger))
    assert "on its way" not in said.detail
    assert "by way of another report" in said.detail


def test_money_that_came_back_by_the_box_and_is_not_paid_again_is_shown_as_set_aside(world: World) -> None:
    stranger, mine = by_the_box(world), world.dispute(world.parcels[0], "damaged")
    paid = choose(world, stranger, "refund")
    pay(world, stranger)
    choose(world, mine, "replacement")
    come_back(world, stranger, paid.id)
    held = promises(world, stranger)[paid.id]
    assert (held.came_back, held.set_aside) == (True, True), "nobody pays it again"


@pytest.mark.parametrize("kind", ClaimType)
def test_the_status_of_an_offer_names_what_can_be_chosen_and_nothing_else(world: World, kind: str) -> None:
    opened = world.dispute(world.parcels[0], kind)
    offer = world.case(opened).offer
    assert offer is not None
    options = alternatives(tuple(option.words for option in offer.options))
    assert status(world, opened) == f"Choose: {options}."
