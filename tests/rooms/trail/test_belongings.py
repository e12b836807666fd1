"""Which keys and scans belong to one parcel."""

from collections.abc import Callable
from typing import Any

import pytest

from custody.kernel.clock import HOUR_MS
from custody.kernel.errors import Rejected
from custody.trail.belongings import Lookup, find_belongings, needs
from custody.trail.names import ask, filed_under, index_keys
from custody.trail.sealed import SealedScan
from tests.rooms.trail.world import (
    CAGE,
    DEPOT_GLN,
    HOME,
    ORDER,
    PARCEL,
    PARCEL_2,
    PARCEL_3,
    PHONE,
    PHONE_2,
    PHONE_2_IMEI,
    PHONE_IMEI,
    SEAL,
    VAN,
    World,
    kinds,
    wl,
)

PO = [{"type": "po", "bizTransaction": ORDER}]


@pytest.mark.parametrize(
    "text",
    [
        "195214730000088169",
        " 195214730000088169 ",
        "00195214730000088169",
        "(00) 1 9521473 0000088169",
        "]C100195214730000088169",
        "]e0 (00)195214730000088169",
        "1\u00a09521473\u202f0000088169\u200b",
        "\ufeff195214730000088169",
        "urn:epc:id:sscc:9521473.1000008816",
        "https://shop.example/00/195214730000088169?x=1",
        "Https://id.gs1.org/00/195214730000088169",
        "Urn:epc:id:sscc:9521473.1000008816",
    ],
)
def test_a_parcel_is_found_by_every_spelling_of_its_sscc(text: str) -> None:
    assert ask(text) == PARCEL


@pytest.mark.parametrize(
    "text",
    [
        *("00101700482915", "001017004829159", "0010170048291501", "00-101700-482915-9", PHONE_IMEI),
        *(PHONE_IMEI[:-1] + "9", "00\u00a0101700\u00a0482915\u00a09", "00\u2011101700\u2013482915\u20129"),
    ],
)
def test_a_handset_is_found_by_every_spelling_of_its_imei(text: str) -> None:
    assert ask(text) == PHONE_IMEI
    assert World().journey().belongings(text).parcel == PARCEL


@pytest.mark.parametrize(
    "text",
    [
        *("", "hello", "123", "001017004829158", HOME, DEPOT_GLN, "po:"),
        *("]C1195214730000088169", "]X100195214730000088169", "2026/01/20991234", "\uff10\uff10101700482915"),
    ],
)
def test_what_is_no_parcel_handset_seal_or_order_is_refused(text: str) -> None:
    with pytest.raises(Rejected):
        ask(text)


def test_an_order_is_found_however_its_first_letters_are_written() -> None:
    """A telephone begins what is typed with a capital letter; the number of an order stays as it is."""
    assert {ask(f"{start}:SO-20991") for start in ("po", "Po", "PO")} == {"po:SO-20991"}
    assert ask("po:so-20991") == "po:so-20991"


@pytest.mark.parametrize("digits", ["19521473000008816", "1952147300000881699", "10195214730000088169", "123"])
def test_digits_of_another_length_are_not_told_to_be_an_imei(digits: str) -> None:
    with pytest.raises(Rejected) as refused:
        ask(digits)
    assert refused.value.code == "unit"


@pytest.mark.parametrize("start", [PARCEL, PHONE, PHONE_IMEI, SEAL, "po:SO-20991", f"po:{ORDER}"])
def test_every_start_leads_to_the_same_parcel_and_the_same_scans(start: str) -> None:
    world = World().journey()
    belongings = world.belongings(start)
    assert (belongings.parcel, belongings.seals) == (PARCEL, (SEAL,))
    assert [item.key for item in belongings.items] == [PHONE]
    assert [sealed.index for sealed in world.scans if belongings.via(sealed)] == [
        sealed.index for sealed in world.scans
    ]


@pytest.mark.parametrize("start", [PARCEL, PHONE, PHONE_IMEI, SEAL, "po:SO-20991"])
def test_a_use_case_completes_the_unit_in_a_few_rounds(start: str) -> None:
    world = World()
    world.commission(bizTransactionList=PO, chain=False)
    world.pack(bizTransactionList=None)
    world.seal()
    world.load("dock-2")
    world.load("dock-2", VAN, [CAGE], chain=False)
    world.scan("hub-in-1", "ObjectEvent", action="OBSERVE", epcList=[VAN], bizStep="arriving", chain=False)
    world.unload("hub-sort-1", chain=False, children=None)
    asked: set[Lookup] = set()
    found: dict[bytes, SealedScan] = {}
    rounds = 0
    while lookups := needs(start, found.values(), asked):
        rounds += 1
        asked |= set(lookups)
        keys = {lookup.key for lookup in asked}
        found |= {sealed.digest: sealed for sealed in world.scans if keys & index_keys(sealed.event)}
    assert rounds <= 5
    assert len(found) == len(world.scans)
    assert world.belongings(start).keys <= keys


