"""Scans in the log whose opening is missing: registered by their statement alone, provable, not yet readable."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, delete, select
from sqlmodel import Field, Session, SQLModel, col

from custody.scans.place import place_of
from custody.store.bulk import add, ask, pick
from custody.store.tables import UnopenedRow, row_number


class OpenedRow(SQLModel, table=True):
    """The record which says that the opening of a scan has come, that the log held before without it."""

    __tablename__ = "opened"
    place: int = Field(sa_column=row_number())
    idx: int = Field(sa_type=BigInteger)


class UnopenedScan(NamedTuple):
    """A scan without its opening, as `UnopenedRow` holds it."""

    place: int
    station: str
    seq: int
    digest: bytes


def at(session: Session, places: Iterable[tuple[str, int]]) -> list[UnopenedScan]:
    """Those that stand at one of these places, (station, sequence)."""
    found = pick(session, UnopenedRow, UnopenedScan._fields, by=("station", "seq"), values=places)
    return [UnopenedScan(*row) for row in found]


def between(session: Session, station: str, first: int, last: int) -> list[UnopenedScan]:
    """Those of a station with the numbers from first to last."""
    names = ", ".join(UnopenedScan._fields)
    question = f"SELECT {names} FROM unopened WHERE station = ? AND seq BETWEEN ? AND ?"  # noqa: S608 - our own names
    return [UnopenedScan._make(row) for row in ask(session, question, (station, first, last))]


def add_unreadable(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Scans of batches whose opening holds no event: it is not kept, and their numbers are taken."""
    add(session, UnopenedRow, rows)


def of_shipments(session: Session, subjects: Iterable[str]) -> list[UnopenedRow]:
    """Those of some shipments, in log order; a shipment is named by its random reference."""
    query = select(UnopenedRow).where(col(UnopenedRow.sub).in_(list(subjects))).order_by(col(UnopenedRow.place))
    return list(session.scalars(query).all())


def note_opened(session: Session, index: int, *, told: int) -> None:
    """Its opening has come, with its row, as the record at `told` says."""
    place = place_of(index)
    add(session, OpenedRow, [{"place": place, "idx": told}])
    session.connection().execute(delete(UnopenedRow).where(col(UnopenedRow.place) == place))


def records_by_place(session: Session, places: Iterable[int]) -> dict[int, int]:
    """Of those of these scans whose opening came later, the entries of the records which say so."""
    return dict(pick(session, OpenedRow, ("place", "idx"), by=("place",), values=places))


def records_of_openings(session: Session, places: Iterable[int]) -> set[int]:
    """The entries of the records which say of these scans that their opening came later."""
    return set(records_by_place(session, places).values())
