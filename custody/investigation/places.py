"""Links of a chain in words: what is done there, and where; and what may have happened outside all links."""

import re
from collections.abc import Mapping, Sequence

from custody.investigation.passage import Segment, Step

_WORK = {
    Step.PACK: "packing",
    Step.DOCK: "the dock",
    Step.LINEHAUL: "linehaul",
    Step.HUB_IN: "unloading",
    Step.HUB_SORT: "sorting",
    Step.DEPOT: "the depot",
    Step.COURIER: "the courier's round",
}
_TIMES = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_SAID_TIME = re.compile(rf" \((?:the (?:{'|'.join(_TIMES)}) time|time [0-9]+)\)\Z")
REST_WORDS: Mapping[str, str] = {
    "ORIGIN": "already wrong before the first scan",
    "AFTER": "after hand-over, by somebody who was not meant to have it",
    "NO_ANOMALY": "not in our data: we found nothing unusual in our records",
}


def place_of(segment: Segment) -> str:
    """A segment in words."""
    return f"{_WORK[segment.step]} at {segment.site}"


def coded_place(segment: Segment) -> str:
    """A segment by the code of its step."""
    return f"{segment.step} at {segment.site}"


def own_place(segment: Segment) -> str:
    """A segment by the code of its step and the own key of its site, whatever people call it."""
    return f"{segment.step} at {segment.site_key or segment.site}"


def places_of(segments: Sequence[Segment]) -> list[str]:
    """Each segment in words; of those that are called the same, with which time it was."""
    return with_times([place_of(segment) for segment in segments])


def with_times(named: Sequence[str]) -> list[str]:
    """The places; those that stand there several times with which time it was."""
    return [
        f"{place} ({_time(named[:at].count(place))})" if named.count(place) > 1 else place
        for at, place in enumerate(named)
    ]


def without_time(named: str) -> str:
    """What ends with a place, without which time it was."""
    return _SAID_TIME.sub("", named)


def _time(before: int) -> str:
    return f"the {_TIMES[before]} time" if before < len(_TIMES) else f"time {before + 1}"
