"""Weight, seal and photo traces, and the narrowings they give."""

from typing import Any

import pytest

from custody.kernel.clock import HOUR_MS
from custody.scans.tolerances import Tolerances
from tests.rooms.trail.world import CAGE, PARCEL, PARCEL_2, SEAL, START_MS, World, kinds, ni, wl

DECLARED: dict[str, Any] = {"wl:declaredMassGrams": 540, "wl:itemMassGrams": 180}
LIMIT_G = Tolerances().from_declared_g


@pytest.mark.parametrize(("grams", "band"), [(540, "in"), (540 + 28, "in"), (540 - 29, "out"), (540 + 29, "out")])
def test_a_reading_is_compared_with_the_declared_mass(grams: float, band: str) -> None:
    world = World()
    world.pack(**DECLARED)
    weighing = world.weigh("scale-12", grams)
    trace = world.trail().weight
    (reading,) = trace.readings
    assert (reading.band, reading.basis, reading.expected_g, reading.index) == (band, "declared", 540, weighing.index)
    assert reading.limit_g == pytest.approx(LIMIT_G)
    assert (trace.declared_g, trace.item_g) == (540, 180)


def test_without_a_declaration_the_first_reading_is_the_yardstick_and_itself_unknown() -> None:
    world = World()
    first = world.weigh("scale-12", 500)
    world.weigh("depot-2", 510)
    third = world.weigh("depot-2", 460)
    trace = world.trail().weight
    assert [reading.band for reading in trace.readings] == ["unknown", "in", "out"]
    assert [reading.change_g for reading in trace.readings] == [None, 10, -50]
    assert (trace.good, trace.bad) == (world.scans[1].index, third.index)
    world.scans.pop(1)
    assert world.trail().weight.good == first.index


def test_weight_shows_nothing_when_every_reading_is_in_band() -> None:
    world = World()
    world.pack(**DECLARED)
    world.weigh("scale-12", 538)
    world.weigh("depot-2", 545)
    trace = world.trail().weight
    assert trace.sentence == "Weight shows nothing: 2 weighings, no lasting change."
    assert (trace.good, trace.bad, trace.findings) == (None, None, ())


def test_never_weighed_and_weighed_once_without_yardstick_say_neither_yes_nor_no() -> None:
    world = World()
    world.pack()
    assert "never weighed" in world.trail().weight.sentence
    world.weigh("scale-12", 500)
    assert "nothing to compare" in world.trail().weight.sentence


def test_one_reading_out_between_two_in_is_the_scales_fault_and_narrows_nothing() -> None:
    world = World()
    world.pack(**DECLARED)
    for grams in (540, 620, 541):
        world.weigh("depot-2", grams)
    trail = world.trail()
    assert "weight_unclear" in kinds(trail)
    assert "weight_out" not in kinds(trail)
    assert trail.narrowings == ()


def test_weighings_of_a_cage_of_several_parcels_or_after_unpacking_do_not_count() -> None:
    world = World()
    world.pack(**DECLARED)
    mass = [{"sensorReport": [{"type": "Mass", "value": 90.0, "uom": "KGM"}]}]
    world.load("dock-2", sensorElementList=mass)
    world.weigh("dock-2", 1100, epcList=[PARCEL, PARCEL_2])
    world.unpack(sensorElementList=mass)
    assert world.trail().weight.readings == ()


def test_a_weighing_noted_at_packing_counts() -> None:
    world = World()
    world.pack(sensorElementList=[{"sensorReport": [{"type": "Mass", "value": 541, "uom": "GRM"}]}], **DECLARED)
    assert [reading.mass_g for reading in world.trail().weight.readings] == [541]


def test_different_declarations_are_told_and_the_first_is_used() -> None:
    world = World()
    world.pack(**DECLARED)
    world.obj("dock-2", **wl({"wl:declaredMassGrams": 700}))
    trail = world.trail()
    assert trail.weight.declared_g == 540
    assert "weight_unclear" in kinds(trail)


def test_the_scale_and_its_time_are_kept() -> None:
    world = World()
    scale = "https://id.gs1.org/8004/9521473SCALE12"
    element = {
        "sensorMetadata": {"time": "2026-05-11T06:00:00.000Z", "deviceID": scale},
        "sensorReport": [{"type": "Mass", "value": 0.54, "uom": "KGM"}],
    }
    world.obj("scale-12", sensorElementList=[element])
    (reading,) = world.trail().weight.readings
    assert (reading.scale, reading.at_ms) == ("9521473SCALE12", 1_778_479_200_000)


