"""The ways of all parcels, read as the log grows.

What is kept is small: each parcel's way, its passage as the inference takes it, and what was counted of a lot of
parcels at a time. A scan is opened once: what it says of a parcel is kept for as long as the parcel is on its way, and
when it is scanned again, its way is worked out from that. Of a parcel that was delivered, or whose scans have to do
with each other (`look.py`), all scans are opened again. A passage is worked out again also when the network that all
parcels together show is another one where this parcel was not seen.

What was erased is forgotten here too. If a key becomes suspect, verdicts of old scans change, and everything is read
anew, as after a shard was dropped, after a station was put elsewhere, and when an opening came late for a scan that
others have passed meanwhile.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlmodel import Session

from custody.investigation.look import Look, are_plain, look_at
from custody.investigation.lots import Lot, Lots
from custody.investigation.read_passage import read_way, way_of
from custody.investigation.values import Passage
from custody.scans.advance import parcels_of
from custody.scans.place import index_of
from custody.store import erase_book, log_reader, scan_book
from custody.store.tables import StationRow
from custody.store.unit import House
from custody.trail.names import is_parcel
from custody.trail.sealed import SealedScan
from custody.usecases.enrol_station import site_name, station_info
from custody.usecases.erase import is_case
from custody.usecases.mark_unproven import Doubts, read_doubts
from custody.usecases.read_trail import sealed_scans

AT_ONCE = 2_000
"""How many scans are held open at a time."""

MOST_ON_THEIR_WAY = 500_000
"""Of so many parcels on their way the looks are kept; of others their scans are opened again."""

Progress = Callable[[int, int], None]
"""Called with how many entries of the log have been read, and how many there are."""


@dataclass(slots=True, kw_only=True)
class _Memory:
    """What is known up to an entry, as long as these verdicts are in doubt and no others.

    `placed`: where the stations were whose scans were read; `looks`: what the scans of parcels on their way say of
    them, oldest first; `due`: those of them whose ways are older than their looks; `gone`: what was ever erased.
    """

    doubts: Doubts
    erased: int
    gone: set[str] = field(default_factory=set)
    next: int = 0
    scans: int = 0
    placed: dict[str, tuple[str, str]] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    looks: dict[str, tuple[Look, ...]] = field(default_factory=dict)
    due: set[str] = field(default_factory=set)
    lots: Lots = field(default_factory=Lots)


class Ways:
    """What is remembered of every parcel; several threads may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._memory = _Memory(doubts=Doubts(spans={}), erased=-1)

    def read_on(self, house: House, progress: Progress) -> None:
        """Read what is new in the log some scans at a time, each time in a transaction of its own."""
        with self._lock, house.read() as session:
            self._memory = _still_right(session, self._memory)
        more = True
        while more:
            with self._lock, house.read() as session:
                more = _read_some(session, self._memory)
                read, size = index_of(self._memory.next), log_reader.head(session).size
            if more:
                progress(read, size)

    def lots(self, session: Session) -> tuple[Lot, ...]:
        """All parcels that a station of the network scanned, in lots."""
        with self._lock:
            memory = self._memory = _still_right(session, self._memory)
            while _read_some(session, memory):
                pass
            for parcel in memory.due:
                memory.lots.put(parcel, way_of(parcel, memory.looks[parcel]))
            memory.due.clear()
            return memory.lots.settled(_site_names(session))

    def passages(self, session: Session) -> dict[str, Passage]:
        """The passage of every parcel that a station of the network scanned, by its key."""
        return {parcel: passage for lot in self.lots(session) for parcel, passage in lot.passages.items()}


