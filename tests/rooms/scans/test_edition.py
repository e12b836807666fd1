"""The judge's rules have editions: a later one judges otherwise, an earlier one for ever as it did."""

from collections.abc import Mapping
from typing import Any

import pytest

from custody.kernel.errors import Fatal
from custody.scans.edition import NEWEST, RULE, Edition, edition_of
from custody.trail.sealed import SealedScan
from tests.rooms.scans.court import BETWEEN, COURIER, ON, Court, court, party
from tests.rooms.trail.world import (
    CAGE,
    PARCEL,
    PARCEL_2,
    PARCEL_3,
    PHONE,
    World,
)

FIRST, SECOND, THIRD, FOURTH, FIFTH = Edition
HEAVY = {"sensorElementList": [{"sensorReport": [{"type": "Mass", "value": 62.4, "uom": "KGM"}]}]}
CAGE_SEAL = {"wl:sealNumber": "CAGE-77", "wl:sealState": "intact"}


@pytest.fixture(params=[SECOND, THIRD, FOURTH, FIFTH])
def later(request: pytest.FixtureRequest) -> Edition:
    """Each edition that judges by the rules of the second."""
    edition: Edition = request.param
    return edition


@pytest.mark.parametrize(
    ("rules", "edition"),
    [({}, FIRST), *(({RULE: number}, edition) for number, edition in enumerate(Edition, 1))],
)
def test_a_policy_that_names_no_edition_is_of_the_first(rules: Mapping[str, Any], edition: Edition) -> None:
    assert edition_of(rules) is edition


@pytest.mark.parametrize("named", [0, NEWEST + 1, True, "2", None, 2.0])
def test_nothing_is_judged_by_an_edition_that_is_not_known(named: object) -> None:
    with pytest.raises(Fatal, match="edition"):
        edition_of({RULE: named})


CAGES = {
    "a cage with the parcel": {"carrier": CAGE},
    "a cage with two": {"carrier": CAGE, "children": [PARCEL, PARCEL_2]},
    "a pallet that has an SSCC": {"carrier": PARCEL_3},
}


@pytest.mark.parametrize("name", CAGES)
def test_what_carries_a_parcel_is_not_weighed_as_the_parcel(name: str, later: Edition) -> None:
    world = World()
    bench = court(later, world)
    bench.codes(world.load("dock-2", **CAGES[name]))
    loaded = bench.codes(world.load("dock-2", **CAGES[name], **HEAVY, **{"wl:declaredMassGrams": 62_000}))
    assert loaded == []
    assert bench.views[PARCEL].declared_g == 540
    assert bench.codes(world.weigh("dock-2", 541)) == []
    assert bench.codes(world.weigh("dock-2", 62_400)) == ["weight_out", "weight_out"]


def test_several_parcels_on_one_scale_say_nothing_of_each(later: Edition) -> None:
    world = World()
    bench = court(later, world)
    bench.codes(world.obj("dock-2", epcList=[PARCEL_2]))
    assert bench.codes(world.obj("dock-2", epcList=[PARCEL, PARCEL_2], **HEAVY)) == []
    assert bench.codes(world.weigh("dock-2", 541)) == []


def test_a_box_weighed_as_it_was_unpacked_is_not_what_it_weighs_closed(later: Edition) -> None:
    world = World()
    bench = court(later, world)
    assert bench.codes(world.unpack(**HEAVY)) == []
    assert bench.codes(world.weigh("dock-2", 541)) == []


def test_the_seal_of_a_cage_is_not_the_seal_of_what_lies_in_it(later: Edition) -> None:
    world = World()
    bench = court(later, world)
    assert bench.codes(world.load("dock-2", **CAGE_SEAL)) == []
    assert bench.views[PARCEL].seal == court(later, World()).views[PARCEL].seal
    assert bench.codes(world.obj("dock-2", **{"wl:sealNumber": "S-0088213"})) == []
    assert bench.codes(world.obj("dock-2", **{"wl:sealNumber": "S-1"})) == ["seal_differs"]


def test_a_parcel_without_a_seal_is_not_given_the_seal_of_its_cage(later: Edition) -> None:
    world = World()
    bench = Court(later)
    bench.codes(world.pack())
    bench.codes(world.load("dock-2", **CAGE_SEAL))
    assert bench.views[PARCEL].seal is None


