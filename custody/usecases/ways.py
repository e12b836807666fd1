"""The ways of all parcels, read as the log grows.

What is kept is small: each parcel's way, and its passage as the inference takes it. A way is worked out again when its
parcel is scanned again, from all its scans; a passage also when the network that all parcels together show is another
one. What was erased is forgotten here too. If a key becomes suspect, verdicts of old scans change, and everything is
read anew, as after a shard was dropped, and when an opening came late for a scan that others have passed meanwhile.
"""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlmodel import Session

from custody.investigation.read_passage import Network, Way, learn_network, passage_of, read_way
from custody.investigation.values import Passage
from custody.scans.advance import parcels_of
from custody.store import erase_book, scan_book
from custody.store.scan_book import JudgedScan
from custody.store.tables import StationRow
from custody.trail.names import is_parcel
from custody.trail.sealed import SealedScan
from custody.usecases.enrol_station import site_name, station_info
from custody.usecases.erase import is_case
from custody.usecases.mark_unproven import Doubts, read_doubts
from custody.usecases.read_trail import sealed_scans

AT_ONCE = 20_000
"""How many scans are held open at a time."""


@dataclass(slots=True, kw_only=True)
class _Memory:
    """What is known up to an entry, as long as these verdicts are in doubt and no others."""

    doubts: Doubts
    erased: int
    next: int = 0
    scans: int = 0
    seen: set[str] = field(default_factory=set)
    ways: dict[str, Way] = field(default_factory=dict)
    network: Network | None = None
    passages: dict[str, Passage] = field(default_factory=dict)


class Ways:
    """What is remembered of every parcel; several threads may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._memory = _Memory(doubts=Doubts(spans={}), erased=-1)

    def passages(self, session: Session) -> dict[str, Passage]:
        """The passage of every parcel that a station of the network scanned, by its key."""
        with self._lock:
            memory = self._memory = _still_right(session, self._memory)
            _read_on(session, memory)
            network = learn_network(memory.ways.values(), _site_names(session))
            if network != memory.network:
                memory.network, memory.passages = network, {}
            for parcel in memory.ways.keys() - memory.passages.keys():
                memory.passages[parcel] = passage_of(memory.ways[parcel], network)
            return {parcel: memory.passages[parcel] for parcel in memory.ways}


def _still_right(session: Session, memory: _Memory) -> _Memory:
    """The memory without what was erased since; an empty one if verdicts or whole shards are not what they were."""
    doubts = read_doubts(session)
    erased = erase_book.erased_after(session, memory.erased)
    newest = max(erased, default=memory.erased)
    targets = {name for name in erased.values() if not is_case(name)}
    came_late = scan_book.count_before(session, memory.next) != memory.scans
    if doubts != memory.doubts or came_late or not all(map(is_parcel, targets)):
        return _Memory(doubts=doubts, erased=newest)
    _remember(session, memory, {parcel: [] for parcel in targets & memory.seen})
    memory.erased = newest
    return memory


def _read_on(session: Session, memory: _Memory) -> None:
    while rows := scan_book.scans_from(session, memory.next, most=AT_ONCE):
        _take(session, memory, rows)
        memory.next = rows[-1].place + 1
        memory.scans += len(rows)


def _take(session: Session, memory: _Memory, rows: Sequence[JudgedScan]) -> None:
    """Work out the ways of the parcels in these rows."""
    found = _by_parcel(sealed_scans(session, rows))
    _remember(session, memory, found)
    memory.seen |= found.keys()


def _remember(session: Session, memory: _Memory, found: Mapping[str, Sequence[SealedScan]]) -> None:
    """Work out the ways of parcels from these scans; of those seen before, from their older scans too."""
    again = found.keys() & memory.seen
    older = [row for row in scan_book.scans_under(session, again) if row.place < memory.next]
    before = _by_parcel(sealed_scans(session, older))
    for parcel, scans in found.items():
        way = read_way(parcel, [*before.get(parcel, ()), *scans])
        memory.passages.pop(parcel, None)
        if way is None:
            memory.ways.pop(parcel, None)
        else:
            memory.ways[parcel] = way


def _by_parcel(scans: Iterable[SealedScan]) -> dict[str, list[SealedScan]]:
    found: dict[str, list[SealedScan]] = {}
    for sealed in scans:
        for key in filter(is_parcel, parcels_of(sealed.event)):
            found.setdefault(key, []).append(sealed)
    return found


def _site_names(session: Session) -> dict[str, str]:
    return {station_info(row).site: site_name(row) for row in session.scalars(select(StationRow)).all()}
