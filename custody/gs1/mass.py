"""Mass readings in one unit: grams.

EPCIS writes a weighing as a sensorReport of type Mass with a value and a UN/CEFACT Recommendation 20 unit code.
"""

from collections.abc import Mapping

GRAMS_PER_UNIT: Mapping[str, float] = {
    "KGM": 1_000.0,  # kilogram
    "GRM": 1.0,  # gram
    "MGM": 0.001,  # milligram
    "TNE": 1_000_000.0,  # tonne
    "LBR": 453.59237,  # pound
    "ONZ": 28.349523125,  # ounce
}


MOST = 1e9
"""No reading is larger, in any unit: no scale shows more, and what is known of a parcel stays a finite number."""


def to_grams(value: float, unit: str) -> float | None:
    """Grams, to the microgram; None for a unit that is not one of mass above, and for a number that is no weighing."""
    factor = GRAMS_PER_UNIT.get(unit)
    return None if factor is None or not -MOST <= value <= MOST else round(value * factor, 6)
