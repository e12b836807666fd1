"""Nobody takes himself out of a chain, or what is worth something out of a parcel, by a word of his own."""

from collections.abc import Callable
from typing import Any

import pytest

from custody.gs1.named_information import write_ni
from custody.investigation.passage import Pin, SealSeen, Step
from custody.investigation.read_passage import ParcelWay
from custody.trail.edition import ReadingEdition
from tests.rooms.trail.ways import way_of
from tests.rooms.trail.world import CAGE, JOURNEY, PARCEL, PARCEL_2, PHONE, SEAL, VAN, World

RMA = [{"type": "rma", "bizTransaction": "urn:epcglobal:cbv:bt:9521473000102:R-1"}]
RETURNED = {"disposition": "returned"}
BROKEN = {"wl:sealState": "broken"}


def steps(way: ParcelWay) -> list[Step]:
    return [stay.step for stay in way.stays]


def up_to_the_hub(**said: Any) -> World:
    """A parcel that was last taken over at the sorting of a hub, which says something about it."""
    world = World()
    world.commission()
    world.pack()
    for giver, taker in JOURNEY[:4]:
        world.hand(giver, taker, **(said if taker == "hub-sort-1" else {}))
    return world


@pytest.mark.parametrize("said", [RETURNED, {"bizTransactionList": RMA}], ids=["returned", "rma"])
def test_a_word_of_a_return_before_any_delivery_takes_nobody_out_of_the_chain(said: dict[str, Any]) -> None:
    silent, told = way_of(up_to_the_hub()), up_to_the_hub(**said)
    assert steps(way_of(told)) == steps(silent)
    assert steps(way_of(told))[-1] is Step.HUB_SORT
    assert steps(way_of(told, ReadingEdition.FIRST))[-1] is Step.HUB_IN
    assert {segment.leg for segment in told.trail().segments} == {"outbound"}
    assert {segment.leg for segment in told.trail(edition=ReadingEdition.FIRST).segments} == {"outbound", "return"}


def test_a_replacement_that_names_the_return_and_never_arrived_has_a_chain() -> None:
    world = World()
    world.pack(bizTransactionList=RMA)
    world.hand("bench-4", "dock-2", bizTransactionList=RMA)
    world.release("dock-2", bizTransactionList=RMA)
    assert steps(way_of(world)) == [Step.PACK, Step.DOCK]
    assert {segment.leg for segment in world.trail().segments} == {"outbound"}


def test_who_sends_back_what_was_not_delivered_is_in_the_chain_and_those_after_him_are_not() -> None:
    world = World().journey(deliver=False)
    world.obj("hub-sort-2", "departing", **RETURNED)
    world.obj("dock-2", "inspecting", **BROKEN)
    way = way_of(world)
    assert (way.stays[-1].site, way.stays[-1].step) == ("H2", Step.HUB_SORT)
    assert SealSeen.ANOMALY not in {stay.seal for stay in way.stays} | {stay.late_seal for stay in way.stays}


@pytest.mark.parametrize("station", ["hub-sort-1", "dock-2"])
def test_a_delivery_counts_only_where_parcels_are_delivered(station: str) -> None:
    world = up_to_the_hub()
    world.deliver(station)
    assert way_of(world).delivered_ms is None
    assert way_of(world).pin is Pin.UNOBSERVED
    assert way_of(world, ReadingEdition.FIRST).delivered_ms == world.now_ms


@pytest.mark.parametrize("station", ["depot-2", "courier-7"])
def test_a_depot_and_a_courier_deliver(station: str) -> None:
    world = World().journey(deliver=False)
    world.deliver(station)
    assert way_of(world).delivered_ms == world.now_ms


def test_a_check_that_the_deliverer_recorded_is_no_verified_one() -> None:
    world = World().journey()
    assert way_of(world).pin is Pin.RECORDED
    assert way_of(world, ReadingEdition.FIRST).pin is Pin.VERIFIED


def _in_a_cage(world: World, **seal: Any) -> None:
    world.load("hub-sort-1", CAGE, **seal)


def _of_the_van(world: World, **seal: Any) -> None:
    world.load("lorry-3", VAN)
    world.scan("lorry-3", "ObjectEvent", action="OBSERVE", bizStep="departing", epcList=[VAN], **seal)


