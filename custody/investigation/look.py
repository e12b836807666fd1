"""What one scan says of the way of one parcel: all that a way is made of, without the scan.

A look is small and is taken once, so that a way can be worked out again when its parcel is scanned again and nothing
has to be opened again for it. What a scan says of other parcels is no part of it.

`tell` says what stands in the scan, in its verdict and in the enrolment of the key that signed, which stay as they are;
`place` makes the look of it. A key that becomes suspect later changes nothing here: what was accepted is flagged then,
and both count.

A scan counts unless it was quarantined or comes from a station outside the network. Whether it was declared wrong, or
repeats another one, is not to be seen in it alone: a look without a name may have to do with either.

Nobody's word clears himself: a delivery counts only where parcels are delivered, at a depot or by a courier, a
recipient's check is a recorded one, and who puts a seal on or takes one off has done something and read nothing
(`act`). What verifiers attest of a check comes whenever it comes, and is no part of what is kept (`as_attested`).
"""

import sys
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec.structs import replace

from custody.gs1.event import Event
from custody.investigation.passage import Pin, SealSeen, Step
from custody.kernel.clock import Instant
from custody.scans.advance import parcels_of
from custody.trail.edition import NEWEST, ReadingEdition
from custody.trail.marks import read_marks, says_seal
from custody.trail.names import is_item, named
from custody.trail.runs import delivers, is_physical, returns, sends_back
from custody.trail.sealed import SealedScan
from custody.trail.traces import shows_seal, weighs_alone

OUTSIDE = "other"
"""The step of a station that is no part of the network."""

_DELIVERING = frozenset({Step.DEPOT, Step.COURIER})
_OF_ANOTHER = frozenset({"seal_differs", "seal_replaced"})


