"""At which places a trail's scans stand: all that are found under its keys, but those that only load a carrier of it.

Whether a scan of a carrier says more than that is seen at a glance at its opening (`trail/loads.py`), and remembered
for each database: it never says anything else. Nobody reads a trail in a unit that takes scans in, or after it erased
some, so what was seen at a place stays there. A scan that was erased cannot be told from others, and counts as one that
says more, whether or not it was seen before: each erasure leaves a notice, and after a new one it is looked for. So
does one whose opening has not come, until it is there to be seen.
"""

import threading
from array import array
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine
from sqlmodel import Session

from custody.store import log_reader, scan_book, stretch_book
from custody.trail.belongings import Lookup
from custody.trail.loads import only_loads

AT_ONCE = 2_000
"""Of so many scans what was signed is held at a time."""

MOST_PLACES = 2_000_000
"""So many places are remembered of each database, those of the carriers that were asked for last."""

OF_ITSELF = 32
"""A carrier of which something is remembered takes as much as so many places."""


class _Looked(NamedTuple):
    """Where a carrier is only loaded, as of the newest notice of an erasure, and where more is said of it."""

    erasure: int
    loads: "array[int]"
    more: "array[int]"

    @property
    def size(self) -> int:
        return OF_ITSELF + len(self.loads) + len(self.more)


NOTHING_SEEN = _Looked(erasure=-1, loads=array("q"), more=array("q"))


@dataclass(slots=True)
class _Seen:
    """What was seen of carriers; several threads may ask."""

    looked: OrderedDict[str, _Looked] = field(default_factory=OrderedDict)
    size: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, carrier: str) -> _Looked:
        with self.lock:
            return self.looked.get(carrier, NOTHING_SEEN)

    def keep(self, carrier: str, looked: _Looked) -> None:
        with self.lock:
            before = self.looked.pop(carrier, None)
            self.looked[carrier] = looked
            self.size += looked.size - (0 if before is None else before.size)
            while self.size > MOST_PLACES:
                self.size -= self.looked.popitem(last=False)[1].size


_SEEN: WeakKeyDictionary[Engine | Connection, _Seen] = WeakKeyDictionary()


def places_of(session: Session, lookups: Iterable[Lookup]) -> set[int]:
    """Where the scans stand that have to be opened for what is looked up."""
    return places_of_each(session, [lookups])[0]


def places_of_each(session: Session, asked: Sequence[Iterable[Lookup]]) -> list[set[int]]:
    """The same for several trails; what is no carrier of theirs is asked for at once."""
    trails = [list(lookups) for lookups in asked]
    plain = {lookup.key for lookups in trails for lookup in lookups if not lookup.carrier}
    under = scan_book.places_by_key(session, plain)
    carriers = sorted({lookup.key for lookups in trails for lookup in lookups if lookup.carrier})
    more = _that_say_more(session, {carrier: scan_book.places_under(session, [carrier]) for carrier in carriers})
    return [
        set().union(*(more[lookup.key] if lookup.carrier else under[lookup.key] for lookup in lookups))
        for lookups in trails
    ]


def _that_say_more(session: Session, carriers: Mapping[str, set[int]]) -> dict[str, set[int]]:
    """Those of the places of each carrier at which more is said than what it is loaded with."""
    if not carriers:
        return {}
    erasure = stretch_book.newest_erasure(session)
    seen = _SEEN.setdefault(session.get_bind(), _Seen())
    known = {carrier: seen.of(carrier) for carrier in carriers}
    loads, more, fresh = {}, {}, []
    for carrier, places in carriers.items():
        before = known[carrier]
        loads[carrier], more[carrier] = places.intersection(before.loads), places.intersection(before.more)
        if before.erasure != erasure:
            loads[carrier] -= log_reader.erased_at(session, loads[carrier])
        fresh += [(place, carrier) for place in places - loads[carrier] - more[carrier]]
    for place, carrier, says_no_more in _look(session, sorted(fresh)):
        (loads if says_no_more else more)[carrier].add(place)
    for carrier, before in known.items():
        looked = _Looked(erasure=erasure, loads=array("q", loads[carrier]), more=array("q", more[carrier]))
        if (looked.erasure, looked.size) != (before.erasure, before.size):
            seen.keep(carrier, looked)
    return {carrier: places - loads[carrier] for carrier, places in carriers.items()}


def _look(session: Session, fresh: Iterable[tuple[int, str]]) -> Iterable[tuple[int, str, bool]]:
    """Look at scans of carriers; whether each only loads its one. What cannot be read is left out."""
    left = iter(fresh)
    while part := list(islice(left, AT_ONCE)):
        openings = log_reader.openings(session, {place for place, _ in part})
        for place, carrier in part:
            stored = openings.get(place)
            if stored is not None and stored.content is not None:
                yield place, carrier, only_loads(stored.content, carrier)
