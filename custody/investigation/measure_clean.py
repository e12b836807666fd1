"""Measures what is normal on undisputed parcels: for the network as a whole, and for each handler, site and shift.

Everyone is compared with their own baseline. A handler's missed-scan rate is shrunk to the mean of the step (strength
20 scans), and so are the shares of photos and of anomalies of a site and step (strength 20 scans, and so many
readings as have one anomaly); the dwell offset of a site and shift is shrunk to zero (strength 20 parcels). By how
much more than elsewhere the scales of a site and step show is known once there are enough readings: against declared
masses, and of parcels that have none, against the weighing before. Shares of the
whole network start from the installed numbers with 20 pseudo-observations (seals with one anomaly), medians with two.
Scale and declaration errors are robust (median absolute deviation), because one reading in a hundred is off.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import heapify, heappop, heappush
from itertools import pairwise
from statistics import median

import numpy as np

from custody.investigation.frame import Floats, Ints
from custody.investigation.params import Params, Source
from custody.investigation.passage import STEPS, Checkpoint, Fleet, Passage, Pin, SealSeen, Step
from custody.kernel.clock import HOUR_MS

STRENGTH = 20.0
MEDIAN_STRENGTH = 2.0
LEAST_READINGS = 50
LEAST_SCALE_SD_G, LEAST_DECLARED_SD_G = 1.0, 2.0
MAD = 1.4826
DECLARED = 0


@dataclass(frozen=True, kw_only=True)
class Normal:
    """What clean parcels show: numbers with source `clean`, and own baselines."""

    params: Params
    missed_scan: dict[str, float]
    dwell_offset: dict[tuple[str, int], float]
    photo: dict[tuple[str, Step], float]
    scale_g: dict[tuple[str, Step], float]
    seal: dict[tuple[str, Step], float]

    def into(self, fleet: Fleet) -> Fleet:
        """The fleet with these baselines."""
        return replace(
            fleet,
            missed_scan=self.missed_scan,
            dwell_offset=self.dwell_offset,
            photo=self.photo,
            scale_g=self.scale_g,
            seal=self.seal,
        )


_Stretch = tuple[Step, str | None, tuple[str, ...], bool]
_Place = tuple[str, int]
_Link = tuple[str, Step]
_Weighed = tuple[_Link | None, _Link]
_Compared = dict[int, dict[int, Floats]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How often something was so, of the times that one could see."""

    yes: int = 0
    seen: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(yes=self.yes + other.yes, seen=self.seen + other.seen)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dwells:
    """Stays of one step: the hours of each, and where it was, as a number in `places`."""

    places: tuple[_Place, ...]
    at: Ints
    hours: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Clean:
    """What some undisputed parcels show. Like stretches are many, so they are counted and not listed.

    `photos` and `seals` go by site and step; those of the delivery stand under None. `weighings` are readings less
    the declared mass, under None and the link, or less the reading before, under its link and the own.
    """

    stretches: Counter[_Stretch]
    undelivered: Tally
    photos: Mapping[_Link | None, Tally]
    seals: Mapping[_Link | None, Tally]
    pins: Tally
    dwells: Mapping[Step, Dwells]
    weighings: Mapping[_Weighed, Floats]
    mass_steps: Floats
    mass_means: Floats


def measure_clean(passages: Iterable[Passage], start: Params) -> Normal:
    """What is normal on these undisputed parcels; numbers the operator supplied stay."""
    return normal_of([clean_of(passages)], start)


def clean_of(passages: Iterable[Passage]) -> Clean:
    """What these undisputed parcels show."""
    clean = list(passages)
    steps, means = _masses(clean)
    return Clean(
        stretches=Counter(
            (segment.step, segment.handler, segment.roster, point.scan_ms is None)
            for way in clean
            for segment, point in zip(way.segments, way.checkpoints, strict=False)
        ),
        undelivered=_tally([not way.delivered for way in clean]),
        photos=_by_link(clean, lambda point: point.photo),
        seals=_by_link(
            clean, lambda point: None if point.seal is SealSeen.NOT_READ else point.seal is SealSeen.ANOMALY
        ),
        pins=_tally([way.pin is not Pin.ABSENT for way in clean if way.pin is not Pin.UNOBSERVED]),
        dwells=_dwells(clean),
        weighings=_weighings(clean),
        mass_steps=steps,
        mass_means=means,
    )


def normal_of(parts: Sequence[Clean], start: Params) -> Normal:
    """As `measure_clean`, from what several lots of parcels show, in their order."""
    own, missed = _missed_scans(parts, start)
    offsets, middles, spread = _dwell(parts, start)
    undelivered = sum([part.undelivered for part in parts], Tally())
    own_photo, photo = _own_shares([part.photos for part in parts], start.photo, STRENGTH)
    own_seal, seal = _own_shares([part.seals for part in parts], start.seal_clean, 1 / start.seal_clean)
    pins = sum([part.pins for part in parts], Tally())
    numbers = {
        "missed_scan": missed,
        "missed_delivery": _share(undelivered, start.missed_delivery),
        "photo": photo,
        "seal_clean": seal,
        "pin": _share(pins, start.pin),
        "dwell_median_h": middles,
        "dwell_sd": spread,
        **_scales(parts),
    }
    kept = {name: value for name, value in numbers.items() if start.source(name) is not Source.OPERATOR}
    return Normal(
        params=start.given(Source.CLEAN, **kept),
        missed_scan=own,
        dwell_offset=offsets,
        photo=own_photo,
        scale_g=_off_scales(parts),
        seal=own_seal,
    )


