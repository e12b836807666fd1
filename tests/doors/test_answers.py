"""Answers come back into the event loop whichever threads bring them, and none keeps those after it from arriving."""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Sequence

import pytest

from api.routes.scans import Answers
from custody.usecases.accept_scans import Answered
from custody.usecases.file_part import ScanOrBatch


class Hand:
    """Takes what an intake takes, and leaves it to the test to answer."""

    def __init__(self) -> None:
        self.waiting: list[Answered] = []

    def hand_in(self, _parts: Sequence[ScanOrBatch], answered: Answered) -> None:
        self.waiting.append(answered)


class Meeting(deque[object]):
    """After what it does an append waits for another thread's."""

    def __init__(self) -> None:
        super().__init__()
        self._both = threading.Barrier(2)

    def append(self, each: object) -> None:
        super().append(each)
        with contextlib.suppress(threading.BrokenBarrierError):
            self._both.wait(timeout=0.5)


@pytest.fixture
def hand() -> Hand:
    """Lend an intake that answers when it is told to."""
    return Hand()


@pytest.fixture
def answers(hand: Hand) -> Answers:
    """Lend the answers of that intake."""
    return Answers(hand)  # type: ignore[arg-type]  # all that it asks an intake for


async def ask(answers: Answers, count: int) -> "list[asyncio.Task[object]]":
    tasks = [asyncio.ensure_future(answers.of([])) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks  # type: ignore[return-value]  # what they come to is of no interest


def test_two_threads_that_answer_in_the_same_moment_are_both_heard(hand: Hand, answers: Answers) -> None:
    answers._done = Meeting()  # type: ignore[assignment]  # a deque all the same

    async def story() -> int:
        tasks = await ask(answers, 2)
        threads = [threading.Thread(target=answered, args=([],)) for answered in hand.waiting]
        for thread in threads:
            thread.start()
        done, waiting = await asyncio.wait(tasks, timeout=5)
        for thread in threads:
            thread.join()
        for each in waiting:
            each.cancel()
        return len(done)

    assert asyncio.run(story()) == 2


@pytest.mark.parametrize("gone", [True, False])
def test_an_answer_for_a_loop_that_is_gone_keeps_no_later_one_back(hand: Hand, answers: Answers, *, gone: bool) -> None:
    async def give_up() -> None:
        (task,) = await ask(answers, 1)
        task.cancel()

    async def stay() -> int:
        tasks = await ask(answers, 1)
        hand.waiting.pop()([])
        done, _ = await asyncio.wait(tasks, timeout=5)
        return len(done)

    if gone:
        asyncio.run(give_up())
        with pytest.raises(RuntimeError):
            hand.waiting.pop()([])
    assert asyncio.run(stay()) == 1


def test_an_answer_that_cannot_be_given_keeps_no_later_one_back(hand: Hand, answers: Answers) -> None:
    def gives_up(_outcome: object) -> None:
        raise ConnectionError

    async def story() -> int:
        answers.ask([], gives_up)
        tasks = await ask(answers, 1)
        for answered in hand.waiting:
            answered([])
        done, _ = await asyncio.wait(tasks, timeout=5)
        return len(done)

    assert asyncio.run(story()) == 1
