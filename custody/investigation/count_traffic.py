"""Counts the traffic of a network from the passages of its parcels, disputed or not.

A segment counts if its opening scan or any later scan exists: the parcel provably got there. Where the hand is not
known, the parcel-segment is spread evenly over the duty roster. Sites by shift leave couriers out. A parcel counts as
handed over without a PIN only if that was observed; of how many nobody knows it is counted too.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from custody.investigation.passage import SHIFTS, Fleet, HandlerTraffic, Passage, Passes, Pin, Step

UNKNOWN = frozenset({Pin.UNOBSERVED, Pin.RECORDED})
_Stretch = tuple[str, Step, int, str | None, tuple[str, ...], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What some parcels add to the traffic. Like stretches are many, so they are counted and not listed."""

    parcels: int
    high: int
    without_pin: int
    pin_unobserved: int
    routes: Counter[str]
    stretches: Counter[_Stretch]


class _Spread:
    """Traffic given to sites and people."""

    def __init__(self, stretches: Mapping[_Stretch, int]) -> None:
        self.held: dict[str, list[float]] = defaultdict(lambda: [0.0] * SHIFTS)
        self.homes: dict[str, dict[tuple[str, Step], float]] = defaultdict(lambda: defaultdict(float))
        self.shifted: dict[tuple[str, int], float] = defaultdict(float)
        self.passes: dict[tuple[str, Step], list[float]] = defaultdict(lambda: [0.0, 0.0])
        for (site, step, shift, handler, roster, high), count in stretches.items():
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
    return fleet_of([traffic_of(passages)], regions=regions)


def traffic_of(passages: Iterable[Passage]) -> Traffic:
    """What these parcels add to the traffic."""
    parcels = high = without_pin = pin_unobserved = 0
    routes, stretches = Counter[str](), Counter[_Stretch]()
    for way in passages:
        dear = way.high_value
        parcels += 1
        high += dear
        without_pin += way.delivered and way.pin is Pin.ABSENT
        pin_unobserved += not way.delivered or way.pin in UNKNOWN
        reached = len(way.checkpoints) - 1
        while reached >= 0 and not way.checkpoints[reached].seen:
            reached -= 1
        stretches.update(
            [
                (part.site, part.step, part.shift, part.handler, part.roster, dear)
                for part in way.segments[: reached + 1]
            ]
        )
        if way.route is not None and reached >= len(way.segments) - 1:
            routes[way.route] += 1
    return Traffic(
        parcels=parcels,
        high=high,
        without_pin=without_pin,
        pin_unobserved=pin_unobserved,
        routes=routes,
        stretches=stretches,
    )


def fleet_of(parts: Iterable[Traffic], *, regions: Mapping[str, str | None]) -> Fleet:
    """As `count_traffic`, from what several lots of parcels add, in their order."""
    parcels = high = without_pin = pin_unobserved = 0
    routes, stretches = Counter[str](), Counter[_Stretch]()
    for part in parts:
        parcels += part.parcels
        high += part.high
        without_pin += part.without_pin
        pin_unobserved += part.pin_unobserved
        routes.update(part.routes)
        stretches.update(part.stretches)
    spread = _Spread(stretches)
    handlers = {}
    for name, homes in spread.homes.items():
        site, step = max(sorted(homes), key=lambda home: homes[home])
        first, second, third = spread.held[name]
        handlers[name] = HandlerTraffic(site=site, step=step, high_value=(first, second, third))
    return Fleet(
        parcels=parcels,
        high_value_parcels=float(high),
        parcels_without_pin=float(without_pin),
        parcels_pin_unobserved=float(pin_unobserved),
        handlers=handlers,
        site_shifts=dict(spread.shifted),
        site_steps={key: Passes(all=every, high_value=high) for key, (every, high) in spread.passes.items()},
        routes={route: float(count) for route, count in routes.items()},
        regions=dict(regions),
    )
