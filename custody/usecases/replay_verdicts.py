"""Replaying the log: the verdicts that it leads to (`replay_log.py`) against those that the judge's rows hold.

An auditor who has the openings needs nothing else of the operator.

What cannot be compared is named, not passed over: scans that were erased or still wait for their opening, scans of a
parcel or handset of which an earlier one was erased or is damaged, and, as a finding, whatever is damaged.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col

from custody.kernel.errors import Rejected
from custody.kernel.merkle import SmallTree
from custody.scans.batch import BatchedScan, BatchStatement, open_leaf, read_batch
from custody.scans.leaf import Leaf, read_leaf
from custody.scans.place import index_of, place_of, position_of, tell_place
from custody.scans.tolerances import Tolerances
from custody.store import batch_book, log_reader, scan_book
from custody.store.brief import brief_key
from custody.store.bulk import ask
from custody.store.log_reader import StoredEntry, StoredOpening
from custody.store.tables import EntryRow, OpeningRow, ScanRow
from custody.usecases.replay_log import Damaged, follow_log

CHUNK = 500
BEFORE_ALL = -1
_ERASED = '"erased":true'
UNREADABLE = b""
"""Stands for an opening whose row cannot be read; no statement was ever signed over it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A scan whose stored verdict is not the one that the log leads to; None where there is none."""

    place: int
    stored: tuple[str, str, str] | None
    replayed: tuple[str, str, str] | None

    @property
    def index(self) -> int:
        """The log index."""
        return index_of(self.place)

    @property
    def position(self) -> int | None:
        """Where in its batch it stands."""
        return position_of(self.place)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How many verdicts are the same, which are not, what is damaged, and what could not be compared.

    The last are named by their index, or index and position.
    """

    same: int
    different: tuple[Difference, ...]
    damaged: tuple[Damaged, ...]
    unread: tuple[int | tuple[int, int], ...]
    after_erased: tuple[int | tuple[int, int], ...]


def compare_verdicts(session: Session, tolerances: Tolerances) -> Comparison:
    """Replay the whole log of this database and compare it with the judge's rows."""
    size = log_reader.head(session).size
    lost = _erased_before(session)
    rows = {row.place: row for row in session.scalars(select(ScanRow)).all()}
    same, others, damaged = 0, [], []
    gone = rows.keys() & set(session.scalars(select(col(OpeningRow.place)).where(col(OpeningRow.content).is_(None))))
    replay = follow_log(
        lambda: _entries(session, size),
        lambda entry: _scans_of(session, entry),
        tolerances,
        said={place: row.result for place, row in rows.items()},
    )
    for replayed in replay:
        row = rows.pop(replayed.place, None)
        if isinstance(replayed, Damaged):
            damaged.append(replayed)
        elif row is not None and _words(row) == replayed.words:
            same += 1
        else:
            others.append((replayed, None if row is None else _words(row)))
    hurt = {each.place for each in damaged}
    if hurt and others:
        lost = _first_places([*lost.items(), *_damaged_before(session, hurt).items()])
    after, different = [], []
    for replayed, stored in others:
        if any(lost.get(brief_key(key), place_of(size)) < replayed.place for key in replayed.keys):
            after.append(replayed.place)
        else:
            different.append(Difference(place=replayed.place, stored=stored, replayed=replayed.words))
    different += [
        Difference(place=place, stored=_words(row), replayed=None)
        for place, row in sorted(rows.items())
        if place not in gone and hurt.isdisjoint(_places_of(place))
    ]
    return Comparison(
        same=same,
        different=tuple(different),
        damaged=tuple(sorted(damaged, key=lambda each: each.place)),
        unread=tuple(map(tell_place, sorted(gone))),
        after_erased=tuple(map(tell_place, sorted(after))),
    )


def _words(row: ScanRow) -> tuple[str, str, str]:
    return str(row.result), str(row.code), str(row.flags)


def _entries(session: Session, size: int) -> Iterator[StoredEntry | Damaged]:
    """The entries below `size` that stand in the rows; a run that is missing is told at its first index."""
    due = 0
    while due < size:
        query = select(col(EntryRow.idx)).where(col(EntryRow.idx) >= due, col(EntryRow.idx) < size)
        indexes = session.scalars(query.order_by(col(EntryRow.idx)).limit(CHUNK)).all()
        for index, entry in zip(indexes, read_entries(session, indexes), strict=True):
            if index > due:
                yield _missing(due, index)
            yield entry
            due = index + 1
        if not indexes:
            yield _missing(due, size)
            return


