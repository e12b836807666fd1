"""Learning, once more by hand: every estimate of one M step from the disputes themselves, with plain sums."""

import math
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest

from custody.investigation.count_traffic import count_traffic
from custody.investigation.docket import KINDS, split
from custody.investigation.frame import Floats
from custody.investigation.infer import run
from custody.investigation.learn import Expected, Model, learn
from custody.investigation.params import Params, Source
from custody.investigation.passage import STEPS, Complaint, Dispute, Pin, SealSeen, Step
from custody.investigation.result import Inference
from custody.kernel.clock import HOUR_MS
from simulators.fleet.world import World
from tests.rooms.investigation.conftest import make_dispute

SUBSTITUTED, EMPTIED, THIRD, LOST, DAMAGED = range(KINDS)
ORIGIN, AFTER, NO_ANOMALY = range(3)
UNSEEN = make_dispute(complaint=Complaint.NOT_ARRIVED, hours={8: None}, pin=Pin.UNOBSERVED, attach_watched=False)


class Sums:
    """What the disputes of a world add up to, weighted by what is believed of them."""

    def __init__(self, world: World, result: Inference) -> None:
        seg, self.rest = split(result.posterior, result.docket.width)
        params = result.params
        self.theft: dict[Step, float] = defaultdict(float)
        self.lost: dict[tuple[str, Step], float] = defaultdict(float)
        self.damaged: dict[tuple[str, Step], float] = defaultdict(float)
        self.route: dict[str, float] = defaultdict(float)
        self.low = self.missed = self.all = self.photo = self.scanned = 0.0
        self.kinds = [0.0, 0.0, 0.0]
        self.seals = {kind: [0.0, 0.0] for kind in ("theft", "damage")}
        self.dwell: list[tuple[float, float]] = []
        for row, dispute in enumerate(result.disputes):
            if dispute.route is not None:
                self.route[dispute.route] += self.rest[row, AFTER] + self.rest[row, NO_ANOMALY]
            contents_before = damaged_before = 0.0
            for s, part in enumerate(dispute.segments):
                opens, closes = dispute.checkpoints[s], dispute.checkpoints[s + 1]
                mass = float(seg[row, :3, s].sum())
                self.all += mass
                self.theft[part.step] += mass * result.cold_hazard[row, s] / result.hazard[row, s]
                self.low += 0.0 if dispute.high_value else mass
                self.lost[part.site, part.step] += seg[row, LOST, s]
                self.damaged[part.site, part.step] += seg[row, DAMAGED, s]
                self.kinds = [held + float(seg[row, kind, s]) for kind, held in enumerate(self.kinds)]
                self.missed += mass if opens.scan_ms is None else 0.0
                if opens.scan_ms is not None and opens.photo is not None:
                    self.scanned += mass
                    self.photo += mass if opens.photo else 0.0
                contents_before += float(seg[row, SUBSTITUTED, s] + seg[row, EMPTIED, s])
                damaged_before += float(seg[row, DAMAGED, s])
                if closes.seal is not SealSeen.NOT_READ:
                    for kind, before in (("theft", contents_before), ("damage", damaged_before)):
                        self.seals[kind][0] += before if closes.seal is SealSeen.ANOMALY else 0.0
                        self.seals[kind][1] += before
                if opens.scan_ms is not None and closes.scan_ms is not None:
                    fake = s == len(dispute.segments) - 1 and part.step is Step.COURIER
                    weight = float(
                        seg[row, SUBSTITUTED, s] + seg[row, EMPTIED, s] + (seg[row, THIRD, s] if fake else 0)
                    )
                    hours = max((closes.scan_ms - opens.scan_ms) / HOUR_MS, 1e-3)
                    centre = math.log(params.dwell_median_h[STEPS.index(part.step)])
                    own = world.fleet.dwell_offset.get((part.site, part.shift), 0.0)
                    self.dwell.append((weight, math.log(hours) - centre - own))


