"""A store that holds millions of scans: log, tables and indexes as they would be, without the work of taking scans in.

Each scan is another one's bytes with a parcel, a name, a salt and a digest of its own, under a signature that nobody
made. So many parcels are on their ways at once as a unit has scans, and each is told of in every unit until it has
arrived. It is for measuring how the store's size tells on what comes after; an audit would refuse every one of them.
"""

import hashlib
import random
from collections.abc import Callable

import msgspec

from custody.gs1.keys import ROOT, issue_sscc
from custody.kernel.errors import Fatal
from custody.scans.place import place_of
from custody.scans.plain_form import read_plain
from custody.scans.scan import CONTENT_TYPE, SALT_BYTES
from custody.scans.view import StationHead, UnitView
from custody.store import number_book, scan_book
from custody.store.log_book import NewEntry
from custody.store.number_book import Newest
from custody.store.unit import House
from simulators.load import load_stations, presign
from simulators.station import Signed
from simulators.urn import random_urn

STATION = "filler"
COMPANY, SERIALS, STRIDE = "9521475", 10**9, 618_033_989  # serials far from each other, as those of many senders are
IN_UNIT = 2_000
SCANS_A_PARCEL = 12
PAYLOAD, SIGNATURE = slice(-98, -66), slice(-64, None)  # the last two byte strings of a statement


def fill(house: House, first: int, end: int, progress: Callable[[str, int, int], None]) -> None:
    """Put scans into the store, those with the numbers from `first` to before `end`."""
    rng = random.Random(f"fill {first}")
    ((pattern,),) = presign(load_stations(1, seed=1), each=1, at_ms=house.clock.now_ms(), seed=1)
    for number in range(first, end, IN_UNIT):
        progress("filling the store", number - first, end - first)
        _fill(house, pattern, range(number, min(number + IN_UNIT, end)), rng)


def filled_parcels(end: int) -> list[str]:
    """The parcels, as URIs, that have arrived once the scans with numbers before `end` are in the store."""
    arrived = end // (SCANS_A_PARCEL * IN_UNIT) * IN_UNIT
    return [_sscc(parcel) for parcel in range(arrived)]


def _sscc(parcel: int) -> str:
    return issue_sscc(COMPANY, (parcel + 1) * STRIDE % SERIALS).uri


def _parcel_of(number: int) -> int:
    return number // (SCANS_A_PARCEL * IN_UNIT) * IN_UNIT + number % IN_UNIT


def _fill(house: House, pattern: Signed, numbers: range, rng: random.Random) -> None:
    event, head = pattern.opening[SALT_BYTES:], pattern.statement
    (parcel,) = [part for part in event.decode().split('"') if part.startswith(f"{ROOT}00/")]
    entries, rows, openings, taken, keys, views = [], [], [], [], [], {}
    with house.unit() as unit:
        for index, number in enumerate(numbers, unit.log.size):
            sscc = _sscc(_parcel_of(number))
            event_id = random_urn(rng)
            told = event.replace(parcel.encode(), sscc.encode()).replace(pattern.event_id.encode(), event_id.encode())
            opening = rng.randbytes(SALT_BYTES) + told
            raw = head[: PAYLOAD.start] + hashlib.sha256(opening).digest() + head[PAYLOAD.stop : SIGNATURE.start]
            message = read_plain(raw + rng.randbytes(64))
            if message is None:
                raise Fatal("fill", "the pattern is no plain statement", fix="Look at custody/scans/plain_form.py.")
            place = place_of(index)
            entries.append(NewEntry(message=message, content_type=CONTENT_TYPE))
            openings.append(opening)
            rows.append(
                {
                    "place": place,
                    "station": STATION,
                    "seq": number + 1,
                    "digest": message.digest,
                    "received_ms": unit.now_ms,
                    "result": "accepted",
                    "code": "S00",
                    "flags": "",
                }
            )
            taken.append((number + 1, place))
            keys += [{"key": key, "place": place} for key in (sscc, event_id)]
            views[sscc] = msgspec.json.encode(UnitView(known=True, last_event_ms=unit.now_ms)).decode()
        unit.log.append(entries)
        scan_book.add_scans(unit.session, rows, openings, keys)
        newest = StationHead(seq=numbers.stop, digest=entries[-1].message.digest)
        before = number_book.newest(unit.session, [STATION]).get(STATION) or Newest(newest)
        number_book.go_on(unit.session, {STATION: before.after(newest, taken)})
        scan_book.put_parcels(unit.session, views)
