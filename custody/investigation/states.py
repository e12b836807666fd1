"""Sums over the states of a few causes that touch the same disputes, exactly.

A handler has 1 + 4 G states (cold; each rate in every shift; each rate in one of three shifts), a site in a shift has
1 + G. For a group of causes the weight of a combination of states is priors x exp(-rate x exposure) x
product_d (M'_d + sum L rate), where M'_d = T_d less the group's own terms: every other cause stays at its mean. States
that touch no dispute act alike and are summed first. Sums that would be too long use every second or third rate.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from custody.investigation.belief import TINY, Causes, Messages
from custody.investigation.causes import Graph, Pairs
from custody.investigation.frame import Floats, Ints
from custody.investigation.log_sum import log_sum
from custody.investigation.passage import SHIFTS

LONG_SUM = 1e7
STRIDES = (1, 2, 3)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Cause:
    """A handler (its number), or a site in a shift (site number x 3 + shift)."""

    handler: bool
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Member:
    """One cause of a group: its own states, merged where they act alike, and what they add to each dispute."""

    part: slice
    place: Ints
    shift: Ints
    full: Floats
    merged: Ints
    weight: Floats
    rate: Floats
    term: Floats


def pairs_of(graph: Graph, cause: Cause) -> Pairs:
    """The pairs of the cause's sort."""
    return graph.handlers if cause.handler else graph.site_shifts


def part_of(graph: Graph, cause: Cause) -> slice:
    """Where the pairs of one cause stand among those of its sort."""
    pairs = pairs_of(graph, cause)
    first = cause.number * SHIFTS if cause.handler else cause.number
    after = first + SHIFTS if cause.handler else first + 1
    start, stop = np.searchsorted(pairs.group, [first, after])
    return slice(int(start), int(stop))


def affordable(graph: Graph, sorts: tuple[Causes, Causes], group: Sequence[Cause], budget: float) -> bool:
    """Whether the sum over a group's states, on every second rate if need be, has at most `budget` terms."""
    shifts = [np.unique(pairs_of(graph, cause).group[part_of(graph, cause)]) for cause in group]
    points = len(sorts[0].grid[:: STRIDES[1]])
    states = [1.0 + points * (1 + len(some) if cause.handler else 1) for cause, some in zip(group, shifts, strict=True)]
    rows = [pairs_of(graph, cause).row[part_of(graph, cause)] for cause in group]
    return float(np.prod(states)) * len(np.unique(np.concatenate(rows))) <= budget


class Enumeration:
    """The joint distribution of the states of a group of causes."""

    def __init__(self, graph: Graph, messages: Messages, sorts: tuple[Causes, Causes], group: Sequence[Cause]) -> None:
        means = {True: messages.handlers, False: messages.site_shifts}
        parts = [part_of(graph, cause) for cause in group]
        rows = [pairs_of(graph, cause).row[part] for cause, part in zip(group, parts, strict=True)]
        touched = np.unique(np.concatenate(rows))
        constant = messages.total[touched].copy()
        for cause, part, row in zip(group, parts, rows, strict=True):
            own = pairs_of(graph, cause).weight[part] * means[cause.handler][part]
            constant -= np.bincount(np.searchsorted(touched, row), own, len(touched))
        self.group = tuple(group)
        self._points = len(sorts[0].grid)
        self._stride, self._members = _members(graph, sorts, group, touched)
        self._constant = np.maximum(constant, TINY)
        self._joint = _joint(self._members, self._constant)

    def states(self, place: int) -> Floats:
        """P of each state of one cause of the group, on the whole grid; cold stands last."""
        member = self._members[place]
        marginal = _others_summed(self._joint, place)
        states = np.exp(member.full - member.weight[member.merged]) * marginal[member.merged]
        return _spread(states, self._points, self._stride)

    def hot(self, place: int) -> float:
        """P(hot) of one cause of the group."""
        return float(self.states(place)[:-1].sum())

    def means(self, place: int) -> Floats:
        """Mean rate of one cause for each of its pairs, the dispute's own evidence left out."""
        member = self._members[place]
        means = np.empty(len(member.place))
        for dispute in np.unique(member.place):
            without = _others_summed(self._joint / _value(self._members, self._constant, int(dispute)), place)
            mine = np.flatnonzero(member.place == dispute)
            means[mine] = (without @ member.rate)[member.shift[mine]] / without.sum()
        return means


