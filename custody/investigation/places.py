"""Links of a chain in words: what is done there, and where; and what may have happened outside all links."""

from collections.abc import Mapping

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
REST_WORDS: Mapping[str, str] = {
    "ORIGIN": "already wrong before the first scan",
    "AFTER": "after hand-over, by somebody who was not meant to have it",
    "NO_ANOMALY": "not in our data: we found nothing unusual in our records",
}


def place_of(segment: Segment) -> str:
    """A segment in words."""
    return f"{_WORK[segment.step]} at {segment.site}"
