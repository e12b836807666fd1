"""Reading and writing what scans say: verdict rows, item keys, parcels, stations and their keys."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import func, select
from sqlmodel import Session, col

from custody.kernel.clock import Instant
from custody.scans.place import index_of, place_of, position_of
from custody.scans.view import StationHead
from custody.store import runs
from custody.store.bulk import add, ask, pick, put, put_if_absent
from custody.store.run_tables import ItemKeyRow, LeafDigestRow
from custody.store.tables import (
    EntryRow,
    OpeningRow,
    ParcelRow,
    QuarantineRow,
    ScanRow,
    StationHeadRow,
    StationKeyRow,
    StationRow,
)

MAX_QUARANTINE = 100_000
READ_AT_ONCE = 1_000
PLACE = ("station", "seq")


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


class PlacedScan(NamedTuple):
    """A scan where it is asked for by its place in the station's sequence; `link` is the digest of its statement."""

    place: int
    digest: bytes
    link: bytes


def station_keys(session: Session, kids: Iterable[bytes]) -> dict[bytes, EnrolledKey]:
    """Enrolled keys by thumbprint."""
    found = pick(session, StationKeyRow, EnrolledKey._fields, by=("kid",), values=kids)
    return {row[0]: EnrolledKey(*row) for row in found}


def enrolments(session: Session, kids: Iterable[bytes]) -> dict[bytes, int]:
    """The entries that enrolled these keys."""
    return dict(pick(session, StationKeyRow, ("kid", "added_idx"), by=("kid",), values=kids))


def station_heads(session: Session, stations: Iterable[str]) -> dict[str, StationHead]:
    """The newest statement of each station."""
    found = pick(session, StationHeadRow, ("station", "seq", "digest"), by=("station",), values=stations)
    return {station: StationHead(seq=seq, digest=digest) for station, seq, digest in found}


def stations(session: Session) -> list[StationRow]:
    """Every station that was announced, by name."""
    return list(session.scalars(select(StationRow).order_by(col(StationRow.station))).all())


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
    return dict(pick(session, EntryRow, ("digest", "idx"), by=("digest",), values=digests))


def known_names(session: Session, names: Iterable[bytes]) -> dict[bytes, int]:
    """Where scans stand, by their digests: those of statements, and the leaf hashes of scans in batches."""
    wanted = list(dict.fromkeys(names))
    found = {digest: place_of(index) for digest, index in known_digests(session, wanted).items()}
    inside = runs.found(session, LeafDigestRow, ("digest", "place"), [name for name in wanted if name not in found])
    return dict(sorted(inside, key=itemgetter(1), reverse=True)) | found


def scans_at(session: Session, places: Iterable[tuple[str, int]]) -> dict[tuple[str, int], list[PlacedScan]]:
    """Scans that stand at (station, sequence), in log order; more than one is tamper evidence."""
    rows = list(pick(session, ScanRow, (*PLACE, "place", "digest"), by=PLACE, values=places))
    links = statement_digests(session, {index_of(row[2]) for row in rows})
    found: dict[tuple[str, int], list[PlacedScan]] = {}
    for station, seq, place, digest in rows:
        found.setdefault((station, seq), []).append(PlacedScan(place, digest, links[index_of(place)]))
    return {number: sorted(scans) for number, scans in found.items()}


def scans_between(session: Session, station: str, first: int, last: int) -> dict[int, list[PlacedScan]]:
    """Scans of a station with the numbers from first to last, in log order, by number."""
    question = "SELECT seq, place, digest FROM scan WHERE station = ? AND seq BETWEEN ? AND ?"
    rows = ask(session, question, (station, first, last))
    links = statement_digests(session, {index_of(place) for _, place, _ in rows})
    found: dict[int, list[PlacedScan]] = {}
    for seq, place, digest in rows:
        found.setdefault(seq, []).append(PlacedScan(place, digest, links[index_of(place)]))
    return {seq: sorted(scans) for seq, scans in found.items()}


def numbers_around(session: Session, station: str, first: int, last: int, *, most: int) -> dict[int, int]:
    """The numbers of a station that are taken from first to last, and `most` on either side, each with a place.

    What was not signed with a key of the station takes no number.
    """
    parts, values = list[str](), list[str | int]()
    for table, ours in (("unopened", ""), ("scan", " AND code NOT IN ('key_unknown', 'key_revoked')")):
        whole = f"SELECT seq, place FROM {table} WHERE station = ?{ours}"  # noqa: S608 - our own names
        parts += [
            f"SELECT * FROM ({whole} AND {which}) AS part"  # noqa: S608 - our own names
            for which in ("seq BETWEEN ? AND ?", "seq < ? ORDER BY seq DESC LIMIT ?", "seq > ? ORDER BY seq LIMIT ?")
        ]
        values += [station, first, last, station, first, most, station, last, most]
    return dict(ask(session, " UNION ALL ".join(parts), values))