def _members(
    graph: Graph, sorts: tuple[Causes, Causes], group: Sequence[Cause], touched: Ints
) -> tuple[int, list[_Member]]:
    for stride in STRIDES:
        members = [_member(graph, sorts[0 if cause.handler else 1], cause, touched, stride) for cause in group]
        if np.prod([float(len(member.weight)) for member in members]) * len(touched) <= LONG_SUM:
            break
    return stride, members


def _member(graph: Graph, causes: Causes, cause: Cause, touched: Ints, stride: int) -> _Member:
    pairs, part = pairs_of(graph, cause), part_of(graph, cause)
    full, rate = _states(_thinned(causes, stride), cause)
    shift = pairs.group[part] % SHIFTS if cause.handler else np.zeros(part.stop - part.start, dtype=np.int64)
    idle = ~rate[:, np.unique(shift)].any(axis=1)
    merged = np.cumsum(~idle) - 1
    merged[idle] = count = int((~idle).sum())
    weight = np.append(full[~idle], log_sum(full[idle]))
    rate = np.concatenate([rate[~idle], np.zeros((1, rate.shape[1]))])
    place = np.searchsorted(touched, pairs.row[part])
    term = np.zeros((len(touched), count + 1))
    np.add.at(term, place, pairs.weight[part, None] * rate[:, shift].T)
    return _Member(part=part, place=place, shift=shift, full=full, merged=merged, weight=weight, rate=rate, term=term)


def _states(causes: Causes, cause: Cause) -> tuple[Floats, Floats]:
    """Log weights of the states of a cause, cold last, and the rate in each state and shift."""
    every, one, cold = causes.states()
    grid, number = causes.grid, cause.number
    if not cause.handler:
        return np.append(one[number], cold[number]), np.append(grid, 0.0)[:, None]
    singles = one[number * SHIFTS : (number + 1) * SHIFTS].reshape(-1)
    rate = np.concatenate([np.repeat(grid[:, None], SHIFTS, axis=1), np.kron(np.eye(SHIFTS), grid[:, None])])
    weight = np.concatenate([every[number], singles, cold[number : number + 1]])
    return weight, np.concatenate([rate, np.zeros((1, SHIFTS))])


def _thinned(causes: Causes, stride: int) -> Causes:
    if stride == 1:
        return causes
    weight = causes.grid_weight[::stride]
    return replace(causes, grid=causes.grid[::stride], grid_weight=weight / weight.sum())


def _spread(states: Floats, points: int, stride: int) -> Floats:
    """States on a thinned grid, set on the whole one."""
    if stride == 1:
        return states
    blocks = states[:-1].reshape(-1, len(range(0, points, stride)))
    whole = np.zeros((len(blocks), points))
    whole[:, ::stride] = blocks
    return np.append(whole.reshape(-1), states[-1])


def _along(values: Floats, axis: int, axes: int) -> Floats:
    return values.reshape(tuple(-1 if place == axis else 1 for place in range(axes)))


def _value(members: Sequence[_Member], constant: Floats, dispute: int) -> Floats:
    """M' + sum L rate of one dispute, for every combination of states."""
    value = np.full((1,) * len(members), constant[dispute])
    for axis, member in enumerate(members):
        value = value + _along(member.term[dispute], axis, len(members))
    return value


def _joint(members: Sequence[_Member], constant: Floats) -> Floats:
    """Probability of every combination of states."""
    score = np.zeros((1,) * len(members))
    for axis, member in enumerate(members):
        score = score + _along(member.weight, axis, len(members))
    for dispute in range(len(constant)):
        score += np.log(_value(members, constant, dispute))
    weight = np.exp(score - score.max())
    return np.asarray(weight / weight.sum())


def _others_summed(joint: Floats, axis: int) -> Floats:
    return np.asarray(joint.sum(axis=tuple(place for place in range(joint.ndim) if place != axis)))
