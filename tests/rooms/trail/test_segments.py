"""Custody segments, gaps and who has it."""

from dataclasses import replace

import pytest

from custody.trail.route import USUAL, Route, name_place
from custody.trail.sealed import Step
from tests.rooms.trail.world import (
    CAGE,
    CARRIER,
    DEPOT_GLN,
    HUB_GLN,
    PARCEL,
    PHONE,
    PHONE_2,
    SELLER,
    World,
    kinds,
    moved,
    wl,
)


def test_a_clean_journey_is_a_chain_of_segments_and_dual_handovers() -> None:
    trail = World().journey().trail()
    assert [segment.name for segment in trail.segments] == [
        "station gate 1",
        "pack bench B4",
        "dock 2",
        "linehaul 9",
        "hub intake H1",
        "hub sorting H1",
        "linehaul 3",
        "depot D2",
        "courier C7",
    ]
    assert [handover.signing for handover in trail.handovers] == ["internal", *["dual"] * 7, "recipient"]
    assert trail.gaps == ()
    assert trail.findings == ()
    assert trail.holder.kind == "recipient"


def test_a_segment_keeps_custodian_site_step_handlers_and_both_clocks() -> None:
    world = World()
    pack = world.pack(**wl({"wl:handler": "h-0004"}))
    world.weigh("scale-12", 540, **wl({"wl:handler": "h-0009"}))
    dock = world.obj("dock-2")
    segment = world.trail().segments[0]
    assert (segment.custodian, segment.site, segment.step, segment.place) == (SELLER, "W1", "pack", "B4")
    assert (segment.handler, segment.handlers) == ("h-0004", ("h-0004", "h-0009"))
    assert segment.stations == ("bench-4", "scale-12")
    assert (segment.from_ms, segment.to_ms) == (pack.at_ms, dock.at_ms)
    assert (segment.from_received_ms, segment.to_received_ms) == (pack.received_ms, dock.received_ms)
    assert segment.dwell_ms == dock.at_ms - pack.at_ms
    assert segment.dwell_received_ms == dock.received_ms - pack.received_ms


def test_dwell_is_unknown_when_the_next_opening_scan_is_missing_or_clocks_contradict() -> None:
    world = World()
    world.pack()
    world.obj("lorry-9")
    assert [segment.dwell_ms for segment in world.trail().segments] == [None, None, None]
    world = World()
    pack = world.pack()
    world.obj("dock-2", at=pack.at_ms - 90_000)
    first = world.trail().segments[0]
    assert (first.dwell_ms, first.dwell_received_ms) == (None, 60_000)


def test_a_courier_first_heard_of_at_the_door_has_no_opening_scan() -> None:
    world = World()
    world.obj("depot-2", "arriving")
    door = world.deliver()
    depot, courier = world.trail().segments
    assert (courier.opening_index, courier.from_ms, courier.closing_index) == (None, None, door.index)
    assert depot.dwell_ms is None


def test_two_visits_of_one_bench_have_two_ids_and_a_late_scan_inside_renames_nothing() -> None:
    world = World()
    world.pack()
    world.obj("dock-2")
    world.obj("bench-4")
    before = [segment.id for segment in world.trail().segments]
    assert len(set(before)) == 3
    world.obj("bench-4", at=world.scans[0].at_ms - 1, chain=False)
    assert [segment.id for segment in world.trail().segments] == before


def test_steps_nobody_scanned_stand_in_the_chain_as_unseen_segments_and_gaps() -> None:
    world = World()
    pack = world.pack()
    arrival = world.obj("hub-in-1", "arriving")
    trail = world.trail()
    assert [(segment.step, segment.seen) for segment in trail.segments] == [
        ("pack", True),
        ("dock", False),
        ("linehaul", False),
        ("hub_in", True),
    ]
    dock, linehaul = trail.segments[1:3]
    assert (dock.custodian, dock.site, dock.handler) == (SELLER, "W1", None)
    assert (linehaul.custodian, linehaul.site) == (None, None)
    assert {(gap.kind, gap.after_index, gap.before_index) for gap in trail.gaps} == {
        ("step", pack.index, arrival.index)
    }
    assert len(trail.gaps) == 2
    assert [handover.signing for handover in trail.handovers] == ["internal", "gap", "gap"]
    assert "step_missing" in kinds(trail)
    assert kinds(trail) == {"step_missing"}