def _tally(seen: list[bool]) -> Tally:
    return Tally(yes=sum(seen), seen=len(seen))


def _share(tally: Tally, start: float, *, strength: float = STRENGTH) -> float:
    return (tally.yes + strength * start) / (tally.seen + strength)


def _missed_scans(parts: Iterable[Clean], start: Params) -> tuple[dict[str, float], float]:
    """Own rates, and the rate of the whole network; a scan that nobody made counts for all on duty in equal parts."""
    stretches = Counter[_Stretch]()
    for part in parts:
        stretches.update(part.stretches)
    missed: dict[tuple[Step, str], float] = defaultdict(float)
    asked: dict[tuple[Step, str], float] = defaultdict(float)
    for (step, handler, roster, unseen), count in stretches.items():
        hands = (handler,) if handler is not None else tuple(sorted(set(roster)))
        for hand in hands:
            asked[step, hand] += count / len(hands)
            missed[step, hand] += count * unseen / len(hands)
    total = sum(missed.values()), sum(asked.values())
    overall = (total[0] + STRENGTH * start.missed_scan) / (total[1] + STRENGTH)
    own: dict[str, float] = {}
    for step in STEPS:
        hands_of = [key for key in asked if key[0] is step]
        scans = sum(asked[key] for key in hands_of)
        mean = (sum(missed[key] for key in hands_of) + STRENGTH * overall) / (scans + STRENGTH)
        own |= {key[1]: (missed[key] + STRENGTH * mean) / (asked[key] + STRENGTH) for key in hands_of}
    return own, overall


def _by_link(clean: Iterable[Passage], seen: Callable[[Checkpoint], bool | None]) -> dict[_Link | None, Tally]:
    """How often something was so at each site and step, of the times that one could see."""
    counted = Counter[tuple[_Link | None, bool]]()
    for way in clean:
        links = [*((segment.site, segment.step) for segment in way.segments), None]
        told = zip(links, map(seen, way.checkpoints), strict=True)
        counted.update([(link, yes) for link, yes in told if yes is not None])
    links_seen = dict.fromkeys(link for link, _ in counted)
    return {
        link: Tally(yes=counted[link, True], seen=counted[link, True] + counted[link, False]) for link in links_seen
    }


def _own_shares(
    parts: Iterable[Mapping[_Link | None, Tally]], start: float, strength: float
) -> tuple[dict[_Link, float], float]:
    """The own share of each site and step, and that of the whole network."""
    tallies = defaultdict[_Link | None, Tally](Tally)
    for part in parts:
        for link, tally in part.items():
            tallies[link] += tally
    overall = _share(sum(tallies.values(), Tally()), start, strength=strength)
    own: dict[_Link, float] = {}
    for step in STEPS:
        links = sorted(link for link in tallies if link is not None and link[1] is step)
        mean = _share(sum([tallies[link] for link in links], Tally()), overall, strength=strength)
        own |= {link: _share(tallies[link], mean, strength=strength) for link in links}
    return own, overall


def _dwells(clean: Iterable[Passage]) -> dict[Step, Dwells]:
    """The stays between two scans, by step."""
    places: dict[Step, dict[_Place, int]] = {step: {} for step in STEPS}
    at: dict[Step, list[int]] = {step: [] for step in STEPS}
    hours: dict[Step, list[float]] = {step: [] for step in STEPS}
    for way in clean:
        for segment, opens, closes in zip(way.segments, way.checkpoints, way.checkpoints[1:], strict=False):
            if opens.scan_ms is not None and closes.scan_ms is not None:
                known = places[segment.step]
                at[segment.step].append(known.setdefault((segment.site, segment.shift), len(known)))
                hours[segment.step].append((closes.scan_ms - opens.scan_ms) / HOUR_MS)
    return {
        step: Dwells(
            places=tuple(places[step]),
            at=np.array(at[step], dtype=np.int64),
            hours=np.array(hours[step], dtype=np.float64),
        )
        for step in STEPS
    }


