"""Reading and writing what scans say: verdict rows, item keys, parcels, stations and their keys."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from custody.store.tables import (
    EntryRow,
    ItemKeyRow,
    ParcelRow,
    QuarantineRow,
    ScanRow,
    StationHeadRow,
    StationKeyRow,
    StationRow,
)
from custody.store.upsert import add, put

MAX_QUARANTINE = 100_000
MAX_VALUES = 10_000
"""How many values one statement may hold; SQLite takes 32,766 and PostgreSQL 65,535."""


def station_keys(session: Session, kids: Iterable[bytes]) -> dict[bytes, StationKeyRow]:
    """Enrolled keys by thumbprint."""
    rows = session.scalars(select(StationKeyRow).where(col(StationKeyRow.kid).in_(list(kids)))).all()
    return {row.kid: row for row in rows}


def station_heads(session: Session, stations: Iterable[str]) -> dict[str, StationHeadRow]:
    """The newest statement of each station."""
    rows = session.scalars(select(StationHeadRow).where(col(StationHeadRow.station).in_(list(stations)))).all()
    return {row.station: row for row in rows}


def stations(session: Session, names: Iterable[str]) -> dict[str, StationRow]:
    """Stations by name."""
    rows = session.scalars(select(StationRow).where(col(StationRow.station).in_(list(names)))).all()
    return {row.station: row for row in rows}


def station_by_token(session: Session, token_hash: bytes) -> StationRow | None:
    """The station that may enrol with this token, locked for this unit on PostgreSQL: the token works once."""
    query = select(StationRow).where(col(StationRow.token_hash) == token_hash).with_for_update()
    return session.scalars(query).one_or_none()


def keys_of_station(session: Session, station: str) -> list[StationKeyRow]:
    """Every key that a station has or had."""
    return list(session.scalars(select(StationKeyRow).where(col(StationKeyRow.station) == station)).all())


def parcels(session: Session, keys: Iterable[str]) -> dict[str, str]:
    """What is known of parcels, as JSON by canonical key."""
    wanted = list(keys)
    found: dict[str, str] = {}
    for first in range(0, len(wanted), MAX_VALUES):
        part = wanted[first : first + MAX_VALUES]
        found |= {row.key: row.view for row in session.scalars(select(ParcelRow).where(col(ParcelRow.key).in_(part)))}
    return found


def known_digests(session: Session, digests: Iterable[bytes]) -> dict[bytes, int]:
    """Which statements the log holds already, with their indexes."""
    query = select(col(EntryRow.digest), col(EntryRow.idx)).where(col(EntryRow.digest).in_(list(digests)))
    return dict(session.execute(query).all())


def scans_at(session: Session, station_seqs: Iterable[tuple[str, int]]) -> dict[tuple[str, int], list[ScanRow]]:
    """Scans that stand at (station, sequence); more than one is tamper evidence."""
    wanted = set(station_seqs)
    names, numbers = {name for name, _ in wanted}, {seq for _, seq in wanted}
    query = select(ScanRow).where(col(ScanRow.station).in_(names), col(ScanRow.seq).in_(numbers))
    query = query.order_by(col(ScanRow.idx))
    found: dict[tuple[str, int], list[ScanRow]] = {}
    for row in session.scalars(query).all():
        if (row.station, row.seq) in wanted:
            found.setdefault((row.station, row.seq), []).append(row)
    return found


def scans_under(session: Session, keys: Iterable[str]) -> list[ScanRow]:
    """Every scan found under any of the canonical keys, in log order."""
    indexes = select(col(ItemKeyRow.idx)).where(col(ItemKeyRow.key).in_(list(keys)))
    query = select(ScanRow).where(col(ScanRow.idx).in_(indexes)).order_by(col(ScanRow.idx))
    return list(session.scalars(query).all())


def add_scans(session: Session, scans: Sequence[dict[str, Any]], keys: Sequence[dict[str, Any]]) -> None:
    """Insert scan rows and the keys they are found under."""
    add(session, ScanRow, list(scans))
    add(session, ItemKeyRow, list(keys))


def put_parcels(session: Session, views: Mapping[str, str]) -> None:
    """Replace what is known of parcels."""
    put(session, ParcelRow, [{"key": key, "view": view} for key, view in sorted(views.items())], keys=("key",))


def put_station_heads(session: Session, heads: Mapping[str, tuple[int, bytes]]) -> None:
    """Replace the newest statement of stations."""
    rows = [{"station": name, "seq": seq, "digest": digest} for name, (seq, digest) in sorted(heads.items())]
    put(session, StationHeadRow, rows, keys=("station",))


def add_to_quarantine(session: Session, rows: Sequence[dict[str, Any]]) -> int:
    """Keep signed evidence that the log does not take; returns how many rows were kept (the store is bounded)."""
    held = session.scalar(select(func.count()).select_from(QuarantineRow)) or 0
    kept = list(rows)[: max(0, MAX_QUARANTINE - held)]
    put(session, QuarantineRow, kept, keys=("digest",))
    return len(kept)
