"""What holds for every set of scans: order and repeats do not matter, nothing raises, silence proves nothing."""

from functools import cache
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from custody.kernel.clock import HOUR_MS, MINUTE_MS
from custody.trail.belongings import Lookup, find_belongings, needs
from custody.trail.describe import describe_trail
from custody.trail.names import index_keys
from custody.trail.sealed import SealedScan
from custody.trail.ties import bind
from custody.trail.trail import Trail, build_trail
from tests.rooms.trail.world import (
    CAGE,
    PARCEL,
    PARCEL_2,
    PHONE,
    PHONE_2,
    PHONE_IMEI,
    STATIONS,
    VAN,
    World,
    kinds,
    ni,
    wl,
)

STARTS = (PARCEL, PHONE, PHONE_IMEI, "po:SO-20991")


@cache
def eventful() -> tuple[SealedScan, ...]:
    """A journey with cages, an offline station, a correction, a quarantined scan and a found substitute."""
    world = World()
    world.commission()
    world.pack(**wl({"wl:declaredMassGrams": 540}))
    world.seal()
    world.weigh("scale-12", 539)
    world.hand("bench-4", "dock-2")
    world.load("dock-2", CAGE, [PARCEL, PARCEL_2])
    world.load("dock-2", VAN, [CAGE], chain=False)
    world.hand("dock-2", "lorry-9")
    world.scan("hub-in-1", "ObjectEvent", action="OBSERVE", epcList=[VAN], bizStep="arriving", chain=False)
    world.unload("hub-in-1", VAN, [CAGE], chain=False)
    world.unload("hub-sort-1", children=None, chain=False)
    world.obj("lorry-3", "arriving", at=world.now_ms - 20 * MINUTE_MS, late=5 * HOUR_MS)
    world.declare(world.weigh("depot-2", 900))
    world.obj("depot-2", **wl({"wl:sealState": "broken"}))
    world.scan("depot-2", "AggregationEvent", action="OBSERVE", parentID=PARCEL, childEPCs=[PHONE_2])
    world.obj("depot-2", "arriving", result="quarantined", flags=["tamper_evidence"])
    world.hand("depot-2", "courier-7")
    world.deliver()
    world.unpack()
    return tuple(world.scans)


@cache
def strangers() -> tuple[SealedScan, ...]:
    """Scans of other parcels, some of which shared the cage."""
    world = World(PARCEL_2)
    world.pack(phone=PHONE_2, bizTransactionList=None)
    world.load("dock-2", CAGE, [PARCEL_2])
    world.obj("hub-in-1", "arriving")
    world.unload("hub-sort-1", CAGE, [PARCEL_2])
    world.deliver("courier-8")
    return tuple(world.scans)


def trail_of(start: str, scans: tuple[SealedScan, ...] | list[SealedScan]) -> Trail:
    return build_trail(find_belongings(start, scans), scans)


@given(data=st.data(), start=st.sampled_from(STARTS))
def test_order_repeats_and_strangers_do_not_change_the_trail(data: st.DataObject, start: str) -> None:
    scans = eventful()
    extra = data.draw(st.lists(st.sampled_from((*scans, *strangers())), max_size=10))
    shuffled = data.draw(st.permutations([*scans, *extra]))
    assert describe_trail(trail_of(start, shuffled)) == describe_trail(trail_of(start, scans))


@given(kept=st.sets(st.sampled_from(range(len(eventful())))), start=st.sampled_from(STARTS))
def test_part_of_the_scans_never_raises_and_keeps_the_trail_consistent(kept: set[int], start: str) -> None:
    scans = [eventful()[place] for place in sorted(kept)]
    trail = trail_of(start, scans)
    check(trail)
    describe_trail(trail)
    bind(trail, PHONE)


@given(kept=st.sets(st.sampled_from(range(len(World().journey().scans)))))
def test_missing_scans_of_a_clean_journey_never_look_like_a_fault_in_the_parcel(kept: set[int]) -> None:
    world = World().journey()
    world.scans = [world.scans[place] for place in sorted(kept)]
    trail = world.trail()
    faults = {"weight_out", "seal_differs", "seal_broken", "seal_missing", "serial_differs", "other_goods"}
    assert not kinds(trail) & (faults | {"contents_short", "tie_disputed", "handover_wrong_digest", "item_elsewhere"})
    assert all(handover.digest_matches is not False for handover in trail.handovers)
    assert trail.narrowings == ()
    assert bind(trail, PHONE).findings == ()


