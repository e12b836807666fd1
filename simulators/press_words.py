"""The dictionary that openings are pressed over (`custody/store/press.py`), trained on imagined ones.

    python -m simulators.press_words openings.dictionary

It knows how events are worded and not whom they speak of: identifiers, times and salts are drawn anew, so that no
company, no place and no day has a part in it. One that has been shipped never changes: rows are pressed over it.
"""

import random
import re
import sys
import uuid
from pathlib import Path

import zstandard

from custody.scans.scan import SALT_BYTES
from custody.store.press import LEVEL
from simulators.load import load_stations, presign
from simulators.network import imagine, small_world

WORLDS = range(1, 5)
NOW_MS = 1_790_000_000_000
SIZE_BYTES = 6_144
_DRAWN = re.compile(
    rb"(?P<uuid>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})|(?P<number>\d{7,})|20\d\d-\d\d-\d\dT[\d:.]+Z"
)


def train() -> bytes:
    """The dictionary: stations that see parcels begin, and whole journeys of parcels."""
    rng = random.Random("press words")
    first = [scan for lane in presign(load_stations(40, seed=1), each=10, at_ms=NOW_MS, seed=1) for scan in lane]
    later = [scan for seed in WORLDS for scan in imagine(small_world(seed=seed, now_ms=NOW_MS)).scans]
    openings = [_anybody(scan.opening, rng) for scan in (*first, *later)]
    rng.shuffle(openings)
    return zstandard.train_dictionary(SIZE_BYTES, [*openings], level=LEVEL).as_bytes()


def _anybody(opening: bytes, rng: random.Random) -> bytes:
    return rng.randbytes(SALT_BYTES) + _DRAWN.sub(lambda found: _draw(found, rng), opening[SALT_BYTES:])


def _draw(found: re.Match[bytes], rng: random.Random) -> bytes:
    if found["uuid"]:
        return str(uuid.UUID(int=rng.getrandbits(128), version=4)).encode()
    if found["number"]:
        return bytes(rng.choices(b"0123456789", k=len(found["number"])))
    day = f"20{rng.randrange(26, 40)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}"
    return (
        f"{day}T{rng.randrange(24):02}:{rng.randrange(60):02}:{rng.randrange(60):02}.{rng.randrange(1000):03}Z".encode()
    )


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(train())
