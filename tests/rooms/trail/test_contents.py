"""What was found inside, and how strong the proof of delivery is."""

from typing import Any

import pytest

from custody.trail.edition import ReadingEdition
from tests.rooms.trail.world import BANK_CLASS, PARCEL, PHONE, PHONE_2, PHONE_2_IMEI, PHONE_IMEI, World, kinds, ni, wl

GTIN = PHONE.partition("/21/")[0]
PHOTO = {"wl:photo": ni(b"\x05" * 32)}


def look(world: World, **fields: Any) -> int:
    inside = {"action": "OBSERVE", "bizStep": "inspecting", "parentID": PARCEL, **fields}
    return world.scan("hub-sort-1", "AggregationEvent", **inside).index


@pytest.mark.parametrize(
    ("fields", "result"),
    [
        ({"childEPCs": [PHONE]}, "same"),
        ({"childEPCs": [PHONE_2]}, "differs"),
        ({"childQuantityList": [{"epcClass": GTIN, "quantity": 1}]}, "same"),
        ({"childQuantityList": [{"epcClass": BANK_CLASS, "quantity": 2}]}, "other_goods"),
        ({"childQuantityList": [{"epcClass": BANK_CLASS}], "disposition": "mismatch_class"}, "other_goods"),
        ({"disposition": "mismatch_instance", "childEPCs": [PHONE_2]}, "differs"),
        ({"disposition": "mismatch_quantity", "childQuantityList": [{"epcClass": GTIN, "quantity": 0}]}, "short"),
    ],
)
def test_a_look_inside_is_compared_with_what_was_packed(fields: dict[str, Any], result: str) -> None:
    world = World()
    packed = world.pack()
    seen = look(world, **fields)
    trace = world.trail().contents
    assert [sight.result for sight in trace.sights] == ["packed", result]
    assert (trace.good, trace.bad) == ((packed.index, seen) if result != "same" else (None, None))


@pytest.mark.parametrize(
    ("fields", "result"),
    [
        ({"wl:imei": [PHONE_IMEI]}, "same"),
        ({"wl:imei": [PHONE_2_IMEI]}, "differs"),
        ({"disposition": "mismatch_quantity"}, "short"),
    ],
)
def test_a_scan_of_the_parcel_may_be_a_look_inside(fields: dict[str, Any], result: str) -> None:
    world = World()
    world.pack()
    world.obj("hub-sort-1", **fields)
    assert [sight.result for sight in world.trail().contents.sights] == ["packed", result]


@pytest.mark.parametrize(
    ("classes", "result"),
    [
        ({GTIN + "/10/LOT9": 1}, "same"),
        ({"urn:epc:class:lgtin:9521473.000381.LOT9": 1}, "same"),
        ({GTIN + "/10/LOT9": None}, "same"),
        ({BANK_CLASS + "/10/LOT9": 1}, "other_goods"),
        ({GTIN: 1, BANK_CLASS: 2}, "other_goods"),
        ({GTIN: 0, BANK_CLASS: 2}, "other_goods"),
        ({GTIN: 0}, "short"),
        ({GTIN + "/10/LOT9": 0, GTIN + "/10/LOT8": 1}, "same"),
    ],
    ids=str,
)
def test_a_lot_is_of_its_product_and_none_of_it_is_too_few(classes: dict[str, int | None], result: str) -> None:
    world = World()
    world.pack()
    counted = [{"epcClass": key} | ({} if count is None else {"quantity": count}) for key, count in classes.items()]
    look(world, childQuantityList=counted)
    assert [sight.result for sight in world.trail().contents.sights] == ["packed", result]


def test_a_lot_was_another_class_by_the_edition_before_and_none_was_as_good_as_one() -> None:
    world = World()
    world.pack()
    look(world, childQuantityList=[{"epcClass": GTIN + "/10/LOT9", "quantity": 1}])
    look(world, childQuantityList=[{"epcClass": GTIN, "quantity": 0}])
    then = world.trail(edition=ReadingEdition.SECOND).contents
    assert [sight.result for sight in then.sights] == ["packed", "other_goods", "same"]


def test_a_recipient_who_unpacks_the_lot_that_was_packed_has_unpacked_it_complete() -> None:
    world = World().journey()
    world.unpack(phone=None, childQuantityList=[{"epcClass": GTIN + "/10/LOT9", "quantity": 1}])
    assert world.trail().delivery.strength == "unpacked_complete"
    assert world.trail(edition=ReadingEdition.SECOND).delivery.strength == "pin_sealed"


