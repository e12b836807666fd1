"""Stories of names at other lock systems: one person gives a name, another confirms it, and no lock goes by less."""

from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlmodel import col

from custody.kernel.clock import HOUR_MS, MINUTE_MS
from custody.kernel.errors import Conflict, Forbidden, NotFound, Trouble
from devicelock import part_store, store
from devicelock.backends.android import NAME as ANDROID
from devicelock.backends.contract import Ref
from devicelock.backends.knox import NAME as KNOX
from devicelock.backends.nanomdm import NAME as NANOMDM
from devicelock.part_store import PartRow, ReferenceRow
from devicelock.rules.applied import Applied
from devicelock.rules.lock_facts import LockKind
from devicelock.usecases.give_reference import confirm_reference, give_reference
from devicelock.usecases.plan_parts import fits, rows_of
from simulators.radio import Radio
from tests.contracts_backends.backend_bench import Fault
from tests.stories.lock_steps import ask, let_go, say_received
from tests.stories.other_locks import OtherLocks
from tests.world import World
from tests.world_parts import person_of

OTHER_PHONES = {
    ANDROID: "enterprises/e1/devices/somebody-elses",
    KNOX: "R58N12ABCDE",
    NANOMDM: "00008020-001A2B3C4D5E002E",
}
"""Names of phones that have nothing to do with the handset of the story."""


def give(world: World, radio: Radio, name: str, handset: str, *, by: str = "supervisor-1") -> ReferenceRow:
    """One person gives a name."""
    with world.house.unit() as unit:
        device = store.device(unit.session, radio.handset.device)
        return give_reference(unit, device, backend=name, handset=handset, account=by)


def confirm(world: World, radio: Radio, name: str, handset: str, *, by: str = "investigator-1") -> ReferenceRow:
    """Somebody confirms a name."""
    with world.house.unit() as unit:
        device = store.device(unit.session, radio.handset.device)
        return confirm_reference(unit, world.office, device, backend=name, handset=handset, account=by)


def lawful_lock(world: World) -> str:
    """The order of a lock that one person asked for and another decided."""
    world.withdraw_authority()
    case = world.dispute(world.parcels[0], "never_received").case
    return world.approve(ask(world, "agent-1", dispute=case).id, "supervisor-2").id


def rows(world: World, radio: Radio, order: str) -> dict[str, tuple[bool | None, str]]:
    """The rows of a preflight about other lock systems."""
    with world.house.read() as session:
        row, device = store.order(session, order), session.get_one(store.DeviceRow, radio.handset.device)
    with world.house.look() as unit:
        found = rows_of(fits(unit, world.office, row, device, LockKind.REQUESTED))
    assert all(each["allowed_by"] for each in found if each["ok"] is not True)
    return {each["check"]: (each["ok"], each["reason"]) for each in found}


@pytest.mark.parametrize("name", [ANDROID, KNOX, NANOMDM])
def test_a_name_that_one_person_gave_carries_no_lock_and_one_that_two_gave_does(world: World, name: str) -> None:
    others = OtherLocks(world, name)
    radio = world.switched_on(world.parcels[0])
    others.name(radio)
    order = lawful_lock(world)
    assert rows(world, radio, order) == {f"backend_{name}": (False, "unconfirmed")}
    others.carry()
    others.settle()
    assert others.parts(order) == {}
    assert others.benches[name].other.calls == [], "the other side hears of nothing"
    let_go(world, order)
    others.settle()
    others.know(radio)
    again = world.approve(ask(world, "agent-1", dispute=world.order(order).dispute).id, "supervisor-2").id
    assert rows(world, radio, again)[f"backend_{name}"][1] != "unconfirmed"
    others.carry()
    others.settle()
    assert others.benches[name].locked()


