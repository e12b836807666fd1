"""How late a lock may come and how long it may hold: with every rule of time, and without each of them."""

import pytest

from tests.rooms.devicelock.time_model import Explored, Limits, explore


@pytest.mark.parametrize(
    ("limits", "worlds", "found"),
    [
        (Limits(), 16_431, set()),
        (Limits(not_after=False), 18_344, {"E"}),
        (Limits(held_until=False), 16_080, {"H"}),
        (Limits(hello=False), 22_338, {"B"}),
    ],
)
def test_each_rule_of_time_holds_what_it_is_for(limits: Limits, worlds: int, found: set[str]) -> None:
    seen: Explored = explore(limits)
    assert set(seen.found) == found
    assert seen.worlds == worlds
