"""What is refused at the door, and what is not."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from custody.investigation.params import Params, Source
from custody.investigation.passage import (
    NO_HISTORY,
    Dispute,
    Fleet,
    HandlerTraffic,
    Passes,
    Segment,
    Step,
    step_of,
)
from custody.kernel.errors import Rejected

Build = Callable[..., Dispute]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"declared_mass_g": float("nan")}, "not_finite"),
        ({"item_mass_g": float("inf")}, "not_finite"),
        ({"declared_mass_g": -1.0}, "mass"),
        ({"masses": {2: float("nan")}}, "not_finite"),
        ({"masses": {2: -5.0}}, "mass"),
        ({"attach_ms": float("inf")}, "not_finite"),
        ({"hours": {3: 4.0}}, "scan_order"),
        ({"start_ms": 1}, "scan_order"),
        ({"segments": ()}, "segments"),
        ({"checkpoints": ()}, "checkpoints"),
    ],
)
def test_what_cannot_be_is_refused(dispute: Build, changes: dict[str, object], code: str) -> None:
    with pytest.raises(Rejected) as refused:
        dispute(**changes)
    assert refused.value.code == code
    assert refused.value.fix


def test_an_unknown_step_is_refused_with_the_known_ones() -> None:
    with pytest.raises(Rejected) as refused:
        step_of("customs")
    assert "hub_sort" in refused.value.fix
    assert step_of("hub_sort") is Step.HUB_SORT


def test_a_shift_outside_the_day_is_refused(dispute: Build) -> None:
    first = dispute().segments[0]
    with pytest.raises(Rejected, match="shift"):
        replace(dispute(), segments=(replace(first, shift=3), *dispute().segments[1:]))


def test_a_step_that_is_no_step_is_refused(dispute: Build) -> None:
    odd = Segment(step="customs", site="x", shift=0)  # type: ignore[arg-type] # what a careless caller might pass
    with pytest.raises(Rejected, match="customs"):
        replace(dispute(), segments=(odd, *dispute().segments[1:]))


@pytest.mark.parametrize(
    "changes",
    [
        {"parcels": -1},
        {"high_value_parcels": float("nan")},
        {"handlers": {"h": HandlerTraffic(site="s", step=Step.PACK, high_value=(1.0, -1.0, 0.0))}},
        {"site_shifts": {("s", 0): float("inf")}},
        {"site_shifts": {("s", 5): 1.0}},
        {"site_steps": {("s", Step.PACK): Passes(all=1.0, high_value=2.0)}},
        {"routes": {"r": -1.0}},
        {"missed_scan": {"h": 0.0}},
        {"photo": {("s", Step.PACK): 1.0}},
        {"seal": {("s", Step.PACK): 0.0}},
        {"scale_g": {("s", Step.PACK): float("nan")}},
        {"dwell_offset": {("s", 0): float("nan")}},
    ],
)
def test_traffic_that_cannot_be_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(Rejected):
        Fleet(**{"parcels": 10, **changes})


def test_no_history_is_a_fleet_of_no_parcels() -> None:
    assert not NO_HISTORY.known
    assert Fleet(parcels=1).known


@pytest.mark.parametrize(
    "changes",
    [
        {"psi": 0.0},
        {"psi": 1.0},
        {"kappa": 1.5},
        {"theta": (0.5, 0.5, 0.5)},
        {"loss": (1e-4,) * 6},
        {"loss": (0.0,) * 7},
        {"scale_sd_g": 0.0},
        {"scale_sd_g": 1e300},
        {"background": (1e300,) * 7},
        {"dwell_shift": float("nan")},
        {"grid_points": 1},
        {"grid_points": 1_000_000},
        {"complaint_table": ((1e300,) * 4,) * 9},
        {"complaint_table": ((1.0,) * 4,)},
        {"swap_neutral_share": 1.0},
        {"off": frozenset({"gossip"})},
    ],
)
def test_numbers_that_cannot_be_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(Rejected):
        Params(**changes)


def test_every_number_says_where_it_comes_from() -> None:
    params = Params().operator(loss=(1e-4,) * 7).given(Source.CLEAN, photo=0.6)
    assert params.source("loss") is Source.OPERATOR
    assert params.source("photo") is Source.CLEAN
    assert params.source("psi") is Source.DEFAULT
    assert params.fixed("loss")
    assert not params.fixed("psi")
    with pytest.raises(Rejected):
        params.operator(gossip=1.0)


def test_the_grid_of_rates_is_log_spaced_and_its_weights_add_up() -> None:
    params = Params()
    assert params.grid[[0, -1]] == pytest.approx([0.002, 0.25])
    assert params.grid_weight.sum() == pytest.approx(1.0)
    assert params.grid_weight[0] / params.grid_weight[-1] == pytest.approx(4.4817, abs=1e-4)


def test_a_route_is_the_last_courier(dispute: Build) -> None:
    assert dispute().route == "courier-7"
    assert replace(dispute(), segments=dispute().segments[:7], checkpoints=dispute().checkpoints[:8]).route is None
