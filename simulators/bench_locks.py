"""Benchmarks of locking and releasing, for many connected handsets, beside what the same broker does without us.

- **Round trip**: from the decision to the handset's answer, by the times that the service keeps of both, one handset at
  a time. The limit is one durable commit, a message, the handset's store flushed to disk, and a message back: nothing
  can do less.
- **Sustained**: locks that were asked for are decided, and then released, by several people at once, until every
  handset has answered. What they send is written beforehand, as of other loads (`load.py`). The limit is the rate at
  which as many clients get and answer messages of that length.
- **Offline hello**: a handset that was off while its lock was decided, from the moment it is switched on until it is
  locked. The limit is one second.

Of many handsets a part is missed and locked (`lock_fleet.MOST_MISSED`); the others are connected all the time.
"""

import gc
import sqlite3
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path

from custody.store.durable_file import replace_file
from devicelock.mqtt import MqttTransport
from devicelock.mqtt_options import MqttOptions
from devicelock.rules.applied import Applied
from devicelock.transport import Message
from simulators.agent import Staff
from simulators.bench_ingest import answered
from simulators.figures import Figure, duration, rate, share
from simulators.load import act_requests, fire
from simulators.lock_fleet import MOST_MISSED, POLL_S, Desk, Missed, missed_handsets, others
from simulators.radio import Radio
from simulators.story import Broken, Story

COMMAND_BYTES, ANSWER_BYTES, STORE_BYTES = 1_000, 260, 700
"""The lengths of a LOCK, of a handset's answer and of its store."""

TRIPS = 50
ROUNDS = 2
DECIDERS = 8
SENDERS = 4
OFFLINE_MS = 1000.0
WAIT_S = 120.0
STEPS = "commit, message, store, message"
MESSAGES = "the same messages without us"
PEOPLE = {"asks": "agent-1", "decides": "supervisor-1", "clears": "investigator-1"}
ACTIVE, OVER = "active_provisional", "released"


def measure_locks(story: Story, *, handsets: int) -> Iterator[Figure]:
    """Every figure of locking, against a running service in which a story's network was played."""
    if story.world is None:
        raise Broken("the network was not played")
    desk = Desk(**{part: story.staff[name] for part, name in PEOPLE.items()})
    supervisor, missing, seed = desk.decides.client, min(handsets, MOST_MISSED), story.seed + 500
    fleet = missed_handsets(supervisor, count=missing, seed=seed, folder=story.folder, played=story.world)
    beside = others(supervisor, count=handsets - missing, seed=seed, folder=story.folder)
    radios = [*(missed.radio for missed in fleet), *beside]
    enrolment = fleet[0].radio.handset.enrolment
    bare = BareBroker(enrolment.mqtt_host, enrolment.mqtt_port, story.folder)
    limit_ms, limit_rate = bare.round_trips_ms(), bare.rates_per_s(min(handsets, 200))
    try:
        with ThreadPoolExecutor(DECIDERS) as pool:
            if not all(pool.map(lambda radio: radio.switch_on(wait_s=WAIT_S), radios)):
                raise Broken("the broker did not take every handset")
        warm_up(desk, fleet[:6])
        gc.collect()
        gc.freeze()  # what stands now stays to the end, here as in the service
        trips = [trip for missed in (fleet * TRIPS)[:TRIPS] for trip in round_trip_ms(desk, missed)]
        yield duration("lock.roundtrip", [statistics.median(trips)], STEPS, statistics.median(limit_ms))
        yield duration("lock.roundtrip p99", [share(trips, 0.99)], f"{STEPS}, p99", share(limit_ms, 0.99))
        took = [sustained_s(desk, fleet) for _ in range(ROUNDS)]
        for name, rates in {
            "lock.sustained": [2 * len(fleet) / (locks_s + releases_s) for locks_s, releases_s in took],
            "lock.sustained releases": [len(fleet) / releases_s for _, releases_s in took],
        }.items():
            yield rate(name, rates, statistics.median(limit_rate), limit_name=MESSAGES, unit="commands/s")
        waits = [offline_hello_ms(desk, missed) for missed in (fleet * TRIPS)[:TRIPS]]
        yield duration("lock.offline_hello p99", [share(waits, 0.99)], "one second", OFFLINE_MS)
    finally:
        with ThreadPoolExecutor(DECIDERS) as pool:
            list(pool.map(Radio.switch_off, radios))


def warm_up(desk: Desk, fleet: Sequence[Missed]) -> None:
    """The first locks of a day, after which the group of whoever asks pauses and is cleared."""
    for missed in fleet:
        round_trip_ms(desk, missed)


def round_trip_ms(desk: Desk, missed: Missed) -> tuple[float, float]:
    """Lock one handset and release it; milliseconds from each decision to the answer, as the service notes them.

    As in the limit, nothing is asked of the service while a command or its answer is on its way.
    """
    order = desk.lock(missed)
    come_to(missed, Applied.LOCKED)
    locked = desk.until(order, ACTIVE)["decided_to_acknowledged_ms"]
    desk.release(order)
    come_to(missed, Applied.UNLOCKED)
    return float(locked), float(desk.until(order, OVER)["released_ms"])


def come_to(missed: Missed, applied: Applied) -> None:
    """Wait until the handset is so, and until its answer has most likely come."""
    missed.radio.wait_for(lambda handset: handset.state.applied is applied, timeout_s=WAIT_S)
    time.sleep(POLL_S)


