"""Who and what has more theft than its traffic explains.

Causes are sorted by P(hot); the largest set whose mean of 1 - P(hot) is at most q is flagged (q .10 to look, .05 to
act), handlers and sites by shift separately. To act, at least 2.5 disputes must be charged to the cause. A link's share
of traffic always stands beside its share of disputes: a cause that is charged with about what its traffic predicts
(lift under 1.5) is never flagged, however many disputes pass through it. Who may not be flagged is left out before the
mean is taken, or a sure one among them would carry a doubtful one along.

Charged to a cause: sum over its pairs of P(theft in s) x share x mean rate / lam_ds. Its share of disputes is taken
among the thefts that no other hot cause explains. Lift: share of disputes over share of traffic, with a 95 % interval
(Jeffreys). Chance: probability of so many or more if only traffic mattered.
Below three disputed thefts of one cause nobody can be found reliably.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import betainc, betaincinv

from custody.investigation.causes import Pairs
from custody.investigation.docket import THEFTS, split
from custody.investigation.frame import Floats
from custody.investigation.passage import SHIFTS, STEPS, Step
from custody.investigation.result import Inference

LOOK, ACT = 0.10, 0.05
LEAST_CHARGED = 2.5
LEAST_LIFT = 1.5
HOT = 0.5
SHOWN = 0.05
"""A cause with less stands out in nothing: before any dispute each has a chance of about .01."""
EVERY_SHIFT = "every shift"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """A count of disputes against a share of traffic."""

    charged: float
    disputes: float
    traffic_share: float
    lift: float
    lift_low: float
    lift_high: float
    chance: float

    @property
    def stands_out(self) -> bool:
        """Whether there is more than the traffic explains."""
        return self.lift >= LEAST_LIFT


@dataclass(frozen=True, slots=True, kw_only=True)
class Hotspot:
    """One cause as a reader sees it. `shift` is None for a handler; `mode` says in which shifts it is hot."""

    handler: str | None
    site: str
    step: Step | None
    shift: int | None
    hot: float
    pattern: Pattern
    mode: str
    look: bool
    act: bool


def pattern(charged: float, disputes: float, traffic_share: float) -> Pattern:
    """How far so many of the disputes stand out against a share of the traffic."""
    charged = min(charged, disputes)
    share = min(max(traffic_share, 1e-12), 1.0)
    low = float(betaincinv(charged + 0.5, disputes - charged + 0.5, 0.025)) if charged > 0 else 0.0
    high = float(betaincinv(charged + 0.5, disputes - charged + 0.5, 0.975)) if charged < disputes else 1.0
    chance = float(betainc(charged, disputes - charged + 1, share)) if charged > 0 else 1.0
    return Pattern(
        charged=charged,
        disputes=disputes,
        traffic_share=share,
        lift=charged / disputes / share if disputes > 0 else 0.0,
        lift_low=low / share,
        lift_high=high / share,
        chance=chance,
    )


def hotspots(result: Inference, *, q: float = LOOK, least_charged: float = 0.0) -> list[Hotspot]:
    """The flagged causes of a run, hottest first; empty without history."""
    return [spot for spot in survey(result, q=q) if spot.look and spot.pattern.charged >= least_charged]


def survey(result: Inference, *, q: float = LOOK, least: float = 0.0) -> list[Hotspot]:
    """Every cause with P(hot) of at least `least`, flagged or not, hottest first."""
    if not result.frame.known:
        return []
    handlers, sites = _patterns(result)
    spots = [*_handlers(result, handlers, q, least), *_sites(result, sites, q, least)]
    return sorted(spots, key=lambda spot: (-spot.hot, spot.handler or "", spot.site, spot.shift or 0))


def flag(hot: Floats, stands_out: np.ndarray, q: float) -> np.ndarray:
    """The largest set of causes beyond their traffic whose own mean of 1 - P(hot) is at most q."""
    order = np.flatnonzero(stands_out)
    order = order[np.argsort(-hot[order], kind="stable")]
    mean = np.cumsum(1 - hot[order]) / np.arange(1, len(order) + 1)
    inside = np.flatnonzero(mean <= q)
    flagged = np.zeros(len(hot), dtype=np.bool_)
    if len(inside):
        flagged[order[: inside[-1] + 1]] = True
    return flagged


def charges(result: Inference) -> tuple[Floats, Floats]:
    """Disputes charged to each handler and to each site and shift."""
    seg, _ = split(result.posterior, result.docket.width)
    theft = seg[:, :THEFTS].sum(axis=1)
    part = np.divide(theft, result.hazard, out=np.zeros_like(theft), where=result.hazard > 0)

    def charged(pairs: Pairs, mean: Floats, groups: int) -> Floats:
        share = pairs.seat_share * mean[pairs.seat_pair] * part[pairs.seat_row, pairs.seat_segment]
        return np.bincount(pairs.group[pairs.seat_pair], share, groups).astype(np.float64)

    messages, graph = result.messages, result.graph
    people = charged(graph.handlers, messages.handlers, len(result.frame.handlers) * SHIFTS)
    places = charged(graph.site_shifts, messages.site_shifts, len(result.frame.sites) * SHIFTS)
    return people.reshape(-1, SHIFTS).sum(axis=1), places


def _patterns(result: Inference) -> tuple[list[Pattern], list[Pattern]]:
    """Each cause's pattern: against the thefts that no other hot cause explains, and its share of the traffic."""
    frame = result.frame
    seg, _ = split(result.posterior, result.docket.width)
    thefts = float(seg[result.docket.high][:, :THEFTS].sum())
    charged = charges(result)
    beliefs = result.handler_belief, result.site_belief
    explained = [np.where(belief.hot >= HOT, count, 0.0) for belief, count in zip(beliefs, charged, strict=True)]
    others = sum(float(part.sum()) for part in explained)
    traffic = max(frame.high_value_parcels, 1.0)
    exposures = frame.held[:-1].sum(axis=1), frame.shifted[:-1].reshape(-1)
    handlers, sites = (
        [
            pattern(float(count), max(thefts - others + float(own), float(count), 1e-12), float(held) / traffic)
            for count, own, held in zip(charged[sort], explained[sort], exposures[sort], strict=True)
        ]
        for sort in range(2)
    )
    return handlers, sites


