"""What is no part of a parcel's way out, and what says nothing of it, does not speak against who had it."""

import json
from collections.abc import Callable

import pytest

from custody.gs1.named_information import write_ni
from custody.investigation.passage import Pin, SealSeen, Step
from custody.investigation.read_passage import ParcelWay
from custody.kernel.clock import HOUR_MS
from tests.rooms.trail.ways import passage_in, way_of
from tests.rooms.trail.world import CAGE, HOME, PARCEL, PARCEL_2, START_MS, World

READ = {"wl:sealNumber": "S-0088213", "wl:sealState": "intact"}
BROKEN = {"wl:sealState": "broken"}
RMA = [{"type": "rma", "bizTransaction": "urn:epcglobal:cbv:bt:9521473000102:R-1"}]


@pytest.fixture
def world() -> World:
    return World()


def masses(way: ParcelWay) -> list[float | None]:
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
        lambda world, load: world.load("courier-7", CAGE, [PARCEL, PARCEL_2], **load),
        lambda world, load: world.obj("courier-7", "inspecting", epcList=[PARCEL, PARCEL_2], **load),
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


def test_a_mass_that_is_declared_later_with_an_earlier_time_is_not_the_one_that_was_declared(world: World) -> None:
    world.journey(deliver=False)
    late = {"at": START_MS - HOUR_MS, "late": 30 * HOUR_MS, "chain": False}
    world.obj("hub-sort-2", **late, **{"wl:declaredMassGrams": 360, "wl:itemMassGrams": 1})
    way = way_of(world)
    assert (way.declared_g, way.item_g) == (540, 180)


def test_what_is_found_on_the_way_back_says_nothing_of_the_way_out(world: World) -> None:
    world.journey()
    out = way_of(world)
    world.pass_time(48)
    world.obj("depot-2", "shipping", disposition="returned", bizTransactionList=RMA, **BROKEN)
    world.weigh("hub-in-1", 310, **BROKEN)
    world.weigh("bench-4", 310, **BROKEN)
    assert way_of(world) == out
    assert SealSeen.ANOMALY not in {stay.seal for stay in out.stays}


def test_who_speaks_of_a_return_on_the_way_out_takes_neither_himself_nor_others_out_of_the_chain(world: World) -> None:
    world.journey(deliver=False)
    told = World().journey(deliver=False)
    for each in (world, told):
        each.obj("courier-7", bizTransactionList=RMA if each is told else None)
        each.deliver(bizTransactionList=RMA if each is told else None)
    assert way_of(told) == way_of(world)
    assert way_of(told).delivered_ms == told.now_ms


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
    assert (way.door.mass_g, way.door.seal) == (310, SealSeen.ANOMALY)


def test_an_event_without_an_id_that_was_declared_wrong_brings_nobody_into_the_chain(world: World) -> None:
    world.journey(deliver=False)
    right = way_of(world)
    wrong = world.obj("hub-sort-2", "arriving", chain=False, event_id=None)
    assert way_of(world) != right
    world.declare(wrong)
    assert way_of(world) == right


def test_a_delivery_that_was_told_twice_was_when_it_was_told_first(world: World) -> None:
    world.journey(deliver=False)
    world.pass_time(8)
    delivery = world.deliver(late=-5 * HOUR_MS)
    first = way_of(world).delivered_ms
    assert first == delivery.received_ms
    world.raw_scan("courier-7", json.loads(delivery.event.raw), delivery.at_ms)
    assert world.scans[-1].no_later_ms > delivery.no_later_ms
    assert way_of(world).delivered_ms == first


@pytest.mark.parametrize(
    ("check", "delivered"),
    [({"wl:method": "pin6", "wl:proof": "hmac-sha-256:x"}, True), ({"wl:method": "pin6"}, False), (None, False)],
    ids=["read", "torn", "none"],
)
def test_a_parcel_is_handed_over_to_whoever_was_checked_to_be_its_recipient(
    world: World, *, check: dict[str, str] | None, delivered: bool
) -> None:
    world.journey(deliver=False)
    world.obj("courier-7", "accepting", **({} if check is None else {"wl:recipientCheck": check}))
    assert (way_of(world).delivered_ms is not None) == delivered


def test_paper_about_a_sale_delivers_nothing(world: World) -> None:
    world.journey(deliver=False)
    right = way_of(world)
    world.obj("courier-7", "other", disposition="retail_sold")
    assert way_of(world) == right
    assert right.delivered_ms is None


@pytest.mark.parametrize(("first", "second"), [(True, False), (False, True), (False, False)])
def test_a_photo_of_any_scan_is_a_photo_of_the_stay(world: World, *, first: bool, second: bool) -> None:
    world.journey(deliver=False)
    photo = {"wl:photo": write_ni(bytes(32))}
    for taken in (first, second):
        world.obj("hub-sort-2", "inspecting", **(photo if taken else {}))
    (stay,) = [stay for stay in way_of(world).stays if stay.site == "H2" and stay.step is Step.HUB_SORT]
    assert stay.photo is (first or second)


@pytest.mark.parametrize(
    ("deliver", "pin"),
    [
        (lambda world: world.deliver(), Pin.RECORDED),
        (lambda world: world.deliver(pin=False), Pin.ABSENT),
        (lambda _world: None, Pin.UNOBSERVED),
    ],
    ids=["recorded", "unchecked", "under way"],
)
def test_a_check_of_the_recipient_is_recorded_or_not_or_nobody_knows(
    world: World, deliver: Callable[[World], object], pin: Pin
) -> None:
    world.journey(deliver=False)
    deliver(world)
    assert way_of(world).pin is pin


