"""Benchmarks of taking scans in: rates beside the limit of signature checking, and beside a naive service.

The load generator runs on the same cores and is part of the figure. Many connections, each sending its next request
when the answer to the last has come, find the rate; then requests arrive by chance at half of it, and their latency
counts from when they were due.
"""

import multiprocessing
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import httpx
import nacl.bindings

from api.compose import free_port
from custody.kernel import cbor
from custody.kernel.errors import Unavailable
from custody.kernel.keys import new_signer
from custody.kernel.system_clock import SystemClock
from custody.scans.batch import MOST
from simulators.figures import Figure, duration, rate
from simulators.load import (
    Request,
    arrivals,
    batch_requests,
    fire,
    fire_at,
    load_stations,
    presign,
    presign_batches,
    root_requests,
    single_requests,
)
from simulators.station import Station
from simulators.story import Story

MESSAGE_BYTES = 330
VERIFY_S = 1.0
LIMIT_NAME = "libsodium verification, all cores"
LANES = 256
SINGLE_EACH = 30
NAIVE_EACH = 4
BATCH = 100
BATCH_LANES = 8
ROOT_EACH = 6
HALF_S = 4.0
ROUNDS = 5
START_S = 60.0

Lanes = list[list[Request]]


class Loads:
    """Enrolled stations, and what they send: each time something new, signed before the clock starts."""

    def __init__(self, story: Story, base_url: str) -> None:
        """Enrol the stations at a running service whose people have signed in."""
        self.base_url = base_url
        self.stations = load_stations(LANES, seed=story.seed + 1000)
        self._seeds = count(story.seed)
        supervisor, origin = story.staff["supervisor-1"].client, str(story.client.get("/v1/log")["origin"])
        for station in self.stations:
            token = station.announce(supervisor)
            station.enrol(supervisor.as_caller(""), token, origin=origin, at_ms=SystemClock().now_ms())

    def singles(self, each: int, *, base_url: str | None = None) -> Lanes:
        """So many requests a station, of one scan each."""
        lanes = presign(self.stations, each=each, at_ms=SystemClock().now_ms(), seed=next(self._seeds))
        return [single_requests(lane, base_url=base_url or self.base_url) for lane in lanes]

    def batches(self) -> Lanes:
        """Requests of 100 scans, each signed on its own."""
        few, at_ms = self.stations[:BATCH_LANES], SystemClock().now_ms()
        lanes = presign(few, each=8 * BATCH, at_ms=at_ms, seed=next(self._seeds))
        return [batch_requests(lane, base_url=self.base_url, size=BATCH) for lane in lanes]

    def roots(self) -> Lanes:
        """Requests of 256 scans under one statement."""
        few, at_ms = self.stations[:BATCH_LANES], SystemClock().now_ms()
        lanes = presign_batches(few, batches=ROOT_EACH, size=MOST, at_ms=at_ms, seed=next(self._seeds))
        return [root_requests(lane, base_url=self.base_url) for lane in lanes]


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


def measure_ingest(story: Story, loads: Loads) -> Iterator[Figure]:
    """Every figure of taking scans in."""
    limit = verify_limit()
    single = _rates(loads.base_url, lambda: loads.singles(SINGLE_EACH))
    yield rate("ingest.single", single, limit, limit_name=LIMIT_NAME)
    yield rate("ingest.batch_each", _rates(loads.base_url, loads.batches), limit, limit_name=LIMIT_NAME)
    yield rate("ingest.batch_root", _rates(loads.base_url, loads.roots), limit, limit_name=LIMIT_NAME)
    yield _half_load(loads, per_s=statistics.median(single) / 2, seed=story.seed)
    with _naive(story.folder, loads.stations) as address:
        naive = _rates(address, lambda: loads.singles(NAIVE_EACH, base_url=address))
    yield rate("ingest.single over naive", single, statistics.median(naive), limit_name="one commit a scan, on SQLite")


def measure_stored(loads: Loads, *, stored: int, fill: Callable[[], None]) -> Iterator[Figure]:
    """The rates once more, over a store into which `fill` has put so many scans."""
    fill()
    limit = verify_limit()
    rounds = (
        ("ingest.single", lambda: loads.singles(SINGLE_EACH)),
        ("ingest.batch_each", loads.batches),
        ("ingest.batch_root", loads.roots),
    )
    for name, load in rounds:
        yield rate(f"{name} over {stored:,} stored", _rates(loads.base_url, load), limit, limit_name=LIMIT_NAME)


def _rates(base_url: str, load: Callable[[], Lanes]) -> list[float]:
    """Scans a second of several rounds, each with a load of its own."""
    return [fire(base_url, load()).scans_per_s for _ in range(ROUNDS)]


def _half_load(loads: Loads, *, per_s: float, seed: int) -> Figure:
    """The p99 latency at half the rate, beside that of empty requests which arrive in the same way."""
    each = max(1, int(per_s * HALF_S / LANES))
    starts = [arrivals(each, per_s=per_s / LANES, rng=random.Random(f"{seed}/{lane}")) for lane in range(LANES)]
    rounds = [fire_at(loads.base_url, loads.singles(each), starts).latency_s(0.99) * 1000 for _ in range(3)]
    empty = Request(raw=b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", scans=0)
    idle = fire_at(loads.base_url, [[empty] * each] * LANES, starts).latency_s(0.99) * 1000
    return duration("ingest.single p99 at half load", rounds, "empty requests, p99", idle)


@contextmanager
def _naive(folder: Path, stations: Sequence[Station]) -> Iterator[str]:
    """The naive service in a process of its own, with the stations' keys; lends its address."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-P", "-m", "simulators.naive", str(port), f"sqlite:///{folder / 'naive.db'}"]
    with subprocess.Popen(command) as process, httpx.Client(base_url=address, timeout=60) as client:  # noqa: S603 - this project, run by this interpreter
        try:
            _wait_for(client)
            for station in stations:
                key = cbor.encode(station.signer.public.cose_key())
                client.post("/keys", params={"station": station.name}, content=key).raise_for_status()
            yield address
        finally:
            process.terminate()


def _wait_for(client: httpx.Client) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        try:
            if client.get("/healthz").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise Unavailable("naive", "the naive service did not start", fix="Run python -m simulators.naive by hand.")
