"""What is no part of a parcel's way out, and what says nothing of it, does not speak against who had it."""

from collections.abc import Callable

import pytest

from custody.investigation.read_passage import Way, read_way
from custody.investigation.values import Pin, Seal, Step
from tests.rooms.trail.world import CAGE, HOME, PARCEL, PARCEL_2, World

READ = {"wl:sealNumber": "S-0088213", "wl:sealState": "intact"}
BROKEN = {"wl:sealState": "broken"}
RMA = [{"type": "rma", "bizTransaction": "urn:epcglobal:cbv:bt:9521473000102:R-1"}]


@pytest.fixture
def world() -> World:
    return World()


def way_of(world: World) -> Way:
    mine = [
        sealed for sealed in world.scans if PARCEL in {*sealed.event.epcs, *sealed.event.children, sealed.event.parent}
    ]
    way = read_way(PARCEL, mine)
    assert way is not None
    return way


def masses(way: Way) -> list[float | None]:
    return [stay.mass_g for stay in way.stays]


def test_a_scan_that_was_declared_wrong_brings_nobody_into_the_chain(world: World) -> None:
    world.journey(deliver=False)
    right = way_of(world)
    wrong = world.obj("hub-sort-2", "arriving", chain=False)
    assert way_of(world) != right
    world.declare(wrong)
    assert way_of(world) == right


def test_a_declaration_by_another_station_takes_nobody_out_of_the_chain(world: World) -> None:
    world.journey(deliver=False)
    right = way_of(world)
    world.declare(next(scan for scan in world.scans if scan.station.step == "hub_sort"), station="courier-7")
    assert way_of(world) == right


@pytest.mark.parametrize(
    "weigh",
    [
        lambda world, load: world.load("hub-in-1", CAGE, [PARCEL, PARCEL_2], **load),
        lambda world, load: world.obj("hub-in-1", "inspecting", epcList=[PARCEL, PARCEL_2], **load),
    ],
    ids=["in a cage", "together"],
)
def test_a_scale_with_several_parcels_on_it_does_not_weigh_this_one(
    world: World, weigh: Callable[[World, dict[str, object]], object]
) -> None:
    world.journey(deliver=False)
    before = masses(way_of(world))
    report = [{"type": "Mass", "value": 48.5, "uom": "KGM"}]
    weigh(world, {"sensorElementList": [{"sensorReport": report}], "wl:declaredMassGrams": 48_000})
    assert masses(way_of(world)) == before
    assert way_of(world).declared_g == 540


def test_what_is_found_on_the_way_back_says_nothing_of_the_way_out(world: World) -> None:
    world.journey()
    out = way_of(world)
    world.pass_time(48)
    world.obj("depot-2", "shipping", disposition="returned", bizTransactionList=RMA, **BROKEN)
    world.weigh("hub-in-1", 310, **BROKEN)
    world.weigh("bench-4", 310, **BROKEN)
    assert way_of(world) == out
    assert Seal.ANOMALY not in {stay.seal for stay in out.stays}


def test_a_second_courier_after_a_round_in_vain_is_in_the_chain_himself(world: World) -> None:
    world.journey(deliver=False)
    world.pass_time(5)
    world.obj("courier-7", "loading", **{"wl:handler": "h-7"})
    world.obj("depot-2", "arriving")
    world.pass_time(14)
    world.obj("courier-8", "loading", **{"wl:handler": "h-8"})
    world.deliver("courier-8", **{"wl:handler": "h-8"})
    couriers = [stay.handler for stay in way_of(world).stays if stay.step is Step.COURIER]
    assert couriers == ["h-7", "h-8"]


def test_one_courier_scanned_twice_is_one_stay(world: World) -> None:
    world.journey(deliver=False)
    for _ in range(2):
        world.obj("courier-7", "loading", **{"wl:handler": "h-7"})
    world.deliver("courier-7", **{"wl:handler": "h-7"})
    couriers = [stay.handler for stay in way_of(world).stays if stay.step is Step.COURIER]
    assert couriers == ["h-7"]


@pytest.mark.parametrize("step", ["accepting", "receiving"])
def test_a_delivery_is_one_here_as_in_the_trail(world: World, step: str) -> None:
    world.journey(deliver=False)
    ends = [{"type": "possessing_party", "destination": HOME}]
    world.obj("courier-7", step, destinationList=ends)
    assert world.trail().holder.kind == "recipient"
    assert way_of(world).delivered_ms == world.now_ms


def test_a_check_of_the_recipient_that_cannot_be_read_is_neither_made_nor_left_out(world: World) -> None:
    world.journey(deliver=False)
    world.deliver(pin=False, **{"wl:recipientCheck": {}})
    assert way_of(world).pin is Pin.UNOBSERVED


def test_paper_about_a_parcel_does_not_put_it_where_the_paper_is_written(world: World) -> None:
    world.journey(deliver=False)
    right = way_of(world)
    world.obj("hub-sort-2", "other", disposition="stolen")
    assert way_of(world) == right


def test_the_seal_and_the_weight_at_the_door_are_read(world: World) -> None:
    world.journey(deliver=False)
    report = [{"sensorReport": [{"type": "Mass", "value": 0.31, "uom": "KGM"}]}]
    world.deliver(sensorElementList=report, **BROKEN)
    way = way_of(world)
    assert (way.door.mass_g, way.door.seal) == (310, Seal.ANOMALY)
