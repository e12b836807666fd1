"""Evidence of disputed parcels in a simulated world, drawn by what truly happened to each of them."""

from collections.abc import Iterator

import numpy as np

from custody.investigation.frame import Floats, Ints
from custody.investigation.passage import (
    COMPLAINTS,
    STEPS,
    Checkpoint,
    Dispute,
    Pin,
    SealSeen,
    Segment,
    Step,
)
from custody.kernel.clock import HOUR_MS
from simulators.fleet.network import REGIONS, Network
from simulators.fleet.passage import (
    AFTER,
    DAMAGED,
    EMPTIED,
    FAKE,
    LOST,
    NO_ANOMALY,
    ORIGIN,
    SUBSTITUTED,
    WHOLE,
    Passages,
)
from simulators.fleet.setting import Setting

TAU_THEFT_H, TAU_INTACT_H, TAU_SLOW_H = 72.0, 24.0, 240.0
HOME_THEFT, HOME_AFTER, HOME_INTACT = 0.5, 0.6, 0.95
SEEN_THEFT, SEEN_INTACT, SEEN_DAMAGED, SEEN_LOST, SEEN_ORIGIN = 0.40, 0.60, 0.30, 0.05, 0.02
RECOVERED, AT_SITE = 0.03, 0.9
DECLARED_SD_G, SCALE_SD_G, OUTLIER_SD_G, OUTLIER_SHARE = 8.0, 5.0, 60.0, 0.01
EMPTIED_SD_G, MISPICK_SD_G = 15.0, 80.0


def make_disputes(
    setting: Setting,
    network: Network,
    passages: Passages,
    rows: Ints,
    kinds: Ints,
    *,
    first: int,
    random: np.random.Generator,
) -> Iterator[Dispute]:
    """Disputes about the parcels of some rows, numbered from `first`."""
    for place, (row, kind) in enumerate(zip(rows, kinds, strict=True)):
        parcel = _Parcel(setting, network, passages, row=int(row), kind=int(kind), random=random)
        yield parcel.dispute(f"d{first + place:07d}")


