"""How many passwords are looked at at once: each takes 64 MiB, all cores and a tenth of a second, by design.

Some are looked at, some wait; whoever comes while enough wait is told to come again in a moment, and so is one client
of whom several wait already. Else a hundred short requests at once would take gigabytes of memory, and every thread
that answers others. Whoever is known by their browser has turns of their own, beside those of all who are not.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from custody.kernel.errors import Rejected

AT_ONCE = 2
IN_LINE = 8
"""So many, beside those that are looked at, hold a thread of the server's forty while they wait."""
OF_ONE = 4
"""So many of one client at most, waiting or looked at."""


class PasswordTurns:
    """The turns of this process."""

    def __init__(self) -> None:
        self._free = threading.BoundedSemaphore(AT_ONCE)
        self._guard = threading.Lock()
        self._here: Counter[str] = Counter()

    @contextmanager
    def turn(self, client: str) -> Iterator[None]:
        """Wait for a turn and have it; raises `Rejected("too_many")` if too many wait."""
        with self._guard:
            if self._here.total() >= AT_ONCE + IN_LINE or self._here[client] >= OF_ONE:
                raise Rejected(
                    "too_many", "many people are signing in at this moment", fix="Wait 1 s.", retry_after_s=1
                )
            self._here[client] += 1
        try:
            with self._free:
                yield
        finally:
            with self._guard:
                self._here[client] -= 1
                self._here += Counter()  # who has left is forgotten
