"""Whom a courier's station names is a free word: by it no signer makes a chain longer, nor a share in it other."""

import pytest

from custody.investigation.infer import run
from custody.investigation.passage import NO_HISTORY, SealSeen, Step
from custody.investigation.read_stays import MOST_HANDS
from custody.trail.edition import NEWEST, ReadingEdition
from tests.rooms.trail.ways import disputed, passage_in, way_of
from tests.rooms.trail.world import World

BROKEN = {"wl:sealState": "broken"}
INTACT = {"wl:sealState": "intact"}
SCANS = 24


def round_of(words: list[str], *, step: str = "accepting", door: str | None = None) -> World:
    """A courier's round of as many scans as he names words."""
    world = World().journey(deliver=False)
    for word in words:
        world.obj("courier-7", step, **{"wl:handler": word})
    world.pass_time(2)
    world.deliver("courier-7", **({} if door is None else {"wl:handler": door}))
    return world


def shares(world: World, edition: ReadingEdition = NEWEST) -> list[float]:
    row = disputed(passage_in(world, edition))
    return [float(share) for share in run(NO_HISTORY, [row]).judgement("d").columns]


ALTERNATING = ["h-7", "h-8"] * (SCANS // 2)
MADE_UP = [f"h-{at}" for at in range(SCANS)]


@pytest.mark.parametrize("words", [ALTERNATING, MADE_UP], ids=["two in turns", "a new one each time"])
@pytest.mark.parametrize("step", ["accepting", "loading", "inspecting"])
def test_nobodys_share_is_other_by_the_people_that_a_couriers_station_names(words: list[str], step: str) -> None:
    alone = round_of(["h-7"] * SCANS, step=step)
    assert shares(round_of(words, step=step)) == shares(alone)
    assert len(shares(round_of(words, step=step), ReadingEdition.FOURTH)) > len(shares(alone, ReadingEdition.FOURTH))


def test_any_of_the_first_whom_it_names_may_have_had_the_parcel() -> None:
    segment = passage_in(round_of(MADE_UP)).segments[-1]
    assert (segment.step, segment.handler) == (Step.COURIER, None)
    assert segment.roster == tuple(MADE_UP[:MOST_HANDS])


def test_who_delivers_by_the_same_station_had_it_too() -> None:
    segment = passage_in(round_of(["h-7"], door="h-8")).segments[-1]
    assert (segment.handler, segment.roster) == (None, ("h-7", "h-8"))


def test_whom_it_names_next_does_not_clear_himself_and_blame_the_one_before() -> None:
    world = World().journey(deliver=False)
    for word, read in (("h-7", INTACT), ("h-8", BROKEN)):
        world.pass_time(5)
        world.obj("courier-7", "loading", **{"wl:handler": word}, **read)
    *_, courier, door = passage_in(world).checkpoints
    assert (courier.seal, door.seal) == (SealSeen.OK, SealSeen.ANOMALY)


def test_another_station_that_names_one_of_them_goes_on_with_their_round() -> None:
    world = World().journey(deliver=False)
    for station, word in (("courier-7", "h-7"), ("courier-7", "h-8"), ("courier-8", "h-8"), ("courier-8", "h-9")):
        world.pass_time(1)
        world.obj(station, "loading", **{"wl:handler": word})
    hands = [(stay.handler, stay.others) for stay in way_of(world).stays if stay.step is Step.COURIER]
    assert hands == [("h-7", ("h-8",)), ("h-9", ())]


def test_at_a_depot_whoever_opens_the_stay_has_it() -> None:
    world = World()
    for word in ("h-1", "h-2"):
        world.obj("depot-2", "arriving", **{"wl:handler": word})
    assert [(stay.handler, stay.others) for stay in way_of(world).stays] == [("h-1", ())]
