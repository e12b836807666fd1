"""From acts to signed scans: the whole past as the stations recorded it, in order of time.

Every station signs its own scans in the order in which it made them; every scan of a parcel names the one before. What
lies after the end of the past has not happened. Everything is drawn from the seed: the same past under the same keys
gives the same bytes.
"""

import random
import uuid
from collections.abc import Mapping
from dataclasses import replace

from custody.kernel.clock import SECOND_MS
from simulators.events import EarlierScan, Thread, event_of, write
from simulators.geography import Geography
from simulators.history import Past, PastConfig
from simulators.parcel import Parcel
from simulators.route import Act, walk
from simulators.station import Signed, Station, make_station
from simulators.thief import Habits

CLOCK_OFFSET_MS = 3 * SECOND_MS
"""Station clocks are kept within this of the true time."""


def make_stations(geography: Geography, *, seed: int) -> dict[str, Station]:
    """One station per post, by the post's name."""
    stations: dict[str, Station] = {}
    for name, post in geography.posts.items():
        rng = random.Random(f"{seed}/clock/{post.station}")
        offset_ms = rng.randrange(-CLOCK_OFFSET_MS, CLOCK_OFFSET_MS + 1)
        stations[name] = make_station(post, seed=str(seed), clock_offset_ms=offset_ms)
    return stations


def record(
    past: Past, config: PastConfig, geography: Geography, stations: Mapping[str, Station], *, habits: Habits
) -> list[Signed]:
    """Every scan of the past, oldest first."""
    acts: list[tuple[int, int, int, Parcel, Act]] = []
    for parcel in past.parcels:
        way = walk(parcel, geography, config.looking, habits=habits)
        acts += [
            (act.at_ms, parcel.number, place, parcel, act)
            for place, act in enumerate(way)
            if act.at_ms <= config.end_ms
        ]
    acts.sort(key=lambda row: row[:3])
    threads: dict[int, Thread] = {}
    names = random.Random(f"{config.seed}/event ids")
    scans: list[Signed] = []
    for _, number, _, parcel, act in acts:
        event_id = f"urn:uuid:{uuid.UUID(int=names.getrandbits(128), version=4)}"
        thread = threads.setdefault(number, Thread())
        scans.append(_sign(stations[act.post.name], act, parcel, thread, geography, event_id=event_id))
    return scans


def _sign(station: Station, act: Act, parcel: Parcel, thread: Thread, geography: Geography, *, event_id: str) -> Signed:
    seen = replace(act, at_ms=station.reads(act.at_ms))
    event = write(event_of(seen, parcel, thread, geography, event_id=event_id) | station.witnessed())
    scan = station.sign(event, subject=parcel.shipment, event_id=event_id, at_ms=act.at_ms)
    thread.follow(act, EarlierScan(event_id=event_id, digest=scan.digest))
    return scan