def _handlers(result: Inference, patterns: list[Pattern], q: float, least: float) -> list[Hotspot]:
    frame, belief = result.frame, result.handler_belief
    exposure = frame.held[:-1].sum(axis=1)
    look, act = _flags(belief.hot, exposure, patterns, q)
    one = belief.one.reshape(len(exposure), SHIFTS, len(belief.grid))
    modes = np.concatenate([belief.every.sum(axis=1)[:, None], one.sum(axis=2)], 1)
    spots = []
    for number in np.flatnonzero((belief.hot >= least) & (exposure > 0)):
        mode = int(modes[number].argmax())
        spots.append(
            Hotspot(
                handler=frame.handlers.names[number],
                site=frame.sites.names[frame.handler_site[number]],
                step=STEPS[frame.handler_step[number]],
                shift=None,
                hot=float(belief.hot[number]),
                pattern=patterns[number],
                mode=EVERY_SHIFT if mode == 0 else f"shift {mode - 1}",
                look=bool(look[number]),
                act=bool(act[number]),
            )
        )
    return spots


def _sites(result: Inference, patterns: list[Pattern], q: float, least: float) -> list[Hotspot]:
    frame, belief = result.frame, result.site_belief
    exposure = frame.shifted[:-1].reshape(-1)
    look, act = _flags(belief.hot, exposure, patterns, q)
    return [
        Hotspot(
            handler=None,
            site=frame.sites.names[number // SHIFTS],
            step=None,
            shift=int(number) % SHIFTS,
            hot=float(belief.hot[number]),
            pattern=patterns[number],
            mode=f"shift {int(number) % SHIFTS}",
            look=bool(look[number]),
            act=bool(act[number]),
        )
        for number in np.flatnonzero((belief.hot >= least) & (exposure > 0))
    ]


def _flags(hot: Floats, exposure: Floats, patterns: list[Pattern], q: float) -> tuple[np.ndarray, np.ndarray]:
    held = exposure > 0
    stands_out = np.array([item.stands_out for item in patterns], dtype=np.bool_)
    enough = np.array([item.charged >= LEAST_CHARGED for item in patterns], dtype=np.bool_)
    look, act = np.zeros(len(hot), dtype=np.bool_), np.zeros(len(hot), dtype=np.bool_)
    look[held] = flag(hot[held], stands_out[held], q)
    act[held] = flag(hot[held], (stands_out & enough)[held], min(q, ACT))
    return look, act & look