@pytest.mark.parametrize(
    ("terms", "state"),
    [
        ({"wl:sealNumber": "s-0088213"}, "same"),
        ({"wl:sealNumber": "S-0091176"}, "differs"),
        ({"wl:sealFound": "S-0091176", "wl:sealNumber": "S-0088213"}, "differs"),
        ({"wl:sealState": "broken"}, "broken"),
        ({"wl:sealState": "missing"}, "missing"),
        ({"wl:sealState": "intact"}, "intact"),
        ({"disposition": "container_open"}, "broken"),
        ({}, "not_read"),
    ],
)
def test_each_sighting_of_the_seal_has_its_own_word(terms: dict[str, str], state: str) -> None:
    world = World()
    world.pack()
    sealing = world.seal()
    look = world.obj("dock-2", **terms)
    trace = world.trail().seal
    assert [sight.state for sight in trace.sights] == ["applied", state]
    bad = state in {"differs", "broken", "missing"}
    assert (trace.good, trace.bad) == ((sealing.index, look.index) if bad else (None, None))


def test_a_number_is_compared_with_a_number_and_a_key_with_a_key() -> None:
    world = World()
    world.pack()
    world.seal(number=None)
    world.obj("dock-2", **wl({"wl:sealNumber": "S-0088213"}))
    world.obj("dock-2", epcList=[SEAL])
    states = [sight.state for sight in world.trail().seal.sights]
    assert states == ["applied", "seen", "same"]


def test_a_seal_read_before_any_was_applied_has_nothing_to_compare_with() -> None:
    world = World()
    world.obj("dock-2", **wl({"wl:sealNumber": "S-1"}))
    assert [sight.state for sight in world.trail().seal.sights] == ["seen"]


def test_a_seal_that_was_never_applied_is_unknown_not_missing() -> None:
    world = World()
    world.pack()
    world.obj("dock-2")
    trace = world.trail().seal
    assert trace.sights == ()
    assert trace.sentence == "No seal was recorded: seals say neither yes nor no."


def test_a_new_seal_over_a_sound_one_is_serious_and_over_a_broken_one_a_note() -> None:
    new: dict[str, Any] = {"childEPCs": ["https://id.gs1.org/8004/9521473SEAL0000001"], "number": "S-1"}
    world = World()
    world.pack()
    world.seal()
    world.seal("hub-in-1", **new)
    assert "seal_differs" in kinds(world.trail())
    world = World()
    world.pack()
    world.seal()
    world.obj("hub-in-1", **wl({"wl:sealState": "broken"}))
    world.seal("hub-in-1", **new)
    world.obj("depot-2", **wl({"wl:sealNumber": "S-1"}))
    trail = world.trail()
    assert {"seal_replaced", "seal_broken"} <= kinds(trail)
    assert "seal_differs" not in kinds(trail)
    assert trail.seal.sights[-1].state == "same"


def test_taking_the_seal_off_or_unpacking_breaks_nothing() -> None:
    world = World()
    world.pack()
    world.seal()
    off: dict[str, Any] = {"parentID": PARCEL, "childEPCs": [SEAL], "bizStep": "removing"}
    world.scan("depot-2", "AssociationEvent", action="DELETE", **off)
    world.unpack(disposition="container_open")
    trace = world.trail().seal
    assert [sight.state for sight in trace.sights] == ["applied", "removed"]
    assert trace.bad is None


def test_photos_keep_digest_place_and_both_clocks() -> None:
    world = World()
    shot = world.obj("depot-2", **wl({"wl:photo": ni(b"\x05" * 32)}))
    (photo,) = world.trail().photos
    assert (photo.index, photo.digest, photo.place) == (shot.index, ni(b"\x05" * 32), "D2")
    assert (photo.at_ms, photo.received_ms) == (shot.at_ms, shot.received_ms)