def test_a_cage_whose_seal_is_broken_is_flagged_and_breaks_no_seal_of_a_parcel(later: Edition) -> None:
    world = World()
    bench = court(later, world)
    assert bench.codes(world.load("dock-2", **{"wl:sealState": "broken"})) == ["seal_differs"]
    assert bench.codes(world.seal(number="S-2")) == ["seal_differs"]


def test_a_seal_is_compared_where_the_parcel_is_named_beside_its_handset(later: Edition) -> None:
    world = World()
    bench = court(later, world)
    assert bench.codes(world.obj("dock-2", epcList=[PARCEL, PHONE], **{"wl:sealNumber": "S-1"})) == ["seal_differs"]


def test_by_the_first_edition_a_cage_counts_as_the_parcel_for_ever() -> None:
    world = World()
    first = court(FIRST, world)
    assert first.codes(world.load("dock-2", **HEAVY, **CAGE_SEAL)) == ["weight_out", "seal_differs"]
    assert first.codes(world.weigh("dock-2", 541)) == ["weight_out"]


def handed_on(world: World) -> dict[str, SealedScan]:
    """A parcel that the seller hands to the carrier, who hands it to a courier, who delivers it."""
    world.pack()
    return {
        "released": world.obj("dock-2", "departing", **BETWEEN),
        "accepted": world.obj("lorry-9", "accepting", **BETWEEN),
        "released on": world.obj("depot-2", "departing", **ON),
        "accepted on": world.obj("courier-7", "accepting", **ON),
        "delivered": world.deliver(**party("source", COURIER)),
    }


LATE = {
    "a release": ("accepted", "released", "released on", "accepted on", "delivered"),
    "a release, once the parcel was released on": ("accepted", "released on", "released", "accepted on", "delivered"),
    "a release, just before the delivery": ("accepted", "released on", "accepted on", "released", "delivered"),
    "an acceptance": ("released", "released on", "accepted", "accepted on", "delivered"),
    "an acceptance, just before the delivery": ("released", "released on", "accepted on", "accepted", "delivered"),
    "a whole handover": ("released on", "accepted on", "released", "accepted", "delivered"),
}


@pytest.mark.parametrize("name", LATE)
def test_what_comes_late_is_not_held_against_whoever_has_gone_on_since(name: str, later: Edition) -> None:
    world = World()
    scans = handed_on(world)
    bench = Court(later)
    bench.codes(world.scans[0])
    newest_ms = 0
    for each in LATE[name]:
        flagged = "not_due_here" in bench.codes(scans[each])
        assert flagged == (scans[each].at_ms < newest_ms), each
        newest_ms = max(newest_ms, scans[each].at_ms)


def test_a_handover_by_stations_whose_clocks_are_behind_still_moves_custody(later: Edition) -> None:
    world, bench = World(), Court(later)
    bench.codes(world.pack())
    bench.codes(world.obj("dock-2", "departing", **BETWEEN))
    bench.codes(world.obj("lorry-9", "accepting", **BETWEEN))
    behind_ms = world.now_ms - 20_000
    assert bench.codes(world.obj("depot-2", "departing", at=behind_ms, **ON)) == ["late_offline"]
    assert bench.codes(world.obj("courier-7", "accepting", at=behind_ms - 5_000, **ON)) == ["late_offline"]
    assert bench.views[PARCEL].custodian == COURIER
    assert bench.codes(world.deliver(**party("source", COURIER))) == []


def test_a_release_whose_giver_never_accepted_goes_on_from_the_release_to_it(later: Edition) -> None:
    world, bench = World(), Court(later)
    bench.codes(world.pack())
    bench.codes(world.obj("dock-2", "departing", **BETWEEN))
    bench.codes(world.obj("depot-2", "departing", at=world.now_ms - 20_000, **ON))
    assert bench.codes(world.obj("courier-7", "accepting", **ON)) == []


def test_by_the_first_edition_a_late_release_is_open_for_ever() -> None:
    world = World()
    scans = handed_on(world)
    first = Court(FIRST)
    first.codes(world.scans[0])
    for each in LATE["a release, just before the delivery"][:-1]:
        first.codes(scans[each])
    assert first.codes(scans["delivered"]) == ["not_due_here"]
    assert first.views[PARCEL].moved_ms is None
