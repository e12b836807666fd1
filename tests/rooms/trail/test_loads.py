"""Of a cage that is used for long few scans are opened, and the trail is the one that all of them give."""

from collections.abc import Collection
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.kernel.clock import DAY_MS, HOUR_MS
from custody.scans.content import write_captured
from custody.scans.scan import SALT_BYTES
from custody.trail.belongings import Lookup, find_belongings, needs, partner_ids
from custody.trail.describe import describe_trail
from custody.trail.loads import only_loads
from custody.trail.names import index_keys
from custody.trail.sealed import SealedScan
from custody.trail.trail import Trail, build_trail
from tests.rooms.trail.world import (
    CAGE,
    ORDER,
    PARCEL,
    PARCEL_2,
    PARCEL_3,
    PHONE,
    PHONE_2,
    PHONE_IMEI,
    SEAL,
    STATIONS,
    VAN,
    World,
    kinds,
    wl,
)

CAGE_2 = "https://id.gs1.org/8003/00952147300012412A"
PALLET = "https://id.gs1.org/00/195214730000088190"
REFERENCES = (ORDER, f"{ORDER}-2")
STARTS = (PARCEL, PARCEL, PHONE, PHONE_IMEI, "po:SO-20991", SEAL, VAN, PALLET)


def is_found(sealed: SealedScan, lookup: Lookup, *, whole: bool) -> bool:
    spared = lookup.carrier and not whole and only_loads(sealed.scan.opening, lookup.key)
    return lookup.key in index_keys(sealed.event) and not spared


def read(start: str, store: Collection[SealedScan], *, whole: bool) -> tuple[Trail, list[SealedScan]]:
    """The trail that is read of a store, and what was opened for it; `whole`: all that stands under its keys."""
    asked: set[Lookup] = set()
    held: dict[bytes, SealedScan] = {}
    while lookups := needs(start, held.values(), asked):
        asked |= set(lookups)
        held |= {sealed.digest: sealed for sealed in store if any(is_found(sealed, at, whole=whole) for at in lookups)}
    ids = partner_ids(held.values())
    under = {lookup.key for lookup in asked if lookup.carrier}
    held |= {s.digest: s for s in store if s.event.event_id in ids and under & index_keys(s.event)}
    scans = list(held.values())
    return build_trail(find_belongings(start, scans), scans), scans


def opened(world: World, start: str = PARCEL) -> list[int]:
    trail, scans = read(start, world.scans, whole=False)
    assert describe_trail(trail) == describe_trail(read(start, world.scans, whole=True)[0])
    return sorted(sealed.index for sealed in scans)


def indices(*scans: SealedScan) -> list[int]:
    return sorted(sealed.index for sealed in scans)


def others(world: World, count: int = 5) -> None:
    for _ in range(count):
        world.load("dock-2", CAGE, [PARCEL_2], chain=False)
        world.unload("hub-sort-1", CAGE, [PARCEL_2, PARCEL_3], chain=False)


def test_what_only_loads_others_into_the_cage_is_not_opened_at_any_time() -> None:
    world = World()
    others(world)
    mine = [world.load("dock-2")]
    others(world)
    mine.append(world.unload("hub-sort-1"))
    others(world)
    assert opened(world) == indices(*mine)


def test_a_cage_that_was_put_into_a_van_long_before_the_parcel_was_put_into_it_is_in_that_van() -> None:
    world = World()
    put = world.load("dock-2", VAN, [CAGE], chain=False)
    others(world)
    world.pass_time(400)
    mine = world.load("dock-2")
    seen = world.scan("hub-in-1", "ObjectEvent", action="OBSERVE", epcList=[VAN], bizStep="arriving", chain=False)
    assert opened(world) == indices(put, mine, seen)
    assert [entry.index for entry in read(PARCEL, world.scans, whole=False)[0].entries] == indices(mine, seen)


