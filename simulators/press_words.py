"""The dictionaries that `custody/store/press.py` presses openings and statements over, trained on imagined ones.

    python -m simulators.press_words custody/store

They know how events and statements are worded and not whom they speak of: names, numbers, times and all that is random
are drawn anew, so that no company, no station and no day has a part in them. One that has been shipped never changes,
because rows are pressed over it.
"""

import random
import re
import sys
import uuid
from collections.abc import Iterable
from pathlib import Path

import zstandard

from custody.store.press import LEVEL
from simulators.load import load_stations, presign
from simulators.network import imagine, small_world

WORLDS = range(1, 5)
NOW_MS = 1_790_000_000_000
OPENING_BYTES, STATEMENT_BYTES = 6_144, 1_024
_UUID = rb"(?P<uuid>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
_OPENING = re.compile(
    rb"(?P<random>(?s:^.{32}))|" + _UUID + rb"|(?P<digits>\d{7,})|(?P<time>20\d\d-\d\d-\d\dT[\d:.]+Z)"
)
_STATEMENT = re.compile(
    rb"(?P<random>(?s:(?<=\x58\x20).{32}|(?<=\x58\x40).{64}))|(?<=urn:weaklink:station:)(?P<name>[\w.:-]+?)(?=\x02)|"
    + _UUID
)
_LETTERS = b"abcdefghijklmnopqrstuvwxyz0123456789-"


def train() -> tuple[bytes, bytes]:
    """One for openings and one for statements: of stations that see parcels begin, and of whole journeys."""
    first = [scan for lane in presign(load_stations(40, seed=1), each=10, at_ms=NOW_MS, seed=1) for scan in lane]
    later = [scan for seed in WORLDS for scan in imagine(small_world(seed=seed, now_ms=NOW_MS)).scans]
    scans = [*first, *later]
    return (
        _train((scan.opening for scan in scans), _OPENING, OPENING_BYTES),
        _train((scan.statement for scan in scans), _STATEMENT, STATEMENT_BYTES),
    )


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
    for name, dictionary in zip(("openings", "statements"), train(), strict=True):
        (Path(sys.argv[1]) / f"{name}.dictionary").write_bytes(dictionary)
