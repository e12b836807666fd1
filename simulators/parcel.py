"""A parcel and what is physically true of it, whatever the scans say.

- The **plan** of a parcel never changes: numbers, masses, route, and its fate (what happens to it, during which stay).
- The **box** changes as the fate is carried out: contents are swapped or broken, a seal is cut, the parcel is gone.
- Masses are grams. The declared mass is what the seller's catalogue computes, so it carries a small error of its own;
  a scale adds noise to the true mass, and once in a while a gross error.
- A tampered seal looks wrong only to a reader who notices: each reading notices with a given chance.
"""

import random
from dataclasses import dataclass
from enum import StrEnum

from custody.kernel.clock import Instant
from simulators.geography import Workplace
from simulators.goods import BoxLabel


class Kind(StrEnum):
    """What really happened to a parcel."""

    INTACT = "intact"
    SUBSTITUTED = "substituted"
    LOST = "lost"
    DAMAGED = "damaged"
    TAKEN_AFTER = "taken_after"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """The time a parcel is held at one link, and by whom."""

    link: Workplace
    handler: str
    opens_ms: Instant
    closes_ms: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What happens, during which stay, and by how much the substitute misses the handset's mass."""

    kind: Kind = Kind.INTACT
    stay: int | None = None
    decoy_error_g: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """The plan of one parcel. Keys are canonical; `seed` names its own stream of random numbers.

    `signed_for`: the courier enters the PIN at the door himself, and has none to enter.
    """

    number: int
    seed: str
    unit: BoxLabel
    order: str
    sscc: str
    shipment: str
    packaging_g: float
    declared_g: int
    seal_number: str
    seal_key: str
    cage: str
    recipient: str
    region: int
    pin: bool
    bench: str
    checker: str
    stays: tuple[Stay, ...]
    fate: Fate = Fate()
    signed_for: bool = False

    @property
    def depot(self) -> str:
        """The site that delivers it."""
        return self.stays[-1].link.site.name

    @property
    def delivered_ms(self) -> Instant:
        """When the courier's stay ends."""
        return self.stays[-1].closes_ms

    @property
    def delivered(self) -> bool:
        """Whether something is handed to the recipient at the end."""
        return self.fate.kind is not Kind.LOST


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """The noise of a weighing."""

    sd_g: float = 5.0
    gross_chance: float = 0.005
    gross_sd_g: float = 60.0


@dataclass(slots=True, kw_only=True)
class Box:
    """The parcel as it lies on the bench."""

    contents_g: float
    packaging_g: float
    holds_unit: bool = True
    cut: bool = False
    broken: bool = False
    gone: bool = False

    def carry_out(self, fate: Fate) -> None:
        """Let the fate happen."""
        if fate.kind is Kind.SUBSTITUTED:
            self.contents_g += fate.decoy_error_g
            self.holds_unit, self.cut = False, True
        elif fate.kind is Kind.DAMAGED:
            self.broken = True
        elif fate.kind is Kind.LOST:
            self.holds_unit, self.gone = False, True

    def weigh(self, scale: Scale, rng: random.Random) -> float:
        """A reading, to the gram."""
        wrong = rng.gauss(0, scale.gross_sd_g) if rng.random() < scale.gross_chance else 0.0
        return float(max(1, round(self.contents_g + self.packaging_g + rng.gauss(0, scale.sd_g) + wrong)))

    def look_at_seal(self, *, noticed: float, by_damage: float, by_error: float, rng: random.Random) -> str:
        """Intact or broken, as the reader sees it; an untouched seal is misread with the chance `by_error`."""
        chance = noticed if self.cut else by_damage if self.broken else by_error
        return "broken" if rng.random() < chance else "intact"


def box_of(parcel: Parcel) -> Box:
    """The parcel as it leaves the packing bench."""
    return Box(contents_g=float(parcel.unit.model.mass_g), packaging_g=parcel.packaging_g)