def test_a_cage_emptied_by_a_scan_that_comes_weeks_late_is_left_when_it_was_made() -> None:
    world = World()
    mine = world.load("dock-2")
    at_ms = world.now_ms + HOUR_MS
    world.pass_time(3)
    seen = world.scan("hub-in-1", "ObjectEvent", action="OBSERVE", epcList=[CAGE], bizStep="arriving", chain=False)
    others(world)
    world.pass_time(400)
    emptied = world.unload("hub-sort-1", children=None, at=at_ms, chain=False)
    assert opened(world) == indices(mine, seen, emptied)
    assert seen.index not in [entry.index for entry in read(PARCEL, world.scans, whole=False)[0].entries]


def test_a_declaration_without_what_it_declares_wrong_is_opened_whenever_it_comes() -> None:
    world, lost = World(), World()
    mine = world.load("dock-2")
    lost.now_ms = world.now_ms
    gone = lost.scan("hub-in-1", "ObjectEvent", action="OBSERVE", epcList=[CAGE], bizStep="arriving", chain=False)
    world.pass_time(400)
    others(world)
    alone = world.declare(gone)
    assert opened(world) == indices(mine, alone)
    assert "declaration_alone" in kinds(read(PARCEL, world.scans, whole=False)[0])


def test_a_load_of_others_that_has_the_id_of_a_scan_of_the_parcel_is_opened() -> None:
    world = World()
    first = world.load("dock-2", CAGE, [PARCEL_2], chain=False, event_id="urn:weaklink:one")
    mine = [world.load("dock-2", event_id="urn:weaklink:one"), world.unload("dock-2", event_id="urn:weaklink:one")]
    assert opened(world) == indices(first, *mine)


def test_what_is_asked_for_itself_is_opened_whole() -> None:
    world = World()
    others(world, 1)
    assert needs(VAN, [], ()) == (Lookup(key=VAN),)
    assert needs(PARCEL, [world.load("dock-2")], [Lookup(key=PARCEL)]) == (Lookup(key=CAGE, carrier=True),)


MORE: list[dict[str, Any]] = [
    {"childEPCs": None, "action": "DELETE"},
    {"childEPCs": [PARCEL_2, PHONE]},
    {"childEPCs": [PARCEL_2, VAN]},
    {"childEPCs": [f"{PARCEL_2}?x=1"]},
    {"childQuantityList": [{"epcClass": "https://id.gs1.org/01/09521886007194", "quantity": 1}]},
    {"bizTransactionList": [{"type": "po", "bizTransaction": ORDER}]},
    {"errorDeclaration": {"declarationTime": "2026-05-11T10:00:00.000Z"}},
    wl({"wl:imei": [PHONE_IMEI]}),
    wl({"wl:expected": PHONE}),
]


@pytest.mark.parametrize("more", MORE)
def test_what_says_anything_else_is_opened(more: dict[str, Any]) -> None:
    world = World()
    body = {"action": "ADD", "parentID": CAGE, "childEPCs": [PARCEL_2], "bizStep": "loading"}
    plain = world.scan("dock-2", "AggregationEvent", **body)
    assert only_loads(plain.scan.opening, CAGE)
    assert not only_loads(plain.scan.opening, PARCEL_2)
    assert not only_loads(world.scan("dock-2", "AssociationEvent", **body).scan.opening, CAGE)
    assert not only_loads(world.scan("dock-2", "AggregationEvent", **{**body, **more}).scan.opening, CAGE)


def test_a_captured_load_is_known_too_and_what_cannot_be_read_is_opened() -> None:
    opening = World().load("dock-2", CAGE, [PARCEL_2]).scan.opening
    salt, event = opening[:SALT_BYTES], opening[SALT_BYTES:]
    assert only_loads(salt + write_captured(event, {"ex": "https://shop.example/"}), CAGE)
    torn = [write_captured(event, None)[:-1], write_captured(b"{", None), event[:-1], b"\x82", b"\xff", b""]
    assert not any(only_loads(salt + content, CAGE) for content in torn)


