"""Which records tie a handset to a parcel, and which of them are independent."""

from typing import Any

import pytest

from custody.kernel.errors import Rejected
from custody.trail.ties import MOMENT_MS, bind
from tests.rooms.trail.world import (
    BANK_CLASS,
    ORDER,
    PARCEL,
    PARCEL_2,
    PHONE,
    PHONE_2,
    PHONE_2_IMEI,
    PHONE_IMEI,
    START_MS,
    World,
    wl,
)

OTHER_ORDER = "urn:epcglobal:cbv:bt:9521473000102:SO-1"
PO: dict[str, Any] = {"bizTransactionList": [{"type": "po", "bizTransaction": ORDER}]}
OTHER_PO: dict[str, Any] = {
    "bizTransactionList": [{"type": "po", "bizTransaction": "urn:epcglobal:cbv:bt:9521473000102:SO-1"}]
}
IMEI = "001017004829159"


def two_records() -> World:
    world = World()
    world.commission(**PO)
    world.pack()
    return world


def test_two_stations_at_two_moments_bind() -> None:
    world = two_records()
    binding = bind(world.trail(), IMEI)
    assert binding.bound
    assert [tie.kind for tie in binding.ties] == ["commissioned", "packed"]
    assert binding.pair == (binding.ties[0], binding.ties[1])
    assert [tie.station for tie in bind(world.trail(), IMEI).ties] == ["goods-in", "bench-4"]


@pytest.mark.parametrize("text", [IMEI, IMEI[:14], IMEI[:14] + "01", PHONE_IMEI, PHONE])
def test_every_form_of_the_imei_finds_the_same_ties(text: str) -> None:
    trail = two_records().trail()
    assert bind(trail, text) == bind(trail, IMEI)


@pytest.mark.parametrize("text", ["", "x", PARCEL, "001017004829150"])
def test_what_is_no_imei_is_refused(text: str) -> None:
    with pytest.raises(Rejected):
        bind(two_records().trail(), text)


def test_one_record_does_not_bind() -> None:
    world = World()
    world.pack()
    binding = bind(world.trail(), IMEI)
    assert (len(binding.ties), binding.bound, binding.findings) == (1, False, ())


def test_no_record_does_not_bind_and_contradicts_nothing() -> None:
    world = World()
    world.obj("dock-2")
    binding = bind(world.trail(), IMEI)
    assert (binding.ties, binding.bound, binding.findings) == ((), False, ())


def test_two_records_of_one_station_are_one() -> None:
    world = World()
    world.commission("bench-4", **PO)
    world.pack()
    assert not bind(world.trail(), IMEI).bound


@pytest.mark.parametrize(("apart", "bound"), [(MOMENT_MS - 1, False), (MOMENT_MS, True)])
def test_two_stations_at_one_moment_are_one_handling(*, apart: int, bound: bool) -> None:
    world = World()
    pack = world.pack()
    world.obj("scale-12", at=pack.at_ms + apart, **wl({"wl:imei": [PHONE_IMEI], "wl:entryMode": "scanned"}))
    assert bind(world.trail(), IMEI).bound is bound


@pytest.mark.parametrize(("mode", "copied"), [("scanned", False), ("keyed", True), (None, True)])
def test_passing_on_what_upstream_said_is_a_copy_unless_it_was_scanned(*, mode: str | None, copied: bool) -> None:
    world = World()
    world.pack()
    release = world.release("bench-4", **wl({"wl:imei": [PHONE_IMEI]}))
    world.accept("dock-2", release, **wl({"wl:imei": [PHONE_IMEI], "wl:entryMode": mode}))
    binding = bind(world.trail(), IMEI)
    assert binding.ties[-1].copied_from == (release.index if copied else None)
    assert binding.bound is not copied


def test_a_number_read_through_the_window_is_a_record() -> None:
    world = World()
    world.pack()
    world.obj("dock-2", **wl({"wl:imei": [PHONE_IMEI], "wl:entryMode": "scanned"}))
    binding = bind(world.trail(), IMEI)
    assert ([tie.kind for tie in binding.ties], binding.bound) == (["packed", "read_with_parcel"], True)


def test_looks_inside_and_unpacking_are_records() -> None:
    world = World()
    world.pack()
    world.scan("dock-2", "AggregationEvent", action="OBSERVE", parentID=PARCEL, childEPCs=[PHONE])
    world.unpack()
    assert [tie.kind for tie in bind(world.trail(), IMEI).ties] == ["packed", "seen_inside", "unpacked"]


def test_a_sale_of_the_handset_for_the_order_is_a_record() -> None:
    world = World()
    world.scan("desk", "TransactionEvent", action="ADD", epcList=[PHONE], **PO)
    world.pack()
    binding = bind(world.trail(), IMEI)
    assert ([tie.kind for tie in binding.ties], binding.bound) == (["sold", "packed"], True)


