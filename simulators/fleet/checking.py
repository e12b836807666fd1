"""Plays the next best check on simulated disputes: how much a few checks resolve, and at what cost in minutes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from custody.investigation.checks import Check, after, entropy_bits, next_checks, usual_checks
from custody.investigation.docket import KINDS
from custody.investigation.result import Inference, Judgement
from simulators.fleet.passage import AFTER, DAMAGED, FAKE, LOST, ORIGIN, WHOLE
from simulators.fleet.world import World


@dataclass(frozen=True, kw_only=True)
class Played:
    """Means over disputes after 0, 1, 2, ... checks: bits left and minutes spent."""

    bits: tuple[float, ...]
    minutes: tuple[float, ...]
    disputes: int


def play_checks(world: World, result: Inference, *, rounds: int, per_minute: bool, seed: int) -> Played:
    """Let an investigator follow the ranking for some rounds on every dispute of a world."""
    random = np.random.default_rng(seed)
    bits, minutes = np.zeros(rounds + 1), np.zeros(rounds + 1)
    for dispute, kind, where in zip(world.disputes, world.kind, world.where, strict=True):
        judgement = result.judgement(dispute.id)
        truth = _hypothesis(judgement, int(kind), int(where))
        left: Sequence[Check] = usual_checks(judgement)
        spent = 0.0
        bits[0] += entropy_bits(judgement.columns)
        for number in range(1, rounds + 1):
            if left:
                best = next_checks(judgement, left, per_minute=per_minute)[0].check
                judgement = after(judgement, best, positive=bool(random.random() < best.positive[truth]))
                left = [check for check in left if check.key != best.key]
                spent += best.minutes
            bits[number] += entropy_bits(judgement.columns)
            minutes[number] += spent
    count = len(world.disputes)
    return Played(bits=tuple(bits / count), minutes=tuple(minutes / count), disputes=count)


def _hypothesis(judgement: Judgement, kind: int, where: int) -> int:
    """The column of the hypothesis row that is true."""
    width = judgement.docket.width
    if kind <= DAMAGED:
        row = {FAKE: WHOLE, LOST: 3, DAMAGED: 4}.get(kind, kind)
        return row * width + where
    return KINDS * width + {ORIGIN: 0, AFTER: 1}.get(kind, 2)
