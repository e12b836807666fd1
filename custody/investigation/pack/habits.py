"""The own habits of places and people, read off the frame that an inference ran on."""

import numpy as np

from custody.investigation.frame import NOWHERE, Floats, Frame
from custody.investigation.passage import Step


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
