"""Benchmarks of taking scans in: rates beside the limit of signature checking, and beside a naive service.

What is sent are scans of whole journeys (`journeys.py`), so that the judge compares weights, seals, hand-overs and what
was said before. The load generator runs on the same cores and is part of the figure. Many connections, each sending its
next request when the answer to the last has come, find the rate, for as long as requests then arrive by chance at half
of it and at nine tenths: for a second the service takes more than it goes on taking. Their latency counts from when
they were due. A request that is not answered with success breaks the bench off, and so does a scan of its stations that
was set aside.
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
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from api.compose import free_port
from custody.kernel import cbor
from custody.kernel.errors import Unavailable
from custody.kernel.keys import new_signer
from custody.kernel.system_clock import SystemClock
from custody.scans.batch import MOST
from custody.store.tables import ScanRow
from simulators.bench_reading import ROOT_BYTES, SINGLE_BYTES, bytes_a_scan, records_ms, stored_bytes
from simulators.figures import Figure, duration, rate
from simulators.fill import filled_parcels
from simulators.journeys import batch_journeys, sign_journeys
from simulators.load import (
    Request,
    Volley,
    arrivals,
    batch_requests,
    fire,
    fire_at,
    load_stations,
    root_requests,
    single_requests,
)
from simulators.station import Station
from simulators.story import Broken, Story

MESSAGE_BYTES = 330
VERIFY_S = 1.0
LIMIT_NAME = "libsodium verification, all cores"
LANES = 256
SINGLE_EACH = 120
NAIVE_EACH = 4
BATCH = 100
BATCH_LANES = 8
BATCHES_EACH = 32
ROOT_EACH = 24
OPEN_S = 4.0
OPEN_ROUNDS = 3
OPEN_LANES = 1_024
OPEN_BATCH_LANES = 128
"""Over so many connections scans, and batches, arrive by chance: on fewer of them they wait for the ones before."""
COUNTED = {"accepted", "flagged"}
SHARES = (("half load", 0.5), ("0.9 load", 0.9))
ROUNDS = 5
START_S = 60.0

Lanes = list[list[Request]]


class Loads:
    """Enrolled stations, and what they send: each time something new, signed before the clock starts."""

    def __init__(self, story: Story, base_url: str) -> None:
        """Enrol the stations at a running service whose people have signed in."""
        self.base_url = base_url
        self.stations = load_stations(OPEN_LANES, seed=story.seed + 1000)
        self._seeds = count(story.seed)
        supervisor, origin = story.staff["supervisor-1"].client, str(story.client.get("/v1/log")["origin"])
        for station in self.stations:
            token = station.announce(supervisor)
            station.enrol(supervisor.as_caller(""), token, origin=origin, at_ms=SystemClock().now_ms())

    def singles(self, each: int, *, lanes: int = LANES, base_url: str | None = None) -> Lanes:
        """So many requests a station, of one scan each."""
        few, at_ms = self.stations[:lanes], SystemClock().now_ms()
        signed = sign_journeys(few, each=each, at_ms=at_ms, seed=next(self._seeds))
        return [single_requests(lane, base_url=base_url or self.base_url) for lane in signed]

    def batches(self) -> Lanes:
        """Requests of 100 scans, each signed on its own."""
        few, at_ms = self.stations[:BATCH_LANES], SystemClock().now_ms()
        lanes = sign_journeys(few, each=BATCHES_EACH * BATCH, at_ms=at_ms, seed=next(self._seeds))
        return [batch_requests(lane, base_url=self.base_url, size=BATCH) for lane in lanes]

    def roots(self, each: int, *, lanes: int = BATCH_LANES) -> Lanes:
        """So many requests a station, of 256 scans under one statement."""
        few, at_ms = self.stations[:lanes], SystemClock().now_ms()
        signed = batch_journeys(few, batches=each, size=MOST, at_ms=at_ms, seed=next(self._seeds))
        return [root_requests(lane, base_url=self.base_url) for lane in signed]


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


def measure_ingest(story: Story, loads: Loads, engine: Engine) -> Iterator[Figure]:
    """Every figure of taking scans in; `engine` is of the service's own database."""
    limit = verify_limit()
    single, single_bytes = _filled(loads, lambda: loads.singles(SINGLE_EACH), engine)
    yield rate("ingest.single", single, limit, limit_name=LIMIT_NAME)
    yield rate("ingest.batch_each", _rates(loads.base_url, loads.batches), limit, limit_name=LIMIT_NAME)
    root, root_bytes = _filled(loads, lambda: loads.roots(ROOT_EACH), engine)
    yield rate("ingest.batch_root", root, limit, limit_name=LIMIT_NAME)
    yield bytes_a_scan("ingest.single bytes a scan", single_bytes, SINGLE_BYTES)
    yield bytes_a_scan("ingest.batch_root bytes a scan", root_bytes, ROOT_BYTES)
    yield from _latencies("ingest.single", loads, loads.singles, lanes=OPEN_LANES, most_per_s=statistics.median(single))
    yield from _latencies(
        "ingest.batch_root", loads, loads.roots, lanes=OPEN_BATCH_LANES, most_per_s=statistics.median(root) / MOST
    )
    check_counted(engine, [station.name for station in loads.stations])
    with _naive(story.folder, loads.stations[:LANES]) as address:
        naive = _rates(address, lambda: loads.singles(NAIVE_EACH, base_url=address))
    yield rate("ingest.single over naive", single, statistics.median(naive), limit_name="one commit a scan, on SQLite")