CARRIERS = (CAGE, CAGE, CAGE, CAGE_2, VAN, PALLET)
THINGS = (PARCEL, CAGE, CAGE, CAGE_2, VAN, PALLET, PHONE, PHONE_2, SEAL)
OTHERS = (PARCEL_2, PARCEL_2, PARCEL_3)
ACTS = ("other in", "other out", "in", "in", "out", "emptied", "seen", "pack", "on", "wrong", "wrong")
NAMES = ("urn:weaklink:one", "urn:weaklink:two")


@st.composite
def cages(draw: st.DrawFn) -> list[SealedScan]:
    """Things put into each other and taken out, by stations that are offline, whose clocks are wrong, that err."""
    world = World()
    acts = draw(st.lists(st.sampled_from(ACTS), max_size=12))
    for act in draw(st.permutations(["mine", "other in", *acts])):
        world.pass_time(draw(st.sampled_from([0, 0, 1, 30, 500])))
        facts: dict[str, Any] = {
            "at": world.now_ms + draw(st.sampled_from([0, 0, 0, -HOUR_MS, HOUR_MS, -9 * DAY_MS, 30 * HOUR_MS])),
            "late": draw(st.sampled_from([0, 1_000, 3 * HOUR_MS, 20 * DAY_MS, -40 * HOUR_MS])),
            "result": draw(st.sampled_from(["accepted"] * 7 + ["quarantined"])),
            "event_id": draw(st.sampled_from(["", "", "", *NAMES, None])),
            "chain": draw(st.booleans()),
        }
        if draw(st.integers(0, 9)) == 0:
            facts["bizTransactionList"] = [{"type": "po", "bizTransaction": draw(st.sampled_from(REFERENCES))}]
        _do(draw, world, act, facts)
    return [sealed for sealed in world.scans if draw(st.integers(0, 19)) > 0]


def _do(draw: st.DrawFn, world: World, act: str, facts: dict[str, Any]) -> None:
    station, outer = draw(st.sampled_from(sorted(STATIONS))), draw(st.sampled_from(CARRIERS))
    put = draw(st.lists(st.sampled_from(THINGS), min_size=1, max_size=2, unique=True))
    strangers = draw(st.lists(st.sampled_from(OTHERS), min_size=1, max_size=2, unique=True))
    seal = {"parentID": draw(st.sampled_from([PARCEL, outer])), "childEPCs": [SEAL], "disposition": "container_closed"}
    match act:
        case "mine":
            world.load(station, CAGE, **facts)
        case "other in":
            world.load(station, outer, strangers, **facts)
        case "other out":
            world.unload(station, outer, strangers, **facts)
        case "in":
            world.load(station, outer, put, **facts)
        case "out":
            world.unload(station, outer, put, **facts)
        case "emptied":
            world.unload(station, outer, None, **facts)
        case "seen":
            world.obj(station, "arriving", epcList=put, **facts)
        case "pack":
            box, phone = draw(st.sampled_from([PARCEL, PARCEL_2])), draw(st.sampled_from([PHONE, PHONE_2]))
            world.pack(station, phone, parentID=box, **{"bizTransactionList": None, **facts})
        case "on":
            action = draw(st.sampled_from(["ADD", "DELETE"]))
            world.scan(station, "AssociationEvent", action=action, bizStep="installing", **seal, **facts)
        case _ if world.scans:
            original = draw(st.sampled_from(world.scans))
            named = draw(st.lists(st.sampled_from(NAMES), max_size=1))
            more = {"reason": "incorrect_data", "correctiveEventIDs": named} if named else {}
            world.declare(original, draw(st.sampled_from([None, None, station])), **more)


@given(store=cages(), start=st.sampled_from(STARTS))
def test_the_trail_is_the_same_as_if_every_scan_of_its_carriers_was_opened(store: list[SealedScan], start: str) -> None:
    bounded, whole = read(start, store, whole=False)[0], read(start, store, whole=True)[0]
    assert describe_trail(bounded) == describe_trail(whole)
    assert bounded == whole
