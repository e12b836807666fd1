"""A parcel that comes back has another stay where it was before, and who had it is not mixed with who has it."""

from itertools import groupby, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.investigation.journey import Stay
from custody.investigation.passage import Checkpoint, Pin, SealSeen, Step
from custody.investigation.read_passage import ParcelWay
from custody.investigation.read_stays import MOST_STAYS
from custody.trail.edition import NEWEST, ReadingEdition
from tests.rooms.trail.ways import passage_in, way_of
from tests.rooms.trail.world import World

READ = {"wl:sealNumber": "S-0088213", "wl:sealState": "intact"}
BROKEN = {"wl:sealState": "broken"}


@pytest.fixture
def world() -> World:
    return World()


def by(handler: str | None) -> dict[str, str]:
    return {} if handler is None else {"wl:handler": handler}


def steps(world: World, edition: ReadingEdition = NEWEST) -> list[Step]:
    return [stay.step for stay in way_of(world, edition).stays]


def in_vain(world: World, *, again: str = "courier-8") -> None:
    """A round in vain: right when it comes back, wrong when the next courier takes it over in the morning."""
    world.journey(deliver=False)
    world.obj("courier-7", "loading", **READ, **by("h-7"))
    world.pass_time(5)
    world.obj("depot-2", "arriving", **READ, **by("h-night"))
    world.pass_time(14)
    world.obj(again, "loading", **BROKEN, **by(again.replace("courier", "h")))


@pytest.mark.parametrize("again", ["courier-8", "courier-7"])
def test_a_depot_that_had_the_parcel_again_has_a_stay_again(world: World, again: str) -> None:
    in_vain(world, again=again)
    told = [segment.step for segment in world.trail().segments]
    assert steps(world)[-4:] == told[-4:] == ["depot", "courier", "depot", "courier"]
    assert [stay.handler for stay in way_of(world).stays[-3:]] == ["h-7", "h-night", again.replace("courier", "h")]


def test_what_went_wrong_overnight_went_wrong_in_the_night_at_the_depot(world: World) -> None:
    in_vain(world)
    points = passage_in(world).checkpoints[-5:]
    assert [point.seal for point in points] == [
        SealSeen.NOT_READ,
        SealSeen.OK,
        SealSeen.OK,
        SealSeen.ANOMALY,
        SealSeen.NOT_READ,
    ]


def test_a_stay_is_known_by_the_lowest_index_of_its_scans_whatever_comes_late(world: World) -> None:
    in_vain(world)
    before = [stay.index for stay in way_of(world).stays if stay.at_ms is not None]
    courier = world.scans[-3]
    world.obj("courier-7", "inspecting", at=courier.at_ms - 60_000, chain=False, seq=90)
    assert way_of(world).stays[-3].at_ms == courier.at_ms - 60_000
    assert [stay.index for stay in way_of(world).stays if stay.at_ms is not None] == before
    assert [segment.index for segment in passage_in(world).segments if segment.index] == before


def test_a_hub_to_which_a_parcel_comes_back_from_another_one_has_a_stay_again(world: World) -> None:
    for station in ("hub-in-1", "hub-sort-1", "hub-sort-2", "hub-sort-1", "lorry-3", "depot-2"):
        world.pass_time(3)
        world.obj(station, "arriving", **(BROKEN if station in {"lorry-3", "depot-2"} else READ))
    seen = [(stay.site, stay.seal) for stay in way_of(world).stays if stay.step is Step.HUB_SORT and stay.at_ms]
    assert seen == [("H1", SealSeen.OK), ("H2", SealSeen.OK), ("H1", SealSeen.OK)]
    last = [stay.step for stay in way_of(world).stays if stay.at_ms][-3:]
    assert last == ["hub_sort", "linehaul", "depot"], "where it was right at last, and where it was wrong at first"


