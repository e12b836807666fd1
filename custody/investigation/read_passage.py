"""From scans to evidence: the passage of one parcel as the inference reads it.

A **segment** is a parcel's stay at one site for one step (`read_stays.py`). Its checkpoint is the first scan made in
it; the last checkpoint is the delivery. A stay without any scan is still known to have been (`journey.py`). A missed
opening scan hides who held the parcel, never where: the handler is None and the roster says who works there. If the
parcel was scanned there only as it was let go, the opening scan is missing too, and who let it go is known. Scan times
never run backwards here; the trail shows where the clocks disagree.

A checkpoint's readings are those made on arrival. What somebody found wrong when the parcel had lain with them went
wrong with them or before, so it is a reading of the next checkpoint: else whoever has the parcel could clear themselves
and blame those before. What they found right later was right on arrival. A seal that was put on there in place of
another one is a reading of the next checkpoint too, and what is read of it there says nothing of how the parcel came.

As in the trail, a scan that was declared wrong counts for nothing, or only for where the parcel was, paper shows no
presence, a scale with several parcels on it weighs none of them, and what is found after the recipient sent the parcel
back says nothing of its way out. Who has a parcel again has another stay.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import msgspec
from msgspec.structs import replace

from custody.disputes.claim import ClaimType
from custody.investigation.journey import LINEHAUL_OF, Stay, complete
from custody.investigation.look import Look, are_plain, as_attested, aside, look_at, presence, with_acts
from custody.investigation.look_order import in_order
from custody.investigation.passage import Checkpoint, Complaint, Passage, Pin, SealSeen, Segment, Step
from custody.investigation.read_stays import read_stays, worst
from custody.kernel.clock import HOUR_MS, Instant
from custody.scans.tolerances import Tolerances
from custody.trail.attested import Checks
from custody.trail.bound import bound_presence
from custody.trail.corrections import read_corrections
from custody.trail.edition import ReadingEdition
from custody.trail.runs import turning
from custody.trail.sealed import SealedScan

SHIFT_HOURS = 8
UNSCANNED_HOURS = 4

_SCALES = Tolerances()

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


class ParcelWay(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A parcel's stays in order, its delivery if there was one, and what was declared of it."""

    parcel: str
    stays: tuple[Stay, ...]
    delivered_ms: Instant | None
    door: Checkpoint
    pin: Pin
    high_value: bool
    declared_g: float | None
    item_g: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How scans are read: what one says of a parcel, and of those that count, in order, how many are of the way out.

    `stays`: which stays these show, and which delivery.
    """

    look: Callable[[SealedScan, str], Look]
    out: Callable[[Sequence[Look]], int | None]
    stays: Callable[[Iterable[Look]], tuple[list[Stay], Look | None]]
    edition: ReadingEdition


def read_way(
    parcel: str, scans: Iterable[SealedScan], reading: Reading | None = None, checks: Checks | None = None
) -> ParcelWay | None:
    """The way out of a parcel through the steps of the network; None if no station of the network scanned it.

    `checks` is what verifiers attest of the checks of recipients in these scans; by the first five it told nothing.
    """
    made, reading = tuple(scans), reading or READING
    looks = [reading.look(sealed, parcel) for sealed in made]
    if checks and reading.edition >= ReadingEdition.SIXTH:
        looks = [
            as_attested(look, sealed.event, held=checks.get(sealed.digest))
            for look, sealed in zip(looks, made, strict=True)
        ]
    if not are_plain(looks):
        corrections = read_corrections(made, edition=reading.edition)
        bound = bound_presence(made, corrections, reading.edition)
        looks = [
            presence(look, reading.edition)
            if sealed.digest in bound
            else look
            if corrections.standing(sealed)
            else aside(look)
            for look, sealed in zip(looks, made, strict=True)
        ]
    return way_of(parcel, looks, reading)


def way_of(parcel: str, looks: Iterable[Look], reading: Reading | None = None) -> ParcelWay | None:
    """As `read_way`, from what the scans say; those that were declared wrong and repeats are set aside before."""
    counting = [look for look in in_order(with_acts(looks)) if look.step is not None]
    ordered = counting[: (reading or READING).out(counting)]
    stays, delivered = (reading or READING).stays(ordered)
    if not stays:
        return None
    as_came = sorted(ordered, key=lambda look: look.index)
    return ParcelWay(
        parcel=parcel,
        stays=tuple(complete(stays)),
        delivered_ms=None if delivered is None else delivered.at_ms,
        door=Checkpoint() if delivered is None else _door(delivered),
        pin=Pin.UNOBSERVED if delivered is None else delivered.pin,
        high_value=any(look.dear for look in ordered),
        declared_g=next((look.declared_g for look in as_came if look.declared_g is not None), None),
        item_g=next((look.item_g for look in as_came if look.item_g is not None), None),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What some parcels show of the network: who was seen where, and how often which road was taken from a site."""

    people: frozenset[tuple[str, Step, str]]
    roads: Counter[tuple[str, str]]