def test_one_signature_next_to_an_unseen_step_is_one_sided() -> None:
    world = World()
    release = world.release("dock-2")
    accept = world.accept("hub-in-1")
    trail = world.trail()
    assert [(h.signing, h.release_index, h.acceptance_index) for h in trail.handovers] == [
        ("one_sided", release.index, None),
        ("one_sided", None, accept.index),
    ]


def test_an_acceptance_across_an_unseen_step_is_not_held_against_the_release_before_it() -> None:
    world = World()
    world.release("bench-4", to=SELLER)
    world.accept("lorry-9", chain=False)
    assert kinds(world.trail()) == {"step_missing"}
    world.accept("depot-2", world.scans[0], digest=b"\x01" * 32, chain=False)
    assert "handover_wrong_digest" in kinds(world.trail())


def test_a_proved_direct_handover_leaves_no_room_for_an_unseen_step() -> None:
    world = World()
    world.pack()
    world.hand("bench-4", "lorry-9")
    trail = world.trail()
    assert [segment.step for segment in trail.segments] == ["pack", "linehaul"]
    assert trail.gaps == ()


def test_a_route_without_a_step_does_not_miss_it() -> None:
    world = World()
    world.obj("hub-in-1")
    world.obj("lorry-3")
    assert [s.step for s in world.trail().segments] == ["hub_in", "hub_sort", "linehaul"]
    unsorted = Route(following={**USUAL.following, "hub_in": ("linehaul",)})
    assert [s.step for s in world.trail(route=unsorted).segments] == ["hub_in", "linehaul"]
    assert [s.step for s in world.trail(route=Route(following={})).segments] == ["hub_in", "linehaul"]


@pytest.mark.parametrize(
    ("before", "after", "missing"),
    [
        ("pack", "dock", ()),
        ("pack", "linehaul", ("dock",)),
        ("hub_in", "linehaul", ("hub_sort",)),
        ("hub_sort", "hub_in", ("linehaul",)),
        ("hub_sort", "depot", ("linehaul",)),
        ("dock", "courier", ("linehaul", "depot")),
        ("depot", "pack", ()),
        ("other", "courier", ()),
        ("courier", "hub_in", ()),
    ],
)
def test_missing_steps_are_the_shortest_way_between(before: Step, after: Step, missing: tuple[Step, ...]) -> None:
    assert USUAL.missing(before, after) == missing


def test_too_many_missing_steps_are_not_guessed() -> None:
    assert Route(following=USUAL.following, max_missing=1).missing("dock", "courier") == ()


def test_nothing_signed_between_two_custodians_is_a_gap() -> None:
    world = World()
    dock = world.obj("dock-2")
    lorry = world.obj("lorry-9", "arriving")
    trail = world.trail()
    assert [(gap.kind, gap.after_index, gap.before_index) for gap in trail.gaps] == [
        ("handover", dock.index, lorry.index)
    ]
    assert "handover_missing" in kinds(trail)


def test_a_place_that_a_release_named_and_nobody_scanned_is_a_gap() -> None:
    world = World()
    release = world.release("dock-2", place=DEPOT_GLN)
    world.accept("lorry-9", release)
    world.obj("hub-in-1", "arriving", readPoint={"id": HUB_GLN})
    onward = world.release("hub-sort-1", readPoint={"id": HUB_GLN})
    gap = next(gap for gap in world.trail().gaps if gap.kind == "place")
    assert (gap.expected, gap.after_index, gap.before_index) == (DEPOT_GLN, release.index, onward.index)


@pytest.mark.parametrize("read_point", [f"{DEPOT_GLN}/254/DOCK1", "geo:52.20,0.12"])
def test_a_place_that_was_reached_or_cannot_be_told_is_no_gap(read_point: str) -> None:
    world = World()
    release = world.release("dock-2", place=DEPOT_GLN)
    world.accept("lorry-9", release)
    world.obj("depot-2", "arriving", readPoint={"id": read_point})
    world.release("depot-2", readPoint={"id": read_point})
    assert not [gap for gap in world.trail().gaps if gap.kind == "place"]


