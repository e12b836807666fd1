"""The simulated world: seeded, calibrated for its own oracle, and close to what the joint inference needs."""

from dataclasses import replace

import numpy as np
import pytest

from custody.investigation.docket import split
from custody.investigation.infer import run
from custody.investigation.params import Params
from custody.investigation.result import Inference
from simulators.fleet.metrics import Tally, calibration_error, score
from simulators.fleet.network import make_network
from simulators.fleet.oracle import oracle_posterior, true_params
from simulators.fleet.setting import WORLDS
from simulators.fleet.world import World, make_world


def test_the_network_has_its_people_and_places() -> None:
    network = make_network()
    assert len(network.handler_names) == 414
    assert len(network.site_names) == 62


def test_the_same_seed_is_the_same_world() -> None:
    small = replace(WORLDS["base"], parcels=5_000)
    one, two = make_world(small, 3), make_world(small, 3)
    assert one.disputes == two.disputes
    assert one.fleet == two.fleet
    assert make_world(small, 4).disputes != one.disputes


def test_the_oracle_expects_what_happens() -> None:
    expected, happened = np.zeros(9), np.zeros(9)
    for seed in range(4):
        world = make_world(replace(WORLDS["base"], parcels=50_000), 100 + seed)
        docket, posterior = oracle_posterior(world)
        seg, rest = split(posterior, docket.width)
        fake = np.where(docket.fake, seg[:, 2], 0.0).sum()
        by_kind = seg.sum(axis=(0, 2))
        expected += [*by_kind[:2], by_kind[2] - fake, fake, *by_kind[3:], *rest.sum(axis=0)]
        happened += np.bincount(world.kind, minlength=9)
    assert np.abs(expected - happened).max() < 4 * np.sqrt(happened.max())
    for kind in range(9):
        assert abs(expected[kind] - happened[kind]) <= 4 * np.sqrt(happened[kind] + 1) + 3


def test_joint_inference_lies_between_guessing_and_the_oracle(base_world: World, base_result: Inference) -> None:
    joint = score(base_world, base_result.docket, base_result.posterior)
    oracle = score(base_world, *oracle_posterior(base_world))
    tally, best = Tally(), Tally()
    tally.add(joint)
    best.add(oracle)
    told, ideal = tally.report(), best.report()
    assert told["log_loss"] < 1.25
    assert ideal["log_loss"] < told["log_loss"]
    assert told["top1"] > 0.55
    assert told["top3"] >= told["top1"]
    assert told["theft_top1"] > 0.75


def test_true_numbers_are_never_relearned(base_world: World) -> None:
    known = true_params(base_world)
    assert run(base_world.fleet, base_world.disputes, known).params == known


def test_hotspots_are_counted_against_the_truth(base_world: World, base_result: Inference) -> None:
    tally = Tally()
    tally.add(score(base_world, base_result.docket, base_result.posterior))
    tally.spots(base_world, base_result, 0.10, 0.0, "q10")
    assert tally.counts["q10_hot"] == len(base_world.truth.thieves) + len(base_world.truth.rings)
    assert tally.counts["q10_true"] <= tally.counts["q10_flags"]


def test_perfect_confidence_that_is_always_right_has_no_calibration_error() -> None:
    assert calibration_error(np.ones(10), np.ones(10, dtype=bool)) == 0.0
    assert calibration_error(np.full(10, 0.5), np.ones(10, dtype=bool)) == pytest.approx(0.5)


def test_worlds_without_thieves_have_none() -> None:
    world = make_world(replace(WORLDS["nothief_cluster20"], parcels=20_000), 1)
    assert len(world.truth.thieves) == len(world.truth.rings) == 0
    assert world.truth.route_factor.max() > 10
    assert run(world.fleet, world.disputes, Params()).handler_belief.hot.max() < 0.9
