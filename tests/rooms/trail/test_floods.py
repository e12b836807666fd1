"""Who may scan cannot make a parcel's trail unreadable: it takes as much longer as it has scans, whatever they say."""

import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.rooms.trail.world import VAN, World

FEW, MANY = 300, 900
CLEAN = 18
"""So many scans the journey has without its delivery."""


def one_event_id(world: World) -> None:
    world.obj("courier-7", event_id="again")


def hand_to_and_fro(world: World) -> None:
    giver, taker = ("courier-7", "courier-8") if len(world.scans) % 4 < 2 else ("courier-8", "courier-7")
    world.hand(giver, taker)


def release_after_release(world: World) -> None:
    world.release("courier-7")


def release_and_cancel(world: World) -> None:
    world.release("courier-7")
    world.obj("courier-7", "void_shipping")


def load_and_unload(world: World) -> None:
    world.load("courier-7", VAN)
    world.unload("courier-7", VAN)


def declare_wrong(world: World) -> None:
    world.declare(world.obj("courier-7"))


def scan_at_the_door(world: World) -> None:
    world.obj("courier-7", at=world.scans[CLEAN].at_ms + len(world.scans))


def calls_of(act: Callable[[], object]) -> int:
    """How many functions of Python are called in it."""
    count = 0

    def called(_frame: object, event: str, _arg: Any) -> None:
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(called)
    try:
        act()
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize(
    "flood",
    [one_event_id, hand_to_and_fro, release_after_release, release_and_cancel, load_and_unload, declare_wrong],
)
def test_a_trail_takes_as_much_longer_as_somebody_floods_it_with_scans(flood: Callable[[World], None]) -> None:
    check_growth(World().journey(deliver=False), flood)


def test_a_trail_takes_as_much_longer_as_somebody_floods_it_with_scans_after_the_delivery() -> None:
    check_growth(World().journey(), scan_at_the_door)


def check_growth(world: World, flood: Callable[[World], None]) -> None:
    calls = []
    for size in (FEW, MANY):
        while len(world.scans) < CLEAN + size:
            flood(world)
        calls.append(calls_of(world.trail))
    assert calls[1] < 1.2 * calls[0] * MANY / FEW, calls
