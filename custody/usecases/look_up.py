"""At which places a trail's scans stand: all that are found under its keys, but those that only load a carrier of it.

Whether a scan of a carrier says more than that is seen at a glance at its opening (`trail/loads.py`), and remembered
for each database: it never says anything else. Nobody reads a trail in a unit that takes scans in, so what was seen at
a place stays there. A scan that was erased cannot be told from others, and counts as one that says more, whether or
not it was seen before.
"""

import threading
from array import array
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine
from sqlmodel import Session

from custody.store import log_reader, scan_book
from custody.trail.belongings import Lookup
from custody.trail.loads import only_loads

AT_ONCE = 2_000
"""Of so many scans what was signed is held at a time."""

FEW = 32
"""Of a carrier with fewer scans nothing is remembered."""

MOST_PLACES = 2_000_000
"""So many places are remembered of each database, those of the carriers that were asked for last."""


@dataclass(slots=True)
class _Seen:
    """The places at which scans only load, by their carriers; several threads may ask."""

    places: "OrderedDict[str, array[int]]" = field(default_factory=OrderedDict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, carrier: str) -> "array[int]":
        with self.lock:
            return self.places.get(carrier, array("q"))

    def keep(self, carrier: str, places: "array[int]") -> None:
        with self.lock:
            self.places[carrier] = places
            self.places.move_to_end(carrier)
            while sum(map(len, self.places.values())) > MOST_PLACES:
                self.places.popitem(last=False)


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
    places = scan_book.places_under(session, [carrier])
    seen = _SEEN.setdefault(session.get_bind(), _Seen())
    loads = places.intersection(seen.of(carrier))
    if loads:
        loads -= scan_book.erased_under(session, carrier)
    fresh = iter(sorted(places - loads))
    while part := list(islice(fresh, AT_ONCE)):
        openings = log_reader.openings(session, part)
        loads |= {
            place
            for place, stored in openings.items()
            if stored.content is not None and only_loads(stored.content, carrier)
        }
    if len(places) >= FEW:
        seen.keep(carrier, array("q", loads))
    return places - loads
