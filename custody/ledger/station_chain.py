"""One station's chain: its statements take the numbers 1, 2, 3, ..., each naming the digest of the one before.

A statement takes one number, or several that follow each other (a batch). They may arrive in any order. What has joined
without a gap from 1 on is the run, of which 32 bytes a statement are kept (its first number, half a digest, the index),
so that a whole log's chains fit in memory; the others wait ahead of it in full. Two statements that take one number are
a fork by the station, unless they are the same statement, which then stands in the log twice. Half a SHA-256 is enough
to tell the two apart: to make them look alike somebody would need a collision in 128 bits.
"""

from array import array
from bisect import bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass, field

from custody.kernel.errors import Rejected

HALF = 16
PLACE = "Q"
PLACE_BYTES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Chained:
    """A statement's place: its index in the log, its digest, the digest that it says comes before, its numbers."""

    index: int
    digest: bytes
    prev: bytes | None
    seq: int
    count: int = 1

    @property
    def end(self) -> int:
        """The number that the next statement takes."""
        return self.seq + self.count


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """Something wrong with a chain, at the entry that shows it."""

    code: str
    detail: str
    index: int


@dataclass(slots=True, kw_only=True)
class StationChain:
    """What was seen of one station.

    The run: `firsts`, `halves` and `places` of its statements, `head` the digest of the last, `due` the number that
    comes next. `ahead` has the others by their first number.
    """

    issuer: str
    firsts: "array[int]" = field(default_factory=lambda: array(PLACE))
    halves: bytearray = field(default_factory=bytearray)
    places: "array[int]" = field(default_factory=lambda: array(PLACE))
    head: bytes | None = None
    due: int = 1
    ahead: dict[int, Chained] = field(default_factory=dict)
    _order: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._order = sorted(self.ahead)

    @property
    def count(self) -> int:
        """How many different statements were seen."""
        return len(self.places) + len(self.ahead)

    def holds(self, seq: int, digest: bytes) -> int | None:
        """The index at which exactly this statement was seen; None if it was not."""
        if seq in self.ahead:
            link = self.ahead[seq]
            return link.index if link.digest == digest else None
        place = self._in_run(seq)
        if place is None or self.firsts[place] != seq:
            return None
        return self.places[place] if self.halves[HALF * place : HALF * (place + 1)] == digest[:HALF] else None

    def add(self, link: Chained) -> Iterator[Break]:
        """Take one statement that was not seen before; says where the station contradicts itself."""
        taken = self._taken(link)
        if taken is not None:
            number, other = taken
            why = f"{self.issuer} made two statements {number}; the other is entry {other}"
            yield Break(code="fork", detail=why, index=link.index)
            return
        self.ahead[link.seq] = link
        insort(self._order, link.seq)
        while (fits := self.ahead.pop(self.due, None)) is not None:
            self._order.pop(0)
            if fits.prev != self.head:
                yield self._astray(fits)
            self.firsts.append(fits.seq)
            self.halves += fits.digest[:HALF]
            self.places.append(fits.index)
            self.head, self.due = fits.digest, fits.end

    def gaps(self) -> Iterator[Break]:
        """What is missing, now that nothing more is to come."""
        expected, before = self.due, self.head
        for seq in self._order:
            link = self.ahead[seq]
            if seq != expected:
                why = f"{self.issuer} left out {expected} to {seq - 1}"
                yield Break(code="gap", detail=why, index=link.index)
            elif link.prev != before:
                yield self._astray(link)
            expected, before = link.end, link.digest

    def _in_run(self, number: int) -> int | None:
        """Which statement of the run took a number."""
        return bisect_right(self.firsts, number) - 1 if 1 <= number < self.due else None

    def _taken(self, link: Chained) -> tuple[int, int] | None:
        """A number of the statement that another one took, and the entry of that."""
        place = self._in_run(link.seq)
        if place is not None:
            return link.seq, self.places[place]
        at = bisect_right(self._order, link.seq)
        for seq in self._order[max(at - 1, 0) : at + 1]:
            other = self.ahead[seq]
            if other.seq < link.end and link.seq < other.end:
                return max(other.seq, link.seq), other.index
        return None

    def _astray(self, link: Chained) -> Break:
        why = f"statement {link.seq} of {self.issuer} names another predecessor"
        return Break(code="prev", detail=why, index=link.index)


def pack_places(places: "array[int]") -> bytes:
    """Indexes as eight bytes each, big end first."""
    return b"".join([place.to_bytes(PLACE_BYTES, "big") for place in places])


def unpack_places(raw: bytes) -> "array[int]":
    """The indexes in these bytes; raises `Rejected("kept")`."""
    if len(raw) % PLACE_BYTES:
        raise Rejected("kept", "a list of indexes is cut off", fix="Delete the file and audit the log from the start.")
    cut = range(0, len(raw), PLACE_BYTES)
    return array(PLACE, [int.from_bytes(raw[at : at + PLACE_BYTES], "big") for at in cut])