def newest_statement(session: Session, station: str) -> StationHead | None:
    """The statement with a station's highest number, also one that was set aside: its number is taken all the same."""
    found = list(station_heads(session, [station]).values())
    for table in ("scan", "unopened"):
        question = f"SELECT seq, place FROM {table} WHERE station = ? ORDER BY seq DESC, place LIMIT 1"  # noqa: S608 - our own names
        for seq, place in ask(session, question, (station,)):
            index = index_of(place)
            found.append(StationHead(seq=seq, digest=statement_digests(session, [index])[index]))
    return max(found, key=lambda head: head.seq, default=None)


def statement_digests(session: Session, indexes: Iterable[int]) -> dict[int, bytes]:
    """The digests of entries by their index."""
    return dict(pick(session, EntryRow, ("idx", "digest"), by=("idx",), values=indexes))


def scans_under(session: Session, keys: Iterable[str]) -> list[JudgedScan]:
    """Every scan found under any of the canonical keys, in log order."""
    return judged_at(session, [place for (place,) in runs.found(session, ItemKeyRow, ("place",), keys)])


def judged_at(session: Session, places: Iterable[int]) -> list[JudgedScan]:
    """The scans at these places, in log order; a place where none stands is left out."""
    rows = pick(session, ScanRow, JudgedScan.__struct_fields__, by=("place",), values=places)
    return [JudgedScan(*row) for row in sorted(rows)]


def scans_from(session: Session, place: int, *, limit: int) -> list[JudgedScan]:
    """The scans at a place and after it, in log order, no more than `limit`."""
    question = f"SELECT {', '.join(JudgedScan.__struct_fields__)} FROM scan WHERE place >= ? ORDER BY place LIMIT ?"  # noqa: S608 - nothing of it comes from outside
    return [JudgedScan(*row) for row in ask(session, question, (place, limit))]


def count_before(session: Session, place: int) -> int:
    """How many scans stand before a place."""
    return session.scalar(select(func.count()).select_from(ScanRow).where(col(ScanRow.place) < place)) or 0


def first_places(session: Session, keys: Iterable[str]) -> dict[str, int]:
    """The first of the places that are found under each of the keys."""
    return dict(sorted(runs.found(session, ItemKeyRow, ("key", "place"), keys), key=itemgetter(1), reverse=True))


def state_under(session: Session, keys: Iterable[str]) -> list[list[tuple[Any, ...]]]:
    """All that can change what is found under some keys: scans with their verdicts, and what was erased of them."""
    places = {place for (place,) in runs.found(session, ItemKeyRow, ("place",), keys)}
    scans = sorted(pick(session, ScanRow, ("place", "digest", "result", "flags"), by=("place",), values=places))
    erased = pick(session, OpeningRow, ("place", "erased_ms"), by=("place",), values=places)
    return [scans, sorted(erased)]


def add_scans(session: Session, scans: Sequence[dict[str, Any]], keys: Sequence[dict[str, Any]]) -> None:
    """Insert scan rows and the keys they are found under."""
    add(session, ScanRow, scans)
    runs.add(session, ItemKeyRow, keys)
    inside = [scan for scan in scans if position_of(scan["place"]) is not None]
    runs.add(session, LeafDigestRow, [{"digest": scan["digest"], "place": scan["place"]} for scan in inside])


def put_parcels(session: Session, views: Mapping[str, str]) -> None:
    """Replace what is known of parcels."""
    put(session, ParcelRow, [{"key": key, "view": view} for key, view in sorted(views.items())], keys=("key",))


def put_station_heads(session: Session, heads: Mapping[str, tuple[int, bytes]]) -> None:
    """Replace the newest statement of stations."""
    rows = [{"station": name, "seq": seq, "digest": digest} for name, (seq, digest) in sorted(heads.items())]
    put(session, StationHeadRow, rows, keys=("station",))


def add_to_quarantine(session: Session, rows: Sequence[dict[str, Any]]) -> int:
    """Keep signed evidence that the log does not take; returns how many rows were kept (the store is bounded).

    What stands already stays as it is, and what was erased of it is not brought back.
    """
    held = session.scalar(select(func.count()).select_from(QuarantineRow)) or 0
    kept = list(rows)[: max(0, MAX_QUARANTINE - held)]
    named = [{**row, "name": hashlib.sha256(row["statement"]).digest()} for row in kept]
    put_if_absent(session, QuarantineRow, named, keys=("digest", "name"))
    return len(kept)