def test_found_things_without_anything_packed_are_unknown_not_wrong() -> None:
    world = World()
    look(world, childEPCs=[PHONE])
    look(world, childQuantityList=[{"epcClass": GTIN}], childEPCs=None)
    trace = world.trail().contents
    assert [sight.result for sight in trace.sights] == ["unknown", "unknown"]
    assert trace.findings == ()


def test_what_was_expected_stands_in_for_a_packing_that_is_missing() -> None:
    world = World()
    look(world, childEPCs=[PHONE_2], **wl({"wl:expected": PHONE}))
    assert [sight.result for sight in world.trail().contents.sights] == ["differs"]


def test_complete_without_reading_is_a_word_of_its_own() -> None:
    world = World()
    world.pack()
    world.obj("depot-2", persistentDisposition={"set": ["completeness_verified"]})
    assert [sight.result for sight in world.trail().contents.sights] == ["packed", "complete"]


def test_a_parcel_scan_that_reads_nothing_inside_is_no_look() -> None:
    world = World()
    world.pack()
    world.obj("depot-2", "arriving")
    trace = world.trail().contents
    assert len(trace.sights) == 1
    assert trace.sentence == "Packed, and not looked into since."


def test_an_inspection_rewrites_nothing() -> None:
    world = World()
    world.pack()
    look(world, childEPCs=[PHONE_2])
    trail = world.trail()
    assert [item.key for item in trail.belongings.items] == [PHONE]
    assert [sight.found for sight in trail.contents.sights] == [(PHONE,), (PHONE_2,)]


def at_the_door(**fields: Any) -> World:
    world = World()
    world.pack()
    world.hand("depot-2", "courier-7")
    world.deliver(**fields)
    return world


def test_no_delivery_scan_is_not_delivered() -> None:
    world = World()
    world.obj("courier-7", "accepting")
    proof = world.trail().delivery
    assert (proof.strength, proof.index, proof.check_verified) == ("not_delivered", None, None)


def test_without_anything_from_the_recipient_it_is_the_carriers_word() -> None:
    trail = at_the_door(pin=False).trail()
    assert trail.delivery.strength == "none"
    assert trail.delivery.sentence.startswith("Carrier's word only")
    assert trail.delivery.last_countersigned == "courier C7 (index 102)"
    assert "delivery_unproved" in kinds(trail)


def test_a_photo_shows_a_box_and_not_who_took_it() -> None:
    trail = at_the_door(pin=False, **PHOTO).trail()
    assert trail.delivery.strength == "photo"
    assert "not who took it in nor what was inside" in trail.delivery.sentence


def test_a_photo_taken_at_the_door_after_the_delivery_scan_counts_and_reopens_nothing() -> None:
    world = at_the_door(pin=False)
    world.obj("courier-7", **PHOTO)
    trail = world.trail()
    assert (trail.delivery.strength, trail.delivery.reopened) == ("photo", False)


def test_a_photo_from_the_way_is_no_photo_of_the_delivery() -> None:
    world = World()
    world.obj("courier-7", "accepting", **PHOTO)
    world.deliver(pin=False)
    assert world.trail().delivery.strength == "none"


def test_a_pin_proves_a_sealed_box_and_says_so() -> None:
    check = {"wl:method": "pin6", "wl:proof": "x", "wl:confirms": "received sealed", "wl:attempts": 2}
    proof = at_the_door(pin=False, **wl({"wl:recipientCheck": check})).trail().delivery
    assert (proof.strength, proof.method, proof.confirms, proof.attempts) == (
        "pin_sealed",
        "pin6",
        "received sealed",
        "2",
    )
    assert "nothing of what was inside" in proof.sentence


@pytest.mark.parametrize("check", ["yes", {}, {"wl:method": "pin6"}, {"wl:method": "", "wl:proof": "x"}])
def test_a_check_that_cannot_be_read_is_no_check(check: Any) -> None:
    trail = at_the_door(pin=False, **wl({"wl:recipientCheck": check})).trail()
    assert trail.delivery.strength == "none"
    assert "unreadable_term" in kinds(trail)


