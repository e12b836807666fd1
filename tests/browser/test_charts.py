"""The charts draw what the trail says, for whole journeys and for ones with holes, and every mark has its table row."""

import re
from xml.etree import ElementTree as ET

import pytest
from markupsafe import Markup

from api.pages.charts.axis import Axis, axis_over
from api.pages.charts.lanes import draw_lanes, lanes_of
from api.pages.charts.signs import Network, draw_signs, key_row, network_row, seal_row
from api.pages.charts.weights import draw_weights
from api.pages.ranking import leader_range, rank_links
from custody.kernel.clock import DAY_MS, HOUR_MS
from custody.trail.belongings import find_belongings
from custody.trail.trail import Trail, build_trail
from tests.rooms.trail.world import JOURNEY, PARCEL, World, wl

SVG = "{http://www.w3.org/2000/svg}"
SCANS = len(World().journey().scans)


def axis_of(trail: Trail) -> Axis:
    axis = axis_over([entry.at_ms for entry in trail.entries])
    assert axis is not None
    return axis


def read(drawn: Markup) -> ET.Element:
    """A drawing as a tree; it is well-formed, and nothing in it carries a style of its own."""
    assert "style=" not in drawn
    return ET.fromstring(drawn)  # noqa: S314 - our own drawing, not somebody else's document


def classes(drawn: Markup) -> list[str]:
    return [part.get("class", "") for part in read(drawn).iter() if part.get("class")]


def labels(drawn: Markup) -> list[str]:
    return [part.get("aria-label", "") for part in read(drawn).iter("a")]


def test_a_clean_journey_has_a_block_for_each_stay_and_solid_diamonds() -> None:
    trail = World().journey().trail()
    drawn = draw_lanes(trail, axis_of(trail), labelled_by="x")
    assert classes(drawn).count("block") == len(trail.segments)
    assert classes(drawn).count("solid") == len(JOURNEY) + 1
    assert "gap" not in classes(drawn)
    assert lanes_of(trail)[-1].title == "Recipient"


@pytest.mark.parametrize(("drop", "shape"), [("release", "hollow"), ("both", "gap")])
def test_a_handover_with_one_side_is_hollow_and_one_with_none_is_crossed(drop: str, shape: str) -> None:
    world = World().journey()
    release = next(
        scan for scan in world.scans if scan.station.station == "lorry-9" and scan.event.biz_step == "departing"
    )
    acceptance = world.scans[world.scans.index(release) + 1]
    gone = {release.index} | ({acceptance.index} if drop == "both" else set())
    scans = [scan for scan in world.scans if scan.index not in gone]
    trail = build_trail(find_belongings(PARCEL, scans), scans)
    signings = {handover.signing for handover in trail.handovers}
    drawn = draw_lanes(trail, axis_of(trail), labelled_by="x")
    assert (shape in classes(drawn)) == bool(signings & {"one_sided", "named", "gap"})


def test_what_arrived_late_is_grey_and_says_both_clocks() -> None:
    world = World().journey(deliver=False)
    world.deliver(late=DAY_MS)
    trail = world.trail()
    drawn = draw_lanes(trail, axis_of(trail), labelled_by="x")
    late = [label for label in labels(drawn) if "arrived late" in label]
    assert len(late) == 1
    assert re.search(r"station .* 20\d\d, \d\d:\d\d, received ", late[0])
    assert "solid late" in classes(drawn)


def test_the_likeliest_link_has_an_outline_of_its_own() -> None:
    trail = World().journey().trail()
    drawn = draw_lanes(trail, axis_of(trail), labelled_by="x", leading=trail.segments[3].id)
    assert classes(drawn).count("block leading") == 1
    assert sum("the likeliest link" in label for label in labels(drawn)) == 1


def test_a_weighing_outside_the_band_is_square_and_says_so() -> None:
    world = World().journey(deliver=False)
    world.weigh("depot-2", 420)
    trail = world.trail()
    drawn = draw_weights(trail.weight, axis_of(trail), labelled_by="x")
    assert drawn is not None
    assert classes(drawn).count("in") == 1
    assert classes(drawn).count("out") == 1
    assert "420 g" in labels(drawn)[1]
    assert "outside the band" in labels(drawn)[1]


def test_a_parcel_that_was_never_weighed_has_no_weight_chart() -> None:
    world = World()
    world.commission()
    world.pack()
    trail = world.trail()
    assert draw_weights(trail.weight, axis_of(trail), labelled_by="x") is None


