"""Stories of saying no: something observed, a hearing, reasons, and two people who are two."""

from typing import Any

import pytest

from custody.disputes.case_guards import Actor
from custody.disputes.machine import CaseRole
from custody.kernel.clock import DAY_MS
from custody.kernel.errors import Conflict, Forbidden
from custody.usecases import decline_case, move_case, move_scheme
from tests.stories.case_steps import (
    DECIDER,
    INVESTIGATOR,
    PATTERN,
    PROPOSER,
    SEEN,
    SUPERVISOR,
    act,
    not_put_right,
    speaks,
)
from tests.stories.lock_steps import lines_of
from tests.world import World


def test_a_decline_needs_something_observed_about_this_person_a_hearing_and_a_second_person(world: World) -> None:
    opened = world.dispute(world.parcels[0], "never_received")
    not_put_right(world, opened)
    for findings in ((), (PATTERN,)):
        with world.refused(Conflict, "guard"):
            act(world, decline_case.propose_decline, opened, findings=findings, **PROPOSER)
    proposed = act(world, decline_case.propose_decline, opened, findings=(SEEN, PATTERN), **PROPOSER)
    assert (proposed.case.state, proposed.case.presumption) == ("decline_proposed", "honest")
    speaks(world, opened)
    robot = Actor(key="policy", human=False)
    refusals: list[dict[str, Any]] = [
        {"why": "Seen on camera.", "heard": True, "actor": INVESTIGATOR, **DECIDER},
        {"why": "Seen on camera.", "heard": False, "actor": SUPERVISOR, **DECIDER},
        {"why": " ", "heard": True, "actor": SUPERVISOR, **DECIDER},
        {"why": "Seen on camera.", "heard": True, "actor": robot, **DECIDER},
    ]
    for facts in refusals:
        with world.refused(Conflict, "guard"):
            act(world, decline_case.decline, opened, **facts)
    assert world.case(opened) == proposed
    declined = act(world, decline_case.decline, opened, why="Seen on camera.", heard=True, actor=SUPERVISOR, **DECIDER)
    assert declined.case.state == "adr_open", "the way to the independent scheme is open in the same unit"


def test_the_hearing_may_lapse_but_not_be_skipped(world: World) -> None:
    opened = world.dispute(world.parcels[0], "never_received")
    not_put_right(world, opened)
    act(world, decline_case.propose_decline, opened, findings=(SEEN,), **PROPOSER)
    with world.refused(Conflict, "guard"):
        act(world, decline_case.decline, opened, why="Seen.", heard=False, actor=SUPERVISOR, **DECIDER)
    world.step(60 * DAY_MS)
    declined = act(world, decline_case.decline, opened, why="Seen.", heard=False, actor=SUPERVISOR, **DECIDER)
    assert declined.case.state == "adr_open"


def test_nobody_counts_as_heard_until_words_or_a_file_of_theirs_came_after_the_proposal(world: World) -> None:
    opened = world.dispute(world.parcels[0], "never_received")
    not_put_right(world, opened)
    speaks(world, opened)
    act(world, decline_case.propose_decline, opened, findings=(SEEN,), **PROPOSER)
    said: dict[str, Any] = {"why": "Seen.", "heard": True, "actor": SUPERVISOR, **DECIDER}
    with world.refused(Conflict, "unheard"):
        act(world, decline_case.decline, opened, **said)
    act(world, move_case.disagrees, opened, actor="customer")
    world.step(60 * DAY_MS)
    with world.refused(Conflict, "unheard"):
        act(world, decline_case.decline, opened, **said)
    speaks(world, opened)
    assert act(world, decline_case.decline, opened, **said).case.state == "adr_open"


@pytest.mark.parametrize("heard", [True, False])
def test_the_record_of_a_decline_says_whether_the_customer_was_heard_or_the_days_were_over(
    world: World, *, heard: bool
) -> None:
    opened = world.dispute(world.parcels[0], "never_received")
    not_put_right(world, opened)
    act(world, decline_case.propose_decline, opened, findings=(SEEN,), **PROPOSER)
    if heard:
        speaks(world, opened)
    else:
        world.step(60 * DAY_MS)
    act(world, decline_case.decline, opened, why="Seen.", heard=heard, actor=SUPERVISOR, **DECIDER)
    assert [line["heard"] for line in lines_of(world, opened, "declined")] == [heard]


@pytest.mark.parametrize("role", [role for role in CaseRole if role is not CaseRole.SUPERVISOR])
def test_only_a_supervisor_declines_or_writes_the_schemes_decision_down(world: World, role: CaseRole) -> None:
    opened = world.dispute(world.parcels[0], "never_received")
    not_put_right(world, opened)
    if role is not CaseRole.INVESTIGATOR:
        with world.refused(Forbidden, "role"):
            act(world, decline_case.propose_decline, opened, findings=(SEEN,), actor="x", role=role)
    act(world, decline_case.propose_decline, opened, findings=(SEEN,), **PROPOSER)
    with world.refused(Forbidden, "role"):
        act(world, decline_case.decline, opened, why="Seen.", heard=True, actor=SUPERVISOR, **DECIDER | {"role": role})
    with world.refused(Forbidden, "role"):
        act(world, move_scheme.scheme_decides, opened, award="A new phone", reference="S-1", actor="x", role=role)
