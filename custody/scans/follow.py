"""What is known after one more scan of all that it is about: its parcels and, by the fourth edition, handsets.

Of a handset is kept into which parcel it was packed last, under its IMEI, or the serial number that hides none, and
under every IMEI that the packing lists. Whether it still lies there, the parcel knows: taking it out, alone or with all
the rest, and delivering it change what is known of the parcel and ask for no handset. So only packings, and scans of
handsets without a parcel, concern more than their parcels.
"""

from collections.abc import Callable, Collection, Mapping, Sequence

from msgspec.structs import replace

from custody.gs1.event import Event
from custody.gs1.imei import serial_as_imei
from custody.scans.advance import SSCC, UNSEEN, advance, is_one, parcels_of
from custody.scans.by_class import count_classes
from custody.scans.edition import FIFTH, FOURTH, NEWEST, Edition
from custody.scans.view import Packed, UnitView

Recall = Callable[[str], UnitView]
"""What is known of a parcel or a handset, by its key."""

_IMEI = "urn:gsma:imei:"


def concerned(event: Event, edition: Edition = NEWEST) -> tuple[str, ...]:
    """The keys under which that edition of the judge's rules remembers something of the event."""
    parcels = parcels_of(event)
    if edition < FOURTH:
        return parcels
    handsets = _handsets(event, parcels)
    return (*parcels, *handsets) if handsets else parcels


def units_of(event: Event, look: Recall, edition: Edition) -> list[UnitView]:
    """What an event is judged against, parcel by parcel."""
    parcels = parcels_of(event)
    units = [look(parcel) for parcel in parcels] or [UNSEEN]
    if edition < FOURTH or not _packs(event):
        return units
    names = _handsets(event, parcels)
    elsewhere = frozenset(name for name in names if _lies_elsewhere(name, event, look))
    if edition >= FIFTH and elsewhere:
        elsewhere -= {name for name in elsewhere if _was_seen_since(name, names, look)}
    return [replace(unit, duplicates=elsewhere) for unit in units] if elsewhere else units


def follow(event: Event, look: Recall, edition: Edition, *, custodian: str | None = None) -> dict[str, UnitView]:
    """What the event changes, by key; `custodian` is that of `advance`."""
    parcels = parcels_of(event)
    changed = {parcel: advance(look(parcel), event, edition, custodian=custodian) for parcel in parcels}
    if edition >= FIFTH and event.type == "AggregationEvent":
        changed |= _aggregate(event, look, changed)
    if edition >= FOURTH:
        for name in _handsets(event, parcels):
            before = changed.get(name) or look(name)
            after = _lay(name, before, event, look)
            if edition >= FIFTH and after is not before:
                after = _remember(before, after, event)
            if after is not before:
                changed[name] = after
    return changed


def _aggregate(event: Event, look: Recall, changed: Mapping[str, UnitView]) -> dict[str, UnitView]:
    """What an aggregation changes by class, and in the parcels that it puts into another or takes out."""
    outer = event.parent
    if outer is None or outer not in changed:
        return {}
    declared = event.error_declaration is not None
    after = {} if declared else {outer: count_classes(look(outer), changed[outer], event)}
    for inner in event.children:
        if inner.startswith(SSCC) and outer.startswith(SSCC) and inner != outer:
            after[inner] = _box(changed[inner], Packed(parcel=outer, at_ms=event.event_time_ms), event)
    return after


def _box(view: UnitView, packed: Packed, event: Event) -> UnitView:
    """What is known of a parcel after an event that packs it into another, or takes it out."""
    boxed = view.boxed
    if event.error_declaration is not None:
        return replace(view, boxed=None) if boxed == packed else view
    if boxed is not None and packed.at_ms < boxed.at_ms:
        return view
    if _packs(event):
        return replace(view, boxed=packed)
    out = event.action == "DELETE" and event.biz_step == "unpacking"
    return replace(view, boxed=None) if out and boxed is not None and boxed.parcel == packed.parcel else view


def _is_in(there: UnitView, name: str, packed: Packed) -> bool:
    """Whether a handset lies where it was packed last."""
    delivered = there.delivered_ms is not None and there.delivered_ms >= packed.at_ms
    return name in there.expected_serials and not delivered


def _is_boxed(there: UnitView, event: Event, look: Recall) -> bool:
    """Whether a parcel lies in the one that an event packs."""
    boxed = there.boxed
    if boxed is None or boxed.parcel != event.parent:
        return False
    emptied_ms = look(boxed.parcel).emptied_ms
    return emptied_ms is None or emptied_ms < boxed.at_ms


def _packs(event: Event) -> bool:
    packs = event.biz_step == "packing" and event.type == "AggregationEvent" and event.action == "ADD"
    return packs and event.parent is not None and event.parent.startswith(SSCC)


def _handsets(event: Event, parcels: Sequence[str]) -> tuple[str, ...]:
    """The names under which the handsets are remembered that an event packs, or that it is about without a parcel."""
    if _packs(event):
        named = event.children
    elif parcels and parcels[0].startswith(SSCC):
        return ()
    else:
        named = tuple(parcels)
    things = [key for key in (*named, *event.imeis) if key.startswith(_IMEI) or is_one(key)]
    return tuple(dict.fromkeys([serial_as_imei(key) or key for key in things]))


def _lies_elsewhere(name: str, event: Event, look: Recall) -> bool:
    """Whether a handset that the event packs lies in a parcel of which the event says nothing."""
    packed = look(name).packed
    if packed is None or packed.parcel in {event.parent, *event.children} or event.event_time_ms < packed.at_ms:
        return False
    there = look(packed.parcel)
    return _is_in(there, name, packed) and not _is_boxed(there, event, look)


def _was_seen_since(name: str, names: Collection[str], look: Recall) -> bool:
    """Whether the handset was seen alone since it was packed, by another name of it that the event has too."""
    packed = look(name).packed
    there = UNSEEN if packed is None else look(packed.parcel)
    same = {other for known in there.joined if name in known for other in known}
    return any(look(other).packed is None for other in same.intersection(names))


def _remember(before: UnitView, after: UnitView, event: Event) -> UnitView:
    """With the parcel that a handset lay in before its packing, in which it lies again if that is declared wrong."""
    if event.error_declaration is not None:
        return replace(after, packed=before.packed_before, packed_before=None)
    if before.packed is None or after.packed is None:
        return replace(after, packed_before=None)
    again = before.packed.parcel == after.packed.parcel
    return replace(after, packed_before=before.packed_before if again else before.packed)


def _lay(name: str, view: UnitView, event: Event, look: Recall) -> UnitView:
    """What is known of a handset after an event that packs it, or that is about it without a parcel."""
    packed = view.packed
    if event.error_declaration is not None:
        undone = packed == Packed(parcel=event.parent or "", at_ms=event.event_time_ms)
        return replace(view, packed=None) if undone else view
    late = packed is not None and event.event_time_ms < packed.at_ms
    if late or (packed is not None and packed.parcel in event.children):
        return view
    if _packs(event) and event.parent is not None:
        there = UNSEEN if packed is None else look(packed.parcel)
        if packed is not None and _is_boxed(there, event, look) and _is_in(there, name, packed):
            return view
        return replace(view, packed=Packed(parcel=event.parent, at_ms=event.event_time_ms))
    return view if packed is None else replace(view, packed=None)
