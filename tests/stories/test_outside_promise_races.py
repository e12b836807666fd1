"""A rebuttal and the timer that binds at one moment: one of them is done, and the customer is told of that one."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest

from api.rounds.timer import CASES
from custody.kernel.errors import Trouble
from custody.store import case_book
from custody.usecases import keep_word, move_case
from custody.usecases.sweep_cases import sweep_case
from tests.stories.case_steps import act
from tests.stories.lock_steps import told
from tests.stories.test_one_remedy import PRICE, promises
from tests.stories.test_outside_promises import DAYS_MS, bound, held, rebut, tell
from tests.world import new_world


@pytest.mark.postgres
@pytest.mark.parametrize("first", ["rebuttal", "timer"])
def test_what_is_rebutted_while_the_timer_looks_does_not_bind_and_what_binds_is_not_rebutted(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    world = new_world(postgres_url, tmp_path / "world")
    opened = world.dispute(world.parcels[0], "damaged")
    one = tell(world, opened)
    world.clock.at_ms = one.rebut_by_ms - 50
    held_back, refused = list[Any](), list[Trouble]()
    real = case_book.hold_one if first == "rebuttal" else keep_word.bind_what_stands

    def rebut_it() -> None:
        try:
            rebut(world, opened, one)
        except Trouble as trouble:
            refused.append(trouble)

    def look() -> None:
        with world.house.unit() as unit:
            sweep_case(unit, opened.case, CASES)

    other = Thread(target=look if first == "rebuttal" else rebut_it)

    def be_overtaken(*args: Any, **facts: Any) -> Any:
        if not held_back:
            held_back.append(first)
            found = real(*args, **facts)
            if first == "rebuttal":
                world.clock.at_ms += 1_000
            other.start()
            other.join(1)
            return found
        return real(*args, **facts)

    if first == "rebuttal":
        monkeypatch.setattr(case_book, "hold_one", be_overtaken)
        rebut_it()
    else:
        world.clock.at_ms += 1_000
        monkeypatch.setattr("custody.usecases.sweep_cases.bind_what_stands", be_overtaken)
        look()
    other.join(30)
    said, states = told(world, opened), [each.state for each in held(world, opened.case)]
    promised = len(bound(world, opened))
    world.audit()
    world.close()
    if first == "rebuttal":
        assert (states, promised, refused) == (["rebutted"], 0, []), said
        assert "We keep it, by" not in said
    else:
        assert (states, promised, len(refused)) == (["stands"], 1, 1), said
        assert "We do not keep it" not in said


@pytest.mark.postgres
def test_two_timers_that_look_at_once_bind_it_once(postgres_url: str, tmp_path: Path) -> None:
    world = new_world(postgres_url, tmp_path / "world")
    opened = world.dispute(world.parcels[0], "damaged")
    tell(world, opened)
    world.clock.at_ms += DAYS_MS + 1_000
    begin = Barrier(2)

    def look() -> int:
        with world.house.unit() as unit:
            begin.wait(10)
            return sweep_case(unit, opened.case, CASES)

    with ThreadPoolExecutor(2) as both:
        done = [each.result(30) for each in (both.submit(look), both.submit(look))]
    promised = len(bound(world, opened))
    world.audit()
    world.close()
    assert (sorted(done), promised) == ([0, 1], 1)


@pytest.mark.postgres
def test_a_sum_that_binds_at_the_moment_of_a_choice_is_not_paid_beside_the_whole_price(
    postgres_url: str, tmp_path: Path
) -> None:
    world = new_world(postgres_url, tmp_path / "world")
    opened = world.dispute(world.parcels[0], "damaged")
    tell(world, opened, "£30 for the wait", amount_pence=3_000)
    world.clock.at_ms += DAYS_MS + 1_000
    begin = Barrier(2)

    def look() -> None:
        begin.wait(10)
        with world.house.unit() as unit:
            sweep_case(unit, opened.case, CASES)

    def choose() -> None:
        begin.wait(10)
        act(world, move_case.choose, opened, remedy="refund", payout="cheque", actor="customer")

    with ThreadPoolExecutor(2) as both:
        for each in (both.submit(look), both.submit(choose)):
            each.result(30)
    owed = sum(each.amount_pence or 0 for each in promises(world, opened).values())
    world.audit()
    world.close()
    assert owed == PRICE