def test_an_unknown_key_needs_itself_once_and_then_nothing() -> None:
    assert [lookup.key for lookup in needs(PARCEL, ())] == [PARCEL]
    assert needs(PARCEL, (), {Lookup(key=PARCEL)}) == ()
    assert needs("po:SO-1", (), {Lookup(key="po:SO-1")}) == ()


def test_a_carrier_is_looked_up_as_one_and_whole_where_it_is_more_than_that() -> None:
    world = World()
    world.load("dock-2", VAN)
    assert [lookup for lookup in needs(PARCEL, world.scans) if lookup.key == VAN] == [Lookup(key=VAN, carrier=True)]
    assert needs(PARCEL, world.scans, {Lookup(key=PARCEL), Lookup(key=VAN)}) == ()
    world.seal(childEPCs=[VAN])
    asked = {Lookup(key=PARCEL), Lookup(key=VAN, carrier=True)}
    assert needs(PARCEL, world.scans, asked) == (Lookup(key=VAN),)


def test_a_cages_other_parcels_do_not_leak() -> None:
    world = World()
    world.pack()
    world.load("dock-2")
    other = world.load("dock-2", children=[PARCEL_2], chain=False)
    both = world.load("dock-2", children=[PARCEL, PARCEL_3], chain=False)
    arrival = world.scan("hub-in-1", "ObjectEvent", action="OBSERVE", epcList=[CAGE], bizStep="arriving", chain=False)
    elsewhere = world.obj("hub-in-1", epcList=[PARCEL_2], chain=False)
    out = world.unload("hub-sort-1", children=[PARCEL_2], chain=False)
    belongings = world.belongings()
    assert belongings.via(arrival) == "carrier"
    assert belongings.via(both) == "parcel"
    assert [belongings.via(sealed) for sealed in (other, elsewhere, out)] == [None, None, None]
    assert not {PARCEL_2, PARCEL_3} & belongings.keys


def test_a_cage_counts_only_while_the_parcel_is_inside() -> None:
    world = World()

    def sighting() -> SealedScan:
        return world.scan("lorry-9", "ObjectEvent", action="OBSERVE", epcList=[CAGE], bizStep="departing", chain=False)

    before = sighting()
    world.load("dock-2")
    during = sighting()
    world.unload("hub-sort-1", children=None)
    after = sighting()
    belongings = world.belongings()
    assert [belongings.via(sealed) for sealed in (before, during, after)] == [None, "carrier", None]


def test_emptying_a_whole_cage_takes_the_parcel_out() -> None:
    world = World()
    world.load("dock-2")
    out = world.unload("hub-sort-1", children=None)
    belongings = world.belongings()
    assert belongings.carriers[0].to_index == out.index
    assert belongings.via(out) == "carrier"


def test_a_van_around_the_cage_counts_while_both_hold() -> None:
    world = World()
    world.load("dock-2")
    world.load("dock-2", VAN, [CAGE], chain=False)
    inside = world.scan("hub-in-1", "ObjectEvent", action="OBSERVE", epcList=[VAN], bizStep="arriving", chain=False)
    world.unload("hub-in-1", VAN, [CAGE], chain=False)
    after = world.scan("lorry-9", "ObjectEvent", action="OBSERVE", epcList=[VAN], bizStep="departing", chain=False)
    belongings = world.belongings()
    assert (belongings.via(inside), belongings.via(after)) == ("carrier", None)
    assert belongings.carriers[1].outer == VAN


def test_an_unrecorded_unloading_ends_at_the_first_scan_outside_the_cage() -> None:
    world = World()
    world.load("dock-2")
    sorting = world.obj("hub-sort-1", "urn:weaklink:BizStep-sorting")
    strange = world.scan("lorry-3", "ObjectEvent", action="OBSERVE", epcList=[CAGE], bizStep="departing", chain=False)
    trail = world.trail()
    assert trail.belongings.carriers[0].to_index == sorting.index
    assert trail.belongings.via(strange) is None
    assert "carrier_not_unloaded" in kinds(trail)


