"""What is put on a parcel is a seal if somebody calls it one: a tracker is none."""

from typing import Any

import pytest

from custody.trail.edition import ReadingEdition
from tests.rooms.trail.world import PARCEL, PARCEL_2, SEAL, World, kinds

TRACKER = "https://id.gs1.org/8004/9521886TRACKER7"
NEW_SEAL = "https://id.gs1.org/8004/9521473SEAL0099"
READ = {"wl:sealNumber": "S-0088213", "wl:sealState": "intact"}


def sealed_parcel() -> World:
    world = World()
    world.pack()
    world.seal()
    return world


def put_on(world: World, thing: str, *, parcel: str = PARCEL, **said: Any) -> None:
    said = {"disposition": "in_transit", "bizStep": "installing", "parentID": parcel, "childEPCs": [thing], **said}
    world.scan("hub-sort-1", "AssociationEvent", action="ADD", **said)


def take_off(world: World, *things: str, **said: Any) -> None:
    named = {"childEPCs": list(things)} if things else {}
    said = {"disposition": "in_transit", "bizStep": "removing", "parentID": PARCEL, **named, **said}
    world.scan("depot-2", "AssociationEvent", action="DELETE", **said)


def states(world: World, **parts: Any) -> list[str]:
    return [str(sight.state) for sight in world.trail(**parts).seal.sights if sight.state != "not_read"]


def as_then(world: World) -> set[str]:
    return {str(f.kind) for f in world.trail(edition=ReadingEdition.SECOND).findings if f.severity == "serious"}


def test_a_tracker_that_is_put_on_is_no_second_seal() -> None:
    world = sealed_parcel()
    put_on(world, TRACKER)
    world.obj("depot-2", **READ)
    take_off(world, TRACKER)
    world.obj("courier-7", **READ)
    assert states(world) == ["applied", "same", "same"]
    assert kinds(world.trail()) & {"seal_differs", "seal_replaced"} == set()
    assert world.belongings().seals == (SEAL,)
    assert as_then(world) == {"seal_differs"}


def test_a_tracker_that_is_used_again_on_another_parcel_is_no_seal_of_two_parcels() -> None:
    world = sealed_parcel()
    put_on(world, TRACKER)
    take_off(world, TRACKER)
    put_on(world, TRACKER, parcel=PARCEL_2)
    assert "seal_elsewhere" not in kinds(world.trail())
    then = world.belongings(edition=ReadingEdition.SECOND)
    assert "seal_elsewhere" in {str(finding.kind) for finding in then.findings}


def test_a_seal_that_is_put_on_another_parcel_too_is_told() -> None:
    world = sealed_parcel()
    put_on(world, SEAL, parcel=PARCEL_2)
    assert "seal_elsewhere" in kinds(world.trail())


@pytest.mark.parametrize(
    "said",
    [
        {"wl:sealNumber": "S-99"},
        {"wl:sealKind": "tamper-evident tape"},
        {"wl:sealState": "intact"},
        {"disposition": "container_closed"},
    ],
    ids=str,
)
def test_what_the_event_calls_a_seal_is_one(said: dict[str, str]) -> None:
    world = World()
    world.pack()
    put_on(world, NEW_SEAL, **said)
    assert states(world) == ["applied"]
    assert world.belongings().seals == (NEW_SEAL,)


def test_what_was_put_on_as_a_seal_is_taken_off_and_found_by_its_key_alone() -> None:
    world = sealed_parcel()
    world.scan("depot-2", "AssociationEvent", action="OBSERVE", parentID=PARCEL, childEPCs=[SEAL, TRACKER])
    take_off(world, SEAL)
    assert states(world) == ["applied", "same", "removed"]


def test_who_takes_off_nothing_by_name_takes_the_seal_off() -> None:
    world = sealed_parcel()
    take_off(world)
    world.seal("depot-2", "S-99", childEPCs=[NEW_SEAL])
    assert states(world) == ["applied", "removed", "applied"]
    assert "seal_differs" not in kinds(world.trail())
    assert as_then(world) == {"seal_differs"}


def test_who_takes_off_a_number_of_other_things_leaves_the_seal_on() -> None:
    world = sealed_parcel()
    take_off(world, childQuantityList=[{"epcClass": "https://id.gs1.org/01/09521886007194", "quantity": 1}])
    world.obj("courier-7", **READ)
    assert states(world) == ["applied", "same"]


@pytest.mark.parametrize(
    "how",
    [{"action": "DELETE", "bizStep": "destroying"}, {"action": "OBSERVE", "bizStep": "removing"}],
    ids=["done away with", "removed"],
)
def test_who_names_the_seals_key_alone_and_no_parcel_takes_it_off_and_reads_nothing(how: dict[str, str]) -> None:
    world = sealed_parcel()
    world.scan("hub-sort-1", "ObjectEvent", epcList=[SEAL], **how)
    assert states(world) == ["applied", "removed"]
    assert states(world, edition=ReadingEdition.THIRD) == ["applied", "same"]
