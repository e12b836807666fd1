"""Benchmarks of the store alone, beside the service that writes to it: how quick reading is, and what a scan takes.

The goals are limits here, in milliseconds and bytes. Reading is warm: each thing is read once before it counts.
"""

import random
import re
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial

from sqlalchemy import Engine, text
from sqlmodel import Session

from custody.gs1.keys import ROOT
from custody.store import log_reader, scan_book
from custody.store.engine import is_sqlite
from custody.usecases.open_scans import stored_scans
from simulators.figures import Figure, duration, share, took_ms
from simulators.station import Signed

ROUNDS = 5
READS = 400
LEAST_SCANS = 8
"""A parcel that is read has been scanned so often, or more."""
RECORDS_MS, PROOF_MS = 1.0, 1.0
SINGLE_BYTES, ROOT_BYTES = 900, 600

_PARCEL = re.compile(f"{ROOT}00/[0-9]{{18}}".encode())


def parcels_in(scans: Sequence[Signed]) -> list[str]:
    """The parcels that several scans tell of."""
    told = Counter(key for scan in scans for key in {*_PARCEL.findall(scan.opening)})
    return sorted(key.decode() for key, times in told.items() if times >= LEAST_SCANS)


def measure_reading(engine: Engine, parcels: Sequence[str]) -> Iterator[Figure]:
    """All records of a parcel, and the inclusion proof of an entry, each in a transaction of its own."""
    yield duration("records.read p99", records_ms(engine, parcels), "the goal", RECORDS_MS)
    with Session(engine) as session:
        size = log_reader.head(session).size
    rng = random.Random("proofs")
    indexes = [rng.randrange(size) for _ in range(READS)]
    rounds = [[took_ms(partial(_prove, engine, index, size)) for index in indexes] for _ in range(ROUNDS + 1)]
    yield duration("proof.read", [share(times, 0.5) for times in rounds[1:]], "the goal", PROOF_MS)


def records_ms(engine: Engine, parcels: Sequence[str]) -> list[float]:
    """The p99 of several rounds of reading all records of one parcel: verdicts, statements and openings."""
    rng = random.Random("records")
    asked = [rng.choice(parcels) for _ in range(READS)]
    rounds = [[took_ms(partial(_read, engine, parcel)) for parcel in asked] for _ in range(ROUNDS + 1)]
    return [share(times, 0.99) for times in rounds[1:]]


def stored_bytes(engine: Engine) -> int:
    """How large the database is: every table and index, on SQLite without what lies free.

    On PostgreSQL free room and dead rows count: 1 or 2 per cent of what scans of whole journeys take.
    """
    with Session(engine) as session:
        if not is_sqlite(engine):
            return int(session.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
        pages, free, size = (
            session.execute(text(f"PRAGMA {name}")).scalar_one()
            for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)


def bytes_a_scan(name: str, rounds: Sequence[float], goal: int) -> Figure:
    """What a scan takes in the store, with every index; less is better."""
    return Figure(
        name=name,
        value=statistics.median(rounds),
        unit="bytes",
        limit_name="the goal",
        limit=goal,
        low=min(rounds),
        high=max(rounds),
    )


def _read(engine: Engine, parcel: str) -> None:
    with Session(engine) as session:
        stored_scans(session, [row.place for row in scan_book.scans_under(session, [parcel])])


def _prove(engine: Engine, index: int, size: int) -> None:
    with Session(engine) as session:
        log_reader.prove_inclusion(session, index, size)
