"""Every number of the model, and where it comes from.

Sources: `default` (installed before anything is known), `clean` (measured on undisputed parcels), `operator`
(supplied; inference never changes it), `learned` (by expectation-maximisation over the disputes).

Rates of theft, loss and damage are chances per parcel-segment; mispick and porch are chances per parcel, porch per
parcel handed over without a PIN. `intact_most` bounds the share of NO_ANOMALY before a dispute's own evidence; one is
no bound. `theta` shares the thefts: substituted, emptied, taken whole or fake delivery.
Rows of `complaint_table` follow `TABLE_ROWS`, columns follow `COMPLAINTS`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any

import numpy as np

from custody.investigation.passage import COMPLAINTS, STEPS
from custody.kernel.errors import Rejected


class Source(StrEnum):
    """Where a number comes from."""

    DEFAULT = "default"
    CLEAN = "clean"
    OPERATOR = "operator"
    LEARNED = "learned"


FAMILIES = ("scans", "dwell", "weight", "seal", "complaint", "attach", "photo", "recovered", "pin")
MOST, MOST_GRID_POINTS = 1e9, 100
"""No number is larger: whoever checks a pack takes its numbers from a stranger, and must not work longer for them."""

TABLE_ROWS = ("substituted", "emptied", "whole", "fake", "lost", "damaged", "origin", "after", "no_anomaly")

_TYPICAL_COMPLAINTS = (
    (0.93, 0.05, 0.00, 0.02),
    (0.05, 0.93, 0.00, 0.02),
    (0.00, 0.02, 0.98, 0.00),
    (0.00, 0.02, 0.98, 0.00),
    (0.00, 0.02, 0.98, 0.00),
    (0.02, 0.03, 0.00, 0.95),
    (0.85, 0.15, 0.00, 0.00),
    (0.00, 0.02, 0.98, 0.00),
    (0.20, 0.25, 0.40, 0.15),
)


def softened(table: tuple[tuple[float, ...], ...], by: float) -> tuple[tuple[float, ...], ...]:
    """The table with `by` added to every cell and each row brought back to one."""
    rows = []
    for row in table:
        total = sum(row) + by * len(row)
        rows.append(tuple((cell + by) / total for cell in row))
    return tuple(rows)


TYPICAL_COMPLAINTS = _TYPICAL_COMPLAINTS
DEFAULT_COMPLAINTS = softened(_TYPICAL_COMPLAINTS, 0.03)


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """The numbers; see the module's page. `off` leaves evidence families out; `caps` bounds what one may say."""

    background: tuple[float, ...] = (5e-5,) * 7
    kappa: float = 0.20
    loss: tuple[float, ...] = (7e-5,) * 7
    damage: tuple[float, ...] = (1e-4,) * 7
    mispick: float = 3e-4
    porch: float = 1e-3
    intact_share: float = 0.05
    intact_most: float = 0.25
    theta: tuple[float, float, float] = (1 / 3, 1 / 3, 1 / 3)
    alone_hazard: float = 2e-4
    dispute_rate: float = 3e-3
    reported: float = 0.95

    missed_scan: float = 0.05
    missed_delivery: float = 0.02
    psi: float = 0.20
    dwell_median_h: tuple[float, ...] = (4.0, 3.0, 8.0, 2.0, 4.0, 8.0, 5.0)
    dwell_sd: float = 0.40
    dwell_shift: float = 0.50
    dwell_theft_sd: float = 0.60
    photo: float = 0.50
    photo_theft: float = 0.40
    seal_clean: float = 0.004
    seal_theft: float = 0.60
    seal_damage: float = 0.20
    seal_mispick: float = 0.02
    pin: float = 0.80
    pin_fake: float = 0.05

    declared_sd_g: float = 8.0
    scale_sd_g: float = 5.0
    outlier_sd_g: float = 60.0
    outlier_share: float = 0.01
    swap_sd_g: float = 40.0
    swap_neutral_sd_g: float = 5.0
    swap_neutral_share: float = 0.30
    emptied_sd_g: float = 25.0
    mispick_sd_g: float = 100.0
    unknown_item_g: float = 200.0
    unknown_item_sd_g: float = 100.0

    attach_theft: float = 0.50
    attach_intact: float = 0.50
    attach_damaged: float = 0.30
    attach_lost: float = 0.05
    attach_origin: float = 0.02
    attach_theft_tau_h: float = 96.0
    attach_intact_tau_h: float = 24.0
    attach_slow_tau_h: float = 240.0
    attach_theft_home: float = 0.40
    attach_after_home: float = 0.60
    attach_intact_home: float = 0.95
    regions: int = 8
    recovered: float = 0.05
    complaint_table: tuple[tuple[float, ...], ...] = DEFAULT_COMPLAINTS

    hot_handlers: float = 0.012
    hot_site_shifts: float = 0.010
    grid_points: int = 12
    grid_low: float = 0.002
    grid_high: float = 0.25
    grid_slope: float = 1.5

    learn: bool = True
    caps: bool = True
    off: frozenset[str] = frozenset()
    sources: Mapping[str, Source] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check(self)

    def source(self, name: str) -> Source:
        """Where the number `name` comes from."""
        return self.sources.get(name, Source.DEFAULT)

    def fixed(self, name: str) -> bool:
        """Whether inference must leave the number alone."""
        return not self.learn or self.source(name) is Source.OPERATOR

    def given(self, source: Source, **numbers: Any) -> "Params":
        """These numbers replaced, and their source noted."""
        unknown = set(numbers) - {item.name for item in fields(self)}
        if unknown:
            raise Rejected("params", f"no number is called {sorted(unknown)}", fix="Use the names of Params.")
        return replace(self, **numbers, sources={**self.sources, **dict.fromkeys(numbers, source)})

    def operator(self, **numbers: Any) -> "Params":
        """Numbers the operator knows: loss, damage, mispick, porch, the complaint table. They are never relearned."""
        return self.given(Source.OPERATOR, **numbers)

    def without(self, *families: str) -> "Params":
        """The same model with evidence families left out."""
        return replace(self, off=self.off | set(families))

    @property
    def grid(self) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """Rates a hot cause may have: log-spaced."""
        return np.geomspace(self.grid_low, self.grid_high, self.grid_points)

    @property
    def grid_weight(self) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """Prior share of each rate: high ones are rarer."""
        weight = np.exp(-self.grid_slope * np.linspace(0.0, 1.0, self.grid_points))
        return np.asarray(weight / weight.sum())


