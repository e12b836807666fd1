"""Scans that should be there and are not.

- handover: two custodians follow each other and nothing was signed between them.
- step: a step of the usual route lies between two seen ones and has no scan.
- place: a release names the place it sends the parcel to (destinationList, type location), yet the parcel is scanned
  elsewhere and given on from there. A place that nobody names is unknown, not missed.
"""

from collections.abc import Iterator
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
    for release, onward, codes in _sent_on_backwards(present):
        expected = None if release.digest in cancelled else _missed(release, codes)
        if expected is None:
            continue
        about = (release.index, onward.index)
        sentence = (
            f"Index {about[0]} sent the parcel to {expected.rpartition('/')[2]}, where nobody scanned it before "
            f"index {about[1]}."
        )
        gaps.append(
            Gap(kind="place", after_index=about[0], before_index=about[1], expected=expected, sentence=sentence)
        )
        findings.append(Finding(kind=FindingKind.PLACE_UNEXPECTED, sentence=sentence, indices=about))
    return tuple(reversed(gaps)), tuple(reversed(findings))


def _sent_on_backwards(present: list[Entry]) -> Iterator[tuple[Entry, Entry, set[str]]]:
    """Each release with the scan by which the parcel is given on from another site, and the places until then.

    It is one of the two nearest ones of two sites. The places are those of the moment: they go on growing.
    """
    near: Entry | None = None
    far: Entry | None = None
    of_near, of_far = set[str](), set[str]()
    for entry in reversed(present):
        gives, here = is_release(entry) or is_delivery(entry), _codes(entry)
        same = near is not None and near.station.site == entry.station.site
        onward, codes = (far, of_far) if same else (near, of_near)
        if onward is not None and is_release(entry):
            yield entry, onward, codes
        of_near |= here
        of_far |= here
        if gives:
            if not same:
                far, of_far = near, of_near
            near, of_near = entry, set(here)


def _missed(release: Entry, codes: set[str]) -> str | None:
    """The place the release named if the scans after it stand elsewhere; None if it was reached or cannot be told."""
    from_places, to_places = release.event.parties("location")
    due = {code: key for key in sorted(to_places) if (code := place_code(key)) is not None}
    origin = {place_code(key) for key in from_places} | _codes(release)
    if not due or any(code in codes for code in due) or all(code in origin for code in codes):
        return None
    return min(due.values())


def _codes(entry: Entry) -> set[str]:
    event, station = entry.event, entry.station
    keys = (event.read_point, event.biz_location, station.site, station.place)
    return {code for key in keys if key is not None and (code := place_code(key)) is not None}
