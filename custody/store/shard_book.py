"""Shards as they are kept: under which group a station was from which entry on, and the descriptors of closed shards.

Entries lie in the log in the order in which they were received, but for some around an edge, so a quarter is a run of
them. Where it ends is looked for by halving, because no index over times is worth its cost at the intake; a descriptor
holds what was found.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import BigInteger, Column, LargeBinary, func, select
from sqlmodel import Field, Session, SQLModel, col

from custody.kernel.clock import Instant
from custody.scans.batch import BATCH, read_batch
from custody.scans.scan import SCANS, read_scan_statement
from custody.scans.shard import GroupSettings
from custody.store.tables import EntryRow


class StationGroupRow(SQLModel, table=True):
    """A station's group from the record at `from_idx` on."""

    __tablename__ = "station_group"
    station: str = Field(primary_key=True)
    from_idx: int = Field(sa_column=Column(BigInteger, primary_key=True, nullable=False, autoincrement=False))
    group: str


class ShardRow(SQLModel, table=True):
    """A closed shard: what its record at `idx` says of it, and how far dropping it has come.

    `gone` openings went; of the scans looked at, `held` were kept for a case or a lock and `shared` for a parcel that
    is not due. A dropping goes on at `next_place`, 0 if none is under way; `dropped_idx` is the record of the last.
    """

    __tablename__ = "shard"
    name: str = Field(primary_key=True)
    quarter: str = Field(index=True)
    group: str
    first_idx: int = Field(sa_type=BigInteger)
    last_idx: int = Field(sa_type=BigInteger)
    scans: int = Field(sa_type=BigInteger)
    stations: int = Field(sa_type=BigInteger)
    root: bytes = Field(sa_type=LargeBinary)
    keep_until_ms: int = Field(sa_type=BigInteger)
    idx: int = Field(sa_type=BigInteger)
    gone: int = Field(default=0, sa_type=BigInteger)
    held: int = Field(default=0, sa_type=BigInteger)
    shared: int = Field(default=0, sa_type=BigInteger)
    next_place: int = Field(default=0, sa_type=BigInteger)
    dropped_idx: int | None = Field(default=None, sa_type=BigInteger)


class ScanEntry(NamedTuple):
    """An entry with scans, as it stands in the log: a plain scan, or a batch of several."""

    idx: int
    station: str
    digest: bytes
    scans: int


def settings(session: Session) -> GroupSettings:
    """Every setting of every station, in the order of the log."""
    found: dict[str, list[tuple[int, str]]] = {}
    for row in setting_rows(session):
        found.setdefault(row.station, []).append((row.from_idx, row.group))
    return found


def setting_rows(session: Session, *, after: int = -1, limit: int | None = None) -> Sequence[StationGroupRow]:
    """The settings whose records lie after an index, in the order of the log."""
    query = select(StationGroupRow).where(col(StationGroupRow.from_idx) > after)
    return session.scalars(query.order_by(col(StationGroupRow.from_idx)).limit(limit)).all()


def shards(session: Session, *, after: int = -1, limit: int | None = None) -> Sequence[ShardRow]:
    """The closed shards whose records lie after an index, in the order of the log."""
    query = select(ShardRow).where(col(ShardRow.idx) > after).order_by(col(ShardRow.idx))
    return session.scalars(query.limit(limit)).all()


def is_closed(session: Session, quarter: str) -> bool:
    """Whether the shards of a quarter are closed; a quarter without scans never is."""
    return session.scalars(select(ShardRow).where(col(ShardRow.quarter) == quarter).limit(1)).first() is not None


def due_through(session: Session, now_ms: Instant) -> int:
    """The last entry of the shards that need not be kept any more; -1 if there is none."""
    query = select(func.max(col(ShardRow.last_idx))).where(col(ShardRow.keep_until_ms) <= now_ms)
    found = session.scalar(query)
    return -1 if found is None else found


def closed_to(session: Session) -> int:
    """The entry behind the last scan of all closed shards; 0 if there are none."""
    last: int | None = session.scalar(select(func.max(col(ShardRow.last_idx))))
    return 0 if last is None else last + 1


def received_ms(session: Session, index: int) -> Instant | None:
    """When an entry was received; None beyond the end of the log."""
    return session.scalar(select(col(EntryRow.received_ms)).where(col(EntryRow.idx) == index))


def first_from(session: Session, at_ms: Instant) -> int:
    """Where the log goes over an instant: what lies before was received before it, what stands there was not.

    Where times do not rise it is one of several such places, and another one when the log is longer.
    """
    low, high = 0, session.scalar(select(func.coalesce(func.max(col(EntryRow.idx)) + 1, 0))) or 0
    while low < high:
        middle = (low + high) // 2
        received = received_ms(session, middle)
        if received is not None and received < at_ms:
            low = middle + 1
        else:
            high = middle
    return low


def scan_entries(session: Session, indexes: range) -> Iterator[ScanEntry]:
    """The entries with scans among these indexes, in order."""
    query = (
        select(col(EntryRow.idx), col(EntryRow.content_type), col(EntryRow.raw))
        .where(col(EntryRow.idx) >= indexes.start, col(EntryRow.idx) < indexes.stop)
        .where(col(EntryRow.content_type).in_((*SCANS, BATCH)))
        .order_by(col(EntryRow.idx))
    )
    for index, content_type, raw in session.execute(query):
        if content_type == BATCH:
            batch = read_batch(raw)
            yield ScanEntry(index, batch.station, batch.digest, batch.count)
        else:
            scan = read_scan_statement(raw)
            yield ScanEntry(index, scan.station, scan.message.digest, 1)


def add_shards(session: Session, rows: Iterable[ShardRow]) -> None:
    """Insert closed shards."""
    session.add_all(rows)
    session.flush()
