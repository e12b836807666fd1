"""Walks every state, event and role of every table, and holds each guard back in turn."""

from itertools import product
from typing import Any

import pytest

from custody.disputes.case import CASE, CaseState
from custody.disputes.inquiry import INVESTIGATION
from custody.disputes.machine import CaseRole, Guard, Machine, StateFacts, Transition, demand, demand_role, step
from custody.disputes.promise import PROMISE
from custody.kernel.errors import Conflict, Fatal, Forbidden

MACHINES: dict[str, Machine[Any]] = {machine.name: machine for machine in (CASE, INVESTIGATION, PROMISE)}


def everything_holds(machine: Machine[Any]) -> dict[str, bool | None]:
    return {guard: True for row in machine.transitions for guard in row.guards}


def rows() -> list[tuple[Machine[Any], Transition[Any]]]:
    return [(machine, row) for machine in MACHINES.values() for row in machine.transitions]


@pytest.mark.parametrize("name", MACHINES)
def test_every_state_event_and_role_either_makes_the_move_of_the_table_or_is_refused(name: str) -> None:
    machine = MACHINES[name]
    holds = everything_holds(machine)
    events = [*{row.event: None for row in machine.transitions}, "no_such_event"]
    moves = {(row.source, row.event): row for row in machine.transitions}
    made = 0
    for state, event, role in product(machine.states, events, [*CaseRole, "passer_by"]):
        row = moves.get((state, event))
        if row is None:
            with pytest.raises(Conflict) as refused:
                step(machine, state, event, role, holds)
            assert refused.value.code == "move"
            assert refused.value.facts["possible"] == tuple(row.event for row in machine.leaving(state))
        elif role not in row.who:
            with pytest.raises(Forbidden) as forbidden:
                step(machine, state, event, role, holds)
            assert forbidden.value.facts["who"] == row.who
            assert f"the role '{role}' may not" in forbidden.value.detail
        else:
            assert step(machine, state, event, role, holds) is row
            made += 1
    assert made == sum(len(row.who) for row in machine.transitions)


@pytest.mark.parametrize(("machine", "row"), rows(), ids=lambda value: getattr(value, "event", None))
def test_each_guard_alone_holds_a_move_back_when_it_is_false_unknown_or_not_given(
    machine: Machine[Any], row: Transition[Any]
) -> None:
    for guard, value in product(row.guards, (False, None, "absent")):
        facts = everything_holds(machine)
        if value == "absent":
            del facts[guard]
        else:
            facts[guard] = bool(value) if value is not None else None
        with pytest.raises(Conflict) as held_back:
            step(machine, row.source, row.event, row.who[0], facts)
        assert held_back.value.code == "guard"
        assert held_back.value.facts["unmet"] == (guard,)
        assert ("is false" if value is False else "is not known") in held_back.value.detail
        assert held_back.value.fix == machine.guards[guard].fix


@pytest.mark.parametrize("name", MACHINES)
def test_guards_that_are_demanded_by_name_hold_back_what_is_no_move(name: str) -> None:
    machine = MACHINES[name]
    demand(machine, everything_holds(machine))
    for guard, value in product(machine.guards, (False, None)):
        with pytest.raises(Conflict) as held_back:
            demand(machine, {**everything_holds(machine), guard: value})
        assert (held_back.value.code, held_back.value.facts["unmet"]) == ("guard", (guard,))
        assert held_back.value.fix == machine.guards[guard].fix


@pytest.mark.parametrize("name", MACHINES)
def test_a_role_is_demanded_as_the_rows_of_its_event_name_it(name: str) -> None:
    machine = MACHINES[name]
    for event, role in product({row.event for row in machine.transitions}, CaseRole):
        if any(role in row.who for row in machine.transitions if row.event == event):
            demand_role(machine, event, role)
        else:
            with pytest.raises(Forbidden):
                demand_role(machine, event, role)


def test_a_truthy_value_that_is_not_true_satisfies_no_guard() -> None:
    with pytest.raises(Conflict):
        step(PROMISE, "made", "done", CaseRole.AGENT, {"proof": "yes"})  # type: ignore[dict-item]  # the misuse under test


def test_a_refused_move_changes_nothing() -> None:
    before = (CASE, dict(CASE.states), CASE.transitions)
    facts: dict[str, bool | None] = {"adr_due": None}
    state: CaseState = "reported"
    with pytest.raises(Conflict):
        state = step(CASE, state, "six_weeks_or_deadlock_or_customer_asks_at_deadline", CaseRole.SYSTEM, facts).target
    assert state == "reported"
    assert facts == {"adr_due": None}
    assert before == (CASE, dict(CASE.states), CASE.transitions)


def test_a_state_the_table_does_not_know_stops_the_service() -> None:
    with pytest.raises(Fatal):
        step(CASE, "under_suspicion", "offer", CaseRole.SYSTEM, {})  # type: ignore[misc]  # the misuse under test


def test_the_events_a_role_may_cause_are_those_that_step_lets_it_cause() -> None:
    for machine in MACHINES.values():
        holds = everything_holds(machine)
        for state, role in product(machine.states, CaseRole):
            possible = machine.possible(state, role)
            tried = []
            for row in machine.leaving(state):
                if role in row.who:
                    tried.append(step(machine, state, row.event, role, holds).event)
                else:
                    with pytest.raises(Forbidden):
                        step(machine, state, row.event, role, holds)
            assert possible == tuple(tried)


def table(**changes: object) -> Machine[str]:
    row = Transition(source="on", target="off", event="stop", who=(CaseRole.AGENT,), guards=("tired",))
    facts: dict[str, object] = {
        "name": "lamp",
        "start": "on",
        "terminal": frozenset({"off"}),
        "states": {"on": StateFacts(owner=CaseRole.AGENT, clock="x"), "off": StateFacts(owner=None, clock=None)},
        "transitions": (row,),
        "guards": {"tired": Guard(means="Tired.", fix="Wait.")},
    }
    return Machine(**{**facts, **changes})  # type: ignore[arg-type]  # the facts are mixed on purpose


def test_a_table_that_contradicts_itself_is_refused() -> None:
    row = table().transitions[0]
    nowhere = Transition(source="on", target="nowhere", event="go", who=(CaseRole.AGENT,))
    nobody = Transition(source="on", target="off", event="go", who=())
    for broken in ({"transitions": (nowhere,)}, {"transitions": (nobody,)}, {"transitions": (row, row)}):
        with pytest.raises(Fatal):
            table(**broken)
    with pytest.raises(Fatal):
        table(start="dim")
    with pytest.raises(Fatal):
        table(terminal=frozenset({"broken"}))


def test_the_order_of_refusals_is_move_then_role_then_guard() -> None:
    lamp = table()
    with pytest.raises(Conflict, match="move"):
        step(lamp, "off", "stop", "passer_by", {})
    with pytest.raises(Forbidden):
        step(lamp, "on", "stop", "passer_by", {})
    with pytest.raises(Conflict, match="guard"):
        step(lamp, "on", "stop", CaseRole.AGENT, {})
