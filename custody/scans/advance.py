"""What is known of a parcel after one more scan; the next scan is judged against it.

An error declaration takes nothing back here: the judge works on what was said, the trail works out what still holds.
Only what a scan says moves the view; what it does not say stays as it was.
"""

from collections.abc import Collection, Iterable

from msgspec.structs import replace

from custody.gs1.event import Event
from custody.gs1.imei import serial_as_imei
from custody.kernel.clock import Instant
from custody.scans.edition import FIFTH, FIRST, FOURTH, THIRD, Edition
from custody.scans.view import REMOVED, Ended, Seal, UnitView, Void, Weight

SSCC = "https://id.gs1.org/00/"
SGTIN = "https://id.gs1.org/01/"
MAX_WEIGHTS = 8
MAX_VOIDS = 8
VOIDS = "void_shipping"
RECIPIENT = "/8018/"
_RELEASES = frozenset({"departing", "shipping", "consigning"})

UNSEEN = UnitView(known=False)

HandsetNames = tuple[frozenset[str], ...]
"""Names of one handset each."""


def is_one(key: str) -> bool:
    """Whether a key is the serial number of one thing of a class (SGTIN)."""
    return key.startswith(SGTIN) and "/21/" in key


def parcels_of(event: Event) -> tuple[str, ...]:
    """The canonical keys of the parcels that an event is about; of the items themselves if it names no parcel."""
    if len(event.epcs) == 1 and event.parent is None and not event.children:
        return event.epcs
    named = event.epcs if event.parent is None else (*event.epcs, event.parent)
    named += event.children
    parcels = [key for key in named if key.startswith(SSCC)]
    return tuple(dict.fromkeys(parcels or named))


def is_about_one(event: Event) -> bool:
    """Whether what is read of seal and declared mass is one parcel's own: not its carrier's, nor one of several's.

    An event that names no parcel is about whatever it names.
    """
    units = parcels_of(event)
    if not units or not units[0].startswith(SSCC):
        return True
    return len(units) == 1 and (units[0] in event.epcs or units[0] == event.parent)


def weighs_one(event: Event) -> bool:
    """Whether what was weighed is one parcel, or one item, and nothing else, and still closed."""
    units = parcels_of(event)
    alone = event.epcs == units if event.epcs else units == (event.parent,)
    return alone and len(units) == 1 and event.biz_step != "unpacking"


def advance(view: UnitView, event: Event, edition: Edition = FIRST, *, custodian: str | None = None) -> UnitView:
    """The view after the event, by that edition of the judge's rules.

    `custodian`: whom the station that signed works for, as its key was enrolled; it is read for `VOIDS` alone.
    """
    if event.error_declaration is not None:
        return replace(view, known=True)
    last_ms = event.event_time_ms if view.last_event_ms is None else max(view.last_event_ms, event.event_time_ms)
    weighed = [Weight(at_ms=event.event_time_ms, mass_g=mass) for mass in event.masses_g]
    if weighed and edition is not FIRST and not weighs_one(event):
        weighed = []
    declared = event.extensions.get("wl:declaredMassGrams")
    if declared is not None and edition is not FIRST and not is_about_one(event):
        declared = None
    after = _hand_on(view, event, edition, custodian)
    if event.type == "AggregationEvent":
        after = _contents(after, event, edition)
    if edition >= FOURTH and _delivers(event):
        after = replace(after, delivered_ms=max(event.event_time_ms, view.delivered_ms or 0))
    return replace(
        after,
        known=True,
        last_event_ms=last_ms,
        weights=(*view.weights, *weighed)[-MAX_WEIGHTS:],
        declared_g=view.declared_g if declared is None else declared,
        seal=_seal(view.seal, event, edition),
    )


def _hand_on(view: UnitView, event: Event, edition: Edition, custodian: str | None) -> UnitView:
    """The view with who has the parcel and what release is open after the event."""
    if event.biz_step == VOIDS:
        return view if edition < THIRD or custodian is None else _take_back(view, event, edition, custodian)
    givers, takers = event.parties() if event.destinations else (frozenset(), frozenset())
    if takers and event.biz_step == "accepting":
        return _accepted(view, event, edition, takers)
    if takers and event.biz_step in _RELEASES:
        return _released(view, event, edition, givers, takers)
    return view


def _accepted(view: UnitView, event: Event, edition: Edition, takers: frozenset[str]) -> UnitView:
    """The view after an acceptance; one that is older than the last move counts only if it takes the open release."""
    if not (_is_newest(view, event) or takers & view.released_to):
        return view
    after = _released_to_nobody(view)
    return replace(after, custodian=min(takers), moved_ms=_moved_ms(event, edition), ended=())


def _released(
    view: UnitView, event: Event, edition: Edition, givers: frozenset[str], takers: frozenset[str]
) -> UnitView:
    """The view after a release, which may have been taken back before it came.

    One that is older than the last move counts only if whoever has the parcel, or is to have it, gives it on.
    """
    newest, owners, made_ms = _is_newest(view, event), {view.custodian, *givers}, event.event_time_ms
    if any(_ends(void, owners=owners, name=event.event_id, made_ms=made_ms) for void in view.voids):
        after = view if edition < FIFTH else _ended(view, owners, event.event_id, made_ms)
        return replace(_released_to_nobody(after), moved_ms=_moved_ms(event, edition)) if newest else after
    if not (newest or givers & {view.custodian, *view.released_to} - takers):
        return view
    known = edition >= THIRD
    return replace(
        view,
        released_to=takers,
        released_by=givers if known else frozenset(),
        release_id=event.event_id if known else None,
        moved_ms=_moved_ms(event, edition),
    )


def _is_newest(view: UnitView, event: Event) -> bool:
    return view.moved_ms is None or event.event_time_ms >= view.moved_ms


