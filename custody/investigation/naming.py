"""When a link may be named to act on, and when a person may.

A link: P(theft in s) >= .8; physical evidence alone (dwell and photo left out, same hazards) still >= .5; still >= .8
when every cause counts with the smaller of believed and exact P(hot); caps on. A person in addition: the case's own
evidence, with four times the background in place of fleet history, >= .2; at least 2.5 disputes charged; the person's
own P(hot) >= .8 both ways. History may rank links; it may not alone name a person.

Below that nothing is named: the answer says what is not known and which check would help.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from custody.investigation.checks import shown
from custody.investigation.exact import ExactCheck, check_candidates
from custody.investigation.frame import NOWHERE, Floats
from custody.investigation.hotspots import LEAST_CHARGED, charges
from custody.investigation.likelihood import evidence
from custody.investigation.passage import SHIFTS
from custody.investigation.result import Inference, Judgement
from custody.investigation.states import Cause

NAME = 0.8
PHYSICAL_LEAST = 0.5
CASE_LEAST = 0.2
CASE_FACTOR = 4.0
KNOWN, SURE = "a known custodian", "probability that this custodian is hot"


class NamingOutcome(StrEnum):
    """What an investigation may say about one dispute."""

    NAMED = "named"
    NEEDS_CHECK = "needs a check"
    UNRESOLVED = "unresolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmet:
    """A rule that forbids naming, with the figure and what it would have to be."""

    rule: str
    figure: float
    wanted: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """What may be named in one dispute, by which figures. `segment` is the likeliest place of a theft."""

    verdict: NamingOutcome
    segment: int
    link_named: bool
    person_named: bool
    handler: str | None
    theft: float
    physical: float
    exact: float
    case: float
    charged: float
    against_link: tuple[Unmet, ...]
    against_person: tuple[Unmet, ...]


@dataclass(frozen=True, kw_only=True)
class NamingRules:
    """The exact checks and charges of one run, made once and used for each of its disputes."""

    result: Inference
    checks: Mapping[Cause, ExactCheck]
    charged: Floats


def naming_rules(result: Inference) -> NamingRules:
    """What naming needs of a run."""
    checks = check_candidates(result.settled) if result.frame.known else {}
    return NamingRules(result=result, checks=checks, charged=charges(result)[0])


def name(judgement: Judgement, rules: NamingRules) -> Naming:
    """What may be named in a dispute of the run."""
    segment = int(judgement.theft.argmax())
    exact = judgement.rejudged(hazard=_checked_hazard(judgement, rules)).theft[segment]
    cause, charged, least = _person(judgement.dispute.segments[segment].handler, rules)
    return weigh(judgement, exact=float(exact), known=cause is not None, charged=charged, hot=least)


def weigh(judgement: Judgement, *, exact: float, known: bool, charged: float, hot: float) -> Naming:
    """What may be named, given what only the whole run tells.

    `exact` is the probability after the exact check; of the custodian there, `known` says that the run knows them,
    `charged` how many disputes are charged to them, and `hot` how sure it is that they are hot.
    """
    theft = judgement.theft
    segment = int(theft.argmax())
    physical = without_behaviour(judgement).theft[segment]
    case = case_alone(judgement).theft[segment]
    link = [
        Unmet(rule="probability of theft in this link", figure=float(theft[segment]), wanted=NAME),
        Unmet(rule="probability by physical evidence", figure=float(physical), wanted=PHYSICAL_LEAST),
        Unmet(rule="probability after the exact check", figure=exact, wanted=NAME),
        Unmet(rule="caps on what evidence may say", figure=float(judgement.params.caps), wanted=1.0),
    ]
    person = [
        Unmet(rule=KNOWN, figure=float(known), wanted=1.0),
        Unmet(rule="probability by this case's own evidence", figure=float(case), wanted=CASE_LEAST),
        Unmet(rule="disputes charged", figure=charged, wanted=LEAST_CHARGED),
        Unmet(rule=SURE, figure=hot, wanted=NAME),
    ]
    against_link = tuple(rule for rule in link if rule.figure < rule.wanted)
    against_person = against_link + tuple(rule for rule in person if rule.figure < rule.wanted)
    return Naming(
        verdict=_outcome(judgement, named=not against_link),
        segment=segment,
        link_named=not against_link,
        person_named=not against_person,
        handler=judgement.dispute.segments[segment].handler,
        theft=float(theft[segment]),
        physical=float(physical),
        exact=exact,
        case=float(case),
        charged=charged,
        against_link=against_link,
        against_person=against_person,
    )


def weigh_again(judgement: Judgement, stated: Naming) -> Naming:
    """What may be named if the stated figures that only the whole run tells are believed."""
    unmet = {rule.rule: rule.figure for rule in stated.against_person}
    known = stated.handler is not None and KNOWN not in unmet
    hot = unmet.get(SURE, NAME)
    return weigh(judgement, exact=stated.exact, known=known, charged=stated.charged, hot=hot)


def without_behaviour(judgement: Judgement) -> Judgement:
    """The same dispute without dwell and photo: what physical evidence, checks and history say."""
    params = judgement.params.without("dwell", "photo")
    rows = evidence(judgement.docket, params, len(judgement.frame.sites))
    return judgement.rejudged(evidence=rows[0] + shown(judgement))


def case_alone(judgement: Judgement) -> Judgement:
    """The same dispute with four times the background in place of fleet history."""
    if not judgement.frame.known:
        return judgement
    return judgement.rejudged(hazard=CASE_FACTOR * judgement.cold_hazard)


def _outcome(judgement: Judgement, *, named: bool) -> NamingOutcome:
    if named:
        return NamingOutcome.NAMED
    return NamingOutcome.NEEDS_CHECK if float(judgement.columns.max()) >= PHYSICAL_LEAST else NamingOutcome.UNRESOLVED


def _person(handler: str | None, rules: NamingRules) -> tuple[Cause | None, float, float]:
    number = rules.result.frame.handlers.of(handler)
    if number == NOWHERE:
        return None, 0.0, 0.0
    cause = Cause(handler=True, number=number)
    check = rules.checks.get(cause)
    believed = float(rules.result.handler_belief.hot[number])
    return cause, float(rules.charged[number]), check.least if check is not None else believed


def _checked_hazard(judgement: Judgement, rules: NamingRules) -> Floats:
    """Theft hazards with every candidate's mean rate scaled down to its smaller P(hot)."""
    docket, frame = judgement.docket, judgement.frame
    hazard = judgement.hazard.copy()
    people = rules.result.handler_belief.mean()
    places = rules.result.site_belief.mean()
    for cause, check in rules.checks.items():
        lost = 1 - check.least / max(check.believed, 1e-12)
        if lost <= 0:
            continue
        if cause.handler:
            held = docket.seat_handler == cause.number
            segment = docket.seat_segment[held]
            rate = people[cause.number * SHIFTS + docket.shift[0, segment]]
            np.subtract.at(hazard, segment, lost * docket.seat_share[held] * rate)
        else:
            here = docket.site[0] * SHIFTS + docket.shift[0] == cause.number
            hazard = hazard - lost * places[cause.number] * here
    hot = np.asarray(frame.known and judgement.docket.high[0])
    return np.asarray(np.where(hot, np.maximum(hazard, judgement.cold_hazard), judgement.hazard))
