"""What an investigation answers: probabilities over links, with everything needed to explain and contest them.

The table of a dispute has one column a segment ("the weak link is here"), then ORIGIN (wrong before custody), AFTER
(after hand-over) and NO_ANOMALY ("we found nothing unusual in our records"). Probabilities add up to one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from custody.investigation.belief import Belief, Causes, Messages
from custody.investigation.causes import Graph
from custody.investigation.docket import AFTER, KINDS, NO_ANOMALY, ORIGIN, THEFTS, Docket, split
from custody.investigation.exact import Settled
from custody.investigation.frame import Floats, Frame
from custody.investigation.learn import Model
from custody.investigation.params import Params
from custody.investigation.passage import Dispute, Step
from custody.investigation.prior import hazards, log_prior, normalise
from custody.kernel.errors import NotFound

REST_NAMES = ("ORIGIN", "AFTER", "NO_ANOMALY")
KIND_NAMES = ("substituted", "emptied", "taken_whole", "lost", "damaged")
FAKE_NAME = "fake_delivery"


class Party(StrEnum):
    """Whose part of the way a probability belongs to."""

    WAREHOUSE = "warehouse"
    LINEHAUL = "linehaul"
    HUB = "hub"
    DEPOT = "depot"
    COURIER = "courier"
    AFTER_HAND_OVER = "after hand-over"
    NOT_IN_OUR_DATA = "not in our data"


_PARTY = {
    Step.PACK: Party.WAREHOUSE,
    Step.DOCK: Party.WAREHOUSE,
    Step.LINEHAUL: Party.LINEHAUL,
    Step.HUB_IN: Party.HUB,
    Step.HUB_SORT: Party.HUB,
    Step.DEPOT: Party.DEPOT,
    Step.COURIER: Party.COURIER,
}


def column_names(dispute: Dispute) -> tuple[str, ...]:
    """Names of the table's columns, such as `4 hub_sort hub-3`."""
    links = (f"{place} {segment.step} {segment.site}" for place, segment in enumerate(dispute.segments))
    return (*links, *REST_NAMES)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What a check has shown: its key and title in the catalogue, and whether it found something.

    `own` is its title with the site's own key, by which it is known again when people call the site otherwise; None for
    one from before. `stay` is the log index of the stay that it was of; None too if nobody scanned that.
    """

    check: str
    title: str
    found: bool
    own: str | None = None
    stay: int | None = None


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What is believed of one dispute. Arrays: `kinds` is five kinds x segments, `rest` the three other columns.

    `evidence` holds what the checks of `checked` have shown.
    """

    dispute: Dispute
    docket: Docket
    frame: Frame
    model: Model
    disputes: int
    evidence: Floats
    hazard: Floats
    cold_hazard: Floats
    kinds: Floats
    rest: Floats
    checked: tuple[CheckResult, ...] = ()

    @property
    def id(self) -> str:
        """The dispute's id."""
        return self.dispute.id

    @property
    def params(self) -> Params:
        """The numbers it was judged with."""
        return self.model.params

    @property
    def columns(self) -> Floats:
        """The table: segments, ORIGIN, AFTER, NO_ANOMALY."""
        return np.concatenate([self.kinds.sum(axis=0), self.rest])

    @property
    def theft(self) -> Floats:
        """P(theft in s) for each segment."""
        return np.asarray(self.kinds[:THEFTS].sum(axis=0))

    def table(self) -> list[tuple[str, float]]:
        """Column names with their probabilities."""
        return list(zip(column_names(self.dispute), map(float, self.columns), strict=True))

    def leader(self) -> int:
        """The likeliest column."""
        return int(self.columns.argmax())

    def by_kind(self) -> dict[str, float]:
        """Probability of each kind of event, over the whole chain."""
        total = self.kinds.sum(axis=1)
        fake = float(self.kinds[THEFTS - 1, -1]) if self.docket.fake[0].any() else 0.0
        kinds = dict(zip(KIND_NAMES, map(float, total), strict=True))
        kinds["taken_whole"] -= fake
        kinds[FAKE_NAME] = fake
        return kinds | dict(zip(REST_NAMES, map(float, self.rest), strict=True))

    def parties(self) -> dict[Party, float]:
        """Shares by part of the way; ORIGIN counts as the warehouse's process."""
        shares = dict.fromkeys(Party, 0.0)
        for segment, share in zip(self.dispute.segments, self.kinds.sum(axis=0), strict=True):
            shares[_PARTY[segment.step]] += float(share)
        shares[Party.WAREHOUSE] += float(self.rest[ORIGIN])
        shares[Party.AFTER_HAND_OVER] += float(self.rest[AFTER])
        shares[Party.NOT_IN_OUR_DATA] += float(self.rest[NO_ANOMALY])
        return shares

    def rejudged(self, *, evidence: Floats | None = None, hazard: Floats | None = None) -> "Judgement":
        """The same dispute with other evidence (a hypothesis row) or other theft hazards (by segment)."""
        again = judge(
            self.dispute,
            self.docket,
            self.frame,
            self.model,
            rows=self.evidence[None] if evidence is None else evidence[None],
            hazard=self.hazard[None] if hazard is None else hazard[None],
            cold=self.cold_hazard[None],
            disputes=self.disputes,
        )
        return replace(again, checked=self.checked)


