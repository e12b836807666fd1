"""One person alone at the doors of other lock systems: the table of `test_two_people` for every back-end.

Each way ends in a refusal that says what to do, or in nothing; no lock system hears of a lock, and no list of an entry.
What two people decide goes through the same doors, so that it is the second person who makes the difference.
"""

from collections.abc import Callable

import pytest
from fastapi.routing import APIRoute

from api.routes import backends
from custody.kernel.errors import Trouble
from devicelock import part_store, store
from devicelock.backends.android import NAME as ANDROID
from devicelock.backends.contract import Ref
from devicelock.backends.eir import NAME as EIR
from devicelock.backends.knox import NAME as KNOX
from devicelock.backends.nanomdm import NAME as NANOMDM
from devicelock.part_store import ReferenceRow
from devicelock.rules.lock_facts import LockKind
from devicelock.store import LockOrderRow
from devicelock.usecases.give_reference import confirm_reference
from devicelock.usecases.plan_parts import plan_locks, plan_release
from devicelock.usecases.settle_parts import claim_part, settle_by_word
from tests.stories.lock_steps import ask
from tests.stories.other_locks import OtherLocks
from tests.world import World
from tests.world_parts import person_of

BACK_ENDS = (ANDROID, EIR, KNOX, NANOMDM)
Way = Callable[[World, OtherLocks, str], None]


@pytest.fixture
def others(world: World) -> OtherLocks:
    """Lend all other lock systems; each of them knows the first parcel's handset, which is on and far away."""
    systems = OtherLocks(world, *BACK_ENDS)
    radio = world.switched_on(world.parcels[0])
    systems.know(radio)
    return systems


@pytest.fixture
def case(world: World, others: OtherLocks) -> str:
    """The case of a customer whose parcel never came, in a house without standing authority."""
    assert others.on
    world.withdraw_authority()
    return world.dispute(world.parcels[0], "never_received").case


def asked_alone(world: World, case: str) -> LockOrderRow:
    """A supervisor asks; nobody has decided."""
    return ask(world, "supervisor-1", dispute=case)


def own_yes(world: World, others: OtherLocks, case: str) -> None:
    assert others.on
    world.approve(asked_alone(world, case).id, "supervisor-1")


def yes_of_an_account_made_for_it(world: World, others: OtherLocks, case: str) -> None:
    assert others.on
    world.hire("puppet", "supervisor", person="nobody knows", by="supervisor-1")
    world.approve(asked_alone(world, case).id, "puppet")


def yes_of_ones_other_account(world: World, others: OtherLocks, case: str) -> None:
    assert others.on
    world.hire("investigator-9", "investigator", person=person_of("supervisor-1"))
    world.approve(asked_alone(world, case).id, "investigator-9")


def carried_before_it_was_decided(backend: str) -> Way:
    """Something puts a part of an undecided order before the carrier, which claims it as it claims every part."""

    def way(world: World, others: OtherLocks, case: str) -> None:
        order = asked_alone(world, case)
        with world.house.unit() as unit:
            row = store.order(unit.session, order.id)
            plan_locks(unit, world.office, row, store.device(unit.session, row.device), LockKind.REQUESTED)
        others.carry()
        try:
            with world.house.unit() as unit:
                claim_part(unit, world.office, part_store.part(unit.session, order.id, backend))
        finally:
            nothing_is_locked(world, others)
            with world.house.unit() as unit:
                plan_release(unit, world.office, order)

    way.__name__ = f"carried_before_it_was_decided_to_{backend}"
    return way


def row_of_ones_own(world: World, others: OtherLocks, case: str) -> None:
    """Somebody hands the list an entry for an order that nobody has decided."""
    hand_to_the_list(others, asked_alone(world, case).id, deadline_of=world)


def row_for_no_order(world: World, others: OtherLocks, case: str) -> None:
    assert case
    hand_to_the_list(others, "lock_that_nobody_asked_for", deadline_of=world)


