"""Benchmarks as ratios: each figure stands beside a limit that is measured in the same run, on the same machine.

| bench | what is measured | limit |
|---|---|---|
| ingest.single | one POST a scan, answered when durable and sequenced | libsodium verifying messages on all cores |
| ingest.batch_each | POSTs of 100 scans, each signed on its own | the same |
| trail.read | the trail of one parcel over HTTP | an empty request to the same service |
| lock.roundtrip | release decided to the handset's answer stored | a message to the broker and back, without us |
| investigate.one | a run over every dispute and the whole traffic | one dispute judged alone in this process |

Rates are scans a second (more is better); times are milliseconds (less is better); the ratio is value / limit. Each is
the median of several rounds; the spread is the lowest and the highest round.
"""

import multiprocessing
import os
import platform
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import count
from typing import Any

import nacl.bindings

from custody.investigation.infer import judge_alone
from custody.investigation.values import Checkpoint, Complaint, Dispute, Segment, Step
from custody.kernel.clock import HOUR_MS
from custody.kernel.keys import new_signer
from custody.kernel.system_clock import SystemClock
from devicelock.mqtt import MqttTransport
from devicelock.mqtt_options import MqttOptions
from devicelock.transport import Message
from simulators.load import batch_requests, fire, load_stations, presign, single_requests
from simulators.story import STEPS, Story

MESSAGE_BYTES = 330
VERIFY_S = 1.0
LANES = 32
SINGLE_EACH = 60
BATCH = 100
BATCH_LANES = 4
ROUNDS = 5
CHAIN = (Step.PACK, Step.DOCK, Step.LINEHAUL, Step.HUB_IN, Step.HUB_SORT, Step.LINEHAUL, Step.DEPOT, Step.COURIER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One benchmark's outcome; `low` and `high` are its worst and best round."""

    name: str
    value: float
    unit: str
    limit_name: str
    limit: float
    low: float
    high: float

    def plain(self) -> dict[str, Any]:
        """The figure with its ratio."""
        return {
            "name": self.name,
            "value": round(self.value, 2),
            "unit": self.unit,
            "limit_name": self.limit_name,
            "limit": round(self.limit, 2),
            "ratio": round(self.value / self.limit, 3) if self.limit else None,
            "spread": [round(self.low, 2), round(self.high, 2)],
        }


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


def verify_limit() -> float:
    """Ed25519 verifications a second by libsodium, one process for each processor, on messages of a scan's length."""
    processes = os.cpu_count() or 1
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        rounds = [sum(pool.map(_verify_for, [VERIFY_S] * processes)) / VERIFY_S for _ in range(3)]
    return statistics.median(rounds)


def _verify_for(seconds: float) -> int:
    signer = new_signer()
    message = bytes(MESSAGE_BYTES)
    signed, key = signer.sign(message) + message, signer.public.x
    done, until = 0, time.perf_counter() + seconds
    while time.perf_counter() < until:
        for _ in range(100):
            nacl.bindings.crypto_sign_open(signed, key)
        done += 100
    return done


def run(story: Story, base_url: str) -> Iterator[Figure]:
    """Every benchmark, against a running service in which a story is played first."""
    for _, act in STEPS[:6]:
        act(story)
    limit = verify_limit()
    yield from _ingest(story, base_url, limit)
    yield _trail(story)
    yield _roundtrip(story)
    yield _investigation(story)


def _ingest(story: Story, base_url: str, limit: float) -> Iterator[Figure]:
    stations = load_stations(LANES, seed=story.seed + 1000)
    supervisor, origin = story.staff["supervisor-1"].client, str(story.client.get("/v1/log")["origin"])
    now_ms = SystemClock().now_ms()
    for station in stations:
        token = station.announce(supervisor)
        station.enrol(supervisor.as_caller(""), token, origin=origin, at_ms=now_ms)
    seeds = count(story.seed)
    rates = []
    for _ in range(ROUNDS):
        lanes = presign(stations, each=SINGLE_EACH, at_ms=now_ms, seed=next(seeds))
        requests = [single_requests(lane, base_url=base_url) for lane in lanes]
        rates.append(fire(base_url, requests).scans_per_s)
    yield _rate("ingest.single", rates, limit)
    rates = []
    for _ in range(ROUNDS):
        lanes = presign(stations[:BATCH_LANES], each=8 * BATCH, at_ms=now_ms, seed=next(seeds))
        requests = [batch_requests(lane, base_url=base_url, size=BATCH) for lane in lanes]
        rates.append(fire(base_url, requests).scans_per_s)
    yield _rate("ingest.batch_each", rates, limit)


def _trail(story: Story) -> Figure:
    agent, item = story.staff["agent-1"], story.world.main.item if story.world else ""
    rounds = [_times(lambda: agent.trail(item), 30) for _ in range(ROUNDS)]
    empty = [_times(lambda: story.client.get("/healthz"), 30) for _ in range(ROUNDS)]
    return _time("trail.read", rounds, "empty request", statistics.median(empty))


def _roundtrip(story: Story) -> Figure:
    figures = [figure for _ in range(ROUNDS) if (figure := _cycle(story)) is not None]
    return _time("lock.roundtrip", figures, "broker round trip", _broker_limit(story))


def _cycle(story: Story) -> float | None:
    """One wrong lock and its release; milliseconds from the release to the handset's stored answer."""
    story.release_wrong_lock()
    released: int | None = story.figures["released_ms"]
    return None if released is None else float(released)


def _broker_limit(story: Story) -> float:
    """Milliseconds for a message to the broker and back to the same client, at QoS 1."""
    enrolment = next(iter(story.world.handsets.values())) if story.world else None
    if enrolment is None:
        return 0.0
    arrived = threading.Event()

    def receive(_message: Message) -> bool:
        arrived.set()
        return True

    options = MqttOptions(host=enrolment.mqtt_host, port=enrolment.mqtt_port, client_id="bench-echo")
    line = MqttTransport(options, receive=receive, subscriptions=("bench/echo",))
    line.start(wait_s=10)
    took = []
    for _ in range(60):
        arrived.clear()
        began = time.perf_counter()
        line.publish("bench/echo", bytes(MESSAGE_BYTES), expiry_s=60)
        arrived.wait(5)
        took.append((time.perf_counter() - began) * 1000)
    line.stop()
    return statistics.median(took)


def _investigation(story: Story) -> Figure:
    investigator = story.staff["investigator-1"]
    dispute = story.main.dispute if story.main else ""
    rounds = [_times(lambda: investigator.investigate(dispute), 1) for _ in range(3)]
    return _time("investigate.one", rounds, "one dispute judged alone", _times(_judge_alone, 20))


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


def _times(act: Callable[[], object], number: int) -> float:
    took = []
    for _ in range(number):
        began = time.perf_counter()
        act()
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


def _rate(name: str, rates: Sequence[float], limit: float) -> Figure:
    return Figure(
        name=name,
        value=statistics.median(rates),
        unit="scans/s",
        limit_name="libsodium verification, all cores",
        limit=limit,
        low=min(rates),
        high=max(rates),
    )


def _time(name: str, rounds: Sequence[float], limit_name: str, limit: float) -> Figure:
    return Figure(
        name=name,
        value=statistics.median(rounds),
        unit="ms",
        limit_name=limit_name,
        limit=limit,
        low=min(rounds),
        high=max(rounds),
    )
