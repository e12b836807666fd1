"""What there was to read of a parcel up to each moment of the log, newest first.

Scans came when the log took them, or their opening; attestations when the log took them, and they counted until their
verifier's key came into doubt. An investigation read the log up to one of these moments.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from custody.trail.attested import Attested
from custody.trail.sealed import SealedScan


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """At this entry the key of an attestation came into doubt."""

    index: int
    said: int


Came = SealedScan | Attested | Doubt


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The scans that were there, what verifiers attested as it counted then, and what came later."""

    scans: tuple[SealedScan, ...]
    attested: tuple[Attested, ...]
    later: tuple[Came, ...]

    @property
    def what(self) -> str:
        """What was there, in words."""
        return f"{len(self.scans)} scans" + (f" and {len(self.attested)} attestations" if self.attested else "")


def stages(scans: Iterable[SealedScan], told: Iterable[Attested], opened: Mapping[Any, int]) -> Iterator[Stage]:
    """The stages of a parcel; `opened` says which entry tells that the opening of a scan came late."""
    came: list[Came] = list(scans)
    digests = {each.digest for each in came if isinstance(each, SealedScan)}
    counted = [each for each in told if each.scan in digests and each.doubted_at != each.index]
    came += counted
    came += [Doubt(index=each.doubted_at, said=each.index) for each in counted if each.doubted_at is not None]
    came.sort(key=lambda each: opened.get(each.index, each.index) if isinstance(each, SealedScan) else each.index)
    for count in range(len(came), 0, -1):
        there = came[:count]
        doubted = {each.said for each in there if isinstance(each, Doubt)}
        stage = Stage(
            scans=tuple(sorted((each for each in there if isinstance(each, SealedScan)), key=lambda scan: scan.place)),
            attested=tuple(
                replace(each, doubted_at=None)
                for each in there
                if isinstance(each, Attested) and each.index not in doubted
            ),
            later=tuple(came[count:]),
        )
        if stage.scans:
            yield stage
