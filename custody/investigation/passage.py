"""What an investigation is told: a disputed parcel's chain and the traffic of the whole network.

A chain has S segments, one custodian each, and S + 1 checkpoints. Checkpoint s opens segment s (the receiver's scan);
checkpoint S is the delivery scan. Something that happens "in s" happens after checkpoint s and before checkpoint s + 1.

- Times are integer milliseconds UTC, masses are grams, shifts are 0, 1, 2 (eight hours each).
- Unknown is not absent: `None` says that nobody looked. `photo=False` says that a scan was made without a photo.
- Handlers are pseudonymous keys. Nothing here names, describes or scores a customer; `customer_region` is a part of
  the country, never an address.

Refused: a mass or time that is not finite, scans out of order, a shift outside 0..2, an unknown step, and exposure
that is smaller than the disputes it must cover. Missing evidence is never an error.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from custody.kernel.errors import Rejected


class Step(StrEnum):
    """What a custodian does with a parcel."""

    PACK = "pack"
    DOCK = "dock"
    LINEHAUL = "linehaul"
    HUB_IN = "hub_in"
    HUB_SORT = "hub_sort"
    DEPOT = "depot"
    COURIER = "courier"


STEPS = tuple(Step)
SHIFTS = 3


class Complaint(StrEnum):
    """What the customer told us."""

    WRONG_ITEM = "wrong_item"
    MISSING_ITEM = "missing_item"
    NOT_ARRIVED = "not_arrived"
    DAMAGED = "damaged"


COMPLAINTS = tuple(Complaint)


class SealSeen(StrEnum):
    """A seal as a checkpoint found it."""

    NOT_READ = "not_read"
    OK = "ok"
    ANOMALY = "anomaly"


class Pin(StrEnum):
    """Whether the recipient's number was checked at hand-over; `recorded` is the deliverer's word that it was."""

    VERIFIED = "verified"
    RECORDED = "recorded"
    ABSENT = "absent"
    UNOBSERVED = "unobserved"


def step_of(word: str) -> Step:
    """The step of a word; raises `Rejected("step")` for one we do not know."""
    try:
        return Step(word)
    except ValueError as error:
        known = ", ".join(STEPS)
        raise Rejected("step", f"{word!r} is not a step of a chain", fix=f"Use one of: {known}.") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One custodian's stretch. `handler` is None if the opening scan is missing; then `roster` says who was on duty.

    It is None too where several were named who shared the stretch; then `roster` holds these.
    `index` is the log index by which it is known again, the lowest of its scans; None if nobody scanned it.

    `site` is what people call the site, and `site_key` its own key where that is another word.
    """

    step: Step
    site: str
    site_key: str | None = None
    shift: int
    handler: str | None = None
    roster: tuple[str, ...] = ()
    index: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What was recorded where a segment opens, or at delivery; `scan_ms` None means the scan was missed.

    `left_ms`: when the parcel was let go, where that is the first that was heard of it in a segment whose opening scan
    was missed.
    """

    scan_ms: int | None = None
    photo: bool | None = None
    seal: SealSeen = SealSeen.NOT_READ
    mass_g: float | None = None
    left_ms: int | None = None

    @property
    def seen(self) -> bool:
        """Whether the parcel provably got there."""
        return self.scan_ms is not None or self.left_ms is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A parcel's way through the network, disputed or not."""

    id: str
    high_value: bool
    start_ms: int
    segments: tuple[Segment, ...]
    checkpoints: tuple[Checkpoint, ...]
    declared_mass_g: float | None = None
    item_mass_g: float | None = None
    pin: Pin = Pin.UNOBSERVED

    def __post_init__(self) -> None:
        _check_passage(self)

    @property
    def delivered(self) -> bool:
        """Whether a delivery scan exists; what was inside is another question."""
        return self.checkpoints[-1].scan_ms is not None

    @property
    def route(self) -> str | None:
        """The last courier, who stands for the delivery area; None if no courier ends the chain."""
        last = self.segments[-1]
        return last.handler if last.step is Step.COURIER else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute(Passage):
    """A disputed parcel: its way, what the customer told us, and where the device or item was seen since.

    `attach_watched` False says that nobody could have seen the device attach to a network; then its absence says
    nothing. `attach_region` and `recovered_site` are classes of place, never positions.
    """

    complaint: Complaint
    customer_region: str | None = None
    attach_watched: bool = True
    attach_ms: int | None = None
    attach_region: str | None = None
    recovered_site: str | None = None

    def __post_init__(self) -> None:
        _check_passage(self)
        _finite(self.attach_ms, f"dispute {self.id}: the attach time")

    @classmethod
    def of(cls, passage: Passage, *, name: str, complaint: Complaint, **told: Any) -> "Dispute":
        """The dispute with this name about a passage; `told` are the fields that only a dispute has."""
        way = {each.name: getattr(passage, each.name) for each in fields(Passage)}
        return cls(**{**way, "id": name}, complaint=complaint, **told)


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlerTraffic:
    """What one handler held in the period: high-value parcel-segments by shift."""

    site: str
    step: Step
    high_value: tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Passes:
    """Parcel-segments of one step at one site: all of them, and the high-value ones among them."""

    all: float
    high_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """The traffic of a whole network over one period: every parcel counts, disputed or not.

    Where an opening scan is missing and the step is not courier, the parcel-segment is spread evenly over the duty
    roster. `site_shifts` leaves couriers out: they are out on the road, whatever the shift of their depot.
    `missed_scan` (by handler) and `dwell_offset` (by site and shift, in log hours) are the own baselines from clean
    parcels, and so are `photo` (the share of scans with one, by site and step) and `seal` (that of readings with an
    anomaly): one global figure for everyone makes slow or untidy but honest people look guilty, those who have no
    camera, and those before a station that misreads seals. `scale_g` says, by site and step, by how much more than
    elsewhere its scales show; whoever had a parcel before a scale that is off is not to answer for it.
    """

    parcels: int
    high_value_parcels: float = 0.0
    parcels_without_pin: float = 0.0
    parcels_pin_unobserved: float = 0.0
    handlers: Mapping[str, HandlerTraffic] = field(default_factory=dict)
    site_shifts: Mapping[tuple[str, int], float] = field(default_factory=dict)
    site_steps: Mapping[tuple[str, Step], Passes] = field(default_factory=dict)
    routes: Mapping[str, float] = field(default_factory=dict)
    regions: Mapping[str, str | None] = field(default_factory=dict)
    missed_scan: Mapping[str, float] = field(default_factory=dict)
    dwell_offset: Mapping[tuple[str, int], float] = field(default_factory=dict)
    photo: Mapping[tuple[str, Step], float] = field(default_factory=dict)
    scale_g: Mapping[tuple[str, Step], float] = field(default_factory=dict)
    seal: Mapping[tuple[str, Step], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_fleet(self)

    @property
    def known(self) -> bool:
        """Whether there is any history at all; without it a dispute is judged on priors and its own evidence."""
        return self.parcels > 0


def _check_passage(way: Passage) -> None:
    where = f"dispute {way.id}"
    if not way.segments:
        raise Rejected("segments", f"{where} has no segments", fix="List every custodian from packing to delivery.")
    if len(way.checkpoints) != len(way.segments) + 1:
        raise Rejected(
            "checkpoints",
            f"{where} has {len(way.segments)} segments and {len(way.checkpoints)} checkpoints",
            fix="Give one checkpoint that opens each segment and one for delivery.",
        )
    _finite(way.start_ms, f"{where}: the start time")
    _mass(way.declared_mass_g, f"{where}: the declared mass")
    _mass(way.item_mass_g, f"{where}: the item's mass")
    for place, segment in enumerate(way.segments):
        if segment.step not in STEPS:
            step_of(segment.step)
        _shift(segment.shift, f"{where}, segment {place}")
    _check_scans(way.start_ms, way.checkpoints, where)


def _check_scans(start_ms: int, checkpoints: Sequence[Checkpoint], where: str) -> None:
    latest = start_ms
    for place, checkpoint in enumerate(checkpoints):
        spot = f"{where}, checkpoint {place}"
        _mass(checkpoint.mass_g, f"{spot}: the mass")
        seen_ms = checkpoint.left_ms if checkpoint.scan_ms is None else checkpoint.scan_ms
        if seen_ms is None:
            continue
        _finite(seen_ms, f"{spot}: the scan time")
        if seen_ms < latest:
            raise Rejected(
                "scan_order",
                f"{spot} was scanned before what comes ahead of it",
                fix="Sort the checkpoints along the route and correct the station's clock.",
            )
        latest = seen_ms


def _check_fleet(fleet: Fleet) -> None:
    for name, figure in (
        ("parcels", fleet.parcels),
        ("high_value_parcels", fleet.high_value_parcels),
        ("parcels_without_pin", fleet.parcels_without_pin),
        ("parcels_pin_unobserved", fleet.parcels_pin_unobserved),
    ):
        _count(figure, name)
    for handler, held in fleet.handlers.items():
        for figure in held.high_value:
            _count(figure, f"the exposure of handler {handler}")
    for (site, shift), figure in fleet.site_shifts.items():
        _shift(shift, f"site {site}")
        _count(figure, f"the exposure of site {site}, shift {shift}")
    for (site, step), passes in fleet.site_steps.items():
        _count(passes.all, f"the exposure of {site}, {step}")
        _count(passes.high_value, f"the high-value exposure of {site}, {step}")
        if passes.high_value > passes.all * (1 + 1e-9):
            raise _exposure(f"{site}, {step}: more high-value passes than passes")
    for route, figure in fleet.routes.items():
        _count(figure, f"the parcels of route {route}")
    for handler, rate in fleet.missed_scan.items():
        _rate(rate, f"the missed-scan rate of handler {handler}")
    _check_habits(fleet)
    for (site, shift), offset in fleet.dwell_offset.items():
        _finite(offset, f"the dwell offset of {site}, shift {shift}")


def _shift(shift: int, where: str) -> None:
    if shift not in range(SHIFTS):
        raise Rejected("shift", f"{where}: shift {shift!r} is not 0, 1 or 2", fix="Number the eight-hour shifts 0..2.")


def _finite(value: float | None, what: str) -> None:
    if value is not None and not math.isfinite(value):
        raise Rejected("not_finite", f"{what} is {value}", fix="Leave it out if it is not known.")


def _mass(value: float | None, what: str) -> None:
    _finite(value, what)
    if value is not None and value < 0:
        raise Rejected("mass", f"{what} is {value} g", fix="Give grams, or leave it out if it is not known.")


def _check_habits(fleet: Fleet) -> None:
    for what, shares in (("photos", fleet.photo), ("seals that are read as wrong", fleet.seal)):
        for (site, step), share in shares.items():
            _rate(share, f"the share of {what} at {site}, {step},")
    for (site, step), offset in fleet.scale_g.items():
        _finite(offset, f"what the scales of {site}, {step}, are off by")


def _rate(value: float, what: str) -> None:
    if not 0 < value < 1:
        raise Rejected("rate", f"{what} is {value}", fix="Give a rate between 0 and 1, shrunk to the mean of the step.")


def _count(value: float, what: str) -> None:
    if not (math.isfinite(value) and value >= 0):
        raise _exposure(f"{what} is {value}")


def _exposure(why: str) -> Rejected:
    return Rejected("exposure", why, fix="Count every parcel of the period, the disputed ones included.")


NO_HISTORY = Fleet(parcels=0)
