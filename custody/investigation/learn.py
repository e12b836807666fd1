"""Learning the numbers from all disputes together: the M step of expectation-maximisation.

Every estimate is a count over an exposure, held near a prior by pseudo-events, so that few disputes move little:

- background by step: (theft x background share + 1) / (high-value passes + kappa other passes + 1/3e-5);
  kappa: (theft of low value + .2) / (sum background x low-value passes + 1), within .02 .. 1;
- loss, damage by step: (count + 2) / (passes + 2/7e-5 or 2/1e-4); the factor of a site and step:
  (count + 3) / (passes x rate + 3);
- mispick (ORIGIN + 1) / (N + 1/1.5e-4); porch min((AFTER + 1) / (parcels without PIN + 1/1.5e-3), .5), parcels without
  PIN being those observed without one and, of those of which nobody knows, the share 1 - P(PIN);
  share with nothing wrong f = min((NO_ANOMALY + 2) / (D + 32), .25);
- shares of evidence: (weighted count + 20 x0) / (weight + 20), x0 where learning began; photos count against those that
  are usual at the links where they are missing or not;
- share of hot causes: (sum P(hot) + 200 pi0) / (causes with exposure + 200);
- factor of a delivery route: (n + 3) / (x + 3), n = AFTER and NO_ANOMALY on the route, x = AFTER and NO_ANOMALY of all
  disputes times its share of all parcels, those whose route nobody knows among them.

Numbers the operator supplied stay as they are.
"""

from dataclasses import dataclass

import numpy as np

from custody.investigation.docket import (
    AFTER,
    DAMAGED,
    EMPTIED,
    FOUND,
    LOST,
    NO_ANOMALY,
    ORIGIN,
    THEFTS,
    UNREAD,
    WHOLE,
    Docket,
    split,
)
from custody.investigation.frame import NOWHERE, Floats, Frame
from custody.investigation.likelihood import dwell_excess, photo_chances, usual_seal
from custody.investigation.params import Params, Source
from custody.investigation.passage import STEPS
from custody.investigation.prior import Factors

