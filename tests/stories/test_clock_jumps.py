"""A clock that jumps ahead frees handsets and does nothing else, until somebody has looked or a day has gone by."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from api.lock_views import order_view
from api.parts import Parts
from api.process.clock_mark import MOST_DIGITS, ClockMark
from api.rounds import timer
from api.rounds.clock_watch import (
    AWAY_MS,
    BACK_MS,
    HELD_MS,
    JUMP_MS,
    ClockMarker,
    ClockWatch,
    act_on_jump,
    last_up_ms,
)
from custody.kernel.clock import DAY_MS, HOUR_MS, MINUTE_MS
from custody.kernel.system_clock import SystemClock
from custody.store import log_reader
from devicelock import store, watch_store
from devicelock.rules.authority import PROVISIONAL_MS
from devicelock.usecases.alert import look_at_alert
from devicelock.watch_store import AlertRow
from tests.stories.http_service import running_service
from tests.stories.lock_steps import told
from tests.stories.test_lock_races import Act, meanwhile
from tests.waiting import until
from tests.world import World
from tests.world_parts import Clock

MANY = 20
"""So many looks find whatever is not held back, also what takes several."""


class Turning(timer.Timer):
    """The service's own timer, which counts the turns that it has begun."""

    begun = 0

    def _is_in_doubt(self) -> bool:
        self.begun += 1
        return super()._is_in_doubt()

    def look(self, *, times: int = 1) -> None:
        """Return when it has looked at everything so many times more, from beginning to end."""
        begun = self.begun
        until(lambda: self.begun > begun + times)


@contextmanager
def looking(world: World, **known: Any) -> Iterator[Turning]:
    """The service's own timer looks, again and again, and has done so once."""
    parts: Any = SimpleNamespace(house=world.house, locks=world.office, clock=world.clock)
    running = Turning(cast("Parts", parts), **known)
    running.start()
    try:
        running.look()
        yield running
    finally:
        running.stop()


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timer, "EVERY_S", 0.02)


def alerts(world: World) -> list[AlertRow]:
    with world.house.read() as session:
        return [row for row in watch_store.alerts(session, seen=False) if row.kind == "clock_jumped"]


def test_what_cannot_be_taken_back_waits_for_somebody_to_look_and_locks_lapse(world: World) -> None:
    opened, _radio = world.locked_elsewhere()
    with looking(world) as timing:
        world.clock.at_ms += 400 * DAY_MS
        until(lambda: world.order(opened.order.id).state != "active_provisional", "doubt sets free")
        timing.look(times=MANY)
        assert "You may go to" not in told(world, opened)
        assert world.case(opened).case.state == "remedy_offered"
        (alert,) = alerts(world)
        assert "400 days ahead" in alert.detail
        with world.house.unit() as unit:
            look_at_alert(unit, world.office, alert=alert.id, account="supervisor-1")
        until(lambda: "You may go to" in told(world, opened), "the letter leaves")
    assert alerts(world) == [], "it is told once"


def test_no_customer_is_told_that_an_unanswered_release_is_over_while_the_clock_is_in_doubt(world: World) -> None:
    opened, radio = world.locked_elsewhere()
    radio.switch_off()
    world.found(opened)
    world.deliver()
    said = told(world, opened)
    with looking(world) as timing:
        world.clock.at_ms += 400 * DAY_MS
        until(lambda: alerts(world))
        timing.look(times=MANY)
        assert world.order(opened.order.id).state == "release_queued"
        assert told(world, opened) == said
        assert sorted(world.alerts()) == ["clock_jumped", "wrong_lock"]
        world.clock.at_ms -= 400 * DAY_MS
        timing.look()
    radio.switch_on()
    world.deliver()
    assert world.order(opened.order.id).state == "released", "what was to set it free was not forgotten"


def test_a_clock_that_was_put_right_again_holds_nothing_back(world: World) -> None:
    opened = world.dispute(None, "never_received")
    with looking(world):
        world.clock.at_ms += 400 * DAY_MS
        until(lambda: alerts(world))
        world.clock.at_ms -= 400 * DAY_MS - 6 * DAY_MS + JUMP_MS
        until(lambda: "We still look at the path" in told(world, opened))


def test_a_start_long_after_the_service_was_last_up_waits_for_a_day(world: World) -> None:
    opened = world.dispute(None, "never_received")
    up_ms = world.clock.at_ms
    world.clock.at_ms += AWAY_MS + MINUTE_MS
    with looking(world, up_ms=up_ms) as timing:
        until(lambda: alerts(world))
        timing.look(times=MANY)
        assert "We still look at the path" not in told(world, opened)
        for step_ms in (HELD_MS - MINUTE_MS, 2 * MINUTE_MS):
            world.clock.at_ms += step_ms
            timing.look()
        until(lambda: "We still look at the path" in told(world, opened))


