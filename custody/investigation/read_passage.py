"""From scans to evidence: the passage of one parcel as the inference reads it.

A **segment** is a parcel's stay at one site for one step. Its checkpoint is the first scan made there; the last
checkpoint is the delivery. The journey has a grammar, so a stay without any scan is still known to have been:

    pack dock (linehaul hub_in hub_sort)* linehaul depot courier

A hub scanned at one of its two steps was passed at both; between two sites there was a linehaul; a courier had it from
the depot. What nothing names is left out rather than invented. A missed opening scan hides who held the parcel, never
where: the handler is None and the roster says who works there. Scan times never run backwards here; the trail shows
where the clocks disagree.

As in the trail, a scan that was declared wrong counts for nothing, paper shows no presence, a scale with several
parcels on it weighs none of them, and what is found after the recipient sent the parcel back says nothing of its way
out. A courier who takes over a round of another one has a stay of his own.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise, takewhile

from custody.disputes.claim import ClaimType
from custody.gs1.event import Event
from custody.investigation.values import Checkpoint, Complaint, Passage, Pin, Seal, Segment, Step
from custody.kernel.clock import HOUR_MS, Instant
from custody.scans.advance import parcels_of
from custody.trail.corrections import Corrections, read_corrections
from custody.trail.marks import read_marks
from custody.trail.runs import delivers, is_physical, returns
from custody.trail.sealed import SealedScan
from custody.trail.traces import weighs_alone

SHIFT_HOURS = 8
UNSCANNED_HOURS = 4
LINEHAUL_OF = "linehaul from "
MOST_MISSED = 3

_LEAVES = {
    Step.PACK: Step.DOCK,
    Step.DOCK: Step.LINEHAUL,
    Step.HUB_IN: Step.HUB_SORT,
    Step.HUB_SORT: Step.LINEHAUL,
    Step.DEPOT: Step.COURIER,
}
_ARRIVES = {
    Step.HUB_IN: Step.HUB_IN,
    Step.HUB_SORT: Step.HUB_IN,
    Step.DEPOT: Step.DEPOT,
    Step.COURIER: Step.DEPOT,
}

COMPLAINT_OF: Mapping[ClaimType, Complaint] = {
    ClaimType.SUBSTITUTED: Complaint.WRONG_ITEM,
    ClaimType.WRONG_ITEM: Complaint.WRONG_ITEM,
    ClaimType.MISSING_ACCESSORY: Complaint.MISSING_ITEM,
    ClaimType.NEVER_RECEIVED: Complaint.NOT_ARRIVED,
    ClaimType.MISDELIVERED: Complaint.NOT_ARRIVED,
    ClaimType.DAMAGED: Complaint.DAMAGED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """What all parcels together show: who works where, and by which road parcels leave a site.

    `names` says what people call a site; each name stands for one site only.
    """

    rosters: Mapping[tuple[str, Step], tuple[str, ...]]
    roads: Mapping[str, str]
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """What was recorded of a parcel at one site and step; `at_ms` is None if nothing was."""

    site: str
    step: Step
    at_ms: Instant | None = None
    handler: str | None = None
    photo: bool | None = None
    seal: Seal = Seal.NOT_READ
    mass_g: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A parcel's stays in order, its delivery if there was one, and what was declared of it."""

    parcel: str
    stays: tuple[Stay, ...]
    delivered_ms: Instant | None
    door: Checkpoint
    pin: Pin
    high_value: bool
    declared_g: float | None
    item_g: float | None


def read_way(parcel: str, scans: Iterable[SealedScan]) -> Way | None:
    """The way out of a parcel through the steps of the network; None if no station of the network scanned it."""
    ordered = _way_out(tuple(scans))
    stays: dict[tuple[str, Step, str | None], Stay] = {}
    delivered: SealedScan | None = None
    for sealed in ordered:
        if _delivers(sealed.event):
            delivered = sealed
        elif is_physical(sealed.event):
            place = _place(sealed, stays)
            stays[place] = _more(stays.get(place), sealed, parcel)
    if delivered is not None and not any((stay.site, stay.step) == _here(delivered) for stay in stays.values()):
        site, step = _here(delivered)
        stays[site, step, None] = Stay(site=site, step=step)
    if not stays:
        return None
    return Way(
        parcel=parcel,
        stays=tuple(_complete(list(stays.values()))),
        delivered_ms=None if delivered is None else delivered.no_later_ms,
        door=Checkpoint() if delivered is None else _door(delivered, parcel),
        pin=_pin(delivered),
        high_value=any(sealed.event.imeis for sealed in ordered),
        declared_g=_told(ordered, parcel, "wl:declaredMassGrams"),
        item_g=_told(ordered, parcel, "wl:itemMassGrams"),
    )


