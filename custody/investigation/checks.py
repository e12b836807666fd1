"""The next best check: what to look at now, by bits gained for each minute spent.

A check has a chance of a positive finding under each hypothesis and costs minutes. Expected gain in bits =
H(p) - P(pos) H(p | pos) - P(neg) H(p | neg), H over the table of links. Evidence that expires is put on hold at once,
whatever its rank; the ranking is made again after each result.

The usual catalogue: camera footage of each segment (45 minutes; .60 if theft there, .25 lost, .35 damaged there, .01
otherwise) and another look at the photos and seal of each checkpoint that has a photo (5 minutes; .55 if contents were
taken before it, .65 if damaged before it, .03 otherwise).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from custody.investigation.docket import DAMAGED, EMPTIED, FOUND, LOST, THEFTS, split
from custody.investigation.frame import Floats
from custody.investigation.result import Judgement

CAMERA_MINUTES, LOOK_AGAIN_MINUTES = 45.0, 5.0
CAMERA = {"theft": 0.60, "lost": 0.25, "damaged": 0.35, "otherwise": 0.01}
LOOK_AGAIN = {"contents": 0.55, "damaged": 0.65, "otherwise": 0.03}


@dataclass(frozen=True, kw_only=True)
class Check:
    """Something to look at. `positive` is the chance of a finding under each hypothesis, in the docket's order."""

    key: str
    title: str
    who: str
    minutes: float
    positive: Floats
    expires_ms: int | None = None


@dataclass(frozen=True, kw_only=True)
class RankedCheck:
    """A check and what it is worth now."""

    check: Check
    bits: float
    chance: float

    @property
    def bits_per_minute(self) -> float:
        """What each minute brings."""
        return self.bits / self.check.minutes


def usual_checks(judgement: Judgement, *, footage_expires_ms: Mapping[int, int] | None = None) -> list[Check]:
    """The usual catalogue for a dispute; `footage_expires_ms` says by segment when footage is overwritten."""
    expires = footage_expires_ms or {}
    segments = judgement.dispute.segments
    checks = [_camera(judgement, s, expires.get(s)) for s in range(len(segments))]
    photos = judgement.docket.photo[0]
    checks.extend(_look_again(judgement, j) for j in range(len(segments) + 1) if photos[j] == FOUND)
    return checks


def next_checks(judgement: Judgement, catalogue: Iterable[Check], *, per_minute: bool = True) -> list[RankedCheck]:
    """The catalogue, best first: by bits a minute, or by bits."""
    ranked = [_rank(judgement, check) for check in catalogue]
    if per_minute:
        return sorted(ranked, key=lambda item: (-item.bits_per_minute, item.check.key))
    return sorted(ranked, key=lambda item: (-item.bits, item.check.key))


def to_hold(catalogue: Iterable[Check]) -> list[Check]:
    """Evidence that expires, soonest first: hold it now, whatever its rank."""
    expiring = [check for check in catalogue if check.expires_ms is not None]
    return sorted(expiring, key=lambda check: (check.expires_ms or 0, check.key))


def after(judgement: Judgement, check: Check, *, positive: bool) -> Judgement:
    """What is believed once a check has come back."""
    chance = check.positive if positive else 1.0 - check.positive
    return judgement.rejudged(evidence=judgement.evidence + np.log(chance))


def entropy_bits(columns: Floats) -> float:
    """Uncertainty of a table in bits."""
    known = columns[columns > 0]
    return float(-(known * np.log2(known)).sum())


def _rank(judgement: Judgement, check: Check) -> RankedCheck:
    flat = np.concatenate([judgement.kinds.reshape(-1), judgement.rest])
    found = flat * check.positive
    chance = float(found.sum())
    before = entropy_bits(judgement.columns)
    yes = entropy_bits(_columns(found / max(chance, 1e-300), judgement))
    no = entropy_bits(_columns((flat - found) / max(1 - chance, 1e-300), judgement))
    return RankedCheck(check=check, bits=max(before - chance * yes - (1 - chance) * no, 0.0), chance=chance)


def _columns(flat: Floats, judgement: Judgement) -> Floats:
    seg, rest = split(flat[None], judgement.docket.width)
    return np.concatenate([seg[0].sum(axis=0), rest[0]])


def _camera(judgement: Judgement, s: int, expires_ms: int | None) -> Check:
    segment = judgement.dispute.segments[s]
    row = np.full((1, judgement.docket.hypotheses), CAMERA["otherwise"])
    seg, _ = split(row, judgement.docket.width)
    seg[0, :THEFTS, s] = CAMERA["theft"]
    seg[0, LOST, s] = CAMERA["lost"]
    seg[0, DAMAGED, s] = CAMERA["damaged"]
    return Check(
        key=f"camera-{s:02d}",
        title=f"Look at the camera footage of {segment.step} at {segment.site}",
        who=f"the site lead of {segment.site}",
        minutes=CAMERA_MINUTES,
        positive=row[0],
        expires_ms=expires_ms,
    )


def _look_again(judgement: Judgement, j: int) -> Check:
    segments = judgement.dispute.segments
    place = f"{segments[j].step} at {segments[j].site}" if j < len(segments) else "delivery"
    row = np.full((1, judgement.docket.hypotheses), LOOK_AGAIN["otherwise"])
    seg, _ = split(row, judgement.docket.width)
    seg[0, : EMPTIED + 1, :j] = LOOK_AGAIN["contents"]
    seg[0, DAMAGED, :j] = LOOK_AGAIN["damaged"]
    return Check(
        key=f"photo-{j:02d}",
        title=f"Look again at the photo and seal of {place}",
        who="the investigator",
        minutes=LOOK_AGAIN_MINUTES,
        positive=row[0],
    )
