"""Parcels pass through a simulated network, segment by segment: times, hands, thefts, losses, damage, scans missed.

First event wins. A parcel that vanished is carried on as a plan (who would have had it), without exposure or scans.
"""

from dataclasses import dataclass

import numpy as np

from custody.investigation.frame import Bools, Floats, Ints
from custody.investigation.passage import SHIFTS, Step
from simulators.fleet.network import LONG, NUMBER, Network, log_normal, routes
from simulators.fleet.setting import Setting

CLEAN, SUBSTITUTED, EMPTIED, WHOLE, FAKE, LOST, DAMAGED, ORIGIN, AFTER = range(-1, 8)
NO_ANOMALY = 8
"""What truly happened, numbered like the rows of the complaint table; -1 is a clean parcel."""


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What an oracle knows of a world: rates of handlers by shift, of sites by shift, factors, own habits."""

    handler_rate: Floats
    site_rate: Floats
    loss_factor: Floats
    damage_factor: Floats
    handler_damage: Floats
    missed: Floats
    dwell_offset: Floats
    route_factor: Floats
    thieves: Ints
    rings: Ints


@dataclass(frozen=True, kw_only=True)
class Passages:
    """Parcels x segments. `time` has one more column, the delivery; `present` says that the parcel got there."""

    way: Ints
    length: Ints
    high: Bools
    time: Floats
    shift: Ints
    week: Ints
    handler: Ints
    missed: Bools
    present: Bools
    kind: Ints
    where: Ints
    pin: Bools


def make_truth(setting: Setting, network: Network, random: np.random.Generator) -> Truth:
    """Who is hot and how places differ, drawn once for a world."""
    handlers, pools = len(network.handler_names), len(network.pool_size)
    rate = np.zeros((handlers, SHIFTS))
    thieves = np.sort(random.choice(handlers, setting.thieves, replace=False))
    for thief in thieves:
        strength = np.exp(random.uniform(np.log(setting.thief_low), np.log(setting.thief_high)))
        if random.random() < 0.5:
            rate[thief, random.integers(0, SHIFTS)] = strength
        else:
            rate[thief] = strength
    site_rate = np.zeros((len(network.site_names), SHIFTS))
    if random.random() < setting.ring_chance:
        indoor = np.isin(network.pool_step, [NUMBER[Step.PACK], NUMBER[Step.HUB_IN]])
        site_rate[random.choice(network.pool_site[indoor]), random.integers(0, SHIFTS)] = setting.ring_rate
    couriers = network.pool_step[network.handler_pool] == NUMBER[Step.COURIER]
    route = np.ones(handlers)
    if setting.clustered > 0:
        chosen = random.choice(np.flatnonzero(couriers), setting.cluster_routes, replace=False)
        many, few = int(couriers.sum()), setting.cluster_routes
        route[:] = (1 - setting.clustered) * many / (many - few)
        route[chosen] = setting.clustered * many / few
    return Truth(
        handler_rate=rate,
        site_rate=site_rate,
        loss_factor=log_normal(random, pools, setting.spread),
        damage_factor=log_normal(random, pools, setting.spread),
        handler_damage=log_normal(random, handlers, setting.spread),
        missed=np.clip(setting.missed * log_normal(random, handlers, setting.missed_spread), 0.002, 0.6),
        dwell_offset=random.normal(0, 1, (len(network.site_names), SHIFTS)) * setting.dwell_spread,
        route_factor=route,
        thieves=thieves,
        rings=np.flatnonzero(site_rate.reshape(-1) > 0),
    )


def pass_parcels(
    setting: Setting, network: Network, truth: Truth, count: int, *, random: np.random.Generator
) -> Passages:
    """Send so many parcels through the network."""
    way, length = routes(network, count, random)
    high = random.random(count) < setting.high_value
    time = np.full((count, LONG + 1), np.nan)
    time[:, 0] = random.uniform(0, 24 * setting.days, count)
    shift, week, handler = (np.full((count, LONG), -1, dtype=np.int64) for _ in range(3))
    missed, present = np.zeros((count, LONG), dtype=np.bool_), np.zeros((count, LONG), dtype=np.bool_)
    kind = np.where(random.random(count) < setting.mispick, ORIGIN, CLEAN)
    where = np.full(count, -1, dtype=np.int64)
    gone = np.zeros(count, dtype=np.bool_)
    for s in range(LONG):
        rows = np.flatnonzero(way[:, s] >= 0)
        pool = way[rows, s]
        now = time[rows, s]
        shift[rows, s] = (now % 24 // 8).astype(np.int64)
        week[rows, s] = (now // 168).astype(np.int64)
        handler[rows, s] = _pick(network, pool, shift[rows, s], week[rows, s], random)
        present[rows, s] = ~gone[rows]
        event = _events(setting, network, truth, pool, handler=handler[rows, s], shift=shift[rows, s],
                        high=high[rows], random=random)  # fmt: skip
        event = np.where((kind[rows] == CLEAN) & ~gone[rows], event, CLEAN)
        struck = event != CLEAN
        kind[rows[struck]], where[rows[struck]] = event[struck], s
        stolen = struck & (event <= FAKE)
        chance = np.where(stolen, setting.missed_theft, truth.missed[handler[rows, s]])
        missed[rows, s] = random.random(len(rows)) < chance
        slow = stolen & (event != WHOLE)
        time[rows, s + 1] = now + _dwell(setting, network, truth, pool, shift=shift[rows, s], slow=slow, random=random)
        gone[rows] |= np.isin(event, [WHOLE, LOST])
    delivered = ~gone
    pin = delivered & (random.random(count) < np.where(kind == FAKE, setting.pin_fake, setting.pin))
    last = handler[np.arange(count), length - 1]
    porch = (kind == CLEAN) & ~pin & (random.random(count) < setting.porch * truth.route_factor[last])
    kind[porch] = AFTER
    return Passages(
        way=way,
        length=length,
        high=high,
        time=time,
        shift=shift,
        week=week,
        handler=handler,
        missed=missed,
        present=present,
        kind=kind,
        where=where,
        pin=pin,
    )


def _pick(network: Network, pool: Ints, shift: Ints, week: Ints, random: np.random.Generator) -> Ints:
    duty = network.duty(pool, shift, week)
    order = np.where(duty, random.random(duty.shape), -1.0)
    return np.asarray(network.pool_first[pool] + order.argmax(axis=1))


def _events(
    setting: Setting,
    network: Network,
    truth: Truth,
    pool: Ints,
    *,
    handler: Ints,
    shift: Ints,
    high: Bools,
    random: np.random.Generator,
) -> Ints:
    """What happens to each parcel in one segment, or nothing."""
    step = network.pool_step[pool]
    courier = step == NUMBER[Step.COURIER]
    ring = np.where(courier, 0.0, truth.site_rate[network.pool_site[pool], shift])
    theft = np.where(high, setting.theft + truth.handler_rate[handler, shift] + ring, setting.theft * setting.kappa)
    loss = np.array(setting.loss)[step] * truth.loss_factor[pool]
    damage = np.array(setting.damage)[step] * truth.damage_factor[pool] * truth.handler_damage[handler]
    draw = random.random(len(pool))
    cut = np.cumsum(setting.theta)
    which = random.random(len(pool))
    taken = np.where(courier, FAKE, WHOLE)
    stolen = np.where(which < cut[0], SUBSTITUTED, np.where(which < cut[1], EMPTIED, taken))
    event = np.full(len(pool), CLEAN)
    event[draw < theft + loss + damage] = DAMAGED
    event[draw < theft + loss] = LOST
    return np.where(draw < theft, stolen, event)


def _dwell(
    setting: Setting,
    network: Network,
    truth: Truth,
    pool: Ints,
    *,
    shift: Ints,
    slow: Bools,
    random: np.random.Generator,
) -> Floats:
    centre = np.log(np.array(setting.dwell_median_h))[network.pool_step[pool]]
    centre = centre + truth.dwell_offset[network.pool_site[pool], shift]
    draw = random.normal(0, 1, len(pool))
    clean, theft = setting.dwell_sd * draw, setting.dwell_shift + setting.dwell_theft_sd * draw
    return np.asarray(np.exp(centre + np.where(slow, theft, clean)))
