"""The way of a small world's parcel, as the chain of an investigation reads it."""

from custody.investigation.passage import Complaint, Dispute, Passage
from custody.investigation.read_before import READINGS
from custody.investigation.read_passage import Network, ParcelWay, passage_of, read_way
from custody.trail.edition import NEWEST, ReadingEdition
from tests.rooms.trail.world import PARCEL, World

EMPTY = Network(rosters={}, roads={})


def way_of(world: World, edition: ReadingEdition = NEWEST) -> ParcelWay:
    mine = [
        sealed for sealed in world.scans if PARCEL in {*sealed.event.epcs, *sealed.event.children, sealed.event.parent}
    ]
    way = read_way(PARCEL, mine, READINGS[edition])
    assert way is not None
    return way


def passage_in(world: World, edition: ReadingEdition = NEWEST) -> Passage:
    return passage_of(way_of(world, edition), EMPTY)


def disputed(passage: Passage) -> Dispute:
    return Dispute.of(passage, name="d", complaint=Complaint.WRONG_ITEM)
