"""Chains to reason about: eight plain segments, with whatever evidence a test puts on them."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from custody.investigation.docket import Docket, make_docket
from custody.investigation.frame import make_frame
from custody.investigation.infer import run
from custody.investigation.params import Params
from custody.investigation.passage import (
    NO_HISTORY,
    Checkpoint,
    Complaint,
    Dispute,
    Pin,
    Segment,
    Step,
    step_of,
)
from custody.investigation.result import Inference
from custody.kernel.clock import HOUR_MS
from simulators.fleet.setting import WORLDS
from simulators.fleet.world import World, make_world

SHORT = ("pack", "dock", "linehaul", "hub_in", "hub_sort", "linehaul", "depot", "courier")
LONG = (*SHORT[:6], "hub_in", "hub_sort", "linehaul", "depot", "courier")
SITES = {
    Step.PACK: "warehouse",
    Step.DOCK: "warehouse",
    Step.LINEHAUL: "road",
    Step.HUB_IN: "hub",
    Step.HUB_SORT: "hub",
    Step.DEPOT: "depot",
    Step.COURIER: "depot",
}
HOURS = 5.0

MakeDispute = Callable[..., Dispute]


def make_dispute(
    *,
    steps: tuple[str, ...] = SHORT,
    name: str = "d1",
    masses: dict[int, float] | None = None,
    hours: dict[int, float | None] | None = None,
    photos: dict[int, bool] | None = None,
    seals: dict[int, object] | None = None,
    **changes: object,
) -> Dispute:
    """A plain chain, five hours a segment; dictionaries put readings on checkpoints; `hours` None misses a scan."""
    times = {place: place * HOURS for place in range(len(steps) + 1)} | (hours or {})
    points = []
    for place in range(len(steps) + 1):
        at = times[place]
        point = Checkpoint(scan_ms=None if at is None else round(at * HOUR_MS), mass_g=(masses or {}).get(place))
        if place in (photos or {}):
            point = replace(point, photo=(photos or {})[place])
        if place in (seals or {}):
            point = replace(point, seal=(seals or {})[place])
        points.append(point)
    segments = tuple(
        Segment(step=step_of(word), site=SITES[step_of(word)], shift=place % 3, handler=f"{word}-{place}")
        for place, word in enumerate(steps)
    )
    plain = Dispute(
        id=name,
        high_value=True,
        start_ms=0,
        segments=segments,
        checkpoints=tuple(points),
        declared_mass_g=1000.0,
        item_mass_g=200.0,
        pin=Pin.VERIFIED,
        complaint=Complaint.WRONG_ITEM,
        customer_region="south",
    )
    return replace(plain, **changes)


@pytest.fixture(scope="session")
def dispute() -> MakeDispute:
    """Builds disputes."""
    return make_dispute


@pytest.fixture(scope="session")
def docket_of() -> Callable[..., Docket]:
    """The arrays of disputes without history."""

    def build(*disputes: Dispute) -> Docket:
        return make_docket(disputes, make_frame(NO_HISTORY, disputes))

    return build


@pytest.fixture(scope="session")
def base_world() -> World:
    """A small benchmark world with thieves."""
    return make_world(replace(WORLDS["base"], parcels=40_000), 11)


@pytest.fixture(scope="session")
def base_result(base_world: World) -> Inference:
    """What is believed of it."""
    return run(base_world.fleet, base_world.disputes, Params())
