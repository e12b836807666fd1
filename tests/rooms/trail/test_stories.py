"""What people have met, as trails: swapped contents, a parcel taken back, a leaking depot, an early PIN, a denial."""

from typing import Any

from custody.kernel.clock import HOUR_MS
from custody.trail.describe import describe_trail
from tests.rooms.trail.world import BANK_CLASS, CARRIER, JOURNEY, ORDER, PARCEL, World, kinds, ni, wl

PO = [{"type": "po", "bizTransaction": ORDER}]
DEPOT = len(JOURNEY) - 1  # the handover from the depot to the courier


def as_far_as(handovers: int) -> World:
    """A sealed and weighed parcel after so many dual handovers."""
    world = World()
    world.commission(bizTransactionList=PO)
    world.pass_time(2)
    world.pack(**wl({"wl:declaredMassGrams": 540, "wl:itemMassGrams": 180}))
    world.seal()
    world.weigh("scale-12", 538)
    for giver, taker in JOURNEY[:handovers]:
        world.pass_time(3)
        world.hand(giver, taker)
    return world


def test_a_swapped_box_names_the_links_between_the_last_good_and_the_first_bad_check() -> None:
    world = as_far_as(3)
    good = world.obj("hub-in-1", **wl({"wl:sealNumber": "S-0088213"}))
    world.hand("hub-in-1", "hub-sort-1")
    before = describe_trail(world.trail())["entries"]
    bad = world.scan(
        "hub-sort-1",
        "AggregationEvent",
        action="OBSERVE",
        bizStep="inspecting",
        disposition="mismatch_class",
        parentID=PARCEL,
        childQuantityList=[{"epcClass": BANK_CLASS, "quantity": 2}],
        **wl({"wl:sealFound": "S-0091176"}),
    )
    trail = world.trail()
    names = {link.id: link.name for link in trail.links}
    seal = next(narrowing for narrowing in trail.narrowings if narrowing.kind == "seal")
    assert (seal.after_index, seal.before_index) == (good.index, bad.index)
    assert [names[link] for link in seal.links] == [
        "hub intake H1",
        "handover from hub intake H1 to hub sorting H1",
        "hub sorting H1",
    ]
    contents = next(narrowing for narrowing in trail.narrowings if narrowing.kind == "contents")
    assert set(seal.links) < set(contents.links)
    assert {"seal_differs", "other_goods"} <= kinds(trail)
    assert describe_trail(trail)["entries"][: len(before)] == before


def test_a_decoy_of_the_right_weight_leaves_weight_with_nothing_to_show() -> None:
    world = as_far_as(3)
    world.weigh("hub-in-1", 541)
    world.obj("hub-in-1", **wl({"wl:sealState": "broken"}))
    trail = world.trail()
    assert trail.weight.sentence.startswith("Weight shows nothing")
    assert [narrowing.kind for narrowing in trail.narrowings] == ["seal"]


def test_a_photo_and_then_the_parcel_taken_away_again_reopens_the_delivery() -> None:
    world = as_far_as(len(JOURNEY))
    door = world.deliver(pin=False, **wl({"wl:photo": ni(b"\x05" * 32)}))
    assert world.trail().delivery.strength == "photo"
    again = world.obj("courier-7", "holding")
    trail = world.trail()
    assert (trail.delivery.strength, trail.delivery.reopened) == ("not_delivered", True)
    assert (trail.holder.kind, trail.holder.custodian) == ("custodian", CARRIER)
    reopened = next(finding for finding in trail.findings if finding.kind == "delivery_reopened")
    assert (reopened.indices, reopened.severity) == ((door.index, again.index), "serious")
    assert [link.name for link in trail.links][-2:] == ["taken back by courier C7", "courier C7"]


def test_a_parcel_taken_back_and_delivered_again_is_delivered_by_the_second_proof() -> None:
    world = as_far_as(len(JOURNEY))
    world.deliver(pin=False)
    world.obj("courier-7", "holding")
    world.deliver()
    trail = world.trail()
    assert (trail.delivery.strength, trail.delivery.reopened) == ("pin_sealed", True)
    assert trail.holder.kind == "recipient"


def test_a_handset_that_leaves_a_depot_without_acceptance_is_an_open_release_with_its_age_and_place() -> None:
    world = as_far_as(DEPOT)
    world.pass_time(1)
    release = world.release("depot-2", late=HOUR_MS)
    trail = world.trail()
    holder = trail.holder
    assert (holder.kind, holder.site, holder.since_ms) == ("between", "D2", release.at_ms)
    assert holder.since_received_ms == release.received_ms
    assert "is the last that did" in holder.sentence
    assert "release_open" in kinds(trail)


def test_a_pin_given_before_opening_proves_a_box_and_unpacking_is_another_event() -> None:
    world = as_far_as(len(JOURNEY))
    check = {"wl:method": "pin6", "wl:proof": "x", "wl:confirms": "received sealed"}
    world.deliver(pin=False, **wl({"wl:recipientCheck": check}))
    proof = world.trail().delivery
    assert (proof.strength, proof.confirms) == ("pin_sealed", "received sealed")
    assert "says nothing of what was inside" in proof.sentence
    inside: dict[str, Any] = {"parentID": PARCEL, "childQuantityList": [{"epcClass": BANK_CLASS, "quantity": 3}]}
    world.scan("customer-page", "AggregationEvent", action="OBSERVE", disposition="mismatch_class", **inside)
    trail = world.trail()
    assert trail.delivery.strength == "pin_sealed"
    assert trail.holder.kind == "recipient"
    assert trail.contents.bad == world.scans[-1].index


def test_a_taker_who_denies_is_shown_the_digest_he_signed_or_its_absence() -> None:
    world = as_far_as(DEPOT)
    release = world.release("depot-2")
    signed = world.accept("courier-7", release)
    proved = world.trail().handovers[-1]
    assert (proved.signing, proved.names_release, proved.digest_matches) == ("dual", True, True)
    assert (proved.release_index, proved.acceptance_index) == (release.index, signed.index)
    world.scans.remove(signed)
    world.obj("courier-7", "arriving")
    denied = world.trail().handovers[-1]
    assert (denied.signing, denied.acceptance_index, denied.digest_matches) == ("one_sided", None, None)
    assert "nobody signed for taking it over" in denied.sentence


def test_a_wrong_event_stays_beside_its_declaration_and_the_state_is_computed_again() -> None:
    world = as_far_as(len(JOURNEY))
    wrong = world.deliver()
    right = world.obj("courier-7", "holding")
    world.declare(wrong, reason="incorrect_data", correctiveEventIDs=[right.event.event_id])
    trail = world.trail()
    assert {entry.index: entry.standing for entry in trail.entries}[wrong.index] == "declared_wrong"
    assert trail.corrections[0].corrective_indices == (right.index,)
    assert trail.holder.kind == "custodian"
    assert not trail.delivery.reopened
    assert {"declared_wrong"} == kinds(trail)


def test_the_carriers_word_comes_with_the_last_party_that_countersigned() -> None:
    world = as_far_as(DEPOT)
    world.obj("courier-7", "arriving")
    world.deliver(pin=False)
    proof = world.trail().delivery
    assert proof.strength == "none"
    assert proof.last_countersigned is not None
    assert proof.last_countersigned.startswith("depot D2")
    assert "depot D2" in proof.sentence
