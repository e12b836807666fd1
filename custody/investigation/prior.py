"""How likely each hypothesis is before a dispute's own evidence.

Exactly one hypothesis explains a dispute. Weights per parcel: a theft in s has lam_ds theta_kind; lost and damaged
have the step's rate times the factor of its site; ORIGIN has the mispick rate; AFTER has porch (1 - P(PIN)) times the
factor of the delivery area; NO_ANOMALY has f D / (N reported) times the same factor, f being the share of disputes in
which nothing went wrong in custody. Where there are far more disputes than rates explain, as in a store of few parcels,
f D / N would be more than all the rest together, and so say that nothing went wrong in nearly every dispute, whatever f
is: before the factor it is at most m / (1 - m) times the rest (background theft), m being `intact_most`.

lam_ds = V_d background(step) + hot terms, V_d = 1 for a high-value parcel, kappa for another.
"""

from dataclasses import dataclass

import numpy as np

from custody.investigation.docket import (
    AFTER,
    DAMAGED,
    LOST,
    NO_ANOMALY,
    ORIGIN,
    THEFTS,
    WHOLE,
    Docket,
    split,
)
from custody.investigation.frame import COURIER, Floats, Frame
from custody.investigation.params import Params


@dataclass(frozen=True, slots=True, kw_only=True)
class Factors:
    """Learned factors on rates: by site and step (loss, damage), by delivery route (area). Neutral is one."""

    loss: Floats
    damage: Floats
    area: Floats


def neutral_factors(frame: Frame) -> Factors:
    """Factors before anything is learned."""
    return Factors(
        loss=np.ones(len(frame.site_steps) + 1),
        damage=np.ones(len(frame.site_steps) + 1),
        area=np.ones(len(frame.routes) + 1),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Hazards:
    """Prior weights per parcel: by dispute and segment (theft, loss, damage), by dispute (the rest)."""

    theft: Floats
    loss: Floats
    damage: Floats
    origin: Floats
    after: Floats
    no_anomaly: Floats


def background(docket: Docket, params: Params) -> Floats:
    """The hazard of theft where nobody is hot: V_d times the step's background."""
    value = np.where(docket.high, 1.0, params.kappa)[:, None]
    return np.asarray(value * np.array(params.background)[docket.step] * docket.valid)


def alone(docket: Docket, params: Params) -> Floats:
    """One theft hazard for every segment: what a dispute is judged by when there is no history."""
    value = np.where(docket.high, params.alone_hazard, params.kappa * params.alone_hazard)[:, None]
    return np.asarray(value * docket.valid)


def intact_rate(frame: Frame, params: Params, disputes: int) -> float:
    """rho0: disputes with nothing wrong in custody, per parcel, on the scale of true events."""
    rate = disputes / frame.parcels if frame.known else params.dispute_rate
    return params.intact_share * rate / params.reported


def hazards(docket: Docket, frame: Frame, params: Params, *, factors: Factors, theft: Floats, disputes: int) -> Hazards:
    """The prior weights of some disputes; `disputes` is the number in the whole period."""
    area = factors.area[docket.route]
    loss = np.array(params.loss)[docket.step] * factors.loss[docket.site_step]
    damage = np.array(params.damage)[docket.step] * factors.damage[docket.site_step]
    porch = params.porch * (1 - params.pin)
    intact = np.full(len(docket), intact_rate(frame, params, disputes))
    if params.intact_most < 1:
        cold = background(docket, params) if frame.known else alone(docket, params)
        rest = np.where(docket.valid, cold + loss + damage, 0.0).sum(axis=1) + params.mispick + porch
        intact = np.minimum(intact, params.intact_most / (1 - params.intact_most) * rest)
    return Hazards(
        theft=theft,
        loss=loss,
        damage=damage,
        origin=np.full(len(docket), params.mispick),
        after=porch * area,
        no_anomaly=intact * area,
    )


def log_prior(docket: Docket, weights: Hazards, theta: tuple[float, float, float]) -> Floats:
    """Log weights of every hypothesis; -inf where a hypothesis does not exist."""
    out = np.empty((len(docket), docket.hypotheses))
    seg, rest = split(out, docket.width)
    with np.errstate(divide="ignore"):
        theft = np.log(weights.theft)
        seg[:, LOST] = np.log(weights.loss)
        seg[:, DAMAGED] = np.log(weights.damage)
    seg[:, :THEFTS] = theft[:, None, :] + np.log(np.array(theta))[None, :, None]
    rest[:, ORIGIN] = np.log(weights.origin)
    rest[:, AFTER] = np.log(weights.after)
    rest[:, NO_ANOMALY] = np.log(weights.no_anomaly)
    np.copyto(seg, -np.inf, where=~docket.valid[:, None, :])
    np.copyto(seg[:, WHOLE], -np.inf, where=(docket.step == COURIER) & ~docket.fake)
    return out


def normalise(score: Floats) -> Floats:
    """Rows of probabilities from rows of log weights; every row has a finite entry (NO_ANOMALY)."""
    weight = np.exp(score - score.max(axis=1, keepdims=True))
    return np.asarray(weight / weight.sum(axis=1, keepdims=True))