def learn_network(ways: Iterable[Way], names: Mapping[str, str]) -> Network:
    """Rosters and roads, from what was scanned, with the names of sites."""
    shared, linehaul = Counter(names.values()), Step.LINEHAUL
    chains = [way.stays for way in ways]
    seen = {(stay.site, stay.step, stay.handler) for stays in chains for stay in stays if stay.handler}
    taken = Counter(
        (before.site, stay.site)
        for stays in chains
        for before, stay in pairwise(stays)
        if stay.step is linehaul and stay.at_ms is not None
    )
    people: dict[tuple[str, Step], list[str]] = {}
    for site, step, handler in seen:
        people.setdefault((site, step), []).append(handler)
    roads: dict[str, dict[str, int]] = {}
    for (site, road), count in taken.items():
        roads.setdefault(site, {})[road] = count
    return Network(
        rosters={place: tuple(sorted(hands)) for place, hands in people.items()},
        roads={site: min(counts, key=lambda road: (-counts[road], road)) for site, counts in roads.items()},
        names={site: name for site, name in names.items() if shared[name] == 1},
    )


def passage_of(way: Way, network: Network) -> Passage:
    """The passage that the inference takes, with the rosters of those who were not seen."""
    stays = [_on_the_road(stay, network) for stay in way.stays]
    times = _never_back([*(stay.at_ms for stay in stays), way.delivered_ms])
    starts = _starts(times)
    segments = tuple(
        Segment(
            step=stay.step,
            site=network.names.get(stay.site, stay.site),
            shift=shift_of(start),
            handler=stay.handler if at_ms is not None else None,
            roster=() if at_ms is not None and stay.handler else network.rosters.get((stay.site, stay.step), ()),
        )
        for stay, start, at_ms in zip(stays, starts, times, strict=False)
    )
    checkpoints = [
        Checkpoint(scan_ms=at_ms, photo=stay.photo, seal=stay.seal, mass_g=stay.mass_g)
        for stay, at_ms in zip(stays, times, strict=False)
    ]
    return Passage(
        id=way.parcel,
        high_value=way.high_value,
        start_ms=starts[0],
        segments=segments,
        checkpoints=(*checkpoints, replace(way.door, scan_ms=times[-1])),
        declared_mass_g=way.declared_g,
        item_mass_g=way.item_g,
        pin=way.pin,
    )


def _on_the_road(stay: Stay, network: Network) -> Stay:
    before = stay.site.removeprefix(LINEHAUL_OF)
    return stay if before == stay.site else replace(stay, site=network.roads.get(before, stay.site))


def shift_of(at_ms: Instant) -> int:
    """The eight-hour shift of a moment: 0, 1 or 2."""
    return at_ms // HOUR_MS % 24 // SHIFT_HOURS


def _way_out(scans: Sequence[SealedScan]) -> list[SealedScan]:
    """The scans that count, by time, up to the one with which the recipient sends the parcel back."""
    names = {sealed.event.event_id for sealed in scans if sealed.event.error_declaration is None}
    plain = len(names) == len(scans) and None not in names
    corrections = Corrections() if plain else read_corrections(scans)
    standing = [sealed for sealed in scans if corrections.standing(sealed) and sealed.station.step != "other"]
    ordered = sorted(standing, key=lambda sealed: (sealed.no_later_ms, sealed.index))
    return list(takewhile(lambda sealed: not returns(sealed.event), ordered))


def _told(scans: Iterable[SealedScan], parcel: str, term: str) -> float | None:
    """What is first said of this parcel alone, and not of a pallet or of several."""
    told = (sealed.event for sealed in scans if term in sealed.event.extensions)
    return next((event.extensions[term] for event in told if parcels_of(event) == (parcel,)), None)


def _delivers(event: Event) -> bool:
    checked = "wl:recipientCheck" in event.extensions and read_marks(event).check is not None
    return is_physical(event) and delivers(event, checked=checked)


def _here(sealed: SealedScan) -> tuple[str, Step]:
    return sealed.station.site, Step(sealed.station.step)


def _place(sealed: SealedScan, stays: Mapping[tuple[str, Step, str | None], Stay]) -> tuple[str, Step, str | None]:
    """The stay that a scan belongs to: each courier has a round of his own, all other stays are one a site and step."""
    site, step = _here(sealed)
    if step is not Step.COURIER:
        return site, step, None
    handler = sealed.event.extensions.get("wl:handler")
    known = [place for place, stay in stays.items() if (stay.site, stay.step) == (site, step)]
    mine = [place for place in known if handler in {None, stays[place].handler}]
    nameless = [place for place in known if stays[place].handler is None]
    return next(reversed(mine or nameless), (site, step, handler))


