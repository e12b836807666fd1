"""Which numbers of its stations are missing near a parcel's scans (completeness per parcel).

A station numbers its statements without a gap. The numbers that stand in the log next to those of the parcel's scans
are read here, also of scans that were set apart, erased, dropped or have not been opened: these are no gaps. A number
that was signed with a revoked key alone is one: whoever has such a key could fill what is missing.
"""

from collections.abc import Iterable
from itertools import pairwise

from sqlmodel import Session

from custody.kernel.clock import Instant
from custody.store import number_book
from custody.trail.arrange import SequenceGap, sequence_gaps
from custody.trail.sealed import SealedScan
from custody.usecases.open_scans import stored_scans

NEXT = 25
"""So many numbers on either side of a scan are looked at."""


def gaps_near(session: Session, scans: Iterable[SealedScan]) -> list[SequenceGap]:
    """The gaps of the scans' stations within `NEXT` numbers of them; `order_findings` says which are near in time."""
    numbers: dict[str, set[int]] = {}
    for sealed in scans:
        if sealed.forged:
            continue
        numbers.setdefault(sealed.scan.station, set()).add(sealed.scan.seq)
    found = []
    for station, own in sorted(numbers.items()):
        for first, last in number_book.stretches(sorted(own), apart=NEXT):
            held = number_book.numbers_around(session, station, first, last, most=NEXT)
            ends = [pair for pair in pairwise(sorted(held)) if pair[1] > pair[0] + 1]
            at_ms = _times(session, {held[number] for pair in ends for number in pair})
            found += [
                gap
                for pair in ends
                for gap in sequence_gaps(station, [(number, at_ms[held[number]]) for number in pair])
            ]
    return found


def _times(session: Session, places: Iterable[int]) -> dict[int, Instant]:
    """When the scans at these places were made by their stations' clocks; of one that cannot be read, when it came."""
    return {
        place: stored.received_ms if (scan := stored.open()) is None else scan.event.event_time_ms
        for place, stored in stored_scans(session, places).items()
    }
