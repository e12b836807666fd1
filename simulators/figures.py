"""A benchmark's outcome: a value beside the limit that was measured in the same run, and how far the rounds spread."""

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One benchmark's outcome; `low` and `high` are its worst and best round."""

    name: str
    value: float
    unit: str
    limit_name: str
    limit: float
    low: float
    high: float

    def plain(self) -> dict[str, Any]:
        """The figure with its ratio."""
        return {
            "name": self.name,
            "value": round(self.value, 2),
            "unit": self.unit,
            "limit_name": self.limit_name,
            "limit": round(self.limit, 2),
            "ratio": round(self.value / self.limit, 3) if self.limit else None,
            "spread": [round(self.low, 2), round(self.high, 2)],
        }


def times_ms(act: Callable[[], object], number: int) -> float:
    """The median time of an act, in milliseconds."""
    return statistics.median([took_ms(act) for _ in range(number)])


def took_ms(act: Callable[[], object]) -> float:
    """The time of an act, in milliseconds."""
    began = time.perf_counter()
    act()
    return (time.perf_counter() - began) * 1000


def share(values: Sequence[float], part: float) -> float:
    """The value that this share of the values stays within: the nearest rank."""
    rank = math.ceil(round(part * len(values), 9))
    return sorted(values)[max(rank, 1) - 1]


def rate(name: str, rates: Sequence[float], limit: float, *, limit_name: str, unit: str = "scans/s") -> Figure:
    """Scans a second, or something else; more is better."""
    return Figure(
        name=name,
        value=statistics.median(rates),
        unit=unit,
        limit_name=limit_name,
        limit=limit,
        low=min(rates),
        high=max(rates),
    )


def duration(name: str, rounds: Sequence[float], limit_name: str, limit: float) -> Figure:
    """Milliseconds; less is better."""
    return Figure(
        name=name,
        value=statistics.median(rounds),
        unit="ms",
        limit_name=limit_name,
        limit=limit,
        low=min(rounds),
        high=max(rounds),
    )
