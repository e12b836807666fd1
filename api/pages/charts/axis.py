"""The one time axis that every chart of a trail shares.

x runs from `LEFT` to `WIDTH - RIGHT` over the whole time that anything on the page speaks of, with a little air at both
ends. Ticks stand at whole hours or days in London, at most `MOST_TICKS` of them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from markupsafe import Markup

from api.pages.svg import element, text
from custody.disputes.civil import LONDON
from custody.kernel.clock import DAY_MS, HOUR_MS, Instant

WIDTH, LEFT, RIGHT = 1040.0, 220.0, 24.0
TIP_Y, TOP = 15.0, 28.0
AXIS_HEIGHT = 30.0
STEPS_MS = (HOUR_MS, 3 * HOUR_MS, 6 * HOUR_MS, 12 * HOUR_MS, *(days * DAY_MS for days in (1, 2, 4, 7, 14, 28, 91, 364)))
MOST_TICKS = 9
AIR = 0.015


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """The span of time that is shown."""

    from_ms: Instant
    to_ms: Instant

    def x(self, at_ms: Instant) -> float:
        """Where a moment stands."""
        share = (at_ms - self.from_ms) / max(self.to_ms - self.from_ms, 1)
        return LEFT + min(max(share, 0.0), 1.0) * (WIDTH - LEFT - RIGHT)

    def ticks(self) -> list[tuple[Instant, str]]:
        """Moments to name, with their names."""
        span = self.to_ms - self.from_ms
        step = next((step for step in STEPS_MS if span / step <= MOST_TICKS), STEPS_MS[-1])
        offset = _offset_ms(self.from_ms)
        first = -(-(self.from_ms + offset) // step) * step - offset
        form = "%-d %b %H:%M" if step < DAY_MS else "%-d %b %Y" if step >= 28 * DAY_MS else "%a %-d %b"
        return [
            (at_ms, f"{_local(at_ms):{form}}")
            for at_ms in range(first, self.to_ms + 1, step)
            if LEFT + 20 < self.x(at_ms) < WIDTH - RIGHT - 10
        ]

    def grid(self, *, top: float, bottom: float) -> Markup:
        """The ticks as lines, and their names under them."""
        parts = [element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=bottom, y2=bottom, class_="axis")]
        for at_ms, name in self.ticks():
            x = self.x(at_ms)
            parts.append(element("line", x1=x, x2=x, y1=top, y2=bottom, class_="grid"))
            parts.append(text(name, x=x, y=bottom + 18, class_="tick", text_anchor="middle"))
        return element("g", *parts, aria_hidden="true")


def axis_over(moments: Iterable[Instant | None]) -> Axis | None:
    """The axis that shows all of these moments; None if there are none."""
    known = [at_ms for at_ms in moments if at_ms is not None]
    if not known:
        return None
    first, last = min(known), max(known)
    air = max(round((last - first) * AIR), HOUR_MS // 4)
    return Axis(from_ms=first - air, to_ms=last + air)


def _local(at_ms: Instant) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(LONDON)


def _offset_ms(at_ms: Instant) -> int:
    offset = _local(at_ms).utcoffset()
    return 0 if offset is None else round(offset.total_seconds() * 1000)