def test_a_change_lies_in_the_links_between_the_last_good_and_the_first_bad_check() -> None:
    world = World()
    world.pack(**DECLARED)
    good = world.weigh("scale-12", 540)
    world.hand("bench-4", "dock-2")
    world.hand("dock-2", "lorry-9")
    bad = world.weigh("hub-in-1", 610)
    trail = world.trail()
    (narrowing,) = trail.narrowings
    names = {link.id: link.name for link in trail.links}
    assert (narrowing.kind, narrowing.after_index, narrowing.before_index) == ("weight", good.index, bad.index)
    assert narrowing.sentence.startswith(
        f"Weight was last found right at index {good.index} and first found wrong at index {bad.index}. "
        "If both looks were right: pack bench B4 or handover from pack bench B4 to dock 2 or "
    )
    assert [names[link] for link in narrowing.links] == [
        "pack bench B4",
        "handover from pack bench B4 to dock 2",
        "dock 2",
        "handover from dock 2 to linehaul 9",
        "linehaul 9",
        "handover from linehaul 9 to hub intake H1",
    ]


def test_a_bad_check_inside_a_segment_leaves_that_segment_in() -> None:
    world = World()
    world.pack()
    world.seal()
    world.obj("dock-2", **wl({"wl:sealState": "intact"}))
    world.obj("dock-2", **wl({"wl:sealState": "broken"}))
    trail = world.trail()
    names = {link.id: link.name for link in trail.links}
    assert [names[link] for link in trail.narrowings[0].links] == ["dock 2"]


def test_a_step_nobody_scanned_is_among_the_links_of_a_narrowing() -> None:
    world = World()
    world.pack(**DECLARED)
    world.weigh("bench-4", 540)
    world.weigh("lorry-9", 610)
    trail = world.trail()
    names = {link.id: link.name for link in trail.links}
    assert "dock (no scan)" in [names[link] for link in trail.narrowings[0].links]


def test_what_was_never_right_may_be_wrong_from_the_start() -> None:
    world = World()
    world.pack(**DECLARED)
    world.weigh("bench-4", 610)
    (narrowing,) = world.trail().narrowings
    assert narrowing.after_index is None
    assert narrowing.sentence == (
        f"Weight was never found right and first found wrong at index {narrowing.before_index}. "
        "If that look was right: pack bench B4 or before the first scan."
    )


def test_the_first_lasting_deviation_is_the_one_that_is_said() -> None:
    world = World()
    world.pack(**DECLARED)
    for grams in (540, 610, 650):
        world.weigh("depot-2", grams)
    trace = world.trail().weight
    assert trace.sentence == f"Weight is out by +70 g from index {trace.bad} on."


def test_a_bad_seal_is_told_with_the_stations_plain_name() -> None:
    world = World()
    world.pack()
    bad = world.obj("depot-2", **wl({"wl:sealState": "missing"}))
    assert world.trail().seal.sentence == f"Index {bad.index} at depot D2 found no seal."


def test_the_seals_sentence_counts_reads_and_misses() -> None:
    world = World()
    world.pack()
    world.seal()
    world.obj("dock-2", **wl({"wl:sealState": "intact"}))
    world.obj("lorry-9")
    world.obj("hub-in-1")
    said = "The seal was read unchanged once; twice the parcel changed hands unread."
    assert world.trail().seal.sentence == said


def test_what_is_declared_of_a_cage_is_not_declared_of_the_parcel() -> None:
    world = World()
    world.load("dock-2")
    cage: dict[str, Any] = {"action": "OBSERVE", "epcList": [CAGE], "bizStep": "arriving"}
    world.scan("hub-in-1", "ObjectEvent", **cage, **wl({"wl:itemMassGrams": 90_000, "wl:declaredMassGrams": 95_000}))
    trace = world.trail().weight
    assert (trace.declared_g, trace.item_g) == (None, None)


def test_a_mass_that_is_declared_later_with_an_earlier_time_is_not_the_one_that_was_declared() -> None:
    world = World().journey(deliver=False)
    late = {"at": START_MS - HOUR_MS, "late": 30 * HOUR_MS, "chain": False}
    world.obj("hub-sort-2", **late, **wl({"wl:declaredMassGrams": 360, "wl:itemMassGrams": 1}))
    world.weigh("depot-2", 358)
    weight = world.trail().weight
    assert (weight.declared_g, weight.item_g, weight.sentence) == (
        540,
        180,
        "Weight is out by -182 g from index 119 on.",
    )
