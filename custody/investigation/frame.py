"""The network as numbered arrays: handlers, sites and routes in sorted order, with what each of them handled.

Every array has one extra last place, so that index -1 ("not known") reads a neutral value: no exposure, no own
baseline, no region.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from custody.investigation.passage import SHIFTS, STEPS, Dispute, Fleet, Segment, Step

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

STEP_NUMBER: Mapping[Step, int] = {step: number for number, step in enumerate(STEPS)}
COURIER = STEP_NUMBER[Step.COURIER]
NOWHERE = -1

Name = TypeVar("Name", str, tuple[str, Step])


@dataclass(frozen=True, slots=True, kw_only=True)
class Roll(Generic[Name]):
    """Names in sorted order and the number of each."""

    names: tuple[Name, ...]
    number: Mapping[Name, int]

    def of(self, name: Name | None) -> int:
        """The number of a name; -1 if it is not on the roll."""
        return NOWHERE if name is None else self.number.get(name, NOWHERE)

    def __len__(self) -> int:
        return len(self.names)


def roll(*groups: Iterable[Name]) -> Roll[Name]:
    """The roll of all names in some groups."""
    names = tuple(sorted({name for group in groups for name in group}))
    return Roll(names=names, number={name: number for number, name in enumerate(names)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Names and exposures. `held` is handlers x shifts, `shifted` sites x shifts: high-value parcel-segments."""

    handlers: Roll[str]
    sites: Roll[str]
    regions: Roll[str]
    routes: Roll[str]
    site_steps: Roll[tuple[str, Step]]
    handler_step: Ints
    handler_site: Ints
    held: Floats
    shifted: Floats
    passes: Floats
    passes_high: Floats
    step_of_passes: Ints
    route_parcels: Floats
    site_region: Ints
    missed_scan: Floats
    dwell_offset: Floats
    photo: Floats
    scale_g: Floats
    seal: Floats
    parcels: int
    high_value_parcels: float
    parcels_without_pin: float
    parcels_pin_unobserved: float

    @property
    def known(self) -> bool:
        """Whether there is any history."""
        return self.parcels > 0

    def step_passes(self) -> tuple[Floats, Floats]:
        """Parcel-segments by step: all, and high value."""
        step = self.step_of_passes[:-1]
        every = np.bincount(step, self.passes[:-1], len(STEPS)).astype(np.float64)
        return every, np.bincount(step, self.passes_high[:-1], len(STEPS)).astype(np.float64)


def make_frame(fleet: Fleet, disputes: Iterable[Dispute]) -> Frame:
    """The frame of a fleet and of whoever else the disputes name."""
    segments = list(dict.fromkeys(segment for dispute in disputes for segment in dispute.segments))
    homes = _homes(fleet, segments)
    handlers = roll(homes)
    sites = roll(
        (site for site, _ in fleet.site_shifts),
        (site for site, _ in fleet.site_steps),
        fleet.regions,
        (segment.site for segment in segments),
        (site for site, _ in homes.values()),
    )
    site_steps = roll(fleet.site_steps, ((segment.site, segment.step) for segment in segments))
    regions = roll(region for region in fleet.regions.values() if region is not None)
    routes = roll(fleet.routes)
    passes = np.zeros((2, len(site_steps) + 1))
    for pair, held in fleet.site_steps.items():
        passes[:, site_steps.of(pair)] = held.all, held.high_value
    home = [homes[name] for name in handlers.names]
    return Frame(
        handlers=handlers,
        sites=sites,
        regions=regions,
        routes=routes,
        site_steps=site_steps,
        handler_step=_ints(STEP_NUMBER[step] for _, step in home),
        handler_site=_ints(sites.of(site) for site, _ in home),
        held=_held(fleet, handlers),
        shifted=_by_shift(fleet.site_shifts, sites),
        passes=passes[0],
        passes_high=passes[1],
        step_of_passes=_ints(STEP_NUMBER[step] for _, step in site_steps.names),
        route_parcels=np.array([*(fleet.routes[name] for name in routes.names), 0.0]),
        site_region=_ints(regions.of(fleet.regions.get(site)) for site in sites.names),
        missed_scan=np.array([*(fleet.missed_scan.get(name, np.nan) for name in handlers.names), np.nan]),
        dwell_offset=_by_shift(fleet.dwell_offset, sites),
        seal=np.array([*(fleet.seal.get(link, np.nan) for link in site_steps.names), np.nan]),
        scale_g=np.array([*(fleet.scale_g.get(link, 0.0) for link in site_steps.names), 0.0]),
        photo=np.array([*(fleet.photo.get(link, np.nan) for link in site_steps.names), np.nan]),
        parcels=fleet.parcels,
        high_value_parcels=fleet.high_value_parcels,
        parcels_without_pin=fleet.parcels_without_pin,
        parcels_pin_unobserved=fleet.parcels_pin_unobserved,
    )


def _homes(fleet: Fleet, segments: Iterable[Segment]) -> dict[str, tuple[str, Step]]:
    homes = {name: (held.site, held.step) for name, held in fleet.handlers.items()}
    seen = sorted(
        (name, segment.site, segment.step)
        for segment in segments
        for name in (segment.handler, *segment.roster)
        if name is not None and name not in homes
    )
    for name, site, step in seen:
        homes.setdefault(name, (site, step))
    return homes


def _held(fleet: Fleet, handlers: Roll[str]) -> Floats:
    held = np.zeros((len(handlers) + 1, SHIFTS))
    for name, traffic in fleet.handlers.items():
        held[handlers.of(name)] = traffic.high_value
    return held


def _by_shift(figures: Mapping[tuple[str, int], float], sites: Roll[str]) -> Floats:
    table = np.zeros((len(sites) + 1, SHIFTS))
    for (site, shift), figure in figures.items():
        if site in sites.number:
            table[sites.of(site), shift] = figure
    return table


def _ints(numbers: Iterable[int]) -> Ints:
    return np.array([*numbers, NOWHERE], dtype=np.int64)
