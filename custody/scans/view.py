"""What is known before a scan is judged: about the station, about the parcel.

What is known of a parcel is kept as JSON, pressed, and only what is not as in the beginning is written
(`omit_defaults`).

None always means "not known", never "there is none", unless the field says otherwise.
"""

from dataclasses import dataclass

import msgspec

from custody.kernel.clock import Instant

REMOVED = "removed"
"""The state of a seal that was taken off by a record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StationHead:
    """The station's newest stored statement."""

    seq: int
    digest: bytes


class Weight(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One earlier weighing; `scale` is the scale's canonical key."""

    at_ms: Instant
    mass_g: float
    scale: str | None = None


class Seal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The seal last applied, what was put on as it, and the state last seen (intact, broken or missing) or recorded.

    `things` are known, and a seal is `REMOVED`, by the third edition of the rules alone.
    """

    number: str
    state: str | None = None
    things: frozenset[str] = frozenset()


class Void(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A word that a release was taken back: for whom it was signed, when it was made, and the events that it names."""

    by: str
    at_ms: Instant
    named: frozenset[str] = frozenset()


class Ended(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A release that was taken back: who gave or had the parcel then, the id of its event, and when it was made."""

    owners: frozenset[str]
    name: str | None = None
    made_ms: Instant | None = None


class Goods(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is inside of a class, beside its serial numbers: how many, if that was said of all, and their IMEIs.

    `count` is negative where serial numbers came out by class.
    """

    key: str
    count: float | None
    imeis: frozenset[str] = frozenset()


class Packed(msgspec.Struct, frozen=True, kw_only=True):
    """Into which parcel a handset, or another parcel, was packed last, and when."""

    parcel: str
    at_ms: Instant


class UnitView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of the parcel, or of a handset by one of its names.

    `known`: any earlier record names it. `custodian`: the canonical key of who has it. `released_to`: the takers named
    by the open release; empty: no release is open. `released_by`: whom that release names as its givers, `release_id`:
    the id of its event; neither is known before the third edition of the rules holds. `moved_ms`: when the newest
    release or acceptance that moved its custody was made; not known while the first edition holds. `expected_serials`:
    every canonical name of what should be inside. `duplicates`: canonical names that the records place in another
    parcel, found for a packing when it is judged, and not kept. `joined`: names that a packing gave to one handset,
    where its serial number does not tell them. `voids`: what came to take a release back and found none.
    `delivered_ms`: when it was delivered last. `packed`: into what a handset was packed last. None of these five is
    known before the fourth edition holds. `ended`: the releases that were taken back since somebody accepted the
    parcel. `goods`: what is inside by class. `unsure`: names of what may be inside, and may have come out by class.
    `emptied_ms`: when everything was taken out last. `boxed`: into what parcel it was packed last. `packed_before`: in
    what a handset lay before it was packed last. None of these six is known before the fifth edition holds. `erased`:
    scans of a handset were erased and others can be read, so that what was known of it cannot be replayed.
    """

    known: bool
    last_event_ms: Instant | None = None
    custodian: str | None = None
    released_to: frozenset[str] = frozenset()
    released_by: frozenset[str] = frozenset()
    release_id: str | None = None
    moved_ms: Instant | None = None
    voids: tuple[Void, ...] = ()
    ended: tuple[Ended, ...] = ()
    weights: tuple[Weight, ...] = ()
    declared_g: float | None = None
    seal: Seal | None = None
    expected_serials: frozenset[str] = frozenset()
    duplicates: frozenset[str] = frozenset()
    joined: tuple[frozenset[str], ...] = ()
    goods: tuple[Goods, ...] = ()
    unsure: frozenset[str] = frozenset()
    emptied_ms: Instant | None = None
    delivered_ms: Instant | None = None
    packed: Packed | None = None
    packed_before: Packed | None = None
    boxed: Packed | None = None
    erased: bool = False
