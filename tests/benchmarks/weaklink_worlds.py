"""Measures the investigation on simulated worlds and prints the figures as JSON.

    python -m tests.benchmarks.weaklink_worlds --worlds base nothief --seeds 3000-3009 --models joint hyper oracle

Models: joint (installed defaults, no caps), caps (with caps), operator (rates and complaint table supplied), hyper
(true numbers, unknown links), oracle (everything known).
"""

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable

from custody.investigation.docket import Docket
from custody.investigation.frame import Floats
from custody.investigation.infer import run
from custody.investigation.params import Params
from custody.investigation.result import Inference
from simulators.fleet.checking import play_checks
from simulators.fleet.metrics import Tally, score
from simulators.fleet.oracle import operator_params, oracle_posterior, true_params
from simulators.fleet.setting import WORLDS
from simulators.fleet.world import World, make_world

OPEN = Params(caps=False)
MODELS: dict[str, Callable[[World], Params]] = {
    "joint": lambda _: OPEN,
    "caps": lambda _: Params(),
    "operator": lambda world: operator_params(world, OPEN),
    "hyper": true_params,
}


def main(arguments: list[str]) -> None:
    """Parse the choice of worlds, measure them and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", nargs="+", default=["base"], choices=sorted(WORLDS))
    parser.add_argument("--seeds", default="3000-3009", help="first-last")
    parser.add_argument("--models", nargs="+", default=["joint"], choices=[*MODELS, "oracle"])
    parser.add_argument("--checks", action="store_true", help="also play four rounds of the next best check")
    chosen = parser.parse_args(arguments)
    first, _, last = chosen.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    report = {world: measure(world, seeds, chosen.models, checks=chosen.checks) for world in chosen.worlds}
    json.dump(report, sys.stdout, indent=1)
    sys.stdout.write("\n")


def measure(name: str, seeds: range, models: list[str], *, checks: bool) -> dict[str, dict[str, float]]:
    """The figures of some models on one kind of world."""
    tallies = {model: Tally() for model in models}
    seconds = dict.fromkeys(models, 0.0)
    left: dict[str, dict[str, float]] = {model: defaultdict(float) for model in models}
    for seed in seeds:
        world = make_world(WORLDS[name], seed)
        for model in models:
            began = time.perf_counter()
            docket, posterior, result = _judge(world, model)
            seconds[model] += time.perf_counter() - began
            tallies[model].add(score(world, docket, posterior))
            if result is not None:
                tallies[model].spots(world, result, 0.10, 0.0, "q10")
                tallies[model].spots(world, result, 0.05, 2.5, "act")
            if checks and result is not None:
                played = play_checks(world, result, rounds=4, per_minute=True, seed=seed)
                for place, (bits, minutes) in enumerate(zip(played.bits, played.minutes, strict=True)):
                    left[model][f"bits_after_{place}"] += bits / len(seeds)
                    left[model][f"minutes_after_{place}"] += minutes / len(seeds)
    return {model: tally.report() | {"seconds": seconds[model]} | left[model] for model, tally in tallies.items()}


def _judge(world: World, model: str) -> tuple[Docket, Floats, Inference | None]:
    if model == "oracle":
        return *oracle_posterior(world), None
    result = run(world.fleet, world.disputes, MODELS[model](world))
    return result.docket, result.posterior, result


if __name__ == "__main__":
    main(sys.argv[1:])