def test_steps_under_one_roof_are_one_stay_each_however_often_they_take_turns(world: World) -> None:
    for station in ("hub-in-1", "hub-sort-1", "hub-in-1", "hub-sort-1"):
        world.pass_time(1)
        world.obj(station, "inspecting")
    assert steps(world) == ["hub_in", "hub_sort"]


@pytest.mark.parametrize(
    ("first", "second", "handlers"),
    [
        (("courier-7", None), ("courier-8", "h-8"), [None, "h-8"]),
        (("courier-7", "h-7"), ("courier-8", None), ["h-7", None]),
        (("courier-7", None), ("courier-8", None), [None, None]),
        (("courier-7", "h-7"), ("courier-8", "h-7"), ["h-7"]),
        (("courier-7", None), ("courier-7", "h-7"), ["h-7"]),
        (("courier-7", "h-7"), ("courier-7", None), ["h-7"]),
    ],
)
def test_a_courier_who_takes_over_from_another_one_has_a_round_of_his_own(
    world: World, first: tuple[str, str | None], second: tuple[str, str | None], handlers: list[str | None]
) -> None:
    world.obj("depot-2", "arriving")
    for station, handler in (first, second):
        world.pass_time(3)
        world.obj(station, "loading", **by(handler))
    assert [stay.handler for stay in way_of(world).stays if stay.step is Step.COURIER] == handlers


def test_whom_the_same_station_names_next_was_another_courier_by_the_editions_before(world: World) -> None:
    for handler in ("h-7", "h-8"):
        world.pass_time(3)
        world.obj("courier-7", "loading", **by(handler))
    for edition, handlers in (
        (ReadingEdition.THIRD, ["h-7", "h-8"]),
        (ReadingEdition.FOURTH, ["h-7", "h-8"]),
        (NEWEST, ["h-7"]),
    ):
        assert [stay.handler for stay in way_of(world, edition).stays] == handlers


def test_what_a_courier_finds_wrong_at_once_went_wrong_with_the_nameless_one_before(world: World) -> None:
    world.journey(deliver=False)
    world.obj("courier-7", "inspecting", **READ)
    world.pass_time(5)
    world.obj("courier-8", "loading", **BROKEN, **by("h-8"))
    world.pass_time(3)
    world.deliver("courier-8", **by("h-8"))
    passage = passage_in(world)
    assert [segment.handler for segment in passage.segments[-2:]] == [None, "h-8"]
    assert [point.seal for point in passage.checkpoints[-3:-1]] == [SealSeen.OK, SealSeen.ANOMALY]


@pytest.mark.parametrize(("deliverer", "rounds"), [("courier-7", 1), ("courier-8", 2)])
def test_who_is_first_heard_of_at_the_door_had_the_parcel_too(world: World, deliverer: str, rounds: int) -> None:
    world.journey(deliver=False)
    world.deliver(deliverer)
    couriers = [stay.at_ms is not None for stay in way_of(world).stays if stay.step is Step.COURIER]
    assert couriers == [True, False][:rounds]


def test_who_lets_a_parcel_go_and_says_so_a_moment_late_has_not_had_it_again(world: World) -> None:
    for station in ("dock-2", "lorry-9"):
        world.pass_time(3)
        world.obj(station, "arriving")
    right = steps(world)
    world.release("dock-2")
    assert steps(world) == right == ["dock", "linehaul"]
    world.pass_time(5)
    world.release("dock-2")
    assert steps(world) == ["dock", "linehaul", "dock"]


def seals(world: World, edition: ReadingEdition = NEWEST) -> list[tuple[str | None, SealSeen, SealSeen]]:
    """Of each stay its station, and the seal as it was on arrival and when it was let go."""
    points = passage_in(world, edition).checkpoints
    return [
        (stay.station, came.seal, went.seal)
        for stay, (came, went) in zip(way_of(world, edition).stays, pairwise(points), strict=True)
    ]


