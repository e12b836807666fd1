"""The exact check before anybody is named, and where messages are weak, the exact answer in their place.

Messages are weak where few causes overlap tightly: they may charge one of two colleagues with what either may have
done. So a cause is enumerated (`states`) with up to three live partners (P(hot) >= .02, by messages or standing alone)
whose overlap - the sum over disputes of the product of responsibilities - is largest and over .01; other causes stay at
their believed means.

- `settle_overlaps`: after the last sweep, a cause with P(hot) >= .05 and a partner that overlaps by .3 or more (and by
  .3 of the cause's overlap with itself) takes the exact figure if that differs by more than .02; so do partners that
  turn out live. Partners are left out from the weakest on where the sum would be long.
- `check_candidates`: the exact figure of every cause with P(hot) >= .5. Only the smaller of both figures may name.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array

from custody.investigation.belief import Belief, Causes, Messages, believe, totals
from custody.investigation.causes import Graph
from custody.investigation.frame import Floats
from custody.investigation.passage import SHIFTS
from custody.investigation.states import Cause, Enumeration, affordable, part_of

CANDIDATE = 0.5
LIVE = 0.02
LEAST_OVERLAP = 0.01
PARTNERS = 3
DOUBTFUL, TIGHT, DIFFERENT = 0.05, 0.3, 0.02
SETTLE_BUDGET = 5e5


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """Messages and beliefs of a run, with the sorts of causes they are about."""

    graph: Graph
    messages: Messages
    sorts: tuple[Causes, Causes]
    beliefs: tuple[Belief, Belief]

    def hot(self, cause: Cause) -> float:
        """P(hot) as believed."""
        return float(self.beliefs[0 if cause.handler else 1].hot[cause.number])


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactCheck:
    """P(hot) by messages and by enumeration, and with whom it was enumerated."""

    cause: Cause
    believed: float
    exact: float
    partners: tuple[Cause, ...]

    @property
    def least(self) -> float:
        """The figure that may name."""
        return min(self.believed, self.exact)


def check_candidates(settled: Settled) -> dict[Cause, ExactCheck]:
    """The exact check of every cause that could be named."""
    around = _Around(settled)
    checks = {}
    for cause in around.live:
        if settled.hot(cause) >= CANDIDATE:
            checks[cause] = _check(settled, cause, around.partners(cause))
    return checks


def settle_overlaps(settled: Settled) -> Settled:
    """The same run, with exact figures where messages are weak."""
    around = _Around(settled)
    waiting = [cause for cause in around.live if settled.hot(cause) >= DOUBTFUL and around.tight(cause)]
    seen = set(waiting)
    found: list[Enumeration] = []
    while waiting:
        cause = waiting.pop(0)
        group = [cause, *around.partners(cause)]
        while len(group) > 2 and not affordable(settled.graph, settled.sorts, group, SETTLE_BUDGET):
            group.pop()
        exact = Enumeration(settled.graph, settled.messages, settled.sorts, group)
        if abs(exact.hot(0) - settled.hot(cause)) > DIFFERENT:
            found.append(exact)
            fresh = [item for place, item in enumerate(group) if item not in seen and exact.hot(place) >= LIVE]
            waiting.extend(fresh)
            seen.update(fresh)
    return _with(settled, found) if found else settled


def _check(settled: Settled, cause: Cause, partners: tuple[Cause, ...]) -> ExactCheck:
    exact = Enumeration(settled.graph, settled.messages, settled.sorts, [cause, *partners])
    return ExactCheck(cause=cause, believed=settled.hot(cause), exact=exact.hot(0), partners=partners)


def _with(settled: Settled, found: list[Enumeration]) -> Settled:
    graph, messages = settled.graph, settled.messages
    means = {True: messages.handlers.copy(), False: messages.site_shifts.copy()}
    handlers, sites = settled.beliefs
    every, one, cold = handlers.every.copy(), handlers.one.copy(), handlers.cold.copy()
    site_one, site_cold = sites.one.copy(), sites.cold.copy()
    for exact in found:
        cause, states = exact.group[0], exact.states(0)
        number = cause.number
        means[cause.handler][part_of(graph, cause)] = exact.means(0)
        if cause.handler:
            blocks = states[:-1].reshape(1 + SHIFTS, -1)
            every[number], cold[number] = blocks[0], states[-1]
            one[number * SHIFTS : (number + 1) * SHIFTS] = blocks[1:]
        else:
            site_one[number], site_cold[number] = states[:-1], states[-1]
    fresh = replace(
        messages,
        handlers=means[True],
        site_shifts=means[False],
        total=totals(graph, means[True], means[False]),
    )
    beliefs = replace(handlers, every=every, one=one, cold=cold), replace(sites, one=site_one, cold=site_cold)
    return replace(settled, messages=fresh, beliefs=beliefs)


class _Around:
    """Live causes of a run and how they overlap.

    A cause's part in a dispute is its responsibility by messages, or what it would be if nobody else were hot:
    the larger of the two, because messages may have settled on the wrong one of two.
    """

    def __init__(self, settled: Settled) -> None:
        graph, messages = settled.graph, settled.messages
        self.live: list[Cause] = []
        rows, columns, parts = [], [], []
        sorts = zip(
            (graph.handlers, graph.site_shifts),
            (messages.handlers, messages.site_shifts),
            settled.sorts,
            settled.beliefs,
            strict=True,
        )
        for pairs, mean, causes, belief in sorts:
            alone = believe(pairs, pairs.weight / graph.constant[pairs.row], causes)
            solo = pairs.weight * alone.mean()[pairs.group]
            part = np.maximum(
                pairs.weight * mean / messages.total[pairs.row], solo / (graph.constant[pairs.row] + solo)
            )
            number = pairs.group if causes.single else pairs.group // SHIFTS
            warm = np.maximum(belief.hot, alone.hot) >= LIVE
            present, place = np.unique(number[warm[number]], return_inverse=True)
            rows.append(place + len(self.live))
            columns.append(pairs.row[warm[number]])
            parts.append(part[warm[number]])
            self.live.extend(Cause(handler=not causes.single, number=int(which)) for which in present)
        self._place = {cause: place for place, cause in enumerate(self.live)}
        shape = (len(self.live), len(graph.constant))
        self._parts = csr_array((np.concatenate(parts), (np.concatenate(rows), np.concatenate(columns))), shape=shape)

    def partners(self, cause: Cause) -> tuple[Cause, ...]:
        """Up to three causes that overlap most with this one."""
        overlap = self._overlap(cause)
        order = np.argsort(-overlap, kind="stable")[:PARTNERS]
        return tuple(self.live[place] for place in order if overlap[place] > LEAST_OVERLAP)

    def tight(self, cause: Cause) -> bool:
        """Whether any other live cause overlaps so much that messages are not to be trusted."""
        if cause not in self._place:
            return False
        own = self._parts[[self._place[cause]]].power(2).sum()
        return bool(self._overlap(cause).max(initial=0.0) >= TIGHT * max(1.0, float(own)))

    def _overlap(self, cause: Cause) -> Floats:
        if cause not in self._place:
            return np.zeros(0)
        place = self._place[cause]
        overlap = np.asarray((self._parts @ self._parts[[place]].T).todense(), dtype=np.float64)[:, 0]
        overlap[place] = 0.0
        return overlap
