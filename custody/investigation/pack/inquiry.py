"""What an investigation rested on and what it answered, written so that anybody can compute it again.

`write_inquiry` makes the JSON value that is kept with the dispute and goes into a pack as investigation.json:

- `inputs`: the dispute's own passage, and what checks of its chain have shown (`checked`); every number of the model
  with its source; what the history of the network says of this chain: its hazard of theft by segment (with and without
  hot causes), the factors of its sites and route, the own baselines of the people and shifts on it, the sites and
  regions, how many parcels and disputes there were.
- `answer`: the table, kinds and shares, the statement in words, the figures for naming, the reasons in decibans, the
  next checks.

`check_inquiry` computes the answer again from the hazards on and compares; figures may differ by `TOLERANCE`, words by
nothing. The hazards are taken as they stand: they come from everybody's traffic and the disputes of others, and those
do not go along. Nothing in it names or scores a customer (`customer_region` is a part of the country).

What the earlier formats have not stands in `earlier.py`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from custody.investigation.answer import InvestigationAnswer, describe
from custody.investigation.checks import RankedCheck, next_checks, usual_checks, with_results
from custody.investigation.docket import make_docket
from custody.investigation.explain import Explanation, explain
from custody.investigation.frame import Frame, make_frame
from custody.investigation.learn import Model
from custody.investigation.likelihood import evidence
from custody.investigation.naming import Naming, weigh_again, without_behaviour
from custody.investigation.pack.earlier import EARLIER, FIRST, TO_FIFTH, TO_FOURTH, TO_THIRD, UNBOUND, brought_up
from custody.investigation.pack.habits import own_missed, own_scales, own_shares, regions_of
from custody.investigation.pack.json_form import plain, read_as
from custody.investigation.params import Params
from custody.investigation.passage import Dispute, Fleet, Step
from custody.investigation.prior import Factors, alone, background
from custody.investigation.result import CheckResult, Judgement, judge
from custody.investigation.wording import Wording, state
from custody.kernel.clock import Instant
from custody.kernel.errors import Rejected

FORMAT = "weaklink-investigation/7"
TOLERANCE = 1e-6
WHERE = "investigation.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteFactors:
    """What was learned of one step at one site, its own shares if it has some, what its scales are off by."""

    site: str
    step: Step
    loss: float
    damage: float
    photo: float | None
    seal: float | None
    scale_g: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftOffset:
    """How much longer than elsewhere parcels usually stay at a site in one shift, in log hours."""

    site: str
    shift: int
    offset: float


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What the history of the network says of one chain; arrays go by segment."""

    parcels: int
    disputes: int
    hazard: tuple[float, ...]
    cold_hazard: tuple[float, ...]
    factors: tuple[SiteFactors, ...]
    area: float
    missed_scan: Mapping[str, float]
    dwell_offset: tuple[ShiftOffset, ...]
    regions: Mapping[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """All that one dispute's posterior is computed from."""

    dispute: Dispute
    params: Params
    history: History
    checked: tuple[CheckResult, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """The typed form of the JSON value; `answer` is compared, not interpreted."""

    format: str
    ran_ms: Instant
    inputs: Inputs
    answer: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recomputed:
    """One part of an answer computed again: whether it is as stated, and what it is."""

    ok: bool
    what: str


def write_inquiry(
    judgement: Judgement,
    *,
    naming: Naming,
    explanation: Explanation,
    statement: Wording,
    checks: Sequence[RankedCheck],
    ran_ms: Instant,
) -> dict[str, Any]:
    """The JSON value of one dispute's investigation."""
    inquiry = Inquiry(
        format=FORMAT,
        ran_ms=ran_ms,
        inputs=_inputs(judgement),
        answer=_answer(judgement, naming=naming, explanation=explanation, statement=statement, checks=checks),
    )
    value: dict[str, Any] = plain(inquiry)
    return value


def read_inquiry(value: Any) -> Inquiry:
    """The typed form of a JSON value; raises `Rejected("pack_json")`, or what the values of the model raise."""
    inquiry = read_as(brought_up(value), Inquiry, where=WHERE)
    if inquiry.format not in {FORMAT, *EARLIER}:
        raise Rejected("pack_json", f"{WHERE} is of format {inquiry.format!r}", fix=f"Use a checker of {FORMAT}.")
    return inquiry


def own_params(inquiry: Inquiry) -> Params:
    """The model's own numbers, as they were in the inquiry's format."""
    return Params(intact_most=UNBOUND) if inquiry.format == FIRST else Params()


def check_inquiry(inquiry: Inquiry) -> Iterator[Recomputed]:
    """Each part of the answer, computed again; raises `Rejected` for inputs that cannot be."""
    judgement, stated = _judged(inquiry), inquiry.answer
    figures = _figures(judgement, explain(judgement))
    for part, what in (
        ("table", "the table of probabilities"),
        ("kinds", "the probabilities of each kind of event"),
        ("parties", "the shares by part of the way"),
        ("reasons", "the reasons in decibans"),
    ):
        yield Recomputed(ok=same(figures[part], stated.get(part)), what=what)
    checks = [_check(item) for item in _checks(judgement, inquiry)]
    yield Recomputed(ok=same(checks, stated.get("checks")), what="the next checks")
    naming = stated.get("naming")
    segment = naming.get("segment") if isinstance(naming, dict) else None
    if not isinstance(naming, dict) or segment != int(judgement.theft.argmax()):
        yield Recomputed(ok=False, what="the likeliest place of a theft")
        return
    own = {"theft": judgement.theft[segment], "physical": without_behaviour(judgement).theft[segment]}
    figures_ok = all(same(float(figure), naming.get(key)) for key, figure in own.items())
    yield Recomputed(ok=figures_ok, what="the probability of a theft there, with all and with physical evidence")
    yield Recomputed(ok=_said(judgement, inquiry), what="the leading sentence, the possibilities and the shares")


def rejudge(inputs: Inputs, *, wild: bool = False) -> Judgement:
    """The judgement of one dispute, from its passage, numbers and the hazards of its chain; `wild` as a docket's."""
    history, params, dispute = inputs.history, inputs.params, inputs.dispute
    count = len(dispute.segments)
    if len(history.hazard) != count or len(history.cold_hazard) != count:
        raise Rejected("pack_json", f"{WHERE}: the hazards do not fit the chain", fix="Ask for the pack as exported.")
    frame = make_frame(_chain_fleet(history, dispute), [dispute])
    docket = make_docket([dispute], frame, wild=wild)
    cold = background(docket, params) if frame.known else alone(docket, params)
    if not same([float(x) for x in cold[0]], list(history.cold_hazard)) or (cold[0] > history.hazard).any():
        raise Rejected("pack_json", f"{WHERE}: the hazards are not those of the numbers", fix="Ask for it as exported.")
    judgement = judge(
        dispute,
        docket,
        frame,
        Model(params=params, factors=_factors(history, frame), began=params),
        rows=evidence(docket, params, len(frame.sites)),
        hazard=np.array([history.hazard]),
        cold=np.array([history.cold_hazard]),
        disputes=history.disputes,
    )
    return with_results(judgement, inputs.checked)


def check_naming(inquiry: Inquiry) -> Recomputed:
    """Whether the stated figures for naming lead to what is named, however many disputes they rest on."""
    stated = read_as(inquiry.answer.get("naming"), Naming, where=WHERE)
    again = weigh_again(_judged(inquiry), stated)
    what = "what may be named, by the figures that are given for it"
    return Recomputed(ok=same(plain(again), plain(stated)), what=what)


def stored_again(inquiry: Inquiry) -> dict[str, Any]:
    """The answer as the service stores it, computed again, without hotspots: those are of the whole network."""
    judgement, stated = _judged(inquiry), inquiry.answer
    finding = InvestigationAnswer(
        judgement=judgement,
        naming=read_as(stated.get("naming"), Naming, where=WHERE),
        statement=read_as(stated.get("statement"), Wording, where=WHERE),
        explanation=explain(judgement),
        checks=tuple(_checks(judgement, inquiry)),
        hotspots=(),
        disputes=inquiry.inputs.history.disputes,
        parcels=inquiry.inputs.history.parcels,
    )
    value: dict[str, Any] = plain(describe(finding))
    del value["hotspots"]
    for check in value["checks"]:
        if inquiry.format in TO_FOURTH:
            del check["own"]
        if inquiry.format in TO_FIFTH:
            del check["stay"]
    return value


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same, figures within the tolerance."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return bool(abs(one - other) <= TOLERANCE * max(1.0, abs(one)))
    return bool(one == other)


def _judged(inquiry: Inquiry) -> Judgement:
    return rejudge(inquiry.inputs, wild=inquiry.format in TO_THIRD)


def _answer(
    judgement: Judgement,
    *,
    naming: Naming,
    explanation: Explanation,
    statement: Wording,
    checks: Sequence[RankedCheck],
) -> dict[str, Any]:
    return {
        **_figures(judgement, explanation),
        "checks": [_check(item) for item in checks],
        "naming": plain(naming),
        "statement": plain(statement),
    }


def _figures(judgement: Judgement, explanation: Explanation) -> dict[str, Any]:
    return {
        "table": [[column, share] for column, share in judgement.table()],
        "kinds": judgement.by_kind(),
        "parties": {str(party): share for party, share in judgement.parties().items()},
        "reasons": {**plain(explanation), "words": [reason.words for reason in explanation.reasons]},
    }


def _said(judgement: Judgement, inquiry: Inquiry) -> bool:
    """Whether the words that need no other dispute are those that the figures lead to."""
    naming = read_as(inquiry.answer.get("naming"), Naming, where=WHERE)
    return bool(_statement(judgement, naming, inquiry) == inquiry.answer.get("statement"))


def _statement(judgement: Judgement, naming: Naming, inquiry: Inquiry) -> Any:
    checks, why = _checks(judgement, inquiry), explain(judgement)
    ties, times = inquiry.format != FIRST, inquiry.format not in TO_THIRD
    return plain(state(judgement, naming, explanation=why, checks=checks, ties=ties, times=times))


def _check(item: RankedCheck) -> dict[str, Any]:
    return {
        "key": item.check.key,
        "title": item.check.title,
        "who": item.check.who,
        "minutes": item.check.minutes,
        "expires_ms": item.check.expires_ms,
        "bits": item.bits,
        "chance": item.chance,
    }


def _checks(judgement: Judgement, inquiry: Inquiry) -> list[RankedCheck]:
    """The usual checks ranked again, as many as were stated."""
    rows = inquiry.answer.get("checks")
    listed = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    expires = {
        int(row["key"].removeprefix("camera-")): row["expires_ms"]
        for row in listed
        if _is_camera(row.get("key")) and isinstance(row.get("expires_ms"), int)
    }
    words, times = inquiry.format != FIRST, inquiry.format not in TO_FOURTH
    usual = usual_checks(judgement, footage_expires_ms=expires, words=words, times=times)
    return next_checks(judgement, usual)[: len(listed)]


def _is_camera(key: Any) -> bool:
    return isinstance(key, str) and key.startswith("camera-") and key.removeprefix("camera-").isdecimal()


def _inputs(judgement: Judgement) -> Inputs:
    return Inputs(
        dispute=judgement.dispute,
        params=judgement.params,
        history=_history(judgement),
        checked=judgement.checked,
    )


def _history(judgement: Judgement) -> History:
    dispute, frame, factors = judgement.dispute, judgement.frame, judgement.model.factors
    photos, seals, scales = own_shares(frame, frame.photo), own_shares(frame, frame.seal), own_scales(frame)
    people = {name for segment in dispute.segments for name in (segment.handler, *segment.roster) if name is not None}
    places = sorted({(segment.site, segment.step) for segment in dispute.segments})
    shifts = sorted({(segment.site, segment.shift) for segment in dispute.segments})
    return History(
        parcels=frame.parcels,
        disputes=judgement.disputes,
        hazard=tuple(map(float, judgement.hazard)),
        cold_hazard=tuple(map(float, judgement.cold_hazard)),
        factors=tuple(
            SiteFactors(
                site=site,
                step=step,
                loss=float(factors.loss[frame.site_steps.of((site, step))]),
                damage=float(factors.damage[frame.site_steps.of((site, step))]),
                photo=photos.get((site, step)),
                seal=seals.get((site, step)),
                scale_g=scales[site, step],
            )
            for site, step in places
        ),
        area=float(factors.area[frame.routes.of(dispute.route)]),
        missed_scan={name: rate for name, rate in own_missed(frame).items() if name in people},
        dwell_offset=tuple(
            ShiftOffset(site=site, shift=shift, offset=float(frame.dwell_offset[frame.sites.of(site), shift]))
            for site, shift in shifts
        ),
        regions=regions_of(frame),
    )


def _chain_fleet(history: History, dispute: Dispute) -> Fleet:
    """As much of a fleet as one chain needs; its exposures play no part once the hazards are known."""
    return Fleet(
        parcels=history.parcels,
        regions=dict(history.regions),
        routes={} if dispute.route is None else {dispute.route: 0.0},
        missed_scan=dict(history.missed_scan),
        dwell_offset={(row.site, row.shift): row.offset for row in history.dwell_offset},
        photo={(row.site, row.step): row.photo for row in history.factors if row.photo is not None},
        scale_g={(row.site, row.step): row.scale_g for row in history.factors},
        seal={(row.site, row.step): row.seal for row in history.factors if row.seal is not None},
    )


def _factors(history: History, frame: Frame) -> Factors:
    loss, damage = np.ones(len(frame.site_steps) + 1), np.ones(len(frame.site_steps) + 1)
    for row in history.factors:
        place = frame.site_steps.of((row.site, row.step))
        loss[place], damage[place] = row.loss, row.damage
    return Factors(loss=loss, damage=damage, area=np.full(len(frame.routes) + 1, history.area))
