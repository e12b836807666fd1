"""The ways of all parcels, read as the log grows.

What is kept is small: each parcel's way, its passage as the inference takes it, and what was counted of a lot of
parcels at a time. A scan is opened once: what it says of a parcel is kept for as long as the parcel is on its way, and
when it is scanned again, its way is worked out from that. Of a parcel that was delivered, or whose scans have to do
with each other (`look.py`), all scans are opened again. A passage is worked out again also when the network that all
parcels together show is another one where this parcel was not seen.

What was erased is forgotten here too. If a key becomes suspect, verdicts of old scans change, and everything is read
anew, as after a shard was dropped, and when an opening came late for a scan that others have passed meanwhile.

What the scans of a stretch tell is kept in the store (`stretch_book.py`), for processes that start later and for
reading anew: these open only what nobody read before, and scans that have to do with each other.
"""

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from sqlmodel import Session

from custody.investigation.look import KeptLook, Look, are_plain, place, tell
from custody.investigation.lots import Lot, Lots
from custody.investigation.passage import Passage
from custody.investigation.read_passage import passage_of, read_way, way_of
from custody.kernel.errors import Unavailable
from custody.scans.advance import parcels_of
from custody.scans.place import index_of
from custody.store import attestation_book, erase_book, log_reader, scan_book, stretch_book
from custody.store.stretch_book import Stretch
from custody.store.unit import House
from custody.trail.names import is_parcel
from custody.trail.sealed import SealedScan
from custody.usecases.enrol_station import site_name, station_info
from custody.usecases.erase import is_case
from custody.usecases.mark_unproven import Doubts, read_doubts
from custody.usecases.read_trail import attested_checks, sealed_scans

AT_ONCE = 2_000
"""How many scans are held open at a time."""

MOST_ON_THEIR_WAY = 500_000
"""Of so many parcels on their way the looks are kept; of others their scans are opened again."""

Progress = Callable[[int, int], None]
"""Called with how many entries of the log have been read, and how many there are."""


@dataclass(slots=True, kw_only=True)
class _Fresh:
    """What was opened from a place on and is not kept yet; `erasure` is the newest notice of one in its snapshots.

    `whole`: it is to be kept now, because it is long enough or goes up to what is kept.
    """

    first: int
    erasure: int
    scans: int = 0
    told: list[KeptLook] = field(default_factory=list)
    whole: bool = False


@dataclass(slots=True, kw_only=True)
class _Memory:
    """What is known up to an entry, as long as these verdicts are in doubt and no others.

    `looks`: what the scans of parcels on their way say of them, oldest first; `due`: those of them whose ways are older
    than their looks; `gone`: what was ever erased.
    """

    doubts: Doubts
    erased: int
    gone: set[str] = field(default_factory=set)
    next: int = 0
    scans: int = 0
    seen: set[str] = field(default_factory=set)
    looks: dict[str, tuple[Look, ...]] = field(default_factory=dict)
    due: set[str] = field(default_factory=set)
    lots: Lots = field(default_factory=Lots)
    fresh: _Fresh | None = None


class ParcelWays:
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
                whole, end = _whole(self._memory), self._memory.next
            if whole is not None:
                _keep(house, whole, end)
            if more:
                progress(read, size)

    def lots(self, session: Session) -> tuple[Lot, ...]:
        """All parcels that a station of the network scanned, in lots."""
        with self._lock:
            memory = self._memory = _still_right(session, self._memory)
            while _read_some(session, memory):
                _whole(memory)
            for parcel in memory.due:
                memory.lots.put(parcel, way_of(parcel, memory.looks[parcel]))
            memory.due.clear()
            return memory.lots.settled(_site_names(session))

    def attested(self, session: Session, parcels: Collection[str]) -> dict[str, Passage]:
        """The passages of those of these parcels of which verifiers attest anything, with what they attest.

        It is for what is judged, and asked for after `lots`: what a verifier says comes whenever it comes, so no way
        that is remembered has it, and what is counted of all parcels is counted without it.
        """
        if attestation_book.is_empty(session):
            return {}
        with self._lock:
            network = self._memory.lots.network
        rows = scan_book.scans_under(session, parcels)
        said = {each.scan for each in attestation_book.attested(session, [row.digest for row in rows])}
        about = sealed_scans(session, [row for row in rows if row.digest in said])
        concerned = {parcel for sealed in about for parcel in _parcels(sealed)}.intersection(parcels)
        made = _by_parcel(sealed_scans(session, scan_book.scans_under(session, concerned)))
        ways = {
            parcel: read_way(parcel, made[parcel], checks=attested_checks(session, made[parcel]))
            for parcel in concerned
        }
        return {parcel: passage_of(way, network) for parcel, way in ways.items() if way is not None}

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
    if doubts != memory.doubts or came_late or not all(map(is_parcel, targets)):
        return _Memory(doubts=doubts, erased=newest, gone=memory.gone | targets)
    if targets:
        # A scan of several parcels goes with the last one of them, and so from the others that were erased before.
        memory.gone |= targets
        for parcel in memory.gone & memory.looks.keys():
            del memory.looks[parcel]
        lost = {parcel: () for parcel in memory.gone if parcel in memory.lots}
        _remember(session, memory, lost, {}, end=memory.next)
    memory.erased = newest
    return memory