@pytest.mark.parametrize("put_right", [False, True])
def test_a_second_jump_is_held_though_nobody_looked_at_the_first(world: World, *, put_right: bool) -> None:
    opened = world.dispute(None, "never_received")
    with looking(world) as timing:
        world.clock.at_ms += 100 * DAY_MS
        until(lambda: len(alerts(world)) == 1)
        if put_right:
            world.clock.at_ms -= 100 * DAY_MS
            timing.look()
        world.clock.at_ms += 30 * DAY_MS
        until(lambda: len(alerts(world)) == 2, "each is told of")
        timing.look(times=MANY)
        assert "We still look at the path" not in told(world, opened)
        for alert in alerts(world):
            with world.house.unit() as unit:
                look_at_alert(unit, world.office, alert=alert.id, account="supervisor-1")
        until(lambda: "We still look at the path" in told(world, opened))


@pytest.mark.parametrize(("ahead_ms", "jumped"), [(0, False), (JUMP_MS, False), (JUMP_MS + MINUTE_MS, True)])
def test_a_jump_is_what_goes_ahead_of_the_seconds_that_were_counted(ahead_ms: int, *, jumped: bool) -> None:
    clock, seconds = Clock(), iter([10.0, 70.0, 130.0])
    watch = ClockWatch(clock, count_s=lambda: next(seconds))
    assert watch.jump_ms() == 0
    clock.at_ms += MINUTE_MS + ahead_ms - 1
    assert (watch.jump_ms() > 0) == jumped
    clock.at_ms += MINUTE_MS - 1
    assert watch.jump_ms() == 0, "it is told of once"


@pytest.mark.parametrize("at_start", [True, False])
@pytest.mark.parametrize(("back_ms", "put_back"), [(BACK_MS, False), (BACK_MS + 1, True), (400 * DAY_MS, True)])
def test_a_clock_that_was_put_back_is_seen_by_how_much(back_ms: int, *, put_back: bool, at_start: bool) -> None:
    clock = Clock()  # it goes on by a millisecond whenever it is read
    watch = ClockWatch(clock, up_ms=clock.at_ms + 1 + back_ms * at_start, count_s=lambda: 10.0)
    first = watch.jump_ms()
    clock.at_ms -= back_ms + 1
    assert (first if at_start else watch.jump_ms()) == (-back_ms if put_back else 0)


