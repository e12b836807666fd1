"""Whom the chain of an investigation names by a small world's scans, and a parcel that is gone with a courier."""

from custody.investigation.passage import Step
from custody.investigation.read_passage import ParcelWay
from custody.trail.sealed import SealedScan
from tests.rooms.trail.world import JOURNEY, World


def handlers(way: ParcelWay) -> set[str | None]:
    return {stay.handler for stay in way.stays if stay.step is Step.COURIER}


def standings(world: World, *scans: SealedScan) -> list[str]:
    told = {entry.digest: str(entry.standing) for entry in world.trail().entries}
    return [told[sealed.digest] for sealed in scans]


def names(event_id: str | None) -> dict[str, object]:
    return {"bizTransactionList": [{"type": "upevt", "bizTransaction": event_id}]}


def by_name(sealed: SealedScan) -> dict[str, object]:
    return names(sealed.event.event_id)


def gone_with(**how: object) -> tuple[World, SealedScan, SealedScan]:
    """A courier takes a parcel over, and nothing is heard of it again; the depot's release and the acceptance."""
    world = World()
    world.pack()
    for giver, taker in JOURNEY[:-1]:
        world.hand(giver, taker)
    given = world.release("depot-2")
    return world, given, world.accept("courier-7", given, **{"wl:handler": "h-7", **how})
