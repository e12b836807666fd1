"""What time brings about, looked at once a second: locks lapse, promises fall due, messages in the outbox expire.

Handsets whose delivery nobody disputes any more are retired on a slow round over the fleet, a few at each look. The
look itself writes nothing, so that no lock and no release waits for it.
"""

import threading
from collections.abc import Callable

import structlog

from api.parts import Parts
from custody.kernel.errors import Trouble
from custody.store.unit import Unit
from custody.usecases.sweep_promises import sweep_promises
from devicelock.usecases.retire import look, retire_due
from devicelock.usecases.sweep import sweep

EVERY_S = 1.0
LOOKED_AT = 20
"""So many handsets are looked at for retirement at a time; a fleet of a million takes a round of fourteen hours."""

log = structlog.get_logger()


class Timer:
    """One thread that sweeps."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._stopping = threading.Event()
        self._last = ""
        self._thread = threading.Thread(target=self._run, name="timer", daemon=True)

    def start(self) -> None:
        """Start sweeping."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the present sweep."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(EVERY_S):
            self._do(lambda unit: sweep(unit, self._parts.locks))
            self._do(sweep_promises)
            self._retire()

    def _retire(self) -> None:
        """The next few handsets of the round."""
        parts, after = self._parts, self._last
        try:
            with parts.house.read() as session:
                seen = look(session, parts.locks, after=after, limit=LOOKED_AT, now_ms=parts.clock.now_ms())
        except Trouble as trouble:
            log.warning("the look over the fleet will be tried again", code=trouble.code, detail=trouble.detail)
        except Exception:  # nobody else would sweep any more
            log.exception("the look over the fleet failed and will be tried again")
        else:
            self._last = seen.last
            if seen.due:
                self._do(lambda unit: retire_due(unit, parts.locks, after=after, limit=LOOKED_AT))

    def _do(self, act: Callable[[Unit], object]) -> None:
        """One act in a unit of its own; whatever becomes of it, the next one is done."""
        try:
            with self._parts.house.unit() as unit:
                act(unit)
        except Trouble as trouble:
            log.warning("the sweep will be tried again", code=trouble.code, detail=trouble.detail)
        except Exception:  # nobody else would sweep any more
            log.exception("the sweep failed and will be tried again")
