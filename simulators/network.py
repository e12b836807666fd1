"""A whole simulated network, played against a running service over HTTP.

`play` does what the world outside does before a story begins: stations enrol, the seller registers orders, a few
handsets are enrolled, and every scan of the past is posted in order of time, in batches, as stations do that were
offline. What it returns knows the truth, so that a story can be told and its ending checked.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from custody.kernel.clock import DAY_MS, Instant
from simulators.client import ServiceClient
from simulators.customer import Report, contact_of, report_of
from simulators.geography import Geography, Workplace, build_geography
from simulators.handset import Enrolment, enrol_handset
from simulators.history import Past, PastConfig, default_habits, make_past
from simulators.parcel import Kind, Parcel
from simulators.record import make_stations, record
from simulators.station import Answer, Signed, Station, post_batch
from simulators.thief import Thief, hire

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""

CALLERS = 8
DISPUTED = (Kind.SUBSTITUTED, Kind.LOST, Kind.DAMAGED, Kind.TAKEN_AFTER)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThiefConfig:
    """Where the thief works and how much he takes; `link` is a short name such as `hub-1/hub_sort`."""

    link: str = "hub-1/hub_sort"
    shift: int | None = None
    rate: float = 0.5
    least: int = 10
    most: int = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConfig:
    """A world: its size, its past and its thief (None: an honest world)."""

    past: PastConfig
    warehouses: int = 1
    hubs: int = 2
    depots: int = 4
    thief: ThiefConfig | None = ThiefConfig()
    bystanders: int = 2
    batch: int = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What was played and what is true. `handsets` are by order reference."""

    config: NetworkConfig
    geography: Geography
    past: Past
    thief: Thief | None
    stations: Mapping[str, Station]
    scans: Sequence[Signed]
    results: Mapping[str, int]
    flags: Mapping[str, int]
    handsets: Mapping[str, Enrolment] = field(default_factory=dict)

    @property
    def link(self) -> Workplace | None:
        """The link where the thief works."""
        return None if self.thief is None else self.thief.link

    @property
    def main(self) -> Report:
        """The story's own report: a handset swapped by the thief."""
        return report_of(self.past.main or self.past.late_find)

    @property
    def late_find(self) -> Report:
        """The report of the customer who will find the handset after all."""
        return report_of(self.past.late_find)

    @property
    def earlier(self) -> tuple[Report, ...]:
        """The reports before the story's own, oldest delivery first: the thief's other parcels and honest mishaps."""
        told = [parcel for parcel in self.past.parcels if parcel.fate.kind in DISPUTED and parcel != self.past.main]
        return tuple(report_of(parcel) for parcel in sorted(told, key=lambda parcel: parcel.delivered_ms))

    def parcel(self, order: str) -> Parcel:
        """The parcel of an order."""
        return next(parcel for parcel in self.past.parcels if parcel.order == order)


def small_world(*, seed: int, now_ms: Instant, thief: ThiefConfig | None = None) -> NetworkConfig:
    """The default world, ending now."""
    return NetworkConfig(past=PastConfig(seed=seed, end_ms=now_ms), thief=thief or ThiefConfig())


def links_of(config: NetworkConfig) -> tuple[str, ...]:
    """The short names of all links of such a world, for `--thief-at`."""
    return tuple(_geography(config).links)


def imagine(config: NetworkConfig) -> World:
    """The whole world without a service: nothing is posted."""
    geography = _geography(config)
    thief = None if config.thief is None else _hire(geography, config.thief, config.past.end_ms)
    past = make_past(config.past, geography, thief)
    stations = make_stations(geography, seed=config.past.seed)
    scans = record(past, config.past, geography, stations, habits=default_habits(thief))
    return World(
        config=config,
        geography=geography,
        past=past,
        thief=thief,
        stations=stations,
        scans=scans,
        results={},
        flags={},
    )


