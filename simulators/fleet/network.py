"""The network of a simulated world: who works where, and which way parcels go.

3 warehouses, 8 hubs, 40 depots in 8 regions; linehauls start at a warehouse or hub and have a site of their own. Pools
of handlers by site and step: pack 8, dock 6, linehaul 4, hub_in 5, hub_sort 6, depot 2, courier 4 - 414 in all, at 62
sites. On duty are the members i of a pool with (i + week) mod 3 = shift; all of them if there are none, and always all
couriers of a depot.
"""

from dataclasses import dataclass

import numpy as np

from custody.investigation.frame import Bools, Floats, Ints
from custody.investigation.passage import SHIFTS, STEPS, Step

WAREHOUSES, HUBS, DEPOTS, REGIONS = 3, 8, 40, 8
LONG, SHORT = 11, 8
_POOL_SIZE = {
    Step.PACK: 8,
    Step.DOCK: 6,
    Step.LINEHAUL: 4,
    Step.HUB_IN: 5,
    Step.HUB_SORT: 6,
    Step.DEPOT: 2,
    Step.COURIER: 4,
}
NUMBER = {step: place for place, step in enumerate(STEPS)}


@dataclass(frozen=True, kw_only=True)
class Network:
    """Pools (one a site and step) and their members; `pool_of[step]` maps a place of that step to its pool."""

    site_names: tuple[str, ...]
    site_region: Ints
    pool_site: Ints
    pool_step: Ints
    pool_size: Ints
    pool_first: Ints
    pool_of: dict[Step, Ints]
    handler_names: tuple[str, ...]
    handler_pool: Ints

    def duty(self, pool: Ints, shift: Ints, week: Ints) -> Bools:
        """Who of each pool is on duty: parcels x members."""
        member = np.arange(max(_POOL_SIZE.values()))
        inside = member[None, :] < self.pool_size[pool][:, None]
        on = inside & ((member[None, :] + week[:, None]) % SHIFTS == shift[:, None])
        everyone = (self.pool_step[pool] == NUMBER[Step.COURIER]) | ~on.any(axis=1)
        return np.asarray(np.where(everyone[:, None], inside, on))


def make_network() -> Network:
    """The one network of all benchmark worlds."""
    sites: list[str] = []
    regions: list[int] = []
    pools: list[tuple[int, Step]] = []
    pool_of: dict[Step, list[int]] = {step: [] for step in STEPS}

    def add(name: str, region: int, *steps: Step) -> None:
        sites.append(name)
        regions.append(region)
        for step in steps:
            pool_of[step].append(len(pools))
            pools.append((len(sites) - 1, step))

    for place in range(WAREHOUSES):
        add(f"warehouse-{place}", place, Step.PACK, Step.DOCK)
    for place in range(HUBS):
        add(f"hub-{place}", place, Step.HUB_IN, Step.HUB_SORT)
    for place in range(WAREHOUSES):
        add(f"linehaul-w{place}", -1, Step.LINEHAUL)
    for place in range(HUBS):
        add(f"linehaul-h{place}", -1, Step.LINEHAUL)
    for place in range(DEPOTS):
        add(f"depot-{place:02d}", place % REGIONS, Step.DEPOT, Step.COURIER)
    size = np.array([_POOL_SIZE[step] for _, step in pools], dtype=np.int64)
    first = np.concatenate([[0], np.cumsum(size)[:-1]]).astype(np.int64)
    names = [f"h-{pool:03d}-{member}" for pool, count in enumerate(size) for member in range(count)]
    return Network(
        site_names=tuple(sites),
        site_region=np.array(regions, dtype=np.int64),
        pool_site=np.array([site for site, _ in pools], dtype=np.int64),
        pool_step=np.array([NUMBER[step] for _, step in pools], dtype=np.int64),
        pool_size=size,
        pool_first=first,
        pool_of={step: np.array(members, dtype=np.int64) for step, members in pool_of.items()},
        handler_names=tuple(names),
        handler_pool=np.repeat(np.arange(len(pools)), size),
    )


def routes(network: Network, count: int, random: np.random.Generator) -> tuple[Ints, Ints]:
    """Pools along the way of each parcel (-1 beyond its end), and the length of each way."""
    warehouse = random.integers(0, WAREHOUSES, count)
    depot = random.integers(0, DEPOTS, count)
    last = depot % HUBS
    first = (warehouse + 3 * random.integers(0, 3, count)) % HUBS
    long = (random.random(count) < 0.4) & (first != last)
    of = network.pool_of
    way = np.full((count, LONG), -1, dtype=np.int64)
    entry = np.where(long, first, last)
    way[:, 0], way[:, 1] = of[Step.PACK][warehouse], of[Step.DOCK][warehouse]
    way[:, 2] = of[Step.LINEHAUL][warehouse]
    way[:, 3], way[:, 4] = of[Step.HUB_IN][entry], of[Step.HUB_SORT][entry]
    outward = of[Step.LINEHAUL][WAREHOUSES + first]
    inward = of[Step.LINEHAUL][WAREHOUSES + last]
    way[:, 5] = np.where(long, outward, inward)
    way[:, 6] = np.where(long, of[Step.HUB_IN][last], of[Step.DEPOT][depot])
    way[:, 7] = np.where(long, of[Step.HUB_SORT][last], of[Step.COURIER][depot])
    way[long, 8] = inward[long]
    way[long, 9], way[long, 10] = of[Step.DEPOT][depot[long]], of[Step.COURIER][depot[long]]
    return way, np.where(long, LONG, SHORT)


def log_normal(random: np.random.Generator, size: int, spread: float) -> Floats:
    """Factors of mean one."""
    return np.exp(random.normal(-(spread**2) / 2, spread, size)) if spread > 0 else np.ones(size)
