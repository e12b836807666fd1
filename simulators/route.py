"""The way of a parcel: which links, how long at each, and what is done at each checkpoint.

Route: pack, dock, line-haul, hub in, hub sort, line-haul, depot, courier; with the chance `two_hubs` a second hub with
its own line-haul lies between. Dwell times are log-normal by step. A thief at work makes his stay longer.

What is done, in order, by step (every act is one scan by the link's station):

| step | acts |
|---|---|
| pack | handset picked (bench), packed into the parcel (bench), weighed and serial read (another station), sealed |
| dock | staged, loaded into a cage, released |
| line-haul | accepted, released |
| hub in | accepted, at the first hub unloaded, now and then inspected |
| hub sort | sorted, now and then inspected, released |
| depot | accepted, now and then inspected, released |
| courier | accepted, now and then inspected, delivered |

A custodian who hands over to another releases, and the other accepts. Now and then a stay is missed: nobody scans the
parcel there at all (at the packing bench never, because the order cannot go on without it; the delivery has a chance of
its own). The fate of a parcel is carried out at the end of its stay, so what is read there before is still true.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from custody.kernel.clock import HOUR_MS, MINUTE_MS, SECOND_MS, Instant
from custody.kernel.errors import Fatal
from custody.ledger.statements import Step
from simulators.geography import Geography, Post, Workplace
from simulators.parcel import Box, Kind, Parcel, Scale, Stay, box_of
from simulators.thief import Habits

DWELL_MEDIAN_H: Mapping[Step, float] = {
    Step.PACK: 4,
    Step.DOCK: 3,
    Step.LINEHAUL: 8,
    Step.HUB_IN: 2,
    Step.HUB_SORT: 4,
    Step.DEPOT: 8,
    Step.COURIER: 5,
}
DWELL_SD_LOG = 0.4


class What(StrEnum):
    """What is done with a parcel in one scan."""

    PICKED = "picked"
    PACKED = "packed"
    CHECKED = "checked"
    SEALED = "sealed"
    STAGED = "staged"
    LOADED = "loaded"
    RELEASED = "released"
    ACCEPTED = "accepted"
    UNLOADED = "unloaded"
    SORTED = "sorted"
    INSPECTED = "inspected"
    DELIVERED = "delivered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One scan to be made. `other` is the link on the far side of a release or an acceptance."""

    at_ms: Instant
    what: What
    post: Post
    handler: str
    mass_g: float | None = None
    seal: str | None = None
    photo: bool = False
    other: Workplace | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """How closely the network looks: chances by step, and how readings err."""

    weighed: Mapping[Step, float] = field(
        default_factory=lambda: {
            Step.HUB_IN: 0.8,
            Step.HUB_SORT: 0.1,
            Step.DEPOT: 0.8,
            Step.COURIER: 0.1,
        }
    )
    seal_read: Mapping[Step, float] = field(
        default_factory=lambda: {
            Step.HUB_IN: 0.8,
            Step.HUB_SORT: 0.2,
            Step.DEPOT: 0.8,
            Step.COURIER: 0.8,
        }
    )
    photo: float = 0.5
    missed_scan: float = 0.05
    missed_delivery: float = 0.02
    seal_error: float = 0.004
    seal_damage: float = 0.30
    scale: Scale = field(default_factory=Scale)


def plan_links(
    geography: Geography, rng: random.Random, *, two_hubs: float, via: Workplace | None = None
) -> list[Workplace]:
    """The links of a new parcel; with `via` it passes that link."""
    for _ in range(10_000):
        links = _any_route(geography, rng, two_hubs)
        if via is None or via in links:
            return links
    raise Fatal("route", "no route passes the link", fix="Check the geography.")


def plan_stays(
    links: Sequence[Workplace],
    *,
    start_ms: Instant,
    seed: str,
    slowed: int | None = None,
    habits: Habits | None = None,
) -> tuple[Stay, ...]:
    """Stays along the links. Each stay draws from its own stream, so that slowing one changes none before it."""
    stays: list[Stay] = []
    opens_ms = start_ms
    for place, link in enumerate(links):
        rng = random.Random(f"{seed}/stay/{place}")
        log_h = rng.gauss(0, DWELL_SD_LOG)
        if place == slowed and habits is not None:
            log_h = habits.longer_log + log_h * habits.longer_sd / DWELL_SD_LOG
        handler = link.on_duty(opens_ms, rng)
        closes_ms = opens_ms + round(DWELL_MEDIAN_H[link.step] * HOUR_MS * 2.718281828459045**log_h)
        stays.append(Stay(link=link, handler=handler, opens_ms=opens_ms, closes_ms=closes_ms))
        opens_ms = closes_ms + rng.randrange(60, 240) * SECOND_MS
    return tuple(stays)


def walk(parcel: Parcel, geography: Geography, looking: Looking, *, habits: Habits) -> list[Act]:
    """Every act of the parcel's way in order; readings are of what is physically there at the time."""
    rng = random.Random(f"{parcel.seed}/walk")
    box = box_of(parcel)
    acts: list[Act] = []
    for place, stay in enumerate(parcel.stays):
        taken_here = parcel.fate.stay == place and parcel.fate.kind is Kind.SUBSTITUTED
        eye = _Eye(looking=looking, habits=habits, rng=rng, box=box, taken_here=taken_here)
        scanned = stay.link.step is Step.PACK or not eye.misses()
        if scanned:
            acts += _opening(parcel, place, geography, eye)
        if parcel.fate.stay == place:
            box.carry_out(parcel.fate)
        if box.gone:
            return acts
        if scanned:
            acts += _closing(parcel, place, geography)
    last = parcel.stays[-1]
    if rng.random() >= looking.missed_delivery:
        photo = rng.random() < looking.photo
        post = geography.post(last.link.name)
        acts.append(Act(at_ms=last.closes_ms, what=What.DELIVERED, post=post, handler=last.handler, photo=photo))
    return acts