@pytest.fixture(scope="module")
def sums(base_world: World, base_result: Inference) -> Sums:
    return Sums(base_world, base_result)


def learn_from(result: Inference, posterior: Floats) -> Model:
    return learn(
        result.docket,
        result.frame,
        Model(params=result.params, factors=result.model.factors, began=Params()),
        expected=Expected(
            posterior=posterior,
            hazard=result.hazard,
            background=result.cold_hazard,
            hot_handlers=np.array([0.5, 0.25]),
            hot_site_shifts=np.array([0.1]),
        ),
        with_area=True,
    )


@pytest.fixture(scope="module")
def learned(base_result: Inference) -> Model:
    return learn_from(base_result, base_result.posterior)


def passes(world: World) -> tuple[dict[Step, float], dict[Step, float]]:
    every, high = dict.fromkeys(STEPS, 0.0), dict.fromkeys(STEPS, 0.0)
    for (_, step), held in world.fleet.site_steps.items():
        every[step] += held.all
        high[step] += held.high_value
    return every, high


def test_rates_are_counts_over_exposure_held_near_their_start(
    base_world: World, base_result: Inference, sums: Sums, learned: Model
) -> None:
    every, high = passes(base_world)
    fleet, kappa, found = base_world.fleet, base_result.params.kappa, learned.params
    low = {step: every[step] - high[step] for step in STEPS}
    background = [(sums.theft[step] + 1) / (high[step] + kappa * low[step] + 1 / 3e-5) for step in STEPS]
    assert found.background == pytest.approx(background)
    held = sum(rate * low[step] for rate, step in zip(background, STEPS, strict=True))
    assert found.kappa == pytest.approx(min(max((sums.low + 0.2) / (held + 1), 0.02), 1.0))
    lost = {step: sum(mass for (_, at), mass in sums.lost.items() if at is step) for step in STEPS}
    damaged = {step: sum(mass for (_, at), mass in sums.damaged.items() if at is step) for step in STEPS}
    assert found.loss == pytest.approx([(lost[step] + 2) / (every[step] + 2 / 7e-5) for step in STEPS])
    assert found.damage == pytest.approx([(damaged[step] + 2) / (every[step] + 2 / 1e-4) for step in STEPS])
    total = sums.rest.sum(axis=0)
    assert found.mispick == pytest.approx((total[ORIGIN] + 1) / (fleet.parcels + 1 / 1.5e-4))
    assert found.porch == pytest.approx((total[AFTER] + 1) / (fleet.parcels_without_pin + 1 / 1.5e-3))
    intact = (total[NO_ANOMALY] + 2) / (len(base_result.disputes) + 32)
    assert found.intact_share == pytest.approx(min(intact, 0.25))


def test_never_more_than_a_quarter_of_the_disputes_is_taken_for_intact(base_result: Inference) -> None:
    posterior = np.zeros_like(base_result.posterior)
    split(posterior, base_result.docket.width)[1][:, NO_ANOMALY] = 1.0
    assert learn_from(base_result, posterior).params.intact_share == 0.25


def test_parcels_of_which_nobody_knows_a_check_count_in_how_rare_porch_theft_is() -> None:
    result = judged(UNSEEN, parcels=20_000, disputes=800)
    assert result.params.porch < 0.2
    fewer = replace(result, frame=replace(result.frame, parcels_pin_unobserved=5_000.0))
    after, pin = split(result.posterior, result.docket.width)[1][:, AFTER].sum(), result.params.pin
    porch = (after + 1) / ((1 - pin) * 5_000 + 1 / 1.5e-3)
    assert learn_from(fewer, result.posterior).params.porch == pytest.approx(porch)


