"""Calls to other systems that are waited for only so long.

No library bounds the whole of an answer: one that comes byte by byte may take days, and each byte is in time.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class InTime:
    """Makes each call in a thread of its own and waits for `wait_s` seconds; `most` may be under way at once."""

    def __init__(self, *, wait_s: float, most: int = 1) -> None:
        self._wait_s = wait_s
        self._most = most
        self._guard = threading.Lock()
        self._under_way: list[Future[Any]] = []

    def call(self, made: Callable[[], T]) -> T:
        """What it returns or raises; raises `TimeoutError` if it takes longer, or if too many others still do."""
        outcome: Future[T] = Future()
        with self._guard:
            self._under_way = [each for each in self._under_way if not each.done()]
            if len(self._under_way) >= self._most:
                raise TimeoutError
            self._under_way.append(outcome)
        threading.Thread(target=_settle, args=(outcome, made), daemon=True).start()
        return outcome.result(timeout=self._wait_s)


def _settle(outcome: Future[T], made: Callable[[], T]) -> None:
    try:
        outcome.set_result(made())
    except BaseException as error:  # noqa: BLE001 - whoever called raises it
        outcome.set_exception(error)