def test_a_scan_of_the_parcel_in_the_lorry_does_not_end_the_stay_in_the_cage() -> None:
    world = World()
    world.load("dock-2")
    world.release("dock-2")
    world.obj("lorry-9", "arriving")
    assert world.belongings().carriers[0].to_ms is None


def test_a_handset_packed_again_later_has_its_own_later_parcel() -> None:
    world = World().journey()
    world.unpack()
    back = world.scan(
        "desk", "ObjectEvent", action="OBSERVE", epcList=[PHONE], bizStep="shipping", disposition="returned"
    )
    again = world.commission("bench-4", chain=False)
    world.pass_time(1)
    packed = world.pack(parentID=PARCEL_2, bizTransactionList=None, chain=False)
    first, second = world.belongings(parcel=PARCEL), world.belongings(PHONE_IMEI)
    assert (first.parcel, second.parcel) == (PARCEL, PARCEL_2)
    assert [first.via(sealed) for sealed in (back, again, packed)] == ["item", None, None]
    assert [second.via(sealed) for sealed in (back, again, packed)] == [None, "item", "parcel"]
    assert [other.key for other in first.others] == [PARCEL_2]
    assert [other.key for other in second.others] == [PARCEL]
    assert "item_elsewhere" not in kinds(world.trail())


def test_one_of_several_parcels_of_an_order_can_be_chosen() -> None:
    world = World()
    world.pack()
    world.pack(phone=PHONE_2, parentID=PARCEL_2)
    assert world.belongings("po:SO-20991").parcel == PARCEL_2
    chosen = world.belongings("po:SO-20991", parcel="195214730000088169")
    assert (chosen.parcel, [item.key for item in chosen.items]) == (PARCEL, [PHONE])
    assert PHONE_2 not in chosen.keys
    assert [other.key for other in chosen.others] == [PARCEL_2]


SHOP_A, SHOP_B = "https://shop-a.example/orders/2026/01/20991234", "https://shop-b.example/orders/2025/01/20991234"


def test_the_orders_of_two_shops_stay_two_though_both_look_like_one_product() -> None:
    world = World()
    world.pack(bizTransactionList=[{"type": "po", "bizTransaction": SHOP_A}])
    world.pack(phone=PHONE_2, parentID=PARCEL_2, bizTransactionList=[{"type": "po", "bizTransaction": SHOP_B}])
    for order, parcel in ((SHOP_A, PARCEL), (SHOP_B, PARCEL_2)):
        belongings = world.belongings(f"po:{order}")
        assert (belongings.parcel, belongings.orders, belongings.others) == (parcel, (f"po:{order}",), ())
    assert world.belongings("po:https://id.gs1.org/01/00000020991234").parcel is None


@pytest.mark.parametrize(
    "number", ["urn:epc:id:gdti:9521473.00012.SO20991", "https://shop.example/253/9521473000126SO20991?x=1", SHOP_A]
)
def test_an_order_is_found_by_its_own_text(number: str) -> None:
    world = World()
    packing = world.pack(bizTransactionList=[{"type": "po", "bizTransaction": number}])
    assert ask(f"po:{number}") in index_keys(packing.event)
    assert world.belongings(f"po:{number}").parcel == PARCEL


def test_an_order_is_also_looked_up_under_the_key_that_it_was_filed_under_before() -> None:
    packing = World().pack(bizTransactionList=[{"type": "po", "bizTransaction": SHOP_A}])
    before = "po:https://id.gs1.org/01/00000020991234"
    assert {lookup.key for lookup in needs(f"po:{SHOP_A}", [])} == {f"po:{SHOP_A}", before}
    assert filed_under(packing.event) == {*index_keys(packing.event), before}


def test_an_order_does_not_lead_to_the_parcel_in_which_its_handset_was_sold_again() -> None:
    world = World().journey()
    world.unpack()
    world.pass_time(1)
    other = [{"type": "po", "bizTransaction": "urn:epcglobal:cbv:bt:9521473000102:SO-30001"}]
    world.commission("bench-4", bizTransactionList=other, chain=False)
    world.pack(parentID=PARCEL_2, bizTransactionList=None, chain=False)
    first, second = world.belongings("po:SO-20991"), world.belongings("po:SO-30001")
    assert (first.parcel, second.parcel) == (PARCEL, PARCEL_2)
    assert "po:SO-30001" not in first.orders
    assert "po:SO-20991" not in second.orders
    assert [other.key for other in first.others] == [PARCEL_2]
    assert world.belongings(PHONE_IMEI).parcel == PARCEL_2


