"""What was inside what, and when, by AggregationEvents and AssociationEvents (EPCIS 2.0 section 7.4.3).

- Agg ADD puts the children into the parent; Agg DELETE takes them out, and with no children at all takes everything
  out. Assoc ADD and DELETE do the same for what is put on a parcel, a seal or a tracker.
- A thing lies directly in one other thing at a time: being put elsewhere ends the earlier containment.
- OBSERVE puts nothing in: finding a handset in a box does not make it the handset that was packed.
- The several names of one handset are joined from events that put exactly one handset somewhere or commission it.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace

from custody.gs1.event import Event
from custody.kernel.clock import Instant
from custody.trail.names import aliases, is_item, is_parcel
from custody.trail.sealed import SealedScan, Step

_AGGREGATION = "AggregationEvent"
ASSOCIATION = "AssociationEvent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Containment:
    """`inner` was directly in (or on) `outer`; `to_ms` None means it was not seen to end. `step` is where it began."""

    inner: str
    outer: str
    attached: bool
    step: Step
    from_ms: Instant
    from_index: int
    to_ms: Instant | None = None
    to_index: int | None = None

    def covers(self, at_ms: Instant) -> bool:
        """Whether it lay there at the moment, ends included."""
        return self.from_ms <= at_ms and (self.to_ms is None or at_ms <= self.to_ms)


@dataclass(slots=True)
class Names:
    """Groups of names for one handset each; `of(name)` gives the group."""

    _groups: dict[str, frozenset[str]] = field(default_factory=dict)

    def of(self, name: str) -> frozenset[str]:
        """All known names of the handset that `name` names, itself included."""
        return self._groups.get(name, aliases(name))

    def join(self, names: Iterable[str]) -> bool:
        """Record that all these name one handset; False if that would merge two different SGTINs."""
        merged = frozenset(alias for name in names for alias in self.of(name))
        if sum(name.startswith("https:") for name in merged) > 1:
            return False
        for name in merged:
            self._groups[name] = merged
        return True


def join_names(scans: Iterable[SealedScan]) -> tuple[Names, tuple[SealedScan, ...]]:
    """The handset names that standing scans join, and the scans that contradict an earlier one."""
    names = Names()
    contradicting = []
    for sealed in sorted(scans, key=lambda sealed: sealed.place):
        event = sealed.event
        if event.action != "ADD":
            continue
        items = [key for key in (*event.epcs, *event.children) if is_item(key)]
        one_handset = len({names.of(key) for key in items}) == 1 or (not items and _quantity(event) == 1)
        if one_handset and not names.join([*items, *event.imeis]):
            contradicting.append(sealed)
    return names, tuple(contradicting)


def put_in(event: Event) -> tuple[str, ...]:
    """What the event puts into its parent: its children, or the IMEIs when a parcel's children are named by class."""
    named = any(is_item(key) or is_parcel(key) for key in event.children)
    if named or event.type != _AGGREGATION or not is_parcel(event.parent or ""):
        return event.children
    several = _quantity(event) == len(event.imeis)
    return (*event.children, *(event.imeis if several else event.imeis[:1]))


def _quantity(event: Event) -> float:
    return sum(count or 0 for _, count in event.quantities)


def read_containments(scans: Iterable[SealedScan], names: Names) -> tuple[Containment, ...]:
    """What was inside what by standing scans, handsets under the least of their names."""
    lying = _Lying()
    for sealed in sorted(scans, key=_moment):
        event = sealed.event
        if event.type not in {_AGGREGATION, ASSOCIATION} or event.parent is None:
            continue
        inners = [least(names, key) for key in put_in(event)]
        if event.action == "ADD":
            for inner in inners:
                lying.put(inner, event.parent, sealed)
        elif event.action == "DELETE":
            everything = not event.children and not event.quantities
            lying.take_out(None if everything else inners, event.parent, sealed)
    return lying.result()


@dataclass(slots=True)
class _Lying:
    """What lies in what while scans are read in order; what is attached to a thing is told apart."""

    _still: dict[tuple[str, bool], Containment] = field(default_factory=dict)
    _ended: list[Containment] = field(default_factory=list)

    def put(self, inner: str, outer: str, sealed: SealedScan) -> None:
        """Begin a containment, which ends the one before; where it lies there already, nothing."""
        attached = sealed.event.type == ASSOCIATION
        held = self._still.get((inner, attached))
        if held is not None and held.outer == outer:
            return
        if held is not None:
            self._end((inner, attached), sealed)
        self._still[inner, attached] = Containment(
            inner=inner,
            outer=outer,
            attached=attached,
            step=sealed.station.step,
            from_ms=sealed.no_later_ms,
            from_index=sealed.index,
        )

    def take_out(self, inners: Collection[str] | None, outer: str, sealed: SealedScan) -> None:
        """End what lies in a thing, all of it if `inners` is None."""
        attached = sealed.event.type == ASSOCIATION
        for key, held in list(self._still.items()):
            if key[1] == attached and held.outer == outer and (inners is None or key[0] in inners):
                self._end(key, sealed)

    def result(self) -> tuple[Containment, ...]:
        """Every containment, by when it began."""
        every = (*self._ended, *self._still.values())
        return tuple(sorted(every, key=lambda held: (held.from_ms, held.from_index, held.inner)))

    def _end(self, key: tuple[str, bool], sealed: SealedScan) -> None:
        self._ended.append(replace(self._still.pop(key), to_ms=sealed.no_later_ms, to_index=sealed.index))


def least(names: Names, key: str) -> str:
    """One fixed name for a thing: a handset's SGTIN if it is known, else its first IMEI; other keys unchanged."""
    return min(names.of(key)) if is_item(key) else key


def _moment(sealed: SealedScan) -> tuple[Instant, int]:
    return sealed.no_later_ms, sealed.place
