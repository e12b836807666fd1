"""Numbers that a station's scans took in turn, each with the place of its scan, as bytes.

Plain, each is 8 bytes of the number and 8 of the place. With a station's head they stand like that, as they are written
anew there with each that comes; so do they in spans that older versions wrote. A span is pressed: behind a mark that no
plain one begins with, because numbers have 63 bits, come for each how far its number is from the one before and how far
its place is, both as unsigned LEB128: seven bits a byte, lowest first, the highest bit set but in the last. That is 2
to 5 bytes for each.
"""

import struct
from collections.abc import Iterable, Iterator
from itertools import chain, pairwise

PAIR = struct.Struct(">QQ")
_MARK = b"\xff"


def hold_plain(numbers: Iterable[tuple[int, int]]) -> bytes:
    """Numbers, each with its place."""
    return b"".join([PAIR.pack(*number) for number in numbers])


def press(plain: bytes) -> bytes:
    """The same as a span, unless a place is not behind the one before."""
    numbers = pairwise([(0, 0), *PAIR.iter_unpack(plain)])
    steps = [step for before, after in numbers for step in map(int.__sub__, after, before)]
    return plain if min(steps, default=-1) < 0 else _MARK + bytes(chain.from_iterable(map(_written, steps)))


def read_span(span: bytes) -> list[tuple[int, int]]:
    """The numbers of a span, pressed or plain, each with its place; raises `struct.error` for what is neither."""
    if not span.startswith(_MARK):
        return list(PAIR.iter_unpack(span))
    steps = list(_read(span[len(_MARK) :]))
    if len(steps) % 2:
        raise struct.error("a number without its place")
    found, seq, place = list[tuple[int, int]](), 0, 0
    for number, way in zip(steps[::2], steps[1::2], strict=True):
        seq, place = seq + number, place + way
        found.append((seq, place))
    return found


def _written(step: int) -> Iterator[int]:
    while step > 0x7F:
        yield step & 0x7F | 0x80
        step >>= 7
    yield step


def _read(written: bytes) -> Iterator[int]:
    step = shift = 0
    for byte in written:
        step |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield step
            step = shift = 0
    if shift:
        raise struct.error("a number that does not end")