def _of_the_cage(world: World, **seal: Any) -> None:
    world.load("hub-sort-1", CAGE)
    world.scan("hub-sort-1", "ObjectEvent", action="OBSERVE", bizStep="departing", epcList=[CAGE], **seal)


def _of_several(world: World, **seal: Any) -> None:
    world.obj("hub-sort-1", "inspecting", epcList=[PARCEL, PARCEL_2], **seal)


def _with_its_cage(world: World, **seal: Any) -> None:
    world.obj("hub-sort-1", "inspecting", epcList=[PARCEL, CAGE], **seal)


ELSEWHERE = [_in_a_cage, _of_the_van, _of_the_cage, _of_several, _with_its_cage]


@pytest.mark.parametrize("read", ELSEWHERE, ids=lambda read: read.__name__)
@pytest.mark.parametrize("seal", [BROKEN, {"wl:sealState": "missing"}, {"wl:sealNumber": "CAGE-77"}], ids=str)
def test_a_seal_that_is_not_this_parcels_alone_says_nothing_of_it(
    read: Callable[..., None], seal: dict[str, Any]
) -> None:
    world = up_to_the_hub()
    world.seal("bench-4")
    read(world, **seal)
    assert SealSeen.ANOMALY not in {seal for stay in way_of(world).stays for seal in (stay.seal, stay.late_seal)}
    assert not {"broken", "missing", "differs"} & {sight.state for sight in world.trail().seal.sights}
    assert {"broken", "missing", "differs"} & {
        sight.state for sight in world.trail(edition=ReadingEdition.FIRST).seal.sights
    }


def test_a_cage_that_is_unpacked_takes_no_seal_off() -> None:
    world = up_to_the_hub()
    world.seal("bench-4")
    world.load("hub-sort-1", CAGE)
    unpacked = {"action": "DELETE", "bizStep": "unpacking", "parentID": CAGE, "childEPCs": [PARCEL]}
    world.scan("lorry-3", "AggregationEvent", **unpacked)
    world.obj("lorry-3", "inspecting", **{"wl:sealNumber": "S-0099999"})
    assert [sight.state for sight in world.trail().seal.sights][-1] == "differs"


def test_a_flag_of_a_seal_that_differs_is_of_no_parcel_where_several_were_scanned() -> None:
    world = up_to_the_hub()
    world.obj("hub-sort-1", "inspecting", epcList=[PARCEL, PARCEL_2], flags=["seal_differs"])
    assert SealSeen.ANOMALY not in {stay.seal for stay in way_of(world).stays}
    world.obj("hub-sort-1", "inspecting", flags=["seal_differs"])
    assert SealSeen.ANOMALY in {stay.seal for stay in way_of(world).stays}


@pytest.mark.parametrize("key", [PARCEL, SEAL], ids=["the parcel", "its seal"])
def test_the_parcels_own_seal_is_read_on_it_and_alone(key: str) -> None:
    world = up_to_the_hub()
    world.seal("bench-4")
    world.obj("hub-sort-1", "inspecting", epcList=[key], **BROKEN)
    assert [sight.state for sight in world.trail().seal.sights][-1] == "broken"


NEW_SEAL = "https://id.gs1.org/8004/9521473SEAL0099"
INTACT = {"wl:sealState": "intact"}


def _resealed(world: World, *, recorded: bool, flag: str = "seal_differs") -> None:
    if recorded:
        taken_off = {"action": "DELETE", "bizStep": "removing", "parentID": PARCEL, "childEPCs": [SEAL]}
        world.scan("hub-sort-1", "AssociationEvent", **taken_off)
    world.seal("hub-sort-1", "S-99", childEPCs=[NEW_SEAL], flags=[flag], **INTACT)


@pytest.mark.parametrize("recorded", [False, True], ids=["said nothing", "recorded that the old one came off"])
@pytest.mark.parametrize("flag", ["seal_differs", "seal_replaced"])
def test_who_puts_another_seal_on_has_not_found_it_on_arrival(flag: str, *, recorded: bool) -> None:
    world = up_to_the_hub()
    _resealed(world, recorded=recorded, flag=flag)
    stay = way_of(world).stays[-1]
    assert (stay.step, stay.seal, stay.late_seal) == (Step.HUB_SORT, SealSeen.NOT_READ, SealSeen.ANOMALY)
    assert way_of(world, ReadingEdition.SECOND).stays[-1].seal is SealSeen.ANOMALY


