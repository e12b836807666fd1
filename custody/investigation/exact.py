"""The exact check before anybody is named: sum over states instead of passing messages.

Messages are weak where few causes overlap tightly. So each candidate (P(hot) >= .5) is enumerated with up to three live
partners (P(hot) >= .02) whose overlap - the sum over disputes of the product of responsibilities - is largest and over
.01; all other causes stay at their believed means: M'_d = T_d - the group's own terms. The sum runs over the product of
states (handler 1 + 4 G, site and shift 1 + G) of priors x product_d (M'_d + sum L rate). Groups of three or four use
every second rate, and every third where the sum would still be too long. Only the smaller of both figures may name.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array

from custody.investigation.causes import Graph, Pairs
from custody.investigation.frame import Floats, Ints
from custody.investigation.joint import TINY, Causes, Messages
from custody.investigation.logs import log_sum
from custody.investigation.result import Result
from custody.investigation.values import SHIFTS

CANDIDATE = 0.5
LIVE = 0.02
LEAST_OVERLAP = 0.01
PARTNERS = 3
LONG_SUM = 2e7


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Cause:
    """A handler (its number), or a site in a shift (site number x 3 + shift)."""

    handler: bool
    number: int


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


def check_candidates(result: Result, *, candidate: float = CANDIDATE) -> dict[Cause, ExactCheck]:
    """The exact check of every cause that could be named."""
    live = _live(result)
    overlap = _overlap(result, live)
    checks = {}
    for place, cause in enumerate(live):
        believed = believed_hot(result, cause)
        if believed < candidate:
            continue
        order = np.argsort(-overlap[place], kind="stable")
        chosen = [int(other) for other in order if other != place and overlap[place, other] > LEAST_OVERLAP]
        partners = tuple(live[other] for other in chosen[:PARTNERS])
        exact = enumerate_hot(result.graph, result.messages, (result.handler_causes, result.site_causes),
                              [cause, *partners])  # fmt: skip
        checks[cause] = ExactCheck(cause=cause, believed=believed, exact=exact, partners=partners)
    return checks


def verify(result: Result, cause: Cause) -> ExactCheck:
    """The exact check of one cause, whatever is believed of it."""
    checks = check_candidates(result, candidate=0.0)
    if cause in checks:
        return checks[cause]
    believed = believed_hot(result, cause)
    return ExactCheck(cause=cause, believed=believed, exact=believed, partners=())


def believed_hot(result: Result, cause: Cause) -> float:
    """P(hot) by messages."""
    belief = result.handler_belief if cause.handler else result.site_belief
    return float(belief.hot[cause.number])


def pair_slice(pairs: Pairs, cause: Cause) -> slice:
    """The pairs of one cause."""
    first = cause.number * SHIFTS if cause.handler else cause.number
    after = first + SHIFTS if cause.handler else first + 1
    return slice(*np.searchsorted(pairs.group, [first, after]))


def pairs_of(graph: Graph, cause: Cause) -> Pairs:
    """The pairs of the cause's sort."""
    return graph.handlers if cause.handler else graph.site_shifts


def enumerate_hot(graph: Graph, messages: Messages, sorts: tuple[Causes, Causes], group: Sequence[Cause]) -> float:
    """P(hot) of the first cause of a group, by summing over the states of all of them."""
    means = {True: messages.handlers, False: messages.site_shifts}
    slices = [pair_slice(pairs_of(graph, cause), cause) for cause in group]
    rows = [pairs_of(graph, cause).row[part] for cause, part in zip(group, slices, strict=True)]
    touched = np.unique(np.concatenate(rows))
    constant = messages.total[touched].copy()
    for cause, part, row in zip(group, slices, rows, strict=True):
        own = pairs_of(graph, cause).weight[part] * means[cause.handler][part]
        constant -= np.bincount(np.searchsorted(touched, row), own, len(touched))
    stride = _stride(group, len(touched), sorts)
    weights, terms = [], []
    for cause, part in zip(group, slices, strict=True):
        causes = _thinned(sorts[0] if cause.handler else sorts[1], stride)
        weight, rate = _states(causes, cause)
        pairs = pairs_of(graph, cause)
        shift = pairs.group[part] % SHIFTS if cause.handler else np.zeros(part.stop - part.start, dtype=np.int64)
        term = np.zeros((len(touched), len(weight)))
        np.add.at(term, np.searchsorted(touched, pairs.row[part]), pairs.weight[part, None] * rate[:, shift].T)
        weights.append(weight)
        terms.append(term)
    score = _product_sum(weights, terms, np.maximum(constant, TINY))
    cold = log_sum(score[-1].ravel())
    return float(1.0 - np.exp(cold - log_sum(score.ravel())))