def hand_to_the_list(others: OtherLocks, order: str, *, deadline_of: World) -> None:
    """Ask the list's own back-end for an entry, past everything that plans and carries."""
    template = LockOrderRow(**{**blank(), "id": order, "held_until_ms": deadline_of.clock.at_ms + 3_600_000})
    ref = Ref(handset=others.imei_list.handset, order=order, version=1)
    screen = others.world.office.screen_of(template)
    others.imei_list.eir.lock(ref, screen=screen, not_after_ms=template.held_until_ms)


def blank() -> dict[str, object]:
    """The columns of an order that says nothing."""
    return dict.fromkeys(LockOrderRow.model_fields)


def whole_list_at_once(world: World, others: OtherLocks, case: str) -> None:
    """A supervisor has the whole list published, hoping that what they asked for is on it."""
    asked_alone(world, case)
    others.imei_list.eir.publish()
    others.imei_list.eir.publish_full()


def word_that_the_list_is_loaded(world: World, others: OtherLocks, case: str) -> None:
    asked_alone(world, case)
    others.imei_list.eir.imported(1)


def forged_event(world: World, others: OtherLocks, case: str) -> None:
    """Somebody posts an event as NanoMDM would, without its key."""
    asked_alone(world, case)
    raw, _ = others.nanomdm.event("mdm.TokenUpdate")
    others.post((raw, "bm90IHRoZSBrZXk="))


def sign_of_life(world: World, others: OtherLocks, case: str) -> None:
    """The handset enrols anew at NanoMDM, so that its present wish is said again; there is none."""
    asked_alone(world, case)
    for topic in ("mdm.Authenticate", "mdm.TokenUpdate"):
        assert others.post(others.nanomdm.event(topic)) is False


def answer_to_nothing(world: World, others: OtherLocks, case: str) -> None:
    """An event says that the handset has acknowledged a command; nobody has sent it one."""
    order = asked_alone(world, case)
    assert others.post(others.nanomdm.event("mdm.Connect", command="of their own", status="Acknowledged")) is False
    others.carry()
    assert world.order(order.id).state == "requested"


def word_about_a_part(world: World, others: OtherLocks, case: str) -> None:
    """A supervisor gives their word about a back-end's part in an order that has none."""
    order = asked_alone(world, case)
    assert others.parts(order.id) == {}
    with world.house.unit() as unit:
        settle_by_word(unit, world.office, name=order.id, backend=ANDROID, actor="supervisor-1", why="I saw it")


def wrong_name(world: World, others: OtherLocks) -> str:
    """A supervisor gives the handset the name of somebody else's phone, which is there to be locked."""
    others.android.handset = "enterprises/e1/devices/somebody-elses"
    others.name(world.radios[world.parcels[0].order], ANDROID, by="supervisor-1")
    return others.android.handset


def confirmed_by(world: World, others: OtherLocks, account: str) -> None:
    handset = wrong_name(world, others)
    with world.house.unit() as unit:
        device = others.device(unit.session, world.radios[world.parcels[0].order])
        confirm_reference(unit, world.office, device, backend=ANDROID, handset=handset, account=account)


def wrong_name_and_own_confirmation(world: World, others: OtherLocks, case: str) -> None:
    assert case
    confirmed_by(world, others, "supervisor-1")


def wrong_name_and_an_account_made_for_it(world: World, others: OtherLocks, case: str) -> None:
    assert case
    confirmed_by(world, others, world.hire("puppet", "investigator", person="nobody knows", by="supervisor-1"))


def wrong_name_put_before_the_carrier(world: World, others: OtherLocks, case: str) -> None:
    """Something puts a part at the wrong name before the carrier, which claims it as it claims every part."""
    wrong_name(world, others)
    order = asked_alone(world, case)
    with world.house.unit() as unit:
        row = store.order(unit.session, order.id)
        device = store.device(unit.session, row.device)
        reference = unit.session.get_one(ReferenceRow, (row.device, ANDROID))
        reference.confirmed_ms = unit.now_ms
        plan_locks(unit, world.office, row, device, LockKind.REQUESTED)
        reference.confirmed_ms = None
        unit.session.add(reference)
    others.carry()
    try:
        with world.house.unit() as unit:
            claim_part(unit, world.office, part_store.part(unit.session, order.id, ANDROID))
    finally:
        nothing_is_locked(world, others)
        with world.house.unit() as unit:
            plan_release(unit, world.office, order)


