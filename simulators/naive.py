"""A yardstick for taking in scans: the same checks and rows as the service writes, done the way one writes first.

FastAPI, a session of SQLModel objects and one commit for each scan; no log, no judge, no group. What the service does
in the same run on the same machine is compared with it, so that a figure says what the design is worth and not what
the machine is.

    python -m simulators.naive PORT DATABASE_URL
"""

import sys
from typing import Annotated

import uvicorn
from fastapi import Body, FastAPI
from sqlalchemy import func
from sqlmodel import Session, SQLModel, col, select

from custody.kernel import cbor
from custody.kernel.errors import Rejected
from custody.kernel.keys import read_cose_key
from custody.scans.place import place_of
from custody.scans.scan import Scan, open_scan
from custody.store.bulk import table_of
from custody.store.engine import WRITES, open_engine
from custody.store.number_book import LateNumberRow
from custody.store.run_tables import DigestRow, ItemKeyRow
from custody.store.tables import EntryRow, OpeningRow, ScanRow, StationKeyRow
from custody.trail.names import index_keys

TABLES = (DigestRow, EntryRow, ItemKeyRow, LateNumberRow, OpeningRow, ScanRow, StationKeyRow)


def build_app(database_url: str) -> FastAPI:
    """The whole service that it is."""
    engine = open_engine(database_url)
    SQLModel.metadata.create_all(engine, tables=[table_of(table) for table in TABLES])
    writing = engine.execution_options(**{WRITES: True})
    app = FastAPI()

    @app.get("/healthz")
    def health() -> dict[str, bool]:
        return {"ok": True}

    @app.post("/keys", status_code=201)
    def add_key(raw: Annotated[bytes, Body()], station: str) -> dict[str, str]:
        key = read_cose_key(cbor.decode(raw))
        with Session(writing) as session:
            session.add(
                StationKeyRow(
                    kid=key.kid, station=station, cose_key=raw, added_idx=0, revoked_idx=None, suspect_from_idx=None
                )
            )
            session.commit()
        return {"station": station}

    @app.post("/v1/scans", status_code=201)
    def add_scan(raw: Annotated[bytes, Body()]) -> dict[str, object]:
        statement, opening = cbor.decode(raw)
        scan = open_scan(statement, opening)
        with Session(writing) as session:
            key = session.get(StationKeyRow, scan.message.kid)
            if key is None:
                raise Rejected("key", "unknown", fix="Enrol the key.")
            scan.message.verify(read_cose_key(cbor.decode(key.cose_key)))
            index = (session.exec(select(func.max(col(EntryRow.idx)))).one() or 0) + 1
            session.add_all(rows_of(scan, index))
            session.commit()
        return {"index": index}

    return app


def rows_of(scan: Scan, index: int) -> list[SQLModel]:
    """The rows that the service writes for a scan."""
    entry = EntryRow(idx=index, digest=scan.digest, raw=scan.entry, content_type=scan.content_type, received_ms=0)
    place = place_of(index)
    judged = ScanRow(
        place=place,
        station=scan.station,
        seq=scan.seq,
        digest=scan.digest,
        received_ms=0,
        result="accepted",
        code="S00",
        flags="",
    )
    keys = [ItemKeyRow(key=key, place=place) for key in sorted(index_keys(scan.event))]
    number = LateNumberRow(station=scan.station, seq=scan.seq, place=place)
    named = DigestRow(digest=scan.digest, place=place)
    return [entry, named, OpeningRow(place=place, content=scan.opening, erased_ms=None), judged, number, *keys]


if __name__ == "__main__":
    uvicorn.run(build_app(sys.argv[2]), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
