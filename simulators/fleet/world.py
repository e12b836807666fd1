"""A whole simulated world: traffic of the network, disputes with their evidence, and what truly happened.

Events are reported with a fixed chance. Disputes about parcels in which nothing went wrong are drawn from clean
parcels, in a fixed share of all disputes. Parcels run in batches, so that large worlds need little memory.
"""

from dataclasses import dataclass

import numpy as np

from custody.investigation.frame import Floats, Ints
from custody.investigation.passage import SHIFTS, STEPS, Dispute, Fleet, HandlerTraffic, Passes, Step
from simulators.fleet.evidence import make_disputes
from simulators.fleet.network import NUMBER, Network, make_network
from simulators.fleet.passage import CLEAN, NO_ANOMALY, Passages, Truth, make_truth, pass_parcels
from simulators.fleet.setting import Setting

BATCH = 100_000


@dataclass(frozen=True, kw_only=True)
class World:
    """What the service would be told (fleet, disputes) and what it would not (kind, where, truth)."""

    setting: Setting
    network: Network
    truth: Truth
    fleet: Fleet
    disputes: tuple[Dispute, ...]
    kind: Ints
    where: Ints
    hands: tuple[tuple[int, ...], ...]


def make_world(setting: Setting, seed: int) -> World:
    """The world of a seed."""
    random = np.random.default_rng(seed)
    network = make_network()
    truth = make_truth(setting, network, random)
    traffic = _Traffic(network)
    disputes: list[Dispute] = []
    kinds: list[int] = []
    places: list[int] = []
    hands: list[tuple[int, ...]] = []
    for start in range(0, setting.parcels, BATCH):
        count = min(BATCH, setting.parcels - start)
        passages = pass_parcels(setting, network, truth, count, random=random)
        traffic.add(passages)
        chosen, kind = _disputed(setting, truth, passages, random)
        disputes.extend(make_disputes(setting, network, passages, chosen, kind, first=len(disputes), random=random))
        kinds.extend(map(int, kind))
        places.extend(map(int, passages.where[chosen]))
        hands.extend(tuple(map(int, passages.handler[row, : passages.length[row]])) for row in chosen)
    return World(
        setting=setting,
        network=network,
        truth=truth,
        fleet=traffic.fleet(setting, truth),
        disputes=tuple(disputes),
        kind=np.array(kinds, dtype=np.int64),
        where=np.array(places, dtype=np.int64),
        hands=tuple(hands),
    )


def _disputed(setting: Setting, truth: Truth, passages: Passages, random: np.random.Generator) -> tuple[Ints, Ints]:
    happened = np.flatnonzero(passages.kind != CLEAN)
    reported = happened[random.random(len(happened)) < setting.reported]
    wanted = len(reported) * setting.intact_share / (1 - setting.intact_share)
    count = int(wanted) + int(random.random() < wanted % 1)
    clean = np.flatnonzero(passages.kind == CLEAN)
    last = passages.handler[clean, passages.length[clean] - 1]
    weight = truth.route_factor[last]
    intact = random.choice(clean, count, replace=False, p=weight / weight.sum())
    rows = np.concatenate([reported, intact])
    kind = np.concatenate([passages.kind[reported], np.full(len(intact), NO_ANOMALY)])
    return rows, kind


class _Traffic:
    """Counts of parcel-segments, batch by batch; a missed opening scan is spread over the duty roster."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._held = np.zeros((len(network.handler_names), SHIFTS))
        self._shifted = np.zeros((len(network.site_names), SHIFTS))
        self._passes = np.zeros((2, len(network.pool_size)))
        self._routes = np.zeros(len(network.handler_names))
        self._parcels = 0
        self._high = 0
        self._no_pin = 0

    def add(self, passages: Passages) -> None:
        """Count a batch."""
        network = self._network
        self._parcels += len(passages.high)
        self._high += int(passages.high.sum())
        last = np.arange(len(passages.high)), passages.length - 1
        arrived = passages.present[last]
        self._no_pin += int((arrived & ~passages.pin).sum())
        self._routes += np.bincount(passages.handler[last][arrived], minlength=len(self._routes))
        row, s = np.nonzero(passages.present)
        pool, shift = passages.way[row, s], passages.shift[row, s]
        high = passages.high[row]
        self._passes[0] += np.bincount(pool, minlength=self._passes.shape[1])
        self._passes[1] += np.bincount(pool[high], minlength=self._passes.shape[1])
        courier = network.pool_step[pool] == NUMBER[Step.COURIER]
        indoor = high & ~courier
        site_shift = network.pool_site[pool[indoor]] * SHIFTS + shift[indoor]
        self._shifted += np.bincount(site_shift, minlength=self._shifted.size).reshape(self._shifted.shape)
        hidden = passages.missed[row, s] & ~courier
        open_ = high & ~hidden
        seat = passages.handler[row, s][open_] * SHIFTS + shift[open_]
        self._held += np.bincount(seat, minlength=self._held.size).reshape(self._held.shape)
        self._spread(pool[high & hidden], shift[high & hidden], passages.week[row, s][high & hidden])

    def _spread(self, pool: Ints, shift: Ints, week: Ints) -> None:
        duty = self._network.duty(pool, shift, week)
        share: Floats = duty / duty.sum(axis=1, keepdims=True)
        row, member = np.nonzero(duty)
        seat = (self._network.pool_first[pool[row]] + member) * SHIFTS + shift[row]
        self._held += np.bincount(seat, share[row, member], self._held.size).reshape(self._held.shape)

    def fleet(self, setting: Setting, truth: Truth) -> Fleet:
        """The traffic as the service is told it."""
        network = self._network
        names, sites = network.handler_names, network.site_names
        home = [network.pool_site[pool] for pool in network.handler_pool]
        step = [STEPS[network.pool_step[pool]] for pool in network.handler_pool]
        regions = {name: (None if region < 0 else f"r{region}") for name, region in
                   zip(sites, network.site_region, strict=True)}  # fmt: skip
        knows = setting.knows_baselines
        offsets = np.ndenumerate(truth.dwell_offset)
        couriers = network.pool_step[network.handler_pool] == NUMBER[Step.COURIER]
        return Fleet(
            parcels=self._parcels,
            high_value_parcels=float(self._high),
            parcels_without_pin=float(self._no_pin),
            handlers={
                name: HandlerTraffic(site=sites[home[place]], step=step[place], high_value=_three(self._held[place]))
                for place, name in enumerate(names)
            },
            site_shifts={(sites[at[0]], at[1]): float(count) for at, count in np.ndenumerate(self._shifted)},
            site_steps={
                (sites[network.pool_site[pool]], STEPS[network.pool_step[pool]]): Passes(
                    all=float(self._passes[0, pool]), high_value=float(self._passes[1, pool])
                )
                for pool in range(len(network.pool_size))
            },
            routes={names[place]: float(self._routes[place]) for place in np.flatnonzero(couriers)},
            regions=regions,
            missed_scan={name: float(rate) for name, rate in zip(names, truth.missed, strict=True)} if knows else {},
            dwell_offset={(sites[at[0]], at[1]): float(value) for at, value in offsets} if knows else {},
        )


def _three(row: Floats) -> tuple[float, float, float]:
    return float(row[0]), float(row[1]), float(row[2])
