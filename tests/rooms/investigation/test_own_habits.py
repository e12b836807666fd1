"""A link is compared with itself: what it always does, or never, says nothing of one parcel."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from custody.investigation.count_traffic import count_traffic
from custody.investigation.frame import Floats
from custody.investigation.infer import run
from custody.investigation.measure_clean import measure_clean
from custody.investigation.params import Params
from custody.investigation.passage import Dispute, SealSeen, Step
from tests.rooms.investigation.conftest import make_dispute

SORTING = 4


def stolen(usual: Dispute, asked: Dispute) -> Floats:
    """How likely a theft in each link is, where 150 parcels went as usual."""
    clean = [replace(usual, id=f"c{number:03d}") for number in range(150)]
    normal = measure_clean(clean, Params())
    fleet = normal.into(count_traffic([*clean, asked], regions={}))
    return run(fleet, [asked], normal.params).judgement(asked.id).theft


def stolen_at(place: int, usual: Mapping[int, bool], seen: Mapping[int, bool]) -> float:
    """The same for one link, where photos are made as usual and were seen on the disputed parcel."""
    return float(stolen(make_dispute(photos=dict(usual)), make_dispute(photos=dict(seen)))[place])


@pytest.mark.parametrize("camera", [False, True], ids=["the only one without a camera", "the only one with a camera"])
def test_a_link_is_not_blamed_for_having_or_lacking_a_camera(camera: bool) -> None:  # noqa: FBT001 - a case
    usual = {place: (place == SORTING) == camera for place in range(8)}
    unread = {place: photo for place, photo in usual.items() if place != SORTING}
    assert stolen_at(SORTING, usual, usual) < 1.2 * stolen_at(SORTING, usual, unread)


def test_a_photo_that_is_missing_where_one_is_made_counts() -> None:
    usual = dict.fromkeys(range(8), True)
    assert stolen_at(SORTING, usual, {**usual, SORTING: False}) > 2 * stolen_at(SORTING, usual, usual)


def test_who_had_a_parcel_before_a_scale_that_is_off_is_not_blamed_for_it() -> None:
    before, after = dict.fromkeys(range(SORTING), 1000.0), {5: 1000.0, 7: 1000.0}
    usual, unread = make_dispute(masses={**before, SORTING: 1060.0, **after}), make_dispute(masses=before)
    last = make_dispute(masses={**before, SORTING: 1060.0})
    assert stolen(usual, last)[SORTING - 1] < 1.2 * stolen(usual, unread)[SORTING - 1]
    fell = make_dispute(masses={**before, SORTING: 1000.0, 5: 940.0, 7: 940.0})
    assert stolen(usual, fell)[SORTING - 1] > 5 * stolen(usual, unread)[SORTING - 1], "it shows 60 g too much"


def test_a_scale_that_is_off_is_known_where_no_mass_is_declared() -> None:
    before, after = dict.fromkeys(range(SORTING), 1000.0), {5: 1000.0, 7: 1000.0}
    usual = make_dispute(masses={**before, SORTING: 1060.0, **after}, declared_mass_g=None)
    unread = make_dispute(masses=before, declared_mass_g=None)
    last = make_dispute(masses={**before, SORTING: 1060.0}, declared_mass_g=None)
    assert stolen(usual, last)[SORTING - 1] < 1.2 * stolen(usual, unread)[SORTING - 1]
    fell = make_dispute(masses={**before, SORTING: 1000.0, 5: 940.0, 7: 940.0}, declared_mass_g=None)
    assert stolen(usual, fell)[SORTING - 1] > 5 * stolen(usual, unread)[SORTING - 1], "it shows 60 g too much"


@pytest.mark.parametrize("declared", [0, 1, 2], ids=["none declared", "every other", "all"])
def test_a_scale_is_off_by_the_same_whatever_it_is_compared_with(declared: int) -> None:
    shows = {0: 1000.0, 2: 1000.0, SORTING: 1060.0, 6: 1000.0, 7: 990.0}
    clean = [
        make_dispute(
            name=f"c{number}",
            masses={place: mass + number for place, mass in shows.items()},
            declared_mass_g=1000.0 + number if number % 2 < declared else None,
        )
        for number in range(200)
    ]
    off = measure_clean(clean, Params()).scale_g
    assert off["hub", Step.HUB_SORT] == pytest.approx(60, rel=0.03)
    assert off["depot", Step.COURIER] == pytest.approx(-10, rel=0.03)
    assert off["warehouse", Step.PACK] == off["road", Step.LINEHAUL] == off["depot", Step.DEPOT] == 0


def test_who_had_a_parcel_before_a_station_that_misreads_seals_is_not_blamed_for_it() -> None:
    usual, unread = (
        make_dispute(seals={**dict.fromkeys(range(8), SealSeen.OK), SORTING: SealSeen.ANOMALY}),
        make_dispute(),
    )
    seen = make_dispute(seals={SORTING: SealSeen.ANOMALY})
    assert stolen(usual, seen)[:SORTING].sum() < 1.5 * stolen(usual, unread)[:SORTING].sum()
    elsewhere = make_dispute(seals={SORTING - 1: SealSeen.ANOMALY})
    assert stolen(usual, elsewhere)[: SORTING - 1].sum() > 5 * stolen(usual, unread)[: SORTING - 1].sum()
