"""What was seen is kept in memory until it is written down, each day of it."""

from collections.abc import Sequence

from api.process.viewing_notes import Seen, ViewingNotes
from custody.kernel.clock import DAY_MS
from custody.store.unit import Unit
from tests.world import World


def test_a_case_that_is_seen_on_both_sides_of_midnight_is_noted_on_both_days(world: World) -> None:
    written: list[Seen] = []

    def write(_unit: Unit, seen: Sequence[Seen]) -> None:
        written.extend(seen)

    notes = ViewingNotes(world.house, write)
    midnight = (world.clock.at_ms // DAY_MS + 1) * DAY_MS
    for before_ms in (3_000, 2_000, -1_000):
        world.clock.at_ms = midnight - before_ms
        notes.note("case_1", "agent-1")
    notes.thread.start()
    notes.thread.stop()
    assert [(one.dispute, one.at_ms < midnight) for one in written] == [("case_1", True), ("case_1", False)]