@pytest.mark.parametrize("read", [BROKEN, INTACT], ids=str)
def test_what_is_read_of_a_seal_where_it_was_put_on_says_nothing_of_how_the_parcel_came(read: dict[str, str]) -> None:
    world = up_to_the_hub()
    _resealed(world, recorded=False)
    world.obj("hub-sort-1", "inspecting", **read)
    stay = way_of(world).stays[-1]
    assert (stay.seal, stay.late_seal) == (SealSeen.NOT_READ, SealSeen.ANOMALY)


def test_another_seal_as_the_first_that_is_heard_of_a_stay_is_the_next_checkpoints() -> None:
    world = up_to_the_hub()
    world.seal("lorry-3", "S-99", childEPCs=[NEW_SEAL], flags=["seal_differs"], **INTACT)
    stay = way_of(world).stays[-1]
    assert (stay.step, stay.seal, stay.late_seal) == (Step.LINEHAUL, SealSeen.NOT_READ, SealSeen.ANOMALY)


def test_a_seal_that_was_found_broken_before_another_was_put_on_was_broken_on_arrival() -> None:
    world = up_to_the_hub()
    world.obj("hub-sort-1", "inspecting", **BROKEN)
    world.seal("hub-sort-1", "S-99", childEPCs=[NEW_SEAL], **INTACT)
    stay = way_of(world).stays[-1]
    assert (stay.seal, stay.late_seal) == (SealSeen.ANOMALY, SealSeen.NOT_READ)


@pytest.mark.parametrize("things", [{"childEPCs": [SEAL]}, {}], ids=["by its key alone", "with everything"])
def test_who_takes_the_seal_off_and_does_not_call_it_one_has_not_found_it_broken_on_arrival(
    things: dict[str, list[str]],
) -> None:
    world = World()
    world.pack()
    world.seal("bench-4")
    for giver, taker in JOURNEY[:4]:
        world.hand(giver, taker)
    world.scan("hub-sort-1", "AssociationEvent", action="DELETE", bizStep="removing", parentID=PARCEL, **things)
    world.obj("hub-sort-1", "inspecting", **BROKEN)
    stay = way_of(world).stays[-1]
    assert (stay.step, stay.seal, stay.late_seal) == (Step.HUB_SORT, SealSeen.NOT_READ, SealSeen.ANOMALY)
    assert way_of(world, ReadingEdition.THIRD).stays[-1].seal is SealSeen.ANOMALY


def test_a_tracker_that_is_taken_off_leaves_the_seal_to_be_read() -> None:
    world = up_to_the_hub()
    world.seal("bench-4")
    tracker = {"bizStep": "removing", "parentID": PARCEL, "childEPCs": [VAN]}
    world.scan("hub-sort-1", "AssociationEvent", action="DELETE", **tracker)
    world.obj("hub-sort-1", "inspecting", **BROKEN)
    assert way_of(world).stays[-1].seal is SealSeen.ANOMALY


def test_a_tracker_that_is_put_on_leaves_the_seal_to_be_read() -> None:
    world = up_to_the_hub()
    tracker = {"action": "ADD", "bizStep": "installing", "parentID": PARCEL, "childEPCs": [VAN]}
    world.scan("hub-sort-1", "AssociationEvent", **tracker)
    world.obj("hub-sort-1", "inspecting", **BROKEN)
    stay = way_of(world).stays[-1]
    assert (stay.seal, stay.late_seal) == (SealSeen.ANOMALY, SealSeen.NOT_READ)


def test_a_handset_that_is_named_by_its_serial_alone_is_worth_much() -> None:
    world = World()
    world.pack(phone=PHONE.replace("001017004829159", "A7-2000"), **{"wl:photo": write_ni(bytes(32))})
    assert way_of(world).high_value
    assert not way_of(world, ReadingEdition.FIRST).high_value
