"""How a probability is said: in whole per cents, and never as none or as certain."""


def percent(probability: float) -> str:
    """A whole per cent, never 0 % or 100 %."""
    whole = round(100 * probability)
    if whole < 1:
        return "under 1 %"
    return "over 99 %" if whole > 99 else f"{whole} %"


def percent_short_of(probability: float, wanted: float) -> str:
    """As `percent`, of what is not enough: rounding never says that it is."""
    told, enough = percent(probability), percent(wanted)
    return f"just under {enough}" if told == enough else told
