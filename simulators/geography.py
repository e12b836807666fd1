"""A small network with real-looking keys: sites, places, stations, custodians, handlers.

- Every GS1 key is issued under a company prefix that begins with 952, which GS1 sets aside for examples, with a right
  check digit.
- A **site** is a GLN; a place inside it has the GLN's extension (AI 254). A **link** is a site and a step: the stretch
  of the chain that one crew holds. A **post** is where one station stands: the packing link has two packing benches
  and a weigh-and-serial bench, every other link has one post.
- Line-haul has a pseudo-site per origin. Hubs and depots lie in regions 0..7, a depot in the region of its hub.
- Handlers are pseudonymous keys (`h-0001`, ...); each belongs to one link. On duty are the members i of a crew with
  (i + turn) mod 3 = shift, and the whole crew if there is none; couriers drive whatever the shift. A turn lasts one day
  unless set otherwise, so that within a few days everybody has worked every shift.
- Shifts last eight hours (UTC), turns count from the epoch.

Short names: `wh-1`, `lh-wh-1`, `hub-1`, `lh-hub-1`, `depot-1` are sites; `hub-1/hub_sort` is a link.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass

from custody.gs1.keys import issue_gln, issue_pgln
from custody.kernel.clock import DAY_MS, HOUR_MS, Instant
from custody.kernel.errors import NotFound
from custody.ledger.statements import Step

SHIFT_MS = 8 * HOUR_MS
SHIFTS = 3
REGIONS = 8

SELLER, HAULIER, CARRIER, DELIVERER, COURIERS = "9521473", "9521474", "9521886", "9521887", "9521888"
"""Company prefixes of the five custodians: warehouse, line-haul, hubs, depots, couriers."""

CREWS: Mapping[Step, int] = {
    Step.PACK: 4,
    Step.DOCK: 3,
    Step.LINEHAUL: 3,
    Step.HUB_IN: 3,
    Step.HUB_SORT: 3,
    Step.DEPOT: 3,
    Step.COURIER: 3,
}
PLACES: Mapping[Step, str] = {
    Step.DOCK: "gate",
    Step.LINEHAUL: "trunk",
    Step.HUB_IN: "intake",
    Step.HUB_SORT: "belt",
    Step.DEPOT: "bay",
    Step.COURIER: "round",
}
"""What the place of a post is called; packing benches are numbered."""

_CUSTODIANS: Mapping[Step, str] = {
    Step.PACK: SELLER,
    Step.DOCK: SELLER,
    Step.LINEHAUL: HAULIER,
    Step.HUB_IN: CARRIER,
    Step.HUB_SORT: CARRIER,
    Step.DEPOT: DELIVERER,
    Step.COURIER: COURIERS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A place with a GLN; `region` is None on the road."""

    name: str
    key: str
    prefix: str
    number: int
    region: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """A site and a step, the crew that works it and the custodian they work for."""

    name: str
    site: Site
    step: Step
    crew: tuple[str, ...]
    custodian: str

    def roster(self, at_ms: Instant) -> tuple[str, ...]:
        """Who may hold a parcel here at that time."""
        if self.step is Step.COURIER:
            return self.crew
        turn, shift = at_ms // DAY_MS, shift_of(at_ms)
        on_duty = tuple(key for place, key in enumerate(self.crew) if (place + turn) % SHIFTS == shift)
        return on_duty or self.crew

    def on_duty(self, at_ms: Instant, rng: random.Random) -> str:
        """One of the roster."""
        return rng.choice(self.roster(at_ms))


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """Where a station stands. `station` is its name in statements and addresses."""

    name: str
    station: str
    link: Workplace
    place: str

    @property
    def step(self) -> Step:
        """The link's step."""
        return self.link.step


