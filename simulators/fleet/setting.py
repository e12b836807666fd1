"""Settings of a simulated world, and the named worlds that benchmarks use.

Rates are chances per parcel-segment, except mispick and porch (per parcel). Every figure is the truth of a made-up
world; nothing here was measured on real parcels.
"""

from dataclasses import dataclass, replace

from custody.investigation.params import TYPICAL_COMPLAINTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a world is like; the defaults are the base world."""

    parcels: int = 100_000
    days: float = 63.0
    high_value: float = 0.3
    thieves: int = 5
    thief_low: float = 0.01
    thief_high: float = 0.06
    ring_chance: float = 0.3
    ring_rate: float = 0.004
    theft: float = 3e-5
    kappa: float = 0.10
    loss: tuple[float, ...] = (3e-5, 5e-5, 5e-5, 8e-5, 12e-5, 8e-5, 8e-5)
    damage: tuple[float, ...] = (5e-5, 8e-5, 10e-5, 10e-5, 20e-5, 8e-5, 20e-5)
    spread: float = 0.5
    mispick: float = 1.5e-4
    porch: float = 1.5e-3
    reported: float = 0.95
    intact_share: float = 0.10
    clustered: float = 0.0
    cluster_routes: int = 6
    theta: tuple[float, float, float] = (0.5, 0.25, 0.25)
    missed: float = 0.05
    missed_delivery: float = 0.02
    missed_spread: float = 0.0
    missed_theft: float = 0.30
    dwell_median_h: tuple[float, ...] = (4.0, 3.0, 8.0, 2.0, 4.0, 8.0, 5.0)
    dwell_sd: float = 0.4
    dwell_spread: float = 0.0
    dwell_shift: float = 0.7
    dwell_theft_sd: float = 0.55
    photo: float = 0.5
    photo_theft: float = 0.25
    seal_read: float = 0.3
    seal_clean: float = 0.004
    seal_theft: float = 0.45
    seal_damage: float = 0.30
    seal_mispick: float = 0.02
    weighed: float = 0.15
    weighed_pack: float = 0.50
    weighed_also: tuple[str, ...] = ()
    swap_sd_g: float = 30.0
    pin: float = 0.8
    pin_fake: float = 0.05
    knows_baselines: bool = True
    complaints: tuple[tuple[float, ...], ...] = TYPICAL_COMPLAINTS


BASE = Setting()
_WEAK = replace(BASE, parcels=200_000, thief_low=0.003, thief_high=0.01)
_UNTIDY = replace(BASE, missed_spread=0.7, dwell_spread=0.35)


def without_thieves(setting: Setting) -> Setting:
    """The same world with nobody hot."""
    return replace(setting, thieves=0, ring_chance=0.0)


WORLDS: dict[str, Setting] = {
    "base": BASE,
    "nothief": without_thieves(BASE),
    "false0": replace(BASE, intact_share=0.0),
    "false5": replace(BASE, intact_share=0.05),
    "false20": replace(BASE, intact_share=0.20),
    "nothief_false20": without_thieves(replace(BASE, intact_share=0.20)),
    "cluster20": replace(BASE, intact_share=0.20, clustered=0.6),
    "nothief_cluster20": without_thieves(replace(BASE, intact_share=0.20, clustered=0.6)),
    "weigh05": replace(BASE, weighed=0.05),
    "weigh30": replace(BASE, weighed=0.30),
    "weigh100": replace(BASE, weighed=1.0, weighed_pack=1.0),
    "neutral": replace(BASE, swap_sd_g=3.0),
    "thieves2": replace(BASE, thieves=2),
    "thieves10": replace(BASE, thieves=10),
    "n50k": replace(BASE, parcels=50_000),
    "n200k": replace(BASE, parcels=200_000),
    "n1M": replace(BASE, parcels=1_000_000),
    "weak": _WEAK,
    "stealthy": replace(BASE, missed_theft=0.05, photo_theft=0.5, dwell_shift=0.0, dwell_theft_sd=0.4),
    "het1": replace(BASE, spread=1.0),
    "beh_own": _UNTIDY,
    "beh_global": replace(_UNTIDY, knows_baselines=False),
    "nothief_beh_global": without_thieves(replace(_UNTIDY, knows_baselines=False)),
}