def _read_some(session: Session, memory: _Memory) -> bool:
    """Work out the ways of the parcels in the next scans; False if there are no more."""
    stretch = stretch_book.kept(session, memory.next)
    if stretch is not None:
        _take_in(session, memory, stretch, {})
        memory.fresh = None
        return True
    # What is not kept is read up to where it is kept again.
    within = stretch_book.covering(session, memory.next)
    bound = within or stretch_book.next_first(session, memory.next)
    found = scan_book.scans_from(session, memory.next, limit=AT_ONCE)
    rows = [row for row in found if bound is None or row.place < bound]
    if not rows and bound is None:
        return False
    bounded = bound is not None and (len(rows) < len(found) or len(found) < AT_ONCE)
    scans = {sealed.place: sealed for sealed in sealed_scans(session, rows)}
    told = [tell(sealed, parcel) for sealed in scans.values() for parcel in _parcels(sealed)]
    end = bound if bounded and bound is not None else rows[-1].place + 1
    stretch = Stretch(first=memory.next, end=end, scans=len(rows), told=told)
    _take_in(session, memory, stretch, scans)
    memory.fresh = None if within else _and_so(session, memory.fresh, stretch)
    if memory.fresh is not None:
        memory.fresh.whole = bounded or memory.fresh.scans >= AT_ONCE
    return bounded or len(found) == AT_ONCE


def _take_in(session: Session, memory: _Memory, stretch: Stretch, opened: Mapping[int, SealedScan]) -> None:
    """Work out the ways of the parcels in a stretch; `opened` are its scans, if they were opened for it."""
    found: dict[str, list[KeptLook]] = {}
    for told in stretch.told:
        found.setdefault(told.parcel, []).append(told)
    _remember(session, memory, found, opened, end=stretch.end)
    memory.seen |= found.keys()
    memory.next = stretch.end
    memory.scans += stretch.scans


def _and_so(session: Session, fresh: _Fresh | None, stretch: Stretch) -> _Fresh:
    """What was opened before and is not kept yet, with this stretch behind it; this one alone after an erasure."""
    erasure = stretch_book.newest_erasure(session)
    if fresh is None or fresh.erasure != erasure:
        fresh = _Fresh(first=stretch.first, erasure=erasure)
    fresh.scans += stretch.scans
    fresh.told += stretch.told
    return fresh


def _whole(memory: _Memory) -> _Fresh | None:
    """What is to be kept now; it is let go."""
    if memory.fresh is None or not memory.fresh.whole:
        return None
    whole, memory.fresh = memory.fresh, None
    return whole


def _keep(house: House, fresh: _Fresh, end: int) -> None:
    """Keep what was read; if others are at work in the database, whoever reads it next will."""
    stretch = Stretch(first=fresh.first, end=end, scans=fresh.scans, told=fresh.told)
    with suppress(Unavailable), house.unit() as unit:
        stretch_book.keep(unit, stretch, erasure=fresh.erasure)


def _remember(
    session: Session,
    memory: _Memory,
    found: Mapping[str, Sequence[KeptLook]],
    opened: Mapping[int, SealedScan],
    *,
    end: int,
) -> None:
    """Work out the ways of parcels from what is told of them before `end`; where that is not enough, from their scans.

    The way of a parcel that goes on can wait until it is asked for: by then it has been scanned many times more.
    """
    looks = {parcel: _looks(memory, parcel, told) for parcel, told in found.items()}
    again = {parcel for parcel in found if looks[parcel] is None}
    asked = again if not opened else again & memory.seen
    rows = [row for row in scan_book.scans_under(session, asked) if row.place < end] if asked else []
    older = sealed_scans(session, [row for row in rows if row.place not in opened])
    made = _by_parcel([*older, *opened.values()]) if again else {}
    for parcel, plain in looks.items():
        if plain is None:
            memory.lots.put(parcel, read_way(parcel, made.get(parcel, ())))
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


def _looks(memory: _Memory, parcel: str, told: Iterable[KeptLook]) -> tuple[Look, ...] | None:
    """What all scans of a parcel say, if that is known without opening any again, and each speaks for itself."""
    before = memory.looks.pop(parcel, None if parcel in memory.seen else ())
    if before is None:
        return None
    looks = (*before, *map(place, told))
    return looks if are_plain(looks) else None


def _parcels(sealed: SealedScan) -> Iterable[str]:
    return filter(is_parcel, parcels_of(sealed.event))


def _by_parcel(scans: Iterable[SealedScan]) -> dict[str, list[SealedScan]]:
    found: dict[str, list[SealedScan]] = {}
    for sealed in scans:
        for key in _parcels(sealed):
            found.setdefault(key, []).append(sealed)
    return found


def _site_names(session: Session) -> dict[str, str]:
    """What people call each site; the last of its stations by name decides where they call it otherwise."""
    return {station_info(row).site: site_name(row) for row in scan_book.stations(session)}
