"""What is kept outside the log: signed and parseable, but not by a key of the log; bounded, since anybody can send it.

Nothing that was kept goes again but its opening, when it is erased: to let the oldest or the largest give way would let
a flood push out what stands there. So what has to be bounded is how much of the room one sender can take:

| share | whose evidence has its room there | rows |
|---|---|---|
| proved | an enrolled key signed it, in another station's name: nobody fills this without such a key | 20,000 |
| named | it names an enrolled key or an announced station, and that key did not sign it | 40,000 |
| strange | the rest, and what found no room above | 40,000 |

- Whoever it is counted for has `EACH` rows of a share at most: the key, or in the share of the named the station or
  verifier.
- A signature by an unknown key cannot be checked, so names cost nothing: a flood under many made-up keys fills the
  strange share, and one that names many announced stations that of the named. What is not kept then is told to its
  sender, who can send it again once the key is enrolled.
- How much stands is counted as it comes, in `aside_share`, which is read and written while the unit holds the log's
  head. The total of a share stands under no name. What versions before this one kept counts as strange.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Literal, NamedTuple

from sqlalchemy import BigInteger, Column, LargeBinary
from sqlmodel import Field, SQLModel

from custody.store.bulk import add, pick, put
from custody.store.tables import QuarantineRow
from custody.store.unit import Unit


class Share(StrEnum):
    """A part of the room."""

    PROVED = "proved"
    NAMED = "named"
    STRANGE = "strange"


MOST: Mapping[Share, int] = MappingProxyType({Share.PROVED: 20_000, Share.NAMED: 40_000, Share.STRANGE: 40_000})
EACH = 1_000

ALL = b""
"""For whom the total of a share is counted."""

Why = Literal["key_unknown", "signature"]
Room = tuple[Share, bytes]
"""A share, and for whom a row of it is counted."""


class Evidence(NamedTuple):
    """What may be kept of one statement; `rooms` are tried in their order."""

    digest: bytes
    statement: bytes
    opening: bytes
    why: Why
    rooms: tuple[Room, ...]


def room(share: Share, who: bytes | str) -> Room:
    """The room of a key or a name, whatever its length."""
    return share, hashlib.sha256(who.encode() if isinstance(who, str) else who).digest()


def name_of(evidence: Evidence) -> tuple[bytes, bytes]:
    """The name of its row."""
    return evidence.digest, hashlib.sha256(evidence.statement).digest()


class AsideShareRow(SQLModel, table=True):
    """How many rows of a share are counted for whom; under `ALL`, how many it holds."""

    __tablename__ = "aside_share"
    share: str = Field(primary_key=True)
    who: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    held: int = Field(sa_type=BigInteger)


def keep(unit: Unit, evidence: Iterable[Evidence]) -> set[tuple[bytes, bytes]]:
    """Keep what there is room for, and return the names of those rows of it that stand now.

    What stands already stays as it is, and what was erased of it is not brought back.
    """
    named = {name_of(each): each for each in evidence}
    if not named:
        return set()
    unit.log.claim()
    standing = set(pick(unit.session, QuarantineRow, ("digest", "name"), by=("digest", "name"), values=named))
    fresh = {name: each for name, each in named.items() if name not in standing}
    held = _held(unit, {one for each in fresh.values() for one in each.rooms})
    rows, changed = list[dict[str, object]](), set[Room]()
    for (digest, name), each in fresh.items():
        taken = next((one for one in each.rooms if _has_room(held, one)), None)
        if taken is None:
            continue
        counted = {taken, (taken[0], ALL)}
        held.update(counted)
        changed |= counted
        standing.add((digest, name))
        kept = {"digest": digest, "name": name, "statement": each.statement, "opening": each.opening}
        rows.append({**kept, "why": each.why, "received_ms": unit.now_ms})
    add(unit.session, QuarantineRow, rows)
    counts = [{"share": share.value, "who": who, "held": held[share, who]} for share, who in sorted(changed)]
    put(unit.session, AsideShareRow, counts, keys=("share", "who"))
    return standing


def _held(unit: Unit, rooms: set[Room]) -> Counter[Room]:
    asked = [(share.value, each) for share, who in sorted(rooms) for each in (who, ALL)]
    found = pick(unit.session, AsideShareRow, ("share", "who", "held"), by=("share", "who"), values=asked)
    return Counter({(Share(share), who): held for share, who, held in found})


def _has_room(held: Mapping[Room, int], one: Room) -> bool:
    return held[one] < EACH and held[one[0], ALL] < MOST[one[0]]
