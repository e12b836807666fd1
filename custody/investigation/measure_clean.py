"""Measures what is normal on undisputed parcels: for the network as a whole, and for each handler, site and shift.

Everyone is compared with their own baseline. A handler's missed-scan rate is shrunk to the mean of the step (strength
20 scans), the dwell offset of a site and shift to zero (strength 20 parcels). Shares of the whole network start from
the installed numbers with 20 pseudo-observations (seals with one anomaly), medians with two. Scale and declaration
errors are robust (median absolute deviation), because one reading in a hundred is off.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

import numpy as np

from custody.investigation.params import Params, Source
from custody.investigation.values import STEPS, Fleet, Passage, Pin, Seal, Step
from custody.kernel.clock import HOUR_MS

STRENGTH = 20.0
MEDIAN_STRENGTH = 2.0
LEAST_READINGS = 50
LEAST_SCALE_SD_G, LEAST_DECLARED_SD_G = 1.0, 2.0
MAD = 1.4826


@dataclass(frozen=True, kw_only=True)
class Normal:
    """What clean parcels show: numbers with source `clean`, and own baselines."""

    params: Params
    missed_scan: dict[str, float]
    dwell_offset: dict[tuple[str, int], float]

    def into(self, fleet: Fleet) -> Fleet:
        """The fleet with these baselines."""
        return replace(fleet, missed_scan=self.missed_scan, dwell_offset=self.dwell_offset)


def measure_clean(passages: Iterable[Passage], start: Params) -> Normal:
    """What is normal on these undisputed parcels; numbers the operator supplied stay."""
    clean = list(passages)
    own, missed = _missed_scans(clean, start)
    offsets, middles, spread = _dwell(clean, start)
    points = [point for way in clean for point in way.checkpoints]
    photos = [point.photo for point in points]
    anomalies = [point.seal is Seal.ANOMALY for point in points if point.seal is not Seal.NOT_READ]
    numbers = {
        "missed_scan": missed,
        "missed_delivery": _share([not way.delivered for way in clean], start.missed_delivery),
        "photo": _share([photo for photo in photos if photo is not None], start.photo),
        "seal_clean": _share(anomalies, start.seal_clean, strength=1 / start.seal_clean),
        "pin": _share([way.pin is Pin.VERIFIED for way in clean if way.pin is not Pin.UNOBSERVED], start.pin),
        "dwell_median_h": middles,
        "dwell_sd": spread,
        **_scales(clean),
    }
    kept = {name: value for name, value in numbers.items() if start.source(name) is not Source.OPERATOR}
    return Normal(params=start.given(Source.CLEAN, **kept), missed_scan=own, dwell_offset=offsets)


def _share(seen: list[bool], start: float, *, strength: float = STRENGTH) -> float:
    return (sum(seen) + strength * start) / (len(seen) + strength)


def _missed_scans(clean: list[Passage], start: Params) -> tuple[dict[str, float], float]:
    """Own rates, and the rate of the whole network; a scan that nobody made counts for all on duty in equal parts."""
    stretches = Counter(
        (segment.step, segment.handler, segment.roster, point.scan_ms is None)
        for way in clean
        for segment, point in zip(way.segments, way.checkpoints, strict=False)
    )
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


def _dwell(clean: list[Passage], start: Params) -> tuple[dict[tuple[str, int], float], tuple[float, ...], float]:
    """Own offsets of sites by shift, median hours by step, and the spread that is left."""
    places: dict[Step, list[tuple[str, int]]] = {step: [] for step in STEPS}
    hours: dict[Step, list[float]] = {step: [] for step in STEPS}
    for way in clean:
        for segment, opens, closes in zip(way.segments, way.checkpoints, way.checkpoints[1:], strict=False):
            if opens.scan_ms is not None and closes.scan_ms is not None:
                places[segment.step].append((segment.site, segment.shift))
                hours[segment.step].append((closes.scan_ms - opens.scan_ms) / HOUR_MS)
    medians: list[float] = []
    rest: dict[tuple[str, int], list[float]] = defaultdict(list)
    for step, normal in zip(STEPS, start.dwell_median_h, strict=True):
        logs = np.log(np.maximum(np.array(hours[step]), 1e-3))
        middle = float(np.median(logs)) if len(logs) else 0.0
        centre = (len(logs) * middle + MEDIAN_STRENGTH * np.log(normal)) / (len(logs) + MEDIAN_STRENGTH)
        medians.append(float(np.exp(centre)))
        for place, value in zip(places[step], (logs - centre).tolist(), strict=True):
            rest[place].append(value)
    offsets = {key: float(sum(values) / (len(values) + STRENGTH)) for key, values in rest.items()}
    left = [(value - offsets[key]) ** 2 for key, values in rest.items() for value in values]
    spread = float(np.sqrt((sum(left) + STRENGTH * start.dwell_sd**2) / (len(left) + STRENGTH)))
    return offsets, tuple(medians), spread


def _scales(clean: list[Passage]) -> dict[str, float]:
    """Standard deviations of a scale and of the declared mass, if there are enough readings."""
    steps: list[float] = []
    means: list[float] = []
    for way in clean:
        masses = [point.mass_g for point in way.checkpoints if point.mass_g is not None]
        steps.extend(later - earlier for earlier, later in pairwise(masses))
        if masses and way.declared_mass_g is not None:
            means.append(median(masses) - way.declared_mass_g)
    found = {}
    if len(steps) >= LEAST_READINGS:
        found["scale_sd_g"] = max(MAD * float(np.median(np.abs(steps))) / np.sqrt(2), LEAST_SCALE_SD_G)
    if len(means) >= LEAST_READINGS:
        found["declared_sd_g"] = max(MAD * float(np.median(np.abs(means))), LEAST_DECLARED_SD_G)
    return {name: float(value) for name, value in found.items()}
