"""A story as its figures tell it, on each engine (`GET /metrics` prints them)."""

from custody.kernel.clock import DAY_MS, HOUR_MS
from custody.store.measure_book import WINDOW_DAYS, measure
from devicelock import watch_store
from tests.world import World


def test_a_lock_that_was_let_go_and_a_case_that_goes_on_are_counted_for_as_long_as_they_say(either: World) -> None:
    opened, _radio = either.locked_elsewhere()
    either.found(opened)
    either.deliver()
    now_ms = either.clock.now_ms()
    with either.house.read() as session:
        cases, later = (measure(session, now_ms=at_ms) for at_ms in (now_ms, now_ms + (WINDOW_DAYS + 1) * DAY_MS))
        lately = {"within_ms": HOUR_MS, "now_ms": now_ms}
        releases = watch_store.releases_answered(session, since_ms=0, **lately)
        none = watch_store.releases_answered(session, since_ms=now_ms, **lately)
    assert (cases.opened, cases.open, cases.asks, cases.declined) == (1, 1, 0, 0)
    assert (later.opened, later.open) == (0, 1), "an open case is counted however old it is"
    assert later.on_us_ms - cases.on_us_ms == (WINDOW_DAYS + 1) * DAY_MS
    assert (releases, none) == ((1, 0), (0, 0))
