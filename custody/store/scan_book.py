"""Reading and writing what scans say: verdict rows, item keys, parcels, stations and their keys."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace
from sqlalchemy import func, select
from sqlmodel import Session, col

from custody.kernel.clock import Instant
from custody.scans.place import index_of, position_of
from custody.store import runs
from custody.store.brief import KEY, UUID_MARK
from custody.store.bulk import add, ask, pick, put, whole
from custody.store.engine import is_sqlite
from custody.store.log_book import opening_row
from custody.store.run_tables import DigestRow, ItemKeyRow
from custody.store.tables import (
    EntryRow,
    OpeningRow,
    ParcelRow,
    ScanRow,
    StationKeyRow,
    StationRow,
)

READ_AT_ONCE = 1_000
BEGINNING = 4
"""So many bytes of the digest of a plain scan stand in its row, as the whole stands with its entry.

They tell it from another statement of the same number.
"""
COLUMNS_OF_KEYS = {True: ("event_key",), False: ("other_key", "third_key")}
"""In which columns of a scan's row on PostgreSQL its keys stand: the name of its event, and others."""


class EnrolledKey(NamedTuple):
    """A station's key as `StationKeyRow` holds it."""

    kid: bytes
    station: str
    cose_key: bytes
    revoked_idx: int | None
    suspect_from_idx: int | None


class JudgedScan(msgspec.Struct, frozen=True, gc=False):
    """A scan in the log with the judge's verdict at the time, as `ScanRow` holds it."""

    place: int
    station: str
    seq: int
    digest: bytes
    received_ms: Instant
    result: str
    code: str
    flags: str

    @property
    def index(self) -> int:
        """The log index."""
        return index_of(self.place)

    @property
    def position(self) -> int | None:
        """Where in its batch it stands."""
        return position_of(self.place)


def station_keys(session: Session, kids: Iterable[bytes]) -> dict[bytes, EnrolledKey]:
    """Enrolled keys by thumbprint."""
    found = pick(session, StationKeyRow, EnrolledKey._fields, by=("kid",), values=kids)
    return {row[0]: EnrolledKey(*row) for row in found}


def enrolments(session: Session, kids: Iterable[bytes]) -> dict[bytes, int]:
    """The entries that enrolled these keys."""
    return dict(pick(session, StationKeyRow, ("kid", "added_idx"), by=("kid",), values=kids))


def stations(session: Session) -> list[StationRow]:
    """Every station that was announced, by name."""
    return list(session.scalars(select(StationRow).order_by(col(StationRow.station))).all())


def announced(session: Session, names: Iterable[str]) -> set[str]:
    """Those of these stations that were announced."""
    return {name for (name,) in pick(session, StationRow, ("station",), by=("station",), values=names)}


def station_by_token(session: Session, token_hash: bytes) -> StationRow | None:
    """The station that may enrol with this token, locked for this unit on PostgreSQL: the token works for one key."""
    query = select(StationRow).where(col(StationRow.token_hash) == token_hash).with_for_update()
    return session.scalars(query).one_or_none()


def keys_of_station(session: Session, station: str) -> list[StationKeyRow]:
    """Every key that a station has or had."""
    return list(session.scalars(select(StationKeyRow).where(col(StationKeyRow.station) == station)).all())


def parcels(session: Session, keys: Iterable[str]) -> dict[str, str]:
    """What is known of parcels, as JSON by canonical key."""
    return dict(pick(session, ParcelRow, ("key", "view"), by=("key",), values=keys))


def all_parcels(session: Session) -> Iterator[tuple[str, str]]:
    """What is known of every parcel, in the order of their keys as rows hold them; few rows are read at once."""
    question = select(col(ParcelRow.key), col(ParcelRow.view)).order_by(col(ParcelRow.key)).limit(READ_AT_ONCE)
    last = ""
    while rows := session.execute(question.where(col(ParcelRow.key) > last)).all():
        yield from ((key, view) for key, view in rows)
        last = rows[-1][0]


def known_digests(session: Session, digests: Iterable[bytes]) -> dict[bytes, int]:
    """Which statements the log holds already, with their indexes."""
    found = runs.found(session, DigestRow, ("digest", "place"), digests)
    return {digest: index_of(place) for digest, place in found if position_of(place) is None}


def known_names(session: Session, names: Iterable[bytes]) -> dict[bytes, int]:
    """Where scans stand, by their digests: those of statements, and the leaf hashes of scans in batches."""
    found = sorted(runs.found(session, DigestRow, ("digest", "place"), names), key=itemgetter(1), reverse=True)
    return dict(found) | {digest: place for digest, place in found if position_of(place) is None}


def statement_digests(session: Session, indexes: Iterable[int]) -> dict[int, bytes]:
    """The digests of entries by their index."""
    return dict(pick(session, EntryRow, ("idx", "digest"), by=("idx",), values=indexes))


def scans_under(session: Session, keys: Iterable[str]) -> list[JudgedScan]:
    """Every scan found under any of the canonical keys, in log order."""
    return judged_at(session, places_under(session, keys))


