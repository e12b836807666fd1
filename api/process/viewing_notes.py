"""Which cases were seen, until that is written down: whoever reads a case waits for nobody who writes."""

import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

import structlog

from custody.kernel.clock import DAY_MS, Instant
from custody.kernel.errors import Trouble
from custody.kernel.poked_thread import PokedThread
from custody.store.unit import House, Unit

EVERY_S, AGAIN_S = 0.1, 2.0

log = structlog.get_logger()


class Seen(NamedTuple):
    """An account saw a case."""

    dispute: str
    account: str
    at_ms: Instant

    @property
    def key(self) -> tuple[str, str, int]:
        """By which one of a day is like another: it is written down once."""
        return self.dispute, self.account, self.at_ms // DAY_MS


class ViewingNotes:
    """Hands what was seen to `write` in a unit, again until that is done; its thread is poked by notes."""

    def __init__(self, house: House, write: Callable[[Unit, Sequence[Seen]], None]) -> None:
        self._house = house
        self._write = write
        self._guard = threading.Lock()
        self._waiting: dict[tuple[str, str, int], Seen] = {}
        self.thread = PokedThread(self._write_down, name="viewings", at_end=self._write_down)

    def note(self, dispute: str, account: str) -> None:
        """Somebody sees a case now; never blocks."""
        seen = Seen(dispute, account, self._house.clock.now_ms())
        with self._guard:
            self._waiting.setdefault(seen.key, seen)
        self.thread.poke()

    def _write_down(self) -> float:
        with self._guard:
            seen = list(self._waiting.values())
        if not seen:
            return EVERY_S
        try:
            with self._house.unit() as unit:
                self._write(unit, seen)
        except Trouble as trouble:
            log.warning("viewings wait longer to be written down", code=trouble.code, waiting=len(seen))
        except Exception:  # nobody else would write them down any more
            log.exception("writing viewings down failed and will be tried again")
        else:
            with self._guard:
                for one in seen:
                    del self._waiting[one.key]
            return EVERY_S
        self.thread.poke()
        return AGAIN_S