def _still_right(session: Session, memory: _Memory) -> _Memory:
    """The memory without what was erased since; an empty one if verdicts or whole shards are not what they were."""
    doubts = read_doubts(session)
    erased = erase_book.erased_after(session, memory.erased)
    newest = max(erased, default=memory.erased)
    targets = {name for name in erased.values() if not is_case(name)}
    came_late = scan_book.count_before(session, memory.next) != memory.scans
    moved = memory.placed.items() - _placed(session).items()
    if doubts != memory.doubts or came_late or moved or not all(map(is_parcel, targets)):
        return _Memory(doubts=doubts, erased=newest, gone=memory.gone | targets)
    if targets:
        # A scan of several parcels goes with the last one of them, and so from the others that were erased before.
        memory.gone |= targets
        for parcel in memory.gone & memory.looks.keys():
            del memory.looks[parcel]
        _remember(session, memory, {parcel: [] for parcel in memory.gone if parcel in memory.lots})
    memory.erased = newest
    return memory


def _read_some(session: Session, memory: _Memory) -> bool:
    """Work out the ways of the parcels in the next scans; False if there are no more."""
    rows = scan_book.scans_from(session, memory.next, limit=AT_ONCE)
    if rows:
        scans = sealed_scans(session, rows)
        found = _by_parcel(scans)
        for sealed in scans:
            memory.placed.setdefault(sealed.station.station, (sealed.station.site, sealed.station.step))
        _remember(session, memory, found)
        memory.seen |= found.keys()
        memory.next = rows[-1].place + 1
        memory.scans += len(rows)
    return len(rows) == AT_ONCE


def _remember(session: Session, memory: _Memory, found: Mapping[str, Sequence[SealedScan]]) -> None:
    """Work out the ways of parcels from these scans; of those seen before, from their older scans too.

    The way of a parcel that goes on can wait until it is asked for: by then it has been scanned many times more.
    """
    looks = {parcel: _looks(memory, parcel, scans) for parcel, scans in found.items()}
    again = {parcel for parcel in found if looks[parcel] is None} & memory.seen
    older = [row for row in scan_book.scans_under(session, again) if row.place < memory.next] if again else []
    before = _by_parcel(sealed_scans(session, older))
    for parcel, scans in found.items():
        plain = looks[parcel]
        if plain is None:
            memory.lots.put(parcel, read_way(parcel, [*before.get(parcel, ()), *scans]))
        elif any(look.delivers for look in plain):
            memory.lots.put(parcel, way_of(parcel, plain))
        else:
            memory.looks[parcel] = plain
            if parcel in memory.lots:
                memory.due.add(parcel)
            else:
                memory.lots.put(parcel, way_of(parcel, plain))
    memory.due -= found.keys() - memory.looks.keys()
    while len(memory.looks) > MOST_ON_THEIR_WAY:
        _work_out(memory, next(iter(memory.looks)))


def _work_out(memory: _Memory, parcel: str) -> None:
    """The way of a parcel that waits for it, from its looks, which are let go."""
    memory.lots.put(parcel, way_of(parcel, memory.looks.pop(parcel)))
    memory.due.discard(parcel)


def _looks(memory: _Memory, parcel: str, scans: Iterable[SealedScan]) -> tuple[Look, ...] | None:
    """What all scans of a parcel say, if that is known without opening any again, and each speaks for itself."""
    before = memory.looks.pop(parcel, None if parcel in memory.seen else ())
    looks = None if before is None else (*before, *(look_at(sealed, parcel) for sealed in scans))
    return looks if looks is not None and are_plain(looks) else None


def _by_parcel(scans: Iterable[SealedScan]) -> dict[str, list[SealedScan]]:
    found: dict[str, list[SealedScan]] = {}
    for sealed in scans:
        for key in filter(is_parcel, parcels_of(sealed.event)):
            found.setdefault(key, []).append(sealed)
    return found


def _placed(session: Session) -> dict[str, tuple[str, str]]:
    infos = map(station_info, session.scalars(select(StationRow)).all())
    return {info.station: (info.site, str(info.step)) for info in infos}


def _site_names(session: Session) -> dict[str, str]:
    return {station_info(row).site: site_name(row) for row in session.scalars(select(StationRow)).all()}