@given(start=st.sampled_from(STARTS), data=st.data())
def test_fetching_by_need_gives_the_same_trail_as_having_everything(start: str, data: st.DataObject) -> None:
    store = data.draw(st.permutations([*eventful(), *strangers()]))
    asked: set[Lookup] = set()
    held: dict[bytes, SealedScan] = {}
    rounds = 0
    while lookups := needs(start, held.values(), asked):
        rounds += 1
        asked |= set(lookups)
        keys = {lookup.key for lookup in asked}
        held |= {sealed.digest: sealed for sealed in store if keys & index_keys(sealed.event)}
    assert rounds <= 6
    assert describe_trail(trail_of(start, list(held.values()))) == describe_trail(trail_of(start, eventful()))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Any scans by any station, with clocks and receipts that need not make sense."""
    world = World()
    for _ in range(draw(st.integers(0, 12))):
        act = draw(st.sampled_from(ACTS))
        station = draw(st.sampled_from(sorted(STATIONS)))
        facts: dict[str, Any] = draw(st.fixed_dictionaries({}, optional=TERMS))
        facts["at"] = world.now_ms + draw(st.integers(-HOUR_MS, HOUR_MS))
        facts["late"] = draw(st.sampled_from([0, 1_000, 3 * HOUR_MS]))
        facts["result"] = draw(st.sampled_from(["accepted", "accepted", "flagged", "quarantined"]))
        if act not in STEPS:
            facts.pop("epcList", None)
        if act == "accept":
            upstream = draw(st.sampled_from([None, *world.scans]))
            world.accept(station, upstream, **facts)
        elif act == "declare" and world.scans:
            world.declare(draw(st.sampled_from(world.scans)), station=draw(st.sampled_from([None, station])))
        elif act in STEPS:
            world.obj(station, act, **facts)
        elif act != "declare":
            getattr(world, act)(station, **facts)
    return world


STEPS = ("arriving", "inspecting", "departing", "void_shipping", "holding", "other", "receiving")
ACTS = ("commission", "pack", "seal", "load", "unload", "release", "accept", "deliver", "unpack", "declare", *STEPS)
TERMS: dict[str, st.SearchStrategy[Any]] = {
    "wl:sealState": st.sampled_from(["intact", "broken", "missing"]),
    "wl:sealFound": st.sampled_from(["S-1", 7]),
    "wl:handler": st.sampled_from(["h-1", "h-2"]),
    "wl:imei": st.sampled_from([[PHONE_IMEI], ["urn:gsma:imei:49015420-323751-0"]]),
    "wl:expected": st.sampled_from([PHONE, [PHONE, 3], {}]),
    "wl:photo": st.just(ni(b"\x05" * 32)),
    "wl:upstreamStatement": st.just(ni(b"\x06" * 32)),
    "wl:declaredMassGrams": st.sampled_from([500, 900]),
    "disposition": st.sampled_from(["mismatch_class", "returned", "container_open", "retail_sold", None]),
    "epcList": st.sampled_from([[PARCEL], [PARCEL, PARCEL_2], [PHONE], [PHONE_2], [CAGE]]),
    "sensorElementList": st.just([{"sensorReport": [{"type": "Mass", "value": 0.9, "uom": "KGM"}]}]),
}


def check(trail: Trail) -> None:
    """What holds in every trail."""
    ids = [link.id for link in trail.links]
    assert len(set(ids)) == len(ids)
    assert {segment.id for segment in trail.segments} | {handover.id for handover in trail.handovers} == set(ids)
    here = {entry.index for entry in trail.entries}
    assert all(here.issuperset(finding.indices) for finding in trail.findings)
    counted = {entry.index for entry in trail.entries if entry.counts}
    inside = [index for segment in trail.segments for index in segment.indices]
    assert len(set(inside)) == len(inside)
    assert counted.issuperset(inside)
    places = {entry.index: place for place, entry in enumerate(trail.entries)}
    spans = [[places[index] for index in segment.indices] for segment in trail.segments if segment.indices]
    assert all(max(before) < min(after) for before, after in pairwise(spans))
    between = {(handover.giver, handover.taker) for handover in trail.handovers}
    for before, after in pairwise(trail.segments):
        direct = (before.id, after.id) in between
        assert direct or ((before.id, None) in between and (None, after.id) in between)
    for narrowing in trail.narrowings:
        assert set(ids).issuperset(narrowing.links)
    for segment in trail.segments:
        assert segment.dwell_ms is None or segment.dwell_ms >= 0
        assert segment.seen == bool(segment.indices)


@given(world=worlds(), start=st.sampled_from(STARTS), data=st.data())
def test_any_scans_give_one_consistent_trail_in_any_order(world: World, start: str, data: st.DataObject) -> None:
    trail = trail_of(start, world.scans)
    check(trail)
    shuffled = data.draw(st.permutations(world.scans))
    assert describe_trail(trail_of(start, shuffled)) == describe_trail(trail)
    assert bind(trail_of(start, shuffled), PHONE) == bind(trail, PHONE)
