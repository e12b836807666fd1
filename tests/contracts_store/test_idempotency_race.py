"""Two requests with one key at one moment: what they ask for is carried out once, whoever comes first."""

import contextlib
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from custody.kernel.errors import Conflict, Rejected
from custody.store.idempotency import CURRENT, RequestKey
from custody.store.unit import House

LONG_S = 60.0


def request() -> RequestKey:
    """A request under the one key."""
    return RequestKey(key="k" * 64, request_hash=bytes(32))


class Second:
    """The same request in another process, which sets out while the first one's unit is open."""

    def __init__(self, house: House, asked: RequestKey) -> None:
        self.asked = asked
        self.acted = False
        self._house = house
        self._sets_out = threading.Event()
        self._runner = ThreadPoolExecutor(1)
        self._done = self._runner.submit(contextvars.Context().run, self._run)
        assert self._sets_out.wait(LONG_S)

    def _run(self) -> None:
        CURRENT.set(self.asked)
        self._sets_out.set()
        with self._house.unit():
            self.acted = True

    def end(self) -> None:
        """Wait until it is over; raises what it raised."""
        with self._runner:
            self._done.result(LONG_S)


def first(house: House, other: House, *, asked: RequestKey, fails: bool = False) -> Second:
    """Carry the first request out, or fail in it, while the second one comes."""
    token = CURRENT.set(asked)
    with contextlib.suppress(Rejected), house.unit():
        second = Second(other, request())
        if fails:
            raise Rejected("test", "it is not right", fix="Correct it.")
    CURRENT.reset(token)
    return second


def test_the_second_request_with_a_key_does_not_begin_what_the_first_one_did(house: House, other: House) -> None:
    asked = request()
    second = first(house, other, asked=asked)
    with pytest.raises(Conflict, match="still being answered"):
        second.end()
    assert (asked.written, asked.taken) == (True, False)
    assert (second.asked.written, second.asked.taken, second.acted) == (False, True, False)


def test_the_second_request_with_a_key_does_what_the_first_one_did_not(house: House, other: House) -> None:
    asked = request()
    second = first(house, other, asked=asked, fails=True)
    second.end()
    assert (asked.written, asked.taken) == (False, False)
    assert (second.asked.written, second.asked.taken, second.acted) == (True, False, True)


def test_a_request_whose_first_unit_failed_claims_its_key_with_the_next_one(house: House) -> None:
    asked = request()
    token = CURRENT.set(asked)
    try:
        with pytest.raises(Rejected), house.unit():
            raise Rejected("test", "it is not right", fix="Correct it.")
        assert not asked.written
        for _ in range(2):
            with house.unit():
                pass
    finally:
        CURRENT.reset(token)
    assert asked.written
