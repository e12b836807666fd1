"""Time as a value that is handed in.

An `Instant` is an integer count of milliseconds since 1970-01-01T00:00:00Z, without leap seconds.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Protocol

from custody.kernel.errors import Rejected

Instant = int

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST_MS = -62_135_596_800_000  # 0001-01-01T00:00:00.000Z
LATEST_MS = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z

# RFC 3339 section 5.6; whether there is such a day and such a minute is looked at afterwards.
_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-5][0-9])", re.ASCII
)


class Clock(Protocol):
    """Tells the time; real, simulated or fixed."""

    def now_ms(self) -> Instant:
        """Milliseconds since the epoch, UTC."""
        ...


def to_iso(at_ms: Instant) -> str:
    """RFC 3339 text with milliseconds and a Z."""
    return (EPOCH + timedelta(milliseconds=at_ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_iso(text: str) -> Instant:
    """Milliseconds of an RFC 3339 time; raises `Rejected("time")` without an offset, and where UTC has no such year."""
    try:
        when = datetime.fromisoformat(text.upper())  # RFC 3339 allows a small t and z
    except ValueError as error:
        raise _no_time(text) from error
    if when.tzinfo is None:
        raise Rejected("time", f"{text!r} has no offset", fix="Add the offset from UTC, for example +01:00 or Z.")
    if _RFC_3339.fullmatch(text) is None:
        raise _no_time(text)
    at_ms = (when - EPOCH) // timedelta(milliseconds=1)
    if not EARLIEST_MS <= at_ms <= LATEST_MS:
        raise Rejected("time", f"{text!r} is in UTC outside the years 1 to 9999", fix="Write a year that is meant.")
    return at_ms


def _no_time(text: str) -> Rejected:
    return Rejected("time", f"{text!r} is not an RFC 3339 time", fix="Write it like 2026-05-11T08:12:30.000+01:00.")


def in_largest_unit(span_ms: int) -> tuple[int, str]:
    """A span in the largest unit that gives at least two of it: how many, and of what."""
    for unit_ms, word in ((DAY_MS, "days"), (HOUR_MS, "hours"), (MINUTE_MS, "minutes")):
        if span_ms >= 2 * unit_ms:
            return span_ms // unit_ms, word
    return span_ms // SECOND_MS, "seconds"


def say_ms(span_ms: int) -> str:
    """A span in words, in its largest unit."""
    count, unit = in_largest_unit(span_ms)
    return f"{count} {unit}"