def _more(stay: Stay | None, sealed: SealedScan, parcel: str) -> Stay:
    event = sealed.event
    seen, mass = _seal(sealed), _mass(sealed, parcel)
    if stay is None:
        site, step = _here(sealed)
        return Stay(
            site=site,
            step=step,
            at_ms=sealed.no_later_ms,
            handler=event.extensions.get("wl:handler"),
            photo="wl:photo" in event.extensions,
            seal=seen,
            mass_g=mass,
        )
    return replace(
        stay,
        handler=stay.handler or event.extensions.get("wl:handler"),
        seal=max(stay.seal, seen, key=[Seal.NOT_READ, Seal.OK, Seal.ANOMALY].index),
        mass_g=stay.mass_g if stay.mass_g is not None else mass,
        photo=bool(stay.photo or "wl:photo" in event.extensions),
    )


def _door(delivered: SealedScan, parcel: str) -> Checkpoint:
    return Checkpoint(scan_ms=delivered.no_later_ms, seal=_seal(delivered), mass_g=_mass(delivered, parcel))


def _seal(sealed: SealedScan) -> Seal:
    state = sealed.event.extensions.get("wl:sealState")
    if "seal_differs" in sealed.flags:
        return Seal.ANOMALY
    return Seal.NOT_READ if state is None else Seal.OK if state == "intact" else Seal.ANOMALY


def _mass(sealed: SealedScan, parcel: str) -> float | None:
    """What the parcel weighed; a scale with a cage or several parcels on it says nothing of one of them."""
    masses = sealed.event.masses_g
    return masses[-1] if masses and weighs_alone(sealed.event, parcel) else None


def _pin(delivered: SealedScan | None) -> Pin:
    if delivered is None:
        return Pin.UNOBSERVED
    marks = read_marks(delivered.event)
    if marks.check is not None:
        return Pin.VERIFIED
    return Pin.UNOBSERVED if "wl:recipientCheck" in marks.unreadable else Pin.ABSENT


def _complete(stays: Sequence[Stay]) -> list[Stay]:
    """The stays with those that the grammar of the journey puts between them."""
    complete: list[Stay] = []
    for stay in stays:
        before = complete[-1] if complete else None
        complete += [] if before is None else _between(before, stay)
        complete.append(stay)
    return complete


def _between(before: Stay, stay: Stay) -> list[Stay]:
    """What must have been between two stays; nothing if the grammar does not lead from one to the other."""
    missing: list[Stay] = []
    here = before
    for _ in range(MOST_MISSED + 1):
        following = _after(here, stay)
        if following is None:
            return []
        if (following.step, following.site) == (stay.step, stay.site) or following.step is stay.step is Step.LINEHAUL:
            return missing
        missing.append(following)
        here = following
    return []


def _after(here: Stay, towards: Stay) -> Stay | None:
    """The stay that follows by the grammar, on the way to a later one."""
    if here.step is Step.LINEHAUL:
        arrives = _ARRIVES.get(towards.step)
        return None if arrives is None else Stay(site=towards.site, step=arrives)
    leaves = _LEAVES.get(here.step)
    if leaves is None:
        return None
    site = LINEHAUL_OF + here.site if leaves is Step.LINEHAUL else here.site
    return Stay(site=site, step=leaves)


def _never_back(times: Sequence[Instant | None]) -> list[Instant | None]:
    latest, steady = 0, []
    for at_ms in times:
        if at_ms is not None:
            latest = max(latest, at_ms)
        steady.append(None if at_ms is None else latest)
    return steady


def _starts(times: Sequence[Instant | None]) -> list[Instant]:
    """When each segment began: its scan, else the middle between the scans around it."""
    known = [(place, at_ms) for place, at_ms in enumerate(times) if at_ms is not None]
    starts = []
    for place in range(len(times) - 1):
        before = max((pair for pair in known if pair[0] <= place), default=None)
        after = min((pair for pair in known if pair[0] >= place), default=None)
        if before and after and before != after:
            share = (place - before[0]) / (after[0] - before[0])
            starts.append(int(before[1] + share * (after[1] - before[1])))
        elif before:
            starts.append(before[1] + (place - before[0]) * UNSCANNED_HOURS * HOUR_MS)
        elif after:
            starts.append(after[1] - (after[0] - place) * UNSCANNED_HOURS * HOUR_MS)
    return starts
