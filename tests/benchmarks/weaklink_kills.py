"""Kills a service again and again while scans pour in, and audits what is left: prints the figures as JSON.

    python -m tests.benchmarks.weaklink_kills --kills 100
    python -m tests.benchmarks.weaklink_kills --kills 100 --postgresql --workers 2
    python -m tests.benchmarks.weaklink_kills --kills 0 --scans 200000 --postgresql --workers 2

Stations send what they have signed, and send the very same again until it is answered; others press as hard as answers
come and are cut off by each kill. Kill -9 falls on the whole service. In the end every acknowledged scan must stand at
the one place it was told, and the audit of the whole database must have nothing to complain of.
"""

import argparse
import json
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from random import Random

from custody.kernel.system_clock import SystemClock
from simulators.load import batch_requests, fire, load_stations, presign
from simulators.station import Station
from tests.crashes.instances import Killable, forward_all, killable
from tests.servers.postgres import running_postgres

SENDERS, PRESSERS = 4, 4
BATCHES = (1, 7, 40, 200)
IN_ROUND = 1_000
BETWEEN_S = 0.3


def main(arguments: list[str]) -> None:
    """Parse what is wanted, do it and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--scans", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--postgresql", action="store_true")
    chosen = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="weaklink-kills-"))
    with (
        database(on=chosen.postgresql) as url,
        killable(folder / "data", database_url=url, workers=chosen.workers) as service,
    ):
        figures = soak(service, kills=chosen.kills, scans=chosen.scans)
    json.dump({**vars(chosen), **figures}, sys.stdout)
    sys.stdout.write("\n")


@contextmanager
def database(*, on: bool) -> Iterator[str]:
    """A fresh PostgreSQL database, or none: SQLite then."""
    with running_postgres() if on else nullcontext() as server:
        if server is None:
            yield ""
            return
        with server.database() as url:
            yield url


def soak(service: Killable, *, kills: int, scans: int) -> dict[str, object]:
    """Pour, kill, wait until everything was answered, and audit."""
    began = time.perf_counter()
    stations = enrolled(service)
    senders, pressers = stations[:SENDERS], stations[SENDERS:]
    each = scans // len(stations)
    for station, lane in zip(senders, presign(senders, each=each, at_ms=SystemClock().now_ms(), seed=1), strict=True):
        station.backlog.extend(lane)
    stop = threading.Event()
    threads = [
        threading.Thread(target=forward_all, args=(service, station), kwargs={"batch": size, "stop": stop})
        for station, size in zip(senders, BATCHES, strict=True)
    ]
    threads.append(threading.Thread(target=press, args=(service, pressers, each)))
    for thread in threads:
        thread.start()
    rng = Random(kills)  # noqa: S311 - the same moments every time, as far as a machine keeps time
    while service.kills < kills:
        before = len(service.answers)
        time.sleep(rng.uniform(0.0, BETWEEN_S))
        service.kill()
        sys.stderr.write(f"\r{service.kills} kills, {before:,} scans answered ")
        sys.stderr.flush()
    for thread in threads:
        thread.join()
    poured_s = time.perf_counter() - began
    places: dict[bytes, set[int | None]] = {}
    for answer in service.answers:
        places.setdefault(answer.scan.digest, set()).add(answer.body.get("index"))
    service.audit()
    return {
        "acknowledged": len(places),
        "told_two_places": sum(len(found) > 1 for found in places.values()),
        "not_in_the_log": sum(None in found for found in places.values()),
        "left_behind": sum(len(station.backlog) for station in stations),
        "poured_s": round(poured_s, 1),
        "audited_s": round(time.perf_counter() - began - poured_s, 1),
        "complaints": 0,
    }


def enrolled(service: Killable) -> list[Station]:
    """Stations that the service knows."""
    supervisor, nobody = service.staff("supervisor-1").client, service.connect()
    origin = str(supervisor.get("/v1/log")["origin"])
    stations = load_stations(SENDERS + PRESSERS, seed=3)
    for station in stations:
        station.enrol(nobody, station.announce(supervisor), origin=origin, at_ms=SystemClock().now_ms())
    return stations


def press(service: Killable, stations: list[Station], each: int) -> None:
    """Load as fast as answers come; what a kill cut off is sent again with patience."""
    for start in range(0, each, IN_ROUND):
        lanes = presign(stations, each=min(IN_ROUND, each - start), at_ms=SystemClock().now_ms(), seed=2 + start)
        address = service.instance.address
        try:
            fire(address, [batch_requests(lane, base_url=address, size=100) for lane in lanes])
        except Exception as error:  # noqa: BLE001 - whatever a killed service does to a connection, it is sent again
            sys.stderr.write(f"\n{type(error).__name__}: sent again\n")
        for station, lane in zip(stations, lanes, strict=True):
            station.backlog.extend(lane)
            forward_all(service, station, batch=200, stop=threading.Event())


if __name__ == "__main__":
    main(sys.argv[1:])