def look_around(ways: Iterable[ParcelWay]) -> Seen:
    """What these parcels show of the network."""
    chains = [way.stays for way in ways]
    people = frozenset((stay.site, stay.step, stay.handler) for stays in chains for stay in stays if stay.handler)
    roads = Counter(
        (before.site, stay.site)
        for stays in chains
        for before, stay in pairwise(stays)
        if stay.step is Step.LINEHAUL and stay.at_ms is not None
    )
    return Seen(people=people, roads=roads)


def network_of(parts: Iterable[Seen], names: Mapping[str, str]) -> Network:
    """Rosters and roads, from what was scanned of several lots of parcels, with the names of sites."""
    shared, seen, taken = Counter(names.values()), set[tuple[str, Step, str]](), Counter[tuple[str, str]]()
    for part in parts:
        seen |= part.people
        taken.update(part.roads)
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


def passage_of(way: ParcelWay, network: Network) -> Passage:
    """The passage that the inference takes, with the rosters of those who were not seen."""
    stays = [_on_the_road(stay, network) for stay in way.stays]
    times = _never_back([*(stay.at_ms for stay in stays), way.delivered_ms])
    left = [stay.left for stay in way.stays]
    starts = _starts(times, left)
    segments = tuple(
        Segment(
            step=stay.step,
            site=network.names.get(stay.site, stay.site),
            site_key=stay.site if network.names.get(stay.site, stay.site) != stay.site else None,
            shift=shift_of(start),
            index=stay.index,
            handler=stay.handler if at_ms is not None and not stay.others else None,
            roster=_hands(stay, network) if at_ms is None or stay.others or not stay.handler else (),
        )
        for stay, start, at_ms in zip(stays, starts, times, strict=False)
    )
    return Passage(
        id=way.parcel,
        high_value=way.high_value,
        start_ms=starts[0],
        segments=segments,
        checkpoints=tuple(_checkpoints(way, times)),
        declared_mass_g=way.declared_g,
        item_mass_g=way.item_g,
        pin=way.pin,
    )


def _hands(stay: Stay, network: Network) -> tuple[str, ...]:
    """Any of whom had the parcel: those that were named, or who works there."""
    if stay.handler is not None and stay.others:
        return stay.handler, *stay.others
    return network.rosters.get((stay.site, stay.step), ())


def unseen(way: ParcelWay, network: Network) -> tuple[tuple[str, tuple[str, ...] | None], ...]:
    """What a passage takes from the network beside names: sites and rosters of the stays at which nobody was seen."""
    return tuple(
        [
            (stay.site, network.rosters.get((stay.site, stay.step)))
            for stay in [_on_the_road(stay, network) for stay in way.stays if stay.at_ms is None or not stay.handler]
        ]
    )


