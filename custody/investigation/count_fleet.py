"""The traffic of the whole network, counted from every parcel's passage (disputed or not).

Where an opening scan is missing, the parcel-segment is spread evenly over the roster; couriers stay out of the site and
shift counts, because they are out on the road. The own baselines come from parcels that nobody disputed: the rate of
missed scans by site and step, and how much longer or shorter a site and shift keeps parcels than is usual for its step.
Both are shrunk, so that little data moves little.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise

from custody.investigation.params import Params
from custody.investigation.values import (
    SHIFTS,
    STEPS,
    Fleet,
    HandlerTraffic,
    Passage,
    Passes,
    Pin,
    Step,
)
from custody.kernel.clock import HOUR_MS

SHRINK = 20.0


def count_fleet(passages: Iterable[Passage], *, disputed: Collection[str] = (), params: Params | None = None) -> Fleet:
    """The fleet of these passages; `disputed` names the ones that are not clean."""
    every, params = list(passages), params or Params()
    clean = [passage for passage in every if passage.id not in disputed]
    held: dict[str, list[float]] = defaultdict(lambda: [0.0] * SHIFTS)
    works: dict[str, tuple[str, Step]] = {}
    site_shifts: Counter[tuple[str, int]] = Counter()
    passes: dict[tuple[str, Step], list[float]] = defaultdict(lambda: [0.0, 0.0])
    for passage in every:
        for segment in passage.segments:
            passes[segment.site, segment.step][0] += 1
            if not passage.high_value:
                continue
            passes[segment.site, segment.step][1] += 1
            if segment.step is not Step.COURIER:
                site_shifts[segment.site, segment.shift] += 1
            people = (segment.handler,) if segment.handler else segment.roster
            for person in people:
                held[person][segment.shift] += 1 / len(people)
                works[person] = (segment.site, segment.step)
    return Fleet(
        parcels=len(every),
        high_value_parcels=sum(1.0 for passage in every if passage.high_value),
        parcels_without_pin=sum(1.0 for passage in every if passage.pin is not Pin.VERIFIED),
        handlers={
            person: HandlerTraffic(site=works[person][0], step=works[person][1], high_value=_three(counts))
            for person, counts in held.items()
        },
        site_shifts=dict(site_shifts),
        site_steps={place: Passes(all=counts[0], high_value=counts[1]) for place, counts in passes.items()},
        routes=Counter(passage.route for passage in every if passage.route),
        regions=dict.fromkeys({site for site, _ in passes}),
        missed_scan=_missed(clean, works, params),
        dwell_offset=_offsets(clean, params),
    )


def _three(counts: Sequence[float]) -> tuple[float, float, float]:
    return counts[0], counts[1], counts[2]


def _missed(clean: Sequence[Passage], works: dict[str, tuple[str, Step]], params: Params) -> dict[str, float]:
    seen: Counter[tuple[str, Step]] = Counter()
    missed: Counter[tuple[str, Step]] = Counter()
    for passage in clean:
        for segment, checkpoint in zip(passage.segments, passage.checkpoints, strict=False):
            seen[segment.site, segment.step] += 1
            missed[segment.site, segment.step] += checkpoint.scan_ms is None
    return {
        person: (missed[place] + SHRINK * params.missed_scan) / (seen[place] + SHRINK)
        for person, place in works.items()
    }


def _offsets(clean: Sequence[Passage], params: Params) -> dict[tuple[str, int], float]:
    usual = {step: math.log(hours) for step, hours in zip(STEPS, params.dwell_median_h, strict=True)}
    found: dict[tuple[str, int], list[float]] = defaultdict(list)
    for passage in clean:
        for segment, (opens, closes) in zip(passage.segments, pairwise(passage.checkpoints), strict=True):
            if opens.scan_ms is None or closes.scan_ms is None or closes.scan_ms <= opens.scan_ms:
                continue
            dwell_h = (closes.scan_ms - opens.scan_ms) / HOUR_MS
            found[segment.site, segment.shift].append(math.log(dwell_h) - usual[segment.step])
    return {place: sum(values) / (len(values) + SHRINK) for place, values in found.items()}
