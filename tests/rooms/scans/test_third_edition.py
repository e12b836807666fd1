"""What the judge judges otherwise from its third edition on than by the editions before it, which go on as they did."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from custody.scans.advance import VOIDS
from custody.scans.edition import Edition
from custody.scans.verdict import Flag, sum_up
from custody.trail.sealed import SealedScan
from tests.rooms.scans.court import BETWEEN, COURIER, ON, Court, party
from tests.rooms.trail.world import CARRIER, PARCEL, PHONE_2, SEAL, World

FIRST, SECOND, THIRD, FOURTH, FIFTH = Edition


@pytest.fixture(params=[THIRD, FOURTH, FIFTH])
def later(request: pytest.FixtureRequest) -> Edition:
    """Each edition that judges by the rules of the third."""
    edition: Edition = request.param
    return edition


class Story(NamedTuple):
    """What happens to a parcel, and what is flagged by the second edition and from the third on."""

    tell: Callable[[World], Iterator[SealedScan]]
    second: list[str]
    third: list[str]


def given_on(world: World) -> Iterator[SealedScan]:
    """The carrier has the parcel from the seller, and releases it to a courier."""
    yield world.pack()
    yield world.obj("dock-2", "departing", **BETWEEN)
    yield world.obj("lorry-9", "accepting", **BETWEEN)
    yield world.obj("depot-2", "departing", **ON)


def upevt(*named: SealedScan) -> dict[str, Any]:
    """Which events it is about."""
    return {"bizTransactionList": [{"type": "upevt", "bizTransaction": each.event.event_id} for each in named]}


def by_the_custodian(world: World) -> Iterator[SealedScan]:
    yield from given_on(world)
    yield world.obj("depot-2", VOIDS)
    yield world.deliver(**party("source", CARRIER))


def by_the_giver(world: World) -> Iterator[SealedScan]:
    """It was released to the carrier, who released it on and never said that it has it."""
    yield world.pack()
    yield world.obj("dock-2", "departing", **BETWEEN)
    yield world.obj("depot-2", "departing", **ON)
    yield world.obj("depot-2", VOIDS)
    yield world.deliver(**party("source", CARRIER))


def by_name(world: World) -> Iterator[SealedScan]:
    """By a station whose clock is behind."""
    yield from given_on(world)
    yield world.obj("lorry-3", VOIDS, at=world.now_ms - 20_000, **upevt(world.scans[-1]))
    yield world.deliver(**party("source", CARRIER))


def by_another(world: World) -> Iterator[SealedScan]:
    yield from given_on(world)
    yield world.obj("dock-2", VOIDS)
    yield world.deliver(**party("source", CARRIER))


def of_an_earlier_one(world: World) -> Iterator[SealedScan]:
    yield from given_on(world)
    yield world.obj("depot-2", VOIDS, **upevt(world.scans[1]))
    yield world.deliver(**party("source", CARRIER))


def made_before(world: World) -> Iterator[SealedScan]:
    """What it takes back is an earlier release."""
    yield from given_on(world)
    yield world.obj("depot-2", VOIDS, at=world.now_ms - 20_000)
    yield world.deliver(**party("source", CARRIER))


def taken_over_before(world: World) -> Iterator[SealedScan]:
    """Who took the parcel over has it: the giver's word takes nothing away."""
    yield from given_on(world)
    yield world.obj("courier-7", "accepting", **ON)
    yield world.obj("depot-2", VOIDS)
    yield world.deliver(**party("source", COURIER))


VOIDED = {
    "by whoever has the parcel": Story(by_the_custodian, ["not_due_here"], []),
    "by whoever released it": Story(by_the_giver, ["not_due_here"], []),
    "by name": Story(by_name, ["not_due_here"], []),
    "by somebody else": Story(by_another, ["not_due_here"], ["not_due_here"]),
    "an earlier one, by name": Story(of_an_earlier_one, ["not_due_here"], ["not_due_here"]),
    "one that was made later": Story(made_before, ["not_due_here"], ["not_due_here"]),
    "once it was accepted": Story(taken_over_before, [], []),
}


def last_flags(edition: Edition, story: Story) -> list[str]:
    """What is flagged of the last scan of a story."""
    bench = Court(edition)
    return [bench.codes(each) for each in story.tell(World())][-1]