def _product_sum(weights: list[Floats], terms: list[Floats], constant: Floats) -> Floats:
    """Log weight of every combination of states; the first cause's states lead."""
    sizes = len(weights)
    score = np.zeros(tuple(len(weight) for weight in weights))
    for place, weight in enumerate(weights):
        score = score + _along(weight, place, sizes)
    for number, base in enumerate(constant):
        value = np.full((1,) * sizes, base)
        for place, term in enumerate(terms):
            value = value + _along(term[number], place, sizes)
        score += np.log(value)
    return score


def _along(values: Floats, place: int, sizes: int) -> Floats:
    return values.reshape(tuple(-1 if axis == place else 1 for axis in range(sizes)))


def _states(causes: Causes, cause: Cause) -> tuple[Floats, Floats]:
    """Log weights of the states of a cause, cold last, and the rate in each state and shift."""
    every, one, cold = causes.states()
    grid = causes.grid
    if not cause.handler:
        weight = np.append(one[cause.number], cold[cause.number])
        return weight, np.append(grid, 0.0)[:, None]
    singles = one[cause.number * SHIFTS : (cause.number + 1) * SHIFTS]
    weight = np.concatenate([every[cause.number], singles.reshape(-1), cold[cause.number : cause.number + 1]])
    rate = np.zeros((len(weight), SHIFTS))
    count = len(grid)
    rate[:count] = grid[:, None]
    for shift in range(SHIFTS):
        rate[count * (shift + 1) : count * (shift + 2), shift] = grid
    return weight, rate


def _stride(group: Sequence[Cause], disputes: int, sorts: tuple[Causes, Causes]) -> int:
    if len(group) <= 2:
        return 1
    points = len(sorts[0].grid[::2])
    states = np.prod([1.0 + (4 if cause.handler else 1) * points for cause in group])
    return 2 if states * disputes <= LONG_SUM else 3


def _thinned(causes: Causes, stride: int) -> Causes:
    weight = causes.grid_weight[::stride]
    return replace(causes, grid=causes.grid[::stride], grid_weight=weight / weight.sum())


def _live(result: Result) -> list[Cause]:
    live: list[Cause] = []
    for handler, belief, pairs in (
        (True, result.handler_belief, result.graph.handlers),
        (False, result.site_belief, result.graph.site_shifts),
    ):
        with_pairs = np.unique(pairs.group // SHIFTS if handler else pairs.group)
        numbers = with_pairs[belief.hot[with_pairs] >= LIVE]
        live.extend(Cause(handler=handler, number=int(number)) for number in numbers)
    return live


def _overlap(result: Result, live: list[Cause]) -> Floats:
    rows: list[Ints] = []
    columns: list[Ints] = []
    shares: list[Floats] = []
    means = {True: result.messages.handlers, False: result.messages.site_shifts}
    for place, cause in enumerate(live):
        pairs = pairs_of(result.graph, cause)
        part = pair_slice(pairs, cause)
        column = pairs.row[part]
        shares.append(pairs.weight[part] * means[cause.handler][part] / result.messages.total[column])
        rows.append(np.full(len(column), place))
        columns.append(column)
    if not live:
        return np.zeros((0, 0))
    shape = (len(live), len(result.docket))
    responsible = csr_array((np.concatenate(shares), (np.concatenate(rows), np.concatenate(columns))), shape=shape)
    return np.asarray((responsible @ responsible.T).todense(), dtype=np.float64)
