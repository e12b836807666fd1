"""How good an investigation was, against what truly happened.

Top-1 and top-3 over segments and the three other columns; log-loss with a floor of 1e-6; calibration error (ECE) of the
top-1 confidence in ten bins; a link is named if max_s P(theft in s) >= .8, rightly if there was a theft in it. A thief
counts as found if the handler is flagged, a ring if its site and shift is. Tallies of several worlds are pooled.
"""

from dataclasses import dataclass, field

import numpy as np

from custody.investigation.docket import THEFTS, Docket, split
from custody.investigation.frame import Bools, Floats, Ints
from custody.investigation.hotspots import hotspots
from custody.investigation.passage import SHIFTS
from custody.investigation.result import Inference
from simulators.fleet.passage import AFTER, DAMAGED, FAKE, NO_ANOMALY, ORIGIN
from simulators.fleet.world import World

FLOOR = 1e-6
NAMED = 0.8
BINS = 10


@dataclass(frozen=True, kw_only=True)
class Scored:
    """The disputes of one world: tables, where the truth stands in them, kinds."""

    columns: Floats
    theft: Floats
    truth: Ints
    kind: Ints

    @property
    def stolen(self) -> Bools:
        """Which disputes were thefts."""
        return self.kind <= FAKE


def score(world: World, docket: Docket, posterior: Floats) -> Scored:
    """Join beliefs with the truth; both in the order of the disputes' ids."""
    seg, rest = split(posterior, docket.width)
    order = np.argsort([dispute.id for dispute in world.disputes], kind="stable")
    kind, where = world.kind[order], world.where[order]
    width = docket.width
    other = width + np.select([kind == ORIGIN, kind == AFTER], [0, 1], 2)
    return Scored(
        columns=np.concatenate([seg.sum(axis=1), rest], axis=1),
        theft=seg[:, :THEFTS].sum(axis=1),
        truth=np.where(kind <= DAMAGED, where, other),
        kind=kind,
    )


@dataclass(kw_only=True)
class Tally:
    """Sums over worlds for one model."""

    per_world: list[dict[str, float]] = field(default_factory=list)
    confidence: list[Floats] = field(default_factory=list)
    right: list[Bools] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, scored: Scored) -> None:
        """Count one world."""
        rows = np.arange(len(scored.truth))
        chance = np.maximum(scored.columns[rows, scored.truth], FLOOR)
        rank = (scored.columns > scored.columns[rows, scored.truth][:, None]).sum(axis=1)
        hit, stolen = rank == 0, scored.stolen
        loss = -np.log(chance)
        self.per_world.append(
            {
                "top1": hit.mean(),
                "top3": (rank < 3).mean(),
                "log_loss": loss.mean(),
                "theft_top1": hit[stolen].mean() if stolen.any() else np.nan,
                "theft_log_loss": loss[stolen].mean() if stolen.any() else np.nan,
            }
        )
        self.confidence.append(scored.columns.max(axis=1))
        self.right.append(scored.columns.argmax(axis=1) == scored.truth)
        named = scored.theft.max(axis=1) >= NAMED
        place = scored.theft.argmax(axis=1)
        intact, unusual = scored.kind == NO_ANOMALY, scored.columns[:, -1] >= 0.5
        self._count("disputes", len(rows))
        self._count("thefts", int(stolen.sum()))
        self._count("named", int(named.sum()))
        self._count("named_right", int((named & stolen & (place == scored.truth)).sum()))
        self._count("not_theft_named", int((named & ~stolen).sum()))
        self._count("not_theft", int((~stolen).sum()))
        self._count("no_anomaly_flagged", int(unusual.sum()))
        self._count("no_anomaly_right", int((unusual & intact).sum()))
        self._count("intact", int(intact.sum()))
        self._count("honest", int((~intact).sum()))

    def spots(self, world: World, result: Inference, q: float, least: float, name: str) -> None:
        """Count the hotspots of one world."""
        found = hotspots(result, q=q, least_charged=least)
        network = world.network
        thieves = {network.handler_names[thief] for thief in world.truth.thieves}
        rings = {(network.site_names[ring // SHIFTS], int(ring) % SHIFTS) for ring in world.truth.rings}
        true = sum(1 for spot in found if spot.handler in thieves or (spot.site, spot.shift) in rings)
        self._count(f"{name}_flags", len(found))
        self._count(f"{name}_true", true)
        self._count(f"{name}_worlds_with_false", int(true < len(found)))
        self._count(f"{name}_hot", len(thieves) + len(rings))

    def report(self) -> dict[str, float]:
        """Means over worlds, each with a 95 % interval, pooled figures and counts."""
        out: dict[str, float] = {"worlds": len(self.per_world)}
        for key in self.per_world[0]:
            values = np.array([world[key] for world in self.per_world])
            values = values[np.isfinite(values)]
            out[key] = float(values.mean())
            out[f"{key}_pm"] = float(1.96 * values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0
        out["ece"] = calibration_error(np.concatenate(self.confidence), np.concatenate(self.right))
        honest = max(self.counts["honest"], 1)
        wrong = self.counts["no_anomaly_flagged"] - self.counts["no_anomaly_right"]
        out["honest_no_anomaly_share"] = wrong / honest
        out["not_theft_named_share"] = self.counts["not_theft_named"] / max(self.counts["not_theft"], 1)
        return out | self.counts

    def _count(self, name: str, by: int) -> None:
        self.counts[name] = self.counts.get(name, 0) + by


def calibration_error(confidence: Floats, right: Bools) -> float:
    """Mean distance between confidence and success, over ten bins weighted by their size."""
    place = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    size = np.bincount(place, minlength=BINS)
    gap = np.abs(np.bincount(place, confidence, BINS) - np.bincount(place, right, BINS))
    return float(gap[size > 0].sum() / max(size.sum(), 1))
