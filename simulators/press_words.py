"""The dictionaries that `custody/store/press.py` presses over, trained on imagined openings, statements and views.

    python -m simulators.press_words custody/store views

They know how these are worded and not whom they speak of: names, numbers, times and all that is random are drawn anew,
so that no company, no station and no day has a part in them. One that has been shipped never changes, because rows are
pressed over it.
"""

import random
import re
import sys
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import zstandard

from custody.scans.advance import UNSEEN
from custody.scans.edition import NEWEST
from custody.scans.follow import follow
from custody.scans.scan import open_scan
from custody.scans.view import UnitView
from custody.store.press import LEVEL
from simulators.load import load_stations, presign
from simulators.network import imagine, small_world
from simulators.station import Signed

WORLDS = range(1, 5)
NOW_MS = 1_790_000_000_000
BYTES = {"openings": 6_144, "statements": 1_024, "views": 1_024}
_UUID = rb"(?P<uuid>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
_OPENING = re.compile(
    rb"(?P<random>(?s:^.{32}))|" + _UUID + rb"|(?P<digits>\d{7,})|(?P<time>20\d\d-\d\d-\d\dT[\d:.]+Z)"
)
_STATEMENT = re.compile(
    rb"(?P<random>(?s:(?<=\x58\x20).{32}|(?<=\x58\x40).{64}))|(?<=urn:weaklink:station:)(?P<name>[\w.:-]+?)(?=\x02)|"
    + _UUID
)
_VIEW = re.compile(rb"(?P<digits>\d{7,})|" + _UUID)
_LETTERS = b"abcdefghijklmnopqrstuvwxyz0123456789-"


def train(name: str) -> bytes:
    """One of the dictionaries: of stations that see parcels begin, and of whole journeys."""
    first = [scan for lane in presign(load_stations(40, seed=1), each=10, at_ms=NOW_MS, seed=1) for scan in lane]
    later = [scan for seed in WORLDS for scan in imagine(small_world(seed=seed, now_ms=NOW_MS)).scans]
    scans = [*first, *later]
    match name:
        case "openings":
            return _train((scan.opening for scan in scans), _OPENING, BYTES[name])
        case "statements":
            return _train((scan.statement for scan in scans), _STATEMENT, BYTES[name])
        case _:
            return _train(_views(scans), _VIEW, BYTES[name])


def _views(scans: Iterable[Signed]) -> Iterator[bytes]:
    """What is known after each scan of all that it is about."""
    write = msgspec.json.Encoder(order="deterministic").encode
    views: defaultdict[str, UnitView] = defaultdict(lambda: UNSEEN)
    for scan in scans:
        event = open_scan(scan.statement, scan.opening).event
        changed = follow(event, views.__getitem__, NEWEST, custodian=None)
        views |= changed
        yield from map(write, changed.values())


def _train(plain: Iterable[bytes], drawn: re.Pattern[bytes], size: int) -> bytes:
    rng = random.Random("press words")
    samples = [drawn.sub(lambda found: _draw(found, rng), each) for each in plain]
    rng.shuffle(samples)
    return zstandard.train_dictionary(size, [*samples], level=LEVEL).as_bytes()


def _draw(found: re.Match[bytes], rng: random.Random) -> bytes:
    length = len(found[0])
    match found.lastgroup:
        case "random":
            return rng.randbytes(length)
        case "uuid":
            return str(uuid.UUID(int=rng.getrandbits(128), version=4)).encode()
        case "digits":
            return bytes(rng.choices(b"0123456789", k=length))
        case "name":
            return bytes(rng.choices(_LETTERS, k=length))
    day = f"20{rng.randrange(26, 40)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}"
    return (
        f"{day}T{rng.randrange(24):02}:{rng.randrange(60):02}:{rng.randrange(60):02}.{rng.randrange(1000):03}Z".encode()
    )


if __name__ == "__main__":
    for asked in sys.argv[2:]:
        (Path(sys.argv[1]) / f"{asked}.dictionary").write_bytes(train(asked))