def sustained_s(desk: Desk, fleet: Sequence[Missed]) -> tuple[float, float]:
    """Seconds in which every handset is locked, and then released, with several decisions at once."""
    with ThreadPoolExecutor(DECIDERS) as pool:
        orders = [str(asked["order"]) for asked in pool.map(desk.ask, fleet)]
    locks_s = timed_s(partial(decide, desk.decides, "approve", orders), lambda: settled(desk, "queued"))
    releases_s = timed_s(partial(decide, desk.asks, "release", orders), lambda: settled(desk, "release_queued"))
    return locks_s, releases_s


def decide(staff: Staff, verb: str, orders: Sequence[str]) -> None:
    """Decide about all of these orders, so many at once; raises `Broken` if one is not decided."""
    client = staff.client
    paths = [f"/v1/locks/{order}/{verb}" for order in orders]
    requests = iter(act_requests(paths, base_url=client.base_url, token=client.token))
    answered(fire(client.base_url, [requests] * DECIDERS))


def settled(desk: Desk, state: str) -> bool:
    """Whether no order is in that state any more."""
    return not desk.asks.client.get("/v1/locks", state=state, limit=1)["locks"]


def timed_s(act: Callable[[], object], is_over: Callable[[], bool]) -> float:
    """Seconds from the beginning of an act until it is over."""
    began = time.perf_counter()
    act()
    while not is_over():
        if time.perf_counter() - began > WAIT_S:
            raise Broken("handsets did not answer in time")
        time.sleep(POLL_S)
    return time.perf_counter() - began


def offline_hello_ms(desk: Desk, missed: Missed) -> float:
    """Milliseconds from switching a handset on, whose lock was decided while it was off, until it is locked."""
    missed.radio.switch_off()
    order = desk.lock(missed)
    began = time.perf_counter()
    missed.radio.switch_on(wait_s=WAIT_S)
    missed.radio.wait_for(lambda handset: handset.state.applied is Applied.LOCKED, timeout_s=WAIT_S)
    took_ms = (time.perf_counter() - began) * 1000
    desk.until(order, ACTIVE)
    desk.release(order)
    desk.until(order, OVER)
    return took_ms


class BareBroker:
    """What the broker alone does with messages of the lengths of ours, over the same client library."""

    def __init__(self, host: str, port: int, folder: Path) -> None:
        self._host, self._port = host, port
        self._folder = folder

    def round_trips_ms(self) -> list[float]:
        """Times of: a durable commit, a message, a store flushed to disk, and a message back."""
        store, arrived = self._folder / "bare.store", threading.Event()

        def keep(_message: Message) -> bool:
            replace_file(store, bytes(STORE_BYTES))
            device.publish("bare/ack", bytes(ANSWER_BYTES), expiry_s=60)
            return True

        def note(_message: Message) -> bool:
            arrived.set()
            return True

        device, server = self._line("bare-device", keep, "bare/cmd"), self._line("bare-server", note, "bare/ack")
        took = []
        with closing(sqlite3.connect(self._folder / "bare.db", isolation_level=None)) as database:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("PRAGMA synchronous=FULL")
            database.execute("CREATE TABLE command (id INTEGER PRIMARY KEY, raw BLOB)")
            for _ in range(2 * TRIPS):
                arrived.clear()
                began = time.perf_counter()
                database.execute("INSERT INTO command (raw) VALUES (?)", (bytes(COMMAND_BYTES),))
                server.publish("bare/cmd", bytes(COMMAND_BYTES), expiry_s=60)
                if not arrived.wait(WAIT_S):
                    raise Broken("the broker did not bring a message")
                took.append((time.perf_counter() - began) * 1000)
        device.stop()
        server.stop()
        return took

    def rates_per_s(self, devices: int) -> list[float]:
        """Messages there and back a second, for so many clients and several senders."""
        answers = threading.Semaphore(0)

        def count(_message: Message) -> bool:
            answers.release()
            return True

        server = self._line("bare-server", count, "bare/+/ack")
        with ThreadPoolExecutor(SENDERS) as pool:
            lines = list(pool.map(self._answering, range(devices)))
            rates = []
            for _ in range(ROUNDS):
                began = time.perf_counter()
                sent = pool.map(
                    lambda each: server.publish(f"bare/{each}/cmd", bytes(COMMAND_BYTES), expiry_s=60), range(devices)
                )
                if len(list(sent)) != devices or not all(answers.acquire(timeout=WAIT_S) for _ in range(devices)):
                    raise Broken("the broker did not bring every message")
                rates.append(devices / (time.perf_counter() - began))
            list(pool.map(MqttTransport.stop, lines))
        server.stop()
        return rates

    def _answering(self, number: int) -> MqttTransport:
        def answer(_message: Message) -> bool:
            line.publish(f"bare/{number}/ack", bytes(ANSWER_BYTES), expiry_s=60)
            return True

        line = self._line(f"bare-{number}", answer, f"bare/{number}/cmd")
        return line

    def _line(self, name: str, receive: Callable[[Message], bool], topic: str) -> MqttTransport:
        options = MqttOptions(host=self._host, port=self._port, client_id=name)
        line = MqttTransport(options, receive=receive, subscriptions=(topic,))
        if not line.start(wait_s=WAIT_S):
            raise Broken("the broker cannot be reached")
        return line
