"""Scales: golden values, and the rules of missing and late readings."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from custody.investigation.docket import EMPTIED, NO_ANOMALY, ORIGIN, SUBSTITUTED, Docket, split
from custody.investigation.frame import Floats
from custody.investigation.infer import judge_alone
from custody.investigation.params import Params
from custody.investigation.passage import Dispute, SealSeen
from custody.investigation.weight import weight_family

DocketOf = Callable[..., Docket]
Build = Callable[..., Dispute]

TRUTH = Params(swap_sd_g=30.0, swap_neutral_share=0.0, emptied_sd_g=15.0, mispick_sd_g=80.0)
ELEVEN = ("pack", "dock", "linehaul", "hub_in", "hub_sort", "linehaul", "hub_in", "hub_sort", "linehaul", "depot",
          "courier")  # fmt: skip


def weigh(
    docket_of: DocketOf, dispute: Build, readings: dict[int, float], params: Params = TRUTH, **changes: object
) -> tuple[Floats, Floats]:
    masses = {place: 1000.0 + y for place, y in readings.items()}
    docket = docket_of(dispute(steps=ELEVEN, masses=masses, **changes))
    seg, rest = split(weight_family(docket, params), docket.width)
    return seg[0], rest[0]


def test_three_readings_with_a_step_point_at_the_segments_between_them(docket_of: DocketOf, dispute: Build) -> None:
    seg, rest = weigh(docket_of, dispute, {0: 3, 4: -2, 8: 35})
    assert rest[NO_ANOMALY] == pytest.approx(-16.0220, abs=5e-5)
    assert seg[SUBSTITUTED, :4] == pytest.approx([-16.9440] * 4, abs=5e-5)
    assert seg[SUBSTITUTED, 4:8] == pytest.approx([-11.2127] * 4, abs=5e-5)
    assert seg[SUBSTITUTED, 8:] == pytest.approx([-16.0220] * 3, abs=5e-5)
    assert seg[EMPTIED, :4] == pytest.approx([-88.5547] * 4, abs=5e-5)
    assert seg[EMPTIED, 4:8] == pytest.approx([-23.0149] * 4, abs=5e-5)
    assert rest[ORIGIN] == pytest.approx(-18.2390, abs=5e-5)


def test_one_reading_at_packing(docket_of: DocketOf, dispute: Build) -> None:
    _, rest = weigh(docket_of, dispute, {0: 0})
    assert rest[NO_ANOMALY] == pytest.approx(-3.1717, abs=5e-5)
    assert rest[ORIGIN] == pytest.approx(-5.3099, abs=5e-5)


def test_a_fall_by_the_item_mass_says_emptied(docket_of: DocketOf, dispute: Build) -> None:
    seg, rest = weigh(docket_of, dispute, {0: 2, 3: -196})
    assert rest[NO_ANOMALY] == pytest.approx(-18.1704, abs=5e-5)
    assert seg[EMPTIED, :3] == pytest.approx([-6.9283] * 3, abs=5e-5)
    assert seg[SUBSTITUTED, :3] == pytest.approx([-17.2209] * 3, abs=5e-5)


def test_no_reading_says_nothing(docket_of: DocketOf, dispute: Build) -> None:
    seg, rest = weigh(docket_of, dispute, {})
    assert not seg.any()
    assert not rest.any()


def test_a_change_after_the_last_reading_is_no_change(docket_of: DocketOf, dispute: Build) -> None:
    seg, rest = weigh(docket_of, dispute, {0: 3, 4: -2}, params=Params())
    assert seg[:2, 4:] == pytest.approx(np.full((2, 7), rest[NO_ANOMALY]), abs=1e-12)


def test_a_neutral_swap_is_not_told_from_no_change_by_much(docket_of: DocketOf, dispute: Build) -> None:
    seg, rest = weigh(docket_of, dispute, {0: 3, 4: 4, 8: 2}, params=Params())
    assert abs(seg[SUBSTITUTED, 4] - rest[NO_ANOMALY]) < 2.0


def test_without_a_declared_mass_only_steps_between_readings_speak(docket_of: DocketOf, dispute: Build) -> None:
    seg, rest = weigh(docket_of, dispute, {0: 300, 4: 298, 8: 100}, declared_mass_g=None)
    assert rest[ORIGIN] == pytest.approx(rest[NO_ANOMALY], abs=0.1)
    assert seg[EMPTIED, 5] - rest[NO_ANOMALY] > 10


def test_without_an_item_mass_emptied_stays_possible_for_any_handset(docket_of: DocketOf, dispute: Build) -> None:
    seg, rest = weigh(docket_of, dispute, {0: 0, 8: -160}, item_mass_g=None, params=Params())
    assert seg[EMPTIED, 4] - rest[NO_ANOMALY] > 5


def test_groups_of_different_reading_counts_do_not_mix(docket_of: DocketOf, dispute: Build) -> None:
    one = dispute(steps=ELEVEN, name="a", masses={0: 1003.0, 4: 998.0})
    two = dispute(steps=ELEVEN, name="b", masses={0: 1003.0, 4: 998.0, 8: 1035.0})
    alone = [weight_family(docket_of(item), TRUTH)[0] for item in (one, two)]
    together = weight_family(docket_of(one, two), TRUTH)
    assert np.allclose(together, alone, atol=1e-12, rtol=0)


def test_a_single_outlier_is_forgiven(docket_of: DocketOf, dispute: Build) -> None:
    _, odd = weigh(docket_of, dispute, {0: 0, 4: 100, 8: 0})
    strict = replace(TRUTH, outlier_share=1e-9)
    _, hard = weigh(docket_of, dispute, {0: 0, 4: 100, 8: 0}, params=strict)
    assert odd[NO_ANOMALY] > hard[NO_ANOMALY] + 5


@pytest.mark.parametrize("declared", [1000.0, None], ids=["declared", "not declared"])
@pytest.mark.parametrize("wild", [538_000.0, 1e12], ids=["grams told as kilograms", "more than any scale shows"])
def test_a_wild_weighing_takes_no_other_evidence_away(dispute: Build, wild: float, declared: float | None) -> None:
    seals, masses = {3: SealSeen.OK, 4: SealSeen.ANOMALY, 8: SealSeen.ANOMALY}, {0: 1000.0, 3: 1001.0, 5: 1002.0}
    usual = judge_alone(dispute(seals=seals, masses=masses, declared_mass_g=declared))
    told = judge_alone(dispute(seals=seals, masses={**masses, 6: wild}, declared_mass_g=declared))
    assert told.columns == pytest.approx(usual.columns)


def test_a_wild_declared_mass_takes_no_other_evidence_away(dispute: Build) -> None:
    seals = {3: SealSeen.OK, 4: SealSeen.ANOMALY, 8: SealSeen.ANOMALY}
    told = judge_alone(dispute(seals=seals, masses={0: 1000.0, 3: 1001.0}, declared_mass_g=10**15))
    assert told.columns == pytest.approx(judge_alone(dispute(seals=seals)).columns)
