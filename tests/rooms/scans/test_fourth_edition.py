"""What the judge judges otherwise from its fourth edition on than by those before it, which go on as they did."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from custody.scans.advance import MAX_VOIDS, VOIDS
from custody.scans.edition import Edition
from custody.trail.sealed import SealedScan
from tests.rooms.scans.court import BETWEEN, ON, Court, party
from tests.rooms.trail.world import (
    CAGE,
    CARRIER,
    PARCEL,
    PARCEL_2,
    PARCEL_3,
    PHONE,
    PHONE_2,
    PHONE_2_IMEI,
    PHONE_IMEI,
    World,
)

FIRST, SECOND, THIRD, FOURTH, FIFTH = Edition
EARLIER = pytest.mark.parametrize("edition", [FIRST, SECOND, THIRD])
PHONE_CLASS = "https://id.gs1.org/01/09521473003813"
PLAIN = f"{PHONE_CLASS}/21/A17"
"""A handset whose serial number hides no IMEI."""

SIM_2 = "urn:gsma:imei:35693803-564380-0"
BOTH = {"wl:imei": [PHONE_IMEI, SIM_2]}

STRANGER = ["serial_differs"]


@pytest.fixture(params=[FOURTH, FIFTH])
def later(request: pytest.FixtureRequest) -> Edition:
    """Each edition that judges by the rules of the fourth."""
    edition: Edition = request.param
    return edition


class Story(NamedTuple):
    """What happens, and what is flagged of the last scan from the fourth edition on."""

    tell: Callable[[World], Iterator[SealedScan]]
    fourth: list[str]


def last_flags(edition: Edition, story: Story) -> list[str]:
    """What is flagged of the last scan of a story."""
    bench = Court(edition)
    return [bench.codes(each) for each in story.tell(World())][-1]


def by_class(*imeis: str, count: int = 1) -> dict[str, Any]:
    """Handsets named by their class and IMEIs alone."""
    goods = [{"epcClass": PHONE_CLASS, "quantity": count}]
    return {"childEPCs": None, "childQuantityList": goods, "wl:imei": list(imeis) or None}


def again(world: World, **more: Any) -> SealedScan:
    """The handset is packed into a second parcel."""
    return world.pack("bench-4", **{"parentID": PARCEL_2, **more})


def twice(world: World, *between: Callable[[World], SealedScan], **more: Any) -> Iterator[SealedScan]:
    """A handset is packed into a parcel and then into another, with something between."""
    yield world.pack()
    for act in between:
        yield act(world)
    yield again(world, **more)


def alone(world: World, key: str = PHONE, **more: Any) -> SealedScan:
    """The handset is scanned without a parcel."""
    return world.obj("desk", "inspecting", epcList=[key], **more)


def of_the_other_sim(world: World) -> Iterator[SealedScan]:
    """It is packed by both its IMEIs, and again by the second alone."""
    yield world.pack(**{"wl:imei": [PHONE_IMEI, PHONE_2_IMEI]})
    yield again(world, **by_class(PHONE_2_IMEI))


def taken_out_by_one_name(world: World) -> Iterator[SealedScan]:
    """It has two IMEIs and is taken out by the one that its serial number hides."""
    yield world.pack(**BOTH)
    yield world.unpack("bench-4")
    yield again(world, **BOTH)


def with_a_serial_of_its_maker(world: World) -> Iterator[SealedScan]:
    yield world.pack(phone=PLAIN)
    yield again(world, phone=PLAIN)


def into_a_third(world: World) -> Iterator[SealedScan]:
    """It lies where it was packed last."""
    yield from twice(world)
    yield world.unpack("bench-4")
    yield world.pack(parentID=PARCEL_3)


def late(world: World) -> Iterator[SealedScan]:
    """The packing that was made first comes last."""
    yield world.pack()
    yield again(world, at=world.now_ms - 600_000)


def moved_late(world: World) -> Iterator[SealedScan]:
    """A packing that comes late, and an unpacking from it, move the handset nowhere."""
    yield from late(world)
    yield world.unpack("bench-4", parentID=PARCEL_2)
    yield world.pack(parentID=PARCEL_3)


def alone_before(world: World) -> Iterator[SealedScan]:
    """That it was alone before it was packed says nothing of now."""
    yield world.pack()
    yield alone(world, at=world.now_ms - 600_000)
    yield again(world)


def with_its_parcel(world: World) -> Iterator[SealedScan]:
    """A pallet names its parcels and what lies in them."""
    yield world.pack()
    yield world.pack(parentID=PARCEL_3, childEPCs=[PARCEL, PHONE])


def after_the_pallet(world: World) -> Iterator[SealedScan]:
    """The handset still lies in its parcel, not on the pallet beside it."""
    yield from with_its_parcel(world)
    yield world.unpack("bench-4", phone=None, parentID=PARCEL_3)
    yield again(world)


def packed_wrongly(world: World) -> Iterator[SealedScan]:
    """The packing is declared wrong."""
    wrong = world.pack()
    yield wrong
    yield world.declare(wrong)
    yield again(world)


def another_declared(world: World) -> Iterator[SealedScan]:
    """An earlier packing into the same parcel is declared wrong, and not the newest."""
    wrong = world.pack()
    yield wrong
    yield world.pack()
    yield world.declare(wrong)
    yield again(world)


def delivered_then_packed_again(world: World) -> Iterator[SealedScan]:
    """It was delivered before it was packed there again."""
    yield world.pack()
    yield world.deliver()
    yield world.pack()
    yield again(world)


TWICE = {
    "nothing between": Story(twice, STRANGER),
    "by its IMEI": Story(lambda world: twice(world, **by_class(PHONE_IMEI)), STRANGER),
    "by its second IMEI": Story(of_the_other_sim, STRANGER),
    "by its maker's serial number": Story(with_a_serial_of_its_maker, STRANGER),
    "a scan of the parcel between": Story(lambda world: twice(world, lambda w: w.obj("dock-2")), STRANGER),
    "another one seen alone": Story(lambda world: twice(world, lambda w: alone(w, PHONE_2)), STRANGER),
    "into the same parcel": Story(lambda world: twice(world, parentID=PARCEL), []),
    "another handset": Story(lambda world: twice(world, phone=PHONE_2), []),
    "taken out": Story(lambda world: twice(world, lambda w: w.unpack("bench-4")), []),
    "taken out by one of its names": Story(taken_out_by_one_name, []),
    "everything taken out": Story(lambda world: twice(world, lambda w: w.unpack("bench-4", phone=None)), []),
    "delivered": Story(lambda world: twice(world, lambda w: w.deliver()), []),
    "sold, by whom it does not say": Story(lambda world: twice(world, lambda w: w.deliver(destinationList=None)), []),
    "delivered before it was packed there": Story(delivered_then_packed_again, STRANGER),
    "seen alone": Story(lambda world: twice(world, alone), []),
    "seen alone by its IMEI": Story(lambda world: twice(world, lambda w: alone(w, PHONE_IMEI)), []),
    "put into a cage without a parcel": Story(
        lambda world: twice(world, lambda w: w.load("dock-2", CAGE, [PHONE])), []
    ),
    "seen alone before it was packed": Story(alone_before, STRANGER),
    "declared wrong": Story(packed_wrongly, []),
    "another packing declared wrong": Story(another_declared, STRANGER),
    "made first, and come last": Story(late, ["late_offline"]),
    "after one that came late": Story(moved_late, STRANGER),
    "with its parcel": Story(with_its_parcel, []),
    "after its parcel's pallet": Story(after_the_pallet, STRANGER),
    "into a third": Story(into_a_third, STRANGER),
}


@pytest.mark.parametrize("name", TWICE)
def test_a_handset_that_is_packed_while_it_lies_in_another_parcel_is_flagged(name: str, later: Edition) -> None:
    assert last_flags(later, TWICE[name]) == TWICE[name].fourth


@EARLIER
@pytest.mark.parametrize("name", TWICE)
def test_by_earlier_editions_a_handset_is_in_two_parcels_and_nobody_is_told(name: str, edition: Edition) -> None:
    assert "serial_differs" not in last_flags(edition, TWICE[name])


def test_what_was_packed_before_the_fourth_edition_lies_nowhere() -> None:
    world, bench = World(), Court(THIRD)
    bench.codes(world.pack())
    later = Court(FOURTH)
    later.views = bench.views
    assert later.codes(again(world)) == []


def taken(*imeis: str) -> dict[str, Any]:
    """What is taken out, by its class and IMEIs alone."""
    return {**by_class(*imeis), "phone": None}


def repacked(world: World, out: dict[str, Any], phone: str = PHONE, **more: Any) -> Iterator[SealedScan]:
    """A parcel is packed, unpacked, and another handset packed into it."""
    yield world.pack(phone=phone, **more)
    yield world.unpack("bench-4", **out)
    yield world.pack(phone=PHONE_2)


def one_of_two(world: World, read: dict[str, Any]) -> Iterator[SealedScan]:
    """Of two handsets in a parcel one is taken out by its class and IMEI; then something is read."""
    yield world.pack()
    yield world.pack(phone=PHONE_2)
    yield world.unpack("bench-4", **taken(PHONE_IMEI))
    yield world.obj("dock-2", **read)


def two_by_class(world: World) -> Iterator[SealedScan]:
    """Two handsets are packed by class and their IMEIs, one is taken out, and the other read."""
    yield world.pack(**by_class(PHONE_IMEI, SIM_2, count=2))
    yield world.unpack("bench-4", **taken(PHONE_IMEI))
    yield world.obj("dock-2", **{"wl:imei": [SIM_2]})


def joined_wrongly(world: World) -> Iterator[SealedScan]:
    """An IMEI is said to be of one handset and then of another: taking out the second leaves the first."""
    yield world.pack(phone=PLAIN, **{"wl:imei": [SIM_2]})
    yield world.pack(phone=PHONE, **{"wl:imei": [SIM_2]})
    yield world.unpack("bench-4")
    yield world.obj("dock-2", epcList=[PARCEL, PLAIN])


UNPACKED = {
    "by class and IMEI": Story(lambda world: repacked(world, taken(PHONE_IMEI)), []),
    "by class and its second IMEI": Story(lambda world: repacked(world, taken(SIM_2), **BOTH), []),
    "by its serial number, which hides one of two IMEIs": Story(lambda world: repacked(world, {}, **BOTH), []),
    "by its IMEI, which its serial number does not hide": Story(
        lambda world: repacked(world, taken(PHONE_IMEI), PLAIN, **{"wl:imei": [PHONE_IMEI]}), []
    ),
    "by one of two IMEIs, packed by class": Story(
        lambda world: repacked(world, taken(SIM_2), **by_class(PHONE_IMEI, SIM_2)), []
    ),
    "another one, by class and IMEI": Story(lambda world: repacked(world, taken(PHONE_2_IMEI)), STRANGER),
}
TAKEN_OUT = {
    "the one that was taken out": Story(lambda world: one_of_two(world, {"epcList": [PARCEL, PHONE]}), STRANGER),
    "the one that is still there": Story(lambda world: one_of_two(world, {"epcList": [PARCEL, PHONE_2]}), []),
    "one of two by class": Story(two_by_class, []),
    "one of two that have an IMEI in common": Story(joined_wrongly, []),
}


@pytest.mark.parametrize("name", [*UNPACKED, *TAKEN_OUT])
def test_what_is_taken_out_goes_by_all_its_names(name: str, later: Edition) -> None:
    story = {**UNPACKED, **TAKEN_OUT}[name]
    assert last_flags(later, story) == story.fourth


@EARLIER
@pytest.mark.parametrize("name", UNPACKED)
def test_by_earlier_editions_what_is_taken_out_goes_by_the_names_that_are_said(name: str, edition: Edition) -> None:
    assert last_flags(edition, UNPACKED[name]) == STRANGER


def upevt(*named: SealedScan) -> dict[str, Any]:
    """Which events it is about."""
    return {"bizTransactionList": [{"type": "upevt", "bizTransaction": each.event.event_id} for each in named]}


def accepted(world: World) -> Iterator[SealedScan]:
    """The carrier has the parcel from the seller."""
    yield world.pack()
    yield world.obj("dock-2", "departing", **BETWEEN)
    yield world.obj("lorry-9", "accepting", **BETWEEN)


def void_first(world: World, by: str = "depot-2", **more: Any) -> Iterator[SealedScan]:
    """The carrier releases the parcel to a courier; what takes that back comes before it."""
    yield from accepted(world)
    release = world.obj("lorry-3", "departing", **ON)
    yield world.obj(by, VOIDS, **more)
    yield release
    yield world.deliver("depot-2", **party("source", CARRIER))


def by_name(world: World, *, right: bool) -> Iterator[SealedScan]:
    """By a station whose clock is behind."""
    yield from accepted(world)
    release = world.obj("lorry-3", "departing", **ON)
    yield world.obj("depot-2", VOIDS, at=world.now_ms - 20_000, **upevt(release if right else world.scans[1]))
    yield release
    yield world.deliver("depot-2", **party("source", CARRIER))


def by_a_giver(world: World) -> Iterator[SealedScan]:
    """The carrier never said that it has the parcel."""
    yield world.pack()
    yield world.obj("dock-2", "departing", **BETWEEN)
    release = world.obj("lorry-3", "departing", **ON)
    yield world.obj("depot-2", VOIDS)
    yield release
    yield world.deliver("depot-2", **party("source", CARRIER))


def released_again(world: World) -> Iterator[SealedScan]:
    """What was released after that stays so."""
    yield from list(void_first(world))[:-1]
    yield world.obj("lorry-3", "departing", **ON)
    yield world.deliver("depot-2", **party("source", CARRIER))


def newest_release_first(world: World) -> Iterator[SealedScan]:
    """The release after it comes first of all, then what takes the one before back, and that one last."""
    yield from accepted(world)
    first, void = world.obj("lorry-3", "departing", **ON), world.obj("depot-2", VOIDS)
    yield world.obj("lorry-3", "departing", **ON)
    yield void
    yield first
    yield world.deliver("depot-2", **party("source", CARRIER))


def two_releases(world: World) -> Iterator[SealedScan]:
    """Two of them were made before it."""
    yield from accepted(world)
    releases = [world.obj("lorry-3", "departing", **ON) for _ in range(2)]
    yield world.obj("depot-2", VOIDS)
    yield from releases
    yield world.deliver("depot-2", **party("source", CARRIER))


def many_first(world: World, more: int) -> Iterator[SealedScan]:
    """Others that found nothing come between."""
    yield from accepted(world)
    release = world.obj("lorry-3", "departing", **ON)
    yield world.obj("depot-2", VOIDS, **upevt(release))
    for _ in range(more):
        yield world.obj("depot-2", VOIDS, **upevt(world.scans[-1]))
    yield release
    yield world.deliver("depot-2", **party("source", CARRIER))


NOT_DUE = ["not_due_here"]
VOIDED = {
    "by whoever has the parcel": Story(void_first, []),
    "by whoever releases it": Story(by_a_giver, []),
    "by name": Story(lambda world: by_name(world, right=True), []),
    "two that were made before it": Story(two_releases, []),
    "seven more that found nothing": Story(lambda world: many_first(world, MAX_VOIDS - 1), []),
    "eight more that found nothing": Story(lambda world: many_first(world, MAX_VOIDS), NOT_DUE),
    "by somebody else": Story(lambda world: void_first(world, "dock-2"), NOT_DUE),
    "another one, by name": Story(lambda world: by_name(world, right=False), NOT_DUE),
    "one that was made after it": Story(lambda world: void_first(world, at=world.now_ms - 20_000), NOT_DUE),
    "one that was made again": Story(released_again, NOT_DUE),
    "one before the newest": Story(newest_release_first, NOT_DUE),
}


@pytest.mark.parametrize("name", VOIDED)
def test_a_release_that_comes_after_what_takes_it_back_is_taken_back(name: str, later: Edition) -> None:
    assert last_flags(later, VOIDED[name]) == VOIDED[name].fourth


@EARLIER
@pytest.mark.parametrize("name", VOIDED)
def test_by_earlier_editions_what_comes_before_its_release_takes_nothing_back(name: str, edition: Edition) -> None:
    assert last_flags(edition, VOIDED[name]) == NOT_DUE
