"""Counts the traffic of a network from the passages of its parcels, disputed or not.

A segment counts if its opening scan or any later scan exists: the parcel provably got there. Where the hand is not
known, the parcel-segment is spread evenly over the duty roster. Sites by shift leave couriers out. A parcel counts as
handed over without a PIN only if that was observed.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from custody.investigation.values import SHIFTS, Fleet, HandlerTraffic, Passage, Passes, Pin, Segment, Step


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

    def add(self, way: Passage) -> None:
        self.parcels += 1
        self.high += way.high_value
        self.without_pin += way.delivered and way.pin is Pin.ABSENT
        reached = max((place for place, point in enumerate(way.checkpoints) if point.scan_ms is not None), default=-1)
        for segment in way.segments[: reached + 1]:
            self._segment(segment, high=way.high_value)
        if way.route is not None and reached >= len(way.segments) - 1:
            self.routes[way.route] += 1

    def _segment(self, segment: Segment, *, high: bool) -> None:
        passed = self.passes[segment.site, segment.step]
        passed[0] += 1
        passed[1] += high
        hands = (segment.handler,) if segment.handler is not None else tuple(set(segment.roster))
        for hand in hands:
            self.homes[hand][segment.site, segment.step] += 1 / len(hands)
            self.held[hand][segment.shift] += high / len(hands)
        if high and segment.step is not Step.COURIER:
            self.shifted[segment.site, segment.shift] += 1


def count_traffic(passages: Iterable[Passage], *, regions: Mapping[str, str | None]) -> Fleet:
    """The fleet of a period, without own baselines; `regions` maps sites to their part of the country."""
    count = _Count()
    for way in passages:
        count.add(way)
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