@pytest.mark.parametrize("step", ["inspecting", "departing"])
def test_who_had_it_several_hands_ago_finds_nothing_wrong_without_a_stay_of_his_own(world: World, step: str) -> None:
    world.journey(deliver=False)
    world.obj("courier-7", "loading", **READ, **by("h-7"))
    world.obj("hub-sort-1", step, **BROKEN)
    assert [station for station, _, _ in seals(world)][-2:] == ["courier-7", "hub-sort-1"]
    then = [station for station, _, _ in seals(world, ReadingEdition.THIRD)][-1]
    assert then == ("courier-7" if step == "departing" else "hub-sort-1")


def test_what_a_giver_reads_as_he_lets_go_a_moment_late_went_wrong_before_its_taker_had_it(world: World) -> None:
    for station in ("hub-sort-1", "lorry-3"):
        world.pass_time(3)
        world.obj(station, "arriving", **READ)
    world.pass_time(0.1)
    world.release("hub-sort-1", **BROKEN)
    assert seals(world)[-2:] == [
        ("hub-sort-1", SealSeen.OK, SealSeen.ANOMALY),
        ("lorry-3", SealSeen.ANOMALY, SealSeen.NOT_READ),
    ]
    assert seals(world, ReadingEdition.THIRD)[-1] == ("lorry-3", SealSeen.OK, SealSeen.ANOMALY)


def test_what_a_giver_weighs_as_he_lets_go_a_moment_late_is_no_weight_of_the_takers_stay(world: World) -> None:
    for station in ("hub-sort-1", "lorry-3"):
        world.pass_time(3)
        world.weigh(station, 538)
    report = [{"type": "Mass", "value": 0.4, "uom": "KGM"}]
    world.release("hub-sort-1", sensorElementList=[{"sensorReport": report}])
    late = {edition: [stay.late_mass_g for stay in way_of(world, edition).stays] for edition in ReadingEdition}
    assert late[NEWEST] == [400, None]
    assert late[ReadingEdition.THIRD] == [None, 400]


def test_a_chain_that_was_examined_before_is_read_as_it_was(world: World) -> None:
    in_vain(world)
    for edition in (ReadingEdition.FIRST, ReadingEdition.SECOND):
        assert steps(world, edition)[-3:] == ["depot", "courier", "courier"]


def test_a_station_cannot_make_a_chain_as_long_as_it_likes(world: World) -> None:
    for _ in range(MOST_STAYS):
        for station in ("depot-2", "courier-7"):
            world.obj(station, "arriving")
        world.deliver("courier-7")
    assert len(way_of(world).stays) == MOST_STAYS


APART = ("dock-2", "lorry-9", "hub-sort-1", "hub-sort-2", "lorry-3", "depot-2", "courier-7", "courier-8")
"""No two of them are steps under one roof."""


def seen(way: ParcelWay | None) -> list[Stay]:
    return [] if way is None else [stay for stay in way.stays if stay.at_ms is not None]


@given(st.lists(st.sampled_from(APART), min_size=1, max_size=12), st.sampled_from([0.01, 1.0, 9.0]))
def test_stays_alternate_as_the_places_do(stations: list[str], hours: float) -> None:
    world = World()
    for station in stations:
        world.pass_time(hours)
        world.obj(station, "arriving")
    assert [stay.station for stay in seen(way_of(world))] == [station for station, _ in groupby(stations)]
    told = [(segment.site, segment.step) for segment in world.trail().segments if segment.seen]
    assert [(stay.site, stay.step) for stay in seen(way_of(world))] == told


@pytest.mark.parametrize("taker", ["depot-2", "courier-8", "courier-7"])
def test_a_delivery_after_which_a_carrier_had_the_parcel_is_none(world: World, taker: str) -> None:
    world.journey()
    rounds = steps(world)
    world.pass_time(4)
    world.obj(taker, "arriving")
    assert world.trail().delivery.reopened
    way = way_of(world)
    assert (way.delivered_ms, way.door, way.pin) == (None, Checkpoint(), Pin.UNOBSERVED)
    assert steps(world) == [*rounds, way.stays[-1].step], "who took it back had it after that"
    assert way.stays[-1].station == taker


