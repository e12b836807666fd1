"""Whoever is first heard of as he lets a parcel go did not scan its arrival, and clears nobody by what he reads."""

from itertools import pairwise

import numpy as np
import pytest

from custody.investigation.count_traffic import traffic_of
from custody.investigation.docket import LOST, WHOLE, make_docket, split
from custody.investigation.frame import make_frame
from custody.investigation.infer import run
from custody.investigation.likelihood import dwell_excess, scans_family, seal_family
from custody.investigation.params import Params
from custody.investigation.passage import NO_HISTORY, SealSeen, Step
from custody.trail.edition import NEWEST, ReadingEdition
from tests.rooms.trail.ways import disputed, passage_in
from tests.rooms.trail.world import JOURNEY, World

BROKEN = {"wl:sealState": "broken"}
INTACT = {"wl:sealState": "intact"}


def let_go(**read: object) -> World:
    """A parcel that is right at the hub's door, and of which its sorting is heard as it lets it go alone."""
    world = World()
    world.pack(**{"wl:declaredMassGrams": 540, "wl:itemMassGrams": 180})
    for giver, taker in JOURNEY[:3]:
        world.pass_time(3)
        world.hand(giver, taker, **(INTACT if taker == "hub-in-1" else {}))
    world.pass_time(5)
    world.accept("lorry-3", world.release("hub-sort-1", **{"wl:handler": "h-sort", **read}))
    return world


def test_a_seal_that_is_read_broken_as_the_parcel_is_let_go_was_not_read_on_arrival() -> None:
    world = let_go(**BROKEN)
    *_, unloaded, sorting, lorry, _ = passage_in(world).checkpoints
    assert (unloaded.seal, sorting.seal, lorry.seal) == (SealSeen.OK, SealSeen.NOT_READ, SealSeen.ANOMALY)
    *_, sorting, lorry, _ = passage_in(world, ReadingEdition.FOURTH).checkpoints
    assert (sorting.seal, lorry.seal) == (SealSeen.ANOMALY, SealSeen.NOT_READ)


def test_the_seal_says_the_same_of_the_stay_before_and_of_whoever_lets_it_go() -> None:
    row = disputed(passage_in(let_go(**BROKEN)))
    frame = make_frame(NO_HISTORY, [row])
    seg, _ = split(seal_family(make_docket([row], frame), Params()), len(row.segments))
    at = [segment.step for segment in row.segments].index(Step.HUB_SORT)
    assert seg[0, 0, at] == seg[0, 0, at - 1] > max(seg[0, 0, at - 2], seg[0, 0, at + 1])


def share(world: World, step: Step, edition: ReadingEdition = NEWEST) -> float:
    row = disputed(passage_in(world, edition))
    at = [segment.step for segment in row.segments].index(step)
    return float(run(NO_HISTORY, [row]).judgement("d").columns[at])


def test_whoever_lets_a_parcel_go_with_a_broken_seal_does_not_clear_himself() -> None:
    world = let_go(**BROKEN)
    assert share(world, Step.HUB_SORT) > share(world, Step.HUB_IN)
    assert share(world, Step.HUB_SORT, ReadingEdition.FOURTH) < 0.1 * share(world, Step.HUB_IN, ReadingEdition.FOURTH)
    read_before = share(let_go(), Step.HUB_IN)
    assert share(world, Step.HUB_IN) > read_before, "whoever had it before may have opened it too"


def test_its_arrival_counts_as_missed_and_who_let_it_go_is_known() -> None:
    world = let_go()
    way = passage_in(world)
    segment, point = way.segments[-2], way.checkpoints[-3]
    assert (segment.step, segment.handler, point.scan_ms, point.photo) == (Step.HUB_SORT, "h-sort", None, None)
    assert point.left_ms == world.scans[-2].at_ms
    row = disputed(way)
    docket = make_docket([row], make_frame(NO_HISTORY, [row]))
    assert np.isnan(dwell_excess(docket, Params())[0, -2:]).all(), "neither stay was measured"


def test_what_was_let_go_had_got_there_and_was_not_lost_before() -> None:
    world = let_go()
    world.scans.pop()
    way = passage_in(world)
    row = disputed(way)
    seg, _ = split(scans_family(make_docket([row], make_frame(NO_HISTORY, [row])), Params()), len(row.segments))
    for kind in (LOST, WHOLE):
        assert np.isneginf(seg[0, kind, :-1]).all()
        assert np.isfinite(seg[0, kind, -1])
    assert sum(traffic_of([way]).stretches.values()) == len(way.segments)


def test_a_seal_that_is_right_as_the_parcel_is_let_go_was_right_on_arrival() -> None:
    assert passage_in(let_go(**INTACT)).checkpoints[-3].seal is SealSeen.OK


@pytest.mark.parametrize(("kg", "came", "went"), [(0.54, 540, None), (0.4, None, 400)])
def test_a_weight_is_of_the_arrival_only_if_it_is_right(kg: float, came: float | None, went: float | None) -> None:
    report = [{"type": "Mass", "value": kg, "uom": "KGM"}]
    *_, sorting, lorry, _ = passage_in(let_go(sensorElementList=[{"sensorReport": report}])).checkpoints
    assert (sorting.mass_g, lorry.mass_g) == (came, went)


def test_what_he_reads_a_moment_after_that_was_not_read_on_arrival_either() -> None:
    world = let_go()
    world.scans.pop()
    world.obj("hub-sort-1", "inspecting", **BROKEN)
    *_, sorting, after = passage_in(world).checkpoints
    assert (sorting.seal, after.seal) == (SealSeen.NOT_READ, SealSeen.ANOMALY)


def test_a_parcel_of_which_a_release_alone_is_known_has_a_chain_that_began_before_it() -> None:
    world = World()
    release = world.release("dock-2", **BROKEN)
    way = passage_in(world)
    assert way.start_ms < release.at_ms
    assert [(point.scan_ms, point.left_ms, point.seal) for point in way.checkpoints] == [
        (None, release.at_ms, SealSeen.NOT_READ),
        (None, None, SealSeen.ANOMALY),
    ]


def test_starts_lie_between_the_scans_around_them() -> None:
    world = let_go()
    shown = passage_in(world)
    assert all(earlier <= later for earlier, later in pairwise(point.scan_ms or 0 for point in shown.checkpoints[:3]))
    assert shown.segments[-2].shift == ((world.scans[-3].at_ms + world.scans[-2].at_ms * 2) // 3 // 3_600_000 % 24) // 8


def test_the_trail_does_not_clear_him_either() -> None:
    world = let_go(**BROKEN)
    links = {edition: narrowed(world, edition) for edition in (NEWEST, ReadingEdition.FOURTH)}
    sorting = next(segment.id for segment in world.trail().segments if segment.step == "hub_sort")
    assert sorting in links[NEWEST]
    assert sorting not in links[ReadingEdition.FOURTH]
    assert set(links[ReadingEdition.FOURTH]) < set(links[NEWEST])


def narrowed(world: World, edition: ReadingEdition) -> tuple[str, ...]:
    (found,) = [each for each in world.trail(edition=edition).narrowings if each.kind == "seal"]
    return found.links
