"""Scans that the scanners' door refuses (`scans/own_keys.py`): what their station signed is kept all the same.

Each statement takes its place in the log and its number in the station's sequence, so that none is missing after it:
those of one request in one unit, in their order. The openings are not kept, and count nowhere. A statement that the
registration policy does not take (`register_statement.py`) is left out.
"""

from collections.abc import Sequence
from contextlib import suppress

from custody.kernel.errors import Rejected
from custody.scans.scan import Scan
from custody.scans.tolerances import Tolerances
from custody.store import scan_book
from custody.store.unit import House
from custody.usecases.register_statement import read_scan, register_scan


def keep_refused(house: House, scans: Sequence[Scan], tolerances: Tolerances) -> None:
    """Keep the statements of refused scans."""
    digests = {scan.digest for scan in scans}
    with house.read() as session:
        if digests <= scan_book.known_digests(session, digests).keys():
            return
    with house.unit() as unit:
        unit.log.claim()
        kept = {*scan_book.known_digests(unit.session, digests)}
        for scan in scans:
            if scan.digest not in kept:
                with suppress(Rejected):
                    register_scan(unit, read_scan(scan.message.raw), tolerances)
                    kept.add(scan.digest)
