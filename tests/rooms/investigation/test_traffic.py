"""Counting traffic and measuring what is normal, on a simulated network whose truth is known."""

from collections.abc import Callable

import pytest

from custody.investigation.count_traffic import count_traffic
from custody.investigation.measure_clean import measure_clean
from custody.investigation.params import Params, Source
from custody.investigation.passage import Dispute, Passage, Pin, Step
from simulators.fleet.small import SmallWorld, small_world

Build = Callable[..., Dispute]


@pytest.fixture(scope="module")
def small() -> SmallWorld:
    return small_world(1)


def test_every_parcel_segment_is_counted_once(small: SmallWorld) -> None:
    fleet = small.fleet
    assert fleet.parcels == 3_000
    held = sum(sum(traffic.high_value) for traffic in fleet.handlers.values())
    passed = sum(passes.high_value for passes in fleet.site_steps.values())
    assert held == pytest.approx(passed)
    indoor = sum(passes.high_value for (_, step), passes in fleet.site_steps.items() if step is not Step.COURIER)
    assert sum(fleet.site_shifts.values()) == pytest.approx(indoor)
    assert sum(fleet.routes.values()) <= fleet.parcels


def test_a_missed_scan_is_spread_over_the_roster(dispute: Build) -> None:
    case = dispute(hours={2: None})
    blind = tuple(
        segment if place != 2 else type(segment)(step=segment.step, site=segment.site, shift=2, roster=("a", "b"))
        for place, segment in enumerate(case.segments)
    )
    fleet = count_traffic([_passage(case, blind)], regions={})
    assert fleet.handlers["a"].high_value == (0.0, 0.0, 0.5)
    assert fleet.handlers["b"].high_value == (0.0, 0.0, 0.5)


def test_a_parcel_counts_only_as_far_as_it_got(dispute: Build) -> None:
    case = dispute(hours=dict.fromkeys(range(4, 9)), pin=Pin.UNOBSERVED)
    fleet = count_traffic([case], regions={"hub": "west"})
    assert ("depot", Step.DEPOT) not in fleet.site_steps
    assert fleet.site_steps["hub", Step.HUB_IN].all == 1
    assert fleet.routes == {}
    assert fleet.regions == {"hub": "west"}


def test_only_an_observed_absence_counts_as_without_a_pin(dispute: Build) -> None:
    ways = [dispute(name=str(pin), pin=pin) for pin in Pin]
    fleet = count_traffic(ways, regions={})
    assert fleet.parcels_without_pin == 1
    assert fleet.parcels_pin_unobserved == 2
    unseen = [dispute(name=str(pin), pin=pin, hours={8: None}) for pin in Pin]
    assert count_traffic(unseen, regions={}).parcels_pin_unobserved == 4


def test_what_is_normal_is_found_again(small: SmallWorld) -> None:
    params = small.params
    assert params.photo == pytest.approx(0.5, abs=0.02)
    assert params.missed_scan == pytest.approx(0.05, abs=0.01)
    assert params.pin == pytest.approx(0.8, abs=0.03)
    assert params.scale_sd_g == pytest.approx(5.0, abs=0.5)
    assert params.declared_sd_g == pytest.approx(8.0, abs=1.5)
    assert params.dwell_sd == pytest.approx(0.4, abs=0.02)
    assert params.dwell_median_h == pytest.approx((4, 3, 8, 2, 4, 8, 5), rel=0.06)
    assert params.seal_clean < 0.004
    assert {params.source(name) for name in ("photo", "pin", "dwell_sd", "scale_sd_g")} == {Source.CLEAN}


def test_own_baselines_are_shrunk_to_the_mean(small: SmallWorld) -> None:
    assert small.fleet.missed_scan
    assert all(0.01 < rate < 0.12 for rate in small.fleet.missed_scan.values())
    assert max(abs(offset) for offset in small.fleet.dwell_offset.values()) < 0.1


def test_few_parcels_move_the_installed_numbers_little(dispute: Build) -> None:
    normal = measure_clean([dispute(photos=dict.fromkeys(range(9), False))], Params())
    assert 0.3 < normal.params.photo < 0.5
    assert normal.params.scale_sd_g == 5.0
    assert normal.params.source("scale_sd_g") is Source.DEFAULT


def test_a_recorded_check_of_an_undisputed_parcel_counts_in_how_many_are_made(dispute: Build) -> None:
    verified, recorded, absent = (
        measure_clean([dispute(name=str(at), pin=pin) for at in range(400)], Params()).params.pin
        for pin in (Pin.VERIFIED, Pin.RECORDED, Pin.ABSENT)
    )
    assert recorded == verified > absent


def test_nothing_measured_leaves_the_installed_numbers() -> None:
    normal = measure_clean([], Params())
    assert normal.params.photo == pytest.approx(0.5)
    assert normal.params.dwell_median_h == pytest.approx(Params().dwell_median_h)
    assert normal.missed_scan == {}


def test_what_the_operator_supplied_is_not_measured_over(dispute: Build) -> None:
    supplied = Params().operator(pin=0.95)
    assert measure_clean([dispute(pin=Pin.ABSENT)], supplied).params.pin == 0.95


def _passage(case: Dispute, segments: tuple[object, ...]) -> Passage:
    return Passage(
        id=case.id,
        high_value=True,
        start_ms=case.start_ms,
        segments=segments,  # type: ignore[arg-type] # segments rebuilt by the test
        checkpoints=case.checkpoints,
    )
