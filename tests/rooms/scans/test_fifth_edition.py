"""What the judge's fifth edition judges otherwise than the editions before it, which go on as they did."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from custody.kernel.clock import MINUTE_MS
from custody.scans.advance import VOIDS
from custody.scans.edition import Edition
from custody.trail.sealed import SealedScan
from tests.rooms.scans.court import BETWEEN, COURIER, ON, Court, party
from tests.rooms.trail.world import (
    BANK_CLASS,
    CARRIER,
    PARCEL,
    PARCEL_2,
    PARCEL_3,
    PHONE,
    PHONE_2,
    PHONE_2_IMEI,
    PHONE_IMEI,
    World,
)

FIRST, SECOND, THIRD, FOURTH, FIFTH = Edition

NOT_DUE = ["not_due_here"]
STRANGER = ["serial_differs"]
PHONE_CLASS = "https://id.gs1.org/01/09521473003813"
PHONE_3 = f"{PHONE_CLASS}/21/356938035643809"
SIM_2 = "urn:gsma:imei:35693803-564380-0"


class Story(NamedTuple):
    """What happens, and what is flagged of the last scan by the fourth edition and by the fifth."""

    tell: Callable[[World], Iterator[SealedScan]]
    fourth: list[str]
    fifth: list[str]


def last_flags(edition: Edition, story: Story) -> list[str]:
    """What is flagged of the last scan of a story."""
    bench = Court(edition)
    return [bench.codes(each) for each in story.tell(World())][-1]


def upevt(*named: SealedScan) -> dict[str, Any]:
    """Which events it is about."""
    return {"bizTransactionList": [{"type": "upevt", "bizTransaction": each.event.event_id} for each in named]}


def released(world: World) -> Iterator[SealedScan]:
    """The carrier has the parcel from the seller and releases it to a courier."""
    yield world.pack()
    yield world.obj("dock-2", "departing", **BETWEEN)
    yield world.obj("lorry-9", "accepting", **BETWEEN)
    yield world.obj("lorry-3", "departing", **ON)


def slowly(world: World, behind_ms: int = 90_000, **more: Any) -> SealedScan:
    """It is released to the courier by a station whose clock is behind: before what was sent last, by its time."""
    return world.obj("lorry-3", "departing", at=world.now_ms + MINUTE_MS - behind_ms, **{**ON, **more})


def taken_over(world: World) -> SealedScan:
    """The courier takes it over, who may if it is released to him."""
    return world.obj("courier-7", "accepting", **ON)


def delivered(world: World) -> SealedScan:
    """The carrier delivers it, who may if it is released to nobody."""
    return world.deliver("depot-2", **party("source", CARRIER))


def twice(
    world: World, *, named: tuple[bool, bool] = (False, False), behind_ms: int = 90_000, **more: Any
) -> Iterator[SealedScan]:
    """What takes a release back is sent twice; then the parcel is released by a station whose clock is behind."""
    *before, release = released(world)
    yield from [*before, release]
    for name in named:
        yield world.obj("depot-2", VOIDS, **(upevt(release) if name else {}))
    yield slowly(world, behind_ms, **more)
    yield taken_over(world)


def before_its_release(world: World) -> Iterator[SealedScan]:
    """It names the release, which comes after it."""
    *before, release = released(world)
    yield from before
    yield world.obj("depot-2", VOIDS, **upevt(release))
    yield release
    yield slowly(world, event_id=None)
    yield taken_over(world)


def of_two_releases(world: World) -> Iterator[SealedScan]:
    """The second one is for a release that was made after the first."""
    yield from released(world)
    yield world.obj("depot-2", VOIDS)
    yield world.obj("lorry-3", "departing", **ON)
    yield world.obj("depot-2", VOIDS)
    yield taken_over(world)


def of_one_to_come(world: World) -> Iterator[SealedScan]:
    """The second one names a release that comes after it, and the one that was ended too."""
    *before, release = released(world)
    yield from [*before, release]
    yield world.obj("depot-2", VOIDS)
    to_come = world.obj("lorry-3", "departing", **ON)
    yield world.obj("depot-2", VOIDS, **upevt(release, to_come))
    yield to_come
    yield taken_over(world)


def after_it_was_elsewhere(world: World) -> Iterator[SealedScan]:
    """The parcel went to the courier and back before the second, whose release comes after it."""
    yield from released(world)
    yield world.obj("depot-2", VOIDS)
    yield world.obj("lorry-3", "departing", **ON)
    yield taken_over(world)
    back = {**party("source", COURIER), **party("destination", CARRIER)}
    yield world.obj("courier-7", "departing", **back)
    yield world.obj("depot-2", "accepting", **back)
    release = world.obj("lorry-3", "departing", **ON)
    yield world.obj("depot-2", VOIDS)
    yield release
    yield taken_over(world)


def of_somebody_else(world: World) -> Iterator[SealedScan]:
    """The first was signed for who neither gave it nor had it, and ended nothing."""
    *before, release = released(world)
    yield from before
    yield release
    yield world.obj("dock-2", VOIDS)
    yield world.obj("depot-2", VOIDS)
    yield delivered(world)


VOIDED = {
    "by no name": Story(twice, NOT_DUE, []),
    "by no name, with a clock half an hour behind": Story(lambda world: twice(world, behind_ms=1_800_000), NOT_DUE, []),
    "by name, then by none": Story(lambda world: twice(world, named=(True, False)), NOT_DUE, []),
    "by name, of one that has no id": Story(lambda world: twice(world, named=(True, True), event_id=None), NOT_DUE, []),
    "by no name, then by its": Story(lambda world: twice(world, named=(False, True), event_id=None), NOT_DUE, []),
    "by name, before its release": Story(before_its_release, NOT_DUE, []),
    "for two releases": Story(of_two_releases, NOT_DUE, NOT_DUE),
    "for one that is to come": Story(of_one_to_come, NOT_DUE, NOT_DUE),
    "after it was elsewhere": Story(after_it_was_elsewhere, NOT_DUE, NOT_DUE),
    "by somebody else first": Story(of_somebody_else, [], []),
}


@pytest.mark.parametrize("name", VOIDED)
def test_what_takes_the_same_release_back_again_ends_nothing_more(name: str) -> None:
    assert last_flags(FIFTH, VOIDED[name]) == VOIDED[name].fifth


@pytest.mark.parametrize("name", VOIDED)
def test_by_the_fourth_edition_it_waits_and_ends_another_one(name: str) -> None:
    assert last_flags(FOURTH, VOIDED[name]) == VOIDED[name].fourth


Act = Callable[[World], SealedScan]


def goods(*imeis: str, **counts: int | None) -> dict[str, Any]:
    """Goods that are named by their class: `phones` and `banks`, so many of each, or None for an unknown number."""
    classes = {"phones": PHONE_CLASS, "banks": BANK_CLASS}
    listed = [
        {"epcClass": classes[name], **({} if count is None else {"quantity": count})} for name, count in counts.items()
    ]
    return {"childQuantityList": listed, "wl:imei": list(imeis) or None}


def put_in(*items: str, **more: Any) -> Act:
    """A packing into the parcel."""
    return lambda world: world.pack(**{"childEPCs": list(items) or None, **more})


def take_out(*items: str, **more: Any) -> Act:
    """An unpacking from it."""
    return lambda world: world.unpack("bench-4", None, **{"childEPCs": list(items) or None, **more})


def elsewhere(*items: str, **more: Any) -> Act:
    """A packing into another parcel."""
    return lambda world: world.pack(**{"parentID": PARCEL_2, "childEPCs": list(items) or None, **more})


def read(*items: str) -> Act:
    """The parcel is scanned, and what is in it."""
    return lambda world: world.obj("dock-2", epcList=[PARCEL, *items])


def telling(*acts: Act) -> Callable[[World], Iterator[SealedScan]]:
    return lambda world: (act(world) for act in acts)


TWO = (put_in(PHONE, PHONE_2),)
ONE_OF_TWO = (*TWO, take_out(**goods(phones=1)))
BY_CLASS = put_in(**goods(PHONE_IMEI, SIM_2, phones=2))
A_LOT = [{"epcClass": f"{PHONE_CLASS}/10/A", "quantity": 1}]
BOTH_CLASSES = put_in(**goods(PHONE_IMEI, phones=1, banks=1))

OUT = {
    "the only one": (put_in(PHONE), take_out(**goods(phones=1)), put_in(PHONE_2)),
    "the only one, packed elsewhere": (put_in(PHONE), take_out(**goods(phones=1)), elsewhere(PHONE)),
    "two of two": (*TWO, take_out(**goods(phones=2)), put_in(PHONE_3)),
    "more than were in": (*TWO, take_out(**goods(phones=3)), put_in(PHONE_3)),
    "two of two, one after the other": (*ONE_OF_TWO, take_out(**goods(phones=1)), put_in(PHONE_3)),
    "two of two, one by its name": (*ONE_OF_TWO, take_out(PHONE), put_in(PHONE_3)),
    "two of two, one by its IMEI": (*TWO, take_out(**goods(PHONE_IMEI, phones=2)), put_in(PHONE_3)),
    "two that were packed by class": (BY_CLASS, take_out(**goods(phones=2)), put_in(PHONE_2)),
    "one by class, of one and one": (
        put_in(PHONE, **goods(phones=1)),
        take_out(**goods(phones=2)),
        put_in(PHONE_2),
    ),
    "by its lot": (put_in(PHONE), take_out(childQuantityList=A_LOT), put_in(PHONE_2)),
    "one of two, another one packed": (*ONE_OF_TWO, put_in(PHONE_3)),
    "one of two, one of them packed elsewhere": (*ONE_OF_TWO, elsewhere(PHONE)),
    "one of two that were packed by class, elsewhere": (
        BY_CLASS,
        take_out(**goods(phones=1)),
        elsewhere(**goods(SIM_2, phones=1)),
    ),
    "how many is not said": (*TWO, take_out(**goods(phones=None)), elsewhere(PHONE)),
    "how many went in is not said": (
        put_in(**goods(PHONE_IMEI, phones=None)),
        take_out(**goods(phones=1)),
        elsewhere(**goods(PHONE_IMEI, phones=1)),
    ),
    "one of two classes, and an IMEI that may be of either": (
        BOTH_CLASSES,
        take_out(**goods(phones=1)),
        elsewhere(**goods(PHONE_IMEI, phones=1)),
    ),
    "two of two classes": (BOTH_CLASSES, take_out(**goods(phones=1, banks=1)), put_in(PHONE_3)),
}
BANK = f"{BANK_CLASS}/21/B1"
LEFT = {
    "the one that was packed since": (put_in(PHONE), take_out(**goods(phones=1)), put_in(PHONE_2), read(PHONE)),
    "another class": (put_in(PHONE, **goods(banks=1)), take_out(**goods(banks=1)), elsewhere(PHONE)),
    "a class that was never packed": (put_in(PHONE), take_out(**goods(banks=1)), read(PHONE_2)),
    "put back by its name": (*ONE_OF_TWO, put_in(PHONE), elsewhere(PHONE)),
    "put back by its IMEI": (*ONE_OF_TWO, put_in(**goods(PHONE_IMEI, phones=1)), elsewhere(PHONE)),
    "the other one by its IMEI": (*TWO, take_out(**goods(PHONE_IMEI, phones=1)), elsewhere(PHONE_2)),
    "the other one of two by class": (BY_CLASS, take_out(**goods(SIM_2, phones=1)), elsewhere(PHONE)),
    "the other one, with a bank of theirs": (
        put_in(PHONE, PHONE_2, **goods(banks=2)),
        take_out(**goods(PHONE_IMEI, phones=1, banks=1)),
        elsewhere(PHONE_2),
    ),
    "one that was not in": (put_in(PHONE), take_out(**goods(PHONE_2_IMEI, phones=1)), put_in(PHONE_2)),
    "the same by class and IMEI, twice": (
        put_in(**goods(PHONE_IMEI, phones=1)),
        put_in(**goods(PHONE_IMEI, phones=1)),
        take_out(**goods(PHONE_IMEI, phones=1)),
        put_in(PHONE_2),
        read(PHONE),
    ),
    "a stranger, among others that are sure": (
        put_in(PHONE, BANK),
        take_out(**goods(phones=2)),
        read(PHONE_3),
    ),
}


@pytest.mark.parametrize("name", OUT)
def test_what_is_taken_out_by_class_alone_is_not_expected_any_more(name: str) -> None:
    assert last_flags(FIFTH, Story(telling(*OUT[name]), STRANGER, [])) == []


@pytest.mark.parametrize("name", OUT)
def test_by_the_fourth_edition_it_is_expected_still(name: str) -> None:
    assert last_flags(FOURTH, Story(telling(*OUT[name]), STRANGER, [])) == STRANGER


@pytest.mark.parametrize("name", LEFT)
def test_what_is_not_taken_out_by_class_is_expected_as_before(name: str) -> None:
    assert last_flags(FIFTH, Story(telling(*LEFT[name]), STRANGER, STRANGER)) == STRANGER


@pytest.mark.parametrize("others", [(), (BANK,)])
def test_what_may_be_inside_still_is_no_stranger_there(others: tuple[str, ...]) -> None:
    acts = (put_in(PHONE, PHONE_2, *others), take_out(**goods(phones=1)), read(PHONE))
    assert last_flags(FIFTH, Story(telling(*acts), [], [])) == []


def of_pallet(*inside: str, parcel: str = PARCEL_2, **more: Any) -> Act:
    """Parcels, or handsets, are packed into a pallet."""
    return lambda world: world.pack(**{"parentID": parcel, "childEPCs": list(inside), **more})


def off(*inside: str, parcel: str = PARCEL_2, **more: Any) -> Act:
    """What is taken off the pallet: everything, if nothing is named."""
    return lambda world: world.unpack("bench-4", None, parentID=parcel, childEPCs=list(inside) or None, **more)


def declared(world: World) -> SealedScan:
    """What was sent last is declared wrong."""
    return world.declare(world.scans[-1])


def alone(*items: str) -> Act:
    """Handsets are scanned without a parcel."""
    return lambda world: world.obj("bench-4", epcList=list(items))


SIMS = {"wl:imei": [PHONE_IMEI, SIM_2]}
TWO_SIMS = (put_in(PHONE, **SIMS), alone(PHONE))


def test_a_handset_of_two_numbers_that_is_seen_by_one_of_them_is_seen() -> None:
    acts = (*TWO_SIMS, elsewhere(PHONE, **SIMS))
    assert last_flags(FIFTH, Story(telling(*acts), STRANGER, [])) == []
    assert last_flags(FOURTH, Story(telling(*acts), STRANGER, [])) == STRANGER


@pytest.mark.parametrize(
    "acts",
    [
        (put_in(PHONE, **SIMS), elsewhere(PHONE, **SIMS)),
        (put_in(PHONE, **SIMS), alone(PHONE_2), elsewhere(PHONE, **SIMS)),
        (put_in(PHONE, PHONE_2, **SIMS), alone(PHONE_2), elsewhere(PHONE, PHONE_2, **SIMS)),
        (*TWO_SIMS, put_in(PHONE, **SIMS), elsewhere(PHONE, **SIMS)),
    ],
    ids=["not seen", "another one was seen", "the other of two was seen", "packed again since"],
)
def test_a_handset_of_two_numbers_that_was_not_seen_since_is_in_its_parcel(acts: tuple[Act, ...]) -> None:
    for edition in (FOURTH, FIFTH):
        assert last_flags(edition, Story(telling(*acts), STRANGER, STRANGER)) == STRANGER


WRONG = (put_in(PHONE), elsewhere(PHONE))
IN_THIRD = of_pallet(PHONE, parcel=PARCEL_3)


@pytest.mark.parametrize("wrong", [WRONG, (*WRONG, elsewhere(PHONE))], ids=["once", "twice"])
def test_a_packing_that_is_declared_wrong_leaves_a_handset_where_it_lay(wrong: tuple[Act, ...]) -> None:
    acts = (*wrong, declared, IN_THIRD)
    assert last_flags(FIFTH, Story(telling(*acts), [], STRANGER)) == STRANGER
    assert last_flags(FOURTH, Story(telling(*acts), [], STRANGER)) == []


def test_where_it_lay_before_is_no_place_of_a_handset_that_was_seen_since() -> None:
    acts = (put_in(PHONE), alone(PHONE), elsewhere(PHONE), declared, IN_THIRD)
    for edition in (FOURTH, FIFTH):
        assert last_flags(edition, Story(telling(*acts), [], [])) == []


BOXED = (put_in(PHONE), of_pallet(PARCEL))
THERE = {
    "in its parcel": (*BOXED, of_pallet(PHONE)),
    "by its IMEI": (*BOXED, of_pallet(childEPCs=None, **goods(PHONE_IMEI, phones=1))),
    "in its parcel, which came off and on again": (*BOXED, off(PARCEL), of_pallet(PARCEL), of_pallet(PHONE)),
    "after all else came off": (put_in(PHONE), of_pallet(PARCEL_3), off(), of_pallet(PARCEL), of_pallet(PHONE)),
    "after another pallet's parcels came off": (*BOXED, off(PARCEL, parcel=PARCEL_3), of_pallet(PHONE)),
    "taken out of its parcel, and on its own": (
        *BOXED,
        of_pallet(PHONE),
        take_out(PHONE),
        of_pallet(PHONE, parcel=PARCEL_3),
    ),
}
NOT_THERE = {
    "which is on no pallet": (put_in(PHONE), of_pallet(PHONE)),
    "which came off": (*BOXED, off(PARCEL), of_pallet(PHONE)),
    "which came off with everything": (*BOXED, off(), of_pallet(PHONE)),
    "which is on another pallet": (put_in(PHONE), of_pallet(PARCEL, parcel=PARCEL_3), of_pallet(PHONE)),
    "whose pallet is declared wrong": (*BOXED, declared, of_pallet(PHONE)),
    "where it lies still": (*BOXED, of_pallet(PHONE), of_pallet(PHONE, parcel=PARCEL_3)),
    "where it does not lie any more": (*BOXED, take_out(PHONE), of_pallet(PHONE), of_pallet(PHONE, parcel=PARCEL_3)),
}


@pytest.mark.parametrize("name", THERE)
def test_a_handset_in_a_parcel_on_the_pallet_is_on_the_pallet(name: str) -> None:
    assert last_flags(FIFTH, Story(telling(*THERE[name]), STRANGER, [])) == []
    assert last_flags(FOURTH, Story(telling(*THERE[name]), STRANGER, [])) == STRANGER


@pytest.mark.parametrize("name", NOT_THERE)
def test_a_handset_in_a_parcel_elsewhere_is_not_on_the_pallet(name: str) -> None:
    for edition in (FOURTH, FIFTH):
        assert last_flags(edition, Story(telling(*NOT_THERE[name]), STRANGER, STRANGER)) == STRANGER