def test_a_commissioning_for_no_order_or_one_the_parcel_does_not_name_ties_nothing() -> None:
    for commissioned, packed in (({}, PO), (PO, {"bizTransactionList": None})):
        world = World()
        world.commission(**commissioned)
        world.pack(**packed)
        binding = bind(world.trail(), IMEI)
        assert ([tie.kind for tie in binding.ties], binding.findings) == (["packed"], ())


def test_a_handset_commissioned_for_another_order_contradicts() -> None:
    world = World()
    world.commission(**OTHER_PO)
    world.pack()
    world.obj("dock-2", **wl({"wl:imei": [PHONE_IMEI], "wl:entryMode": "scanned"}))
    binding = bind(world.trail(), IMEI)
    assert not binding.bound
    assert all(tie.void for tie in binding.ties)
    assert [finding.kind for finding in binding.findings] == ["tie_disputed"]


@pytest.mark.parametrize(
    ("kind", "contradiction"),
    [
        ("AggregationEvent", {"parentID": PARCEL, "childEPCs": [PHONE_2]}),
        ("ObjectEvent", {"epcList": [PARCEL], "wl:imei": [PHONE_2_IMEI]}),
    ],
)
def test_another_number_in_the_parcel_voids_every_tie(kind: str, contradiction: dict[str, Any]) -> None:
    world = two_records()
    world.scan("hub-sort-1", kind, action="OBSERVE", **contradiction)
    binding = bind(world.trail(), IMEI)
    assert not binding.bound
    assert all(tie.void for tie in binding.ties)
    assert "...7518" in binding.findings[0].sentence
    assert PHONE_2_IMEI not in binding.findings[0].sentence


def test_another_handset_found_in_its_place_voids_every_tie() -> None:
    world = two_records()
    world.obj("hub-sort-1", epcList=[PHONE_2], disposition="mismatch_instance", **wl({"wl:expected": PHONE}))
    assert not bind(world.trail(), IMEI).bound


def test_the_same_handset_in_another_parcel_voids_every_tie() -> None:
    world = two_records()
    world.pack(parentID=PARCEL_2, chain=False)
    world.obj("dock-2")
    assert not bind(world.trail(PARCEL), IMEI).bound


def test_an_imei_that_is_not_the_packed_one_is_contradicted_by_the_packing() -> None:
    binding = bind(two_records().trail(), "490154203237518")
    assert (binding.ties, binding.bound, len(binding.findings)) == ((), False, 2)


@pytest.mark.parametrize("disposition", ["mismatch_class", "mismatch_quantity"])
def test_other_goods_or_an_empty_box_found_later_void_nothing(disposition: str) -> None:
    world = two_records()
    found: dict[str, Any] = {"childQuantityList": [{"epcClass": BANK_CLASS, "quantity": 1}], "disposition": disposition}
    world.scan("hub-sort-1", "AggregationEvent", action="OBSERVE", parentID=PARCEL, **found)
    world.obj("hub-sort-1", disposition=disposition)
    assert bind(world.trail(), IMEI).bound


def test_two_handsets_in_one_parcel_do_not_contradict_each_other() -> None:
    world = World()
    world.commission(**PO)
    world.commission(phone=PHONE_2, **PO)
    world.pack(childEPCs=[PHONE, PHONE_2])
    trail = world.trail()
    assert bind(trail, IMEI).bound
    assert bind(trail, "490154203237518").bound


@pytest.mark.parametrize(
    "apart",
    [
        {"result": "quarantined", "flags": ["key_unknown"]},
        {"result": "flagged", "flags": ["key_suspect"]},
    ],
)
def test_quarantined_scans_and_suspect_keys_tie_nothing_and_contradict_nothing(apart: dict[str, Any]) -> None:
    world = World()
    world.pack()
    world.obj("dock-2", **wl({"wl:imei": [PHONE_IMEI], "wl:entryMode": "scanned"}), **apart)
    world.obj("lorry-9", **wl({"wl:imei": [PHONE_2_IMEI]}), **apart)
    binding = bind(world.trail(), IMEI)
    assert ([tie.kind for tie in binding.ties], binding.findings) == (["packed"], ())


def test_a_record_declared_wrong_ties_nothing_any_more() -> None:
    world = two_records()
    world.declare(world.scans[0])
    assert not bind(world.trail(), IMEI).bound


def test_a_second_sim_number_binds_like_the_first() -> None:
    world = World()
    world.commission(**PO, **wl({"wl:imei": [PHONE_2_IMEI]}))
    world.pack()
    assert bind(world.trail(), "490154203237518").bound


def test_a_keyed_record_says_so() -> None:
    world = World()
    world.pack(**wl({"wl:entryMode": "keyed"}))
    assert bind(world.trail(), IMEI).ties[0].keyed


def test_an_order_on_a_scan_of_several_parcels_ties_none_of_them_to_it() -> None:
    world = World()
    world.commission(**PO)
    world.pack(bizTransactionList=None)
    world.obj("dock-2", epcList=[PARCEL, PARCEL_2], **PO)
    assert [tie.kind for tie in bind(world.trail(), IMEI).ties] == ["packed"]


