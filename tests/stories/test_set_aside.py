"""Stories of a report by the box: what it was promised is set aside wherever it stands, for as long as that holds."""

import pytest

from custody.disputes.promise import Promise, is_owed
from custody.usecases import move_case, move_scheme
from tests.stories.case_steps import act
from tests.stories.lock_steps import told
from tests.stories.test_awards import THE_PRICE, awarded
from tests.stories.test_one_remedy import (
    BY_AGENT,
    BY_SUPERVISOR,
    PRICE,
    by_the_box,
    choose,
    come_back,
    pay,
    promises,
    refused,
    status,
)
from tests.world import World
from tests.world_parts import Opened


def owed(world: World, *cases: Opened) -> list[Promise]:
    """What is still to be done in these cases."""
    return [promise for opened in cases for promise in promises(world, opened).values() if is_owed(promise)]


def looked_at_again(world: World, opened: Opened) -> None:
    """The case went to the letter and came back: a remedy can be chosen, or the report joined."""
    act(world, move_scheme.adr, opened, letter_due_ms=0, deadlock=True, **BY_SUPERVISOR)
    act(world, move_scheme.change_our_mind, opened, **BY_SUPERVISOR)


def joined_into_another_order(world: World, stranger: Opened) -> Opened:
    """A report by the box was joined into a case of another order, which goes on; returns that one."""
    other = world.dispute(world.parcels[1], "damaged")
    act(world, move_scheme.merge, stranger, into=other.case, consent=True, **BY_AGENT)
    return other


def test_what_was_promised_by_the_box_is_set_aside_in_the_case_that_it_was_joined_into(world: World) -> None:
    stranger, mine = by_the_box(world), world.dispute(world.parcels[0], "damaged")
    theirs = choose(world, stranger, "refund")
    looked_at_again(world, stranger)
    other = joined_into_another_order(world, stranger)
    refund = choose(world, mine, "refund")
    assert owed(world, stranger, mine, other) == [refund]
    assert promises(world, other)[theirs.id].set_aside
    assert "another report" in told(world, other)
    world.step(1)
    own = choose(world, other, "replacement")
    assert owed(world, other) == [own]
    assert "on its way" in status(world, other), "its own order is put right by its own report"


def test_what_is_set_aside_for_another_order_says_nothing_of_the_remedy_of_the_case(world: World) -> None:
    other, stranger, mine = (
        world.dispute(world.parcels[1], "damaged"),
        by_the_box(world),
        world.dispute(world.parcels[0], "damaged"),
    )
    own = choose(world, other, "replacement")
    world.step(1)
    choose(world, stranger, "refund")
    looked_at_again(world, stranger)
    act(world, move_scheme.merge, stranger, into=other.case, consent=True, **BY_AGENT)
    choose(world, mine, "refund")
    assert "on its way" in status(world, other)
    act(world, move_case.promise_kept, other, promise=own.id, reference="JJD 1", **BY_AGENT)
    assert world.case(other).case.state == "remedied"


def test_money_of_a_joined_report_by_the_box_that_came_back_is_not_paid_again_once_the_order_was_put_right(
    world: World,
) -> None:
    stranger, mine = by_the_box(world), world.dispute(world.parcels[0], "damaged")
    paid = choose(world, stranger, "refund")
    pay(world, stranger)
    world.step(1)
    act(world, move_case.not_fixed, stranger, actor="customer")
    other = joined_into_another_order(world, stranger)
    phone = choose(world, mine, "replacement")
    come_back(world, other, paid.id)
    assert owed(world, mine, other) == [phone]
    assert promises(world, other)[paid.id].set_aside


def test_what_two_joined_reports_were_promised_counts_once(world: World) -> None:
    first, second = by_the_box(world), by_the_box(world)
    choose(world, first, "refund")
    looked_at_again(world, first)
    other = joined_into_another_order(world, first)
    looked_at_again(world, second)
    act(world, move_scheme.merge, second, into=other.case, consent=True, **BY_AGENT)
    (paid,) = owed(world, other)
    act(world, move_case.promise_kept, other, promise=paid.id, reference="BACS 7", **BY_AGENT)
    come_back(world, other, paid.id)
    assert [one.amount_pence for one in owed(world, other)] == [PRICE], "it is no other report that was paid"


@pytest.mark.parametrize("remedy", ["refund", "replacement"])
@pytest.mark.parametrize(("award", "pence"), [(THE_PRICE, PRICE), ("Your money back.", None)])
def test_what_was_promised_by_the_box_is_set_aside_when_the_customer_of_the_order_accepts_an_award(
    world: World, remedy: str, award: str, pence: int | None
) -> None:
    stranger, mine = by_the_box(world), world.dispute(world.parcels[0], "damaged")
    theirs = choose(world, stranger, remedy)
    decided = awarded(world, mine, award, pence=pence)
    assert owed(world, stranger, mine) == [decided]
    assert promises(world, stranger)[theirs.id].set_aside
    assert "We put this order right by way of another report" in told(world, stranger)
    pay(world, mine)
    pay(world, stranger)
    assert world.case(stranger).case.state == "remedied", "it has come by way of the award"


def test_an_award_in_words_alone_or_in_a_report_by_the_box_sets_nothing_aside(world: World) -> None:
    stranger, mine = by_the_box(world), world.dispute(world.parcels[0], "damaged")
    theirs = choose(world, stranger, "refund")
    sorry = awarded(world, mine, "Say sorry", pence=None)
    assert {one.id for one in owed(world, stranger, mine)} == {theirs.id, sorry.id}
    award = awarded(world, stranger, pence=PRICE)
    assert {one.id for one in owed(world, stranger, mine)} == {award.id, sorry.id}


def test_while_a_phone_that_was_awarded_is_on_its_way_nothing_is_promised_beside_it_in_another_report(
    world: World,
) -> None:
    first, second = (world.dispute(world.parcels[0], "damaged") for _ in range(2))
    awarded(world, first, "A new phone sent to you", pence=None)
    assert refused(world, second, "refund").code == "on_its_way"