def _on_the_road(stay: Stay, network: Network) -> Stay:
    before = stay.site.removeprefix(LINEHAUL_OF)
    return stay if before == stay.site else replace(stay, site=network.roads.get(before, stay.site))


def shift_of(at_ms: Instant) -> int:
    """The eight-hour shift of a moment: 0, 1 or 2."""
    return at_ms // HOUR_MS % 24 // SHIFT_HOURS


def _way_out(looks: Sequence[Look]) -> int | None:
    """How many looks come before the parcel goes back; who sends one back undelivered has had it and is among them."""
    if any(look.delivers for look in looks):
        return turning((look.turns, look.delivers) for look in looks)
    return next((at + 1 for at, look in enumerate(looks) if look.sends_back), None)


READING = Reading(look=look_at, out=_way_out, stays=read_stays, edition=ReadingEdition.SIXTH)


def _checkpoints(way: ParcelWay, times: Sequence[Instant | None]) -> Iterator[Checkpoint]:
    """Those that open the stays, and the delivery; `times` are their scans."""
    seal, mass_g = SealSeen.NOT_READ, None
    for stay, at_ms in zip(way.stays, times, strict=False):
        came_ms, left_ms = (None, at_ms) if stay.left else (at_ms, None)
        arrived_g, left_g = _weighed(stay, way.declared_g)
        arrived_g = mass_g if arrived_g is None else arrived_g
        seen = worst(stay.seal, seal)
        yield Checkpoint(scan_ms=came_ms, photo=stay.photo, seal=seen, mass_g=arrived_g, left_ms=left_ms)
        seal, mass_g = stay.late_seal, left_g
    mass_g = mass_g if way.door.mass_g is None else way.door.mass_g
    yield Checkpoint(scan_ms=times[-1], seal=worst(way.door.seal, seal), mass_g=mass_g)


def _weighed(stay: Stay, declared_g: float | None) -> tuple[float | None, float | None]:
    """What the parcel weighed on arrival, and what afterwards, if that was something else."""
    if stay.late_mass_g is None:
        return stay.mass_g, None
    expected_g, limit_g = stay.mass_g, _SCALES.from_previous_g
    if expected_g is None:
        expected_g, limit_g = declared_g, _SCALES.from_declared_g
    if expected_g is not None and abs(stay.late_mass_g - expected_g) > limit_g:
        return stay.mass_g, stay.late_mass_g
    return stay.late_mass_g if stay.mass_g is None else stay.mass_g, None


def _door(delivered: Look) -> Checkpoint:
    return Checkpoint(scan_ms=delivered.at_ms, seal=delivered.seal, mass_g=delivered.mass_g)


def _never_back(times: Sequence[Instant | None]) -> list[Instant | None]:
    latest, steady = 0, []
    for at_ms in times:
        if at_ms is not None:
            latest = max(latest, at_ms)
        steady.append(None if at_ms is None else latest)
    return steady


def _starts(times: Sequence[Instant | None], left: Sequence[bool]) -> list[Instant]:
    """When each segment began: its scan, else the middle between the scans around it.

    A segment in which the parcel was scanned only as it was `left` began before that.
    """
    later = [0.5 * gone for gone in (*left, False)]
    known = [(place + later[place], at_ms) for place, at_ms in enumerate(times) if at_ms is not None]
    starts = []
    for place in range(len(times) - 1):
        before = max((pair for pair in known if pair[0] <= place), default=None)
        after = min((pair for pair in known if pair[0] >= place), default=None)
        if before and after and before != after:
            share = (place - before[0]) / (after[0] - before[0])
            starts.append(int(before[1] + share * (after[1] - before[1])))
        elif before:
            starts.append(before[1] + int((place - before[0]) * UNSCANNED_HOURS * HOUR_MS))
        elif after:
            starts.append(after[1] - int((after[0] - place) * UNSCANNED_HOURS * HOUR_MS))
    return starts
