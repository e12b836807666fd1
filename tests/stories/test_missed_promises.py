"""Stories of promises that were missed: supervisors learn of each of them after its hour, and once."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from api.parts import Parts
from api.rounds import timer
from api.rounds.missed_promises import is_miss_untold, tell_of_misses
from custody.disputes.machine import CaseRole
from custody.kernel.clock import DAY_MS, MINUTE_MS
from custody.store import case_book
from custody.usecases import move_case
from custody.usecases.sweep_cases import look
from custody.usecases.sweep_promises import sweep_promises
from devicelock import watch_store
from devicelock.usecases.alert import look_at_alert
from devicelock.watch_store import AlertRow
from tests.contracts_store.faults import each_statement
from tests.stories.case_steps import act
from tests.stories.lock_steps import told
from tests.world import World, new_world
from tests.world_parts import Opened


def late_by(world: World, minutes: int) -> Opened:
    """A case whose replacement is late by so many minutes; the timer has seen that it was missed."""
    opened = world.dispute(None, "never_received")
    act(world, move_case.choose, opened, remedy="replacement", payout=None, actor="customer")
    with world.house.read() as session:
        (promise,) = case_book.promises(session, opened.case)
    world.clock.at_ms = promise.due_ms + minutes * MINUTE_MS
    with world.house.unit() as unit:
        sweep_promises(unit)
    return opened


def let_the_timer_look(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service's own timer looks a few times."""
    monkeypatch.setattr(timer, "EVERY_S", 0.02)
    parts: Any = SimpleNamespace(house=world.house, locks=world.office, clock=world.clock)
    running = timer.Timer(cast("Parts", parts))
    running.start()
    time.sleep(0.8)
    running.stop()


def waiting(world: World) -> list[AlertRow]:
    with world.house.read() as session:
        return [row for row in watch_store.alerts(session, seen=False) if row.kind == "promise_missed"]


def test_a_missed_promise_is_told_to_supervisors_once_when_its_hour_is_over(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = late_by(world, 59)
    assert "We are late" in told(world, opened), "the customer hears of it first"
    let_the_timer_look(world, monkeypatch)
    assert waiting(world) == [], "its hour is not over"
    world.clock.at_ms += 2 * MINUTE_MS
    let_the_timer_look(world, monkeypatch)
    (alert,) = waiting(world)
    assert opened.case in alert.detail
    with world.house.unit() as unit:
        look_at_alert(unit, world.office, alert=alert.id, account="supervisor-1")
    world.clock.at_ms += 2 * DAY_MS
    let_the_timer_look(world, monkeypatch)
    assert waiting(world) == [], "somebody has looked"


@pytest.mark.parametrize("made_good", ["kept late", "replaced"])
def test_nobody_is_told_of_a_missed_promise_that_is_not_awaited_any_more(world: World, made_good: str) -> None:
    opened = late_by(world, 10)
    if made_good == "kept late":
        act(world, move_case.remedied, opened, reference="JJD0001", actor="agent-1", role=CaseRole.AGENT)
    else:
        with world.house.unit() as unit:
            (promise,) = case_book.promises(unit.session, opened.case)
            case_book.put_promise(unit, replace(promise, replaced=True))
    world.clock.at_ms += DAY_MS
    with world.house.read() as session:
        assert not is_miss_untold(session, now_ms=world.clock.at_ms)


@pytest.mark.postgres
def test_two_processes_that_look_at_once_tell_of_a_missed_promise_once(postgres_url: str, tmp_path: Path) -> None:
    world = new_world(postgres_url, tmp_path / "world")
    late_by(world, 61)
    begin = threading.Barrier(2)

    def tell() -> int:
        with world.house.unit() as unit:
            begin.wait(10)
            return tell_of_misses(unit)

    with ThreadPoolExecutor(2) as both:
        done = [each.result(30) for each in (both.submit(tell), both.submit(tell))]
    alerts = waiting(world)
    world.close()
    assert (sorted(done), len(alerts)) == ([0, 1], 1)


def test_a_look_at_many_cases_asks_once_for_what_was_promised_in_them(world: World) -> None:
    asked, questions = list[str](), list[int]()
    for number in (1, 4):
        opened = [late_by(world, 1) for _ in range(number)]
        world.clock.at_ms += 2 * DAY_MS
        asked.clear()
        with each_statement(world.engine, lambda text, _values: asked.append(text)), world.house.read() as session:
            seen = look(session, timer.CASES, after="", limit=50, now_ms=world.clock.at_ms)
        assert {one.case for one in opened} <= set(seen.due), "each has earned more"
        questions.append(len(asked))
    assert questions[0] == questions[1]
