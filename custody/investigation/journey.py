"""The grammar of a parcel's journey: which stays must have been between those that were scanned.

    pack dock (linehaul hub_in hub_sort)* linehaul depot courier

A hub scanned at one of its two steps was passed at both; between two sites there was a linehaul; a courier had it from
the depot. What nothing names is left out rather than invented.
"""

from collections.abc import Sequence

import msgspec

from custody.investigation.passage import SealSeen, Step
from custody.kernel.clock import Instant

LINEHAUL_OF = "linehaul from "
MOST_MISSED = 3

_LEAVES = {
    Step.PACK: Step.DOCK,
    Step.DOCK: Step.LINEHAUL,
    Step.HUB_IN: Step.HUB_SORT,
    Step.HUB_SORT: Step.LINEHAUL,
    Step.DEPOT: Step.COURIER,
}
_ARRIVES = {
    Step.HUB_IN: Step.HUB_IN,
    Step.HUB_SORT: Step.HUB_IN,
    Step.DEPOT: Step.DEPOT,
    Step.COURIER: Step.DEPOT,
}


class Stay(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What was recorded of a parcel at one site and step; `at_ms` is None if nothing was.

    `seal` and `mass_g` were read on arrival; `late_seal` is an anomaly that was found after that, and `late_mass_g` the
    last weighing after that. `handled`: a seal was put on or taken off there. `station` is the one that first told of
    the stay, and `index` the lowest log index of its scans: one that comes late has a higher one. `others` are further
    people whom a courier's station named on the same round. `left`: the first that was recorded of it let the parcel
    go, at `at_ms`; nobody scanned its arrival.
    """

    site: str
    step: Step
    station: str | None = None
    at_ms: Instant | None = None
    handler: str | None = None
    photo: bool | None = None
    seal: SealSeen = SealSeen.NOT_READ
    mass_g: float | None = None
    late_seal: SealSeen = SealSeen.NOT_READ
    late_mass_g: float | None = None
    handled: bool = False
    others: tuple[str, ...] = ()
    left: bool = False
    index: int | None = None


def complete(stays: Sequence[Stay]) -> list[Stay]:
    """The stays with those that the grammar of the journey puts between them."""
    complete: list[Stay] = []
    for stay in stays:
        before = complete[-1] if complete else None
        complete += [] if before is None else _between(before, stay)
        complete.append(stay)
    return complete


def _between(before: Stay, stay: Stay) -> list[Stay]:
    """What must have been between two stays; nothing if the grammar does not lead from one to the other."""
    missing: list[Stay] = []
    here = before
    for _ in range(MOST_MISSED + 1):
        following = _after(here, stay)
        if following is None:
            return []
        if (following.step, following.site) == (stay.step, stay.site) or following.step is stay.step is Step.LINEHAUL:
            return missing
        missing.append(following)
        here = following
    return []


def _after(here: Stay, towards: Stay) -> Stay | None:
    """The stay that follows by the grammar, on the way to a later one."""
    if here.step is Step.LINEHAUL:
        arrives = _ARRIVES.get(towards.step)
        return None if arrives is None else Stay(site=towards.site, step=arrives)
    leaves = _LEAVES.get(here.step)
    if leaves is None:
        return None
    site = LINEHAUL_OF + here.site if leaves is Step.LINEHAUL else here.site
    return Stay(site=site, step=leaves)
