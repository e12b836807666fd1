"""The traffic of a network in JSON, read off the frame that an inference ran on.

JSON has no pairs as keys, so what goes by site and shift, or by site and step, is a list of rows. A frame also numbers
whoever the disputes name; they come along with no traffic, which makes the same frame again.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from custody.investigation.frame import NOWHERE, Floats, Frame
from custody.investigation.values import SHIFTS, STEPS, Fleet, HandlerTraffic, Passes, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetFile:
    """A fleet with its keys spelled out."""

    parcels: int
    high_value_parcels: float
    parcels_without_pin: float
    handlers: Mapping[str, HandlerTraffic]
    site_shifts: tuple[tuple[str, int, float], ...]
    site_steps: tuple[tuple[str, Step, Passes], ...]
    routes: Mapping[str, float]
    regions: Mapping[str, str | None]
    missed_scan: Mapping[str, float]
    dwell_offset: tuple[tuple[str, int, float], ...]
    photo: tuple[tuple[str, Step, float], ...]
    scale_g: tuple[tuple[str, Step, float], ...]
    seal: tuple[tuple[str, Step, float], ...]

    @classmethod
    def of(cls, frame: Frame) -> "FleetFile":
        """The traffic behind a frame."""
        return cls(
            parcels=frame.parcels,
            high_value_parcels=frame.high_value_parcels,
            parcels_without_pin=frame.parcels_without_pin,
            handlers=_handlers(frame),
            site_shifts=_by_shift(frame, frame.shifted),
            site_steps=_site_steps(frame),
            routes={name: float(frame.route_parcels[place]) for place, name in enumerate(frame.routes.names)},
            regions=regions_of(frame),
            missed_scan=own_missed(frame),
            dwell_offset=_by_shift(frame, frame.dwell_offset),
            photo=tuple((*link, share) for link, share in own_shares(frame, frame.photo).items()),
            scale_g=tuple((*link, off) for link, off in own_scales(frame).items() if off != 0),
            seal=tuple((*link, share) for link, share in own_shares(frame, frame.seal).items()),
        )

    def fleet(self) -> Fleet:
        """The fleet; raises `Rejected` for one that cannot be."""
        return Fleet(
            parcels=self.parcels,
            high_value_parcels=self.high_value_parcels,
            parcels_without_pin=self.parcels_without_pin,
            handlers=self.handlers,
            site_shifts={(site, shift): figure for site, shift, figure in self.site_shifts},
            site_steps={(site, step): passes for site, step, passes in self.site_steps},
            routes=self.routes,
            regions=self.regions,
            missed_scan=self.missed_scan,
            dwell_offset={(site, shift): offset for site, shift, offset in self.dwell_offset},
            photo={(site, step): share for site, step, share in self.photo},
            scale_g={(site, step): off for site, step, off in self.scale_g},
            seal={(site, step): share for site, step, share in self.seal},
        )


def regions_of(frame: Frame) -> dict[str, str | None]:
    """Every site with its region, None where it is not known."""
    return {
        site: None if region == NOWHERE else frame.regions.names[region]
        for site, region in zip(frame.sites.names, frame.site_region.tolist(), strict=False)
    }


def own_missed(frame: Frame) -> dict[str, float]:
    """The own missed-scan rate of everyone who has one."""
    rates = zip(frame.handlers.names, frame.missed_scan.tolist(), strict=False)
    return {name: rate for name, rate in rates if np.isfinite(rate)}


def own_shares(frame: Frame, shares: Floats) -> dict[tuple[str, Step], float]:
    """The own share, of photos or of anomalies, of every site and step that has one."""
    known = zip(frame.site_steps.names, shares.tolist(), strict=False)
    return {link: share for link, share in known if np.isfinite(share)}


def own_scales(frame: Frame) -> dict[tuple[str, Step], float]:
    """By how much more than elsewhere the scales of every site and step show."""
    return dict(zip(frame.site_steps.names, frame.scale_g.tolist(), strict=False))


def _handlers(frame: Frame) -> dict[str, HandlerTraffic]:
    return {
        name: HandlerTraffic(
            site=frame.sites.names[frame.handler_site[place]],
            step=STEPS[frame.handler_step[place]],
            high_value=(float(frame.held[place, 0]), float(frame.held[place, 1]), float(frame.held[place, 2])),
        )
        for place, name in enumerate(frame.handlers.names)
    }


def _by_shift(
    frame: Frame, table: np.ndarray[tuple[int, ...], np.dtype[np.float64]]
) -> tuple[tuple[str, int, float], ...]:
    return tuple(
        (site, shift, float(table[place, shift]))
        for place, site in enumerate(frame.sites.names)
        for shift in range(SHIFTS)
        if table[place, shift] != 0
    )


def _site_steps(frame: Frame) -> tuple[tuple[str, Step, Passes], ...]:
    return tuple(
        (site, step, Passes(all=float(frame.passes[place]), high_value=float(frame.passes_high[place])))
        for place, (site, step) in enumerate(frame.site_steps.names)
    )
