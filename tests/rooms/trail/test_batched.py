"""Several scans of one parcel in one batch share their log index; in the trail each of them is itself."""

from dataclasses import replace

from custody.trail.trail import Trail
from tests.rooms.trail.world import PARCEL, PARCEL_2, World, wl

INDEX = 7


def together(world: World) -> Trail:
    """The trail, had all its scans been the scans of one batch."""
    scans = [replace(sealed, index=INDEX, position=at) for at, sealed in enumerate(world.scans)]
    shown, world.scans = world.scans, scans
    try:
        return world.trail()
    finally:
        world.scans = shown


def travelled() -> World:
    """A parcel that lost weight and its seal between the scale and the depot."""
    world = World()
    world.pack(**{"wl:declaredMassGrams": 540})
    world.weigh("scale-12", 541)
    world.obj("dock-2", "departing")
    world.obj("lorry-9", "loading")
    world.weigh("hub-sort-1", 540)
    world.weigh("depot-2", 360)
    world.obj("depot-2", **wl({"wl:sealState": "broken"}))
    return world


def test_what_changed_is_narrowed_to_the_same_links() -> None:
    world = travelled()
    plain, batched = world.trail(), together(world)
    assert [(one.kind, one.links) for one in batched.narrowings] == [(one.kind, one.links) for one in plain.narrowings]
    assert batched.narrowings
    assert {one.after_index for one in batched.narrowings} <= {INDEX, None}
    assert [point.mass_g for point in batched.checkpoints] == [point.mass_g for point in plain.checkpoints]
    assert [point.seal for point in batched.checkpoints] == [point.seal for point in plain.checkpoints]


def test_sentences_name_the_scan_and_not_the_batch_alone() -> None:
    batched = together(travelled())
    assert f"index {INDEX}.5" in batched.weight.sentence
    assert [entry.where for entry in batched.entries] == [f"{INDEX}.{at}" for at in range(len(batched.entries))]


def test_segments_and_findings_are_those_of_plain_scans() -> None:
    world = travelled()
    plain, batched = world.trail(), together(world)
    assert [segment.id for segment in batched.segments] == [segment.id for segment in plain.segments]
    assert sorted(one.kind for one in batched.findings) == sorted(one.kind for one in plain.findings)


def test_a_finding_about_a_neighbour_of_the_batch_stays_with_the_neighbour() -> None:
    world = World()
    world.obj("dock-2", event_id="urn:uuid:own")
    world.parcel = PARCEL_2
    world.obj("dock-2", event_id="urn:uuid:twice", chain=False)
    world.obj("hub-sort-1", event_id="urn:uuid:twice", chain=False)
    world.parcel = PARCEL
    assert together(world).findings == world.trail().findings == ()