@dataclass(frozen=True, slots=True, kw_only=True)
class Geography:
    """The whole network."""

    sites: Mapping[str, Site]
    links: Mapping[str, Workplace]
    posts: Mapping[str, Post]
    hubs: tuple[str, ...]
    depots: tuple[str, ...]
    warehouses: tuple[str, ...]

    def link(self, name: str) -> Workplace:
        """The link of that short name; raises `NotFound("link")` listing the names there are."""
        found = self.links.get(name)
        if found is None:
            raise NotFound("link", f"there is no link {name!r}", fix=f"Use one of: {', '.join(self.links)}.")
        return found

    def post(self, name: str) -> Post:
        """The post of that name; a link with one post gives its own name to it."""
        return self.posts[name]

    def hub_of(self, depot: str) -> str:
        """The hub that feeds a depot."""
        return self.hubs[self.depots.index(depot) % len(self.hubs)]


def build_geography(*, warehouses: int = 1, hubs: int = 2, depots: int = 4) -> Geography:
    """A network of that size; hubs and depots carry the numbers of their regions modulo eight."""
    sites: dict[str, Site] = {}
    for number in range(warehouses):
        _add_site(sites, f"wh-{number + 1}", SELLER, number % REGIONS)
        _add_site(sites, f"lh-wh-{number + 1}", HAULIER, None)
    for number in range(hubs):
        _add_site(sites, f"hub-{number + 1}", CARRIER, number % REGIONS)
        _add_site(sites, f"lh-hub-{number + 1}", HAULIER, None)
    for number in range(depots):
        _add_site(sites, f"depot-{number + 1}", DELIVERER, number % hubs % REGIONS)
    links: dict[str, Workplace] = {}
    for site in sites.values():
        for step in _steps_at(site.name):
            _add_link(links, site, step)
    posts = {post.name: post for link in links.values() for post in _posts_at(link)}
    return Geography(
        sites=sites,
        links=links,
        posts=posts,
        hubs=tuple(f"hub-{number + 1}" for number in range(hubs)),
        depots=tuple(f"depot-{number + 1}" for number in range(depots)),
        warehouses=tuple(f"wh-{number + 1}" for number in range(warehouses)),
    )


def shift_of(at_ms: Instant) -> int:
    """The shift 0, 1 or 2 of a time."""
    return at_ms % DAY_MS // SHIFT_MS


def _add_site(sites: dict[str, Site], name: str, prefix: str, region: int | None) -> None:
    number = 10 + len(sites)
    sites[name] = Site(name=name, key=issue_gln(prefix, number).uri, prefix=prefix, number=number, region=region)


def _steps_at(site: str) -> tuple[Step, ...]:
    kind = site.rpartition("-")[0]
    known = {
        "wh": (Step.PACK, Step.DOCK),
        "hub": (Step.HUB_IN, Step.HUB_SORT),
        "depot": (Step.DEPOT, Step.COURIER),
    }
    return known.get(kind, (Step.LINEHAUL,))


def _add_link(links: dict[str, Workplace], site: Site, step: Step) -> None:
    taken = sum(len(link.crew) for link in links.values())
    name = f"{site.name}/{step}"
    links[name] = Workplace(
        name=name,
        site=site,
        step=step,
        crew=tuple(f"h-{taken + member + 1:04d}" for member in range(CREWS[step])),
        custodian=issue_pgln(_CUSTODIANS[step], 1).uri,
    )


def _posts_at(link: Workplace) -> tuple[Post, ...]:
    if link.step is Step.PACK:
        benches = ("pack-1", "pack-2", "weigh-1")
        return tuple(_post(link, f"{link.site.name}/{bench}", bench) for bench in benches)
    return (_post(link, link.name, PLACES[link.step]),)


def _post(link: Workplace, name: str, word: str) -> Post:
    extension = f"{link.site.name}-{word}".upper()
    return Post(
        name=name,
        station=name.replace("/", "-").replace("_", "-"),
        link=link,
        place=issue_gln(link.site.prefix, link.site.number, extension=extension).uri,
    )
