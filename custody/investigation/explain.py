"""Why the leading answer leads, in decibans: 10 log10(p / (1 - p)).

Seven players: complaint, scans and PIN, weight, seal, behaviour (dwell, photo), late evidence (attach, recovered), and
fleet history (hazards with hot causes against background only). Where checks were made, what they have shown is an
eighth. With all players off stands the base.

- Shapley value: a player's gain averaged over all orders of joining, exact over the 2^n subsets of n players, weight
  |A|! (n - 1 - |A|)! / n!. Base plus all values is the score.
- Leave-one-out: score minus score without the player. It answers "would the answer change without this?".
"""

from dataclasses import dataclass
from math import factorial

import numpy as np

from custody.investigation.checks import shown
from custody.investigation.docket import split
from custody.investigation.frame import Bools, Floats
from custody.investigation.likelihood import DECIBAN, capped, families
from custody.investigation.log_sum import log_sum
from custody.investigation.prior import hazards, log_prior
from custody.investigation.result import Judgement, column_names

PLAYERS = ("complaint", "scans and PIN", "weight", "seal", "behaviour", "late evidence", "fleet history")
_FAMILIES = (("complaint",), ("scans", "pin"), ("weight",), ("seal",), ("dwell", "photo"), ("attach", "recovered"))
HISTORY = len(PLAYERS) - 1
CHECKS = "checks"
IMPOSSIBLE = -1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """What one player contributes, in decibans."""

    player: str
    shapley: float
    leave_one_out: float

    @property
    def words(self) -> str:
        """The size in words."""
        return words(self.shapley)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The score of one column of a dispute's table, and who contributes what. Base plus Shapley is the score."""

    column: int
    name: str
    base: float
    score: float
    reasons: tuple[Contribution, ...]

    @property
    def history_carries(self) -> bool:
        """Whether fleet history supplies more than half of all that speaks for the answer."""
        positive = sum(reason.shapley for reason in self.reasons if reason.shapley > 0)
        return self.reasons[HISTORY].shapley > positive / 2 > 0


def words(decibans: float) -> str:
    """Under 3 dB says little; 3 to 10 supports; 10 to 20 strongly; over 20 very strongly."""
    size = abs(decibans)
    verb = "supports" if decibans > 0 else "speaks against"
    if size < 3:
        return "says little"
    if size < 10:
        return verb
    return f"{verb} strongly" if size <= 20 else f"{verb} very strongly"


def explain(judgement: Judgement, *, column: int | None = None) -> Explanation:
    """The reasons for one column of the table, the leading one unless told otherwise."""
    column = judgement.leader() if column is None else column
    players = (*PLAYERS, CHECKS) if judgement.checked else PLAYERS
    count = len(players)
    member = _subsets(count)
    score = _scores(judgement, member, column)
    size = member.sum(axis=1)
    order = 1 << np.arange(count)
    index = (member * order).sum(axis=1)
    reasons = []
    for place, player in enumerate(players):
        without = ~member[:, place]
        weight = np.array([factorial(had) * factorial(count - 1 - had) / factorial(count) for had in size[without]])
        gain = score[index[without] + order[place]] - score[index[without]]
        alone = score[-1] - score[len(score) - 1 - order[place]]
        reasons.append(Contribution(player=player, shapley=float(weight @ gain), leave_one_out=float(alone)))
    return Explanation(
        column=column,
        name=column_names(judgement.dispute)[column],
        base=float(score[0]),
        score=float(score[-1]),
        reasons=tuple(reasons),
    )


def _subsets(count: int) -> Bools:
    return np.asarray((np.arange(1 << count)[:, None] >> np.arange(count)[None, :]) & 1 == 1)


def _scores(judgement: Judgement, member: Bools, column: int) -> Floats:
    """Decibans of a column for every subset of players."""
    rows = _players(judgement)
    rows = np.maximum(rows - rows.max(axis=1, keepdims=True), IMPOSSIBLE)
    prior = np.stack([_prior(judgement, judgement.cold_hazard), _prior(judgement, judgement.hazard)])
    score = np.delete(member, HISTORY, axis=1).astype(np.float64) @ rows + prior[member[:, HISTORY].astype(np.int64)]
    seg, rest = split(score, judgement.docket.width)
    columns = np.concatenate([log_sum(seg, axis=1), rest], axis=1)
    others = log_sum(np.delete(columns, column, axis=1), axis=1)
    return np.asarray((columns[:, column] - others) / DECIBAN)


def _players(judgement: Judgement) -> Floats:
    docket, params = judgement.docket, judgement.params
    every = families(len(judgement.frame.sites))
    out = np.zeros((len(_FAMILIES), docket.hypotheses))
    for place, names in enumerate(_FAMILIES):
        for name in names:
            if name not in params.off:
                out[place] += capped(name, every[name](docket, params), docket, params)[0]
    return np.vstack([out, shown(judgement)]) if judgement.checked else out


def _prior(judgement: Judgement, hazard: Floats) -> Floats:
    model = judgement.model
    weights = hazards(
        judgement.docket,
        judgement.frame,
        model.params,
        factors=model.factors,
        theft=hazard[None],
        disputes=judgement.disputes,
    )
    return np.asarray(log_prior(judgement.docket, weights, model.params.theta)[0])