@pytest.mark.parametrize(("name", "phone"), OTHER_PHONES.items())
def test_a_wrong_name_that_one_person_gave_turns_no_lawful_lock_on_another_phone(
    world: World, name: str, phone: str
) -> None:
    others = OtherLocks(world, name)
    radio = world.handset(world.parcels[0])
    others.know(radio)
    others.benches[name].handset = phone
    give(world, radio, name, phone)
    order = lawful_lock(world)
    others.carry()
    others.settle(hours=2)
    assert others.parts(order) == {}
    assert not others.benches[name].locked()
    assert others.benches[name].other.calls == []


def test_a_part_is_asked_again_for_both_people_where_it_is_claimed(world: World) -> None:
    others = OtherLocks(world, ANDROID)
    radio = world.handset(world.parcels[0])
    others.know(radio)
    order = lawful_lock(world)
    with world.house.unit() as unit:
        row = unit.session.get_one(ReferenceRow, (radio.handset.device, ANDROID))
        row.confirmed_ms = None
        unit.session.add(row)
    others.carry()
    assert not others.android.locked()
    assert "only one person" in (others.show(order)[ANDROID].trouble or "")
    confirm(world, radio, ANDROID, others.android.handset)
    others.wait(2 * MINUTE_MS)
    assert others.android.locked()


def own_confirmation(_world: World) -> str:
    return "supervisor-1"


def account_made_for_it(world: World) -> str:
    return world.hire("puppet", "investigator", person="nobody knows", by="supervisor-1")


def ones_other_account(world: World) -> str:
    return world.hire("investigator-9", "investigator", person=person_of("supervisor-1"))


def another_role(_world: World) -> str:
    return "agent-1"


def somebody_who_left(world: World) -> str:
    world.dismiss("investigator-1")
    return "investigator-1"


REFUSED: dict[Callable[[World], str], str] = {
    own_confirmation: "four_eyes",
    account_made_for_it: "four_eyes",
    ones_other_account: "four_eyes",
    another_role: "role",
    somebody_who_left: "role",
}


@pytest.mark.parametrize(("who", "code"), REFUSED.items(), ids=[who.__name__ for who in REFUSED])
def test_a_name_is_confirmed_by_another_person_in_role_and_by_nobody_else(
    world: World, who: Callable[[World], str], code: str
) -> None:
    others = OtherLocks(world, ANDROID)
    radio = world.handset(world.parcels[0])
    others.name(radio)
    account = who(world)
    with world.refused(Forbidden, code):
        confirm(world, radio, ANDROID, others.android.handset, by=account)
    assert confirm(world, radio, ANDROID, others.android.handset, by="supervisor-2").confirmed_by == "supervisor-2"


def test_the_second_person_types_the_name_again_and_another_one_is_refused(world: World) -> None:
    others = OtherLocks(world, ANDROID)
    radio = world.handset(world.parcels[0])
    with world.refused(NotFound, "reference"):
        confirm(world, radio, ANDROID, others.android.handset)
    give(world, radio, ANDROID, OTHER_PHONES[ANDROID])
    with world.refused(Conflict, "reference"):
        confirm(world, radio, ANDROID, others.android.handset)
    give(world, radio, ANDROID, others.android.handset, by="supervisor-2")
    assert confirm(world, radio, ANDROID, others.android.handset).confirmed_ms is not None


def test_a_proposal_whose_giver_is_gone_or_not_known_is_given_again(world: World) -> None:
    others = OtherLocks(world, ANDROID)
    radio = world.handset(world.parcels[0])
    name = others.android.handset
    give(world, radio, ANDROID, name)
    world.dismiss("supervisor-1")
    with world.refused(Conflict, "reference"):
        confirm(world, radio, ANDROID, name)
    with world.house.unit() as unit:  # as it stands in a database from before names were confirmed
        row = unit.session.get_one(ReferenceRow, (radio.handset.device, ANDROID))
        row.given_by = None
        unit.session.add(row)
    with world.refused(Conflict, "reference"):
        confirm(world, radio, ANDROID, name)
    give(world, radio, ANDROID, name, by="supervisor-2")
    assert confirm(world, radio, ANDROID, name).given_by == "supervisor-2"