@dataclass(frozen=True, slots=True, kw_only=True)
class _Eye:
    """Who looks at the box during one stay."""

    looking: Looking
    habits: Habits
    rng: random.Random
    box: Box
    taken_here: bool

    def photo(self) -> bool:
        return self.rng.random() < (self.habits.photo if self.taken_here else self.looking.photo)

    def misses(self) -> bool:
        return self.rng.random() < (self.habits.missed_scan if self.taken_here else self.looking.missed_scan)

    def mass(self, chance: float) -> float | None:
        return self.box.weigh(self.looking.scale, self.rng) if self.rng.random() < chance else None

    def seal(self, chance: float) -> str | None:
        if self.rng.random() >= chance:
            return None
        return self.box.look_at_seal(
            noticed=self.habits.seal_noticed,
            by_damage=self.looking.seal_damage,
            by_error=self.looking.seal_error,
            rng=self.rng,
        )


def _opening(parcel: Parcel, place: int, geography: Geography, eye: _Eye) -> Iterator[Act]:
    stay = parcel.stays[place]
    if stay.link.step is Step.PACK:
        yield from _at_packing(parcel, stay, geography, eye)
        return
    post = geography.post(stay.link.name)
    before = parcel.stays[place - 1].link
    handed_over = before.custodian != stay.link.custodian
    what = What.ACCEPTED if handed_over else What.STAGED if stay.link.step is Step.DOCK else What.SORTED
    other = before if handed_over else None
    yield Act(at_ms=stay.opens_ms, what=what, post=post, handler=stay.handler, photo=eye.photo(), other=other)
    if stay.link.step is Step.HUB_IN and place == _first(parcel, Step.HUB_IN):
        yield Act(at_ms=stay.opens_ms + 40 * SECOND_MS, what=What.UNLOADED, post=post, handler=stay.handler)
    mass_g = eye.mass(eye.looking.weighed.get(stay.link.step, 0.0))
    seal = eye.seal(eye.looking.seal_read.get(stay.link.step, 0.0))
    if mass_g is not None or seal is not None:
        at_ms = stay.opens_ms + 2 * MINUTE_MS
        yield Act(at_ms=at_ms, what=What.INSPECTED, post=post, handler=stay.handler, mass_g=mass_g, seal=seal)


def _at_packing(parcel: Parcel, stay: Stay, geography: Geography, eye: _Eye) -> Iterator[Act]:
    bench = geography.post(f"{stay.link.site.name}/{parcel.bench}")
    scale = geography.post(f"{stay.link.site.name}/weigh-1")
    at_ms = stay.opens_ms
    yield Act(at_ms=at_ms, what=What.PICKED, post=bench, handler=stay.handler)
    at_ms += 90 * SECOND_MS
    yield Act(at_ms=at_ms, what=What.PACKED, post=bench, handler=stay.handler, photo=eye.photo())
    at_ms += eye.rng.randrange(240, 600) * SECOND_MS
    yield Act(at_ms=at_ms, what=What.CHECKED, post=scale, handler=parcel.checker, mass_g=eye.mass(1.0))
    at_ms += 45 * SECOND_MS
    yield Act(at_ms=at_ms, what=What.SEALED, post=scale, handler=parcel.checker)


def _closing(parcel: Parcel, place: int, geography: Geography) -> Iterator[Act]:
    stay = parcel.stays[place]
    if place + 1 == len(parcel.stays):
        return
    after = parcel.stays[place + 1].link
    if after.custodian == stay.link.custodian:
        return
    post = geography.post(stay.link.name)
    if stay.link.step is Step.DOCK:
        yield Act(at_ms=stay.closes_ms - 5 * MINUTE_MS, what=What.LOADED, post=post, handler=stay.handler)
    yield Act(at_ms=stay.closes_ms, what=What.RELEASED, post=post, handler=stay.handler, other=after)


def _first(parcel: Parcel, step: Step) -> int:
    return next(place for place, stay in enumerate(parcel.stays) if stay.link.step is step)


def _any_route(geography: Geography, rng: random.Random, two_hubs: float) -> list[Workplace]:
    warehouse, depot = rng.choice(geography.warehouses), rng.choice(geography.depots)
    last = geography.hub_of(depot)
    hubs = [last]
    others = [hub for hub in geography.hubs if hub != last]
    if others and rng.random() < two_hubs:
        hubs.insert(0, rng.choice(others))
    names = [f"{warehouse}/{Step.PACK}", f"{warehouse}/{Step.DOCK}", f"lh-{warehouse}/{Step.LINEHAUL}"]
    for hub in hubs:
        names += [f"{hub}/{Step.HUB_IN}", f"{hub}/{Step.HUB_SORT}", f"lh-{hub}/{Step.LINEHAUL}"]
    names += [f"{depot}/{Step.DEPOT}", f"{depot}/{Step.COURIER}"]
    return [geography.link(name) for name in names]
