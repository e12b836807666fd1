"""A clock that jumps ahead: what nobody can take back waits until somebody has looked at it, or for a day.

A machine that is given a wrong date would have promises missed, letters sent, quarters closed, and handsets retired
for ever, within minutes. So seconds are counted beside the clock, and at a start the newest checkpoint says when the
service was last up. A clock that went far ahead of them raises an alert. Locks lapse meanwhile: doubt sets free.

A virtual machine that slept for days, or a service that was off for long, looks the same, and waits without harm.
"""

import time
from collections.abc import Callable

from sqlalchemy import select
from sqlmodel import Session, col

from custody.kernel.clock import DAY_MS, Clock, Instant, to_iso
from custody.store.unit import Unit
from devicelock.usecases.alert import AlertKind, raise_alert
from devicelock.watch_store import AlertRow

JUMP_MS = DAY_MS
"""So far ahead of the seconds that were counted is a jump."""

AWAY_MS = 7 * DAY_MS
"""So long after the newest checkpoint a start is none that anybody expects."""

HELD_MS = DAY_MS


class ClockWatch:
    """Looks again and again whether the clock goes as seconds do; `up_ms` is when the service was last up."""

    def __init__(
        self, clock: Clock, *, up_ms: Instant | None = None, count_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock, self._count_s, self._up_ms = clock, count_s, up_ms
        self._last: tuple[float, Instant] | None = None

    def jump_ms(self) -> int:
        """By how much it has jumped ahead since the last look; nothing if it goes as it should."""
        before, (at_s, now_ms) = self._last, (self._count_s(), self._clock.now_ms())
        self._last = at_s, now_ms
        if before is None:
            away_ms = 0 if self._up_ms is None else now_ms - self._up_ms
            return away_ms if away_ms > AWAY_MS else 0
        ahead_ms = now_ms - before[1] - round((at_s - before[0]) * 1000)
        return ahead_ms if ahead_ms > JUMP_MS else 0


def tell_of_jump(unit: Unit, *, jump_ms: int) -> None:
    """Raise an alert about this jump, unless one holds things at this hour already.

    One of an earlier jump, or of an hour that the clock was put back from, holds nothing now.
    """
    if is_held(unit.session, now_ms=unit.now_ms):
        return
    detail = (
        f"The clock is {round(jump_ms / DAY_MS)} days ahead of what was counted, and says {to_iso(unit.now_ms)}. "
        "Locks lapse, and nothing else happens by time until somebody has looked at this, for a day at most. "
        "If the clock is wrong, set it right first."
    )
    raise_alert(unit, AlertKind.CLOCK_JUMPED, about=f"the clock at {to_iso(unit.now_ms)}", detail=detail)


def is_held(session: Session, *, now_ms: Instant) -> bool:
    """Whether things wait: nobody has looked yet, and by the clock it is neither before the jump nor a day after."""
    waits = select(col(AlertRow.id)).where(
        col(AlertRow.kind) == AlertKind.CLOCK_JUMPED,
        col(AlertRow.seen_ms).is_(None),
        col(AlertRow.raised_ms) <= now_ms,
        col(AlertRow.raised_ms) > now_ms - HELD_MS,
    )
    return session.scalars(waits.limit(1)).first() is not None
