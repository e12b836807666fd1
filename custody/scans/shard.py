"""Shards: what ends together. A shard is the scans that came in one calendar quarter from one group of stations.

- A quarter is three calendar months in UTC: 2026q4 runs from 1 October 2026 00:00 up to, not including, 1 January 2027.
  A scan lies in the quarter in which its entry was received, whenever it was made.
- A group is a word that a station is put under: 1 to 32 of a-z, 0-9 and -. It is `all` until another is set, and a
  scan belongs to the group that its station had at the scan's entry.
- A shard's name is `2026q4/north`.
- It is closed once no scan can come into it and stations have had the time to send what they stored. Its scans are
  kept for some years from the end of their quarter.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from custody.kernel.clock import EPOCH, Instant
from custody.kernel.errors import Rejected

ALL = "all"
"""The group of a station that was never put under another."""

FIRST_YEAR, LAST_YEAR = 1970, 9000

_GROUP = re.compile(r"[a-z0-9-]{1,32}")
_NAME = re.compile(r"([0-9]{4})q([1-4])/([a-z0-9-]{1,32})")

GroupSettings = Mapping[str, Sequence[tuple[int, str]]]
"""For each station that was ever put under a group: from which entries on, in order, and which group."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Quarter:
    """Three calendar months in UTC; `number` is 1 to 4."""

    year: int
    number: int

    @property
    def name(self) -> str:
        """As people write it: 2026q4."""
        return f"{self.year:04d}q{self.number}"

    @property
    def next(self) -> "Quarter":
        """The one after it."""
        return Quarter(year=self.year + self.number // 4, number=self.number % 4 + 1)

    @property
    def begins_ms(self) -> Instant:
        """Its first instant."""
        return _first_of(self.year, 3 * self.number - 2)

    @property
    def ends_ms(self) -> Instant:
        """The first instant after it."""
        return self.next.begins_ms

    def closes_ms(self, offline_ms: int) -> Instant:
        """When its shards are closed, if stations may store scans for so long before they send them."""
        return self.ends_ms + offline_ms

    def keep_until_ms(self, years: int) -> Instant:
        """When so many years from its end are over."""
        return Quarter(year=self.next.year + years, number=self.next.number).begins_ms


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Shard:
    """A quarter and a group of stations."""

    quarter: Quarter
    group: str

    @property
    def name(self) -> str:
        """As people write it: 2026q4/north."""
        return f"{self.quarter.name}/{self.group}"


def quarter_of(at_ms: Instant) -> Quarter:
    """The quarter that an instant lies in."""
    day = EPOCH + timedelta(milliseconds=at_ms)
    return Quarter(year=day.year, number=(day.month + 2) // 3)


def read_shard(text: str) -> Shard:
    """The shard of that name; raises `Rejected`."""
    found = _NAME.fullmatch(text)
    if found is None or not FIRST_YEAR <= int(found[1]) <= LAST_YEAR:
        raise Rejected(
            "shard", f"{text[:60]!r} is not the name of a shard", fix="Write quarter and group like 2026q4/north."
        )
    return Shard(quarter=Quarter(year=int(found[1]), number=int(found[2])), group=found[3])


def read_group(text: str) -> str:
    """The group of that name; raises `Rejected`."""
    if not _GROUP.fullmatch(text):
        raise Rejected("group", f"{text[:60]!r} is not a group", fix="Use 1 to 32 of the letters a-z, 0-9 and -.")
    return text


def group_at(settings: GroupSettings, station: str, index: int) -> str:
    """The group of a station at an entry."""
    held = [group for start, group in settings.get(station, ()) if start <= index]
    return held[-1] if held else ALL


def _first_of(year: int, month: int) -> Instant:
    return (datetime(year, month, 1, tzinfo=UTC) - EPOCH) // timedelta(milliseconds=1)
