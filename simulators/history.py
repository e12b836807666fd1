"""What happened in the network before now: parcels, routes, thefts and honest mishaps, all from one seed.

The past spans `days` days and ends at `end_ms`; whatever would lie later has not happened yet. Parcels start evenly
over the span, so that the last ones are still on their way. Then fates are dealt:

1. The thief takes from the parcels he holds. If he holds fewer than he needs, further high-value parcels are led past
   him on his shift.
2. A few honest mishaps happen at other links: parcels lost, a parcel damaged, a parcel taken after hand-over (at a door
   without a PIN).
3. Two parcels carry the story: the **main** one, which the thief took and which was delivered shortly before the end;
   and the **late find**, delivered intact, whose customer first believes it never came. Of the parcels that could be
   the main one a telling one is taken: its stay with the thief was scanned and long, and somebody who read the seal
   later noticed, if anybody read it. A single chain may tell nothing; the story would then end in "needs a check".
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from custody.gs1.keys import issue_giai, issue_grai, issue_gsrn, issue_sscc
from custody.kernel.clock import DAY_MS, HOUR_MS, MINUTE_MS, Instant
from custody.kernel.errors import Fatal
from simulators.geography import DELIVERER, HAULIER, SELLER, Geography, Workplace
from simulators.goods import PLAIN_PHONES, SMARTPHONES, make_unit
from simulators.parcel import Fate, Kind, Parcel
from simulators.route import DWELL_MEDIAN_H, Looking, plan_links, plan_stays, walk
from simulators.thief import Habits, Thief
from simulators.urn import random_urn

FIRST_ORDER = 20_000
OLDEST_MS = 13 * DAY_MS
"""Nothing lies further back: stations may forward what they have stored for fourteen days."""

SLACK_DAYS = 7
"""What a parcel that is led past the thief needs of the past: its way, and days until the thief is on duty."""

MAIN_TURNS = 100

HALF_HOUR_MS = 30 * MINUTE_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Mishaps:
    """How many honest parcels come to grief."""

    lost: int = 3
    damaged: int = 1
    taken_after: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PastConfig:
    """The size and temper of the past; `signed_for`: the courier of the late find signed for its customer."""

    seed: int = 1
    end_ms: Instant
    days: float = 12.0
    parcels: int = 130
    high_value: float = 0.5
    two_hubs: float = 0.4
    pin: float = 0.8
    signed_for: bool = False
    mishaps: Mishaps = Mishaps()
    looking: Looking = field(default_factory=Looking)


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """All parcels; `main` and `late_find` are two of them (the main one only if there is a thief)."""

    parcels: tuple[Parcel, ...]
    late_find: Parcel
    main: Parcel | None

    def of_kind(self, kind: Kind) -> tuple[Parcel, ...]:
        """The parcels with that fate, in order of number."""
        return tuple(parcel for parcel in self.parcels if parcel.fate.kind is kind)


def make_past(config: PastConfig, geography: Geography, thief: Thief | None) -> Past:
    """The past of that seed."""
    span_ms = round(config.days * DAY_MS)
    first_ms = config.end_ms - span_ms
    parcels = [
        plan_parcel(
            config, geography, number, start_ms=first_ms + round(span_ms * (number - 0.5) / (config.parcels + 1))
        )
        for number in range(1, config.parcels + 1)
    ]
    if thief is not None:
        _steal(parcels, config, geography, thief)
    _mishaps(parcels, config, thief)
    number = config.parcels + 1
    late_find = _ending(config, geography, number, before_end_ms=3 * HOUR_MS)
    late_find = replace(late_find, signed_for=config.signed_for)
    main = None
    if thief is not None:
        main = _main(config, geography, thief, number + 1)
    return Past(parcels=(*parcels, late_find, *((main,) if main else ())), late_find=late_find, main=main)


def plan_parcel(
    config: PastConfig,
    geography: Geography,
    number: int,
    *,
    start_ms: Instant,
    via: Workplace | None = None,
    high_value: bool | None = None,
    pin: bool | None = None,
    turn: int = 0,
) -> Parcel:
    """A parcel that nothing has happened to yet, as it is planned; `turn` gives another one of the same number."""
    seed, world = f"{config.seed}/parcel/{number}/{turn}", config.seed % 1000
    rng = random.Random(seed)
    dear = rng.random() < config.high_value if high_value is None else high_value
    unit = make_unit(rng.choice(SMARTPHONES if dear else PLAIN_PHONES), (world % 90 + 10) * 10_000 + number)
    packaging_g = round(rng.uniform(80, 200), 1)
    links = plan_links(geography, rng, two_hubs=config.two_hubs, via=via)
    stays = plan_stays(links, start_ms=start_ms, seed=seed)
    confirms = rng.random() < config.pin
    site = geography.sites[links[-1].site.name]
    return Parcel(
        number=number,
        seed=seed,
        unit=unit,
        order=f"SO-{world}{FIRST_ORDER + number}",
        sscc=issue_sscc(SELLER, world * 1_000_000 + number).uri,
        shipment=random_urn(rng),
        packaging_g=packaging_g,
        declared_g=max(1, round(unit.model.mass_g + packaging_g + rng.gauss(0, 8))),
        seal_number=f"S-{world:03d}{number:06d}",
        seal_key=issue_giai(SELLER, f"SEAL{world:03d}{number:06d}").uri,
        cage=issue_grai(HAULIER, 7, f"CAGE{start_ms // (4 * HOUR_MS) % 40 + 1:03d}").uri,
        recipient=issue_gsrn(DELIVERER, world * 1_000_000 + number).uri,
        region=site.region or 0,
        pin=confirms if pin is None else pin,
        bench=rng.choice(("pack-1", "pack-2")),
        checker=rng.choice([key for key in links[0].crew if key != stays[0].handler]),
        stays=stays,
    )


def _ending(config: PastConfig, geography: Geography, number: int, *, before_end_ms: int) -> Parcel:
    """A high-value parcel that is delivered, intact and with a PIN, that long before the end."""
    probe = plan_parcel(config, geography, number, start_ms=0, high_value=True, pin=True)
    start_ms = config.end_ms - before_end_ms - probe.delivered_ms
    return plan_parcel(config, geography, number, start_ms=start_ms, high_value=True, pin=True)


def _main(config: PastConfig, geography: Geography, thief: Thief, number: int) -> Parcel:
    """The first telling parcel that the thief took, or the last one tried."""
    for turn in range(MAIN_TURNS):
        parcel = _led_past(config, geography, thief, number, before_end_ms=40 * MINUTE_MS, turn=turn)
        if _is_telling(parcel, config, geography, thief):
            break
    return parcel


def _is_telling(parcel: Parcel, config: PastConfig, geography: Geography, thief: Thief) -> bool:
    stay = parcel.stays[parcel.fate.stay or 0]
    acts = walk(parcel, geography, config.looking, habits=thief.habits)
    usual_ms = DWELL_MEDIAN_H[stay.link.step] * HOUR_MS
    scanned = any(act.post.link == stay.link and act.at_ms == stay.opens_ms for act in acts)
    before = {act.seal for act in acts if act.at_ms <= stay.closes_ms} - {None}
    after = {act.seal for act in acts if act.at_ms > stay.closes_ms} - {None}
    noticed = "broken" in after or stay == parcel.stays[-1]
    return scanned and stay.closes_ms - stay.opens_ms > 2 * usual_ms and before <= {"intact"} and noticed


def _led_past(
    config: PastConfig, geography: Geography, thief: Thief, number: int, *, before_end_ms: int, turn: int = 0
) -> Parcel:
    """A high-value parcel that passes the thief on duty, is taken, and is delivered by that long before the end."""
    probe = plan_parcel(config, geography, number, start_ms=0, via=thief.link, high_value=True, pin=True, turn=turn)
    place = next(place for place, stay in enumerate(probe.stays) if stay.link == thief.link)
    slowed = _robbed(probe, place, thief)
    start_ms = config.end_ms - before_end_ms - slowed.delivered_ms
    while start_ms >= config.end_ms - OLDEST_MS:
        if thief.could_work(slowed.stays[place].opens_ms + start_ms):
            moved = plan_parcel(
                config, geography, number, start_ms=start_ms, via=thief.link, high_value=True, pin=True, turn=turn
            )
            robbed = _robbed(moved, place, thief)
            stays = list(robbed.stays)
            stays[place] = replace(stays[place], handler=thief.handler)
            return replace(robbed, stays=tuple(stays))
        start_ms -= HALF_HOUR_MS
    raise Fatal("thief", "the thief is not on duty in this past", fix="Hire him without a shift, or for more days.")


def _steal(parcels: list[Parcel], config: PastConfig, geography: Geography, thief: Thief) -> None:
    rng = random.Random(f"{config.seed}/thief")
    held = [
        (at, place)
        for at, parcel in enumerate(parcels)
        for place, stay in enumerate(parcel.stays)
        if parcel.unit.model.high_value and thief.holds(stay) and parcel.delivered_ms < config.end_ms - DAY_MS
    ]
    taken = [chosen for chosen in held if rng.random() < thief.rate][: thief.most]
    spare = [chosen for chosen in held if chosen not in taken]
    while len(taken) < thief.least and spare:
        taken.append(spare.pop(rng.randrange(len(spare))))
    for at, place in taken:
        parcels[at] = _robbed(parcels[at], place, thief)
    _fetch_more(parcels, thief.least - len(taken), config, geography, thief)


def _fetch_more(parcels: list[Parcel], missing: int, config: PastConfig, geography: Geography, thief: Thief) -> None:
    honest = [
        at
        for at, parcel in enumerate(parcels)
        if parcel.unit.model.high_value and parcel.fate.kind is Kind.INTACT and not any(map(thief.holds, parcel.stays))
    ]
    rng = random.Random(f"{config.seed}/more for the thief")
    spread_ms = max(0, round((config.days - SLACK_DAYS) * DAY_MS))
    for at in honest[: max(0, missing)]:
        before_end_ms = DAY_MS + rng.randrange(spread_ms + 1)
        parcels[at] = _led_past(config, geography, thief, parcels[at].number, before_end_ms=before_end_ms)


def _robbed(parcel: Parcel, place: int, thief: Thief) -> Parcel:
    """The same parcel with its handset swapped during that stay, which takes longer."""
    rng = random.Random(f"{parcel.seed}/theft")
    stays = plan_stays(
        [stay.link for stay in parcel.stays],
        start_ms=parcel.stays[0].opens_ms,
        seed=parcel.seed,
        slowed=place,
        habits=thief.habits,
    )
    fate = Fate(kind=Kind.SUBSTITUTED, stay=place, decoy_error_g=rng.gauss(0, thief.habits.mass_sd_g))
    return replace(parcel, stays=stays, fate=fate)


def _mishaps(parcels: list[Parcel], config: PastConfig, thief: Thief | None) -> None:
    rng = random.Random(f"{config.seed}/mishaps")
    free = [
        at
        for at, parcel in enumerate(parcels)
        if parcel.unit.model.high_value
        and parcel.fate.kind is Kind.INTACT
        and parcel.delivered_ms < config.end_ms - DAY_MS
    ]
    rng.shuffle(free)
    wanted = (
        [Kind.LOST] * config.mishaps.lost
        + [Kind.DAMAGED] * config.mishaps.damaged
        + [Kind.TAKEN_AFTER] * config.mishaps.taken_after
    )
    for kind, at in zip(wanted, free, strict=False):
        parcel = parcels[at]
        if kind is Kind.TAKEN_AFTER:
            parcels[at] = replace(parcel, pin=False, fate=Fate(kind=kind))
        else:
            place = rng.choice(_elsewhere(parcel, thief))
            parcels[at] = replace(parcel, fate=Fate(kind=kind, stay=place))


def _elsewhere(parcel: Parcel, thief: Thief | None) -> Sequence[int]:
    """Stays after packing that are not at the thief's link."""
    return [
        place
        for place, stay in enumerate(parcel.stays)
        if place >= 1 and (thief is None or stay.link.name != thief.link.name)
    ]


def default_habits(thief: Thief | None) -> Habits:
    """The thief's habits, or the usual ones if there is no thief (they then apply to nobody)."""
    return Habits() if thief is None else thief.habits