@pytest.mark.parametrize("name", VOIDED)
def test_a_release_is_taken_back_by_whoever_has_the_parcel_or_released_it(name: str, later: Edition) -> None:
    assert last_flags(later, VOIDED[name]) == VOIDED[name].third


@pytest.mark.parametrize("edition", [FIRST, SECOND])
@pytest.mark.parametrize("name", VOIDED)
def test_by_earlier_editions_nothing_takes_a_release_back(name: str, edition: Edition) -> None:
    assert last_flags(edition, VOIDED[name]) == VOIDED[name].second


PHONE_CLASS = "https://id.gs1.org/01/09521473003813"
OTHER_SEAL = "https://id.gs1.org/8004/9521473SEAL0099"
TRACKER = "https://id.gs1.org/8004/9521473TRACKER1"


def take_off(world: World, *things: str, **more: Any) -> SealedScan:
    """What is attached to the parcel is taken off; everything, if nothing is named."""
    named = {"childEPCs": list(things)} if things else {}
    return world.scan(
        "hub-sort-1", "AssociationEvent", action="DELETE", bizStep="removing", parentID=PARCEL, **named, **more
    )


def new_seal(world: World) -> SealedScan:
    return world.seal("hub-sort-1", number="S-99", childEPCs=[OTHER_SEAL])


def sealed_anew(world: World, *things: str, **more: Any) -> Iterator[SealedScan]:
    """A parcel whose seal is taken off, and a new one put on."""
    yield world.pack()
    yield world.seal()
    yield take_off(world, *things, **more)
    yield new_seal(world)


def another_thing_off(world: World) -> Iterator[SealedScan]:
    """A tracker rides on the parcel, and is taken off; the seal stays."""
    yield world.pack()
    yield world.seal()
    yield world.scan("dock-2", "AssociationEvent", action="ADD", parentID=PARCEL, childEPCs=[TRACKER])
    yield take_off(world, TRACKER)
    yield new_seal(world)


def read_after(world: World, number: str) -> Iterator[SealedScan]:
    """A seal is read where none was put on."""
    yield from list(sealed_anew(world))[:-1]
    yield world.obj("depot-2", **{"wl:sealNumber": number})


def put_on_again(world: World) -> Iterator[SealedScan]:
    """After the new seal another one: nobody took the new one off."""
    yield from sealed_anew(world, SEAL)
    yield world.seal("depot-2", number="S-100")


def read_intact_since(world: World) -> Iterator[SealedScan]:
    """It was there after all."""
    yield from list(sealed_anew(world, SEAL))[:-1]
    yield world.obj("depot-2", **{"wl:sealNumber": "S-0088213", "wl:sealState": "intact"})
    yield new_seal(world)


BROKEN = {"wl:sealState": "broken"}
DIFFERS, NOTED = ["seal_differs"], ["seal_replaced"]
RESEALED = {
    "taken off by name": Story(lambda world: sealed_anew(world, SEAL), DIFFERS, NOTED),
    "everything taken off": Story(sealed_anew, DIFFERS, NOTED),
    "taken off by number": Story(lambda world: sealed_anew(world, **{"wl:sealNumber": "s-0088213"}), DIFFERS, NOTED),
    "taken off and found broken": Story(lambda world: sealed_anew(world, SEAL, **BROKEN), [], NOTED),
    "another number taken off": Story(lambda world: sealed_anew(world, **{"wl:sealNumber": "S-1"}), DIFFERS, DIFFERS),
    "another thing taken off": Story(another_thing_off, DIFFERS, DIFFERS),
    "a strange seal read": Story(lambda world: read_after(world, "S-1"), DIFFERS, DIFFERS),
    "a third seal": Story(put_on_again, DIFFERS, DIFFERS),
    "the old seal was there after all": Story(read_intact_since, DIFFERS, DIFFERS),
}


@pytest.mark.parametrize("name", RESEALED)
def test_a_new_seal_in_place_of_one_that_was_taken_off_by_the_records_is_noted_and_not_held_up(
    name: str, later: Edition
) -> None:
    assert last_flags(later, RESEALED[name]) == RESEALED[name].third


@pytest.mark.parametrize("edition", [FIRST, SECOND])
@pytest.mark.parametrize("name", RESEALED)
def test_by_earlier_editions_a_seal_that_was_taken_off_is_still_the_one_that_counts(
    name: str, edition: Edition
) -> None:
    assert last_flags(edition, RESEALED[name]) == RESEALED[name].second


