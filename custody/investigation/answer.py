"""What was found of one dispute, and the plain values that are stored, shown and put into a pack.

People appear as pseudonymous keys at most, and only where they may be named. All of it follows from the dispute's own
judgement and from the figures for naming, apart from the hotspots, which are of the whole network.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from custody.investigation.checks import RankedCheck
from custody.investigation.explain import Explanation
from custody.investigation.hotspots import Hotspot
from custody.investigation.naming import Naming
from custody.investigation.result import Judgement
from custody.investigation.wording import Wording


@dataclass(frozen=True, kw_only=True)
class InvestigationAnswer:
    """What an investigation found of one dispute."""

    judgement: Judgement
    naming: Naming
    statement: Wording
    explanation: Explanation
    checks: tuple[RankedCheck, ...]
    hotspots: tuple[Hotspot, ...]
    disputes: int
    parcels: int


def describe(answer: InvestigationAnswer) -> dict[str, Any]:
    """The answer as plain values."""
    judgement, naming = answer.judgement, answer.naming
    segments = judgement.dispute.segments
    theft = judgement.theft
    links = [
        {
            "column": column,
            "name": title,
            "site": segments[column].site if column < len(segments) else None,
            "step": str(segments[column].step) if column < len(segments) else None,
            "probability": probability,
            "theft": float(theft[column]) if column < len(segments) else 0.0,
        }
        for column, (title, probability) in enumerate(judgement.table())
    ]
    return {
        "dispute": judgement.id,
        "headline": answer.statement.headline,
        "lines": list(answer.statement.lines()),
        "verdict": str(naming.verdict),
        "link_named": naming.link_named,
        "person_named": naming.person_named,
        "handler": naming.handler if naming.person_named else None,
        "links": sorted(links, key=lambda link: (-link["probability"], link["column"])),
        "kinds": judgement.by_kind(),
        "parties": {str(party): share for party, share in judgement.parties().items()},
        "reasons": [
            {
                "evidence": reason.player,
                "decibans": reason.shapley,
                "without_it": reason.leave_one_out,
                "words": reason.words,
            }
            for reason in answer.explanation.reasons
        ],
        "score_db": answer.explanation.score,
        "base_db": answer.explanation.base,
        "history_carries": answer.explanation.history_carries,
        "checks": [
            {
                "check": ranked.check.key,
                "title": ranked.check.title,
                "own": ranked.check.own,
                "stay": ranked.check.stay,
                "who": ranked.check.who,
                "minutes": ranked.check.minutes,
                "bits": ranked.bits,
                "bits_per_minute": ranked.bits_per_minute,
            }
            for ranked in answer.checks
        ],
        "hotspots": [spot_view(spot) for spot in answer.hotspots],
        "disputes": answer.disputes,
        "parcels": answer.parcels,
    }


def briefly(stored: Mapping[str, Any]) -> dict[str, Any]:
    """What the log records of an answer, as it is stored."""
    links = [[link["name"], round(link["probability"], 4)] for link in stored["links"][:5]]
    return {"headline": stored["headline"], "verdict": stored["verdict"], "links": links}


def spot_view(spot: Hotspot) -> dict[str, Any]:
    """A hotspot as plain values: a link or a custodian, its share of the disputes and of the traffic.

    The custodian's pseudonymous key stands there only if it is flagged: nobody is named for what traffic explains.
    """
    return {
        "site": spot.site,
        "step": None if spot.step is None else str(spot.step),
        "shift": spot.shift,
        "handler": spot.handler if spot.look else None,
        "hot": spot.hot,
        "mode": spot.mode,
        "look": spot.look,
        "act": spot.act,
        "charged": spot.pattern.charged,
        "disputes": spot.pattern.disputes,
        "traffic_share": spot.pattern.traffic_share,
        "lift": spot.pattern.lift,
        "lift_low": spot.pattern.lift_low,
        "lift_high": spot.pattern.lift_high,
    }
