"""Who and what may be hot: the causes of a fleet, and which disputes touch which cause.

A cause is a handler (cold; hot at rate g in every shift; hot at rate g in one shift) or a site in one shift (cold; hot
at g). Prior shares: pi_h/2 for every shift, pi_h/6 for each single one; pi_s for a site and shift. Exposures are
high-value parcel-segments over all parcels.

Each dispute is a linear factor f_d = M_d + sum_c L_dc rate_c. With lT_ds = log sum_k theta_k P(E_d | k, s) and
mx_d = max_s lT_ds: L = omega exp(lT_ds - mx_d) for every person who may have held a segment (omega = 1 if known, 1/n
of n on duty otherwise) and exp(lT_ds - mx_d) for the site and shift of every segment but a courier's, as far as
exp(lT_ds - mx_d) > 1e-5. M_d = exp(log Z0_d - mx_d), Z0 the weight of all hypotheses without hot causes, background
theft included. A cause without exposure has had no chance to be hot and is left out.
"""

from dataclasses import dataclass

import numpy as np

from custody.investigation.docket import THEFTS, Docket, split
from custody.investigation.frame import COURIER, Floats, Frame, Ints
from custody.investigation.log_sum import log_sum
from custody.investigation.passage import SHIFTS

NEGLIGIBLE = np.log(1e-5)
EXPONENT_CAP = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Disputes and causes of one sort, sorted by group (handler and shift, or site and shift) and then dispute.

    `seat_*` lists each segment's share in a pair: lam_ds is the background plus the sum of share x mean rate.
    """

    row: Ints
    group: Ints
    weight: Floats
    key: Ints
    seat_row: Ints
    seat_segment: Ints
    seat_share: Floats
    seat_pair: Ints

    def __len__(self) -> int:
        return len(self.row)


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """The linear factors of all disputes: constants M and the pairs of both sorts of causes."""

    constant: Floats
    handlers: Pairs
    site_shifts: Pairs


def theft_evidence(docket: Docket, evidence: Floats, theta: tuple[float, float, float]) -> Floats:
    """Log sum over kinds of theta_k P(E_d | k, s); -inf outside the chain."""
    seg, _ = split(evidence, docket.width)
    weighted = seg[:, :THEFTS] + np.log(np.array(theta))[None, :, None]
    whole = np.where((docket.step == COURIER) & ~docket.fake, -np.inf, weighted[:, THEFTS - 1])
    with np.errstate(divide="ignore"):
        total = np.logaddexp(np.logaddexp(weighted[:, 0], weighted[:, 1]), whole)
    return np.where(docket.valid, total, -np.inf)


def build_graph(docket: Docket, frame: Frame, *, theft: Floats, cold_score: Floats) -> Graph:
    """The graph of some disputes; `cold_score` holds log weight x evidence of every hypothesis without hot causes."""
    best = theft.max(axis=1)
    ratio = np.exp(theft - best[:, None])
    keep = docket.high[:, None] & (theft > best[:, None] + NEGLIGIBLE)
    constant = np.exp(np.clip(log_sum(cold_score, axis=1) - best, -EXPONENT_CAP, EXPONENT_CAP))
    return Graph(
        constant=constant,
        handlers=_handler_pairs(docket, frame, keep, ratio),
        site_shifts=_site_pairs(docket, frame, keep, ratio),
    )


def _handler_pairs(docket: Docket, frame: Frame, keep: np.ndarray, ratio: Floats) -> Pairs:
    row, segment, handler = docket.seat_row, docket.seat_segment, docket.seat_handler
    shift = docket.shift[row, segment]
    use = keep[row, segment] & (frame.held[handler, shift] > 0)
    row, segment, share = row[use], segment[use], docket.seat_share[use]
    group = handler[use] * SHIFTS + shift[use]
    return _pairs(len(docket), row, segment, group=group, share=share, ratio=ratio)


def _site_pairs(docket: Docket, frame: Frame, keep: np.ndarray, ratio: Floats) -> Pairs:
    use = keep & (docket.step != COURIER) & (frame.shifted[docket.site, docket.shift] > 0)
    row, segment = np.nonzero(use)
    group = docket.site[row, segment] * SHIFTS + docket.shift[row, segment]
    return _pairs(len(docket), row, segment, group=group, share=np.ones(len(row)), ratio=ratio)


def _pairs(disputes: int, row: Ints, segment: Ints, *, group: Ints, share: Floats, ratio: Floats) -> Pairs:
    key, pair = np.unique(group * disputes + row, return_inverse=True)
    weight = np.bincount(pair, share * ratio[row, segment], len(key)).astype(np.float64)
    return Pairs(
        row=key % max(disputes, 1),
        group=key // max(disputes, 1),
        weight=weight,
        key=key,
        seat_row=row,
        seat_segment=segment,
        seat_share=share,
        seat_pair=pair.astype(np.int64),
    )
