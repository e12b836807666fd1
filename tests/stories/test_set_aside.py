"""Stories of a report by the box: what it was promised is set aside wherever it stands, for as long as that holds."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from custody.disputes.promise import Promise, is_owed
from custody.kernel.clock import DAY_MS
from custody.store import case_book
from custody.usecases import decline_case, move_case, move_scheme
from tests.stories.case_steps import DECIDER, PROPOSER, SEEN, SUPERVISOR, act, in_state
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
    withdraw,
)
from tests.stories.test_promises import round_of_cases
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
    act(world, move_scheme.join_case, stranger, into=other.case, consent=True, **BY_AGENT)
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
    act(world, move_scheme.join_case, stranger, into=other.case, consent=True, **BY_AGENT)
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
    act(world, move_scheme.join_case, second, into=other.case, consent=True, **BY_AGENT)
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


def taken_back(world: World, mine: Opened) -> None:
    looked_at_again(world, mine)
    withdraw(world, mine)


def found(world: World, mine: Opened) -> None:
    looked_at_again(world, mine)
    act(world, move_case.found_it, mine, actor="customer", locks_settled=True)


def something_less(world: World, mine: Opened) -> None:
    looked_at_again(world, mine)
    act(world, move_case.offer_again, mine, claim_type="missing_accessory", **BY_AGENT)
    world.step(1)
    act(world, move_case.choose, mine, remedy="accessory", payout=None, actor="customer")


def decided_otherwise(world: World, mine: Opened) -> None:
    awarded(world, mine, "Say sorry", pence=None)


ENDS = [taken_back, found, something_less, decided_otherwise]


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("remedy", ["refund", "replacement"])
@pytest.mark.parametrize("days", [0, 9])
def test_what_was_set_aside_is_promised_again_once_the_report_that_names_the_order_gives_nothing(
    world: World, end: Callable[[World, Opened], None], remedy: str, days: int
) -> None:
    stranger, mine = by_the_box(world), world.dispute(world.parcels[0], "damaged")
    before = choose(world, stranger, remedy)
    world.step(days * DAY_MS)
    choose(world, mine, "refund")
    assert "another report" in status(world, stranger)
    world.step(1)
    end(world, mine)
    (again,) = [one for one in owed(world, stranger, mine) if one.case_id == stranger.case]
    assert (again.what, again.amount_pence, again.method) == (before.what, before.amount_pence, before.method)
    assert again.due_ms > world.clock.at_ms
    assert "another report" not in status(world, stranger)
    assert "what we promised you stands again" in told(world, stranger)
    pay(world, stranger)
    assert world.case(stranger).case.state == "remedied"


def test_what_stood_again_is_set_aside_again_and_stands_again_once(world: World) -> None:
    stranger = by_the_box(world)
    choose(world, stranger, "refund")
    for _ in range(2):
        mine = world.dispute(world.parcels[0], "damaged")
        choose(world, mine, "refund")
        taken_back(world, mine)
        assert [one.amount_pence for one in owed(world, stranger, mine)] == [PRICE]


def test_money_that_came_back_by_the_box_is_paid_again_once_the_report_that_names_the_order_gives_nothing(
    world: World,
) -> None:
    stranger, mine = by_the_box(world), world.dispute(world.parcels[0], "damaged")
    paid = choose(world, stranger, "refund")
    pay(world, stranger)
    choose(world, mine, "replacement")
    act(world, move_case.confirm, stranger, actor="customer", locks_settled=True)
    come_back(world, stranger, paid.id)
    taken_back(world, mine)
    (again,) = owed(world, stranger, mine)
    assert (again.what, again.amount_pence) == (paid.what, PRICE)


def test_nothing_stands_again_while_another_report_puts_the_order_right_or_a_remedy_can_be_chosen(
    world: World,
) -> None:
    stranger, mine, more = by_the_box(world), *(world.dispute(world.parcels[0], "damaged") for _ in range(2))
    choose(world, stranger, "refund")
    choose(world, mine, "replacement")
    pay(world, mine)
    refund = choose(world, more, "refund")
    looked_at_again(world, more)
    withdraw(world, more)
    assert promises(world, more)[refund.id].state == "void"
    assert owed(world, stranger) == [], "a phone has come"
    free = by_the_box(world)
    assert status(world, free).startswith("Choose")


def test_what_was_set_aside_in_a_joined_report_stands_again_there(world: World) -> None:
    stranger, mine = by_the_box(world), world.dispute(world.parcels[0], "damaged")
    theirs = choose(world, stranger, "refund")
    looked_at_again(world, stranger)
    other = joined_into_another_order(world, stranger)
    choose(world, mine, "refund")
    taken_back(world, mine)
    (again,) = owed(world, stranger, mine, other)
    assert (again.case_id, again.order_ref, again.what) == (other.case, world.parcels[0].order, theirs.what)


def test_the_timer_promises_again_what_was_set_aside_in_a_report_that_was_joined_once_nothing_else_put_its_order_right(
    world: World,
) -> None:
    stranger, mine = by_the_box(world), world.dispute(world.parcels[0], "damaged")
    theirs = choose(world, stranger, "refund")
    looked_at_again(world, stranger)
    choose(world, mine, "refund")
    taken_back(world, mine)
    assert owed(world, stranger, mine) == [], "a remedy can be chosen"
    other = joined_into_another_order(world, stranger)
    round_of_cases(world)
    (again,) = owed(world, stranger, mine, other)
    assert (again.case_id, again.order_ref, again.what) == (other.case, world.parcels[0].order, theirs.what)
    assert "what we promised you stands again" in told(world, other)
    assert round_of_cases(world) == 0


def test_the_timer_promises_again_what_an_older_version_left_aside(world: World) -> None:
    stranger = by_the_box(world)
    before = choose(world, stranger, "refund")
    with world.house.unit() as unit:
        case_book.put_promise(unit, replace(before, state="void", set_aside=True))
    assert "another report" in status(world, stranger)
    round_of_cases(world)
    assert [one.what for one in owed(world, stranger)] == [before.what]
    assert "another report" not in status(world, stranger)
    assert round_of_cases(world) == 0


def decides(world: World, opened: Opened) -> None:
    """The scheme decided, and the customer has not answered yet."""
    act(world, move_scheme.adr, opened, letter_due_ms=0, deadlock=True, **BY_SUPERVISOR)
    in_state(world, opened, "with_adr")
    act(world, move_scheme.scheme_decides, opened, award="Say sorry", reference="S-1", **BY_SUPERVISOR)


@pytest.mark.parametrize("closed_before", [True, False])
def test_what_stays_owed_in_a_case_that_a_no_to_the_scheme_closed_stands_again_too(
    world: World,
    closed_before: bool,  # noqa: FBT001 - pytest hands it over by its name
) -> None:
    stranger, mine = by_the_box(world), world.dispute(world.parcels[0], "damaged")
    before = choose(world, stranger, "refund")
    decides(world, stranger)
    steps: list[Callable[[], object]] = [
        lambda: act(world, move_scheme.reject_decision, stranger, actor="customer", locks_settled=True),
        lambda: choose(world, mine, "refund"),
    ]
    for move in steps if closed_before else reversed(steps):
        move()
    taken_back(world, mine)
    (again,) = owed(world, stranger, mine)
    assert (again.case_id, again.what, again.amount_pence) == (stranger.case, before.what, before.amount_pence)


def test_what_was_set_aside_in_a_report_that_two_people_declined_since_is_not_promised_again_by_the_timer(
    world: World,
) -> None:
    stranger, mine = by_the_box(world), world.dispute(world.parcels[0], "damaged")
    choose(world, stranger, "refund")
    choose(world, mine, "refund")
    looked_at_again(world, stranger)
    taken_back(world, mine)
    act(world, decline_case.propose_decline, stranger, findings=(SEEN,), **PROPOSER)
    world.step(60 * DAY_MS)
    act(world, decline_case.decline, stranger, why="Seen.", heard=False, actor=SUPERVISOR, **DECIDER)
    round_of_cases(world)
    assert owed(world, stranger) == []


def test_what_was_owed_in_a_declined_report_before_it_was_set_aside_stands_again(world: World) -> None:
    stranger, mine = by_the_box(world), world.dispute(world.parcels[0], "damaged")
    before = choose(world, stranger, "refund")
    looked_at_again(world, stranger)
    act(world, decline_case.propose_decline, stranger, findings=(SEEN,), **PROPOSER)
    world.step(60 * DAY_MS)
    act(world, decline_case.decline, stranger, why="Seen.", heard=False, actor=SUPERVISOR, **DECIDER)
    choose(world, mine, "refund")
    taken_back(world, mine)
    assert [one.what for one in owed(world, stranger)] == [before.what], "a no takes back nothing that was promised"


def test_what_a_scheme_decided_in_a_report_by_the_box_is_paid_again_if_it_came_back_whatever_was_given_elsewhere(
    world: World,
) -> None:
    stranger, mine = by_the_box(world), world.dispute(world.parcels[0], "damaged")
    paid = awarded(world, stranger, pence=PRICE)
    pay(world, stranger)
    phone = choose(world, mine, "replacement")
    come_back(world, stranger, paid.id)
    assert not promises(world, stranger)[paid.id].set_aside
    (again,) = [one for one in owed(world, stranger, mine) if one.id != phone.id]
    assert (again.what, again.amount_pence) == (THE_PRICE, PRICE)


def test_what_another_report_was_given_before_does_not_keep_money_from_being_paid_again(world: World) -> None:
    mine = world.dispute(world.parcels[0], "damaged")
    choose(world, mine, "replacement")
    pay(world, mine)
    world.step(1)
    stranger = by_the_box(world)
    paid = choose(world, stranger, "refund")
    pay(world, stranger)
    come_back(world, stranger, paid.id)
    assert not promises(world, stranger)[paid.id].set_aside
    assert [one.amount_pence for one in owed(world, stranger)] == [PRICE], "nothing has put it right since"


def test_what_was_given_before_does_not_keep_from_standing_again_what_was_set_aside_later(world: World) -> None:
    first = world.dispute(world.parcels[0], "damaged")
    choose(world, first, "replacement")
    pay(world, first)
    world.step(1)
    stranger, mine = by_the_box(world), world.dispute(world.parcels[0], "damaged")
    before = choose(world, stranger, "refund")
    choose(world, mine, "refund")
    assert promises(world, stranger)[before.id].set_aside
    taken_back(world, mine)
    assert [one.amount_pence for one in owed(world, stranger)] == [PRICE]
