"""A parcel's way, read from its scans alone, is the way that it truly went."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import pytest
from msgspec.structs import replace

from custody.investigation.journey import Stay
from custody.investigation.passage import Checkpoint, Pin, Step
from custody.investigation.read_passage import Network, ParcelWay, look_around, network_of, passage_of, read_way
from custody.kernel.clock import HOUR_MS
from custody.scans.scan import open_scan
from custody.trail.sealed import SealedScan, StationFacts
from simulators.network import World, imagine, small_world

NOW_MS = 1_795_600_000_000


@pytest.fixture(scope="module")
def world() -> World:
    return imagine(small_world(seed=4, now_ms=NOW_MS))


@pytest.fixture(scope="module")
def scans(world: World) -> dict[str, list[SealedScan]]:
    by_parcel: dict[str, list[SealedScan]] = defaultdict(list)
    posts = {station.name: station.post for station in world.stations.values()}
    for index, signed in enumerate(world.scans):
        post = posts[signed.station]
        facts = StationFacts(
            station=signed.station,
            site=post.link.site.key,
            place=post.place,
            step=post.link.step.value,
            custodian=post.link.custodian,
        )
        scan = open_scan(signed.statement, signed.opening)
        sealed = SealedScan(index=index, received_ms=NOW_MS, result="accepted", flags=(), scan=scan, station=facts)
        for key in {scan.event.parent, *scan.event.epcs, *scan.event.children}:
            if key and "/00/" in key:
                by_parcel[key].append(sealed)
    return by_parcel


def learnt(ways: Iterable[ParcelWay], names: Mapping[str, str]) -> Network:
    return network_of([look_around(ways)], names)


@pytest.fixture(scope="module")
def ways(scans: dict[str, list[SealedScan]]) -> dict[str, ParcelWay]:
    return {parcel: way for parcel, made in scans.items() if (way := read_way(parcel, made)) is not None}


@pytest.fixture(scope="module")
def network(ways: dict[str, ParcelWay]) -> Network:
    return learnt(ways.values(), {})


def test_stays_that_nobody_scanned_are_filled_in_where_the_journey_demands_them(
    world: World, ways: dict[str, ParcelWay], network: Network
) -> None:
    right = 0
    delivered = [parcel for parcel in world.past.parcels if ways[parcel.sscc].delivered_ms is not None]
    for parcel in delivered:
        passage = passage_of(ways[parcel.sscc], network)
        found = [(segment.site, segment.step) for segment in passage.segments]
        truth = [(stay.link.site.key, Step(stay.link.step.value)) for stay in parcel.stays]
        right += found == truth
    assert right >= 0.97 * len(delivered)
    assert any(stay.at_ms is None for way in ways.values() for stay in way.stays)


def test_a_missed_stay_hides_who_held_the_parcel_and_never_where(ways: dict[str, ParcelWay], network: Network) -> None:
    for way in ways.values():
        passage = passage_of(way, network)
        for segment, checkpoint in zip(passage.segments, passage.checkpoints, strict=False):
            if checkpoint.scan_ms is None:
                assert segment.handler is None
                assert segment.roster == network.rosters.get((segment.site, segment.step), ())


def test_scan_times_never_run_backwards(ways: dict[str, ParcelWay], network: Network) -> None:
    for way in ways.values():
        times = [point.scan_ms for point in passage_of(way, network).checkpoints if point.scan_ms is not None]
        assert times == sorted(times)


def test_the_recipients_check_is_read_from_the_delivery(world: World, ways: dict[str, ParcelWay]) -> None:
    for parcel in world.past.parcels:
        way = ways[parcel.sscc]
        if way.delivered_ms is None:
            assert way.pin is Pin.UNOBSERVED
        else:
            assert way.pin in {Pin.RECORDED, Pin.ABSENT}


def test_the_order_of_the_scans_does_not_matter(scans: dict[str, list[SealedScan]], ways: dict[str, ParcelWay]) -> None:
    for parcel, made in list(scans.items())[:40]:
        assert read_way(parcel, reversed(made)) == ways[parcel]


def test_a_name_stands_for_one_site_only(ways: dict[str, ParcelWay]) -> None:
    sites = sorted({stay.site for way in ways.values() for stay in way.stays})[:3]
    named = learnt(ways.values(), {sites[0]: "A", sites[1]: "B", sites[2]: "B"})
    assert named.names == {sites[0]: "A"}


def gone(*stays: tuple[Step, int | None, str | None], delivered_h: int | None = None) -> ParcelWay:
    """A way through one site; each stay with the hour of its scan and who made it."""
    return ParcelWay(
        parcel="parcel",
        stays=tuple(
            Stay(site="site", step=step, at_ms=None if hour is None else hour * HOUR_MS, handler=handler)
            for step, hour, handler in stays
        ),
        delivered_ms=None if delivered_h is None else delivered_h * HOUR_MS,
        door=Checkpoint(),
        pin=Pin.UNOBSERVED,
        high_value=True,
        declared_g=None,
        item_g=None,
    )


EMPTY = Network(rosters={}, roads={})
PACK, DOCK, LINEHAUL, HUB_IN = Step.PACK, Step.DOCK, Step.LINEHAUL, Step.HUB_IN


@pytest.mark.parametrize(
    ("way", "start_h", "shifts"),
    [
        (gone((PACK, 1, "a"), (DOCK, None, None), (LINEHAUL, None, None), (HUB_IN, 22, "b")), 1, [0, 1, 1, 2]),
        (gone((PACK, 1, "a"), (DOCK, 2, "b"), (LINEHAUL, None, None), (HUB_IN, 20, "c")), 1, [0, 0, 1, 2]),
        (gone((PACK, 2, "a"), (DOCK, None, None), (LINEHAUL, None, None)), 2, [0, 0, 1]),
        (gone((PACK, None, None), (DOCK, None, None), (LINEHAUL, 20, "a")), 12, [1, 2, 2]),
        (gone((PACK, None, None), (DOCK, None, None), delivered_h=31), 23, [2, 0]),
        (gone((PACK, 2, "a"), (DOCK, None, None), delivered_h=34), 2, [0, 2]),
    ],
    ids=["in between", "in the midst", "no scan after", "no scan before", "the delivery alone", "before the delivery"],
)
def test_a_stay_that_nobody_scanned_began_in_the_shift_that_the_scans_around_it_tell(
    way: ParcelWay, start_h: int, shifts: list[int]
) -> None:
    passage = passage_of(way, EMPTY)
    assert passage.start_ms == start_h * HOUR_MS
    assert [segment.shift for segment in passage.segments] == shifts


def test_people_stand_on_the_roster_of_the_site_and_step_at_which_they_were_seen() -> None:
    ways = [gone((PACK, 1, "b"), (DOCK, 2, "c")), gone((PACK, 1, "a"), (DOCK, None, None)), gone((PACK, 1, "a"))]
    assert learnt(ways, {}).rosters == {("site", PACK): ("a", "b"), ("site", DOCK): ("c",)}


def test_the_road_from_a_site_is_the_one_that_most_parcels_were_scanned_on() -> None:
    def left(road: str, *, scanned: bool = True) -> ParcelWay:
        lorry = Stay(site=road, step=LINEHAUL, at_ms=5 * HOUR_MS if scanned else None)
        return replace(gone((DOCK, 1, "a")), stays=(Stay(site="dock", step=DOCK, at_ms=HOUR_MS), lorry))

    few, many = [left("road-1")] * 2, [left("road-2")] * 3
    assert learnt([*few, *many], {}).roads == {"dock": "road-2"}
    assert learnt([*many, *few, left("road-1")], {}).roads == {"dock": "road-1"}, "of equals the first by name"
    assert learnt([*many, *[left("road-1", scanned=False)] * 9], {}).roads == {"dock": "road-2"}