def test_a_seal_known_from_a_reading_alone_is_taken_off_with_what_is_named(later: Edition) -> None:
    world, bench = World(), Court(later)
    bench.codes(world.pack())
    bench.codes(world.obj("dock-2", **{"wl:sealNumber": "S-0088213"}))
    bench.codes(take_off(world, SEAL))
    assert bench.codes(new_seal(world)) == NOTED


def repacked(world: World, **out: Any) -> Iterator[SealedScan]:
    """A parcel is unpacked, and another handset packed into it."""
    yield world.pack()
    yield world.unpack("bench-4", **out)
    yield world.pack(phone=PHONE_2)


ONE_OF_A_CLASS = {"childQuantityList": [{"epcClass": PHONE_CLASS, "quantity": 1}]}
STRANGER = ["serial_differs"]
REPACKED = {
    "everything taken out": Story(lambda world: repacked(world, phone=None), STRANGER, []),
    "the handset taken out": Story(repacked, [], []),
    "another one taken out": Story(lambda world: repacked(world, phone=PHONE_2), STRANGER, STRANGER),
}
BY_CLASS = Story(lambda world: repacked(world, phone=None, **ONE_OF_A_CLASS), STRANGER, STRANGER)


@pytest.mark.parametrize("name", REPACKED)
def test_what_is_unpacked_without_saying_what_is_everything(name: str, later: Edition) -> None:
    assert last_flags(later, REPACKED[name]) == REPACKED[name].third


@pytest.mark.parametrize("edition", [THIRD, FOURTH])
def test_what_is_unpacked_by_class_alone_is_expected_still_until_the_fifth_edition(edition: Edition) -> None:
    assert last_flags(edition, BY_CLASS) == STRANGER


@pytest.mark.parametrize("edition", [FIRST, SECOND])
@pytest.mark.parametrize("story", [*REPACKED.values(), BY_CLASS], ids=[*REPACKED, "one of a class taken out"])
def test_by_earlier_editions_what_is_unpacked_without_saying_what_is_nothing(story: Story, edition: Edition) -> None:
    assert last_flags(edition, story) == story.second


def wrong_weight(world: World) -> SealedScan:
    return world.weigh("dock-2", 338)


def wrong_seal(world: World) -> SealedScan:
    return world.obj("dock-2", **{"wl:sealNumber": "S-1", "wl:sealState": "broken"})


def wrong_handset(world: World) -> SealedScan:
    return world.obj("dock-2", epcList=[PARCEL, PHONE_2])


def accepted_too_early(world: World) -> Iterator[SealedScan]:
    """An acceptance is declared wrong when the parcel was released on already."""
    scans = list(given_on(world))
    yield from scans
    yield world.declare(scans[2])


def taken_back(world: World, wrong: Callable[[World], SealedScan]) -> Iterator[SealedScan]:
    """A sealed parcel of 540 g is scanned wrongly, and that is declared so."""
    yield world.pack(**{"wl:declaredMassGrams": 540})
    yield world.seal()
    said = wrong(world)
    yield said
    yield world.declare(said)


WRONG = {
    "a weight": Story(lambda world: taken_back(world, wrong_weight), ["weight_out"], []),
    "an acceptance": Story(accepted_too_early, ["not_due_here"], []),
    "a seal": Story(lambda world: taken_back(world, wrong_seal), DIFFERS, []),
    "a handset": Story(lambda world: taken_back(world, wrong_handset), STRANGER, []),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_an_error_declaration_repeats_is_not_judged_as_if_it_were_said_again(name: str, later: Edition) -> None:
    assert last_flags(later, WRONG[name]) == WRONG[name].third


@pytest.mark.parametrize("edition", [FIRST, SECOND])
@pytest.mark.parametrize("name", WRONG)
def test_by_earlier_editions_what_an_error_declaration_repeats_is_judged(name: str, edition: Edition) -> None:
    assert last_flags(edition, WRONG[name]) == WRONG[name].second


def test_an_error_declaration_of_a_parcel_that_nobody_named_before_is_flagged_as_ever(later: Edition) -> None:
    world = World()
    assert Court(later).codes(world.declare(wrong_weight(world))) == ["unknown_parcel"]


def test_a_new_seal_that_is_noted_is_accepted_and_the_bench_is_told_nothing() -> None:
    verdict = sum_up([Flag(code="seal_replaced", text="")])
    assert (verdict.result, verdict.code, verdict.line) == ("accepted", "S00", "OK")
