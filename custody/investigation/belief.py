"""Belief propagation between disputes and causes: the rates that all disputes together speak for.

With cavity means m_dc: T_d = M_d + sum_c L_dc m_dc and r_dc = L_dc / (T_d - L_dc m_dc). Log beliefs over the rates g:

- handler: A_g = log(pi_h/2) + log pr_g - g rho E_h + sum over all pairs of log(1 + g r) (every shift);
  B_jg = log(pi_h/6) + log pr_g - g rho E_hj + sum over the pairs in shift j (that shift alone); cold = log(1 - pi_h).
- site and shift: B_g = log pi_s + log pr_g - g rho E + sum log(1 + g r); cold = log(1 - pi_s).

The cavity mean of a pair leaves its own log(1 + g r) out, so that no dispute counts its own evidence twice:
m = sum_g g C_g/(1 + g r) / [sum_g C_g/(1 + g r) + rest], C_g = e^A_g + e^B_jg, rest = the other shifts and cold.

Sweeps: the first undamped, then m = (m + m_new)/2, until sum |L dm| / T / D < 1e-4, after four at the least. Work goes
tile by tile over whole causes, so that the (pairs x rates) arrays stay in cache. Sums run in a fixed order.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from custody.investigation.causes import Graph, Pairs
from custody.investigation.frame import Floats, Frame, Ints
from custody.investigation.log_sum import log_sum
from custody.investigation.params import Params
from custody.investigation.passage import SHIFTS

START_HANDLER = 2e-5
START_SITE_SHIFT = 1e-5
LEAST_SWEEPS = 4
RESIDUAL = 1e-4
TILE = 20_000
TINY = 1e-300


@dataclass(frozen=True, slots=True, kw_only=True)
class Causes:
    """What is believed of causes before the disputes: exposures by group, prior shares, the grid of rates.

    `single` is True for causes of one group each (site and shift), False for handlers, who have three.
    """

    single: bool
    exposure: Floats
    share: float
    grid: Floats
    grid_weight: Floats
    reported: float

    def states(self) -> tuple[Floats, Floats, Floats]:
        """Log prior and exposure terms: A (causes x rates), B (groups x rates), cold (causes)."""
        share = np.clip(self.share, 1e-12, 1 - 1e-12)
        prior = np.log(self.grid_weight)
        loss = self.grid * self.reported
        if self.single:
            one = np.log(share) + prior - loss * self.exposure[:, None]
            return one, one, np.full(len(one), np.log1p(-share))
        by_cause = self.exposure.reshape(-1, SHIFTS).sum(axis=1)
        every = np.log(share / 2) + prior - loss * by_cause[:, None]
        one = np.log(share / 6) + prior - loss * self.exposure[:, None]
        return every, one, np.full(len(every), np.log1p(-share))


@dataclass(frozen=True, slots=True, kw_only=True)
class Messages:
    """Cavity means of both sorts of pairs, and how the sweeps ended."""

    handlers: Floats
    site_shifts: Floats
    total: Floats
    sweeps: int
    residual: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Belief:
    """Beliefs about causes of one sort, normalised: `every` and `one` hold the weight of each rate."""

    every: Floats
    one: Floats
    cold: Floats
    grid: Floats

    @property
    def hot(self) -> Floats:
        """P(hot) of each cause."""
        return np.asarray(np.clip(1.0 - self.cold, 0.0, 1.0))

    def mean(self) -> Floats:
        """Mean rate in each group (handler and shift, or site and shift)."""
        if not self.every.size:
            return np.asarray(self.one @ self.grid)
        every = np.repeat(self.every @ self.grid, SHIFTS)
        return np.asarray(every + self.one @ self.grid)


def handler_causes(frame: Frame, params: Params) -> Causes:
    """Handlers of a fleet as causes."""
    return Causes(
        single=False,
        exposure=frame.held[:-1].reshape(-1),
        share=params.hot_handlers,
        grid=params.grid,
        grid_weight=params.grid_weight,
        reported=params.reported,
    )


def site_causes(frame: Frame, params: Params) -> Causes:
    """Sites and shifts of a fleet as causes."""
    return Causes(
        single=True,
        exposure=frame.shifted[:-1].reshape(-1),
        share=params.hot_site_shifts,
        grid=params.grid,
        grid_weight=params.grid_weight,
        reported=params.reported,
    )


def propagate(
    graph: Graph, handlers: Causes, sites: Causes, *, start: tuple[Floats, Floats] | None, sweeps: int
) -> Messages:
    """Sweep until nothing moves or the limit is reached; `start` holds means to begin from."""
    first = graph.handlers, graph.site_shifts
    means = [
        np.full(len(first[0]), START_HANDLER) if start is None else start[0],
        np.full(len(first[1]), START_SITE_SHIFT) if start is None else start[1],
    ]
    priors = handlers.states(), sites.states()
    tiles = [list(_tiles(pairs, causes)) for pairs, causes in zip(first, (handlers, sites), strict=True)]
    total = totals(graph, means[0], means[1])
    residual, done = 0.0, 0
    for done in range(1, sweeps + 1):
        moved = np.zeros(len(total))
        fresh = []
        for number, causes in enumerate((handlers, sites)):
            pairs, mean = first[number], means[number]
            ratio = responsibility_ratio(pairs, mean, total)
            new = np.empty(len(pairs))
            for start_at, stop_at in tiles[number]:
                part = slice(start_at, stop_at)
                new[part] = _cavity(pairs.group[part], ratio[part], causes, priors[number])
            if done > 1 or start is not None:
                new = 0.5 * (mean + new)
            moved += np.bincount(pairs.row, pairs.weight * np.abs(new - mean), len(total))
            fresh.append(new)
        means = fresh
        residual = float((moved / total).sum() / max(len(total), 1))
        total = totals(graph, means[0], means[1])
        if done >= LEAST_SWEEPS and residual < RESIDUAL:
            break
    return Messages(handlers=means[0], site_shifts=means[1], total=total, sweeps=done, residual=residual)


def totals(graph: Graph, handlers: Floats, site_shifts: Floats) -> Floats:
    """T_d = M_d + sum_c L_dc m_dc."""
    count = len(graph.constant)
    total = graph.constant + np.bincount(graph.handlers.row, graph.handlers.weight * handlers, count)
    return np.asarray(total + np.bincount(graph.site_shifts.row, graph.site_shifts.weight * site_shifts, count))


def responsibility_ratio(pairs: Pairs, mean: Floats, total: Floats) -> Floats:
    """r_dc = L_dc / (T_d - L_dc m_dc)."""
    return np.asarray(pairs.weight / np.maximum(total[pairs.row] - pairs.weight * mean, TINY))


def believe(pairs: Pairs, ratio: Floats, causes: Causes) -> Belief:
    """Normalised beliefs about every cause, those without a dispute included."""
    every, one, cold = causes.states()
    spoken = np.zeros_like(one)
    for start, stop in _tiles(pairs, causes):
        groups, sums, _ = _sums(pairs.group[start:stop], ratio[start:stop], causes.grid)
        spoken[groups] = sums
    one = one + spoken
    if causes.single:
        norm = np.logaddexp(log_sum(one, axis=1), cold)
        none = np.zeros((0, len(causes.grid)))
        return Belief(every=none, one=np.exp(one - norm[:, None]), cold=np.exp(cold - norm), grid=causes.grid)
    count = len(every)
    rates = len(causes.grid)
    every = every + spoken.reshape(count, SHIFTS, rates).sum(axis=1)
    state = np.concatenate([every, one.reshape(count, SHIFTS * rates), cold[:, None]], axis=1)
    norm = log_sum(state, axis=1)
    return Belief(
        every=np.exp(every - norm[:, None]),
        one=np.exp(one - np.repeat(norm, SHIFTS)[:, None]),
        cold=np.exp(cold - norm),
        grid=causes.grid,
    )


def carry(old: Pairs, means: Floats, new: Pairs, default: float) -> Floats:
    """Means of pairs that stayed, the default for new ones."""
    if not len(old):
        return np.full(len(new), default)
    place = np.minimum(np.searchsorted(old.key, new.key), len(old) - 1)
    return np.where(old.key[place] == new.key, means[place], default)


def _tiles(pairs: Pairs, causes: Causes) -> Iterator[tuple[int, int]]:
    """Cuts at boundaries of causes, about TILE pairs each."""
    cause = pairs.group if causes.single else pairs.group // SHIFTS
    start = 0
    while start < len(pairs):
        stop = min(start + TILE, len(pairs))
        if stop < len(pairs):
            stop = int(np.searchsorted(cause, cause[stop - 1], side="right"))
        yield start, stop
        start = stop


def _sums(group: Ints, ratio: Floats, grid: Floats) -> tuple[Ints, Floats, Ints]:
    """Groups present, sum of log(1 + g r) of each, and for each pair the place of its group."""
    edge = np.flatnonzero(np.diff(group, prepend=-1))
    place = np.repeat(np.arange(len(edge)), np.diff(edge, append=len(group)))
    return group[edge], np.add.reduceat(np.log1p(ratio[:, None] * grid), edge, axis=0), place


def _cavity(group: Ints, ratio: Floats, causes: Causes, prior: tuple[Floats, Floats, Floats]) -> Floats:
    """New cavity means of a tile of whole causes."""
    every, one, cold = prior
    groups, sums, place = _sums(group, ratio, causes.grid)
    if causes.single:
        inside, rest = one[groups] + sums, cold[groups]
    else:
        inside, rest = _of_handlers(groups, sums, every, one, cold)
    top = inside.max(axis=1)
    weight = np.exp(inside - top[:, None])[place] / (1.0 + ratio[:, None] * causes.grid)
    outside = np.exp(np.minimum(rest - top, 700.0))[place]
    return np.asarray((weight @ causes.grid) / (weight.sum(axis=1) + outside))


def _of_handlers(groups: Ints, sums: Floats, every: Floats, one: Floats, cold: Floats) -> tuple[Floats, Floats]:
    """For each group log C_g, and the log weight of the other shifts and cold together."""
    handler, shift = groups // SHIFTS, groups % SHIFTS
    edge = np.flatnonzero(np.diff(handler, prepend=-1))
    present = handler[edge]
    seat = np.repeat(np.arange(len(edge)), np.diff(edge, append=len(handler)))
    total = every[present] + np.add.reduceat(sums, edge, axis=0)
    single = one.reshape(-1, SHIFTS, one.shape[1])[present]
    single[seat, shift] += sums
    others = log_sum(single, axis=2)[seat]
    others[np.arange(len(seat)), shift] = cold[handler]
    return np.logaddexp(total[seat], single[seat, shift]), log_sum(others, axis=1)
