"""What is read and deleted when a shard is dropped.

A dropped scan loses its opening, the name of its event, and the keys it is found under. Under the keys by which the
judge remembers things it stays listed while another scan of that thing can be read, so that a trail and a replay can
say that something was erased before; with the last of them goes all that is remembered of the thing.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TypeVar

from sqlalchemy import bindparam, delete, select, text, update
from sqlmodel import Session, col

from custody.kernel import cose
from custody.scans.cwt_claims import ISSUER_PREFIX
from custody.scans.place import index_of, place_of
from custody.scans.shard import ALL, GroupSettings, group_at, read_shard
from custody.store.aside_book import speaks_of
from custody.store.bulk import table_of
from custody.store.run_tables import ItemKeyRow
from custody.store.runs import in_runs
from custody.store.shard_book import ShardRow
from custody.store.tables import OpeningRow, ParcelRow, QuarantineRow, ScanRow

AT_ONCE = 10_000
"""So many keys are asked for in one statement."""

Value = TypeVar("Value")


def ends_at(row: ShardRow) -> int:
    """The place behind a shard's last scan."""
    return place_of(row.last_idx + 1)


def readable(
    session: Session, row: ShardRow, groups: GroupSettings, *, after: int, limit: int
) -> tuple[list[int], int]:
    """The next scans of a shard whose openings are there, in log order, and the place to go on at."""
    stations = {name for name, given in groups.items() if any(group == row.group for _, group in given)}
    elsewhere = {name for name in groups.keys() - stations if group_at(groups, name, row.first_idx) != ALL}
    station = col(ScanRow.station)
    query = (
        select(col(ScanRow.place), station)
        .join(OpeningRow, col(OpeningRow.place) == col(ScanRow.place))
        .where(col(ScanRow.place) >= max(after, place_of(row.first_idx)), col(ScanRow.place) < ends_at(row))
        .where(col(OpeningRow.content).is_not(None))
        .where(station.not_in(elsewhere) if row.group == ALL else station.in_(stations))
        .order_by(col(ScanRow.place))
        .limit(limit)
    )
    found = session.execute(query).all()
    mine = [place for place, name in found if group_at(groups, name, index_of(place)) == row.group]
    return mine, found[-1][0] + 1 if len(found) == limit else ends_at(row)


def going_on(session: Session, row: ShardRow, *, after: int) -> set[str]:
    """Keys of the shard's scans under which scans are found from a place on as well."""
    key, later = col(ItemKeyRow.key), table_of(ItemKeyRow).alias("later").c
    found_later = text(in_runs(session, ItemKeyRow, known_as="later"))
    goes_on = select(later.place).where(found_later, later.key == key, later.place >= after).exists()
    mine = (col(ItemKeyRow.place) >= place_of(row.first_idx), col(ItemKeyRow.place) < ends_at(row))
    return set(session.scalars(select(key).distinct().where(*mine, goes_on)).all())


def found_after(session: Session, keys: Iterable[str], place: int) -> set[str]:
    """Those of the keys under which scans are found from a place on."""
    key = col(ItemKeyRow.key)
    query = select(key).distinct().where(text(in_runs(session, ItemKeyRow)), col(ItemKeyRow.place) >= place)
    return {found for part in _parts(keys) for found in session.scalars(query.where(key.in_(part)))}


def still_read(session: Session, keys: Iterable[str]) -> set[str]:
    """Those of the keys under which a scan can be read."""
    key = col(ItemKeyRow.key)
    query = select(key).distinct().join(OpeningRow, col(OpeningRow.place) == col(ItemKeyRow.place))
    query = query.where(text(in_runs(session, ItemKeyRow)), col(OpeningRow.content).is_not(None))
    return {found for part in _parts(keys) for found in session.scalars(query.where(key.in_(part)))}


def forget(session: Session, found_under: Mapping[int, Collection[str]], gone: Collection[str]) -> None:
    """Delete keys of dropped scans, by place, and all that is remembered under `gone`."""
    run, in_one = session.connection().execute, text(in_runs(session, ItemKeyRow))
    pairs = [{"one": key, "at": place} for place, keys in found_under.items() for key in sorted(keys)]
    if pairs:
        same = (col(ItemKeyRow.key) == bindparam("one"), col(ItemKeyRow.place) == bindparam("at"))
        run(delete(ItemKeyRow).where(in_one, *same), pairs)
    for part in _parts(gone):
        run(delete(ItemKeyRow).where(in_one, col(ItemKeyRow.key).in_(part)))
        run(delete(ParcelRow).where(col(ParcelRow.key).in_(part)))


def forget_quarantined(
    session: Session, row: ShardRow, groups: GroupSettings, *, needed: Collection[str], limit: int
) -> int:
    """Delete openings of statements kept aside in the shard's quarter that its stations' names are on.

    Those about one of the things `needed` stay. Returns how many went, at most `limit`.
    """
    quarter = read_shard(row.name).quarter
    received = col(QuarantineRow.received_ms)
    query = select(QuarantineRow).where(received >= quarter.begins_ms, received < quarter.ends_ms)
    query = query.where(col(QuarantineRow.opening) != b"").execution_options(yield_per=500)
    gone = []
    for kept in session.scalars(query):
        mine = group_at(groups, _station(kept.statement), row.last_idx) == row.group
        if mine and not speaks_of(kept, needed):
            gone.append(kept.digest)
        if len(gone) == limit:
            break
    change = update(QuarantineRow).where(col(QuarantineRow.digest).in_(gone)).values(opening=b"")
    session.connection().execute(change)
    return len(gone)


def _station(statement: bytes) -> str:
    return str(cose.parse(statement).claims.get(cose.ISS, "")).removeprefix(ISSUER_PREFIX)


def _parts(values: Iterable[Value]) -> Iterator[list[Value]]:
    left = list(values)
    for first in range(0, len(left), AT_ONCE):
        yield left[first : first + AT_ONCE]
