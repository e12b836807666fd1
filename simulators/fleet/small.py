"""A small network with at most one thief, parcel by parcel: what a first user of the service would have.

One warehouse, two hubs, four depots, nine sites with their linehauls; seven steps (pack, dock, linehaul, hub_in,
hub_sort, depot, courier); every parcel holds a handset. The thief works at one link and swaps handsets for something of
the same weight, closes the seal well, and takes a little longer. Losses, damage, mispicks, porch thefts and disputes
about parcels with nothing wrong happen everywhere at modest rates.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from custody.investigation.count_traffic import count_traffic
from custody.investigation.measure_clean import measure_clean
from custody.investigation.params import Params
from custody.investigation.passage import (
    STEPS,
    Checkpoint,
    Complaint,
    Dispute,
    Fleet,
    Passage,
    Pin,
    SealSeen,
    Segment,
    Step,
)
from custody.kernel.clock import HOUR_MS

_CREW = {
    Step.PACK: 3,
    Step.DOCK: 2,
    Step.LINEHAUL: 2,
    Step.HUB_IN: 2,
    Step.HUB_SORT: 3,
    Step.DEPOT: 2,
    Step.COURIER: 3,
}
_MEDIAN_H = dict(zip(STEPS, (4.0, 3.0, 8.0, 2.0, 4.0, 8.0, 5.0), strict=True))
_REGIONS = {"warehouse": "north", "hub-a": "west", "hub-b": "east"}
_COMPLAINT = {
    "theft": Complaint.WRONG_ITEM,
    "lost": Complaint.NOT_ARRIVED,
    "damaged": Complaint.DAMAGED,
    "mispick": Complaint.WRONG_ITEM,
    "intact": Complaint.NOT_ARRIVED,
}
DEPOTS = 4


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the small world is like; `thief` None means that nobody steals."""

    parcels: int = 3_000
    thief: str | None = "hub-a/hub_sort/1"
    rate: float = 0.02
    loss: float = 8e-5
    damage: float = 1e-4
    mispick: float = 1.5e-4
    intact: float = 3e-4
    weighed: float = 0.3


@dataclass(frozen=True, kw_only=True)
class SmallWorld:
    """What the service is told, and for each stolen parcel the segment it was stolen in."""

    fleet: Fleet
    params: Params
    disputes: tuple[Dispute, ...]
    stolen: dict[str, int]


def small_world(seed: int, plan: Plan | None = None) -> SmallWorld:
    """The small world of a seed."""
    plan = plan or Plan()
    random = np.random.default_rng(seed)
    parcels = [_Parcel(f"p{number:05d}", plan, random) for number in range(plan.parcels)]
    disputes = tuple(parcel.dispute() for parcel in parcels if parcel.cause)
    regions: dict[str, str | None] = {f"depot-{place}": f"town-{place}" for place in range(DEPOTS)}
    regions |= _REGIONS
    clean = [parcel.passage() for parcel in parcels if not parcel.cause]
    normal = measure_clean(clean, Params())
    return SmallWorld(
        fleet=normal.into(count_traffic([*clean, *disputes], regions=regions)),
        params=normal.params,
        disputes=disputes,
        stolen={parcel.name: parcel.place for parcel in parcels if parcel.cause == "theft"},
    )


