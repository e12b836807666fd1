"""The machine-checked properties of the casework tables."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, get_args

import pytest

from custody.disputes.case import ADR_EVENT, CASE, Case, CaseState, join
from custody.disputes.exception import EXCEPTION, ExceptionState
from custody.disputes.inquiry import INVESTIGATION, InquiryState
from custody.disputes.lesson import LESSON, LessonState
from custody.disputes.machine import CaseRole, Machine
from custody.disputes.outside_promise import OUTSIDE, OutsideState
from custody.disputes.promise import PROMISE, PromiseState
from custody.kernel.errors import Fatal, Rejected

MACHINES: tuple[Machine[Any], ...] = (CASE, INVESTIGATION, PROMISE, OUTSIDE, EXCEPTION, LESSON)
BEYOND = {"adr_open", "with_adr", "adr_decided"}


def reached(machine: Machine[Any], starts: Iterable[str]) -> set[str]:
    found, todo = set(starts), list(starts)
    while todo:
        for row in machine.leaving(todo.pop()):
            if row.target not in found:
                found.add(row.target)
                todo.append(row.target)
    return found


def test_the_tables_have_the_sizes_they_are_known_by() -> None:
    sizes = [(len(machine.states), len(machine.transitions)) for machine in MACHINES]
    assert sizes == [(14, 33), (6, 9), (5, 7), (5, 4), (4, 4), (2, 1)]


@pytest.mark.parametrize(
    ("machine", "names"),
    [
        (CASE, CaseState),
        (INVESTIGATION, InquiryState),
        (PROMISE, PromiseState),
        (OUTSIDE, OutsideState),
        (EXCEPTION, ExceptionState),
        (LESSON, LessonState),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_the_type_of_a_state_has_the_states_of_its_table_and_no_other(machine: Machine[Any], names: Any) -> None:
    assert get_args(names) == tuple(machine.states)


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_property_1_each_transition_joins_declared_states_and_names_an_actor(machine: Machine[Any]) -> None:
    for row in machine.transitions:
        assert {row.source, row.target} <= set(machine.states)
        assert row.who
        assert set(row.who) <= set(CaseRole)


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_property_2_each_state_is_reachable_and_reaches_a_terminal_state(machine: Machine[Any]) -> None:
    assert reached(machine, {machine.start}) == set(machine.states)
    for state in machine.states:
        assert reached(machine, {state}) & machine.terminal


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_property_3_each_open_state_has_an_owner_and_a_clock_and_a_terminal_one_neither(machine: Machine[Any]) -> None:
    for state, facts in machine.states.items():
        has = (facts.owner is not None, facts.clock is not None)
        assert has == ((False, False) if state in machine.terminal else (True, True))


def test_property_4_every_open_case_state_reaches_the_independent_scheme_in_one_step() -> None:
    for state in set(CASE.states) - CASE.terminal - BEYOND - {"declined"}:
        row = next(row for row in CASE.leaving(state) if row.target == "adr_open")
        assert row.event == ADR_EVENT
        assert {CaseRole.CUSTOMER, CaseRole.SYSTEM} <= set(row.who)
    declined = CASE.leaving("declined")
    assert [(row.target, row.who, row.guards) for row in declined] == [("adr_open", (CaseRole.SYSTEM,), ("same_day",))]


def test_property_5_one_way_leads_to_declined_and_a_supervisor_alone_goes_it_as_a_person() -> None:
    (row,) = [row for row in CASE.transitions if row.target == "declined"]
    assert row.who == (CaseRole.SUPERVISOR,)
    assert {"human_decision", "four_eyes", "customer_heard_or_hearing_lapsed", "reasons"} <= set(row.guards)


def test_property_6_no_guard_of_the_case_mentions_the_investigation() -> None:
    for name, guard in CASE.guards.items():
        said = f"{name} {guard.means} {guard.fix}".lower()
        assert not any(word in said for word in ("investig", "weak link", "ranked", "conclu"))


def test_no_guard_of_the_investigation_mentions_the_remedy() -> None:
    for name, guard in INVESTIGATION.guards.items():
        said = f"{name} {guard.means} {guard.fix}".lower()
        assert not any(word in said for word in ("remedy", "customer", "refund", "case"))


def test_property_9_nothing_is_closed_or_withdrawn_while_a_lock_is_unsettled() -> None:
    rows = [row for row in CASE.transitions if row.target in {"closed", "withdrawn"}]
    assert len(rows) == 6
    assert all("all_locks_settled" in row.guards for row in rows)


def test_every_guard_is_defined_and_none_is_defined_without_use() -> None:
    for machine in MACHINES:
        used = {guard for row in machine.transitions for guard in row.guards}
        assert used == set(machine.guards)
        for name, guard in machine.guards.items():
            assert guard.means.strip()
            assert guard.fix.strip()
            assert (guard.holds is None) == (name == "all_locks_settled")


def test_automation_alone_can_neither_propose_nor_make_a_decline() -> None:
    for row in CASE.transitions:
        if row.target in {"decline_proposed", "declined"}:
            assert CaseRole.SYSTEM not in row.who
            assert CaseRole.AGENT not in row.who


def test_every_state_of_the_case_has_words_for_the_customer() -> None:
    assert all(facts.customer_words for facts in CASE.states.values())


def case(**changes: object) -> Case:
    facts = Case(
        id="case_1",
        state="triaged",
        claim_type="substituted",
        words="A power bank was in the box.",
        channel="shop",
        owner="desk 4",
        policy_version="00" * 32,
        opened_ms=2_000,
        first_word_ms=1_000,
    )
    return replace(facts, **changes)  # type: ignore[arg-type]  # the changes are mixed on purpose


def test_a_case_is_honest_and_owned_or_it_does_not_exist() -> None:
    assert case().presumption == "honest"
    for wrong in ({"presumption": "doubtful"}, {"owner": "  "}, {"first_word_ms": 2_001}):
        with pytest.raises(Rejected):
            case(**wrong)
    with pytest.raises(Fatal):
        case(state="frozen")


def test_joining_keeps_the_earliest_dates_and_everything_the_customer_told_us() -> None:
    later = case(
        id="case_2", opened_ms=9_000, first_word_ms=500, words="It is not here.", support_needs=("large print",)
    )
    for survivor, other in ((case(), later), (later, case())):
        joined = join(survivor, other)
        assert joined.survivor.id == survivor.id
        assert (joined.survivor.opened_ms, joined.survivor.first_word_ms) == (2_000, 500)
        assert {"A power bank was in the box.", "It is not here."} == set(joined.survivor.words.split("\n"))
        assert joined.survivor.support_needs == ("large print",)
        assert (joined.joined.state, joined.joined.joined_into) == ("merged", survivor.id)
    with pytest.raises(Rejected):
        join(case(), case())