def test_a_confirmed_name_stays_so_when_it_is_given_again_and_a_changed_one_needs_both_people_again(
    world: World,
) -> None:
    others = OtherLocks(world, ANDROID)
    radio = world.handset(world.parcels[0])
    others.know(radio)
    before = world.size
    assert give(world, radio, ANDROID, others.android.handset, by="supervisor-2").confirmed_ms is not None
    assert confirm(world, radio, ANDROID, others.android.handset, by="supervisor-2").confirmed_by == "investigator-1"
    assert world.size == before, "nothing has changed"
    changed = give(world, radio, ANDROID, OTHER_PHONES[ANDROID])
    assert (changed.confirmed_by, changed.confirmed_ms, changed.confirmed_idx) == (None, None, None)
    back = give(world, radio, ANDROID, others.android.handset)
    assert back.confirmed_ms is None, "its first confirmation is over"
    with world.refused(Forbidden, "four_eyes"):
        confirm(world, radio, ANDROID, others.android.handset, by="supervisor-1")


def test_a_release_reaches_a_name_that_carried_a_lock_whether_it_is_confirmed_now_or_not(either: World) -> None:
    others = OtherLocks(either, ANDROID, NANOMDM)
    radio = either.handset(either.parcels[0])
    others.know(radio)
    order = lawful_lock(either)
    others.carry()
    others.settle()
    assert all(bench.locked() for bench in others.benches.values())
    unconfirm(either, radio, ANDROID)
    let_go(either, order)
    others.carry()
    others.settle()
    assert not any(bench.locked() for bench in others.benches.values())
    assert either.order(order).state == "released"


def unconfirm(world: World, radio: Radio, name: str) -> None:
    """A name stands as if nobody had confirmed it."""
    with world.house.unit() as unit:
        row = unit.session.get_one(ReferenceRow, (radio.handset.device, name))
        row.confirmed_by, row.confirmed_ms, row.confirmed_idx = None, None, None
        unit.session.add(row)


def retired_names(world: World, radio: Radio) -> set[tuple[str, str]]:
    """Where a handset was asked to be retired, and under which names."""
    asked = (col(PartRow.device) == radio.handset.device, col(PartRow.wished) == Applied.RETIRED)
    with world.house.read() as session:
        rows = session.scalars(select(PartRow).where(*asked)).all()
    return {(row.backend, row.handset) for row in rows}


def test_a_retirement_goes_to_every_name_that_ever_carried_a_lock(either: World) -> None:
    others = OtherLocks(either, ANDROID)
    radio = either.handset(either.parcels[0])
    others.know(radio)
    first = others.android.handset
    order = lawful_lock(either)
    others.carry()
    others.settle()
    let_go(either, order)
    others.carry()
    others.settle()
    assert either.order(order).state == "released"
    give(either, radio, ANDROID, OTHER_PHONES[ANDROID])
    say_received(either, radio)
    assert retired_names(either, radio) == {(ANDROID, first)}, "not to a name that one person gave and nothing used"
    confirm(either, radio, ANDROID, OTHER_PHONES[ANDROID])
    others.wait(2 * MINUTE_MS)
    both = {(ANDROID, first), (ANDROID, OTHER_PHONES[ANDROID])}
    assert retired_names(either, radio) == both, "once confirmed it is retired too"
    with either.house.read() as session:
        assert part_store.unretired_at(session, radio.handset.device) == []
        assert part_store.unretired_after(session, "", limit=5) == []