class _Parcel:
    """One parcel: where it went, what happened to it and what was recorded."""

    def __init__(self, name: str, plan: Plan, random: np.random.Generator) -> None:
        self.name, self._random, self._plan = name, random, plan
        depot = int(random.integers(DEPOTS))
        hub = "hub-a" if depot % 2 == 0 else "hub-b"
        sites = ("warehouse", "warehouse", f"linehaul-{hub[-1]}", hub, hub, f"depot-{depot}", f"depot-{depot}")
        self._town = f"town-{depot}"
        self._sites = sites
        start = float(random.uniform(0, 24 * 28))
        self._times = [start]
        self._hands: list[str] = []
        self.cause, self.place = "", -1
        for place, (step, site) in enumerate(zip(STEPS, sites, strict=True)):
            hand = f"{site}/{step}/{random.integers(_CREW[step])}"
            self._hands.append(hand)
            self._strike(place, hand)
            stolen = self.cause == "theft" and self.place == place
            slow = 0.7 + 0.55 * random.normal() if stolen else 0.4 * random.normal()
            self._times.append(self._times[-1] + float(_MEDIAN_H[step] * np.exp(slow)))
        if not self.cause:
            draw = random.random()
            self.cause = "mispick" if draw < plan.mispick else "intact" if draw < plan.mispick + plan.intact else ""
        self._points = tuple(self._checkpoints())

    def _strike(self, place: int, hand: str) -> None:
        if self.cause:
            return
        plan, draw = self._plan, self._random.random()
        steal = plan.rate if hand == plan.thief else 0.0
        for cause, chance in (("theft", steal), ("lost", plan.loss), ("damaged", plan.damage)):
            if draw < chance:
                self.cause, self.place = cause, place
                return
            draw -= chance

    def _checkpoints(self) -> Iterator[Checkpoint]:
        random = self._random
        slip, change = random.normal(0, 8), random.normal(0, 3)
        for place, hours in enumerate(self._times):
            opening_stolen = self.cause == "theft" and place == self.place
            missed = random.random() < (0.3 if opening_stolen else 0.05 if place < len(STEPS) else 0.02)
            if missed or (self.cause == "lost" and place > self.place):
                yield Checkpoint()
                continue
            moved = change if self.cause == "theft" and place > self.place else 0.0
            mispicked = 60.0 if self.cause == "mispick" else 0.0
            weighed = random.random() < self._plan.weighed
            yield Checkpoint(
                scan_ms=round(hours * HOUR_MS),
                photo=bool(random.random() < (0.25 if opening_stolen else 0.5)),
                seal=SealSeen.OK if random.random() < 0.3 else SealSeen.NOT_READ,
                mass_g=400 + slip + moved + mispicked + random.normal(0, 5) if weighed else None,
            )

    def _segments(self) -> Iterator[Segment]:
        for place, (step, site) in enumerate(zip(STEPS, self._sites, strict=True)):
            known = self._points[place].scan_ms is not None or step is Step.COURIER
            crew = tuple(f"{site}/{step}/{member}" for member in range(_CREW[step]))
            yield Segment(
                step=step,
                site=site,
                shift=int(self._times[place] % 24 // 8),
                handler=self._hands[place] if known else None,
                roster=() if known else crew,
            )

    def passage(self) -> Passage:
        """The parcel as an undisputed one."""
        checked = Pin.VERIFIED if self._random.random() < 0.8 else Pin.ABSENT
        return Passage(
            id=self.name,
            high_value=True,
            start_ms=round(self._times[0] * HOUR_MS),
            segments=tuple(self._segments()),
            checkpoints=self._points,
            declared_mass_g=400.0,
            item_mass_g=200.0,
            pin=Pin.UNOBSERVED if self._points[-1].scan_ms is None else checked,
        )

    def dispute(self) -> Dispute:
        """The parcel as a disputed one."""
        way = self.passage()
        seen = self.cause == "theft" and self._random.random() < 0.6
        at = self._times[max(self.place, 0)] + float(self._random.exponential(60.0))
        return Dispute(
            id=way.id,
            high_value=way.high_value,
            start_ms=way.start_ms,
            segments=way.segments,
            checkpoints=way.checkpoints,
            declared_mass_g=way.declared_mass_g,
            item_mass_g=way.item_mass_g,
            pin=way.pin,
            complaint=_COMPLAINT[self.cause],
            customer_region=self._town,
            attach_ms=round(at * HOUR_MS) if seen else None,
            attach_region="far away" if seen else None,
        )
