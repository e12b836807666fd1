"""The disputes of one run as padded arrays: D disputes, S segments, S + 1 checkpoints.

Hypotheses stand in one row of H = 5 S + 3 columns: for each of five kinds (substituted, emptied, taken whole or fake
delivery, lost, damaged) the S segments, then ORIGIN, AFTER and NO_ANOMALY. The third kind is a fake delivery in the
last segment if that is a courier's, and taken whole everywhere else. A checkpoint is `scanned` if its scan was made,
and `seen` also if the parcel was scanned in the segment behind it as it was let go. Hours count from the start of the
chain; NaN means that nothing was measured. A weighing that is more than 100 kg off what it should show is none: it is
in another unit, or of another thing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from custody.investigation.frame import COURIER, NOWHERE, STEP_NUMBER, Bools, Floats, Frame, Ints, Roll
from custody.investigation.passage import COMPLAINTS, Dispute, Pin, SealSeen
from custody.kernel.clock import HOUR_MS

SUBSTITUTED, EMPTIED, WHOLE, LOST, DAMAGED = range(5)
KINDS = 5
THEFTS = 3
ORIGIN, AFTER, NO_ANOMALY = range(3)
REST = 3

UNREAD, CLEAR, FOUND = -1, 0, 1
MOST_OFF_G = 1e5
_SEALS = {SealSeen.NOT_READ: UNREAD, SealSeen.OK: CLEAR, SealSeen.ANOMALY: FOUND}
_PHOTOS = {None: UNREAD, False: CLEAR, True: FOUND}
_PINS = {Pin.UNOBSERVED: UNREAD, Pin.RECORDED: UNREAD, Pin.ABSENT: CLEAR, Pin.VERIFIED: FOUND}


def split(row: Floats, width: int) -> tuple[Floats, Floats]:
    """Views of hypothesis rows: kinds x segments, and the three that belong to no segment."""
    return row[:, : KINDS * width].reshape(len(row), KINDS, width), row[:, KINDS * width :]


@dataclass(frozen=True, slots=True, kw_only=True)
class Docket:
    """See the module's page. `seat_*` lists who may have held each segment, with the chance of each."""

    ids: tuple[str, ...]
    length: Ints
    valid: Bools
    fake: Bools
    step: Ints
    site: Ints
    shift: Ints
    site_step: Ints
    region: Ints
    scanned: Bools
    seen: Bools
    awaited: Bools
    hours: Floats
    own_missed: Floats
    own_offset: Floats
    own_photo: Floats
    own_seal: Floats
    photo: Ints
    seal: Ints
    mass: Floats
    mass_known: Bools
    item: Floats
    high: Bools
    complaint: Ints
    pin: Ints
    customer_region: Ints
    attach: Floats
    attach_watched: Bools
    attach_region: Ints
    recovered: Ints
    route: Ints
    seat_row: Ints
    seat_segment: Ints
    seat_handler: Ints
    seat_share: Floats

    def __len__(self) -> int:
        return len(self.length)

    @property
    def width(self) -> int:
        """S, the longest chain's number of segments."""
        return int(self.step.shape[1])

    @property
    def hypotheses(self) -> int:
        """H, the number of columns of a hypothesis row."""
        return KINDS * self.width + REST

    def rows(self, start: int, stop: int) -> "Docket":
        """Some of the disputes, in the same frame; seats keep pointing at rows of the part."""
        inside = (self.seat_row >= start) & (self.seat_row < stop)
        part = {}
        for item in fields(self):
            value = getattr(self, item.name)
            part[item.name] = value[inside] if item.name.startswith("seat_") else value[start:stop]
        part["seat_row"] = part["seat_row"] - start
        return Docket(**part)

    def narrowed(self) -> "Docket":
        """The same disputes without padding beyond the longest chain among them."""
        width = int(self.length.max())
        part = {item.name: getattr(self, item.name) for item in fields(self)}
        for name, value in part.items():
            if isinstance(value, np.ndarray) and value.ndim == 2:
                part[name] = value[:, : width + (value.shape[1] > self.width)]
        return Docket(**part)


