"""Benchmarks as ratios: each figure stands beside a limit that is measured in the same run, on the same machine.

| bench | what is measured | limit |
|---|---|---|
| ingest.single | one POST a scan, answered when durable and sequenced | libsodium verifying messages on all cores |
| ingest.batch_each | POSTs of 100 scans, each signed on its own | the same |
| ingest.batch_root | POSTs of 256 scans under one statement of their station | the same |
| ingest... bytes a scan | by how much the database grew, with every index | the goal |
| ingest... p99 at half, 0.9 load | requests arriving by chance at that share of the rate | empty requests alike |
| ingest.single over naive | the first figure again | one commit a scan, FastAPI and SQLModel |
| ingest... over N stored | the rates again, over a store that holds so many scans already | libsodium again |
| trail.read | the trail of one parcel over HTTP | `/healthz` of the same service |
| records.read p99 | all records of one parcel from the store: verdicts, statements, openings | one millisecond |
| records.read p99 over N stored | the same over a store that holds so many scans | the same over a fifth of them |
| proof.read | the inclusion proof of one entry from the stored tiles | one millisecond |
| lock.roundtrip, and p99 | decided to the handset's answer, one at a time | the same steps without us |
| lock.sustained | commands a second, decided by several people at once | the same messages without us |
| lock.offline_hello p99 | a handset switched on with a lock waiting, until it is locked | one second |
| investigate.one | a run over every dispute and the whole traffic | one dispute judged alone in this process |

Rates are scans a second (more is better); times are milliseconds (less is better); the ratio is value / limit. Each is
the median of several rounds, and the spread is the lowest and the highest round; `lock.roundtrip`, its p99 and
`lock.offline_hello` are of one round of fifty handsets.
"""

import os
import platform
import statistics
from collections.abc import Callable, Collection, Iterable, Iterator
from enum import StrEnum
from functools import cache, partial
from importlib.metadata import version
from typing import Any

from sqlalchemy import Engine

from custody.investigation.infer import judge_alone
from custody.investigation.passage import Checkpoint, Complaint, Dispute, Segment, Step
from custody.kernel.clock import HOUR_MS
from simulators.bench_ingest import Loads, measure_ingest, measure_stored
from simulators.bench_locks import measure_locks
from simulators.bench_reading import measure_reading, parcels_in
from simulators.figures import Figure, duration, times_ms
from simulators.story import STEPS, Story

ROUNDS = 5
CHAIN = (Step.PACK, Step.DOCK, Step.LINEHAUL, Step.HUB_IN, Step.HUB_SORT, Step.LINEHAUL, Step.DEPOT, Step.COURIER)


class Part(StrEnum):
    """The benches, in the order in which they are measured."""

    INGEST = "ingest"
    TRAIL = "trail"
    LOCK = "lock"
    INVESTIGATE = "investigate"
    STORED = "stored"


def machine() -> dict[str, Any]:
    """What was measured on."""
    parts = ("cryptography", "pynacl", "sqlalchemy", "uvicorn", "starlette", "numpy")
    return {
        "machine": platform.machine(),
        "system": platform.platform(),
        "processors": os.cpu_count(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in parts},
    }


def run(
    story: Story,
    base_url: str,
    *,
    handsets: int = 200,
    engine: Engine,
    only: Collection[Part] = frozenset(Part),
    stored: int = 0,
    fill: Callable[[int, int], None] = lambda _first, _end: None,
) -> Iterator[Figure]:
    """The benchmarks, against a running service in which a story is played first; `handsets` are connected at once.

    `engine` is of the service's own database. At the end `fill` puts `stored` further scans into it, if there are to be
    any, those from a number to before another; and scans are taken in again.
    """
    for _, act in STEPS[:6]:
        act(story)
    loads = cache(partial(Loads, story, base_url))
    parts: dict[Part, Callable[[], Iterable[Figure]]] = {
        Part.INGEST: lambda: measure_ingest(story, loads(), engine),
        Part.TRAIL: lambda: _trail(story, engine),
        Part.LOCK: lambda: measure_locks(story, handsets=handsets),
        Part.INVESTIGATE: lambda: [_investigation(story)],
        Part.STORED: lambda: measure_stored(loads(), engine, stored=stored, fill=fill) if stored else (),
    }
    for part, measure in parts.items():
        if part in only:
            yield from measure()


def _trail(story: Story, engine: Engine) -> Iterator[Figure]:
    agent, item = story.staff["agent-1"], story.world.main.item if story.world else ""
    rounds = [times_ms(lambda: agent.trail(item), 30) for _ in range(ROUNDS)]
    asked = [times_ms(lambda: story.client.get("/healthz"), 30) for _ in range(ROUNDS)]
    yield duration("trail.read", rounds, "/healthz", statistics.median(asked))
    yield from measure_reading(engine, parcels_in(story.world.scans if story.world else ()))


def _investigation(story: Story) -> Figure:
    investigator = story.staff["investigator-1"]
    dispute = story.main.dispute if story.main else ""
    rounds = [times_ms(lambda: investigator.investigate(dispute), 1) for _ in range(3)]
    return duration("investigate.one", rounds, "one dispute judged alone", times_ms(_judge_alone, 20))


def _judge_alone() -> None:
    """The least work there is: one disputed parcel of eight segments, without any history."""
    judge_alone(
        Dispute(
            id="alone",
            high_value=True,
            start_ms=0,
            segments=tuple(Segment(step=step, site=str(place), shift=0) for place, step in enumerate(CHAIN)),
            checkpoints=tuple(Checkpoint(scan_ms=place * HOUR_MS) for place in range(len(CHAIN) + 1)),
            complaint=Complaint.WRONG_ITEM,
        )
    )