def test_one_weighing_with_nothing_to_compare_it_with_is_hollow() -> None:
    world = World()
    world.commission()
    world.pack()
    world.weigh("scale-12", 538)
    drawn = draw_weights(world.trail().weight, axis_of(world.trail()), labelled_by="x")
    assert drawn is not None
    assert "band" not in classes(drawn)
    assert "hollow" in classes(drawn)


def test_seals_keys_and_network_look_as_they_are() -> None:
    world = World().journey(deliver=False)
    world.obj("depot-2", **wl({"wl:sealState": "broken"}))
    world.obj("depot-2", flags=("sequence_gap",), **wl({"wl:entryMode": "keyed"}))
    trail = world.trail()
    first = Network(at_ms=world.now_ms + HOUR_MS, sim="other", country="RO", network="22610")
    later = Network(at_ms=world.now_ms + 2 * HOUR_MS, sim="never", country="HU")
    rows = (seal_row(trail), key_row(trail), network_row((first, later)))
    assert rows[0].signs[0].look == "good"
    assert "bad" in {sign.look for sign in rows[0].signs}
    assert rows[1].signs[0].what == "Numbers of this station are missing; typed in, not scanned"
    assert rows[2].signs[0].what == "Switched on in RO on network 22610, with another SIM"
    assert rows[2].signs[1].what == "Seen in HU, never with a SIM"
    drawn = draw_signs(rows, axis_of(trail), labelled_by="x")
    assert len(labels(drawn)) == sum(len(row.signs) for row in rows)


def test_a_handset_that_was_never_seen_is_said_to_be_so() -> None:
    assert network_row(()).about == "never seen switched on"


@pytest.mark.parametrize("missing", range(SCANS))
def test_charts_stand_whatever_scan_is_missing(missing: int) -> None:
    scans = World().journey().scans
    del scans[missing]
    trail = build_trail(find_belongings(PARCEL, scans), scans)
    axis = axis_of(trail)
    drawn = draw_lanes(trail, axis, labelled_by="x")
    ids = {segment.id for segment in trail.segments} | {handover.id for handover in trail.handovers}
    assert {mark.get("href", "")[1:] for mark in read(drawn).iter("a")} <= ids
    read(draw_signs((seal_row(trail), key_row(trail), network_row(())), axis, labelled_by="x"))
    for part in read(drawn).iter():
        for name in ("x", "x1", "x2", "width"):
            assert 0 <= float(part.get(name, 0)) <= 1040


def found_of(trail: Trail, *shares: float) -> dict[str, object]:
    """A stored answer over the first segments of a trail."""
    links = [
        {
            "column": column,
            "name": f"{column} {segment.step} {segment.site}",
            "site": segment.site,
            "step": segment.step,
            "probability": share,
        }
        for column, (segment, share) in enumerate(zip(trail.segments[1:], shares, strict=False))
    ]
    rest = {"column": 99, "name": "NO_ANOMALY", "site": None, "step": None, "probability": 1 - sum(shares)}
    reasons = [{"evidence": "seal", "decibans": 9.0, "without_it": 8.0, "words": "supports"}]
    return {"links": [*links, rest], "reasons": reasons, "score_db": 5.0}


def test_links_are_named_by_the_trail_and_say_what_speaks_for_and_against_them() -> None:
    world = World().journey(deliver=False)
    world.obj("depot-2", **wl({"wl:sealState": "broken"}))
    trail = world.trail()
    rows = rank_links(found_of(trail, 0.6, 0.3), trail)
    assert rows[0].title == "Between pack bench B4 and dock 2"
    assert rows[0].segment == trail.segments[1].id
    assert rows[-1].title.startswith("Not in our data")
    assert rows[-1].share == "10 %"
    said = [line for row in rows for line in (*row.speaks_for, *row.speaks_against)]
    assert any("The seal was still right" in line or "The change of seal" in line for line in said)


def test_the_whisker_is_the_range_without_any_one_kind_of_evidence() -> None:
    low, high = leader_range({"reasons": [{"without_it": 8.0}, {"without_it": -1.0}], "score_db": 5.0}) or (0, 0)
    assert low == pytest.approx(1 / (1 + 10**0.3))
    assert high == pytest.approx(1 / (1 + 10**-0.6))
    assert leader_range({"reasons": [], "score_db": 5.0}) is None
