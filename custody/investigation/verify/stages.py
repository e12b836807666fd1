"""What there was to read of a parcel up to each moment of the log, newest first.

Scans came when the log took them, or their opening; attestations when the log took them, and they counted until their
verifier's key came into doubt. An investigation read the log up to one of these moments; what one entry brought, such
as the scans of a batch, was there together or not at all.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from operator import itemgetter
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


def stages(
    scans: Collection[SealedScan], told: Iterable[Attested], opened: Mapping[Any, int], *, before: int | None
) -> Iterator[Stage]:
    """The stages of a parcel, newest first; `opened` says which entry tells that the opening of a scan came late.

    What came after the entry `before`, where there is one, was there at none of them.
    """
    moments: list[tuple[int, Came]] = [(opened.get(scan.index, scan.index), scan) for scan in scans]
    digests = {scan.digest for scan in scans}
    for each in told:
        if each.scan in digests and each.doubted_at != each.index:
            moments.append((each.index, each))
            if each.doubted_at is not None:
                moments.append((each.doubted_at, Doubt(index=each.doubted_at, said=each.index)))
    moments.sort(key=itemgetter(0))
    came = [each for _, each in moments]
    for count in range(sum(before is None or since < before for since, _ in moments), 0, -1):
        if count < len(moments) and moments[count][0] == moments[count - 1][0]:
            continue
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