def test_porch_theft_is_never_taken_for_more_than_half_of_the_hand_overs() -> None:
    result = judged(UNSEEN, parcels=1_000, disputes=900)
    known = replace(result, frame=replace(result.frame, parcels_pin_unobserved=0.0))
    posterior = np.zeros_like(result.posterior)
    split(posterior, result.docket.width)[1][:, AFTER] = 1.0
    assert learn_from(known, posterior).params.porch == 0.5


def judged(way: Dispute, *, parcels: int, disputes: int) -> Inference:
    """So many parcels went one way; some of them are disputed."""
    ways = [replace(way, id=f"p{number:05d}") for number in range(parcels)]
    return run(count_traffic(ways, regions={}), ways[:disputes], Params())


def test_shares_of_evidence_start_from_twenty_pseudo_events(sums: Sums, learned: Model) -> None:
    found, start = learned.params, Params()
    assert found.psi == pytest.approx((sums.missed + 20 * start.psi) / (sums.all + 20))
    assert found.photo_theft == pytest.approx((sums.photo + 20 * start.photo_theft) / (sums.scanned + 20))
    theta = [(mass + 20 * share) / (sums.all + 20) for mass, share in zip(sums.kinds, start.theta, strict=True)]
    assert found.theta == pytest.approx(theta)
    for kind, value, began in (
        ("theft", found.seal_theft, start.seal_theft),
        ("damage", found.seal_damage, start.seal_damage),
    ):
        seen, read = sums.seals[kind]
        assert value == pytest.approx((seen + 20 * began) / (read + 20))
    weight = sum(mass for mass, _ in sums.dwell) + 20
    shift = (sum(mass * excess for mass, excess in sums.dwell) + 20 * start.dwell_shift) / weight
    square = sum(mass * (excess - shift) ** 2 for mass, excess in sums.dwell) + 20 * start.dwell_theft_sd**2
    assert found.dwell_shift == pytest.approx(shift)
    assert found.dwell_theft_sd == pytest.approx(math.sqrt(square / weight))


def test_the_share_of_hot_causes_is_held_by_two_hundred(learned: Model) -> None:
    start = Params()
    assert learned.params.hot_handlers == pytest.approx((0.75 + 200 * start.hot_handlers) / 202)
    assert learned.params.hot_site_shifts == pytest.approx((0.1 + 200 * start.hot_site_shifts) / 201)
    assert learned.params.source("hot_handlers") is Source.LEARNED


def test_factors_of_places_and_routes_are_shrunk_by_three(
    base_world: World, base_result: Inference, sums: Sums, learned: Model
) -> None:
    frame, fleet = base_result.frame, base_world.fleet
    for name, counted, rates in (
        ("loss", sums.lost, learned.params.loss),
        ("damage", sums.damaged, learned.params.damage),
    ):
        factor = getattr(learned.factors, name)
        assert factor[-1] == 1.0
        for (site, step), held in fleet.site_steps.items():
            expected = held.all * rates[STEPS.index(step)]
            wanted = (counted[site, step] + 3) / (expected + 3)
            assert factor[frame.site_steps.of((site, step))] == pytest.approx(wanted)
    total = sums.rest[:, [AFTER, NO_ANOMALY]].sum()
    for route, count in fleet.routes.items():
        wanted = (sums.route[route] + 3) / (count / fleet.parcels * total + 3)
        assert learned.factors.area[frame.routes.of(route)] == pytest.approx(wanted)


def test_routes_of_which_nobody_knows_the_courier_do_not_lower_the_others() -> None:
    known = make_dispute(complaint=Complaint.NOT_ARRIVED, pin=Pin.ABSENT, attach_watched=False)
    unknown = replace(known, segments=(*known.segments[:-1], replace(known.segments[-1], handler=None)))
    ways = [replace(unknown if number % 10 else known, id=f"p{number:05d}") for number in range(10_000)]
    result = run(count_traffic(ways, regions={}), ways[:200], Params())
    assert result.model.factors.area[0] == pytest.approx(1.0, abs=0.2), "a tenth of the parcels and of the disputes"
