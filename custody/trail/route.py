"""The steps of a journey in their usual order, and what to call them.

pack, dock, linehaul, hub intake, hub sorting, then linehaul and hub again or linehaul and depot, courier, recipient. A
route is handed in, because an operator without sorting scans should not be told that they are missing; steps called
`other` are never expected and never missed.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from custody.gs1.keys import ROOT
from custody.trail.sealed import StationFacts, Step

STEP_WORDS: Mapping[Step, str] = {
    "pack": "pack bench",
    "dock": "dock",
    "linehaul": "linehaul",
    "hub_in": "hub intake",
    "hub_sort": "hub sorting",
    "depot": "depot",
    "courier": "courier",
    "other": "station",
}
MOBILE: frozenset[Step] = frozenset({"linehaul", "courier"})
_IN_HOUSE: frozenset[tuple[Step, Step]] = frozenset({("pack", "dock"), ("hub_in", "hub_sort")})


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Which steps may follow a step; at most `max_missing` unseen steps are filled in between two that were seen."""

    following: Mapping[Step, tuple[Step, ...]]
    max_missing: int = 3

    def missing(self, before: Step, after: Step) -> tuple[Step, ...]:
        """The steps that must lie between two seen ones; empty if none, or if the route does not tell."""
        reached: dict[Step, tuple[Step, ...]] = {}
        queue: deque[tuple[Step, tuple[Step, ...]]] = deque([(before, ())])
        while queue:
            step, between = queue.popleft()
            if len(between) > self.max_missing:
                break
            for following in self.following.get(step, ()):
                if following == after:
                    return between
                if following not in reached:
                    reached[following] = (*between, following)
                    queue.append((following, reached[following]))
        return ()


USUAL = Route(
    following={
        "pack": ("dock",),
        "dock": ("linehaul",),
        "linehaul": ("hub_in", "depot"),
        "hub_in": ("hub_sort",),
        "hub_sort": ("linehaul",),
        "depot": ("courier",),
        "courier": ("depot",),
    }
)


def in_house(before: Step, after: Step) -> bool:
    """Whether both steps are under one roof and one custodian."""
    return (before, after) in _IN_HOUSE


def name_place(step: Step, place: str) -> str:
    """What people call it: "pack bench B4", "depot D2", "courier"."""
    word, bare = STEP_WORDS[step], place.rpartition("/")[2] if place.startswith(ROOT) else place.strip()
    first, _, rest = bare.partition(" ")
    if rest and first.casefold() == word.rpartition(" ")[2]:
        bare = rest
    return f"{word} {bare}".strip()


def name_station(station: StationFacts) -> str:
    """The same for a station."""
    return name_place(station.step, station.place)
