"""The front door: all disputes of a period and the traffic of the network in, calibrated probabilities out.

Passes (four): evidence with the current numbers -> graph -> belief propagation -> posterior of every dispute ->
learn; the last pass does not learn. Without any history each dispute is judged on priors and its own evidence, with
one hazard of theft for every segment.

Disputes are sorted by id first, so the same disputes in any order give the same bytes.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np

from custody.investigation.belief import (
    START_HANDLER,
    START_SITE_SHIFT,
    Causes,
    Messages,
    believe,
    carry,
    handler_causes,
    propagate,
    responsibility_ratio,
    site_causes,
)
from custody.investigation.causes import Graph, build_graph, theft_evidence
from custody.investigation.docket import THEFTS, Docket, make_docket, split
from custody.investigation.exact import Settled, settle_overlaps
from custody.investigation.frame import NOWHERE, Floats, Frame, make_frame
from custody.investigation.learn import Expected, Model, learn
from custody.investigation.likelihood import LEARNABLE, evidence
from custody.investigation.params import FAMILIES, Params
from custody.investigation.passage import NO_HISTORY, SHIFTS, Dispute, Fleet
from custody.investigation.prior import alone, background, hazards, log_prior, neutral_factors, normalise
from custody.investigation.result import Inference, Judgement
from custody.kernel.errors import Fatal, Rejected

PASSES = 4
FIRST_SWEEPS, MIDDLE_SWEEPS, LAST_SWEEPS = 12, 5, 25
BLOCK = 4096
DEFAULTS = Params()


def run(fleet: Fleet, disputes: Iterable[Dispute], params: Params = DEFAULTS) -> Inference:
    """Judge every dispute of a period together; raises `Rejected` for input that cannot be."""
    ordered = _in_order(disputes)
    frame = make_frame(fleet, ordered)
    docket = make_docket(ordered, frame)
    _check_exposure(docket, frame)
    return _passes(ordered, docket, frame, params)


def judge_alone(dispute: Dispute, params: Params = DEFAULTS) -> Judgement:
    """One dispute without any history: priors and its own evidence."""
    return run(NO_HISTORY, [dispute], params).judgement(dispute.id)


def _cold_hazard(docket: Docket, frame: Frame, params: Params) -> Floats:
    return background(docket, params) if frame.known else alone(docket, params)


def _in_order(disputes: Iterable[Dispute]) -> tuple[Dispute, ...]:
    ordered = tuple(sorted(disputes, key=lambda dispute: dispute.id))
    for earlier, later in pairwise(ordered):
        if earlier.id == later.id:
            raise Rejected("duplicate", f"dispute {later.id} stands in the list twice", fix="Give each dispute once.")
    return ordered


def _check_exposure(docket: Docket, frame: Frame) -> None:
    """Refuse traffic that is smaller than the disputed parcels which provably passed."""
    if not frame.known:
        return
    opened = docket.scanned[:, :-1] & docket.valid
    row, segment = docket.seat_row, docket.seat_segment
    certain = opened[row, segment] & (docket.seat_share == 1.0) & docket.high[row] & (docket.seat_handler != NOWHERE)
    group = docket.seat_handler[certain] * SHIFTS + docket.shift[row, segment][certain]
    held = frame.held[:-1].reshape(-1)
    if (short := np.bincount(group, minlength=len(held)) > held + 1e-6).any():
        name = frame.handlers.names[int(np.flatnonzero(short)[0]) // SHIFTS]
        raise _too_small(f"handler {name} holds more disputed parcels than parcels")
    passed = np.bincount(docket.site_step[opened], minlength=len(frame.site_steps))
    if (short := passed > frame.passes[:-1] + 1e-6).any():
        site, step = frame.site_steps.names[int(np.flatnonzero(short)[0])]
        raise _too_small(f"{site}, {step}, has more disputed parcels than parcels")
    if len(docket) > frame.parcels:
        raise _too_small(f"{len(docket)} disputes about {frame.parcels} parcels")


def _too_small(why: str) -> Rejected:
    return Rejected(
        "exposure", f"the traffic does not cover the disputes: {why}", fix="Count every parcel, disputed ones included."
    )


def _passes(disputes: Sequence[Dispute], docket: Docket, frame: Frame, params: Params) -> Inference:
    learning = params.learn and frame.known and len(docket) > 0
    moving = LEARNABLE if learning else frozenset[str]()
    steady = _blocks(docket, frame, params, frozenset(FAMILIES) - moving)
    model = Model(params=params, factors=neutral_factors(frame), began=params)
    before: Inference | None = None
    for number in range(PASSES if learning else 1):
        last = not learning or number == PASSES - 1
        sweeps = LAST_SWEEPS if last else FIRST_SWEEPS if number == 0 else MIDDLE_SWEEPS
        rows = steady + _blocks(docket, frame, model.params, moving)
        before = _believe(disputes, docket, frame, model, rows=rows, before=before, sweeps=sweeps, last=last)
        if last:
            break
        model = learn(docket, frame, model, expected=_expected(before), with_area=number >= 1)
    if before is None:
        raise Fatal("passes", "inference made no pass", fix="Give PASSES at least one.")
    return before


def _blocks(docket: Docket, frame: Frame, params: Params, names: frozenset[str]) -> Floats:
    """Evidence in blocks of rows, to keep temporaries small."""
    out = np.zeros((len(docket), docket.hypotheses))
    for start in range(0, len(docket), BLOCK):
        stop = min(start + BLOCK, len(docket))
        part = docket if (start, stop) == (0, len(docket)) else docket.rows(start, stop)
        out[start:stop] = evidence(part, params, len(frame.sites), names)
    return out


def _believe(
    disputes: Sequence[Dispute],
    docket: Docket,
    frame: Frame,
    model: Model,
    *,
    rows: Floats,
    before: Inference | None,
    sweeps: int,
    last: bool,
) -> Inference:
    """One E step: graph, messages, beliefs, hazards and the posterior of every dispute."""
    params = model.params
    cold = _cold_hazard(docket, frame, params)
    weights = hazards(docket, frame, params, factors=model.factors, theft=cold, disputes=len(docket))
    score = log_prior(docket, weights, params.theta) + rows
    graph = build_graph(docket, frame, theft=theft_evidence(docket, rows, params.theta), cold_score=score)
    settled = _settle(graph, (handler_causes(frame, params), site_causes(frame, params)), before, sweeps)
    if last:
        settled = settle_overlaps(settled)
    hazard = cold + _hot_terms(docket, graph, settled.messages)
    seg, _ = split(score, docket.width)
    seg[:, :THEFTS] += np.log(np.divide(hazard, cold, out=np.ones_like(cold), where=cold > 0))[:, None, :]
    return Inference(
        disputes=tuple(disputes),
        place={dispute.id: number for number, dispute in enumerate(disputes)},
        docket=docket,
        frame=frame,
        model=model,
        evidence=rows,
        hazard=hazard,
        cold_hazard=cold,
        posterior=normalise(score),
        graph=graph,
        messages=settled.messages,
        handler_belief=settled.beliefs[0],
        site_belief=settled.beliefs[1],
        handler_causes=settled.sorts[0],
        site_causes=settled.sorts[1],
    )


def _settle(graph: Graph, sorts: tuple[Causes, Causes], before: Inference | None, sweeps: int) -> Settled:
    messages = propagate(graph, *sorts, start=_carried(graph, before), sweeps=sweeps)
    ratios = (
        responsibility_ratio(graph.handlers, messages.handlers, messages.total),
        responsibility_ratio(graph.site_shifts, messages.site_shifts, messages.total),
    )
    beliefs = (
        believe(graph.handlers, ratios[0], sorts[0]),
        believe(graph.site_shifts, ratios[1], sorts[1]),
    )
    return Settled(graph=graph, messages=messages, sorts=sorts, beliefs=beliefs)


def _carried(graph: Graph, before: Inference | None) -> tuple[Floats, Floats] | None:
    if before is None:
        return None
    old, means = before.graph, before.messages
    return (
        carry(old.handlers, means.handlers, graph.handlers, START_HANDLER),
        carry(old.site_shifts, means.site_shifts, graph.site_shifts, START_SITE_SHIFT),
    )


def _hot_terms(docket: Docket, graph: Graph, messages: Messages) -> Floats:
    """Sum of share x cavity mean over everyone and everything that may have acted in a segment."""
    hot = np.zeros(len(docket) * docket.width)
    for pairs, mean in ((graph.handlers, messages.handlers), (graph.site_shifts, messages.site_shifts)):
        cell = pairs.seat_row * docket.width + pairs.seat_segment
        hot += np.bincount(cell, pairs.seat_share * mean[pairs.seat_pair], len(hot))
    return hot.reshape(len(docket), docket.width)


def _expected(result: Inference) -> Expected:
    return Expected(
        posterior=result.posterior,
        hazard=result.hazard,
        background=result.cold_hazard,
        hot_handlers=result.handler_belief.hot[result.frame.held[:-1].sum(axis=1) > 0],
        hot_site_shifts=result.site_belief.hot[result.frame.shifted[:-1].reshape(-1) > 0],
    )