def test_an_order_leads_to_the_parcel_into_which_its_handset_was_packed_anew() -> None:
    world = World()
    world.commission(bizTransactionList=[{"type": "po", "bizTransaction": ORDER}])
    world.pack(bizTransactionList=None)
    world.pass_time(1)
    world.pack(parentID=PARCEL_2, bizTransactionList=None, chain=False)
    assert world.belongings("po:SO-20991").parcel == PARCEL_2


@pytest.mark.parametrize("start", [PHONE_IMEI, PHONE_2_IMEI])
def test_a_transformation_is_in_the_trail_of_what_it_uses_and_of_what_it_makes(start: str) -> None:
    world = World()
    world.scan(
        "desk",
        "TransformationEvent",
        bizStep="repairing",
        inputEPCList=[PHONE],
        outputEPCList=[PHONE_2],
        chain=False,
    )
    trail = world.trail(start)
    assert [(entry.via, entry.event.biz_step) for entry in trail.entries] == [("item", "repairing")]
    assert (trail.segments, trail.holder.kind) == ((), "unknown")


def test_a_second_sim_number_names_the_same_handset() -> None:
    world = World()
    world.commission(**wl({"wl:imei": [PHONE_2_IMEI]}))
    world.pack()
    belongings = world.belongings("490154203237518")
    assert (belongings.parcel, len(belongings.items)) == (PARCEL, 1)
    assert {PHONE, PHONE_IMEI, PHONE_2_IMEI} == belongings.items[0].names


def test_a_number_of_another_handset_is_not_joined_but_reported() -> None:
    world = World()
    world.commission()
    world.commission(phone=PHONE_2)
    world.pack(**wl({"wl:imei": [PHONE_2_IMEI, PHONE_IMEI]}))
    joined = world.commission(phone=PHONE, **wl({"wl:imei": [PHONE_2_IMEI]}))
    trail = world.trail()
    assert PHONE_2 not in trail.belongings.items[0].names
    assert any(f.kind == "contents_conflict" and f.indices == (joined.index,) for f in trail.findings)


def test_a_handset_packed_by_class_is_known_by_its_number() -> None:
    world = World()
    gtin = PHONE.partition("/21/")[0]
    world.pack(childEPCs=None, childQuantityList=[{"epcClass": gtin, "quantity": 1}], **wl({"wl:imei": [PHONE_IMEI]}))
    belongings = world.belongings(PHONE_IMEI)
    assert (belongings.parcel, [item.key for item in belongings.items]) == (PARCEL, [PHONE_IMEI])


def test_what_an_inspection_finds_does_not_become_part_of_the_parcel() -> None:
    world = World()
    world.pack()
    world.scan("hub-sort-1", "AggregationEvent", action="OBSERVE", parentID=PARCEL, childEPCs=[PHONE_2])
    found = world.obj("hub-sort-1", epcList=[PHONE_2], disposition="mismatch_instance", **wl({"wl:expected": PHONE}))
    belongings = world.belongings()
    assert [item.key for item in belongings.items] == [PHONE]
    assert PHONE_2 not in belongings.keys
    assert belongings.via(found) == "item"


def _quarantine(world: World) -> SealedScan:
    return world.pack(phone=PHONE_2, result="quarantined", flags=["key_unknown"])


def _declared(world: World) -> SealedScan:
    wrong = world.pack(phone=PHONE_2)
    world.declare(wrong)
    return wrong


@pytest.mark.parametrize("void", [_quarantine, _declared])
def test_a_packing_that_does_not_stand_ties_nothing(void: Callable[[World], SealedScan]) -> None:
    world = World()
    world.pack()
    wrong = void(world)
    belongings = world.belongings()
    assert [item.key for item in belongings.items] == [PHONE]
    assert belongings.via(wrong) == "parcel"
    assert world.belongings(PHONE_2).parcel is None


def test_a_handset_in_two_parcels_at_once_is_reported() -> None:
    world = World()
    world.pack()
    world.pack(parentID=PARCEL_2, chain=False)
    world.obj("dock-2")
    assert "item_elsewhere" in kinds(world.trail())


def test_a_seal_on_two_parcels_is_reported() -> None:
    world = World()
    world.pack()
    world.seal()
    world.seal(parentID=PARCEL_2, chain=False)
    assert "seal_elsewhere" in kinds(world.trail())