BACKGROUND, LOSS, DAMAGE, MISPICK, PORCH = 3e-5, 7e-5, 1e-4, 1.5e-4, 1.5e-3
PSEUDO = 20.0
FACTOR_STRENGTH = 3.0
HOT_STRENGTH = 200.0
MOST_INTACT, MOST_PORCH = 0.25, 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What one E step believes: posterior rows, theft hazards, background hazards, P(hot) of causes with exposure."""

    posterior: Floats
    hazard: Floats
    background: Floats
    hot_handlers: Floats
    hot_site_shifts: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """The numbers in use, the learned factors, and the numbers that learning began from."""

    params: Params
    factors: Factors
    began: Params


def learn(docket: Docket, frame: Frame, model: Model, *, expected: Expected, with_area: bool) -> Model:
    """Numbers and factors that fit what is believed."""
    params, began = model.params, model.began
    numbers = {
        **_rates(docket, frame, params, expected),
        **_shares(docket, params, began, expected),
        "hot_handlers": _hot_share(expected.hot_handlers, began.hot_handlers),
        "hot_site_shifts": _hot_share(expected.hot_site_shifts, began.hot_site_shifts),
    }
    learned = {name: value for name, value in numbers.items() if not params.fixed(name)}
    fresh = params.given(Source.LEARNED, **learned)
    return Model(params=fresh, factors=_factors(docket, frame, fresh, expected, with_area=with_area), began=began)


def _hot_share(hot: Floats, began: float) -> float:
    return float((hot.sum() + began * HOT_STRENGTH) / (len(hot) + HOT_STRENGTH))


def _rates(docket: Docket, frame: Frame, params: Params, expected: Expected) -> dict[str, object]:
    seg, rest = split(expected.posterior, docket.width)
    every, high = frame.step_passes()
    low = every - high
    theft = seg[:, :THEFTS].sum(axis=1)
    share = np.divide(expected.background, expected.hazard, out=np.zeros_like(theft), where=docket.valid)
    kappa = params.kappa
    background = (_by_step(docket, theft * share) + 1) / (high + kappa * low + 1 / BACKGROUND)
    if not params.fixed("kappa"):
        used = np.array(params.background) if params.fixed("background") else background
        kappa = float(np.clip((theft[~docket.high].sum() + 0.2) / ((used * low).sum() + 1), 0.02, 1.0))
    without_pin = frame.parcels_without_pin + (1 - params.pin) * frame.parcels_pin_unobserved
    origin, after, intact = rest.sum(axis=0)[[ORIGIN, AFTER, NO_ANOMALY]]
    return {
        "background": tuple(map(float, background)),
        "kappa": kappa,
        "loss": tuple(map(float, (_by_step(docket, seg[:, LOST]) + 2) / (every + 2 / LOSS))),
        "damage": tuple(map(float, (_by_step(docket, seg[:, DAMAGED]) + 2) / (every + 2 / DAMAGE))),
        "mispick": float((origin + 1) / (frame.parcels + 1 / MISPICK)),
        "porch": float(min((after + 1) / (without_pin + 1 / PORCH), MOST_PORCH)),
        "intact_share": float(min((intact + 2) / (len(docket) + 32), MOST_INTACT)),
    }


def _by_step(docket: Docket, mass: Floats) -> Floats:
    return np.bincount(docket.step[docket.valid], mass[docket.valid], len(STEPS)).astype(np.float64)


def _shares(docket: Docket, params: Params, began: Params, expected: Expected) -> dict[str, object]:
    seg, _ = split(expected.posterior, docket.width)
    kinds = seg[:, :THEFTS]
    theft = kinds.sum(axis=1)
    contents = kinds[:, : EMPTIED + 1].sum(axis=1) + np.where(docket.fake, kinds[:, WHOLE], 0.0)
    opened = docket.scanned[:, :-1] & docket.valid
    looked = opened & (docket.photo[:, :-1] != UNREAD)
    missed = float(theft[docket.valid & ~opened].sum())
    seen, usual = float(theft[looked].sum()), float((theft * photo_chances(docket, params)[0])[looked].sum())
    taken = float(theft[looked & (docket.photo[:, :-1] == FOUND)].sum())
    taken = min(taken * params.photo * seen / usual, seen) if usual > 0 else 0.0
    theta = (kinds.sum(axis=(0, 2)) + PSEUDO * np.array(began.theta)) / (theft.sum() + PSEUDO)
    shift, spread = _dwell(docket, params, began, contents)
    return {
        "psi": _share(missed, float(theft.sum()), began.psi),
        "photo_theft": _share(taken, seen, began.photo_theft),
        "theta": tuple(map(float, theta / theta.sum())),
        "seal_theft": _seal_share(docket, params, kinds[:, : EMPTIED + 1].sum(axis=1), began.seal_theft),
        "seal_damage": _seal_share(docket, params, seg[:, DAMAGED], began.seal_damage),
        "dwell_shift": shift,
        "dwell_theft_sd": spread,
    }


def _share(count: float, weight: float, began: float) -> float:
    return (count + PSEUDO * began) / (weight + PSEUDO)


def _seal_share(docket: Docket, params: Params, mass: Floats, began: float) -> float:
    """Anomalies beyond those that are usual where they were read, among the readings that could show one.

    Each reading is weighted by the chance that such an event came before it.
    """
    before, seal, clean = np.cumsum(mass, axis=1), docket.seal[:, 1:], params.seal_clean
    usual = usual_seal(docket, params)[:, 1:]
    more = float((before * ((seal == FOUND) - usual))[seal != UNREAD].sum()) + PSEUDO * (began - clean)
    free = float((before * (1 - usual))[seal != UNREAD].sum()) + PSEUDO * (1 - clean)
    return clean + (1 - clean) * max(more / free, 0.0)


def _dwell(docket: Docket, params: Params, began: Params, contents: Floats) -> tuple[float, float]:
    excess = dwell_excess(docket, params)
    known = np.isfinite(excess)
    mass, value = contents[known], excess[known]
    weight = mass.sum() + PSEUDO
    shift = ((mass * value).sum() + PSEUDO * began.dwell_shift) / weight
    square = (mass * (value - shift) ** 2).sum() + PSEUDO * began.dwell_theft_sd**2
    return float(shift), float(np.sqrt(square / weight))


def _factors(docket: Docket, frame: Frame, params: Params, expected: Expected, *, with_area: bool) -> Factors:
    seg, rest = split(expected.posterior, docket.width)
    area = np.ones(len(frame.routes) + 1)
    if with_area and len(frame.routes):
        mass = rest[:, AFTER] + rest[:, NO_ANOMALY]
        known = docket.route != NOWHERE
        count = np.bincount(docket.route[known], mass[known], len(frame.routes))
        share = frame.route_parcels[:-1] / frame.parcels
        area[:-1] = (count + FACTOR_STRENGTH) / (share * mass.sum() + FACTOR_STRENGTH)
    return Factors(
        loss=_site_factor(docket, frame, seg[:, LOST], np.array(params.loss)),
        damage=_site_factor(docket, frame, seg[:, DAMAGED], np.array(params.damage)),
        area=area,
    )


def _site_factor(docket: Docket, frame: Frame, mass: Floats, rate: Floats) -> Floats:
    factor = np.ones(len(frame.site_steps) + 1)
    count = np.bincount(docket.site_step[docket.valid], mass[docket.valid], len(frame.site_steps))
    expected = frame.passes[:-1] * rate[frame.step_of_passes[:-1]]
    factor[:-1] = (count + FACTOR_STRENGTH) / (expected + FACTOR_STRENGTH)
    return factor
