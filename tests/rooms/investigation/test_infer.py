"""The front door: order, sums, missing evidence, refusals, and what comes out of small networks."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.investigation.hotspots import hotspots
from custody.investigation.infer import judge_alone, run
from custody.investigation.naming import name, naming_rules
from custody.investigation.params import FAMILIES, Params, Source
from custody.investigation.passage import (
    NO_HISTORY,
    Checkpoint,
    Complaint,
    Dispute,
    Fleet,
    Passes,
    Pin,
    SealSeen,
)
from custody.investigation.result import Inference, Party
from custody.kernel.errors import NotFound, Rejected
from simulators.fleet.setting import WORLDS
from simulators.fleet.small import Plan, SmallWorld, small_world
from simulators.fleet.world import World, make_world

Build = Callable[..., Dispute]


@pytest.fixture(scope="module")
def small() -> SmallWorld:
    return small_world(5)


def test_every_table_adds_up_to_one(base_result: Inference) -> None:
    assert base_result.posterior.sum(axis=1) == pytest.approx(np.ones(len(base_result.disputes)), abs=1e-12)
    for dispute in base_result.disputes[:40]:
        table = base_result.table(dispute.id)
        assert len(table) == len(dispute.segments) + 3
        assert sum(chance for _, chance in table) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("seed", [1, 2])
def test_any_order_of_disputes_gives_the_same_bytes(base_world: World, base_result: Inference, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(base_world.disputes))
    shuffled = [base_world.disputes[place] for place in order]
    again = run(base_world.fleet, shuffled)
    assert again.posterior.tobytes() == base_result.posterior.tobytes()
    assert again.handler_belief.hot.tobytes() == base_result.handler_belief.hot.tobytes()


def test_a_fleet_told_in_another_order_gives_the_same_bytes(base_world: World, base_result: Inference) -> None:
    fleet = base_world.fleet
    turned = replace(
        fleet,
        handlers=dict(reversed(fleet.handlers.items())),
        site_shifts=dict(reversed(fleet.site_shifts.items())),
        site_steps=dict(reversed(fleet.site_steps.items())),
        routes=dict(reversed(fleet.routes.items())),
    )
    assert run(turned, base_world.disputes).posterior.tobytes() == base_result.posterior.tobytes()


def test_one_disputed_parcel_without_any_history_is_judged(dispute: Build) -> None:
    judged = judge_alone(dispute(masses={0: 1001.0, 3: 1002.0, 5: 803.0, 7: 801.0}, complaint=Complaint.MISSING_ITEM))
    assert judged.leader() in (3, 4)
    assert judged.columns[3:5].sum() > 0.9
    assert judged.by_kind()["emptied"] > 0.9
    assert sum(judged.by_kind().values()) == pytest.approx(1.0)
    assert sum(judged.parties().values()) == pytest.approx(1.0)


def test_without_history_the_reader_is_told(dispute: Build) -> None:
    result = run(NO_HISTORY, [dispute()])
    assert "no history" in result.warnings[0]
    assert hotspots(result) == []


def test_a_run_without_disputes_still_believes_the_traffic_innocent(base_world: World) -> None:
    result = run(base_world.fleet, [])
    assert result.handler_belief.hot.max() < 0.02
    assert hotspots(result) == []


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_missing_evidence_is_never_an_error(dispute: Build, data: st.DataObject) -> None:
    maybe = st.none() | st.floats(0, 5000)
    points, at = [], 0
    for _ in range(9):
        at += data.draw(st.integers(0, 10_000_000))
        points.append(
            Checkpoint(
                scan_ms=data.draw(st.none() | st.just(at)),
                photo=data.draw(st.none() | st.booleans()),
                seal=data.draw(st.sampled_from(SealSeen)),
                mass_g=data.draw(maybe),
            )
        )
    bare = dispute(
        checkpoints=tuple(points),
        declared_mass_g=data.draw(maybe),
        item_mass_g=data.draw(maybe),
        pin=data.draw(st.sampled_from(Pin)),
        complaint=data.draw(st.sampled_from(Complaint)),
        high_value=data.draw(st.booleans()),
        attach_ms=data.draw(st.none() | st.integers(-10_000_000, 10**10)),
        attach_region=data.draw(st.none() | st.just("south")),
        customer_region=data.draw(st.none() | st.just("south")),
        recovered_site=data.draw(st.none() | st.sampled_from(["hub", "elsewhere"])),
    )
    judged = judge_alone(bare)
    assert judged.columns.sum() == pytest.approx(1.0, abs=1e-9)
    assert np.isfinite(judged.columns).all()
    assert judged.rest[2] > 0


def test_what_is_impossible_stays_impossible_whatever_the_history(base_result: Inference) -> None:
    for dispute in base_result.disputes:
        if not dispute.delivered:
            continue
        judged = base_result.judgement(dispute.id)
        assert judged.kinds[3].sum() == 0
        assert judged.kinds[2, :-1].sum() == 0


def test_a_segment_without_known_people_is_not_an_error(small: SmallWorld) -> None:
    first = small.disputes[0]
    blind = tuple(replace(segment, handler=None, roster=()) for segment in first.segments)
    result = run(small.fleet, [replace(first, segments=blind), *small.disputes[1:]], small.params)
    assert result.judgement(first.id).columns.sum() == pytest.approx(1.0)


def test_the_same_dispute_twice_is_refused(dispute: Build) -> None:
    with pytest.raises(Rejected, match="twice"):
        run(NO_HISTORY, [dispute(), dispute()])


def test_traffic_smaller_than_the_disputes_is_refused(small: SmallWorld) -> None:
    with pytest.raises(Rejected, match="holds more disputed parcels"):
        run(replace(small.fleet, handlers={}), small.disputes)
    tiny = {key: Passes(all=0.0, high_value=0.0) for key in small.fleet.site_steps}
    with pytest.raises(Rejected, match="more disputed parcels than parcels"):
        run(replace(small.fleet, site_steps=tiny), small.disputes)
    with pytest.raises(Rejected, match="disputes about 1 parcels"):
        run(replace(small.fleet, parcels=1), small.disputes)


def test_a_dispute_that_is_not_in_the_run_is_not_found(base_result: Inference) -> None:
    with pytest.raises(NotFound):
        base_result.table("nobody")


@pytest.mark.parametrize("seed", [1, 2, 6])
def test_one_thief_in_a_small_network_is_the_weak_link(seed: int) -> None:
    world = small_world(seed)
    result = run(world.fleet, world.disputes, world.params)
    assert len(world.stolen) >= 5
    assert [spot.handler for spot in hotspots(result, q=0.05, least_charged=2.5)] == ["hub-a/hub_sort/1"]
    right = [result.judgement(stolen).leader() == place for stolen, place in world.stolen.items()]
    assert sum(right) >= 0.8 * len(right)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_without_a_thief_nobody_is_named_in_a_small_network(seed: int) -> None:
    world = small_world(seed, Plan(thief=None, loss=4e-4, damage=6e-4, mispick=1e-3, intact=1e-3))
    result = run(world.fleet, world.disputes, world.params)
    rules = naming_rules(result)
    assert len(world.disputes) > 10
    assert hotspots(result) == []
    assert not any(name(result.judgement(item.id), rules).person_named for item in world.disputes)


@pytest.mark.parametrize("seed", [21, 22])
def test_without_a_thief_nobody_is_named_in_a_large_network(seed: int) -> None:
    world = make_world(replace(WORLDS["nothief"], parcels=40_000), seed)
    result = run(world.fleet, world.disputes)
    rules = naming_rules(result)
    assert hotspots(result) == []
    assert not any(name(result.judgement(item.id), rules).person_named for item in world.disputes)


def test_what_the_operator_supplies_is_never_relearned(small: SmallWorld) -> None:
    supplied = small.params.operator(loss=(1e-4,) * 7, mispick=2e-4)
    result = run(small.fleet, small.disputes, supplied)
    assert result.params.loss == (1e-4,) * 7
    assert result.params.mispick == 2e-4
    assert result.params.source("loss") is Source.OPERATOR
    assert result.params.source("damage") is Source.LEARNED
    assert result.params.source("photo") is Source.CLEAN
    assert result.params.source("recovered") is Source.DEFAULT


def test_learned_shares_stay_between_nought_and_one(base_result: Inference) -> None:
    params = base_result.params
    assert sum(params.theta) == pytest.approx(1.0)
    assert 0 < params.psi < 1
    assert params.intact_share <= 0.25
    assert 0.02 <= params.kappa <= 1


def test_no_field_of_any_input_can_hold_a_customer() -> None:
    names = {field for kind in (Dispute, Fleet) for field in kind.__dataclass_fields__}
    assert {field for field in names if "customer" in field} == {"customer_region"}
    assert not {field for field in names if "score" in field or "history" in field or "address" in field}


def test_every_family_has_a_switch() -> None:
    assert Params().without(*FAMILIES).off == frozenset(FAMILIES)
    with pytest.raises(Rejected):
        Params().without("gossip")


def test_parties_cover_the_whole_table(base_result: Inference) -> None:
    for item in base_result.disputes[:20]:
        shares = base_result.judgement(item.id).parties()
        assert set(shares) == set(Party)
        assert sum(shares.values()) == pytest.approx(1.0)


def plainly_delivered(dispute: Dispute) -> Dispute:
    """The same parcel, of which nothing was measured and which was not where its customer is."""
    points = tuple(Checkpoint(scan_ms=point.scan_ms) for point in dispute.checkpoints)
    return replace(
        dispute, checkpoints=points, complaint=Complaint.NOT_ARRIVED, pin=Pin.UNOBSERVED, attach_watched=False
    )


@pytest.mark.parametrize("parcels", [20, 60])
def test_few_parcels_are_no_reason_to_find_nothing_unusual(parcels: int) -> None:
    small = small_world(0, Plan(parcels=parcels, rate=0.1, loss=2e-3))
    disputes = [plainly_delivered(dispute) for dispute in small.disputes]
    bound, free = (run(small.fleet, disputes, replace(small.params, intact_most=most)) for most in (0.25, 1.0))
    assert free.posterior[:, -1].max() > 0.8, "what was said, though at most a quarter of all disputes are of that kind"
    assert bound.posterior[:, -1].max() < 0.6


def test_where_rates_explain_the_disputes_nothing_is_bound(base_world: World, base_result: Inference) -> None:
    free = run(base_world.fleet, base_world.disputes, Params(intact_most=1.0))
    assert free.posterior.tobytes() == base_result.posterior.tobytes()
