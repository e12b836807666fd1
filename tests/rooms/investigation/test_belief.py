"""Belief propagation: the golden graph, the cavity, and agreement with brute force."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from custody.investigation import belief
from custody.investigation.belief import Causes, Messages, believe, propagate, responsibility_ratio
from custody.investigation.causes import Graph, Pairs
from custody.investigation.frame import Floats
from custody.investigation.params import Params
from custody.investigation.states import Cause, Enumeration

GRID = Params()


def pairs(rows: list[int], groups: list[int], weights: list[float]) -> Pairs:
    order = np.lexsort((rows, groups))
    row, group = np.array(rows, dtype=np.int64)[order], np.array(groups, dtype=np.int64)[order]
    number = np.arange(len(row), dtype=np.int64)
    return Pairs(
        row=row,
        group=group,
        weight=np.array(weights, dtype=np.float64)[order],
        key=group * 1000 + row,
        seat_row=row,
        seat_segment=np.zeros(len(row), dtype=np.int64),
        seat_share=np.ones(len(row)),
        seat_pair=number,
    )


def causes(exposure: list[float], share: float, *, single: bool) -> Causes:
    return Causes(
        single=single,
        exposure=np.array(exposure),
        share=share,
        grid=GRID.grid,
        grid_weight=GRID.grid_weight,
        reported=1.0,
    )


NOBODY = pairs([], [], [])


class Apart(Causes):
    """Two causes with prior shares of their own, for the golden graph."""

    def states(self) -> tuple[Floats, Floats, Floats]:
        shares = np.array([0.012, 0.010])
        one = np.log(shares)[:, None] + np.log(self.grid_weight) - self.grid * self.exposure[:, None]
        return one, one, np.log1p(-shares)


def golden() -> tuple[Graph, Causes, Causes]:
    graph = Graph(
        constant=np.array([0.001, 0.002, 0.0005, 0.004]),
        handlers=NOBODY,
        site_shifts=pairs([0, 1, 1, 2, 2, 3], [0, 0, 1, 0, 1, 1], [1.0, 0.8, 0.3, 0.5, 1.0, 0.6]),
    )
    plain = causes([380.0, 855.0], 0.01, single=True)
    apart = Apart(
        single=True,
        exposure=plain.exposure,
        share=plain.share,
        grid=plain.grid,
        grid_weight=plain.grid_weight,
        reported=1.0,
    )
    return graph, causes([], 0.01, single=False), apart


def settle(graph: Graph, handlers: Causes, sites: Causes) -> Messages:
    return propagate(graph, handlers, sites, start=None, sweeps=200)


def test_the_golden_graph_gives_the_golden_beliefs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(belief, "RESIDUAL", 1e-12)
    graph, handlers, sites = golden()
    messages = settle(graph, handlers, sites)
    ratio = responsibility_ratio(graph.site_shifts, messages.site_shifts, messages.total)
    assert believe(graph.site_shifts, ratio, sites).hot == pytest.approx([0.08575, 0.00436], abs=5e-6)
    both = Enumeration(graph, messages, (handlers, sites), [Cause(handler=False, number=number) for number in (0, 1)])
    exact = [both.hot(0), both.hot(1)]
    assert exact == pytest.approx([0.08579, 0.00441], abs=5e-6)
    due = graph.site_shifts.weight * messages.site_shifts / messages.total[graph.site_shifts.row]
    assert due == pytest.approx([0.0701, 0.0560, 0.0700, 0.0013, 0.0037, 0.0013], abs=1e-4)


def test_exact_shares_of_the_golden_graph_are_the_golden_shares() -> None:
    graph, _, sites = golden()
    every, _, cold = sites.states()
    pairs_of = graph.site_shifts
    total, due = 0.0, np.zeros(len(pairs_of))
    rates = np.append(sites.grid, 0.0)
    for first, second in product(range(len(rates)), repeat=2):
        states = np.array([np.append(every[cause], cold[cause])[state] for cause, state in enumerate((first, second))])
        rate = rates[[first, second]]
        terms = pairs_of.weight * rate[pairs_of.group]
        value = graph.constant + np.bincount(pairs_of.row, terms, 4)
        weight = np.exp(states.sum()) * value.prod()
        total += weight
        due += weight * terms / value[pairs_of.row]
    assert due / total == pytest.approx([0.0701, 0.0560, 0.0700, 0.0013, 0.0037, 0.0013], abs=5e-5)


def brute(graph: Graph, handlers: Causes, number: int) -> float:
    """P(hot) of a handler by summing over every state of every handler."""
    every, one, cold = handlers.states()
    options = []
    for handler in range(len(cold)):
        states = [(cold[handler], np.zeros(3))]
        for point, rate in enumerate(handlers.grid):
            states.append((every[handler, point], np.full(3, rate)))
            states.extend((one[handler * 3 + shift, point], rate * np.eye(3)[shift]) for shift in range(3))
        options.append(states)
    hot = total = 0.0
    for combination in product(*options):
        weight = np.exp(sum(state[0] for state in combination))
        value = graph.constant.copy()
        for row, group, term in zip(graph.handlers.row, graph.handlers.group, graph.handlers.weight, strict=True):
            value[row] += term * combination[group // 3][1][group % 3]
        weight *= value.prod()
        total += weight
        hot += weight if combination[number][1].any() else 0.0
    return hot / total


def small_graph() -> tuple[Graph, Causes, Causes]:
    graph = Graph(
        constant=np.array([0.003, 0.001, 0.002, 0.0008]),
        handlers=pairs([0, 1, 1, 2, 3, 3], [0, 0, 4, 1, 0, 5], [0.9, 0.7, 0.4, 1.0, 0.8, 0.5]),
        site_shifts=NOBODY,
    )
    few = replace(causes([100.0, 80.0, 90.0, 60.0, 50.0, 70.0], 0.05, single=False), grid=np.array([0.004, 0.02, 0.1]))
    few = replace(few, grid_weight=np.array([0.5, 0.3, 0.2]))
    return graph, few, causes([], 0.01, single=True)


def test_messages_agree_with_brute_force_where_causes_hardly_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(belief, "RESIDUAL", 1e-12)
    graph, handlers, sites = small_graph()
    messages = settle(graph, handlers, sites)
    ratio = responsibility_ratio(graph.handlers, messages.handlers, messages.total)
    believed = believe(graph.handlers, ratio, handlers).hot
    assert believed == pytest.approx([brute(graph, handlers, number) for number in (0, 1)], abs=1e-2)


@pytest.mark.parametrize("number", [0, 1])
def test_enumeration_is_exact_for_a_whole_component(number: int) -> None:
    graph, handlers, sites = small_graph()
    messages = settle(graph, handlers, sites)
    group = [Cause(handler=True, number=number), Cause(handler=True, number=1 - number)]
    exact = Enumeration(graph, messages, (handlers, sites), group)
    assert exact.hot(0) == pytest.approx(brute(graph, handlers, number), rel=1e-9)
    assert exact.states(0).sum() == pytest.approx(1.0)


def test_a_dispute_never_counts_its_own_evidence_twice() -> None:
    graph = Graph(constant=np.array([1e-4]), handlers=NOBODY, site_shifts=pairs([0], [0], [1.0]))
    sites = causes([500.0], 0.01, single=True)
    messages = settle(graph, causes([], 0.01, single=False), sites)
    prior = believe(NOBODY, np.zeros(0), sites)
    assert messages.site_shifts == pytest.approx(prior.mean(), rel=1e-9)


def test_exposure_alone_makes_a_cause_colder() -> None:
    held = causes([0.0, 0.0, 0.0, 1000.0, 1000.0, 1000.0], 0.012, single=False)
    belief = believe(NOBODY, np.zeros(0), held)
    assert belief.hot[0] == pytest.approx(0.012)
    assert belief.hot[1] < 0.002


@pytest.mark.parametrize("tile", [1, 3, 7])
def test_tiles_do_not_change_the_answer(monkeypatch: pytest.MonkeyPatch, tile: int) -> None:
    graph, handlers, sites = small_graph()
    whole = settle(graph, handlers, sites)
    monkeypatch.setattr(belief, "TILE", tile)
    cut = settle(graph, handlers, sites)
    assert cut.handlers == pytest.approx(whole.handlers, rel=1e-12)


def test_means_are_carried_over_by_who_and_what_they_are_about() -> None:
    old, new = pairs([0, 1], [0, 2], [1.0, 1.0]), pairs([1, 1], [2, 3], [1.0, 1.0])
    assert belief.carry(old, np.array([0.5, 0.25]), new, 9.0).tolist() == [0.25, 9.0]
    assert belief.carry(NOBODY, np.zeros(0), new, 9.0).tolist() == [9.0, 9.0]


def test_states_of_a_handler_share_its_prior() -> None:
    held = causes([0.0, 0.0, 0.0], 0.012, single=False)
    every, one, cold = held.states()
    assert np.exp(every).sum() == pytest.approx(0.006)
    assert np.exp(one).sum(axis=1) == pytest.approx([0.002] * 3)
    assert np.exp(cold) == pytest.approx([0.988])