def test_a_name_that_is_another_handsets_now_is_not_retired_with_the_one_that_had_it(world: World) -> None:
    others = OtherLocks(world, ANDROID)
    radio, other = world.handset(world.parcels[0]), world.handset(world.parcels[1])
    others.know(radio)
    first = others.android.handset
    order = lawful_lock(world)
    others.carry()
    others.settle()
    let_go(world, order)
    others.carry()
    others.settle()
    give(world, radio, ANDROID, OTHER_PHONES[ANDROID])
    others.know(other)
    say_received(world, radio)
    assert (ANDROID, first) not in retired_names(world, radio)
    with world.house.read() as session:
        assert part_store.device_at(session, ANDROID, first) == other.handset.device


@pytest.mark.parametrize("told", ["490154203237518", "490154203237510", "490154203237515"])
def test_a_lock_is_refused_loudly_where_the_back_end_knows_another_handset_by_the_name(
    either: World, told: str
) -> None:
    """Whatever digit it tells last: an IMEI that is checked has 14 (TS 23.003 section 6.2.1)."""
    others = OtherLocks(either, ANDROID)
    radio = either.handset(either.parcels[0])
    others.know(radio)
    others.android.imei = told
    order = lawful_lock(either)
    others.carry()
    others.settle(hours=2)
    assert not others.android.locked()
    assert {call.method for call in others.android.other.calls} == {"GET"}
    assert "7518" in (others.show(order)[ANDROID].trouble or "")
    assert "wrong_reference" in either.alerts()
    let_go(either, order)
    others.settle()
    assert either.order(order).state == "released"


def test_a_lock_is_sent_where_the_back_end_knows_the_same_handset_or_cannot_tell(world: World) -> None:
    others = OtherLocks(world, ANDROID)
    radio = world.handset(world.parcels[0])
    others.know(radio)
    imei = world.parcels[0].unit.imei
    order = ""
    for told in (imei, imei[:14], imei[:14] + "0", imei[:14] + "07", None, "A1000031212"):
        others.android.imei = told
        if order:
            let_go(world, order)
            others.settle()
            case = world.order(order).dispute
            order = world.approve(ask(world, "agent-1", dispute=case).id, "supervisor-2").id
        else:
            order = lawful_lock(world)
        others.carry()
        assert others.android.locked(), told
        others.settle()
    assert "wrong_reference" not in world.alerts()


def test_a_lock_waits_while_the_back_end_that_could_tell_the_handset_does_not_answer(world: World) -> None:
    others = OtherLocks(world, ANDROID)
    radio = world.handset(world.parcels[0])
    others.know(radio)
    order = lawful_lock(world)
    others.android.other.fault = Fault.BROKEN
    others.carry()
    assert not others.android.locked()
    assert others.show(order)[ANDROID].trouble
    assert not others.parts(order)[ANDROID].may_hold, "nothing was claimed, so nothing is to be released"
    others.wait(MINUTE_MS)
    assert others.android.locked()


def test_an_imei_at_knox_guard_is_that_of_the_handset_or_it_is_refused(world: World) -> None:
    OtherLocks(world, KNOX)
    radio = world.handset(world.parcels[0])
    with pytest.raises(Trouble) as refused:
        give(world, radio, KNOX, "490154203237518")
    assert (refused.value.code, bool(refused.value.fix)) == ("imei", True)
    assert give(world, radio, KNOX, world.parcels[0].unit.imei).handset


def test_a_lock_refused_for_another_handset_leaves_the_other_sides_phone_as_it_was(world: World) -> None:
    others = OtherLocks(world, ANDROID)
    radio = world.handset(world.parcels[0])
    others.know(radio)
    others.android.imei = "490154203237518"
    theirs = Ref(handset=others.android.handset, order="lock-of-their-own", version=1)
    order = lawful_lock(world)
    screen = world.office.screen_of(world.order(order))
    others.android.backend.lock(theirs, screen=screen, not_after_ms=world.clock.at_ms + HOUR_MS)
    others.carry()
    let_go(world, order)
    others.carry()
    assert others.android.locked(), "a lock that was never sent is struck out, and nobody hears of its release"