def test_a_parcel_still_under_way_has_missed_no_place_yet() -> None:
    world = World()
    release = world.release("dock-2", place=DEPOT_GLN)
    world.accept("lorry-9", release)
    trail = world.trail()
    assert not [gap for gap in trail.gaps if gap.kind == "place"]
    assert trail.holder.expected_steps == ("hub_in", "depot")


def test_a_release_that_nobody_answered_leaves_the_parcel_between() -> None:
    world = World()
    world.pack()
    release = world.release("dock-2", place=HUB_GLN)
    trail = world.trail()
    assert trail.holder.kind == "between"
    assert (trail.holder.since_ms, trail.holder.custodian) == (release.at_ms, SELLER)
    assert (trail.holder.expected_parties, trail.holder.expected_places) == ((CARRIER,), (HUB_GLN,))
    assert "release_open" in kinds(trail)
    last = trail.links[-1]
    assert (last.kind, last.signing, last.name) == ("released", "one_sided", "handover from dock 2, not accepted yet")


def test_a_cancelled_release_leaves_the_parcel_with_the_giver() -> None:
    world = World()
    world.pack()
    world.release("dock-2")
    world.obj("dock-2", "void_shipping", disposition="in_progress")
    trail = world.trail()
    assert trail.holder.kind == "custodian"
    assert "release_cancelled" in kinds(trail)
    assert "release_open" not in kinds(trail)


def test_only_the_giver_can_cancel_a_release_and_a_named_one_alone() -> None:
    world = World()
    first = world.release("dock-2")
    second = world.release("dock-2")
    world.obj("lorry-9", "void_shipping")
    assert world.trail().holder.kind == "between"
    named = [{"type": "upevt", "bizTransaction": first.event.event_id}]
    world.obj("dock-2", "void_shipping", bizTransactionList=named)
    trail = world.trail()
    assert trail.holder.since_ms == second.at_ms


def test_a_scan_of_the_cage_moves_the_parcel_inside() -> None:
    world = World()
    world.pack()
    world.load("dock-2")
    world.scan("hub-in-1", "ObjectEvent", action="OBSERVE", epcList=[CAGE], bizStep="arriving", chain=False)
    assert world.trail().holder.place == "H1"


@pytest.mark.parametrize("step", ["urn:weaklink:BizStep-remote_locking", "other", "void_shipping"])
def test_paper_events_move_nothing(step: str) -> None:
    world = World()
    world.obj("depot-2", "arriving")
    world.obj("desk", step, disposition="stolen" if step == "other" else "unavailable")
    assert world.trail().holder.place == "D2"


def test_a_locked_handset_after_packing_moves_nothing_but_its_own_scan_before_does() -> None:
    world = World()
    world.commission()
    world.pack()
    world.obj("desk", "holding", epcList=[PHONE], disposition="in_progress")
    assert [segment.step for segment in world.trail().segments] == ["other", "pack"]


def test_another_handset_found_at_an_inspection_shows_that_the_box_was_there() -> None:
    world = World()
    world.pack()
    world.obj("hub-in-1", epcList=[PHONE_2], disposition="mismatch_instance", **wl({"wl:expected": PHONE}))
    assert world.trail().holder.place == "H1"


def test_two_couriers_of_one_depot_are_two_segments() -> None:
    world = World()
    world.obj("courier-7", "accepting")
    world.obj("courier-8", "accepting")
    assert [segment.name for segment in world.trail().segments] == ["courier C7", "courier C8"]


def test_an_acceptance_after_a_release_opens_a_segment_even_at_the_same_step() -> None:
    world = World()
    release = world.release("bench-4")
    world.accept("scale-12", release)
    trail = world.trail()
    assert [segment.stations for segment in trail.segments] == [("bench-4",), ("scale-12",)]
    assert trail.handovers[0].signing == "dual"