def make_docket(disputes: Sequence[Dispute], frame: Frame, *, wild: bool = False) -> Docket:
    """The arrays of some disputes, in the order given. `wild`: every weighing is one, as once it was."""
    count = len(disputes)
    width = max((len(dispute.segments) for dispute in disputes), default=1)
    length = np.array([len(dispute.segments) for dispute in disputes], dtype=np.int64)
    places = np.arange(width + 1)
    awaited = places[None, :] <= length[:, None]
    valid = awaited[:, 1:]
    step, site, shift, site_step = _segments(disputes, frame, width)
    hours, photo, seal, mass = _checkpoints(disputes, width)
    seats = _seats(disputes, frame)
    regions = [(dispute.customer_region, dispute.attach_region) for dispute in disputes]
    customers, attached = _numbers([name for pair in regions for name in pair], frame.regions).reshape(-1, 2).T
    last = places[None, :-1] == length[:, None] - 1
    mass[:, :-1] -= frame.scale_g[site_step]
    declared = np.array([_number(dispute.declared_mass_g) for dispute in disputes])
    off = mass - np.where(np.isfinite(declared), declared, _first(mass))[:, None]
    delivered = np.array([dispute.delivered for dispute in disputes], dtype=np.bool_)
    pin = np.array([_PINS[dispute.pin] for dispute in disputes], dtype=np.int64)
    return Docket(
        ids=tuple(dispute.id for dispute in disputes),
        length=length,
        valid=valid,
        fake=last & (step == COURIER),
        step=step,
        site=site,
        shift=shift,
        site_step=site_step,
        region=np.where(valid, frame.site_region[site], NOWHERE),
        scanned=np.isfinite(hours),
        seen=np.isfinite(hours) | _left(disputes, hours.shape),
        awaited=awaited,
        hours=hours,
        own_missed=_own_missed(seats, frame, (count, width)),
        own_offset=np.where(valid, frame.dwell_offset[site, shift], 0.0),
        own_photo=frame.photo[site_step],
        own_seal=np.concatenate([frame.seal[site_step], np.full((count, 1), np.nan)], axis=1),
        photo=photo,
        seal=seal,
        mass=off if wild else np.where(np.abs(off) <= MOST_OFF_G, off, np.nan),
        mass_known=np.isfinite(declared),
        item=np.array([_number(dispute.item_mass_g) for dispute in disputes]),
        high=np.array([dispute.high_value for dispute in disputes], dtype=np.bool_),
        complaint=np.array([COMPLAINTS.index(dispute.complaint) for dispute in disputes], dtype=np.int64),
        pin=np.where(delivered, pin, UNREAD),
        customer_region=customers,
        attach=np.array([_hours(dispute.attach_ms, dispute.start_ms) for dispute in disputes]),
        attach_watched=np.array([dispute.attach_watched for dispute in disputes], dtype=np.bool_),
        attach_region=attached,
        recovered=_numbers([dispute.recovered_site for dispute in disputes], frame.sites),
        route=np.array([frame.routes.of(dispute.route) for dispute in disputes], dtype=np.int64),
        seat_row=seats[0],
        seat_segment=seats[1],
        seat_handler=seats[2],
        seat_share=1.0 / seats[3],
    )


def _segments(disputes: Sequence[Dispute], frame: Frame, width: int) -> tuple[Ints, Ints, Ints, Ints]:
    table = np.full((4, len(disputes), width), NOWHERE, dtype=np.int64)
    table[2] = 0
    for row, dispute in enumerate(disputes):
        table[:, row, : len(dispute.segments)] = np.array(
            [
                (
                    STEP_NUMBER[segment.step],
                    frame.sites.of(segment.site),
                    segment.shift,
                    frame.site_steps.of((segment.site, segment.step)),
                )
                for segment in dispute.segments
            ]
        ).T
    return table[0], table[1], table[2], table[3]


def _checkpoints(disputes: Sequence[Dispute], width: int) -> tuple[Floats, Ints, Ints, Floats]:
    shape = (len(disputes), width + 1)
    hours, mass = np.full(shape, np.nan), np.full(shape, np.nan)
    photo, seal = np.full(shape, UNREAD, dtype=np.int64), np.full(shape, UNREAD, dtype=np.int64)
    for row, dispute in enumerate(disputes):
        stop = len(dispute.checkpoints)
        hours[row, :stop] = [_hours(point.scan_ms, dispute.start_ms) for point in dispute.checkpoints]
        mass[row, :stop] = [_number(point.mass_g) for point in dispute.checkpoints]
        photo[row, :stop] = [_PHOTOS[point.photo] for point in dispute.checkpoints]
        seal[row, :stop] = [_SEALS[point.seal] for point in dispute.checkpoints]
    return hours, photo, seal, mass


def _left(disputes: Sequence[Dispute], shape: tuple[int, ...]) -> Bools:
    """Where a parcel was seen as it was let go, behind a checkpoint whose scan was missed."""
    left = np.zeros(shape, dtype=np.bool_)
    for row, dispute in enumerate(disputes):
        left[row, : len(dispute.checkpoints)] = [point.left_ms is not None for point in dispute.checkpoints]
    return left


def _seats(disputes: Sequence[Dispute], frame: Frame) -> tuple[Ints, Ints, Ints, Ints]:
    seats: list[tuple[int, int, int, int]] = []
    for row, dispute in enumerate(disputes):
        for place, segment in enumerate(dispute.segments):
            names = (segment.handler,) if segment.handler is not None else sorted(set(segment.roster))
            seats.extend((row, place, frame.handlers.of(name), len(names)) for name in names)
    table = np.array(seats, dtype=np.int64).reshape(-1, 4)
    return table[:, 0], table[:, 1], table[:, 2], table[:, 3]


def _own_missed(seats: tuple[Ints, Ints, Ints, Ints], frame: Frame, shape: tuple[int, int]) -> Floats:
    rate = frame.missed_scan[seats[2]]
    known = np.isfinite(rate)
    cell = (seats[0] * shape[1] + seats[1])[known]
    total = np.bincount(cell, rate[known], shape[0] * shape[1])
    count = np.bincount(cell, minlength=shape[0] * shape[1])
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).reshape(shape)


def _numbers(names: Sequence[str | None], known: Roll[str]) -> Ints:
    """Numbers of names; names that are not on the roll get -2, -3, ... so that equal ones still match."""
    foreign = sorted({name for name in names if name is not None and name not in known.number})
    number = {**known.number, **{name: -2 - place for place, name in enumerate(foreign)}}
    return np.array([NOWHERE if name is None else number[name] for name in names], dtype=np.int64)


def _first(mass: Floats) -> Floats:
    known = np.isfinite(mass)
    return np.where(known.any(axis=1), mass[np.arange(len(mass)), known.argmax(axis=1)], 0.0)


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)


def _hours(at_ms: int | None, start_ms: int) -> float:
    return np.nan if at_ms is None else (at_ms - start_ms) / HOUR_MS