def _moved_ms(event: Event, edition: Edition) -> Instant | None:
    """When the parcel changed hands, as the view keeps it; by the first edition nobody asked."""
    return None if edition is FIRST else event.event_time_ms


def _released_to_nobody(view: UnitView) -> UnitView:
    return replace(view, released_to=frozenset(), released_by=frozenset(), release_id=None)


def _take_back(view: UnitView, event: Event, edition: Edition, custodian: str) -> UnitView:
    """The view after a `VOIDS` that is signed for the custodian."""
    named = frozenset(identifier for kind, identifier in event.transactions if kind == "upevt")
    left = named - {each.name for each in view.ended}
    if named and not left:
        return view
    void = Void(by=custodian, at_ms=event.event_time_ms, named=left)
    owners = {view.custodian, *view.released_by}
    if view.released_to and _ends(void, owners=owners, name=view.release_id, made_ms=view.moved_ms):
        after = view if edition < FIFTH else _ended(view, owners, view.release_id, view.moved_ms)
        return _released_to_nobody(after)
    if edition < FOURTH or void in view.voids:
        return view
    if not named and any(_ends(void, owners=each.owners, name=None, made_ms=each.made_ms) for each in view.ended):
        return view
    return replace(view, voids=(*view.voids, void)[-MAX_VOIDS:])


def _ended(view: UnitView, owners: Collection[str | None], name: str | None, made_ms: Instant | None) -> UnitView:
    """The view that keeps which release was ended, and no word that has named it and no other."""
    waiting = [replace(void, named=void.named - {name}) if name in void.named else void for void in view.voids]
    kept = [after for void, after in zip(view.voids, waiting, strict=True) if after.named or not void.named]
    release = Ended(owners=frozenset(filter(None, owners)), name=name, made_ms=made_ms)
    return replace(view, voids=tuple(kept), ended=(*view.ended, release)[-MAX_VOIDS:])


def _ends(void: Void, *, owners: Collection[str | None], name: str | None, made_ms: Instant | None) -> bool:
    """Whether it takes a release back: `owners` are who gives, and who has the parcel."""
    if void.by not in owners:
        return False
    if void.named and name is not None:
        return name in void.named
    return made_ms is None or void.at_ms >= made_ms


def _seal(seal: Seal | None, event: Event, edition: Edition) -> Seal | None:
    number, state = event.extensions.get("wl:sealNumber"), event.extensions.get("wl:sealState")
    attaches = event.type == "AssociationEvent"
    if number is None and state is None and not attaches:
        return seal
    if edition is not FIRST and not is_about_one(event):
        return seal
    if edition >= THIRD and seal is not None and attaches and _takes_off(event, seal):
        return replace(seal, state=REMOVED)
    applied = attaches and event.action == "ADD"
    if number is not None and (seal is None or applied):
        things = frozenset(event.children) if applied and edition >= THIRD else frozenset()
        return Seal(number=number, state=state or "intact", things=things)
    return seal if seal is None or state is None else replace(seal, state=state)


def _takes_off(event: Event, seal: Seal) -> bool:
    """Whether the seal is taken off: by its number, by what was put on as it, or with everything that is attached."""
    if event.action != "DELETE":
        return False
    number = event.extensions.get("wl:sealNumber")
    if number is not None:
        return bool(number.upper() == seal.number.upper())
    return is_whole(event) or not seal.things or not seal.things.isdisjoint(event.children)


def _contents(view: UnitView, event: Event, edition: Edition) -> UnitView:
    """The view with what should be inside after something was put in or taken out."""
    expected, joined = view.expected_serials, view.joined
    named = names_of((*event.children, *event.imeis))
    if event.action == "ADD" and event.biz_step == "packing":
        joined = _join(joined, event) if edition >= FOURTH else joined
        return replace(view, expected_serials=expected | named, joined=joined)
    if event.action != "DELETE" or event.biz_step != "unpacking":
        return view
    if edition >= THIRD and is_whole(event):
        return replace(view, expected_serials=frozenset(), joined=())
    if edition < FOURTH:
        return replace(view, expected_serials=expected - named)
    out = named.union(*(names for names in joined if not names.isdisjoint(named)))
    left = frozenset(key for key in expected if names_of([key]).isdisjoint(out))
    return replace(view, expected_serials=left, joined=tuple(names for names in joined if names.isdisjoint(out)))


def _join(joined: HandsetNames, event: Event) -> HandsetNames:
    """With the names of the handset that a packing puts in, if it puts in one, and names it in more ways than one."""
    items = [key for key in event.children if is_one(key)]
    several = len(items) > 1 or (not items and sum(count or 0 for _, count in event.quantities) != 1)
    names = names_of([*items, *event.imeis])
    if several or len(names) <= len(names_of(items or event.imeis[:1])):
        return joined
    same = [known for known in joined if not known.isdisjoint(names)]
    names = names.union(*same)
    if sum(is_one(name) for name in names) > 1:
        return joined
    return (*(known for known in joined if known not in same), names)


def is_whole(event: Event) -> bool:
    """Whether a DELETE is of everything: it names no child, and no class of them."""
    return not event.children and not event.quantities


def _delivers(event: Event) -> bool:
    """Whether it is handed to its recipient, or sold by what the event says."""
    if event.disposition == "retail_sold":
        return True
    if event.biz_step != "accepting":
        return False
    return any(RECIPIENT in key for word, key in event.destinations if word == "possessing_party")


def names_of(keys: Iterable[str]) -> frozenset[str]:
    """The keys of what is no parcel and, where a serial number is an IMEI, that IMEI."""
    things = {key for key in keys if not key.startswith(SSCC)}
    return frozenset(things | {imei for imei in map(serial_as_imei, things) if imei is not None})
