"""Stories of needs that are learned after the report: they hold from then on, and the log names none of them."""

from typing import Any

import msgspec
import pytest

from custody.disputes.machine import CaseRole
from custody.disputes.remedy import Extra, Needs
from custody.kernel.clock import DAY_MS
from custody.kernel.errors import Conflict, Forbidden, Rejected
from custody.store import case_book
from custody.usecases import decline_case, learn_facts, move_case
from devicelock.store import LockOrderRow
from tests.stories.case_steps import DECIDER, PROPOSER, SEEN, SUPERVISOR, act, not_put_right
from tests.stories.lock_steps import ask, lines_of, told
from tests.world import World
from tests.world_parts import Opened

NEED = "calls in the morning, since she hears badly"


def learn(world: World, opened: Opened, *needs: str) -> None:
    world.kept.secrets += [need.strip().encode() for need in needs if need.strip()]
    act(world, learn_facts.support_needs, opened, needs=needs, actor="agent-1")


def refused_once_the_need_is_known(world: World) -> tuple[Opened, LockOrderRow]:
    """A case, and its lock that two people wait on."""
    world.withdraw_authority()
    world.handset(world.parcels[0])
    opened = world.dispute(world.parcels[0], "never_received")
    order = ask(world, "agent-1", dispute=opened.case)
    learn(world, opened, NEED)
    with world.refused(Forbidden, "lock_refused"):
        world.approve(order.id, "supervisor-1")
    return opened, order


def test_a_lock_that_was_asked_for_before_the_need_was_known_is_approved_by_no_one_but_a_specialist(
    world: World,
) -> None:
    _, order = refused_once_the_need_is_known(world)
    assert world.order(order.id).state == "requested"


def take_out(world: World, opened: Opened, *needs: str) -> None:
    act(world, learn_facts.need_mistaken, opened, needs=needs, actor="supervisor-1", role=CaseRole.SUPERVISOR)


def test_a_lock_that_two_people_wait_on_is_approved_as_before_once_the_need_is_taken_out(world: World) -> None:
    opened, order = refused_once_the_need_is_known(world)
    take_out(world, opened, NEED)
    assert "It was written down by mistake, and we took it out." in told(world, opened)
    world.approve(order.id, "supervisor-1")
    assert world.order(order.id).state != "requested"


def test_a_lock_that_waits_for_a_person_waits_on_once_the_need_is_taken_out(
    world: World,
) -> None:
    world.handset(world.parcels[0])
    opened = world.dispute(world.parcels[0], "never_received", support_needs=(NEED,))
    assert opened.order.state == "requested"
    take_out(world, opened, NEED)
    assert world.order(opened.order.id).state == "requested", "nobody is locked by a need that is gone"
    with world.refused(Forbidden, "role"):
        act(world, learn_facts.need_mistaken, opened, needs=[NEED], actor="agent-1", role=CaseRole.AGENT)
    with pytest.raises(Rejected):
        take_out(world, opened, NEED)
    world.approve(opened.order.id, "supervisor-1")
    assert world.order(opened.order.id).state != "requested"


@pytest.mark.parametrize("known", [True, False])
def test_a_lock_is_confirmed_by_a_specialist_once_a_need_is_known(world: World, *, known: bool) -> None:
    opened, _ = world.locked_elsewhere()
    if known:
        learn(world, opened, NEED)
    world.confirm(opened, "investigator-1")
    if known:
        with world.refused(Forbidden, "lock_refused"):
            world.confirm(opened, "supervisor-1")
    else:
        world.confirm(opened, "supervisor-1")
    assert world.order(opened.order.id).state == ("active_provisional" if known else "active_confirmed")


def test_a_need_stands_in_the_case_and_its_line_says_how_many_and_none_of_them(world: World) -> None:
    opened = world.dispute(world.parcels[0], "never_received", support_needs=("large print",))
    learn(world, opened, " large print ", NEED, "")
    assert world.case(opened).case.support_needs == ("large print", NEED)
    (line,) = lines_of(world, opened, "support_needs")
    assert line["added"] == 1
    assert NEED not in msgspec.json.encode(line).decode()
    with world.house.read() as session:
        before = case_book.version(session, opened.case)
    learn(world, opened, NEED)
    with world.house.read() as session:
        assert case_book.version(session, opened.case) == before, "what is known already changes nothing"


def test_nothing_is_a_need_without_words_nor_learned_of_a_case_that_is_over(world: World) -> None:
    opened = world.dispute(world.parcels[0], "defective")
    with world.refused(Rejected, "support_needs"):
        act(world, learn_facts.support_needs, opened, needs=["  "], actor="agent-1")
    act(world, move_case.withdraw, opened, actor="customer", locks_settled=True)
    with world.refused(Conflict, "move"):
        learn(world, opened, NEED)


def test_a_hearing_that_goes_on_gets_the_days_of_a_supported_one_and_its_customer_is_told(world: World) -> None:
    opened = world.dispute(world.parcels[0], "never_received")
    not_put_right(world, opened)
    proposed = act(world, decline_case.propose_decline, opened, findings=(SEEN,), **PROPOSER)
    world.step(3 * DAY_MS)
    learn(world, opened, NEED)
    file = world.case(opened)
    assert proposed.hearing_due_ms is not None
    assert file.hearing_due_ms == proposed.hearing_due_ms + 10 * DAY_MS
    assert [clock.due_ms for clock in file.work_clocks if clock.key == "hearing_days"] == [file.hearing_due_ms]
    assert "You have more time to tell us your side" in told(world, opened)
    world.step(9 * DAY_MS)
    with world.refused(Conflict, "guard"):
        act(world, decline_case.decline, opened, why="Seen.", heard=False, actor=SUPERVISOR, **DECIDER)
    learn(world, opened, "a letter too")
    assert world.case(opened).hearing_due_ms == file.hearing_due_ms, "it is made longer once"


def test_a_customer_who_turns_out_to_be_without_a_phone_is_promised_one_within_a_day_and_once(world: World) -> None:
    opened = world.dispute(world.parcels[0], "never_received")
    without: dict[str, Any] = {"needs": Needs(has_working_phone=False, benefit_lost=True), "actor": "agent-1"}
    file = act(world, learn_facts.needs, opened, **without)
    assert file.offer is not None
    assert {Extra.LOAN_PHONE, Extra.BENEFIT_RESTORED} <= set(file.offer.extras)
    act(world, learn_facts.needs, opened, **without)
    with world.house.read() as session:
        promises = case_book.promises(session, opened.case)
    assert sorted(one.what for one in promises) == ["a phone on loan", "what you lost switched on again"]
    assert {one.due_ms - one.made_ms for one in promises} == {DAY_MS}
    assert told(world, opened).count("a phone on loan") == 1
    with world.refused(Rejected, "needs"):
        act(world, learn_facts.needs, opened, needs=Needs(has_working_phone=True), actor="agent-1")
