"""What the scales say: log P of a dispute's mass readings under each hypothesis.

y = reading - declared mass (g) at K checkpoints. The declared mass errs by N(0, t0); a reading by N(0, v0), or
N(0, v1) if it is an outlier (chance e); the K + 1 patterns "none" and "only reading i" are summed. With p = 1/v0 or
1/v1 and c0 = -1/2 sum log(2 pi / p):

- no change: A = sum p, B = sum p y, C = sum p y^2; log P = c0 - C/2 + (B^2/2)/(A + 1/t) - 1/2 log(1 + A t), t = t0;
  ORIGIN has t = t0 + tau_mis^2.
- a change of size N(mu, tau^2) before reading i: sums P0, Q0 over earlier readings and P1, Q1, with y' = y - mu, over
  later ones; R = sum p y^2 + sum p y'^2; a = 1/t0 + P0 + P1, b = P1, c = 1/tau^2 + P1, b1 = Q0 + Q1, b2 = Q1,
  det = a c - b^2; log P = c0 - R/2 + (c b1^2 - 2 b b1 b2 + a b2^2)/(2 det) - 1/2 log(det t0 tau^2).

A change after the last reading is no change. Without a declared mass t0 is (1 kg)^2 about the first reading, so only
steps between readings speak. A substitution is a mixture of a wide and a narrow change, because a careful thief
weighs the decoy. Without an item mass the change of `emptied` is wide.
"""

from dataclasses import dataclass

import numpy as np

from custody.investigation.docket import AFTER, EMPTIED, KINDS, NO_ANOMALY, ORIGIN, SUBSTITUTED, Docket, split
from custody.investigation.frame import Floats, Ints
from custody.investigation.log_sum import log_sum
from custody.investigation.params import Params

UNDECLARED_SD_G = 1000.0


def weight_family(docket: Docket, params: Params) -> Floats:
    """Log P(readings) for each dispute and hypothesis."""
    out = np.zeros((len(docket), docket.hypotheses))
    known = np.isfinite(docket.mass)
    readings = known.sum(axis=1)
    for count in np.unique(readings[readings > 0]):
        rows = np.flatnonzero(readings == count)
        place = np.nonzero(known[rows])[1].reshape(-1, count)
        y = np.take_along_axis(docket.mass[rows], place, axis=1)
        out[rows] = _group(docket, params, rows, place, y)
    return out


def _group(docket: Docket, params: Params, rows: Ints, place: Ints, y: Floats) -> Floats:
    count = y.shape[1]
    declared = np.where(docket.mass_known[rows], params.declared_sd_g, UNDECLARED_SD_G) ** 2
    item = docket.item[rows]
    known_item = np.isfinite(item)
    fall = -np.where(known_item, item, params.unknown_item_g)
    fall_sd = np.where(known_item, params.emptied_sd_g, params.unknown_item_sd_g)
    noise = _noise(count, params)
    same = _no_change(y, noise, declared)
    zero = np.zeros(len(rows))
    swapped = _changes(y, noise, declared, zero, zero + params.swap_sd_g)
    if params.swap_neutral_share > 0:
        neutral = _changes(y, noise, declared, zero, zero + params.swap_neutral_sd_g)
        share = params.swap_neutral_share
        swapped = np.logaddexp(np.log1p(-share) + swapped, np.log(share) + neutral)
    emptied = _changes(y, noise, declared, fall, fall_sd)
    # readings at checkpoints up to s lie before a change in s
    before = (place[:, None, :] <= np.arange(docket.width)[None, :, None]).sum(axis=2)
    out = np.empty((len(rows), docket.hypotheses))
    seg, rest = split(out, docket.width)
    seg[:, EMPTIED + 1 : KINDS] = same[:, None, None]
    seg[:, SUBSTITUTED] = np.take_along_axis(swapped, before, axis=1)
    seg[:, EMPTIED] = np.take_along_axis(emptied, before, axis=1)
    rest[:, ORIGIN] = _no_change(y, noise, declared + params.mispick_sd_g**2)
    rest[:, AFTER] = rest[:, NO_ANOMALY] = same
    return out


@dataclass(frozen=True, slots=True, kw_only=True)
class _Noise:
    """Precisions (patterns x readings), c0 and log weight of each outlier pattern."""

    precision: Floats
    c0: Floats
    weight: Floats


def _noise(count: int, params: Params) -> _Noise:
    good = params.scale_sd_g**2
    variance = np.full((count + 1, count), good)
    variance[np.arange(1, count + 1), np.arange(count)] = good + params.outlier_sd_g**2
    weight = np.full(count + 1, np.log(params.outlier_share) + (count - 1) * np.log1p(-params.outlier_share))
    weight[0] = count * np.log1p(-params.outlier_share)
    return _Noise(precision=1.0 / variance, c0=-0.5 * np.log(2 * np.pi * variance).sum(axis=1), weight=weight)


def _no_change(y: Floats, noise: _Noise, spread: Floats) -> Floats:
    a = noise.precision.sum(axis=1)[None, :]
    b = y @ noise.precision.T
    c = (y * y) @ noise.precision.T
    t = spread[:, None]
    value = noise.c0 - c / 2 + (b * b / 2) / (a + 1 / t) - 0.5 * np.log1p(a * t)
    return log_sum(noise.weight + value, axis=1)


def _changes(y: Floats, noise: _Noise, spread: Floats, mean: Floats, sd: Floats) -> Floats:
    """Disputes x (number of readings before the change, 0..K)."""
    precision = noise.precision
    moved = y - mean[:, None]
    p1 = _later(precision)[None]
    q0 = _earlier(y[:, None, :] * precision)
    q1 = _later(moved[:, None, :] * precision)
    r = _earlier((y * y)[:, None, :] * precision) + _later((moved * moved)[:, None, :] * precision)
    t, v = spread[:, None, None], (sd**2)[:, None, None]
    a = 1 / t + precision.sum(axis=1)[None, :, None]
    c = 1 / v + p1
    b1 = q0 + q1
    det = a * c - p1 * p1
    fit = (c * b1 * b1 - 2 * p1 * b1 * q1 + a * q1 * q1) / (2 * det)
    value = noise.c0[None, :, None] - r / 2 + fit - 0.5 * np.log(det * t * v)
    return log_sum(noise.weight[None, :, None] + value, axis=1)


def _earlier(terms: Floats) -> Floats:
    """Sums of the first 0, 1, .. K readings along the last axis."""
    zero = np.zeros((*terms.shape[:-1], 1))
    return np.concatenate([zero, np.cumsum(terms, axis=-1)], axis=-1)


def _later(terms: Floats) -> Floats:
    """Sums of the readings after the first 0, 1, .. K along the last axis."""
    zero = np.zeros((*terms.shape[:-1], 1))
    return np.concatenate([np.cumsum(terms[..., ::-1], axis=-1)[..., ::-1], zero], axis=-1)
