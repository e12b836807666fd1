"""Messages that wait are taken in together, by a thread of their own, and named when they may be acknowledged."""

import threading
from collections.abc import Callable, Iterator, Sequence

import pytest

from devicelock.arrivals import MOST, Arrivals
from devicelock.transport import Message
from tests.waiting import until

SOON_S = 60.0


class Taker:
    """Takes groups in, each only when it is let; `takes` says how much of a group, None: it raises."""

    def __init__(self) -> None:
        self.groups: list[list[bytes]] = []
        self.gate = threading.Semaphore(0)
        self.takes: Callable[[int], int | None] = lambda size: size

    def __call__(self, messages: Sequence[Message]) -> int:
        self.groups.append([message.payload for message in messages])
        self.gate.acquire(timeout=SOON_S)
        taken = self.takes(len(messages))
        if taken is None:
            raise RuntimeError("it could not be taken")
        return taken


@pytest.fixture
def taker() -> Taker:
    return Taker()


@pytest.fixture
def arrivals(taker: Taker) -> Iterator[Arrivals]:
    made = Arrivals(taker, lambda: None, name="test")
    made.begin()
    yield made
    taker.gate.release(1000)
    made.stop(wait_s=SOON_S)


def come(arrivals: Arrivals, *names: int) -> None:
    for name in names:
        arrivals.put(name, Message(topic="t", payload=b"%d" % name))


def named(arrivals: Arrivals, count: int) -> list[int]:
    """The names of what was taken in, once there are so many."""
    found: list[int] = []

    def enough() -> bool:
        found.extend(arrivals.taken())
        return len(found) >= count

    until(enough)
    return found


def test_what_comes_while_a_group_is_taken_in_is_the_next_group(arrivals: Arrivals, taker: Taker) -> None:
    come(arrivals, 1)
    until(lambda: taker.groups == [[b"1"]])
    come(arrivals, 2, 3, 4)
    assert list(arrivals.taken()) == [], "nothing is named before it was taken in"
    taker.gate.release(2)
    assert named(arrivals, 4) == [1, 2, 3, 4]
    assert taker.groups == [[b"1"], [b"2", b"3", b"4"]]


def test_a_group_has_an_end(arrivals: Arrivals, taker: Taker) -> None:
    come(arrivals, 0)
    until(lambda: len(taker.groups) == 1)
    come(arrivals, *range(1, 2 * MOST + 1))
    taker.gate.release(3)
    assert named(arrivals, 2 * MOST + 1) == list(range(2 * MOST + 1))
    assert [len(group) for group in taker.groups] == [1, MOST, MOST]


@pytest.mark.parametrize("taken", [None, 0, 1])
def test_where_a_group_is_not_taken_whole_nothing_more_is_taken(
    arrivals: Arrivals, taker: Taker, taken: int | None
) -> None:
    taker.takes = lambda _size: taken
    come(arrivals, 1)
    until(lambda: len(taker.groups) == 1)
    come(arrivals, 2, 3)
    taker.takes = lambda size: size
    taker.gate.release()
    until(lambda: len(taker.groups) == 2)
    taker.takes = lambda _size: taken
    come(arrivals, 4)
    taker.gate.release()
    until(lambda: arrivals.left)
    come(arrivals, 5)
    taker.gate.release(2)
    assert named(arrivals, 1 + (taken or 0)) == [1, 2, 3][: 1 + (taken or 0)]
    assert len(taker.groups) == 2, "what came after it stays with the broker"


def test_what_was_under_way_on_an_earlier_connection_is_not_named_on_the_next(arrivals: Arrivals, taker: Taker) -> None:
    come(arrivals, 1)
    until(lambda: len(taker.groups) == 1)
    come(arrivals, 2)
    arrivals.begin()
    come(arrivals, 7, 8)
    taker.gate.release(2)
    assert named(arrivals, 2) == [7, 8]
    assert taker.groups == [[b"1"], [b"7", b"8"]], "what waited of the earlier connection comes again"


def test_a_new_connection_takes_again_after_one_that_was_left(arrivals: Arrivals, taker: Taker) -> None:
    taker.takes = lambda _size: 0
    come(arrivals, 1)
    taker.gate.release()
    until(lambda: arrivals.left)
    taker.takes = lambda size: size
    arrivals.begin()
    assert not arrivals.left
    come(arrivals, 1)
    taker.gate.release()
    assert named(arrivals, 1) == [1]


def test_a_group_that_takes_long_is_noticed(arrivals: Arrivals, taker: Taker) -> None:
    assert arrivals.busy_s == 0.0
    come(arrivals, 1)
    until(lambda: arrivals.busy_s > 0.05)
    taker.gate.release()
    until(lambda: arrivals.busy_s == 0.0)


def test_stopping_finishes_the_present_group_and_takes_no_other(arrivals: Arrivals, taker: Taker) -> None:
    come(arrivals, 1)
    until(lambda: len(taker.groups) == 1)
    come(arrivals, 2)
    arrivals.stop(wait_s=0)
    taker.gate.release(2)
    arrivals.stop(wait_s=SOON_S)
    assert (list(arrivals.taken()), taker.groups) == ([1], [[b"1"]])
