"""RFC 3339 times to the microsecond, in integers.

Going through a float would lose a millisecond now and then; an event's time is signed and must come back as it was.
Digits beyond the microsecond are dropped. A leap second (`:60`) is refused: an `Instant` has none. So is a time that
in UTC falls outside the years 1 to 9999, where nobody could write it down again.
"""

from datetime import UTC, datetime, timedelta

from custody.kernel.clock import Instant
from custody.kernel.errors import Rejected

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_EARLIEST = -62_135_596_800_000_000  # 0001-01-01T00:00:00.000Z
_LATEST = 253_402_300_799_999_000  # 9999-12-31T23:59:59.999Z, so that rounding to milliseconds stays inside


def read_microseconds(text: str) -> int:
    """Microseconds since the epoch; raises `Rejected("time")` for no time or a time without an offset."""
    try:
        when = datetime.fromisoformat(text.upper())  # RFC 3339 allows a small t and z
    except ValueError as error:
        raise _bad(text, str(error)) from error
    if when.tzinfo is None:
        raise _bad(text, "it has no offset")
    microseconds = (when - _EPOCH) // _MICROSECOND
    if not _EARLIEST <= microseconds <= _LATEST:
        raise _bad(text, "in UTC it is outside the years 1 to 9999")
    return microseconds


def read_instant(text: str) -> Instant:
    """Milliseconds since the epoch; parts of a millisecond are dropped."""
    return read_microseconds(text) // 1000


def write_milliseconds(at_ms: Instant) -> str:
    """RFC 3339 in UTC with three digits and a Z."""
    when = _EPOCH + timedelta(milliseconds=at_ms)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _bad(text: str, why: str) -> Rejected:
    return Rejected("time", f"{text[:64]!r}: {why}", fix="Write it like 2026-05-11T08:12:30.000+01:00.")
