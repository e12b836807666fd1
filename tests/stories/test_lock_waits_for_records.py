"""Stories of locks that no record allowed yet: the records come late, from stations that kept them offline."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from custody.kernel.clock import DAY_MS, HOUR_MS, MINUTE_MS
from devicelock.rules.order import OrderState
from devicelock.usecases.ask_again import RECORDS_MS
from tests.stories.test_locks_put_off import messages, put_off, report, states
from tests.world import World


@pytest.fixture
def unsent(database_url: str, tmp_path: Path) -> Iterator[World]:
    """Lend a world whose stations have not sent a scan yet, on each engine in turn; the authority is in force."""
    mine = World(database_url, tmp_path / "world")
    mine.enrol_all()
    mine.sell(mine.parcels[0])
    mine.authorise()
    yield mine
    mine.audit()
    mine.close()


def test_what_lacked_records_is_locked_soon_after_the_stations_sent_them(unsent: World) -> None:
    opened, radio = report(unsent, 0)
    assert states(unsent, opened) == [OrderState.REFUSED]
    assert opened.lock.allowed_by.endswith("It is asked for again by itself.")
    assert "Our records do not tell for sure which phone it is. We will try again." in messages(unsent, opened)
    unsent.step(HOUR_MS)
    assert (states(unsent, opened), put_off(unsent)) == ([OrderState.REFUSED], 1)
    unsent.send_past()
    unsent.step(6 * MINUTE_MS)
    unsent.step(1)
    unsent.deliver()
    assert states(unsent, opened) == [OrderState.REFUSED, OrderState.ACTIVE_PROVISIONAL]
    assert (put_off(unsent), radio.handset.screen_locked) == (0, True)


def test_records_are_waited_for_as_long_as_stations_may_keep_them(unsent: World) -> None:
    opened, radio = report(unsent, 0)
    for _ in range(RECORDS_MS // DAY_MS):
        unsent.step(DAY_MS)
    assert put_off(unsent) == 1
    unsent.step(2 * DAY_MS)
    unsent.step(1)
    assert put_off(unsent) == 0
    unsent.send_past()
    unsent.step(DAY_MS)
    unsent.deliver()
    assert (states(unsent, opened), radio.handset.screen_locked) == ([OrderState.REFUSED], False)