def judge(
    dispute: Dispute,
    docket: Docket,
    frame: Frame,
    model: Model,
    *,
    rows: Floats,
    hazard: Floats,
    cold: Floats,
    disputes: int,
) -> Judgement:
    """The judgement of a docket of one."""
    weights = hazards(docket, frame, model.params, factors=model.factors, theft=hazard, disputes=disputes)
    posterior = normalise(log_prior(docket, weights, model.params.theta) + rows)
    seg, rest = split(posterior, docket.width)
    return Judgement(
        dispute=dispute,
        docket=docket,
        frame=frame,
        model=model,
        disputes=disputes,
        evidence=rows[0],
        hazard=hazard[0],
        cold_hazard=cold[0],
        kinds=seg[0],
        rest=rest[0],
    )


@dataclass(frozen=True, kw_only=True)
class Inference:
    """What is believed of all disputes and causes of a period."""

    disputes: tuple[Dispute, ...]
    place: Mapping[str, int]
    docket: Docket
    frame: Frame
    model: Model
    evidence: Floats
    hazard: Floats
    cold_hazard: Floats
    posterior: Floats
    graph: Graph
    messages: Messages
    handler_belief: Belief
    site_belief: Belief
    handler_causes: Causes
    site_causes: Causes

    @property
    def params(self) -> Params:
        """The numbers after learning, each with its source."""
        return self.model.params

    @property
    def settled(self) -> Settled:
        """Messages and beliefs about causes."""
        return Settled(
            graph=self.graph,
            messages=self.messages,
            sorts=(self.handler_causes, self.site_causes),
            beliefs=(self.handler_belief, self.site_belief),
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader must know before trusting the figures."""
        said = []
        if not self.frame.known:
            said.append("There is no history of the network: each dispute stands on its own evidence.")
        if self.messages.residual >= RESIDUAL_WARNING:
            said.append(f"The sweeps stopped at a residual of {self.messages.residual:.1e}.")
        if self.frame.known and not np.isfinite(self.frame.missed_scan).any():
            said.append("No own missed-scan rates: slow or untidy but honest people may look worse than they are.")
        return tuple(said)

    def judgement(self, dispute_id: str) -> Judgement:
        """What is believed of one dispute of the run; raises `NotFound`."""
        if dispute_id not in self.place:
            raise NotFound("dispute", f"{dispute_id} is not among the disputes of this run", fix="Score it alone.")
        row = self.place[dispute_id]
        dispute = self.disputes[row]
        length = len(dispute.segments)
        docket = self.docket.rows(row, row + 1)
        seg, rest = split(self.posterior[row : row + 1], self.docket.width)
        return Judgement(
            dispute=dispute,
            docket=docket.narrowed(),
            frame=self.frame,
            model=self.model,
            disputes=len(self.disputes),
            evidence=self._narrow(self.evidence[row], length),
            hazard=self.hazard[row, :length],
            cold_hazard=self.cold_hazard[row, :length],
            kinds=seg[0, :, :length],
            rest=rest[0],
        )

    def table(self, dispute_id: str) -> list[tuple[str, float]]:
        """Column names of a dispute with their probabilities."""
        return self.judgement(dispute_id).table()

    def _narrow(self, row: Floats, length: int) -> Floats:
        seg, rest = split(row[None], self.docket.width)
        return np.concatenate([seg[0, :, :length].reshape(KINDS * length), rest[0]])


RESIDUAL_WARNING = 1e-3