def test_a_declaration_whose_original_is_not_here_brings_nobody_into_the_chain(world: World) -> None:
    world.journey(deliver=False)
    right = way_of(world)
    wrong = world.obj("hub-sort-2", "arriving", chain=False)
    world.declare(wrong)
    world.scans.remove(wrong)
    assert way_of(world) == right


def test_the_first_scan_of_a_stay_says_who_had_the_parcel_and_the_first_weighing_what_it_weighed(world: World) -> None:
    world.journey(deliver=False)
    for handler, grams in (("h-1", 540), ("h-2", 310)):
        world.weigh("hub-sort-2", grams, **{"wl:handler": handler})
    (stay,) = [stay for stay in way_of(world).stays if stay.site == "H2" and stay.step is Step.HUB_SORT]
    assert (stay.handler, stay.mass_g) == ("h-1", 540)


def test_a_scale_that_shows_less_than_nothing_weighs_nothing_and_stops_no_investigation(world: World) -> None:
    world.journey(deliver=False)
    right = masses(way_of(world))
    world.weigh("courier-7", -5)
    assert masses(way_of(world)) == right
    assert len(passage_in(world).segments) == len(right)


def hub_stay(world: World, **opening: object) -> None:
    """The parcel comes to the hub, where the first scan says `opening` of it, and lies there."""
    world.pack(**{"wl:declaredMassGrams": 540, "wl:itemMassGrams": 180})
    world.weigh("bench-4", 538)
    world.obj("lorry-9", "arriving")
    world.obj("hub-in-1", "arriving", **opening)


def readings(world: World) -> list[tuple[Step, SealSeen, float | None]]:
    passage = passage_in(world)
    steps = [segment.step for segment in passage.segments]
    return [(step, point.seal, point.mass_g) for step, point in zip(steps, passage.checkpoints, strict=False)]


@pytest.mark.parametrize("opening", [READ, {}], ids=["read on arrival", "not read on arrival"])
def test_a_seal_that_breaks_while_somebody_has_the_parcel_clears_nobody_but_who_has_it_later(
    world: World, opening: dict[str, object]
) -> None:
    hub_stay(world, **opening)
    world.pass_time(0 if opening else 1)
    world.obj("hub-in-1", "inspecting", **BROKEN)
    world.obj("hub-sort-1", "arriving")
    seals = {step: seal for step, seal, _ in readings(world)}
    assert seals[Step.HUB_IN] is (SealSeen.OK if opening else SealSeen.NOT_READ)
    assert seals[Step.HUB_SORT] is SealSeen.ANOMALY


def test_a_seal_that_is_broken_on_arrival_clears_who_found_it(world: World) -> None:
    hub_stay(world, **BROKEN)
    world.obj("hub-in-1", "inspecting", **BROKEN)
    world.obj("hub-sort-1", "arriving")
    seals = {step: seal for step, seal, _ in readings(world)}
    assert (seals[Step.HUB_IN], seals[Step.HUB_SORT]) == (SealSeen.ANOMALY, SealSeen.NOT_READ)


def test_what_is_looked_at_soon_after_arrival_is_looked_at_on_arrival(world: World) -> None:
    hub_stay(world)
    world.weigh("hub-in-1", 360, **BROKEN)
    world.obj("hub-sort-1", "arriving")
    read = {step: (seal, mass) for step, seal, mass in readings(world)}
    assert (read[Step.HUB_IN], read[Step.HUB_SORT]) == ((SealSeen.ANOMALY, 360), (SealSeen.NOT_READ, None))


def test_what_is_found_when_a_courier_comes_back_may_have_gone_wrong_on_the_round(world: World) -> None:
    world.journey(deliver=False)
    world.pass_time(5)
    world.weigh("depot-2", 360, **BROKEN)
    *_, courier, depot, _door = passage_in(world).checkpoints
    assert [(point.seal, point.mass_g) for point in (courier, depot)] == [
        (SealSeen.NOT_READ, None),
        (SealSeen.ANOMALY, 360),
    ]


def test_what_a_courier_finds_on_the_round_counts_at_the_door(world: World) -> None:
    world.journey(deliver=False)
    world.pass_time(1)
    world.weigh("courier-7", 360, **BROKEN)
    world.deliver()
    points = passage_in(world).checkpoints
    assert [(point.seal, point.mass_g) for point in points[-2:]] == [(SealSeen.NOT_READ, None), (SealSeen.ANOMALY, 360)]


@pytest.mark.parametrize("arrival", [540, None], ids=["weighed on arrival", "not weighed on arrival"])
def test_a_box_that_lost_weight_while_somebody_had_it_had_not_lost_it_on_arrival(
    world: World, arrival: float | None
) -> None:
    weighed = {} if arrival is None else {"sensorElementList": [{"sensorReport": [kilograms(arrival)]}]}
    hub_stay(world, **weighed)
    world.pass_time(0 if arrival else 1)
    world.weigh("hub-in-1", 360)
    world.obj("hub-sort-1", "arriving")
    masses = {step: mass for step, _, mass in readings(world)}
    assert (masses[Step.HUB_IN], masses[Step.HUB_SORT]) == (arrival, 360)


def test_a_box_that_was_weighed_later_and_found_right_was_right_on_arrival(world: World) -> None:
    hub_stay(world)
    world.pass_time(1)
    world.weigh("hub-in-1", 541)
    world.obj("hub-sort-1", "arriving")
    masses = {step: mass for step, _, mass in readings(world)}
    assert (masses[Step.HUB_IN], masses[Step.HUB_SORT]) == (541, None)


def kilograms(grams: float) -> dict[str, object]:
    return {"type": "Mass", "value": grams / 1000, "uom": "KGM"}