class _Parcel:
    """One disputed parcel and the draws about it."""

    def __init__(
        self,
        setting: Setting,
        network: Network,
        passages: Passages,
        *,
        row: int,
        kind: int,
        random: np.random.Generator,
    ) -> None:
        self._setting, self._network, self._random = setting, network, random
        self._kind = kind
        self._length = int(passages.length[row])
        self._where = int(passages.where[row]) if kind <= DAMAGED else -1
        self._way = passages.way[row, : self._length]
        self._time = passages.time[row, : self._length + 1]
        self._shift = passages.shift[row, : self._length]
        self._week = passages.week[row, : self._length]
        self._handler = passages.handler[row, : self._length]
        self._high = bool(passages.high[row])
        self._pin = bool(passages.pin[row])
        self._scanned = self._scans(passages.missed[row, : self._length])
        self._item = float(random.uniform(150, 230) if self._high else random.uniform(50, 1500))

    def _scans(self, missed: np.ndarray) -> np.ndarray:
        made = np.append(~missed, self._random.random() >= self._setting.missed_delivery)
        if self._kind in (WHOLE, LOST):
            made[self._where + 1 :] = False
        return made

    def dispute(self, name: str) -> Dispute:
        """The dispute as the service is told it."""
        declared = self._item + float(self._random.uniform(80, 200))
        attach, region = self._attach()
        draw = self._random.choice(len(COMPLAINTS), p=self._setting.complaints[self._kind])
        pin = (Pin.VERIFIED if self._pin else Pin.ABSENT) if self._scanned[-1] else Pin.UNOBSERVED
        return Dispute(
            id=name,
            high_value=self._high,
            start_ms=_ms(self._time[0]),
            segments=tuple(self._segment(s) for s in range(self._length)),
            checkpoints=tuple(self._checkpoints(declared)),
            declared_mass_g=declared,
            item_mass_g=self._item,
            pin=pin,
            complaint=COMPLAINTS[int(draw)],
            customer_region=f"r{self._network.site_region[self._network.pool_site[self._way[-1]]]}",
            attach_ms=attach,
            attach_region=region,
            recovered_site=self._recovered(),
        )

    def _segment(self, s: int) -> Segment:
        network, pool = self._network, int(self._way[s])
        step = STEPS[network.pool_step[pool]]
        known = bool(self._scanned[s]) or step is Step.COURIER
        roster: tuple[str, ...] = ()
        if not known:
            duty = network.duty(self._way[s : s + 1], self._shift[s : s + 1], self._week[s : s + 1])[0]
            roster = tuple(network.handler_names[network.pool_first[pool] + member] for member in np.flatnonzero(duty))
        return Segment(
            step=step,
            site=network.site_names[network.pool_site[pool]],
            shift=int(self._shift[s]),
            handler=network.handler_names[self._handler[s]] if known else None,
            roster=roster,
        )

    def _checkpoints(self, declared: float) -> Iterator[Checkpoint]:
        random, setting = self._random, self._setting
        slip = random.normal(0, DECLARED_SD_G)
        change = self._change()
        for j, made in enumerate(self._scanned):
            if not made:
                yield Checkpoint()
                continue
            robbed = self._kind <= FAKE and j == self._where
            photo = bool(random.random() < (setting.photo_theft if robbed else setting.photo))
            seal = self._seal(j) if random.random() < setting.seal_read else SealSeen.NOT_READ
            mass = None
            if random.random() < self._weighed(j):
                noise = random.normal(0, SCALE_SD_G)
                if random.random() < OUTLIER_SHARE:
                    noise += random.normal(0, OUTLIER_SD_G)
                moved = change if self._kind == ORIGIN or j > self._where >= 0 else 0.0
                mass = max(0.0, float(declared + slip + noise + moved))
            yield Checkpoint(scan_ms=_ms(self._time[j]), photo=photo, seal=seal, mass_g=mass)

    def _weighed(self, j: int) -> float:
        also = self._setting.weighed_also
        name = STEPS[self._network.pool_step[self._way[j]]] if j < self._length else "delivery"
        if name in also:
            return 1.0
        return self._setting.weighed_pack if j == 0 else self._setting.weighed

    def _change(self) -> float:
        if self._kind == SUBSTITUTED:
            return float(self._random.normal(0, self._setting.swap_sd_g))
        if self._kind == EMPTIED:
            return float(-self._item + self._random.normal(0, EMPTIED_SD_G))
        return float(self._random.normal(0, MISPICK_SD_G)) if self._kind == ORIGIN else 0.0

    def _seal(self, j: int) -> SealSeen:
        setting, before = self._setting, j > self._where >= 0
        chance = setting.seal_clean
        if self._kind in (SUBSTITUTED, EMPTIED) and before:
            chance = setting.seal_theft
        elif self._kind == DAMAGED and before:
            chance = setting.seal_damage
        elif self._kind == ORIGIN:
            chance = setting.seal_mispick
        return SealSeen.ANOMALY if self._random.random() < chance else SealSeen.OK

    def _attach(self) -> tuple[int | None, str | None]:
        random, kind = self._random, self._kind
        shares = {LOST: SEEN_LOST, DAMAGED: SEEN_DAMAGED, ORIGIN: SEEN_ORIGIN, AFTER: SEEN_THEFT,
                  NO_ANOMALY: SEEN_INTACT}  # fmt: skip
        if not self._high or random.random() >= shares.get(kind, SEEN_THEFT):
            return None, None
        customer = int(self._network.site_region[self._network.pool_site[self._way[-1]]])
        if kind <= FAKE:
            start = random.uniform(self._time[self._where], self._time[self._where + 1])
            home = int(self._network.site_region[self._network.pool_site[self._way[self._where]]])
            at, region = start + random.exponential(TAU_THEFT_H), self._region(home, HOME_THEFT)
        elif kind == LOST:
            at, region = self._time[self._where] + random.exponential(TAU_SLOW_H), self._region(-1, 0.0)
        elif kind == ORIGIN:
            at, region = self._time[0] + random.exponential(TAU_SLOW_H), self._region(-1, 0.0)
        elif kind == AFTER:
            start = self._time[-1] + random.uniform(0, 24)
            at, region = start + random.exponential(TAU_THEFT_H), self._region(customer, HOME_AFTER)
        else:
            at, region = self._time[-1] + random.exponential(TAU_INTACT_H), self._region(customer, HOME_INTACT)
        return _ms(at), f"r{region}"

    def _region(self, home: int, share: float) -> int:
        if home >= 0 and self._random.random() < share:
            return home
        return int(self._random.integers(0, REGIONS))

    def _recovered(self) -> str | None:
        if self._kind > FAKE or self._random.random() >= RECOVERED:
            return None
        names, site = self._network.site_names, int(self._network.pool_site[self._way[self._where]])
        if self._random.random() >= AT_SITE:
            site = int(self._random.integers(0, len(names)))
        return names[site]


def _ms(hours: Floats | float) -> int:
    return round(float(hours) * HOUR_MS)
