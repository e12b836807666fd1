"""The room that a scan takes on SQLite, with every index, on the average of whole journeys."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from api.compose import compose
from api.settings import read_settings
from custody.kernel import cbor
from custody.scans.batch import HandedScan, SealedBatch, open_batch
from custody.scans.scan import CONTENT_TYPE, open_scan
from custody.store.tables import StationKeyRow
from custody.store.unit import House
from custody.usecases.file_part import ScanOrBatch
from simulators.journeys import batch_journeys, sign_journeys
from simulators.load import load_stations
from simulators.station import SignedBatch, Station
from tests.handed_in import hand_in

SCANS, IN_GROUP = 2_048, 256
PRAGMAS = ("page_count", "page_size")

Load = Callable[[list[Station], int], list[list[ScanOrBatch]]]


def singles(stations: list[Station], at_ms: int) -> list[list[ScanOrBatch]]:
    lanes = sign_journeys(stations, each=SCANS // len(stations), at_ms=at_ms, seed=1)
    scans: list[ScanOrBatch] = [open_scan(scan.statement, scan.opening) for lane in lanes for scan in lane]
    return [scans[first : first + IN_GROUP] for first in range(0, len(scans), IN_GROUP)]


def batches(stations: list[Station], at_ms: int) -> list[list[ScanOrBatch]]:
    made = batch_journeys(stations, batches=SCANS // IN_GROUP // len(stations), size=IN_GROUP, at_ms=at_ms, seed=1)
    return [[sealed(batch)] for lane in made for batch in lane]


def sealed(batch: SignedBatch) -> SealedBatch:
    items = [
        HandedScan(subject=scan.leaf.subject, content_type=CONTENT_TYPE, opening=scan.opening) for scan in batch.scans
    ]
    return SealedBatch(batch=open_batch(batch.statement, items), seal=batch.seal)


def size(house: House) -> int:
    with house.read() as session:
        pages, each = (session.connection().execute(text(f"PRAGMA {name}")).scalar_one() for name in PRAGMAS)
    return int(pages * each)


@pytest.mark.parametrize(("load", "most"), [(singles, 835), (batches, 520)])
def test_a_scan_takes_no_more_room_than_this(tmp_path: Path, load: Load, most: int) -> None:
    parts = compose(read_settings(data=tmp_path))
    stations = load_stations(4, seed=5)
    with parts.house.unit() as unit:
        for station in stations:
            key = station.signer.public
            unit.session.add(
                StationKeyRow(
                    kid=key.kid,
                    station=station.name,
                    cose_key=cbor.encode(key.cose_key()),
                    added_idx=0,
                    revoked_idx=None,
                    suspect_from_idx=None,
                )
            )
    parts.intake.start()
    before = size(parts.house)
    for group in load(stations, parts.clock.now_ms()):
        if isinstance(group[0], SealedBatch):
            acks = hand_in(parts.intake, [group[0]]).result()
        else:
            acks = hand_in(parts.intake, group).result()
        assert {ack.verdict.result for ack in acks} <= {"accepted", "flagged"}
    parts.intake.stop()
    assert (size(parts.house) - before) / SCANS <= most
    parts.engine.dispose()
