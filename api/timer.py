"""What time brings about, looked at once a second: locks lapse, promises fall due, messages in the outbox expire.

Customers are told what they are to hear of: an investigation that goes on, the end of their account.
Shards of a quarter that is over are counted and closed, some entries at each look.
Handsets whose delivery nobody disputes any more are retired on a slow round over the fleet, a few at each look. The
look itself writes nothing, so that no lock and no release waits for it.
"""

import threading
from collections.abc import Callable

import structlog

from api.lock_news import tell_leavers
from api.parts import Parts
from custody.kernel.errors import Trouble
from custody.scans.tolerances import Tolerances
from custody.store.unit import Unit
from custody.usecases.close_shards import Closer
from custody.usecases.sweep_inquiries import sweep_inquiries
from custody.usecases.sweep_promises import sweep_promises
from devicelock.usecases.retire import look, retire_due
from devicelock.usecases.sweep import sweep

EVERY_S = 1.0
LOOKED_AT = 20
"""So many handsets are looked at for retirement at a time; a fleet of a million takes a round of fourteen hours."""

REST_TURNS = 600
"""So many turns are let go by after a round: what comes due goes by days."""

log = structlog.get_logger()


class Timer:
    """One thread that sweeps."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._stopping = threading.Event()
        self._last = ""
        self._rest = 0
        self._closer = Closer(Tolerances())
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
            self._do(sweep_inquiries)
            self._do(tell_leavers)
            if self._closer.is_due(self._parts.clock.now_ms()):
                self._close_shards()
            if self._rest:
                self._rest -= 1
            else:
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
            self._last, self._rest = seen.last, 0 if seen.last else REST_TURNS
            if seen.due:
                self._do(lambda unit: retire_due(unit, parts.locks, after=after, limit=LOOKED_AT))

    def _close_shards(self) -> None:
        """The next step towards closing the quarter that is due."""
        try:
            with self._parts.house.read() as session:
                counted = self._closer.look(session, now_ms=self._parts.clock.now_ms())
        except Trouble as trouble:
            log.warning("the counting of a shard will be tried again", code=trouble.code, detail=trouble.detail)
        except Exception:  # nobody else would sweep any more
            log.exception("the counting of a shard failed and will be tried again")
        else:
            if counted:
                self._do(self._closer.close)

    def _do(self, act: Callable[[Unit], object]) -> None:
        """One act in a unit of its own; whatever becomes of it, the next one is done."""
        try:
            with self._parts.house.unit() as unit:
                act(unit)
        except Trouble as trouble:
            log.warning("the sweep will be tried again", code=trouble.code, detail=trouble.detail)
        except Exception:  # nobody else would sweep any more
            log.exception("the sweep failed and will be tried again")
