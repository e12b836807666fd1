"""Scans in the log whose opening is missing: registered by their statement alone, provable, not yet readable."""

import zlib
from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import delete, select
from sqlmodel import Session, col

from custody.store.bulk import add, pick
from custody.store.log_book import OPENING_LEVEL
from custody.store.tables import OpeningRow, UnopenedRow

OPENED = "scan.opened"
"""Kind of the record that says that a scan's opening has come: `index` of its entry, `digest`."""


class UnopenedScan(NamedTuple):
    """A statement without its opening, as `UnopenedRow` holds it."""

    idx: int
    station: str
    seq: int
    digest: bytes


def at(session: Session, places: Iterable[tuple[str, int]]) -> list[UnopenedScan]:
    """Those that stand at one of these places, (station, sequence)."""
    found = pick(session, UnopenedRow, UnopenedScan._fields, by=("station", "seq"), values=places)
    return [UnopenedScan(*row) for row in found]


def of_shipments(session: Session, subjects: Iterable[str]) -> list[UnopenedRow]:
    """Those of some shipments, in log order; a shipment is named by its random reference."""
    query = select(UnopenedRow).where(col(UnopenedRow.sub).in_(list(subjects))).order_by(col(UnopenedRow.idx))
    return list(session.scalars(query).all())


def put_opening(session: Session, index: int, opening: bytes) -> None:
    """Its opening has come."""
    add(session, OpeningRow, [{"idx": index, "content": zlib.compress(opening, OPENING_LEVEL), "erased_ms": None}])
    session.connection().execute(delete(UnopenedRow).where(col(UnopenedRow.idx) == index))