_SHARES = (
    "kappa",
    "intact_share",
    "missed_scan",
    "missed_delivery",
    "psi",
    "photo",
    "photo_theft",
    "seal_clean",
    "seal_theft",
    "seal_damage",
    "seal_mispick",
    "pin",
    "pin_fake",
    "outlier_share",
    "attach_theft",
    "attach_intact",
    "attach_damaged",
    "attach_lost",
    "attach_origin",
    "attach_theft_home",
    "attach_after_home",
    "attach_intact_home",
    "recovered",
    "mispick",
    "porch",
    "hot_handlers",
    "hot_site_shifts",
    "alone_hazard",
    "dispute_rate",
)
_CLOSED_SHARES = frozenset({"kappa", "swap_neutral_share", "attach_theft_home", "attach_after_home"})
_POSITIVE = (
    "dwell_sd",
    "dwell_theft_sd",
    "declared_sd_g",
    "scale_sd_g",
    "outlier_sd_g",
    "swap_sd_g",
    "swap_neutral_sd_g",
    "emptied_sd_g",
    "mispick_sd_g",
    "unknown_item_g",
    "unknown_item_sd_g",
    "attach_theft_tau_h",
    "attach_intact_tau_h",
    "attach_slow_tau_h",
    "reported",
    "grid_low",
    "grid_high",
    "intact_most",
    "regions",
)
_EITHER_SIGN = ("dwell_shift", "grid_slope")
_BY_STEP = ("background", "loss", "damage", "dwell_median_h")


def _check(params: Params) -> None:
    for name in _SHARES:
        value = getattr(params, name)
        inside = 0 <= value <= 1 if name in _CLOSED_SHARES else 0 < value < 1
        if not inside:
            raise _wrong(name, value, "a share between 0 and 1")
    if not 0 <= params.swap_neutral_share < 1:
        raise _wrong("swap_neutral_share", params.swap_neutral_share, "a share from 0 up to, not including, 1")
    for name in (*_POSITIVE, *_EITHER_SIGN):
        value, least = getattr(params, name), -MOST if name in _EITHER_SIGN else 0
        if not least < value <= MOST:
            raise _wrong(name, value, f"a number over {least:g}, up to {MOST:g}")
    for name in _BY_STEP:
        values = getattr(params, name)
        if len(values) != len(STEPS) or not all(0 < value <= MOST for value in values):
            raise _wrong(name, values, f"{len(STEPS)} positive numbers up to {MOST:g}, one a step")
    if abs(sum(params.theta) - 1) > 1e-9 or min(params.theta) <= 0:
        raise _wrong("theta", params.theta, "three positive shares that add up to one")
    if not 2 <= params.grid_points <= MOST_GRID_POINTS or params.grid_high <= params.grid_low:
        raise _wrong("grid_points", params.grid_points, f"2 to {MOST_GRID_POINTS} points, from low to high")
    table = params.complaint_table
    shape = [len(row) for row in table]
    if shape != [len(COMPLAINTS)] * len(TABLE_ROWS) or not all(0 <= cell <= MOST for row in table for cell in row):
        raise _wrong("complaint_table", table, "a row for each cause and a column for each complaint")
    if params.off - set(FAMILIES):
        raise _wrong("off", sorted(params.off), f"families among {', '.join(FAMILIES)}")


def _wrong(name: str, value: Any, wanted: str) -> Rejected:
    return Rejected("params", f"{name} is {value}", fix=f"Give {wanted}.")
