"""Which keys and which scans belong to one parcel.

From an SSCC, an IMEI in any form, a seal or an order (`po:...`), facts in standing scans lead to everything that makes
up one parcel: parcel - handset - order - seal, and the cages and vans while the parcel was in them.

- Only standing scans lead on: a quarantined or declared-wrong packing ties nothing.
- A cage's other parcels never come along: a cage's scan belongs to the trail only while the parcel is inside and only
  if it names no other parcel, or names ours.
- A handset packed again later, after a return, has a later parcel of its own. Its scans before its own commissioning
  or packing for the next parcel stay with the earlier one.
- Asked by handset or order, the latest parcel is taken unless one is named; the others are listed. Where a handset was
  sold again, its earlier order does not lead to the parcel of the later one.
- A number of an order that two sellers gave out leads to no parcel by itself: it may be a stranger's. All are listed.

`needs` says which keys to look up next, so that a use case fetches a trail in a few rounds:

    asked, scans = set(), []
    while lookups := needs(start, scans, asked):
        scans += [scan for lookup in lookups for scan in store.find(lookup)]
        asked |= set(lookups)
    scans += [scan for scan in store.find_by_event_id(partner_ids(scans)) if scan was left out before]

More scans than needed do no harm: what does not belong is left out.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from custody.gs1.canonical import canonical
from custody.gs1.event import Event
from custody.kernel.clock import Instant
from custody.trail.closure import Closure, Item
from custody.trail.containment import Containment
from custody.trail.edition import NEWEST, ReadingEdition
from custody.trail.finding import Finding
from custody.trail.marks import read_marks
from custody.trail.names import ORDER, aliases, ask, is_item, is_parcel, named, orders, same_orders
from custody.trail.sealed import SealedScan

Via = Literal["parcel", "item", "seal", "carrier", "order"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherParcel:
    """Another parcel of the same handset or the same order."""

    key: str
    since_ms: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Belongings:
    """One parcel and everything that belongs to it. `parcel` is None if nothing says it was packed."""

    asked: str
    parcel: str | None
    items: tuple[Item, ...]
    orders: tuple[str, ...]
    seals: tuple[str, ...]
    carriers: tuple[Containment, ...]
    others: tuple[OtherParcel, ...]
    findings: tuple[Finding, ...]

    @property
    def own_keys(self) -> frozenset[str]:
        """The keys of this parcel, of what is in and on it, and of its orders."""
        named = {name for item in self.items for name in item.names}
        return frozenset({self.asked, *self.orders, *self.seals} | named | ({self.parcel} if self.parcel else set()))

    @property
    def keys(self) -> frozenset[str]:
        """Every key that is looked up for this parcel."""
        return self.own_keys | {stay.outer for stay in self.carriers}

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is odd about those keys, such as a wrong check digit."""
        return tuple(said for key in sorted(self.keys) if (said := canonical(key).warning) is not None)

    def via(self, sealed: SealedScan, edition: ReadingEdition = NEWEST) -> Via | None:
        """Through what the scan belongs to this parcel by that edition; None if it does not."""
        event, at_ms = sealed.event, sealed.no_later_ms
        things = named(event)
        if self.parcel in things:
            return "parcel"
        carriers = {stay.outer for stay in self.carriers if stay.covers(at_ms)}
        if any(is_parcel(key) and key not in carriers for key in things):
            return None
        touched = {alias for key in (*things, *event.imeis, *read_marks(event).expected) for alias in aliases(key)}
        if any(is_item(key) for key in touched):
            ours = any(item.covers(at_ms) and item.names & touched for item in self.items)
            return "item" if ours else None
        said = orders(event)
        shared = same_orders(said, self.orders) if edition >= ReadingEdition.FOURTH else said & set(self.orders)
        ways: tuple[tuple[Via, bool], ...] = (
            ("seal", bool(things & set(self.seals))),
            ("carrier", _whole(event, carriers)),
            ("order", not things and bool(shared)),
        )
        return next((via for via, holds in ways if holds), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """A key to look up; of one that is only a carrier, scans that only load or unload (`loads.py`) may be left out."""

    key: str
    carrier: bool = False


def find_belongings(
    start: str,
    scans: Iterable[SealedScan],
    *,
    parcel: str | None = None,
    edition: ReadingEdition = NEWEST,
) -> Belongings:
    """What `start` leads to; raises `Rejected("unit")` or `Rejected("imei")` where it names nothing.

    `parcel` chooses one of several parcels of a handset or an order; `edition` is the one that the trail is read by.
    """
    return _belongings(Closure.read(scans, edition), ask(start), parcel, edition)


def needs(
    start: str,
    scans: Iterable[SealedScan],
    asked: Collection[Lookup] = (),
    *,
    parcel: str | None = None,
) -> tuple[Lookup, ...]:
    """The keys that must still be looked up to complete the belongings; empty when it is complete."""
    facts = Closure.read(scans)
    belongings = _belongings(facts, ask(start), parcel)
    whole = belongings.own_keys | facts.ordered_names(belongings.asked)
    whole |= {alias for key in whole | belongings.keys for alias in aliases(key) if alias != key}
    wanted = [Lookup(key=key, carrier=key not in whole) for key in sorted(whole | belongings.keys)]
    return tuple(lookup for lookup in wanted if lookup not in asked and Lookup(key=lookup.key) not in asked)


def partner_ids(scans: Iterable[SealedScan]) -> frozenset[str]:
    """The ids of events with which scans repeat each other, declare each other wrong, or correct what was wrong."""
    ids: set[str] = set()
    for sealed in scans:
        event = sealed.event
        ids.update([] if event.event_id is None else [event.event_id])
        ids.update(event.error_declaration.corrective_ids if event.error_declaration else ())
    return frozenset(ids)


def _belongings(facts: Closure, asked: str, parcel: str | None, edition: ReadingEdition = NEWEST) -> Belongings:
    candidates = facts.parcels_of(asked)
    chosen = ask(parcel) if parcel else max(candidates, key=lambda key: (candidates[key], key), default=None)
    if not parcel and edition >= ReadingEdition.FOURTH and facts.of_two_sellers(asked, candidates):
        chosen = None
    items = facts.items_of(chosen) if chosen else facts.loose_item(asked)
    references = facts.orders_of(chosen, items)
    if asked.startswith(ORDER) and (chosen is None or chosen in candidates):
        references |= {asked}
    others = {**candidates, **{key: since for item in items for key, since in facts.parcels_of(item.key).items()}}
    others.pop(chosen or "", None)
    seals = facts.seals_of(chosen, edition)
    return Belongings(
        asked=asked,
        parcel=chosen,
        items=items,
        orders=tuple(sorted(references)),
        seals=seals,
        carriers=facts.carriers_of(chosen) if chosen else (),
        others=tuple(OtherParcel(key=key, since_ms=others[key]) for key in sorted(others)),
        findings=facts.findings_for(chosen, items, seals),
    )


def _whole(event: Event, carriers: set[str]) -> bool:
    """Whether the event is about a whole carrier, with what lies in it."""
    if any(key in carriers for key in event.epcs):
        return True
    if event.parent not in carriers:
        return any(key in carriers for key in event.children)
    return not event.children or any(key in carriers for key in event.children)
