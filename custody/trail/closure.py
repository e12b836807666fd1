"""What standing scans say about which things belong together; `belongings.py` picks one parcel out of it.

Rules that need more than one scan: in which time a handset's own scans belong to a parcel, when a parcel left a cage
although nobody recorded the unloading, which cages stood in which vans.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import combinations

from custody.kernel.clock import Instant
from custody.trail.containment import ASSOCIATION, Containment, Names, join_names, least, read_containments
from custody.trail.corrections import once, read_corrections
from custody.trail.edition import NEWEST, ReadingEdition
from custody.trail.finding import Finding, FindingKind
from custody.trail.marks import says_seal
from custody.trail.names import ORDER, aliases, is_item, is_parcel, named, orders, same_orders, short
from custody.trail.sealed import SealedScan

_OUT_OF_CARRIER = frozenset({"pack", "hub_sort", "depot", "courier"})
_MAX_NESTING = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One handset of the parcel; its own scans belong here within [from_ms, until_ms), None meaning no bound."""

    key: str
    names: frozenset[str]
    from_ms: Instant | None
    until_ms: Instant | None

    def covers(self, at_ms: Instant) -> bool:
        """Whether a scan of the handset alone belongs to this parcel."""
        return (self.from_ms is None or self.from_ms <= at_ms) and (self.until_ms is None or at_ms < self.until_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """The standing scans with the handset names and containments in them."""

    standing: tuple[SealedScan, ...]
    names: Names
    contradicting: tuple[SealedScan, ...]
    containments: tuple[Containment, ...]

    @classmethod
    def read(cls, scans: Iterable[SealedScan], edition: ReadingEdition = NEWEST) -> "Closure":
        """The facts in `scans`, of which those stand that do by that edition."""
        single = once(scans)
        corrections = read_corrections(single, edition=edition)
        standing = tuple(sealed for sealed in single if corrections.standing(sealed))
        names, contradicting = join_names(standing)
        return cls(
            standing=standing, names=names, contradicting=contradicting, containments=read_containments(standing, names)
        )

    def parcels_of(self, key: str) -> dict[str, Instant]:
        """The parcels that `key` leads to, each with the moment it first did."""
        if is_parcel(key):
            return {key: min((s.no_later_ms for s in self._naming(key)), default=0)}
        if key.startswith(ORDER):
            found = self._parcels_of_order(key)
        else:
            inner = least(self.names, key)
            found = [(lying.outer, lying.from_ms) for lying in self.containments if lying.inner == inner]
        first: dict[str, Instant] = {}
        for outer, since in found:
            if is_parcel(outer):
                first[outer] = min(since, first.get(outer, since))
        return first

    def of_two_sellers(self, order: str, parcels: Iterable[str]) -> bool:
        """Whether two of the parcels are of orders of two sellers that have this one number."""
        said = [self.orders_of(parcel, self.items_of(parcel)) for parcel in parcels] if order.startswith(ORDER) else []
        return any(
            order in one & other and order not in same_orders(one, other) for one, other in combinations(said, 2)
        )

    def items_of(self, parcel: str) -> tuple[Item, ...]:
        """The handsets packed into the parcel, each with the time in which its own scans belong here."""
        inners = dict.fromkeys(
            lying.inner
            for lying in self.containments
            if lying.outer == parcel and not lying.attached and is_item(lying.inner)
        )
        return tuple(self._item(inner, parcel) for inner in sorted(inners))

    def loose_item(self, key: str) -> tuple[Item, ...]:
        """A handset that was never packed."""
        if not is_item(key):
            return ()
        names = self.names.of(key)
        return (Item(key=min(names), names=names, from_ms=None, until_ms=None),)

    def orders_of(self, parcel: str | None, items: tuple[Item, ...]) -> set[str]:
        """The orders that scans of the parcel or of its handsets name."""
        found: set[str] = set()
        for sealed in self.standing:
            event = sealed.event
            things = named(event)
            own = parcel in things
            if not own and not any(is_parcel(key) for key in things):
                own = any(item.covers(sealed.no_later_ms) and item.names & {*things, *event.imeis} for item in items)
            if own and sum(is_parcel(key) for key in things) <= 1:
                found.update(orders(event))
        return found

    def ordered_names(self, order: str) -> frozenset[str]:
        """All names of the handsets that an order's scans name, so that their parcels are found."""
        if not order.startswith(ORDER):
            return frozenset()
        items = [
            key
            for sealed in self.standing
            if order in orders(sealed.event)
            for key in (*sealed.event.epcs, *sealed.event.children, *sealed.event.imeis)
            if is_item(key)
        ]
        return frozenset(name for key in items for name in self.names.of(key))

    def carriers_of(self, parcel: str) -> tuple[Containment, ...]:
        """When the parcel lay in carriers, and these in others, cut to when the parcel was inside."""
        found: list[Containment] = []
        outside, of = self._outside(parcel), defaultdict[str, list[Containment]](list)
        for lying in self.containments:
            if not lying.attached:
                of[lying.inner].append(lying)
        level = [outside.cut(lying) for lying in of[parcel]]
        for _ in range(_MAX_NESTING):
            found += level
            around = dict.fromkeys(_overlap(around, lying) for lying in level for around in of.get(lying.outer, ()))
            level = [inside for inside in around if inside is not None]
        return tuple(sorted(set(found), key=lambda lying: (lying.from_ms, lying.outer, lying.from_index)))

    def seals_of(self, parcel: str | None, edition: ReadingEdition) -> tuple[str, ...]:
        """What was put on the parcel as a seal; by the first two editions, whatever was put on it."""
        on = {lying.inner for lying in self.containments if lying.attached and lying.outer == parcel}
        if edition >= ReadingEdition.THIRD:
            events = [sealed.event for sealed in self.standing if sealed.event.type == ASSOCIATION]
            said = [event for event in events if event.parent == parcel and event.action == "ADD" and says_seal(event)]
            on &= {key for event in said for key in event.children}
        return tuple(sorted(on))

    def findings_for(self, parcel: str | None, items: tuple[Item, ...], seals: tuple[str, ...]) -> tuple[Finding, ...]:
        """Things in two places, names that contradict each other, cages without unloading."""
        found = []
        inside = {item.key for item in items}
        sightings = (s for s in self._naming(parcel or "") if s.station.step != "other")
        last_seen = max((sealed.no_later_ms for sealed in sightings), default=0)
        outside = self._outside(parcel or "")
        for lying in self.containments:
            moved = lying.outer not in {parcel, ""} and is_parcel(lying.outer)
            if moved and lying.inner in inside and lying.from_ms <= last_seen and self._was_in(lying, parcel):
                sentence = f"Index {lying.from_index} packs {short(lying.inner)} into {short(lying.outer)} while this "
                found.append(
                    Finding(
                        kind=FindingKind.ITEM_ELSEWHERE,
                        sentence=sentence + "parcel was still under way.",
                        indices=(lying.from_index,),
                    )
                )
            if moved and lying.attached and lying.inner in seals:
                sentence = f"Seal {short(lying.inner)} of this parcel is also put on {short(lying.outer)}."
                found.append(Finding(kind=FindingKind.SEAL_ELSEWHERE, sentence=sentence, indices=(lying.from_index,)))
            if lying.inner == parcel and not lying.attached and outside.cut(lying).to_index != lying.to_index:
                sentence = f"The unloading from the carrier loaded at index {lying.from_index} was not recorded."
                found.append(
                    Finding(kind=FindingKind.CARRIER_NOT_UNLOADED, sentence=sentence, indices=(lying.from_index,))
                )
        for sealed in self.contradicting:
            if any(item.names & named(sealed.event) for item in items):
                sentence = f"Index {sealed.where} gives a handset of this parcel a number that belongs to another one."
                found.append(Finding(kind=FindingKind.CONTENTS_CONFLICT, sentence=sentence, indices=(sealed.index,)))
        return tuple(found)

    def _naming(self, key: str) -> Iterable[SealedScan]:
        return (s for s in self.standing if key in named(s.event))

    def _was_in(self, later: Containment, parcel: str | None) -> bool:
        return any(
            lying.outer == parcel and lying.inner == later.inner and lying.from_ms < later.from_ms
            and lying.to_index == later.from_index
            for lying in self.containments
        )  # fmt: skip

    def _parcels_of_order(self, order: str) -> list[tuple[str, Instant]]:
        """Those that its scans name, and those of its handsets but for a parcel whose own scans name other orders."""
        found = []
        for sealed in self.standing:
            if order not in orders(sealed.event):
                continue
            for key in (*named(sealed.event), *sealed.event.imeis):
                if is_parcel(key):
                    found.append((key, sealed.no_later_ms))
                elif is_item(key):
                    found += [each for each in self.parcels_of(key).items() if self._may_be_of(order, each[0])]
        return found

    def _may_be_of(self, order: str, parcel: str) -> bool:
        ordered = self.orders_of(parcel, self.items_of(parcel))
        return not ordered or order in ordered

    def _item(self, inner: str, parcel: str) -> Item:
        packings = [
            lying
            for lying in self.containments
            if lying.inner == inner and not lying.attached and is_parcel(lying.outer)
        ]
        place = max(at for at, lying in enumerate(packings) if lying.outer == parcel)
        first = min(at for at, lying in enumerate(packings) if lying.outer == parcel)
        names = self.names.of(inner)
        return Item(
            key=inner,
            names=names,
            from_ms=self._border(names, packings[first - 1], packings[first]) if first else None,
            until_ms=self._border(names, packings[place], packings[place + 1]) if place + 1 < len(packings) else None,
        )

    def _border(self, names: frozenset[str], earlier: Containment, later: Containment) -> Instant:
        """Where the handset's time with one parcel ends and with the next begins."""
        fresh = [
            sealed.no_later_ms
            for sealed in self.standing
            if sealed.event.biz_step == "commissioning"
            and earlier.from_ms < sealed.no_later_ms <= later.from_ms
            and names & {alias for key in (*sealed.event.epcs, *sealed.event.imeis) for alias in aliases(key)}
        ]
        return min(fresh, default=later.from_ms)

    def _outside(self, key: str) -> "_Outside":
        return _Outside(self._naming(key))


class _Outside:
    """Sightings of a thing that it cannot have been inside a carrier at, by when they were."""

    def __init__(self, naming: Iterable[SealedScan]) -> None:
        seen = (s for s in naming if s.event.type == "ObjectEvent" and s.station.step in _OUT_OF_CARRIER)
        self._seen = sorted(seen, key=_when)
        self._by_step: dict[str, list[SealedScan]] = {}

    def cut(self, lying: Containment) -> Containment:
        """It, ended by the first sighting that cannot be inside that carrier, if no unloading came before."""
        if lying.step not in self._by_step:
            apart = (s for s in self._seen if s.station.step != lying.step or s.event.disposition == "retail_sold")
            self._by_step[lying.step] = list(apart)
        outside = self._by_step[lying.step]
        at = bisect_right(outside, lying.from_ms, key=lambda sealed: sealed.no_later_ms)
        if at == len(outside) or (lying.to_ms is not None and lying.to_ms <= outside[at].no_later_ms):
            return lying
        return replace(lying, to_ms=outside[at].no_later_ms, to_index=outside[at].index)


def _when(sealed: SealedScan) -> tuple[Instant, int]:
    return sealed.no_later_ms, sealed.place


def _overlap(around: Containment, inside: Containment) -> Containment | None:
    """`around` cut to the time of `inside`; None if they do not meet."""
    start = max(around.from_ms, inside.from_ms)
    ends = [(lying.to_ms, lying.to_index) for lying in (around, inside) if lying.to_ms is not None]
    to_ms, to_index = min(ends, key=lambda end: end[0], default=(None, None))
    if to_ms is not None and to_ms < start:
        return None
    return replace(around, from_ms=start, to_ms=to_ms, to_index=to_index)
