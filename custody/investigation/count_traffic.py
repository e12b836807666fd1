"""Counts the traffic of a network from the passages of its parcels, disputed or not.

A segment counts if its opening scan or any later scan exists: the parcel provably got there. Where the hand is not
known, the parcel-segment is spread evenly over the duty roster. Sites by shift leave couriers out. A parcel counts as
handed over without a PIN only if that was observed.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from custody.investigation.values import SHIFTS, Fleet, HandlerTraffic, Passage, Passes, Pin, Step

_Stretch = tuple[str, Step, int, str | None, tuple[str, ...], bool]


class _Count:
    def __init__(self) -> None:
        self.parcels = 0
        self.high = 0
        self.without_pin = 0
        self.held: dict[str, list[float]] = defaultdict(lambda: [0.0] * SHIFTS)
        self.homes: dict[str, dict[tuple[str, Step], float]] = defaultdict(lambda: defaultdict(float))
        self.shifted: dict[tuple[str, int], float] = defaultdict(float)
        self.passes: dict[tuple[str, Step], list[float]] = defaultdict(lambda: [0.0, 0.0])
        self.routes: dict[str, float] = defaultdict(float)
        self._stretches: Counter[_Stretch] = Counter()

    def add(self, way: Passage) -> None:
        high = way.high_value
        self.parcels += 1
        self.high += high
        self.without_pin += way.delivered and way.pin is Pin.ABSENT
        reached = len(way.checkpoints) - 1
        while reached >= 0 and way.checkpoints[reached].scan_ms is None:
            reached -= 1
        self._stretches.update(
            [
                (part.site, part.step, part.shift, part.handler, part.roster, high)
                for part in way.segments[: reached + 1]
            ]
        )
        if way.route is not None and reached >= len(way.segments) - 1:
            self.routes[way.route] += 1

    def spread(self) -> None:
        """Give what was counted to sites and people; like stretches are many, so each sort is looked at once."""
        for (site, step, shift, handler, roster, high), count in self._stretches.items():
            passed = self.passes[site, step]
            passed[0] += count
            passed[1] += count * high
            hands = (handler,) if handler is not None else tuple(dict.fromkeys(roster))
            for hand in hands:
                self.homes[hand][site, step] += count / len(hands)
                self.held[hand][shift] += count * high / len(hands)
            if high and step is not Step.COURIER:
                self.shifted[site, shift] += count


def count_traffic(passages: Iterable[Passage], *, regions: Mapping[str, str | None]) -> Fleet:
    """The fleet of a period, without own baselines; `regions` maps sites to their part of the country."""
    count = _Count()
    for way in passages:
        count.add(way)
    count.spread()
    handlers = {}
    for name, homes in count.homes.items():
        site, step = max(sorted(homes), key=lambda home: homes[home])
        first, second, third = count.held[name]
        handlers[name] = HandlerTraffic(site=site, step=step, high_value=(first, second, third))
    return Fleet(
        parcels=count.parcels,
        high_value_parcels=float(count.high),
        parcels_without_pin=float(count.without_pin),
        handlers=handlers,
        site_shifts=dict(count.shifted),
        site_steps={key: Passes(all=every, high_value=high) for key, (every, high) in count.passes.items()},
        routes=dict(count.routes),
        regions=dict(regions),
    )