def read_entries(session: Session, indexes: Sequence[int]) -> list[StoredEntry | Damaged]:
    """Entries with their openings, whatever their rows hold; unknown indexes are left out."""
    try:
        return [*log_reader.entries(session, indexes)]
    except SQLAlchemyError:
        raise
    except Exception:  # noqa: BLE001 - a row may hold anything; of many, the one that does is looked for
        if len(indexes) > 1:
            return [entry for index in indexes for entry in read_entries(session, [index])]
    try:
        return [replace(entry, opening=UNREADABLE) for entry in log_reader.entries(session, indexes, bare=True)]
    except SQLAlchemyError:
        raise
    except Exception as error:  # noqa: BLE001 - as above
        return [Damaged.by(place_of(indexes[0]), error)]


def _missing(first: int, end: int) -> Damaged:
    return Damaged(place=place_of(first), why=f"the entries from {first} to {end - 1} are not there")


def _scans_of(session: Session, entry: StoredEntry) -> list[BatchedScan | Damaged | None]:
    statement = read_batch(entry.raw)
    try:
        leaves = read_leaves(session, entry.idx, statement)
    except SQLAlchemyError:
        raise
    except Exception as error:  # noqa: BLE001 - as above
        return [Damaged.by(place_of(entry.idx), error), *[None] * (statement.count - 1)]
    places = [place_of(entry.idx, at) for at in range(statement.count)]
    openings = _read_openings(session, places)
    return [_open(statement, leaf, place, openings.get(place)) for place, leaf in zip(places, leaves, strict=True)]


def read_leaves(session: Session, index: int, statement: BatchStatement) -> list[Leaf]:
    """The leaves of a batch as its station signed them; raises `Rejected` or `NotFound`."""
    leaves = [read_leaf(raw) for raw in batch_book.batch(session, index).leaves]
    if SmallTree.of(leaf.digest for leaf in leaves).root != statement.root:
        raise Rejected("batch", "the leaves that are kept are not those that were signed", fix="Restore a backup.")
    return leaves


def _open(
    statement: BatchStatement, leaf: Leaf, place: int, opening: StoredOpening | Damaged | None
) -> BatchedScan | Damaged | None:
    if opening is None or isinstance(opening, Damaged):
        return opening
    try:
        return None if opening.content is None else open_leaf(statement, leaf, opening.content)
    except Rejected as error:
        return Damaged.by(place, error)


def _read_openings(session: Session, places: Sequence[int]) -> dict[int, StoredOpening | Damaged]:
    try:
        return {**log_reader.openings(session, places)}
    except SQLAlchemyError:
        raise
    except Exception as error:  # noqa: BLE001 - as above
        if len(places) == 1:
            return {places[0]: Damaged.by(places[0], error)}
        return {place: opening for each in places for place, opening in _read_openings(session, [each]).items()}


def _erased_before(session: Session) -> dict[str, int]:
    """For each parcel of which something was erased, by its key as rows hold it, the first such place.

    That is a scan that was erased, or the notice by which the judge forgot the parcel: scans that it shares with
    another parcel can be read after it, and are not what the judge went on from. Which scans of a handset went with a
    parcel that it is not in any more, nothing says: whatever the judge says of it is after an erasure.
    """
    gone = "SELECT item_key.key, item_key.place FROM item_key JOIN opening ON opening.place = item_key.place"
    scans = ask(session, f"{gone} WHERE opening.content IS NULL", ())
    notices = ask(session, "SELECT target, idx FROM erasure", ())
    named = [(brief_key(target), place_of(index)) for target, index in notices]
    handsets = [(brief_key(key), BEFORE_ALL) for key, view in scan_book.all_parcels(session) if _ERASED in view]
    return _first_places([*scans, *named, *handsets])


def _damaged_before(session: Session, hurt: set[int]) -> dict[str, int]:
    """The same for scans that are damaged; a damaged entry is that of all its scans."""
    rows = ask(session, "SELECT key, place FROM item_key", ())
    return _first_places([row for row in rows if isinstance(row[1], int) and not hurt.isdisjoint(_places_of(row[1]))])


def _first_places(rows: Iterable[tuple[Any, ...]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for key, place in rows:
        found[key] = min(place, found.get(key, place))
    return found


def _places_of(place: int) -> tuple[int, int]:
    """The place, and that of its whole entry."""
    return place, place_of(index_of(place))
