"""Links of a chain in words: what is done there, and where."""

from custody.investigation.values import Segment, Step

_WORK = {
    Step.PACK: "packing",
    Step.DOCK: "the dock",
    Step.LINEHAUL: "linehaul",
    Step.HUB_IN: "unloading",
    Step.HUB_SORT: "sorting",
    Step.DEPOT: "the depot",
    Step.COURIER: "the courier's round",
}


def place_of(segment: Segment) -> str:
    """A segment in words."""
    return f"{_WORK[segment.step]} at {segment.site}"
