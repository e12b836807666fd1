"""A thief at one link, who swaps handsets for something of the same mass.

The marks are those of a careful insider: the substitute misses the handset's mass by a few grams only, so weighing
shows nothing; the stay takes longer; the opening scan of the stay is missing more often; fewer photos are taken; and
the seal, closed again, looks wrong to some of those who read it later.

He takes only from high-value parcels that he holds himself, in one shift only if a shift is given, each with the chance
`rate`, but at least `least` and at most `most` of them.
"""

from dataclasses import dataclass

from custody.kernel.clock import DAY_MS, Instant
from custody.kernel.errors import Rejected
from simulators.geography import SHIFT_MS, SHIFTS, Workplace, shift_of
from simulators.parcel import Stay


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How a theft shows, or does not."""

    mass_sd_g: float = 3.0
    missed_scan: float = 0.30
    photo: float = 0.25
    seal_noticed: float = 0.45
    longer_log: float = 0.70
    longer_sd: float = 0.55


@dataclass(frozen=True, slots=True, kw_only=True)
class Thief:
    """Who, where, how often."""

    link: Workplace
    handler: str
    shift: int | None = None
    rate: float = 0.5
    least: int = 10
    most: int = 12
    habits: Habits = Habits()

    def holds(self, stay: Stay) -> bool:
        """Whether the thief has the parcel in hand during this stay."""
        here = stay.link.name == self.link.name and stay.handler == self.handler
        return here and self.shift in {None, shift_of(stay.opens_ms)}

    def could_work(self, opens_ms: Instant) -> bool:
        """Whether the thief may be on duty then, in the shift he steals in."""
        return self.handler in self.link.roster(opens_ms) and self.shift in {None, shift_of(opens_ms)}


def hire(
    link: Workplace,
    *,
    at_ms: Instant,
    shift: int | None = None,
    rate: float = 0.5,
    least: int = 10,
    most: int = 12,
    habits: Habits | None = None,
) -> Thief:
    """One of the link's crew turns thief: the first, or with a shift who works it at that time.

    Raises `Rejected("thief")` for figures that make no sense.
    """
    if not (0 <= rate <= 1 and 0 <= least <= most and (shift is None or shift in range(SHIFTS))):
        raise Rejected(
            "thief",
            f"rate {rate}, least {least}, most {most}, shift {shift} do not describe a thief",
            fix="Use a rate from 0 to 1, least <= most, and no shift or 0, 1 or 2.",
        )
    working = link.crew if shift is None else link.roster(at_ms - at_ms % DAY_MS + shift * SHIFT_MS)
    return Thief(
        link=link, handler=working[0], shift=shift, rate=rate, least=least, most=most, habits=habits or Habits()
    )
