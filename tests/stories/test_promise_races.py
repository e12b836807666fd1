"""A promise that is kept at the very moment when the timer looks at it is kept, and no more."""

from pathlib import Path
from typing import Any

import pytest

from custody.disputes.machine import CaseRole
from custody.kernel.clock import DAY_MS
from custody.store import case_book
from custody.usecases import move_case
from custody.usecases.sweep_promises import sweep_promises
from tests.stories.case_steps import act
from tests.stories.lock_steps import told
from tests.world import new_world


@pytest.mark.postgres
def test_a_promise_that_was_kept_while_the_timer_looked_stays_kept(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = new_world(postgres_url, tmp_path / "world")
    opened = world.dispute(None, "never_received")
    act(world, move_case.choose, opened, remedy="replacement", payout=None, actor="customer")
    world.clock.at_ms += 6 * DAY_MS
    real = case_book.promises_due

    def look_and_be_overtaken(*args: Any, **more: Any) -> Any:
        found = real(*args, **more)
        monkeypatch.setattr(case_book, "promises_due", real)
        act(world, move_case.remedied, opened, reference="JJD0001", actor="agent-1", role=CaseRole.AGENT)
        return found

    monkeypatch.setattr(case_book, "promises_due", look_and_be_overtaken)
    with world.house.unit() as unit:
        sweep_promises(unit)
    with world.house.read() as session:
        states = [promise.state for promise in case_book.promises(session, opened.case)]
    said = told(world, opened)
    world.close()
    assert states == ["kept"], said
    assert "We are late" not in said, "whoever kept it has told the customer of the delay"
    assert "Done at last" in said