def test_a_check_is_told_as_recorded_until_it_is_verified_or_refuted() -> None:
    world = at_the_door()
    digest = world.scans[-1].digest
    recorded = world.trail()
    assert recorded.delivery.check_verified is None
    assert "nobody has verified" in recorded.delivery.sentence
    assert recorded.handovers[-1].sentence == "A check of the recipient is recorded."
    verified = world.trail(checks={digest: True}).delivery
    assert verified.check_verified is True
    assert "confirms" in verified.sentence
    refuted = world.trail(checks={digest: False})
    assert refuted.delivery.strength == "none"
    assert "check_refuted" in kinds(refuted)


def test_a_second_delivery_scan_with_a_pin_strengthens_the_first() -> None:
    world = at_the_door(pin=False)
    world.deliver()
    trail = world.trail()
    assert trail.delivery.strength == "pin_sealed"
    assert trail.handovers[-1].signing == "recipient"
    assert len([h for h in trail.handovers if h.kind == "delivery"]) == 1


def test_unpacked_and_complete_is_an_event_of_its_own() -> None:
    world = at_the_door()
    world.unpack()
    trail = world.trail()
    assert trail.delivery.strength == "unpacked_complete"
    assert trail.holder.kind == "recipient"


def test_unpacked_and_complete_by_the_deliverer_alone_does_not_count() -> None:
    world = at_the_door()
    world.unpack("courier-7")
    trail = world.trail()
    assert trail.delivery.strength == "pin_sealed"
    assert "unpack_unconfirmed" in kinds(trail)


def test_unpacked_by_the_deliverer_counts_with_a_check_of_the_recipient_that_was_verified() -> None:
    world = at_the_door(pin=False)
    digest = world.unpack("courier-7", **wl({"wl:recipientCheck": {"wl:method": "pin6", "wl:proof": "x"}})).digest
    proof = world.trail(checks={digest: True}).delivery
    assert (proof.strength, proof.method) == ("unpacked_complete", "pin6")
    unverified = world.trail()
    assert unverified.delivery.strength == "none"
    assert "unpack_unconfirmed" in kinds(unverified)


def test_unpacked_with_another_handset_is_not_complete_whatever_it_says() -> None:
    world = at_the_door()
    world.unpack(phone=PHONE_2)
    assert world.trail().delivery.strength == "pin_sealed"


def test_an_unpacking_that_says_nothing_of_completeness_proves_none() -> None:
    world = at_the_door()
    world.unpack(disposition=None)
    assert world.trail().delivery.strength == "pin_sealed"


def test_the_last_right_look_before_the_first_wrong_one_counts() -> None:
    world = World()
    world.pack()
    right = look(world, childEPCs=[PHONE])
    wrong = look(world, childEPCs=[PHONE_2])
    look(world, childEPCs=[PHONE])
    trace = world.trail().contents
    assert (trace.good, trace.bad) == (right, wrong)


def test_an_unpacking_declared_wrong_or_of_the_seal_alone_proves_nothing() -> None:
    world = at_the_door()
    world.declare(world.unpack())
    assert world.trail().delivery.strength == "pin_sealed"
    world.obj("desk", "unpacking", disposition="completeness_verified")
    assert world.trail().delivery.strength == "pin_sealed"


def test_what_is_delivered_on_the_way_back_is_not_the_delivery() -> None:
    world = World()
    world.obj("courier-7", "accepting")
    world.obj("courier-7", "shipping", disposition="returned")
    world.deliver()
    trail = world.trail()
    assert trail.delivery.strength == "not_delivered"
    assert trail.segments[-1].leg == "return"


def test_a_handset_that_somebody_else_packs_on_the_way_is_not_the_one_that_was_packed() -> None:
    world = World().journey(deliver=False)
    decoy = world.pack("courier-7", PHONE_2)
    world.deliver()
    unpacked = world.unpack(phone=PHONE_2)
    trail = world.trail()
    results = {sight.index: sight.result for sight in trail.contents.sights}
    assert (results[decoy.index], results[unpacked.index]) == ("differs", "differs")
    assert trail.delivery.strength == "pin_sealed"


def test_two_handsets_that_one_bench_packs_one_after_the_other_were_packed() -> None:
    world = World()
    world.pack()
    world.pack(phone=PHONE_2)
    world.unpack(childEPCs=[PHONE, PHONE_2])
    assert [sight.result for sight in world.trail().contents.sights] == ["packed", "packed", "same"]
