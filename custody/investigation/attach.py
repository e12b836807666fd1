"""The first time the missing device was seen on a network, by class of place and hour; never a position.

Seen at hour a: log p_k + log(f_k(a) + 1e-7) + log(place). Not seen: log(1 - p_k). Nobody could see, or a low-value
item: 0 for every hypothesis.

- Theft in s, window [A, B] = nearest scans around the segment, B >= A + 1/2; B = last scan + 48 h if no scan follows:
  f = [exp(-(a - min(a, B))/tau) - exp(-(a - A)/tau)] / (B - A) for a > A (uniform start, exponential delay).
- AFTER: the same f on [delivery, delivery + 24 h], in the customer's region.
- NO_ANOMALY and damaged: exponential from delivery, in the customer's region. Without a delivery scan, delivery is
  taken as last scan + 10 h.
- Lost: theft's f on [A, A + 1/2], slow; ORIGIN: exponential from the start, slow; both anywhere.
- place = home [same region] + (1 - home)/regions; 1/regions where the place has no region of its own; 1 if the
  region of the attach was not recorded.
"""

import numpy as np

from custody.investigation.docket import AFTER, DAMAGED, LOST, NO_ANOMALY, ORIGIN, THEFTS, Docket, split
from custody.investigation.frame import NOWHERE, Floats, Ints
from custody.investigation.params import Params

FLOOR = 1e-7
LEAST_WINDOW_H = 0.5
OPEN_WINDOW_H = 48.0
DELIVERY_GUESS_H = 10.0
PORCH_WINDOW_H = 24.0


def attach_family(docket: Docket, params: Params) -> Floats:
    """Log P(first attach, or none) for each dispute and hypothesis."""
    out = np.zeros((len(docket), docket.hypotheses))
    heard = docket.high & docket.attach_watched
    silent = np.flatnonzero(heard & ~np.isfinite(docket.attach))
    seen = np.flatnonzero(heard & np.isfinite(docket.attach))
    if len(silent):
        out[silent] = _absent(docket, params)
    if len(seen):
        out[seen] = _present(docket, params, seen)
    return out


def windows(hours: Floats) -> tuple[Floats, Floats, Floats]:
    """For each segment the nearest scan before it and after it, and for each dispute the last scan."""
    known = np.isfinite(hours)
    before = np.maximum.accumulate(np.where(known, hours, 0.0), axis=1)
    last = before[:, -1]
    ahead = np.minimum.accumulate(np.where(known, hours, np.inf)[:, ::-1], axis=1)[:, ::-1]
    start = before[:, :-1]
    stop = np.where(np.isfinite(ahead[:, 1:]), ahead[:, 1:], (last + OPEN_WINDOW_H)[:, None])
    return start, np.maximum(stop, start + LEAST_WINDOW_H), last


def delayed(at: Floats, start: Floats, stop: Floats, tau: float) -> Floats:
    """Density at `at` of a uniform start in [start, stop] and an exponential delay of mean tau."""
    late = np.exp(-np.maximum(at - stop, 0.0) / tau)
    early = np.exp(-np.maximum(at - start, 0.0) / tau)
    return np.where(at > start, (late - early) / (stop - start), 0.0)


def fading(at: Floats, start: Floats, tau: float) -> Floats:
    """Exponential density of mean tau after `start`."""
    return np.where(at > start, np.exp(-np.maximum(at - start, 0.0) / tau) / tau, 0.0)


def _absent(docket: Docket, params: Params) -> Floats:
    row = np.empty((1, docket.hypotheses))
    seg, rest = split(row, docket.width)
    seg[:, :THEFTS] = np.log1p(-params.attach_theft)
    seg[:, LOST] = np.log1p(-params.attach_lost)
    seg[:, DAMAGED] = np.log1p(-params.attach_damaged)
    rest[:, ORIGIN] = np.log1p(-params.attach_origin)
    rest[:, AFTER] = np.log1p(-params.attach_theft)
    rest[:, NO_ANOMALY] = np.log1p(-params.attach_intact)
    return row


def _present(docket: Docket, params: Params, rows: Ints) -> Floats:
    hours = docket.hours[rows]
    start, stop, last = windows(hours)
    length = docket.length[rows]
    at = docket.attach[rows]
    delivery = hours[np.arange(len(rows)), length]
    delivery = np.where(np.isfinite(delivery), delivery, last + DELIVERY_GUESS_H)
    where = docket.attach_region[rows]
    home = docket.customer_region[rows]
    slow = params.attach_slow_tau_h
    anywhere = np.where(where == NOWHERE, 0.0, -np.log(params.regions))
    out = np.empty((len(rows), docket.hypotheses))
    seg, rest = split(out, docket.width)
    theft = delayed(at[:, None], start, stop, params.attach_theft_tau_h)
    theft_place = _place(where[:, None], docket.region[rows], params.attach_theft_home, params)
    seg[:, :THEFTS] = (_log(params.attach_theft, theft) + theft_place)[:, None, :]
    lost = delayed(at[:, None], start, start + LEAST_WINDOW_H, slow)
    seg[:, LOST] = _log(params.attach_lost, lost) + anywhere[:, None]
    intact = fading(at, delivery, params.attach_intact_tau_h)
    intact_place = _place(where, home, params.attach_intact_home, params)
    seg[:, DAMAGED] = (_log(params.attach_damaged, intact) + intact_place)[:, None]
    rest[:, ORIGIN] = _log(params.attach_origin, fading(at, np.zeros(len(rows)), slow)) + anywhere
    porch = delayed(at, delivery, delivery + PORCH_WINDOW_H, params.attach_theft_tau_h)
    rest[:, AFTER] = _log(params.attach_theft, porch) + _place(where, home, params.attach_after_home, params)
    rest[:, NO_ANOMALY] = _log(params.attach_intact, intact) + intact_place
    return out


def _log(share: float, density: Floats) -> Floats:
    return np.asarray(np.log(share) + np.log(density + FLOOR))


def _place(seen: Ints, expected: Ints, home: float, params: Params) -> Floats:
    elsewhere = (1 - home) / params.regions
    known = np.where(expected == NOWHERE, 1 / params.regions, np.where(seen == expected, home + elsewhere, elsewhere))
    return np.where(seen == NOWHERE, 0.0, np.log(known))
