"""Naming and wording: when a link is named, and that nobody is judged by words."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from custody.investigation.checks import next_checks, usual_checks
from custody.investigation.explain import explain
from custody.investigation.infer import judge_alone, run
from custody.investigation.naming import NamingOutcome, Unmet, case_alone, name, naming_rules, without_behaviour
from custody.investigation.params import Params
from custody.investigation.passage import NO_HISTORY, Complaint, Dispute
from custody.investigation.percent import percent
from custody.investigation.result import Inference
from custody.investigation.wording import HISTORY_CARRIES, HONEST, NEVER, NOTHING_UNUSUAL, answers, state
from simulators.fleet.small import SmallWorld, small_world
from simulators.fleet.world import World

Build = Callable[..., Dispute]


@pytest.fixture(scope="module")
def small() -> SmallWorld:
    return small_world(0)


@pytest.fixture(scope="module")
def result(small: SmallWorld) -> Inference:
    return run(small.fleet, small.disputes, small.params)


def lines(result: Inference, dispute_id: str) -> tuple[str, ...]:
    judged = result.judgement(dispute_id)
    said = state(
        judged,
        name(judged, naming_rules(result)),
        explanation=explain(judged),
        checks=next_checks(judged, usual_checks(judged)),
    )
    return said.lines()


def test_no_line_judges_anybody(result: Inference, base_result: Inference) -> None:
    for told in (result, base_result):
        for dispute in told.disputes[:40]:
            text = " ".join(lines(told, dispute.id)).lower()
            assert not [word for word in NEVER if word in text]
            assert HONEST in text


def test_every_answer_has_a_second_and_third_possibility_and_three_shares(result: Inference) -> None:
    for dispute in result.disputes:
        judged = result.judgement(dispute.id)
        said = state(judged, name(judged, naming_rules(result)))
        assert len(said.possibilities) == 3
        assert [share.text for share in said.shares] == ["in our process", "after hand-over", "not in our data"]


@pytest.mark.parametrize(
    ("chance", "text"),
    [(0.0, "under 1 %"), (0.004, "under 1 %"), (0.014, "1 %"), (0.62, "62 %"), (0.994, "99 %"), (0.996, "over 99 %"),
     (1.0, "over 99 %")],
)  # fmt: skip
def test_no_answer_is_nought_or_a_hundred_per_cent(chance: float, text: str) -> None:
    assert percent(chance) == text


def test_a_link_is_named_by_the_places_on_both_sides(result: Inference, small: SmallWorld) -> None:
    stolen, place = next(iter(small.stolen.items()))
    judged = result.judgement(stolen)
    assert answers(judged)[place].startswith("between sorting at hub-a and the depot at depot-")
    assert answers(judged)[6].endswith("and delivery")


def test_a_link_shown_by_many_disputes_is_named_and_the_reader_told_what_carries_it(
    result: Inference, small: SmallWorld
) -> None:
    rules = naming_rules(result)
    named = [stolen for stolen in small.stolen if name(result.judgement(stolen), rules).link_named]
    assert len(named) >= 0.7 * len(small.stolen)
    assert any(HISTORY_CARRIES in lines(result, stolen) for stolen in named)


def test_history_alone_never_names_a_person(result: Inference) -> None:
    rules = naming_rules(result)
    for dispute in result.disputes:
        judged = result.judgement(dispute.id)
        naming = name(judged, rules)
        if naming.person_named:
            assert naming.link_named
            assert naming.case >= 0.2
            assert naming.charged >= 2.5
        assert naming.case == pytest.approx(case_alone(judged).theft[naming.segment])


def test_behaviour_alone_never_names_a_link(result: Inference) -> None:
    rules = naming_rules(result)
    for dispute in result.disputes:
        judged = result.judgement(dispute.id)
        naming = name(judged, rules)
        assert naming.physical == pytest.approx(without_behaviour(judged).theft[naming.segment])
        assert not naming.link_named or min(naming.physical / 0.5, naming.theft / 0.8, naming.exact / 0.8) >= 1


def test_nothing_is_named_without_caps(small: SmallWorld) -> None:
    result = run(small.fleet, small.disputes, replace(small.params, caps=False))
    rules = naming_rules(result)
    assert not any(name(result.judgement(item.id), rules).link_named for item in small.disputes)


def test_below_the_line_the_reader_learns_what_is_missing(dispute: Build) -> None:
    result = run(NO_HISTORY, [dispute(complaint=Complaint.NOT_ARRIVED)])
    judged = result.judgement("d1")
    naming = name(judged, naming_rules(result))
    assert naming.verdict in (NamingOutcome.NEEDS_CHECK, NamingOutcome.UNRESOLVED)
    said = state(judged, naming, checks=next_checks(judged, usual_checks(judged)))
    assert said.not_known
    assert said.next_check.startswith("Next: ")


@pytest.mark.parametrize(("chance", "told"), [(0.7999, "just under 80 %"), (0.794, "79 %"), (0.001, "under 1 %")])
def test_what_falls_short_of_a_rule_is_never_said_to_reach_it(dispute: Build, chance: float, told: str) -> None:
    judged = judge_alone(dispute(complaint=Complaint.NOT_ARRIVED))
    naming = name(judged, naming_rules(run(NO_HISTORY, [judged.dispute])))
    unmet = Unmet(rule="probability of theft in this link", figure=chance, wanted=0.8)
    (said,) = state(judged, replace(naming, against_link=(unmet,))).not_known
    assert said == f"Not enough for naming a link: {unmet.rule} is {told}, 80 % is needed."


def test_naming_asks_for_the_figures_of_the_rules(dispute: Build, base_result: Inference) -> None:
    plain = dispute(complaint=Complaint.NOT_ARRIVED)
    nobody = tuple(replace(segment, handler=None) for segment in plain.segments)
    result = run(NO_HISTORY, [replace(plain, segments=nobody)], Params(caps=False))
    naming = name(result.judgement("d1"), naming_rules(result))
    assert {rule.rule: rule.wanted for rule in naming.against_person} == {
        "probability of theft in this link": 0.8,
        "probability by physical evidence": 0.5,
        "probability after the exact check": 0.8,
        "caps on what evidence may say": 1.0,
        "a known custodian": 1.0,
        "probability by this case's own evidence": 0.2,
        "disputes charged": 2.5,
        "probability that this custodian is hot": 0.8,
    }
    judged = base_result.judgement(base_result.disputes[0].id)
    assert case_alone(judged).hazard == pytest.approx(4 * judged.cold_hazard)


def test_nothing_unusual_is_said_as_such(dispute: Build) -> None:
    judged = judge_alone(
        dispute(complaint=Complaint.NOT_ARRIVED, attach_ms=45 * 3_600_000, attach_region="south"),
        Params(intact_share=0.2),
    )
    naming = name(judged, naming_rules(run(NO_HISTORY, [judged.dispute])))
    said = state(judged, naming)
    assert judged.leader() == 10
    assert said.headline.startswith(NOTHING_UNUSUAL.capitalize())


def test_the_exact_check_can_withhold_a_name(base_world: World, base_result: Inference) -> None:
    rules = naming_rules(base_result)
    doubted = replace(rules, checks={cause: replace(check, exact=0.05) for cause, check in rules.checks.items()})
    sure = [item.id for item in base_result.disputes if name(base_result.judgement(item.id), rules).link_named]
    kept = [item for item in sure if name(base_result.judgement(item), doubted).link_named]
    assert sure
    assert len(kept) < len(sure)
    assert len(base_world.disputes) == len(base_result.disputes)


@pytest.mark.parametrize(
    ("shares", "told"),
    [
        (
            {0: 0.4, 5: 0.4},
            "Two answers are as likely: between packing at warehouse and the dock at warehouse, and between",
        ),
        (
            {0: 0.3, 5: 0.3, 10: 0.3},
            "3 answers are as likely, as between packing at warehouse and the dock at warehouse",
        ),
        ({0: 0.41, 5: 0.4}, "Most likely between packing at warehouse and the dock at warehouse (41 %)"),
    ],
)
def test_one_of_several_equals_is_not_called_the_likeliest(dispute: Build, shares: dict[int, float], told: str) -> None:
    judged = judge_alone(dispute(complaint=Complaint.NOT_ARRIVED))
    kinds, rest = np.zeros_like(judged.kinds), np.zeros_like(judged.rest)
    for column, share in shares.items():
        (kinds[3] if column < 8 else rest)[column % 8] = share
    naming = name(judged, naming_rules(run(NO_HISTORY, [judged.dispute])))
    headline = state(replace(judged, kinds=kinds, rest=rest), naming).headline
    assert headline.startswith(told)
    assert ("Most likely" in headline) == (len(set(shares.values())) > 1)
    assert headline.endswith(HONEST + ".")


def test_of_two_rounds_it_is_said_which_one_is_meant(dispute: Build) -> None:
    back = dispute(steps=("dock", "linehaul", "depot", "courier", "depot", "courier", "courier"))
    words = answers(judge_alone(back))
    assert words[3] == "between the courier's round at depot (the first time) and the depot at depot (the second time)"
    assert words[5] == (
        "between the courier's round at depot (the second time) and the courier's round at depot (the third time)"
    )
    assert words[0] == "between the dock at warehouse and linehaul at road", "who had it once is named as ever"
    assert len(set(words)) == len(words)


def test_a_place_that_a_parcel_came_back_to_over_and_over_is_told_by_number(dispute: Build) -> None:
    words = answers(judge_alone(dispute(steps=("depot", "courier") * 11)))
    assert words[19].endswith("and the depot at depot (time 11)")
    assert "(the tenth time)" in words[19]