def play(config: NetworkConfig, supervisor: ServiceClient, progress: Progress) -> World:
    """Imagine the world and tell the service all of it; `supervisor` carries a supervisor's session."""
    progress("imagining the world", 0, 1)
    world = imagine(config)
    progress("imagining the world", 1, 1)
    _enrol_stations(world, supervisor, progress)
    _register_orders(world, supervisor, progress)
    handsets = _enrol_handsets(world, supervisor, progress)
    answers = _post(world, supervisor.as_caller(""), progress)
    results = Counter(answer.result for answer in answers)
    flags = Counter(flag["code"] for answer in answers for flag in answer.body.get("flags", ()))
    return replace(world, handsets=handsets, results=results, flags=flags)


def play_more(
    world: World, config: PastConfig, supervisor: ServiceClient, progress: Progress, *, handsets: int
) -> World:
    """More parcels in a network that was played: its own stations scan them, and so many handsets are enrolled."""
    past = make_past(config, world.geography, None)
    scans = record(past, config, world.geography, world.stations, habits=default_habits(None))
    setting = replace(world.config, past=config, bystanders=handsets)
    more = replace(world, config=setting, past=past, scans=scans, thief=None)
    _register_orders(more, supervisor, progress)
    enrolled = _enrol_handsets(more, supervisor, progress)
    _post(more, supervisor.as_caller(""), progress)
    return replace(more, handsets=enrolled)


def order_body(parcel: Parcel) -> dict[str, Any]:
    """The seller's own record of an order."""
    return {
        "order": parcel.order,
        "imei": parcel.unit.imei,
        "product": parcel.unit.model.gtin,
        "item_mass_g": parcel.unit.model.mass_g,
        "customer": {"contact": contact_of(parcel), "region": parcel.region},
        "price_pence": parcel.unit.model.price_pence,
        "paid_by": "credit_card",
    }


def _geography(config: NetworkConfig) -> Geography:
    return build_geography(warehouses=config.warehouses, hubs=config.hubs, depots=config.depots)


def _hire(geography: Geography, config: ThiefConfig, end_ms: Instant) -> Thief:
    return hire(
        geography.link(config.link),
        at_ms=end_ms - 4 * DAY_MS,
        shift=config.shift,
        rate=config.rate,
        least=config.least,
        most=config.most,
    )


def _enrol_stations(world: World, supervisor: ServiceClient, progress: Progress) -> None:
    origin = str(supervisor.get("/v1/log")["origin"])
    nobody = supervisor.as_caller("")
    stations = list(world.stations.values())
    for done, station in enumerate(stations):
        progress("enrolling stations", done, len(stations))
        token = station.announce(supervisor)
        station.enrol(nobody, token, origin=origin, at_ms=world.config.past.end_ms)
    progress("enrolling stations", len(stations), len(stations))


def _register_orders(world: World, supervisor: ServiceClient, progress: Progress) -> None:
    bodies = [order_body(parcel) for parcel in world.past.parcels]
    with ThreadPoolExecutor(CALLERS) as callers:
        for done, _ in enumerate(callers.map(lambda body: supervisor.post("/v1/orders", body), bodies)):
            progress("registering orders", done + 1, len(bodies))


def _enrol_handsets(world: World, supervisor: ServiceClient, progress: Progress) -> dict[str, Enrolment]:
    wanted = [parcel for parcel in (world.past.main, world.past.late_find) if parcel is not None]
    calm = [parcel for parcel in world.past.of_kind(Kind.INTACT) if parcel not in wanted]
    wanted += calm[: world.config.bystanders]
    enrolled: dict[str, Enrolment] = {}
    for done, parcel in enumerate(wanted):
        enrolled[parcel.order] = enrol_handset(supervisor, parcel.unit, seed=f"{world.config.past.seed}")
        progress("enrolling handsets", done + 1, len(wanted))
    return enrolled


def _post(world: World, client: ServiceClient, progress: Progress) -> list[Answer]:
    answers: list[Answer] = []
    for start in range(0, len(world.scans), world.config.batch):
        progress("posting scans", start, len(world.scans))
        answers += post_batch(client, world.scans[start : start + world.config.batch])
    progress("posting scans", len(world.scans), len(world.scans))
    return answers
