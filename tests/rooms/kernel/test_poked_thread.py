"""Work that is done beside is begun by a poke, none of which is lost, and ends where it was told to."""

import threading
from collections.abc import Iterator
from queue import Empty, SimpleQueue

import pytest

from custody.kernel.poked_thread import PokedThread

SOON_S = 30.0
NOT_S = 0.1
LONG_S = 3600.0


class Work:
    """Work that says when it begins and goes on when it is let."""

    def __init__(self) -> None:
        self.begun: SimpleQueue[str] = SimpleQueue()
        self.let = threading.Semaphore(0)
        self.rest_s = 0.0

    def __call__(self) -> float:
        self.begun.put("work")
        assert self.let.acquire(timeout=SOON_S)
        return self.rest_s

    def next(self) -> str:
        """What was begun."""
        return self.begun.get(timeout=SOON_S)

    def has_begun(self) -> bool:
        """Whether something begins within a moment."""
        try:
            self.begun.get(timeout=NOT_S)
        except Empty:
            return False
        return True


@pytest.fixture
def work() -> Work:
    """Return the work of a thread."""
    return Work()


@pytest.fixture
def thread(work: Work) -> Iterator[PokedThread]:
    """Lend a thread that has begun; it may be stopped before."""
    made = PokedThread(work, name="poked", at_end=lambda: work.begun.put("end"))
    made.start()
    assert work.next() == "work"
    yield made
    work.let.release(100)
    made.stop()


def test_it_begins_with_work_and_then_waits_to_be_poked(work: Work, thread: PokedThread) -> None:
    work.let.release()
    assert not work.has_begun()
    thread.poke()
    assert work.next() == "work"


def test_pokes_during_the_work_are_one_more_round(work: Work, thread: PokedThread) -> None:
    thread.poke()
    thread.poke()
    work.let.release()
    assert work.next() == "work"
    work.let.release()
    assert not work.has_begun()


def test_a_poke_during_a_rest_waits_for_its_end(work: Work, thread: PokedThread) -> None:
    work.rest_s = 5 * NOT_S
    work.let.release()
    thread.poke()
    assert not work.has_begun()
    assert work.next() == "work"


def test_it_works_unpoked_where_it_may_not_be_idle_longer(work: Work, thread: PokedThread) -> None:
    thread.idle_s = NOT_S / 10
    work.let.release()
    assert work.next() == "work"


def test_stopping_ends_after_the_present_work(work: Work, thread: PokedThread) -> None:
    work.rest_s = LONG_S
    thread.poke()
    thread.stop(wait_s=NOT_S)
    assert thread.ending
    assert work.begun.empty(), "the work under way is not cut off"
    work.let.release()
    thread.stop()
    assert [work.next(), work.begun.empty()] == ["end", True]


@pytest.mark.parametrize("rest_s", [0.0, LONG_S], ids=["idle", "resting"])
def test_stopping_cuts_the_wait_that_is_under_way(work: Work, thread: PokedThread, rest_s: float) -> None:
    work.rest_s = rest_s
    work.let.release()
    assert not work.has_begun()
    thread.stop(wait_s=SOON_S)
    assert [work.begun.get_nowait(), work.begun.empty()] == ["end", True]
