"""Hotspots: more than the traffic explains, and never because many parcels pass."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest

from custody.investigation.count_traffic import count_traffic
from custody.investigation.exact import check_candidates, settle_overlaps
from custody.investigation.hotspots import charges, flag, hotspots, pattern, survey
from custody.investigation.infer import run
from custody.investigation.naming import name, naming_rules
from custody.investigation.passage import (
    STEPS,
    Checkpoint,
    Complaint,
    Dispute,
    Fleet,
    HandlerTraffic,
    Passes,
    Pin,
    Segment,
    Step,
)
from custody.investigation.result import Inference
from custody.kernel.clock import HOUR_MS
from simulators.fleet.small import Plan, small_world
from simulators.fleet.world import World

SITES = ("warehouse", "warehouse", "road", "hub", "hub", "depot", "depot")
HOURS = (0, 4, 7, 15, 17, 21, 29, 34)
PARCELS = 1_000.0
CREW = 6


def network(share: float, others: int) -> Fleet:
    """Every step has six equal hands, but at sorting one of them handles `share` of all parcels."""
    handlers = {}
    for step, site in zip(STEPS, SITES, strict=True):
        shares = [share, *[(1 - share) / others] * others] if step is Step.HUB_SORT else [1 / CREW] * CREW
        for number, part in enumerate(shares):
            held = PARCELS * part / 3
            handlers[f"{step}-{number}"] = HandlerTraffic(site=site, step=step, high_value=(held, held, held))
    indoor = [site for step, site in zip(STEPS, SITES, strict=True) if step is not Step.COURIER]
    return Fleet(
        parcels=int(PARCELS),
        high_value_parcels=PARCELS,
        parcels_without_pin=0.2 * PARCELS,
        handlers=handlers,
        site_shifts={(site, shift): PARCELS * indoor.count(site) / 3 for site in set(indoor) for shift in range(3)},
        site_steps={(site, step): Passes(all=PARCELS, high_value=PARCELS) for step, site in
                    zip(STEPS, SITES, strict=True)},
        regions={"warehouse": "north", "hub": "west", "depot": "south"},
        routes={f"courier-{number}": PARCELS / CREW for number in range(CREW)},
    )  # fmt: skip


def nine_disputes(others: int, seed: int) -> Iterator[Dispute]:
    """Seven of nine wrong items passed one sorter; nothing else tells where it happened."""
    random = np.random.default_rng(seed)
    for number in range(9):
        hands = [f"{step}-{random.integers(CREW)}" for step in STEPS]
        hands[4] = f"hub_sort-{0 if number < 7 else 1 + number % others}"
        yield Dispute(
            id=f"d{number}",
            high_value=True,
            start_ms=0,
            segments=tuple(
                Segment(step=step, site=site, shift=int(random.integers(3)), handler=hand)
                for step, site, hand in zip(STEPS, SITES, hands, strict=True)
            ),
            checkpoints=tuple(Checkpoint(scan_ms=hour * HOUR_MS) for hour in HOURS),
            declared_mass_g=400.0,
            item_mass_g=200.0,
            pin=Pin.VERIFIED,
            complaint=Complaint.WRONG_ITEM,
            customer_region="south",
            attach_ms=60 * HOUR_MS,
            attach_region="far away",
        )


def sorters(share: float, others: int, seed: int) -> set[str | None]:
    result = run(network(share, others), nine_disputes(others, seed))
    return {spot.handler for spot in hotspots(result)}


@pytest.mark.parametrize("seed", range(4))
def test_seven_of_nine_with_eleven_per_cent_of_the_traffic_stand_out(seed: int) -> None:
    assert sorters(0.11, 8, seed) == {"hub_sort-0"}


@pytest.mark.parametrize("seed", range(4))
def test_seven_of_nine_with_three_quarters_of_the_traffic_do_not(seed: int) -> None:
    assert sorters(0.75, 2, seed) == set()


def nameless(**same: object) -> list[Dispute]:
    """The nine disputes of a network that never says who held a parcel; `same` stands in every segment."""
    return [
        replace(each, segments=tuple(replace(segment, handler=None, **same) for segment in each.segments))
        for each in nine_disputes(8, 1)
    ]


@pytest.mark.parametrize(
    "disputes",
    [
        pytest.param(nameless(), id="seven links"),
        pytest.param(nameless(site="only"), id="one site"),
        pytest.param([replace(each, segments=each.segments[:1], checkpoints=each.checkpoints[:2])
                      for each in nameless()], id="one link"),
        pytest.param([replace(each, high_value=False) for each in nameless()], id="nothing worth stealing"),
        pytest.param([], id="no dispute"),
    ],
)  # fmt: skip
def test_where_no_scan_names_a_hand_only_places_are_surveyed_and_nobody_is_named(disputes: Sequence[Dispute]) -> None:
    result = run(count_traffic([*disputes, *nameless()], regions={}), disputes)
    assert {spot.handler for spot in survey(result)} == {None}
    rules = naming_rules(result)
    assert not any(name(result.judgement(each.id), rules).person_named for each in disputes)


def test_traffic_without_any_place_has_no_hotspots() -> None:
    assert survey(run(Fleet(parcels=3, high_value_parcels=0.0, parcels_without_pin=0.0), [])) == []


def test_a_count_stands_beside_its_traffic_by_the_golden_figures() -> None:
    small, large = pattern(7, 9, 0.11), pattern(7, 9, 0.75)
    assert small.lift == pytest.approx(7.1, abs=0.05)
    assert small.chance == pytest.approx(6e-6, rel=0.1)
    assert large.lift == pytest.approx(1.04, abs=0.005)
    assert large.chance == pytest.approx(0.60, abs=0.005)
    assert small.stands_out
    assert not large.stands_out
    assert small.lift_low < small.lift < small.lift_high


def test_no_charge_and_full_charge_have_intervals_too() -> None:
    assert pattern(0, 9, 0.5).chance == 1.0
    assert pattern(0, 0, 0.5).lift == 0.0
    assert pattern(9, 9, 0.5).lift_high == pytest.approx(2.0)


def test_the_flagged_set_is_the_largest_with_a_mean_doubt_of_at_most_q() -> None:
    hot = np.array([0.2, 0.99, 0.85, 0.7, 0.995])
    assert flag(hot, np.ones(5, dtype=bool), 0.10).tolist() == [False, True, True, False, True]
    assert flag(hot, np.ones(5, dtype=bool), 0.05).tolist() == [False, True, False, False, True]
    assert flag(hot, np.array([True, False, True, True, True]), 0.10).tolist() == [False, False, True, False, True]
    assert not flag(np.array([0.5]), np.ones(1, dtype=bool), 0.10).any()


def test_a_sure_cause_that_traffic_explains_carries_no_doubtful_one_along() -> None:
    hot = np.array([0.999, 0.999, 0.82, 0.95])
    assert flag(hot, np.array([False, False, True, True]), 0.10).tolist() == [False, False, False, True]


def test_thieves_with_several_disputed_thefts_are_found(base_world: World, base_result: Inference) -> None:
    stolen: dict[int, int] = {}
    for hands, kind, where in zip(base_world.hands, base_world.kind, base_world.where, strict=True):
        if kind <= 3:
            stolen[hands[where]] = stolen.get(hands[where], 0) + 1
    names = base_world.network.handler_names
    busy = {names[thief] for thief in base_world.truth.thieves if stolen.get(int(thief), 0) >= 4}
    found = {spot.handler for spot in hotspots(base_result)}
    assert busy
    assert busy <= found
    assert found <= {names[thief] for thief in base_world.truth.thieves}


def test_a_hotspot_is_of_a_handler_or_of_a_shift_and_acts_on_enough_disputes(base_result: Inference) -> None:
    spots = survey(base_result, least=0.05)
    assert spots
    for spot in spots:
        assert (spot.handler is None) == (spot.shift is not None)
        assert not spot.act or (spot.look and spot.pattern.charged >= 2.5)


def test_charges_never_exceed_the_thefts_believed(base_result: Inference) -> None:
    people, places = charges(base_result)
    width = base_result.docket.width
    assert people.sum() + places.sum() <= base_result.posterior[:, : 3 * width].sum() + 1e-9


def test_the_exact_check_agrees_where_nobody_overlaps(base_result: Inference) -> None:
    checks = check_candidates(base_result.settled)
    assert checks
    for check in checks.values():
        assert check.exact == pytest.approx(check.believed, abs=0.05)
        assert check.least <= check.believed


def test_two_colleagues_on_the_same_rosters_are_not_told_apart_by_messages() -> None:
    world = small_world(0, Plan(rate=0.018))
    result = run(world.fleet, world.disputes, world.params)
    hot = dict(zip(result.frame.handlers.names, result.handler_belief.hot, strict=False))
    either = hot["hub-a/hub_sort/0"] + hot["hub-a/hub_sort/1"]
    assert hot["hub-a/hub_sort/0"] < 0.8
    assert hot["hub-a/hub_sort/1"] > 0.2
    assert either > 0.8
    for check in check_candidates(result.settled).values():
        assert check.exact == pytest.approx(check.believed, abs=0.05)


def test_exact_figures_keep_every_cause_a_distribution(base_result: Inference) -> None:
    settled = settle_overlaps(base_result.settled)
    handlers, sites = settled.beliefs
    whole = handlers.every.sum(axis=1) + handlers.one.reshape(len(handlers.cold), 3, -1).sum(axis=(1, 2))
    assert whole + handlers.cold == pytest.approx(np.ones(len(handlers.cold)), abs=1e-9)
    assert sites.one.sum(axis=1) + sites.cold == pytest.approx(np.ones(len(sites.cold)), abs=1e-9)
    assert (settled.messages.total >= base_result.graph.constant).all()
