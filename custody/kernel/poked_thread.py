"""A thread that works when it is poked: the one shape of what is done beside the doors, for which nobody waits."""

import threading
from collections.abc import Callable


class PokedThread:
    """Does its `work` first of all, whenever it was poked, and after `idle_s` seconds without a poke.

    `work` returns for how many seconds it rests; a poke meanwhile is kept. It catches whatever goes wrong in it, since
    nobody else would do it, and may set `idle_s` (None: only when poked). `at_end` is called once, after the last work.
    """

    def __init__(
        self,
        work: Callable[[], float],
        *,
        name: str,
        idle_s: float | None = None,
        at_end: Callable[[], object] | None = None,
    ) -> None:
        self.idle_s = idle_s
        self._work = work
        self._at_end = at_end
        self._poked = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def ending(self) -> bool:
        """Whether it was told to stop; long work then comes to an end."""
        return self._stopping.is_set()

    def start(self) -> None:
        """Start, with work."""
        self.poke()
        self._thread.start()

    def stop(self, *, wait_s: float | None = None) -> None:
        """Stop after the present work, which is waited for, for `wait_s` seconds at most."""
        self._stopping.set()
        self.poke()
        self._thread.join(wait_s)

    def poke(self) -> None:
        """There may be work; never blocks."""
        self._poked.set()

    def _run(self) -> None:
        while not self.ending:
            self._poked.wait(self.idle_s)
            if not self.ending:
                self._poked.clear()
                self._stopping.wait(self._work())
        if self._at_end is not None:
            self._at_end()