def places_under(session: Session, keys: Iterable[str]) -> set[int]:
    """The places of the scans that are found under any of the canonical keys."""
    return {place for (place,) in runs.found(session, ItemKeyRow, ("place",), keys)}


def places_by_key(session: Session, keys: Collection[str]) -> dict[str, set[int]]:
    """The same of each of the keys."""
    found: dict[str, set[int]] = {key: set() for key in keys}
    for key, place in runs.found(session, ItemKeyRow, ("key", "place"), found):
        found[key].add(place)
    return found


def judged_at(session: Session, places: Iterable[int]) -> list[JudgedScan]:
    """The scans at these places, in log order; a place where none stands is left out."""
    rows = pick(session, ScanRow, JudgedScan.__struct_fields__, by=("place",), values=places)
    return _with_digests(session, [JudgedScan(*row) for row in sorted(rows)])


def scans_from(session: Session, place: int, *, limit: int) -> list[JudgedScan]:
    """The scans at a place and after it, in log order, no more than `limit`."""
    return _judged(session, "place >= ? ORDER BY place LIMIT ?", (place, limit))


def judged_between(session: Session, first: int, end: int) -> list[JudgedScan]:
    """The scans from a place to before another one, in log order."""
    return _judged(session, "place >= ? AND place < ? ORDER BY place", (first, end))


def _judged(session: Session, where: str, values: Sequence[int]) -> list[JudgedScan]:
    fields = JudgedScan.__struct_fields__
    rows = ask(session, f"SELECT {', '.join(fields)} FROM scan WHERE {where}", values)  # noqa: S608 - nothing of it comes from outside
    return _with_digests(session, [JudgedScan(*row) for row in whole(ScanRow, fields, rows)])


def _with_digests(session: Session, scans: list[JudgedScan]) -> list[JudgedScan]:
    """The scans with their whole digests; one whose entry has another digest, or is lost, keeps what its row holds."""
    short = [scan.index for scan in scans if len(scan.digest) == BEGINNING]
    found = statement_digests(session, short)
    return [
        replace(scan, digest=digest)
        if len(scan.digest) == BEGINNING and (digest := found.get(scan.index, b"")).startswith(scan.digest)
        else scan
        for scan in scans
    ]


def held_digest(place: int, digest: bytes) -> bytes:
    """What the row of a scan holds of its digest: that of a leaf of a batch stands nowhere else."""
    return digest[:BEGINNING] if position_of(place) is None else digest


def count_before(session: Session, place: int) -> int:
    """How many scans stand before a place."""
    return session.scalar(select(func.count()).select_from(ScanRow).where(col(ScanRow.place) < place)) or 0


def first_places(session: Session, keys: Iterable[str]) -> dict[str, int]:
    """The first of the places that are found under each of the keys."""
    return dict(sorted(runs.found(session, ItemKeyRow, ("key", "place"), keys), key=itemgetter(1), reverse=True))


def state_at(session: Session, places: Collection[int]) -> list[list[tuple[Any, ...]]]:
    """All that can change what is read at some places: scans with their verdicts, and what was erased of them."""
    scans = [(scan.place, scan.digest, scan.result, scan.flags) for scan in judged_at(session, places)]
    erased = pick(session, OpeningRow, ("place", "erased_ms"), by=("place",), values=places)
    return [scans, sorted(erased)]


def add_scans(
    session: Session, scans: Sequence[dict[str, Any]], openings: Sequence[Any], keys: Sequence[dict[str, Any]]
) -> None:
    """Insert scan rows, the opening of each, the keys they are found under, and the digests of those in batches."""
    if is_sqlite(session.connection()):
        rows = [opening_row(scan["place"], opening) for scan, opening in zip(scans, openings, strict=True)]
        add(session, OpeningRow, rows)
    else:
        scans, keys = _with_keys(scans, openings, keys)
    add(session, ScanRow, scans)
    runs.add(session, ItemKeyRow, keys)
    inside = [scan for scan in scans if position_of(scan["place"]) is not None]
    runs.add(session, DigestRow, [{"digest": scan["digest"], "place": scan["place"]} for scan in inside])


def _with_keys(
    scans: Sequence[dict[str, Any]], openings: Sequence[Any], keys: Sequence[dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Scans with what else their rows on PostgreSQL hold, the opening and some of their keys; and the keys left."""
    held = {
        scan["place"]: {**scan, "event_key": None, "other_key": None, "third_key": "", "opening": opening}
        for scan, opening in zip(scans, openings, strict=True)
    }
    left = []
    for each in keys:
        row, key = held[each["place"]], each["key"]
        is_event = KEY.to_row(key).startswith(UUID_MARK)
        column = next((name for name in COLUMNS_OF_KEYS[is_event] if not row[name]), None)
        if column is None:
            left.append(each)
        else:
            row[column] = key
    return list(held.values()), left


def put_parcels(session: Session, views: Mapping[str, str]) -> None:
    """Replace what is known of parcels."""
    put(session, ParcelRow, [{"key": key, "view": view} for key, view in sorted(views.items())], keys=("key",))
