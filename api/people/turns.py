"""How many do at once what takes much of the machine: some do, some wait, and others are told to come again.

So is one client of whom enough are here already, doing it or waiting.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from custody.kernel.errors import Rejected


class Turns:
    """The turns of this process: `at_once` have one, and `in_line` wait; `of_one` client so many of both."""

    def __init__(self, *, at_once: int, in_line: int, of_one: int, busy: str, again_s: int) -> None:
        self._most, self._of_one = at_once + in_line, of_one
        self._busy, self._again_s = busy, again_s
        self._free = threading.BoundedSemaphore(at_once)
        self._guard = threading.Lock()
        self._here: Counter[str] = Counter()

    @contextmanager
    def turn(self, client: str) -> Iterator[None]:
        """Wait for a turn and have it; raises `Rejected("too_many")` if too many wait."""
        with self._guard:
            if self._here.total() >= self._most or self._here[client] >= self._of_one:
                again_s = self._again_s
                raise Rejected("too_many", self._busy, fix=f"Wait {again_s} s.", retry_after_s=again_s)
            self._here[client] += 1
        try:
            with self._free:
                yield
        finally:
            with self._guard:
                self._here[client] -= 1
                self._here += Counter()  # who has left is forgotten