@pytest.mark.parametrize("at_start", [True, False])
def test_a_clock_that_is_put_back_has_no_lock_hold_longer_than_its_hours(world: World, *, at_start: bool) -> None:
    """The handset counts its hours by its own clock, and the hello must not bring a lock back after them."""
    opened, radio = world.locked_elsewhere()
    up_ms, back_ms = world.clock.at_ms, 5 * HOUR_MS
    radio.switch_off()
    radio.handset.turn_clock(back_ms // 1000)
    if at_start:
        world.clock.at_ms -= back_ms
    with looking(world, up_ms=up_ms) as timing:
        if not at_start:
            world.clock.at_ms -= back_ms
        until(lambda: "clock_put_back" in world.alerts())
        radio.switch_on()
        world.deliver()
        assert radio.handset.screen_locked, "its hours are not over yet"
        with world.house.read() as session:
            wished = store.desired(store.device(session, opened.order.device, hold=False))
        assert wished.until_s == world.order(opened.order.id).held_until_ms // 1000, "the hello goes by the same end"
        world.clock.at_ms += PROVISIONAL_MS - back_ms
        timing.look()
        assert world.order(opened.order.id).state == "active_provisional"
        world.clock.at_ms += back_ms
        until(lambda: world.order(opened.order.id).state == "release_queued")
    radio.handset.tick()
    world.deliver()
    assert not radio.handset.screen_locked
    assert world.order(opened.order.id).state == "released"
    assert "shortened" in [step.event for step in world.steps(opened.order.id)]


def test_a_clock_that_is_put_back_after_idle_hours_is_measured_from_the_minute_in_which_the_service_was_last_up(
    world: World, tmp_path: Path
) -> None:
    """Nothing was recorded for five hours, so that the newest checkpoint is no later than the clock is put back to."""
    opened, _radio = world.locked_elsewhere()
    until_ms = world.order(opened.order.id).held_until_ms
    mark = ClockMark(tmp_path / "clocks" / "one.txt")
    with looking(world, mark=mark):
        until(mark.up_ms)
        world.clock.at_ms += 5 * HOUR_MS
    with world.house.read() as session:
        assert log_reader.head(session).signed_ms < world.clock.at_ms - 4 * HOUR_MS
    world.clock.at_ms -= 4 * HOUR_MS
    with world.house.read() as session:
        up_ms = last_up_ms(session, mark)
    with looking(world, up_ms=up_ms, mark=mark):
        until(lambda: "clock_put_back" in world.alerts())
        until(lambda: (mark.up_ms() or 0) < up_ms - 3 * HOUR_MS, "it is measured once more")
    shortened_ms = until_ms - world.order(opened.order.id).held_until_ms
    assert 4 * HOUR_MS - MINUTE_MS <= shortened_ms <= 4 * HOUR_MS + MINUTE_MS


def test_a_service_that_is_killed_has_marked_the_minute_in_which_it_was_up(tmp_path: Path) -> None:
    mark, seconds = ClockMark(tmp_path / "one.txt"), iter([0.0, 0.0, 59.0, 60.0, 60.0])
    marker = ClockMarker(mark, count_s=lambda: next(seconds))
    marked = []
    for now_ms in (1_000, 60_000, 61_000):
        marker.mark(now_ms)
        marked.append(mark.up_ms())
    assert marked == [1_000, 1_000, 61_000]


def test_a_mark_goes_forward_only_until_what_a_clock_was_put_back_by_has_been_acted_on(tmp_path: Path) -> None:
    mark = ClockMark(tmp_path / "one.txt")
    marker = ClockMarker(mark)
    for now_ms, up_ms in ((HOUR_MS, HOUR_MS), (1_000, HOUR_MS)):
        marker.mark(now_ms, at_once=True)
        assert mark.up_ms() == up_ms
    marker.acted(-HOUR_MS)
    marker.mark(2_000)
    assert mark.up_ms() == 2_000


def test_two_services_leave_marks_of_their_own(world: World, tmp_path: Path) -> None:
    """The clock of one is ahead: that does not make the other's, at its next start, one that was put back."""
    one, other = (ClockMark(tmp_path / f"{name}.txt") for name in ("one", "other"))
    one.keep(world.clock.at_ms + HOUR_MS)
    other.keep(world.clock.at_ms + 9 * HOUR_MS)
    with world.house.read() as session:
        assert last_up_ms(session, one) == world.clock.at_ms + HOUR_MS


def test_a_running_service_leaves_its_mark_under_its_own_name_beside_the_anchor(tmp_path: Path) -> None:
    with running_service(tmp_path):
        began_ms = SystemClock().now_ms()
    name = (tmp_path / "instance.txt").read_text()
    up_ms = ClockMark(tmp_path / "clocks" / f"{name}.txt").up_ms()
    assert up_ms is not None
    assert began_ms <= up_ms <= SystemClock().now_ms()


@pytest.mark.parametrize("broken", ["", "soon", "-5", "9" * 16, "9" * 5_000], ids=len)
def test_a_mark_that_holds_no_moment_counts_as_none(world: World, tmp_path: Path, broken: str) -> None:
    mark = ClockMark(tmp_path / "one.txt")
    (tmp_path / "one.txt").write_text(broken)
    with world.house.read() as session:
        assert last_up_ms(session, mark) == log_reader.head(session).signed_ms


def put_back(world: World, service: str, back_ms: int) -> Act:
    """The clock of a service was put back, as its timer sees it."""
    return partial(act_on_jump, office=world.office, jump_ms=-back_ms, service=service)


def test_two_services_that_see_the_clock_put_back_have_a_lock_end_earlier_once(either: World) -> None:
    opened, radio = either.locked_elsewhere()
    until_ms = either.order(opened.order.id).held_until_ms
    meanwhile(either, put_back(either, "one", 5 * HOUR_MS), put_back(either, "other", 5 * HOUR_MS + 1000))
    held_until_ms = until_ms - 5 * HOUR_MS - 1000
    assert either.order(opened.order.id).held_until_ms == held_until_ms, "as much as the one that went back furthest"
    with either.house.read() as session:
        wished = store.desired(store.device(session, radio.handset.device, hold=False))
    assert wished.until_s == held_until_ms // 1000


def test_a_clock_that_is_put_back_in_steps_has_a_lock_end_earlier_by_their_sum(world: World) -> None:
    opened, _radio = world.locked_elsewhere()
    until_ms = world.order(opened.order.id).held_until_ms
    for service, earlier_by in (("one", 5), ("other", 5), ("other", 10), ("one", 10), ("one", 15)):
        with world.house.unit() as unit:
            put_back(world, service, 5 * HOUR_MS)(unit)
        assert world.order(opened.order.id).held_until_ms == until_ms - earlier_by * HOUR_MS


def test_an_end_that_was_set_anew_since_one_clock_went_back_is_put_earlier_by_another(world: World) -> None:
    opened, _radio = world.locked_elsewhere()
    with world.house.unit() as unit:
        put_back(world, "one", 5 * HOUR_MS)(unit)
    world.confirm(opened, "investigator-1")
    world.confirm(opened, "supervisor-1")
    until_ms = world.order(opened.order.id).held_until_ms
    with world.house.unit() as unit:
        put_back(world, "other", 5 * HOUR_MS)(unit)
    assert world.order(opened.order.id).held_until_ms == until_ms - 5 * HOUR_MS


def test_a_clock_that_was_thousands_of_years_ahead_leaves_locks_whose_end_can_be_told(world: World) -> None:
    opened, _radio = world.locked_elsewhere()
    with looking(world, up_ms=10**MOST_DIGITS - 1):
        until(lambda: "clock_put_back" in world.alerts())
        until(lambda: world.order(opened.order.id).state == "release_queued")
    with world.house.read() as session:
        assert order_view(session, world.order(opened.order.id))["held_until"].startswith("1970-")