def test_a_return_opens_a_leg_of_its_own() -> None:
    world = World().journey()
    returned = world.obj("depot-2", "receiving", disposition="returned")
    trail = world.trail()
    assert trail.handovers[-1].kind == "returned"
    assert (trail.segments[-1].leg, trail.segments[-1].opening_index) == ("return", returned.index)
    assert "delivery_reopened" not in kinds(trail)
    assert trail.delivery.strength == "pin_sealed"


def test_a_refused_parcel_goes_back_without_having_been_delivered() -> None:
    world = World()
    world.obj("courier-7", "accepting")
    world.obj("courier-7", "shipping", bizTransactionList=[{"type": "rma", "bizTransaction": "urn:x:rma:1"}])
    trail = world.trail()
    assert [segment.leg for segment in trail.segments] == ["outbound", "return"]
    assert trail.delivery.strength == "not_delivered"


def test_who_speaks_of_a_return_before_the_delivery_turns_nothing_back() -> None:
    world = World().journey(deliver=False)
    rma = [{"type": "rma", "bizTransaction": "urn:x:rma:1"}]
    world.obj("courier-7", disposition="returned", bizTransactionList=rma)
    world.deliver(bizTransactionList=rma)
    trail = world.trail()
    assert {segment.leg for segment in trail.segments} == {"outbound"}
    assert (trail.delivery.strength, trail.holder.kind) == ("pin_sealed", "recipient")


@pytest.mark.parametrize(
    ("step", "place", "name"),
    [
        ("pack", "B4", "pack bench B4"),
        ("pack", "bench B4", "pack bench B4"),
        ("depot", "D2", "depot D2"),
        ("courier", "", "courier"),
        ("dock", "https://id.gs1.org/414/9521473000102/254/DOCK2", "dock DOCK2"),
    ],
)
def test_places_have_plain_names(step: Step, place: str, name: str) -> None:
    assert name_place(step, place) == name


def test_links_alternate_between_segments_and_the_handovers_to_them() -> None:
    trail = World().journey().trail()
    pattern = [link.kind for link in trail.links]
    assert pattern == ["segment", *["handover", "segment"] * 8, "delivery"]
    assert len({link.id for link in trail.links}) == len(trail.links)
    assert trail.links[-2].name == "courier C7"
    assert trail.links[-3].name == "handover from depot D2 to courier C7"


def test_checkpoints_open_each_segment_and_close_the_last() -> None:
    world = World().journey()
    trail = world.trail()
    assert len(trail.checkpoints) == len(trail.segments) + 1
    pack = trail.checkpoints[1]
    assert (pack.mass_g, pack.seal, pack.photo) == (538.0, "ok", False)
    assert [point.delivery for point in trail.checkpoints] == [False] * 9 + [True]
    hidden = World()
    hidden.obj("depot-2")
    hidden.deliver(**wl({"wl:sealState": "broken"}))
    depot, courier, door = hidden.trail().checkpoints
    assert (courier.at_ms, courier.photo, courier.seal) == (None, None, "not_read")
    assert (door.index, door.seal) == (hidden.scans[-1].index, "anomaly")
    assert depot.at_ms == hidden.scans[0].at_ms


def test_nothing_scanned_means_unknown_not_absent() -> None:
    trail = World().trail(PARCEL)
    assert (trail.holder.kind, trail.segments, trail.links) == ("unknown", (), ())
    assert trail.delivery.strength == "not_delivered"
    assert "neither yes nor no" in trail.weight.sentence
    assert "neither yes nor no" in trail.seal.sentence
    assert trail.contents.sentence == "Nobody recorded what was inside."


def test_between_two_hubs_a_linehaul_and_an_intake_were_missed_but_not_inside_one() -> None:
    world = World()
    world.obj("hub-sort-1")
    world.obj("hub-sort-2")
    assert [(s.step, s.site) for s in world.trail().segments if not s.seen] == [("linehaul", None), ("hub_in", "H2")]


def test_one_step_under_another_custodian_at_the_same_site_misses_nothing() -> None:
    world = World()
    world.obj("hub-sort-1")
    elsewhere = world.obj("hub-sort-1")
    leased = moved(elsewhere, station=replace(elsewhere.station, custodian=SELLER))
    world.scans[-1] = leased
    assert [segment.seen for segment in world.trail().segments] == [True, True]
