"""Stories of a sum that somebody else promised for an order whose box was reported too: the price is given once."""

from typing import Any

import pytest

from custody.disputes.machine import CaseRole
from custody.disputes.promise import is_owed
from custody.usecases import move_case
from tests.stories.case_steps import act
from tests.stories.lock_steps import told
from tests.stories.test_one_remedy import PRICE, by_the_box, choose, come_back, pay, promises
from tests.stories.test_outside_promises import days_pass, holds, tell
from tests.stories.test_promises import round_of_cases
from tests.world import World
from tests.world_parts import Opened

LESS = "So less comes for it here"


def withdraw(world: World, opened: Opened) -> None:
    act(world, move_case.withdraw, opened, actor="customer", locks_settled=True)


def owed(world: World, opened: Opened) -> list[int | None]:
    """The sums that are still to be given in a case."""
    return [each.amount_pence for each in promises(world, opened).values() if is_owed(each)]


@pytest.mark.parametrize("pence", [50_000, PRICE])
def test_a_sum_told_for_the_order_leaves_to_a_report_by_its_box_what_is_left_of_the_price(
    world: World, pence: int
) -> None:
    stranger, mine = by_the_box(world), world.dispute(world.parcels[0], "damaged")
    assert choose(world, stranger, "refund").amount_pence == PRICE
    tell(world, mine, "money for the trouble", amount_pence=pence)
    days_pass(world)
    left = [PRICE - pence] if pence < PRICE else []
    assert (owed(world, mine), owed(world, stranger)) == ([pence], left)
    assert (LESS in told(world, stranger)) is bool(left)
    round_of_cases(world)
    assert (owed(world, mine), owed(world, stranger)) == ([pence], left), "the timer promises nothing more"
    holds(world, stranger)


def test_what_was_lowered_is_the_whole_again_once_the_other_report_is_taken_back(world: World) -> None:
    stranger, mine = by_the_box(world), world.dispute(world.parcels[0], "damaged")
    assert choose(world, stranger, "refund").amount_pence == PRICE
    for pence in (20_000, 30_000):
        tell(world, mine, f"money for the trouble {'again' * (pence == 30_000)}", amount_pence=pence)
        days_pass(world)
    assert owed(world, stranger) == [PRICE - 50_000]
    withdraw(world, mine)
    assert (owed(world, mine), owed(world, stranger)) == ([], [PRICE])
    assert "So what we promised you stands again." in told(world, stranger)
    round_of_cases(world)
    assert owed(world, stranger) == [PRICE]
    holds(world, stranger)


def test_what_was_lowered_stays_so_while_the_sum_that_lowered_it_is_paid(world: World) -> None:
    stranger, mine = by_the_box(world), world.dispute(world.parcels[0], "damaged")
    choose(world, stranger, "refund")
    tell(world, mine, "money for the trouble", amount_pence=50_000)
    days_pass(world)
    (sum_told,) = [one for one in promises(world, mine).values() if one.amount_pence == 50_000]
    kept: dict[str, Any] = {"promise": sum_told.id, "reference": "PAY-1", "actor": "agent-1"}
    act(world, move_case.promise_kept, mine, role=CaseRole.AGENT, **kept)
    withdraw(world, mine)
    assert owed(world, stranger) == [PRICE - 50_000]


def test_a_sum_told_for_the_order_takes_nothing_that_fits_beside_it(world: World) -> None:
    stranger, mine = by_the_box(world), world.dispute(world.parcels[0], "damaged")
    tell(world, stranger, "£30 for the wait", amount_pence=3_000)
    tell(world, mine, "£20 for the wait", amount_pence=2_000)
    days_pass(world)
    assert (owed(world, mine), owed(world, stranger)) == ([2_000], [3_000])
    assert LESS not in told(world, stranger)


def test_a_sum_told_by_the_box_takes_nothing_from_what_the_customer_of_the_order_was_promised(world: World) -> None:
    stranger, mine = by_the_box(world), world.dispute(world.parcels[0], "damaged")
    choose(world, mine, "refund")
    tell(world, stranger, "£30 for the wait", amount_pence=3_000)
    days_pass(world)
    assert (owed(world, mine), owed(world, stranger)) == ([PRICE], [])


def test_a_payment_by_the_box_that_came_back_is_owed_as_far_as_a_sum_told_for_the_order_leaves_it(world: World) -> None:
    stranger, mine = by_the_box(world), world.dispute(world.parcels[0], "damaged")
    refund = choose(world, stranger, "refund")
    pay(world, stranger)
    tell(world, mine, "money for the trouble", amount_pence=50_000)
    come_back(world, stranger, refund.id)
    assert owed(world, stranger) == [PRICE]
    days_pass(world)
    assert (owed(world, mine), owed(world, stranger)) == ([50_000], [PRICE - 50_000])
    holds(world, stranger)