def another_name_after_the_confirmation(world: World, others: OtherLocks, case: str) -> None:
    """A supervisor changes a confirmed name, and asks for a lock; the change has no second person."""
    wrong_name(world, others)
    order = asked_alone(world, case)
    with world.house.unit() as unit:
        row = store.order(unit.session, order.id)
        plan_locks(unit, world.office, row, store.device(unit.session, row.device), LockKind.REQUESTED)
    assert ANDROID not in others.parts(order.id)
    with world.house.unit() as unit:
        plan_release(unit, world.office, order)


NOTHING = ""
ALONE_AT_A_BACK_END: dict[Way, str] = {
    own_yes: "lock_refused",
    yes_of_an_account_made_for_it: "lock_refused",
    yes_of_ones_other_account: "lock_refused",
    **{carried_before_it_was_decided(name): "preflight" for name in (ANDROID, KNOX, NANOMDM)},
    carried_before_it_was_decided(EIR): "part",
    row_of_ones_own: "two_people",
    row_for_no_order: "two_people",
    whole_list_at_once: "eir_empty",
    word_that_the_list_is_loaded: "seq",
    forged_event: "hmac",
    sign_of_life: NOTHING,
    answer_to_nothing: NOTHING,
    word_about_a_part: "part",
    wrong_name_and_own_confirmation: "four_eyes",
    wrong_name_and_an_account_made_for_it: "four_eyes",
    wrong_name_put_before_the_carrier: "reference",
    another_name_after_the_confirmation: NOTHING,
}


@pytest.mark.parametrize(
    ("way", "code"), ALONE_AT_A_BACK_END.items(), ids=lambda part: getattr(part, "__name__", part or "nothing")
)
def test_one_person_alone_locks_nothing_at_any_back_end(
    world: World, others: OtherLocks, case: str, way: Way, code: str
) -> None:
    if code == NOTHING:
        way(world, others, case)
    else:
        with pytest.raises(Trouble) as refused:
            way(world, others, case)
        assert refused.value.code == code
        assert refused.value.detail, "it says what was wrong"
        assert refused.value.fix, "it says what would allow it"
    nothing_is_locked(world, others)


def nothing_is_locked(world: World, others: OtherLocks) -> None:
    """However long everybody waits: no other side holds a lock, the list has no entry, and the handset is free."""
    others.carry()
    others.settle(hours=2)
    assert not any(bench.locked() for bench in others.benches.values())
    assert others.imei_list.received == []
    assert not any(radio.handset.screen_locked for radio in world.radios.values())


TRIED = {
    "PUT /v1/devices/{device}/backends/{backend}": another_name_after_the_confirmation,
    "POST /v1/devices/{device}/backends/{backend}/confirm": wrong_name_and_own_confirmation,
    "POST /v1/locks/{order}/backends/{backend}/free": word_about_a_part,
    "POST /v1/backends/nanomdm/events": forged_event,
    "POST /v1/eir/lists": whole_list_at_once,
    "POST /v1/eir/loaded": word_that_the_list_is_loaded,
}
"""Doors of the other lock systems that change something, with the way of the table that tries each."""


def test_every_door_of_a_back_end_that_changes_something_is_tried_by_the_table() -> None:
    routes = [route for route in backends.router.routes if isinstance(route, APIRoute)]
    doors = {f"{verb} {route.path}" for route in routes for verb in route.methods or () if verb != "GET"}
    assert doors == set(TRIED)
    assert set(TRIED.values()) <= set(ALONE_AT_A_BACK_END)


@pytest.mark.parametrize("name", BACK_ENDS)
def test_what_two_people_decide_goes_through_the_same_doors(
    world: World, others: OtherLocks, case: str, name: str
) -> None:
    world.approve(ask(world, "agent-1", dispute=case).id, "supervisor-1")
    others.carry()
    others.settle()
    assert others.benches[name].locked()
