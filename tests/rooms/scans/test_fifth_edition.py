"""What the judge's fifth edition judges otherwise than the editions before it, which go on as they did."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from custody.kernel.clock import MINUTE_MS
from custody.scans.advance import VOIDS
from custody.scans.edition import Edition
from custody.trail.sealed import SealedScan
from tests.rooms.scans.court import BETWEEN, COURIER, ON, Court, party
from tests.rooms.trail.world import CARRIER, World

FIRST, SECOND, THIRD, FOURTH, FIFTH = Edition

NOT_DUE = ["not_due_here"]


class Story(NamedTuple):
    """What happens, and what is flagged of the last scan by the fourth edition and by the fifth."""

    tell: Callable[[World], Iterator[SealedScan]]
    fourth: list[str]
    fifth: list[str]


def last_flags(edition: Edition, story: Story) -> list[str]:
    """What is flagged of the last scan of a story."""
    bench = Court(edition)
    return [bench.codes(each) for each in story.tell(World())][-1]


def upevt(*named: SealedScan) -> dict[str, Any]:
    """Which events it is about."""
    return {"bizTransactionList": [{"type": "upevt", "bizTransaction": each.event.event_id} for each in named]}


def released(world: World) -> Iterator[SealedScan]:
    """The carrier has the parcel from the seller and releases it to a courier."""
    yield world.pack()
    yield world.obj("dock-2", "departing", **BETWEEN)
    yield world.obj("lorry-9", "accepting", **BETWEEN)
    yield world.obj("lorry-3", "departing", **ON)


def slowly(world: World, behind_ms: int = 90_000, **more: Any) -> SealedScan:
    """It is released to the courier by a station whose clock is behind: before what was sent last, by its time."""
    return world.obj("lorry-3", "departing", at=world.now_ms + MINUTE_MS - behind_ms, **{**ON, **more})


def taken_over(world: World) -> SealedScan:
    """The courier takes it over, who may if it is released to him."""
    return world.obj("courier-7", "accepting", **ON)


def delivered(world: World) -> SealedScan:
    """The carrier delivers it, who may if it is released to nobody."""
    return world.deliver("depot-2", **party("source", CARRIER))


def twice(
    world: World, *, named: tuple[bool, bool] = (False, False), behind_ms: int = 90_000, **more: Any
) -> Iterator[SealedScan]:
    """What takes a release back is sent twice; then the parcel is released by a station whose clock is behind."""
    *before, release = released(world)
    yield from [*before, release]
    for name in named:
        yield world.obj("depot-2", VOIDS, **(upevt(release) if name else {}))
    yield slowly(world, behind_ms, **more)
    yield taken_over(world)


def before_its_release(world: World) -> Iterator[SealedScan]:
    """It names the release, which comes after it."""
    *before, release = released(world)
    yield from before
    yield world.obj("depot-2", VOIDS, **upevt(release))
    yield release
    yield slowly(world, event_id=None)
    yield taken_over(world)


def of_two_releases(world: World) -> Iterator[SealedScan]:
    """The second one is for a release that was made after the first."""
    yield from released(world)
    yield world.obj("depot-2", VOIDS)
    yield world.obj("lorry-3", "departing", **ON)
    yield world.obj("depot-2", VOIDS)
    yield taken_over(world)


def of_one_to_come(world: World) -> Iterator[SealedScan]:
    """The second one names a release that comes after it, and the one that was ended too."""
    *before, release = released(world)
    yield from [*before, release]
    yield world.obj("depot-2", VOIDS)
    to_come = world.obj("lorry-3", "departing", **ON)
    yield world.obj("depot-2", VOIDS, **upevt(release, to_come))
    yield to_come
    yield taken_over(world)


def after_it_was_elsewhere(world: World) -> Iterator[SealedScan]:
    """The parcel went to the courier and back before the second, whose release comes after it."""
    yield from released(world)
    yield world.obj("depot-2", VOIDS)
    yield world.obj("lorry-3", "departing", **ON)
    yield taken_over(world)
    back = {**party("source", COURIER), **party("destination", CARRIER)}
    yield world.obj("courier-7", "departing", **back)
    yield world.obj("depot-2", "accepting", **back)
    release = world.obj("lorry-3", "departing", **ON)
    yield world.obj("depot-2", VOIDS)
    yield release
    yield taken_over(world)


def of_somebody_else(world: World) -> Iterator[SealedScan]:
    """The first was signed for who neither gave it nor had it, and ended nothing."""
    *before, release = released(world)
    yield from before
    yield release
    yield world.obj("dock-2", VOIDS)
    yield world.obj("depot-2", VOIDS)
    yield delivered(world)


VOIDED = {
    "by no name": Story(twice, NOT_DUE, []),
    "by no name, with a clock half an hour behind": Story(lambda world: twice(world, behind_ms=1_800_000), NOT_DUE, []),
    "by name, then by none": Story(lambda world: twice(world, named=(True, False)), NOT_DUE, []),
    "by name, of one that has no id": Story(lambda world: twice(world, named=(True, True), event_id=None), NOT_DUE, []),
    "by no name, then by its": Story(lambda world: twice(world, named=(False, True), event_id=None), NOT_DUE, []),
    "by name, before its release": Story(before_its_release, NOT_DUE, []),
    "for two releases": Story(of_two_releases, NOT_DUE, NOT_DUE),
    "for one that is to come": Story(of_one_to_come, NOT_DUE, NOT_DUE),
    "after it was elsewhere": Story(after_it_was_elsewhere, NOT_DUE, NOT_DUE),
    "by somebody else first": Story(of_somebody_else, [], []),
}


@pytest.mark.parametrize("name", VOIDED)
def test_what_takes_the_same_release_back_again_ends_nothing_more(name: str) -> None:
    assert last_flags(FIFTH, VOIDED[name]) == VOIDED[name].fifth


@pytest.mark.parametrize("name", VOIDED)
def test_by_the_fourth_edition_it_waits_and_ends_another_one(name: str) -> None:
    assert last_flags(FOURTH, VOIDED[name]) == VOIDED[name].fourth