def test_a_handset_never_packed_has_a_trail_without_parcel() -> None:
    world = World()
    world.commission()
    trail = world.trail(PHONE_IMEI)
    assert trail.belongings.parcel is None
    assert [segment.name for segment in trail.segments] == ["station gate 1"]


def test_an_order_without_any_scan_has_no_parcel_and_no_place() -> None:
    trail = World().trail("po:SO-1")
    assert trail.belongings.parcel is None
    assert trail.holder.kind == "unknown"


def test_an_order_event_belongs_to_the_order_only_if_it_names_nothing_else() -> None:
    world = World()
    world.pack()
    paper = world.scan("desk", "TransactionEvent", action="ADD", epcList=[PHONE_2], bizTransactionList=PO, chain=False)
    assert world.belongings().via(paper) is None


def test_seal_scans_follow_the_seal() -> None:
    world = World()
    world.pack()
    world.seal()
    look = world.obj("dock-2", epcList=[SEAL], **wl({"wl:sealState": "intact"}))
    assert world.belongings().via(look) == "seal"


def test_two_stays_in_one_cage_are_two_stays() -> None:
    world = World()
    for _ in range(2):
        world.load("dock-2")
        world.pass_time(1)
        world.unload("hub-sort-1")
    spans = [stay.to_ms - stay.from_ms for stay in world.belongings().carriers if stay.to_ms is not None]
    assert len(spans) == 2
    assert all(span < 2 * HOUR_MS for span in spans)


def test_moving_into_another_cage_ends_the_first_stay() -> None:
    world = World()
    world.load("dock-2")
    moved = world.load("hub-in-1", VAN)
    stays = {stay.outer: stay for stay in find_belongings(PARCEL, world.scans).carriers}
    assert stays[CAGE].to_index == moved.index
    assert stays[VAN].to_index is None


def test_one_handset_of_several_is_enough_to_know_the_order() -> None:
    world = World()
    world.commission(bizTransactionList=PO)
    world.commission(phone=PHONE_2)
    world.pack(childEPCs=[PHONE, PHONE_2], bizTransactionList=None)
    assert "po:SO-20991" in world.belongings().orders


def test_an_order_on_a_scan_of_another_parcel_is_not_this_parcels() -> None:
    world = World()
    world.pack(bizTransactionList=None)
    world.obj("dock-2", epcList=[PHONE, PARCEL_2], bizTransactionList=PO)
    world.obj("dock-2", epcList=[PARCEL, PARCEL_2], bizTransactionList=PO)
    assert world.belongings().orders == ()


def test_two_handsets_packed_by_class_stay_two() -> None:
    world = World()
    goods = [{"epcClass": PHONE.partition("/21/")[0], "quantity": 2}]
    world.pack(childEPCs=None, childQuantityList=goods, **wl({"wl:imei": [PHONE_IMEI, PHONE_2_IMEI]}))
    assert [item.names for item in world.belongings().items] == [{PHONE_IMEI}, {PHONE_2_IMEI}]


def test_numbers_on_a_parcels_first_label_are_not_joined_into_one_handset() -> None:
    world = World()
    label: dict[str, Any] = {"action": "ADD", "epcList": [PARCEL], "bizStep": "commissioning"}
    world.scan("bench-4", "ObjectEvent", **label, **wl({"wl:imei": [PHONE_IMEI, PHONE_2_IMEI]}))
    world.pack()
    assert world.belongings().items[0].names == {PHONE, PHONE_IMEI}


def test_the_order_that_was_asked_for_is_shown_unless_another_parcel_was_chosen() -> None:
    assert World().belongings("po:SO-1").orders == ("po:SO-1",)
    world = World()
    world.pack()
    assert "po:SO-20991" in world.belongings("po:SO-20991").orders
    assert world.belongings("po:SO-20991", parcel=PARCEL_2).orders == ()


def test_one_of_our_carriers_among_others_moves_the_parcel() -> None:
    world = World()
    world.load("dock-2")
    world.load("dock-2", VAN, [CAGE], chain=False)
    both = world.scan(
        "hub-in-1", "AggregationEvent", action="OBSERVE", parentID=VAN, childEPCs=[CAGE, f"{CAGE}9"], chain=False
    )
    others = world.scan(
        "hub-in-1", "AggregationEvent", action="OBSERVE", parentID=VAN, childEPCs=[f"{CAGE}9"], chain=False
    )
    belongings = world.belongings()
    assert (belongings.via(both), belongings.via(others)) == ("carrier", None)