def measure_stored(loads: Loads, engine: Engine, *, stored: int, fill: Callable[[int, int], None]) -> Iterator[Figure]:
    """The rates once more, over a store into which `fill` has put so many scans.

    All records of a parcel are read when a fifth of them is there, and again, of parcels from first to last, when all
    are.
    """
    fill(0, stored // 5)
    few = records_ms(engine, filled_parcels(stored // 5))
    fill(stored // 5, stored)
    limit = verify_limit()
    rounds = (
        ("ingest.single", lambda: loads.singles(SINGLE_EACH)),
        ("ingest.batch_each", loads.batches),
        ("ingest.batch_root", lambda: loads.roots(ROOT_EACH)),
    )
    for name, load in rounds:
        yield rate(f"{name} over {stored:,} stored", _rates(loads.base_url, load), limit, limit_name=LIMIT_NAME)
    many = records_ms(engine, filled_parcels(stored))
    yield duration(f"records.read p99 over {stored:,} stored", many, f"over {stored // 5:,}", statistics.median(few))


def answered(volley: Volley) -> Volley:
    """The same, if every request was answered with success; raises `Broken`."""
    refused = {status: times for status, times in volley.statuses.items() if status >= 300}
    if refused:
        raise Broken(f"requests were answered with {refused}")
    return volley


def check_counted(engine: Engine, stations: Sequence[str]) -> None:
    """Raise `Broken` if a scan of these stations was set aside."""
    with Session(engine) as session:
        asked = select(ScanRow.result).where(col(ScanRow.station).in_(stations)).distinct()
        results = set(session.exec(asked))
    if not results <= COUNTED:
        raise Broken(f"not every scan that was sent counts: {sorted(results)}")


def _rates(base_url: str, load: Callable[[], Lanes]) -> list[float]:
    """Scans a second of several rounds, each with a load of its own."""
    return [answered(fire(base_url, load())).scans_per_s for _ in range(ROUNDS)]


def _filled(loads: Loads, load: Callable[[], Lanes], engine: Engine) -> tuple[list[float], list[float]]:
    """As `_rates`, and by how many bytes a scan the database grew in each round."""
    rates, grown = [], []
    for _ in range(ROUNDS):
        lanes, before = load(), stored_bytes(engine)
        rates.append(answered(fire(loads.base_url, lanes)).scans_per_s)
        grown.append((stored_bytes(engine) - before) / sum(request.scans for lane in lanes for request in lane))
    return rates, grown


def _latencies(
    name: str, loads: Loads, load: Callable[..., Lanes], *, lanes: int, most_per_s: float
) -> Iterator[Figure]:
    """The p99 latency at shares of the rate, in requests a second, beside that of empty ones that arrive alike.

    An empty one is read and refused at the scanners' door, by its method.
    """
    empty = Request(raw=b"GET /v1/scans HTTP/1.1\r\nHost: localhost\r\n\r\n", scans=0)
    for word, part in SHARES:
        per_s = most_per_s * part
        each = max(1, round(per_s * OPEN_S / lanes))
        starts = [arrivals(each, per_s=per_s / lanes, rng=random.Random(f"{word}/{lane}")) for lane in range(lanes)]
        volleys = [answered(fire_at(loads.base_url, load(each, lanes=lanes), starts)) for _ in range(OPEN_ROUNDS)]
        rounds = [volley.latency_s(0.99) * 1000 for volley in volleys]
        idle = fire_at(loads.base_url, [[empty] * each] * lanes, starts).latency_s(0.99) * 1000
        yield duration(f"{name} p99 at {word}", rounds, "empty requests, p99", idle)


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