def test_a_parcel_that_is_delivered_once_more_was_delivered_then(world: World) -> None:
    world.journey()
    world.pass_time(4)
    world.obj("courier-7", "loading")
    world.pass_time(20)
    world.deliver(pin=False)
    assert world.trail().delivery.at_ms == way_of(world).delivered_ms == world.now_ms
    assert way_of(world).pin is Pin.ABSENT


@pytest.mark.parametrize(
    ("station", "step", "hours"),
    [
        ("courier-7", "inspecting", 0.1),
        ("courier-7", None, 0.4),
        ("courier-8", "unpacking", 5),
        ("desk", "arriving", 5),
    ],
    ids=["a look at the door", "a reading at the door", "unpacked", "out of the network"],
)
def test_what_is_done_after_a_delivery_without_having_the_parcel_undoes_none(
    world: World, station: str, step: str | None, hours: float
) -> None:
    world.journey()
    right = way_of(world)
    world.pass_time(hours)
    world.obj(station, step)
    assert not world.trail().delivery.reopened
    after = way_of(world)
    assert (after.delivered_ms, after.pin) == (right.delivered_ms, right.pin)
    assert steps(world) == [stay.step for stay in right.stays]


def test_what_was_read_at_a_door_that_counts_no_more_is_read_on_the_round(world: World) -> None:
    world.journey(deliver=False)
    world.deliver("courier-8", **BROKEN)
    world.pass_time(4)
    world.obj("depot-2", "arriving")
    *_, first, second, depot, door = passage_in(world).checkpoints
    assert [point.seal for point in (first, second, depot, door)] == [
        SealSeen.NOT_READ,
        SealSeen.NOT_READ,
        SealSeen.ANOMALY,
        SealSeen.NOT_READ,
    ]
    assert second.photo is None, "nobody scanned when that round began"


def test_who_is_heard_of_by_a_delivery_alone_that_counts_no_more_is_known_by_it(world: World) -> None:
    world.journey(deliver=False)
    world.deliver("courier-8", **by("h-8"))
    delivered_ms = world.now_ms
    world.pass_time(4)
    world.obj("depot-2", "arriving")
    passage = passage_in(world)
    assert [segment.handler for segment in passage.segments[-3:]] == [None, "h-8", None]
    assert passage.checkpoints[-3].scan_ms == delivered_ms
    assert passage_in(world, ReadingEdition.THIRD).segments[-2].handler is None


def test_a_delivery_that_was_examined_before_is_read_as_it_was(world: World) -> None:
    world.journey()
    delivered = way_of(world).delivered_ms
    world.pass_time(4)
    world.obj("depot-2", "arriving")
    for edition in (ReadingEdition.FIRST, ReadingEdition.SECOND):
        assert way_of(world, edition).delivered_ms == delivered


ACTS = st.tuples(st.sampled_from(APART), st.sampled_from(["arriving", "inspecting", "unpacking", None]))
DELIVERIES = st.tuples(st.sampled_from(["depot-2", "courier-7", "courier-8"]), st.just("delivered"))


@given(st.lists(st.tuples(ACTS | DELIVERIES, st.sampled_from([0.1, 9.0])), min_size=1, max_size=9))
def test_a_delivery_stands_here_if_it_does_in_the_trail(acts: list[tuple[tuple[str, str | None], float]]) -> None:
    world = World()
    for (station, step), hours in acts:
        world.pass_time(hours)
        if step == "delivered":
            world.deliver(station)
        else:
            world.obj(station, step)
    trail, way = world.trail(), way_of(world)
    assert (way.delivered_ms is not None) == (trail.delivery.strength != "not_delivered")
    told = [
        (segment.site, segment.step)
        for segment in trail.segments
        if segment.seen and (segment.opening_index is not None or trail.delivery.index not in segment.indices)
    ]
    assert [(stay.site, stay.step) for stay in seen(way)] == told
