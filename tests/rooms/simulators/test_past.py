import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.kernel.clock import DAY_MS, MINUTE_MS
from custody.kernel.errors import Rejected
from simulators.geography import build_geography, shift_of
from simulators.history import OLDEST_MS, make_past
from simulators.network import World, imagine, links_of
from simulators.parcel import Box, Fate, Kind, Scale, Stay, box_of
from simulators.route import Act, Looking, What, walk
from simulators.thief import Habits, hire
from tests.rooms.simulators.conftest import NOW_MS, small

SEALED = {What.PICKED, What.PACKED, What.CHECKED, What.SEALED}


def test_the_same_seed_makes_the_same_past_and_another_seed_another() -> None:
    first, again, other = (imagine(small(seed)).past for seed in (7, 7, 8))
    assert first == again
    assert first != other


@pytest.mark.parametrize("link", links_of(small()))
def test_the_thief_takes_only_what_he_holds_at_his_link(link: str) -> None:
    geography = build_geography()
    thief = hire(geography.link(link), at_ms=NOW_MS)
    taken = make_past(small().past, geography, thief).of_kind(Kind.SUBSTITUTED)
    assert thief.least <= len(taken) <= thief.most + 1
    for parcel in taken:
        stay = parcel.stays[parcel.fate.stay or 0]
        assert (stay.link.name, stay.handler) == (link, thief.handler)
        assert parcel.unit.model.high_value


@pytest.mark.parametrize("shift", [0, 1, 2])
def test_a_thief_with_a_shift_takes_in_that_shift_only(shift: int) -> None:
    geography = build_geography()
    thief = hire(geography.link("hub-1/hub_sort"), at_ms=NOW_MS, shift=shift)
    taken = make_past(small().past, geography, thief).of_kind(Kind.SUBSTITUTED)
    assert {shift_of(parcel.stays[parcel.fate.stay or 0].opens_ms) for parcel in taken} == {shift}


def test_a_swap_keeps_the_mass_within_a_few_grams(world: World) -> None:
    for parcel in world.past.of_kind(Kind.SUBSTITUTED):
        before, after = box_of(parcel), box_of(parcel)
        after.carry_out(parcel.fate)
        assert before.holds_unit
        assert not after.holds_unit
        assert abs(after.contents_g - before.contents_g) < 15


def test_honest_mishaps_happen_elsewhere(world: World) -> None:
    honest = [parcel for parcel in world.past.parcels if parcel.fate.kind in {Kind.LOST, Kind.DAMAGED}]
    assert len(honest) == 4
    for parcel in honest:
        assert parcel.stays[parcel.fate.stay or 0].link != world.link


def test_the_story_has_a_main_parcel_and_a_late_find_both_delivered_before_the_end(world: World) -> None:
    main, late = world.past.main, world.past.late_find
    assert main is not None
    assert main.fate.kind is Kind.SUBSTITUTED
    assert main.fate.stay is not None
    assert main.stays[main.fate.stay].link == world.link
    assert late.fate.kind is Kind.INTACT
    assert max(main.delivered_ms, late.delivered_ms) <= NOW_MS - 40 * MINUTE_MS
    assert main.pin
    assert late.pin


def test_an_honest_world_has_no_thief_and_no_theft() -> None:
    world = imagine(replace(small(), thief=None))
    assert world.link is None
    assert world.past.of_kind(Kind.SUBSTITUTED) == ()
    assert world.main.order == world.late_find.order


def test_nothing_lies_after_the_end_or_further_back_than_a_station_may_store(world: World) -> None:
    assert all(NOW_MS - OLDEST_MS - DAY_MS <= scan.at_ms <= NOW_MS for scan in world.scans)


def test_stays_follow_each_other(world: World) -> None:
    for parcel in world.past.parcels:
        for before, after in zip(parcel.stays, parcel.stays[1:], strict=False):
            assert before.opens_ms < before.closes_ms < after.opens_ms


def test_a_theft_makes_the_stay_longer_and_changes_nothing_before_it() -> None:
    config, geography = small().past, build_geography()
    thief = hire(geography.link("hub-1/hub_sort"), at_ms=NOW_MS)
    honest = {parcel.number: parcel for parcel in make_past(config, geography, None).parcels}
    longer = []
    for parcel in make_past(config, geography, thief).parcels:
        place, clean = parcel.fate.stay, honest.get(parcel.number)
        if parcel.fate.kind is not Kind.SUBSTITUTED or clean is None or place is None:
            continue
        if clean.stays[0] == parcel.stays[0]:
            assert clean.stays[:place] == parcel.stays[:place]
            longer.append(_length(parcel.stays[place]) / _length(clean.stays[place]))
    assert sum(longer) / len(longer) > 1.5


def test_a_lost_parcel_is_never_seen_again(world: World) -> None:
    for parcel in world.past.of_kind(Kind.LOST):
        acts = _walk(world, parcel.number)
        last = parcel.stays[parcel.fate.stay or 0]
        assert all(act.at_ms <= last.closes_ms for act in acts)
        assert What.DELIVERED not in {act.what for act in acts}


def test_a_parcel_is_packed_weighed_elsewhere_and_sealed_before_it_leaves(world: World) -> None:
    for parcel in world.past.parcels:
        acts = _walk(world, parcel.number)[:4]
        assert {act.what for act in acts} == SEALED
        assert acts[1].post.station != acts[2].post.station
        assert acts[1].handler != acts[2].handler
        assert acts[2].mass_g is not None


def test_readings_before_a_theft_are_of_the_handset_and_seals_look_wrong_only_after_it(world: World) -> None:
    blind = Looking(seal_error=0.0)
    for parcel in world.past.of_kind(Kind.SUBSTITUTED):
        closes_ms = parcel.stays[parcel.fate.stay or 0].closes_ms
        acts = walk(parcel, world.geography, blind, habits=Habits(seal_noticed=1.0))
        states = {(act.at_ms > closes_ms, act.seal) for act in acts if act.seal is not None}
        assert states <= {(False, "intact"), (True, "broken")}


@given(st.integers(0, 2**32), st.floats(50, 500), st.floats(50, 300))
def test_an_exact_scale_reads_the_true_mass(seed: int, contents_g: float, packaging_g: float) -> None:
    box = Box(contents_g=contents_g, packaging_g=packaging_g)
    rng = random.Random(seed)  # noqa: S311 - a seeded generator is what the box is handed
    read = box.weigh(Scale(sd_g=0, gross_chance=0), rng)
    assert abs(read - contents_g - packaging_g) <= 0.5


def test_damage_breaks_the_box_and_leaves_the_handset_inside() -> None:
    box = Box(contents_g=200, packaging_g=100)
    box.carry_out(Fate(kind=Kind.DAMAGED, stay=2))
    assert box.broken
    assert box.holds_unit
    assert box.contents_g == 200


@pytest.mark.parametrize(
    "figures", [{"rate": 1.5}, {"rate": -0.1}, {"least": 5, "most": 4}, {"least": -1}, {"shift": 3}]
)
def test_a_thief_with_senseless_figures_is_refused(figures: dict[str, float]) -> None:
    with pytest.raises(Rejected):
        hire(build_geography().link("hub-1/hub_sort"), at_ms=NOW_MS, **figures)


def _walk(world: World, number: int) -> list[Act]:
    parcel = next(parcel for parcel in world.past.parcels if parcel.number == number)
    return walk(parcel, world.geography, world.config.past.looking, habits=Habits())


def _length(stay: Stay) -> int:
    return stay.closes_ms - stay.opens_ms
