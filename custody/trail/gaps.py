"""Scans that should be there and are not.

- handover: two custodians follow each other and nothing was signed between them.
- step: a step of the usual route lies between two seen ones and has no scan.
- place: a release names the place it sends the parcel to (destinationList, type location), yet the parcel is scanned
  elsewhere and given on from there. A place that nobody names is unknown, not missed.
"""

from dataclasses import dataclass
from typing import Literal

from custody.trail.arrange import Entry
from custody.trail.finding import Finding, FindingKind
from custody.trail.names import place_code
from custody.trail.runs import Run, is_delivery, is_release


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A scan that should be there, between two that are."""

    kind: Literal["handover", "step", "place"]
    after_index: int
    before_index: int
    expected: str
    sentence: str


def unscanned_places(runs: list[Run], cancelled: frozenset[bytes]) -> tuple[tuple[Gap, ...], tuple[Finding, ...]]:
    """Places that a release named and where nobody scanned the parcel before it went on."""
    gaps = []
    findings = []
    present = [entry for run in runs for entry in run.entries]
    for at, release in enumerate(present):
        if not is_release(release) or release.digest in cancelled:
            continue
        later = present[at + 1 :]
        onward = next((place for place, entry in enumerate(later) if _gives_on(entry, release)), None)
        expected = _missed(release, later[: onward + 1]) if onward is not None else None
        if onward is None or expected is None:
            continue
        about = (release.index, later[onward].index)
        sentence = (
            f"Index {about[0]} sent the parcel to {expected.rpartition('/')[2]}, where nobody scanned it before "
            f"index {about[1]}."
        )
        gaps.append(
            Gap(kind="place", after_index=about[0], before_index=about[1], expected=expected, sentence=sentence)
        )
        findings.append(Finding(kind=FindingKind.PLACE_UNEXPECTED, sentence=sentence, indices=about))
    return tuple(gaps), tuple(findings)


def _missed(release: Entry, until_onward: list[Entry]) -> str | None:
    """The place the release named if the scans after it stand elsewhere; None if it was reached or cannot be told."""
    from_places, to_places = release.event.parties("location")
    due = {code: key for key in sorted(to_places) if (code := place_code(key)) is not None}
    origin = {place_code(key) for key in from_places} | _codes(release)
    codes = {code for entry in until_onward for code in _codes(entry)}
    if not due or due.keys() & codes or not codes - origin:
        return None
    return min(due.values())


def _gives_on(entry: Entry, release: Entry) -> bool:
    """Whether the parcel is given on from another site."""
    return (is_release(entry) or is_delivery(entry)) and entry.station.site != release.station.site


def _codes(entry: Entry) -> set[str]:
    event, station = entry.event, entry.station
    keys = (event.read_point, event.biz_location, station.site, station.place)
    return {code for key in keys if key is not None and (code := place_code(key)) is not None}
