"""Stories of a case that is opened again: its legal clock goes on from the first report, and is told as it stands."""

from custody.disputes.machine import CaseRole
from custody.kernel.clock import DAY_MS, MINUTE_MS
from custody.usecases import move_case, move_scheme
from custody.usecases.sweep_cases import letter_ms
from tests.stories.case_steps import act
from tests.stories.lock_steps import told
from tests.stories.test_promises import round_of_cases
from tests.world import World


def test_the_letter_of_a_case_that_is_opened_again_leaves_on_the_day_that_the_first_report_of_it_set(
    world: World,
) -> None:
    first = world.dispute(None, None, words="It is wrong.")
    due_ms = letter_ms(world.case(first))
    world.step(3 * DAY_MS)
    opened = world.dispute(None, None, words="Still wrong.")
    act(world, move_scheme.join_case, first, into=opened.case, consent=True, actor="agent-1", role=CaseRole.AGENT)
    act(world, move_case.withdraw, opened, actor="customer", locks_settled=True)
    again = act(world, move_case.reopen, opened, actor="customer", role=CaseRole.CUSTOMER)
    assert letter_ms(again) == due_ms
    world.step(due_ms - MINUTE_MS - world.clock.at_ms)
    round_of_cases(world)
    assert world.case(opened).case.state == "triaged"
    world.step(MINUTE_MS)
    assert round_of_cases(world) == 1
    assert world.case(opened).case.state == "adr_open"
    assert "You may go to" in told(world, opened)


def test_a_case_that_is_opened_again_after_its_letter_was_due_has_it_at_the_next_look_and_not_while_it_was_over(
    world: World,
) -> None:
    opened = world.dispute(None, None, words="It is wrong.")
    due_ms = letter_ms(world.case(opened))
    act(world, move_case.withdraw, opened, actor="customer", locks_settled=True)
    world.step(due_ms + DAY_MS - world.clock.at_ms)
    assert round_of_cases(world) == 0
    act(world, move_case.reopen, opened, actor="customer", role=CaseRole.CUSTOMER)
    assert round_of_cases(world) == 1
    assert world.case(opened).case.state == "adr_open"
