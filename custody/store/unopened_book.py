"""Scans in the log whose opening is missing: registered by their statement alone, provable, not yet readable."""

import zlib
from collections.abc import Iterable

from sqlalchemy import delete, insert, select
from sqlmodel import Session, col

from custody.store.log_book import OPENING_LEVEL
from custody.store.tables import OpeningRow, UnopenedRow

OPENED = "scan.opened"
"""Kind of the record that says that a scan's opening has come: `index` of its entry, `digest`."""


def at(session: Session, station_seqs: Iterable[tuple[str, int]]) -> list[UnopenedRow]:
    """Those that stand at one of these places in a station's sequence."""
    wanted = set(station_seqs)
    names, numbers = {name for name, _ in wanted}, {seq for _, seq in wanted}
    query = select(UnopenedRow).where(col(UnopenedRow.station).in_(names), col(UnopenedRow.seq).in_(numbers))
    return [row for row in session.scalars(query).all() if (row.station, row.seq) in wanted]


def of_shipments(session: Session, subjects: Iterable[str]) -> list[UnopenedRow]:
    """Those of some shipments, in log order; a shipment is named by its random reference."""
    query = select(UnopenedRow).where(col(UnopenedRow.sub).in_(list(subjects))).order_by(col(UnopenedRow.idx))
    return list(session.scalars(query).all())


def put_opening(session: Session, index: int, opening: bytes) -> None:
    """Its opening has come."""
    content = zlib.compress(opening, OPENING_LEVEL)
    session.connection().execute(insert(OpeningRow), [{"idx": index, "content": content, "erased_ms": None}])
    session.connection().execute(delete(UnopenedRow).where(col(UnopenedRow.idx) == index))