def _dwell(parts: Sequence[Clean], start: Params) -> tuple[dict[_Place, float], tuple[float, ...], float]:
    """Own offsets of sites by shift, median hours by step, and the spread that is left. Sums run in a fixed order."""
    medians: list[float] = []
    number: dict[_Place, int] = {}
    places: list[Ints] = [np.zeros(0, dtype=np.int64)]
    values: list[Floats] = [np.zeros(0)]
    for step, normal in zip(STEPS, start.dwell_median_h, strict=True):
        dwells = [part.dwells[step] for part in parts]
        logs = np.log(np.maximum(np.concatenate([values[0], *(each.hours for each in dwells)]), 1e-3))
        middle = float(np.median(logs)) if len(logs) else 0.0
        centre = (len(logs) * middle + MEDIAN_STRENGTH * np.log(normal)) / (len(logs) + MEDIAN_STRENGTH)
        medians.append(float(np.exp(centre)))
        for each in dwells:
            known = np.array([number.setdefault(place, len(number)) for place in each.places], dtype=np.int64)
            places.append(known[each.at])
        values.append(logs - centre)
    place, value = np.concatenate(places), np.concatenate(values)
    offset = np.bincount(place, value, len(number)) / (np.bincount(place, minlength=len(number)) + STRENGTH)
    by_place = np.argsort(place, kind="stable")
    left = sum([rest**2 for rest in (value - offset[place])[by_place].tolist()])
    spread = float(np.sqrt((left + STRENGTH * start.dwell_sd**2) / (len(value) + STRENGTH)))
    return dict(zip(number, offset.tolist(), strict=True)), tuple(medians), spread


def _weighings(clean: Iterable[Passage]) -> dict[_Weighed, Floats]:
    """Readings less what is known of the mass: the declared one, or else the reading before."""
    found: dict[_Weighed, list[float]] = defaultdict(list)
    for way in clean:
        known: tuple[_Link | None, float | None] = None, way.declared_mass_g
        for segment, point in zip(way.segments, way.checkpoints, strict=False):
            if point.mass_g is None:
                continue
            link = segment.site, segment.step
            if known[1] is not None:
                found[known[0], link].append(point.mass_g - known[1])
            if way.declared_mass_g is None:
                known = link, point.mass_g
    return {links: np.array(readings, dtype=np.float64) for links, readings in found.items()}


def _off_scales(parts: Sequence[Clean]) -> dict[_Link, float]:
    """By how much the middle reading of each site and step lies over that of all that it can be compared with."""
    links = [None, *sorted({link for part in parts for pair in part.weighings for link in pair if link is not None})]
    number = {link: place for place, link in enumerate(links)}
    between: dict[tuple[int, int], list[Floats]] = defaultdict(list)
    for part in parts:
        for (before, link), seen in part.weighings.items():
            between[number[before], number[link]].append(seen)
            between[number[link], number[before]].append(-seen)
    compared: _Compared = defaultdict(dict)
    for (one, other), found in between.items():
        readings = np.concatenate(found)
        if len(readings) >= LEAST_READINGS:
            compared[one][other] = readings
    off: dict[int, float] = {}
    for start in sorted(compared, key=lambda one: (one != DECLARED, -sum(map(len, compared[one].values())), one)):
        if start not in off:
            shown = _shown(compared, start)
            middle = float(np.median(np.concatenate(list(shown.values()))))
            for scale, seen in shown.items():
                off[scale] = (float(np.median(seen)) - middle) * len(seen) / (len(seen) + MEDIAN_STRENGTH)
    return {link: off[place] for place, link in enumerate(links) if link is not None and place in off}


def _shown(compared: _Compared, start: int) -> dict[int, Floats]:
    """What scales show more than `start`: those that were compared with it, and from these on, most readings first."""
    shown = {start: np.zeros(max(map(len, compared[start].values())))}
    level = {start: 0.0}
    queue = [(-len(seen), link, start) for link, seen in compared[start].items()]
    heapify(queue)
    while queue:
        _, link, before = heappop(queue)
        if link in shown:
            continue
        shown[link] = level[before] + compared[before][link]
        level[link] = float(np.median(shown[link]))
        for other, seen in compared[link].items():
            heappush(queue, (-len(seen), other, link))
    shown.pop(DECLARED, None)
    return shown


def _masses(clean: Iterable[Passage]) -> tuple[Floats, Floats]:
    """From weighing to weighing, and the middle weight against the declared one."""
    steps: list[float] = []
    means: list[float] = []
    for way in clean:
        masses = [point.mass_g for point in way.checkpoints if point.mass_g is not None]
        steps.extend(later - earlier for earlier, later in pairwise(masses))
        if masses and way.declared_mass_g is not None:
            means.append(median(masses) - way.declared_mass_g)
    return np.array(steps, dtype=np.float64), np.array(means, dtype=np.float64)


def _scales(parts: Sequence[Clean]) -> dict[str, float]:
    """Standard deviations of a scale and of the declared mass, if there are enough readings."""
    steps = np.concatenate([np.zeros(0), *(part.mass_steps for part in parts)])
    means = np.concatenate([np.zeros(0), *(part.mass_means for part in parts)])
    found = {}
    if len(steps) >= LEAST_READINGS:
        found["scale_sd_g"] = max(MAD * float(np.median(np.abs(steps))) / np.sqrt(2), LEAST_SCALE_SD_G)
    if len(means) >= LEAST_READINGS:
        found["declared_sd_g"] = max(MAD * float(np.median(np.abs(means))), LEAST_DECLARED_SD_G)
    return {name: float(value) for name, value in found.items()}
