"""A link is compared with itself: what it always does, or never, says nothing of one parcel."""

from collections.abc import Mapping

import pytest

from custody.investigation.count_traffic import count_traffic
from custody.investigation.infer import run
from custody.investigation.measure_clean import measure_clean
from custody.investigation.params import Params
from tests.rooms.investigation.conftest import make_dispute

SORTING = 4


def stolen_at(place: int, usual: Mapping[int, bool], seen: Mapping[int, bool]) -> float:
    """How likely a theft in one link is, where photos are made as usual and were seen on the disputed parcel."""
    clean = [make_dispute(name=f"c{number:03d}", photos=dict(usual)) for number in range(150)]
    asked = make_dispute(photos=dict(seen))
    normal = measure_clean(clean, Params())
    fleet = normal.into(count_traffic([*clean, asked], regions={}))
    return float(run(fleet, [asked], normal.params).judgement(asked.id).theft[place])


@pytest.mark.parametrize("camera", [False, True], ids=["the only one without a camera", "the only one with a camera"])
def test_a_link_is_not_blamed_for_having_or_lacking_a_camera(camera: bool) -> None:  # noqa: FBT001 - a case
    usual = {place: (place == SORTING) == camera for place in range(8)}
    unread = {place: photo for place, photo in usual.items() if place != SORTING}
    assert stolen_at(SORTING, usual, usual) < 1.2 * stolen_at(SORTING, usual, unread)


def test_a_photo_that_is_missing_where_one_is_made_counts() -> None:
    usual = dict.fromkeys(range(8), True)
    assert stolen_at(SORTING, usual, {**usual, SORTING: False}) > 2 * stolen_at(SORTING, usual, usual)
