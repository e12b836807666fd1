"""At which places a trail's scans stand: all that are found under its keys, but those that only load a carrier of it.

Whether a scan of a carrier says more than that is seen at a glance at its opening (`trail/loads.py`), and remembered
for each database: it never says anything else. Nobody reads a trail in a unit that takes scans in, or after it erased
some, so what was seen at a place stays there. A scan that was erased cannot be told from others, and counts as one that
says more, whether or not it was seen before: each erasure leaves a notice, and after a new one it is looked for.
"""

import threading
from array import array
from collections import OrderedDict
from collections.abc import Iterable
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

FEW = 32
"""Of a carrier with fewer scans nothing is remembered."""

MOST_PLACES = 2_000_000
"""So many places are remembered of each database, those of the carriers that were asked for last."""


class _Loads(NamedTuple):
    """The places at which scans of a carrier only load, as of the newest notice of an erasure."""

    erasure: int
    places: "array[int]"


NOTHING_SEEN = _Loads(erasure=-1, places=array("q"))


@dataclass(slots=True)
class _Seen:
    """What was seen of carriers; several threads may ask."""

    loads: OrderedDict[str, _Loads] = field(default_factory=OrderedDict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, carrier: str) -> _Loads:
        with self.lock:
            return self.loads.get(carrier, NOTHING_SEEN)

    def keep(self, carrier: str, loads: _Loads) -> None:
        with self.lock:
            self.loads[carrier] = loads
            self.loads.move_to_end(carrier)
            while sum(len(each.places) for each in self.loads.values()) > MOST_PLACES:
                self.loads.popitem(last=False)


_SEEN: WeakKeyDictionary[Engine | Connection, _Seen] = WeakKeyDictionary()


def places_of(session: Session, lookups: Iterable[Lookup]) -> set[int]:
    """Where the scans stand that have to be opened for what is looked up."""
    asked = list(lookups)
    found = scan_book.places_under(session, [lookup.key for lookup in asked if not lookup.carrier])
    for lookup in asked:
        if lookup.carrier:
            found |= _that_say_more(session, lookup.key)
    return found


def _that_say_more(session: Session, carrier: str) -> set[int]:
    erasure = stretch_book.newest_erasure(session)
    places = scan_book.places_under(session, [carrier])
    seen = _SEEN.setdefault(session.get_bind(), _Seen())
    before = seen.of(carrier)
    loads = places.intersection(before.places)
    if before.erasure != erasure:
        loads -= log_reader.erased_at(session, loads)
    fresh = iter(sorted(places - loads))
    while part := list(islice(fresh, AT_ONCE)):
        openings = log_reader.openings(session, part)
        loads |= {
            place
            for place, stored in openings.items()
            if stored.content is not None and only_loads(stored.content, carrier)
        }
    if len(places) >= FEW:
        seen.keep(carrier, _Loads(erasure=erasure, places=array("q", loads)))
    return places - loads
