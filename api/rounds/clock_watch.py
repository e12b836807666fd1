"""A clock that jumps: what nobody can take back waits until somebody has looked at it, or for a day.

A machine that is given a wrong date would have promises missed, letters sent, quarters closed, and handsets retired
for ever, within minutes. So seconds are counted beside the clock, and at a start a mark that the service leaves every
minute (`clock_mark.py`), or the newest checkpoint, says when it was last up. A clock that went far ahead of them raises
an alert. Locks lapse meanwhile: doubt sets free.

A virtual machine that slept for days, or a service that was off for long, looks the same, and waits without harm.

A clock that was put back had been ahead, or is behind now: every lock ends as much earlier (`shorten_holds.py`), which
people are told of. At a start it is seen by how much it is behind the mark, to the minute; the hours for which the
service was off are not in that.
"""

import math
import time
from collections.abc import Callable

import structlog
from sqlmodel import Session

from api.process.clock_mark import ClockMark
from custody.kernel.clock import DAY_MS, MINUTE_MS, Clock, Instant, to_iso
from custody.store import log_reader
from custody.store.unit import Unit
from devicelock import watch_store
from devicelock.rules.alert_kind import AlertKind
from devicelock.usecases.alert import raise_alert
from devicelock.usecases.lock_office import LockOffice
from devicelock.usecases.shorten_holds import shorten_holds

JUMP_MS = DAY_MS
"""So far ahead of the seconds that were counted is a jump."""

AWAY_MS = 7 * DAY_MS
"""So long after the service was last up a start is none that anybody expects."""

BACK_MS = MINUTE_MS
"""So far behind the seconds that were counted, or when the service was last up, it was put back."""

MARK_S = 60.0
"""So often the mark is moved on."""

HELD_MS = DAY_MS

log = structlog.get_logger()


def last_up_ms(session: Session, mark: ClockMark) -> Instant:
    """When this service, or another that signed the newest checkpoint, was last up."""
    return max(log_reader.head(session).signed_ms, mark.up_ms() or 0)


class ClockWatch:
    """Looks again and again whether the clock goes as seconds do; `up_ms` is when the service was last up."""

    def __init__(
        self, clock: Clock, *, up_ms: Instant | None = None, count_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock, self._count_s, self._up_ms = clock, count_s, up_ms
        self._last: tuple[float, Instant] | None = None

    def jump_ms(self) -> int:
        """By how much it has jumped ahead since the last look, below 0 if back; 0 if it goes as it should."""
        before, (at_s, now_ms) = self._last, (self._count_s(), self._clock.now_ms())
        self._last = at_s, now_ms
        if before is None:
            ahead_ms, most_ms = 0 if self._up_ms is None else now_ms - self._up_ms, AWAY_MS
        else:
            ahead_ms, most_ms = now_ms - before[1] - round((at_s - before[0]) * 1000), JUMP_MS
        return ahead_ms if ahead_ms > most_ms or ahead_ms < -BACK_MS else 0


class ClockMarker:
    """Leaves word every minute that the service is up, and how late it is by its own clock."""

    def __init__(self, mark: ClockMark | None, *, count_s: Callable[[], float] = time.monotonic) -> None:
        self._mark, self._count_s = mark, count_s
        self._due_s = -math.inf
        self._anew = False

    def acted(self, jump_ms: int) -> None:
        """What this jump brings about is durable: from one back on the mark begins anew, at once."""
        self._anew = self._anew or jump_ms < 0
        self._due_s = -math.inf

    def mark(self, now_ms: Instant, *, at_once: bool = False) -> None:
        """The service is up, and its clock goes as it should or what it did was acted on; what fails is tried again."""
        if self._mark is None or not (at_once or self._count_s() >= self._due_s):
            return
        self._due_s = self._count_s() + MARK_S
        try:
            self._mark.keep(now_ms, anew=self._anew)
        except OSError as error:
            log.warning("that the service is up could not be marked, and will be", error=repr(error))
        else:
            self._anew = False


def act_on_jump(unit: Unit, office: LockOffice, *, jump_ms: int, service: str) -> None:
    """Raise an alert about this jump ahead, or have the locks end earlier and tell of it, if it was one back.

    `service`: whose clock it was.
    """
    if jump_ms < 0:
        _put_back(unit, office, by_ms=-jump_ms, service=service)
    else:
        _tell_of_jump(unit, jump_ms=jump_ms)


def _put_back(unit: Unit, office: LockOffice, *, by_ms: int, service: str) -> None:
    shortened = shorten_holds(unit, office, by_ms=by_ms, service=service)
    detail = (
        f"The clock was put back by {round(by_ms / MINUTE_MS)} minutes, and says {to_iso(unit.now_ms)}. "
        f"No lock may hold longer than its hours: {shortened} of those that stand end earlier."
    )
    raise_alert(unit, AlertKind.CLOCK_PUT_BACK, about=f"the clock at {to_iso(unit.now_ms)}", detail=detail)


def _tell_of_jump(unit: Unit, *, jump_ms: int) -> None:
    """One of an earlier jump, or of an hour that the clock was put back from, holds nothing now."""
    unit.log.claim()  # as `raise_alert`; who raised one while we waited may have begun after us
    if is_held(unit.session, now_ms=unit.now_ms + BACK_MS):
        return
    detail = (
        f"The clock is {round(jump_ms / DAY_MS)} days ahead of what was counted, and says {to_iso(unit.now_ms)}. "
        "Locks lapse, and nothing else happens by time until somebody has looked at this, for a day at most. "
        "If the clock is wrong, set it right first."
    )
    raise_alert(unit, AlertKind.CLOCK_JUMPED, about=f"the clock at {to_iso(unit.now_ms)}", detail=detail)


def is_held(session: Session, *, now_ms: Instant) -> bool:
    """Whether things wait: nobody has looked yet, and by the clock it is neither before the jump nor a day after."""
    return watch_store.is_raised_unseen(session, AlertKind.CLOCK_JUMPED, after_ms=now_ms - HELD_MS, until_ms=now_ms)