def test_a_transformation_ties_nothing_and_its_parts_contradict_nothing() -> None:
    world = two_records()
    parts = ["https://id.gs1.org/01/09521886007194/21/BOARD-7", PHONE_2]
    made = world.scan("supplier-1", "TransformationEvent", inputEPCList=parts, outputEPCList=[PHONE], chain=False, **PO)
    trail = world.trail()
    binding = bind(trail, IMEI)
    assert made.index in [entry.index for entry in trail.entries]
    assert made.index not in [tie.index for tie in binding.ties]
    assert (binding.bound, binding.findings) == (True, ())


def test_an_event_of_somebodys_own_type_ties_nothing() -> None:
    world = World()
    world.pack()
    world.scan("hub-in-1", "urn:own:Missed", action="OBSERVE", epcList=[PARCEL, PHONE], bizStep="inspecting")
    trail = world.trail()
    assert [tie.kind for tie in bind(trail, IMEI).ties] == ["packed"]
    assert (trail.entries[1].event.biz_step, trail.holder.site) == ("inspecting", "W1")


def test_another_handsets_order_contradicts_nothing() -> None:
    world = World()
    world.commission(**PO)
    world.commission(phone=PHONE_2, **OTHER_PO)
    world.pack(childEPCs=[PHONE, PHONE_2])
    trail = world.trail()
    assert bind(trail, IMEI).bound
    assert not bind(trail, "490154203237518").bound


def test_who_puts_another_handset_in_on_the_way_ties_it_to_nothing_and_voids_the_true_ties() -> None:
    world = World().journey(deliver=False)
    world.pack("courier-7", phone=PHONE_2, bizTransactionList=None)
    world.obj("courier-8", **wl({"wl:imei": [PHONE_2_IMEI], "wl:entryMode": "scanned"}))
    for imei in (PHONE_2_IMEI, PHONE_IMEI):
        binding = bind(world.trail(), imei)
        assert binding.findings
        assert not binding.bound


@pytest.mark.parametrize(("other", "bound"), [("h-0004", False), ("h-0005", True), (None, True)])
def test_one_person_with_two_devices_makes_one_record(*, other: str | None, bound: bool) -> None:
    world = World()
    world.pack(**wl({"wl:handler": "h-0004"}))
    world.obj("scale-12", **wl({"wl:imei": [PHONE_IMEI], "wl:entryMode": "scanned", "wl:handler": other}))
    assert bind(world.trail(), IMEI).bound is bound


def sent(**packed: Any) -> World:
    """A parcel that its sender packed without naming a handset, on its way with a carrier."""
    world = World()
    goods = [{"epcClass": "https://id.gs1.org/01/09521473003813", "quantity": 1}]
    world.pack(**{"childEPCs": None, "childQuantityList": goods, "bizTransactionList": None, **packed})
    world.hand("bench-4", "courier-7")
    return world


def named_by_couriers(world: World, **said: Any) -> None:
    for station in ("courier-7", "courier-8"):
        world.obj(station, **wl({"wl:imei": [PHONE_2_IMEI], "wl:entryMode": "scanned"}), **said)


def test_a_stranger_is_tied_by_no_number_of_later_custodians_to_what_was_packed_without_one() -> None:
    world = sent()
    named_by_couriers(world)
    binding = bind(world.trail(), PHONE_2_IMEI)
    assert len(binding.ties) == 2
    assert not binding.bound


def test_a_stranger_is_tied_by_no_order_that_only_a_later_custodian_names() -> None:
    world = sent()
    world.commission(phone=PHONE_2, chain=False, **OTHER_PO)
    named_by_couriers(world, **OTHER_PO)
    assert not bind(world.trail(), PHONE_2_IMEI).bound


def test_a_record_of_the_sender_and_one_of_a_later_custodian_bind() -> None:
    world = sent()
    world.obj("dock-2", **wl({"wl:imei": [PHONE_2_IMEI]}))
    named_by_couriers(world)
    assert bind(world.trail(), PHONE_2_IMEI).bound


@pytest.mark.parametrize(("packed", "bound"), [(PO, True), (OTHER_PO, False)], ids=["its order", "another one"])
def test_the_handsets_own_record_counts_for_the_order_that_the_sender_named(
    *, packed: dict[str, Any], bound: bool
) -> None:
    world = sent(**packed)
    world.commission("supplier-1", PHONE_2, chain=False, at=START_MS, **PO)
    world.pack("courier-7", PHONE_2, **PO)
    assert bind(world.trail(), PHONE_2_IMEI).bound is bound


def test_a_carrier_that_packs_again_before_the_log_is_not_the_sender() -> None:
    world = sent()
    world.pack("courier-7", PHONE_2, at=world.scans[0].at_ms - 1_000, bizTransactionList=None)
    world.obj("courier-8", **wl({"wl:imei": [PHONE_2_IMEI], "wl:entryMode": "scanned"}))
    assert not bind(world.trail(), PHONE_2_IMEI).bound
