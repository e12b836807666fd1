"""Scans of whole journeys for load: what the stations of a network say of its parcels, all signed by one of them.

A sender has so many parcels on their ways at once and tells of each in turn; one that has arrived makes room for the
next; as many as that travel in one cage. So its scans are of all kinds, name the scan before and the release they
answer, weigh, and read seals, as those of a played network do. Each is a second after the one before. Numbers are drawn
from so many that two are hardly ever equal.
"""

import random
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import count, islice

from custody.gs1.check_digit import luhn_check_digit
from custody.gs1.keys import issue_giai, issue_grai, issue_gsrn, issue_sscc
from custody.kernel.clock import SECOND_MS, Instant
from custody.kernel.errors import Rejected
from simulators.events import EarlierScan, Thread, event_of, write
from simulators.geography import DELIVERER, HAULIER, SELLER, Geography, build_geography
from simulators.goods import BoxLabel
from simulators.history import PastConfig, default_habits, plan_parcel
from simulators.parcel import Parcel
from simulators.route import Act, walk
from simulators.station import Signed, SignedBatch, Station
from simulators.urn import random_urn

SCANS_A_PARCEL = 15
"""About as many as a parcel has, or a few more: so many parcels at once come round in a load of given length."""
MOST_AT_ONCE = 25


def sign_journeys(stations: Sequence[Station], *, each: int, at_ms: Instant, seed: int) -> list[list[Signed]]:
    """`each` scans per station, in the order of their sequence numbers, the last one a second before `at_ms`."""
    return [_sign(station, each, at_ms, seed) for station in stations]


def batch_journeys(
    stations: Sequence[Station], *, batches: int, size: int, at_ms: Instant, seed: int
) -> list[list[SignedBatch]]:
    """As `sign_journeys`, in that many batches of `size` scans under one statement each."""
    return [list(_batch(station, batches, size, at_ms, seed)) for station in stations]


@dataclass(slots=True, kw_only=True)
class _OnItsWay:
    """A parcel, what is still to be done with it, and what was said of it."""

    parcel: Parcel
    acts: Iterator[Act]
    thread: Thread = field(default_factory=Thread)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """One event that is about to be signed; what it is called then is to be remembered with `sign_as`."""

    act: Act
    way: _OnItsWay
    event: bytes
    event_id: str

    def sign_as(self, digest: bytes) -> None:
        self.way.thread.follow(self.act, EarlierScan(event_id=self.event_id, digest=digest))


def _sign(station: Station, each: int, at_ms: Instant, seed: int) -> list[Signed]:
    made = []
    for told in _tell(each, at_ms, random.Random(f"{seed}/{station.name}")):
        subject = told.way.parcel.shipment
        signed = station.sign(told.event, subject=subject, event_id=told.event_id, at_ms=told.act.at_ms)
        told.sign_as(signed.digest)
        made.append(signed)
    return made


def _batch(station: Station, batches: int, size: int, at_ms: Instant, seed: int) -> Iterator[SignedBatch]:
    rng = random.Random(f"{seed}/{station.name}")
    told = _tell(batches * size, at_ms, rng)
    for _ in range(batches):
        for each in islice(told, size):
            subject = each.way.parcel.shipment
            kept = station.collect(each.event, subject=subject, event_id=each.event_id, at_ms=each.act.at_ms)
            each.sign_as(kept.leaf.digest)
        made = station.close_batch(subject=random_urn(rng), at_ms=at_ms)
        if isinstance(made, Signed):
            raise Rejected("batch", "a batch of one is a plain statement", fix="Ask for two scans a batch or more.")
        yield made


def _tell(number: int, at_ms: Instant, rng: random.Random) -> Iterator[_Told]:
    parcels = _parcels(at_ms, rng)
    ways = deque(next(parcels) for _ in range(max(1, min(MOST_AT_ONCE, number // SCANS_A_PARCEL))))
    for place in range(number):
        way = ways.popleft()
        while (act := next(way.acts, None)) is None:
            way = next(parcels)
        ways.append(way)
        act = replace(act, at_ms=at_ms - (number - place) * SECOND_MS)
        event_id = random_urn(rng)
        event = write(event_of(act, way.parcel, way.thread, _network(), event_id=event_id))
        yield _Told(act=act, way=way, event=event, event_id=event_id)


def _parcels(at_ms: Instant, rng: random.Random) -> Iterator[_OnItsWay]:
    config, habits = PastConfig(seed=rng.getrandbits(48), end_ms=at_ms), default_habits(None)
    for number in count(1):
        if number % MOST_AT_ONCE == 1:
            cage = issue_grai(HAULIER, 7, f"LOAD{rng.randrange(10**9):09d}").uri
        planned = replace(plan_parcel(config, _network(), number, start_ms=at_ms), cage=cage)
        parcel = _renumbered(planned, rng)
        yield _OnItsWay(parcel=parcel, acts=iter(walk(parcel, _network(), config.looking, habits=habits)))


def _renumbered(parcel: Parcel, rng: random.Random) -> Parcel:
    serial, body = rng.randrange(10**9), f"00{rng.randrange(10**12):012d}"
    return replace(
        parcel,
        unit=BoxLabel(model=parcel.unit.model, imei=body + luhn_check_digit(body)),
        order=f"SO-{serial:09d}",
        sscc=issue_sscc(SELLER, serial).uri,
        seal_number=f"S-{serial:09d}",
        seal_key=issue_giai(SELLER, f"SEAL{serial:09d}").uri,
        recipient=issue_gsrn(DELIVERER, serial).uri,
    )


@cache
def _network() -> Geography:
    return build_geography()
