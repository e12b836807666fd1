"""How late a lock may come and how long it may hold: with every rule of time, and without each of them."""

import pytest

from tests.rooms.devicelock.time_model import Explored, Limits, explore


@pytest.mark.parametrize(
    ("limits", "worlds", "found"),
    [
        (Limits(), 15_586, set()),
        (Limits(not_after=False), 17_493, {"E"}),
        (Limits(held_until=False), 15_343, {"H"}),
        (Limits(hello=False), 15_119, {"B"}),
    ],
)
def test_each_rule_of_time_holds_what_it_is_for(limits: Limits, worlds: int, found: set[str]) -> None:
    seen: Explored = explore(limits)
    assert set(seen.found) == found
    assert seen.worlds == worlds