class _Seen(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a scan says of a parcel, whoever asks.

    `name` is the event's id, and None for an event without one and for one that declares another one wrong. `turns`:
    it speaks of a return. `sends_back`: it lets the parcel go as a returned one. `dear`: it names a handset. `act`: it
    puts the seal on or takes it off; `things` are what it puts on or takes off, be it a seal or not. `biz_step`: what
    was done, by its word in the event. `seq`: its station's number for it, and None if its key is not the station's,
    which proves nothing; `after`: the digests that it carries of statements that were made before it.
    """

    name: str | None
    at_ms: Instant
    index: int
    station: str
    seq: int | None
    digest: bytes
    after: tuple[bytes, ...]
    biz_step: str | None
    delivers: bool
    physical: bool
    turns: bool
    sends_back: bool
    dear: bool
    handler: str | None
    photo: bool
    seal: SealSeen
    act: bool
    things: tuple[str, ...]
    mass_g: int | float | None
    pin: Pin
    declared_g: int | float | None
    item_g: int | float | None


class KeptLook(_Seen, frozen=True, kw_only=True, gc=False, array_like=True):
    """What one scan says of one parcel, as it is kept; `quarantined`: it does not count."""

    parcel: str
    site: str
    step: str
    quarantined: bool


class Look(_Seen, frozen=True, kw_only=True, gc=False):
    """One scan of a parcel, with where its station stands; `step` is None if it does not count."""

    site: str
    step: Step | None


def look_at(sealed: SealedScan, parcel: str) -> Look:
    """What the scan says of the parcel."""
    return place(tell(sealed, parcel))


def tell(sealed: SealedScan, parcel: str) -> KeptLook:
    """What the scan says of the parcel, as it is kept."""
    event, terms = sealed.event, sealed.event.extensions
    declared_g, item_g = terms.get("wl:declaredMassGrams"), terms.get("wl:itemMassGrams")
    alone = (declared_g is not None or item_g is not None) and parcels_of(event) == (parcel,)
    delivery = sealed.station.step in _DELIVERING and hands_over(event)
    return KeptLook(
        parcel=parcel,
        site=sealed.station.site,
        step=sealed.station.step,
        name=event.event_id if event.error_declaration is None else None,
        at_ms=sealed.no_later_ms,
        index=sealed.index,
        station=sealed.station.station,
        seq=None if sealed.forged else sealed.scan.seq,
        digest=sealed.digest,
        after=() if sealed.forged else _carried(event),
        biz_step=event.biz_step,
        quarantined=sealed.quarantined,
        delivers=delivery,
        physical=is_physical(event),
        turns=returns(event),
        sends_back=sends_back(event),
        dear=bool(event.imeis) or any(map(is_item, named(event))),
        handler=terms.get("wl:handler"),
        photo="wl:photo" in terms,
        seal=_seal(sealed, parcel),
        act=calls_seal(event, parcel) or _takes_all_off(event, parcel),
        things=event.children if _attaches(event, parcel) else (),
        mass_g=_mass(event, parcel),
        pin=pin_of(event) if delivery else Pin.UNOBSERVED,
        declared_g=declared_g if alone else None,
        item_g=item_g if alone else None,
    )


def place(told: KeptLook) -> Look:
    """The look; it has no step if it does not count."""
    return Look(
        name=told.name,
        at_ms=told.at_ms,
        index=told.index,
        station=sys.intern(told.station),
        seq=told.seq,
        digest=told.digest,
        after=told.after,
        biz_step=None if told.biz_step is None else sys.intern(told.biz_step),
        site=sys.intern(told.site),
        step=None if told.quarantined or told.step == OUTSIDE else Step(told.step),
        delivers=told.delivers,
        physical=told.physical,
        turns=told.turns,
        sends_back=told.sends_back,
        dear=told.dear,
        handler=None if told.handler is None else sys.intern(told.handler),
        photo=told.photo,
        seal=told.seal,
        act=told.act,
        things=told.things,
        mass_g=told.mass_g,
        pin=told.pin,
        declared_g=told.declared_g,
        item_g=told.item_g,
    )


def presence(look: Look, edition: ReadingEdition = NEWEST) -> Look:
    """What is left of a look that was taken back, and where the parcel was all the same.

    By the third edition its word of a delivery or a return was left too.
    """
    said = edition < ReadingEdition.FOURTH
    return replace(
        look,
        delivers=said and look.delivers,
        turns=said and look.turns,
        sends_back=said and look.sends_back,
        dear=False,
        photo=False,
        seal=SealSeen.NOT_READ,
        act=False,
        things=(),
        mass_g=None,
        pin=Pin.UNOBSERVED,
        declared_g=None,
        item_g=None,
    )


def as_attested(look: Look, event: Event, *, held: bool | None) -> Look:
    """The look with what verifiers attest of the recipient's check in it; what they refute was not made."""
    if held is True and look.pin is Pin.RECORDED:
        return replace(look, pin=Pin.VERIFIED)
    if held is False and look.delivers:
        stands = delivers(event, checked=False)
        return replace(look, delivers=stands, pin=Pin.ABSENT if stands else Pin.UNOBSERVED)
    return look


def aside(look: Look) -> Look:
    """What is left of a look that does not count: where it stands among the others."""
    return replace(presence(look), step=None)


def with_acts(looks: Iterable[Look]) -> list[Look]:
    """The looks; what puts on or takes off a thing that one that counts calls the seal is an act too."""
    made = list(looks)
    seals = {thing for look in made if look.act and look.step is not None for thing in look.things}
    return [replace(look, act=True) if not (look.act or seals.isdisjoint(look.things)) else look for look in made]


def are_plain(looks: Iterable[Look]) -> bool:
    """Whether no scan declares another one wrong or repeats it: each has a name of its own."""
    names: list[Any] = [look.name for look in looks]
    return None not in names and len(set(names)) == len(names)


def hands_over(event: Event) -> bool:
    """Whether by the event the recipient has the parcel."""
    checked = "wl:recipientCheck" in event.extensions and read_marks(event).check is not None
    return is_physical(event) and delivers(event, checked=checked)


def _carried(event: Event) -> tuple[bytes, ...]:
    marks = read_marks(event)
    return tuple(dict.fromkeys(name for name in (marks.prev_scan, marks.upstream) if name is not None))


def _seal(sealed: SealedScan, parcel: str) -> SealSeen:
    """What was seen of the parcel's own seal; that of a cage, or of one of several parcels, is not told from here."""
    return seal_read(sealed) if shows_seal(sealed.event, parcel) else SealSeen.NOT_READ


def calls_seal(event: Event, parcel: str) -> bool:
    """Whether what is put on the parcel or taken off it is called its seal."""
    return _attaches(event, parcel) and says_seal(event)


def _takes_all_off(event: Event, parcel: str) -> bool:
    """Whether everything is taken off, and the seal with it: nothing is named."""
    return _attaches(event, parcel) and event.action == "DELETE" and not event.children and not event.quantities


def _attaches(event: Event, parcel: str) -> bool:
    moved = event.type == "AssociationEvent" and event.action in {"ADD", "DELETE"}
    return moved and shows_seal(event, parcel)


def seal_read(sealed: SealedScan) -> SealSeen:
    """What was seen of a seal; a new one is another one, also where a record says that the old one was taken off."""
    state = sealed.event.extensions.get("wl:sealState")
    if not _OF_ANOTHER.isdisjoint(sealed.flags):
        return SealSeen.ANOMALY
    return SealSeen.NOT_READ if state is None else SealSeen.OK if state == "intact" else SealSeen.ANOMALY


def _mass(event: Event, parcel: str) -> float | None:
    """What the parcel weighed; a scale with a cage or several parcels on it says nothing of one of them.

    Nothing weighs less than nothing: what such a scale shows is no weighing, though it stays in the trail.
    """
    masses = event.masses_g
    return masses[-1] if masses and masses[-1] >= 0 and weighs_alone(event, parcel) else None


def pin_of(event: Event) -> Pin:
    """What a delivery says of a check of the recipient."""
    marks = read_marks(event)
    if marks.check is not None:
        return Pin.RECORDED
    return Pin.UNOBSERVED if "wl:recipientCheck" in marks.unreadable else Pin.ABSENT
