"""Stories of what bounds the locks: who clears a paused group, what counts against whom, what authority holds."""

from dataclasses import replace

import pytest

from custody.kernel.clock import DAY_MS
from custody.kernel.errors import Conflict, Forbidden, Rejected
from devicelock import store, watch_store
from devicelock.rules.caps import CapReason, Caps
from devicelock.rules.command import KeyRing, Op, Reason, open_command
from devicelock.rules.order import LockRole
from devicelock.usecases import standing_authority
from devicelock.usecases.clear_group import groups
from devicelock.usecases.retire import received
from tests.stories.lock_steps import ask, register_many
from tests.world import World
from tests.world_parts import key, person_of


def test_whoever_decided_the_locks_of_a_policy_does_not_clear_its_group(world: World) -> None:
    """Where customers need support a specialist decides each lock; who decided them lets nothing go on alone."""
    radio = world.switched_on(world.parcels[0])
    opened = world.dispute(world.parcels[0], "never_received", support_needs=("large print",))
    assert opened.order.state == "requested"
    world.approve(opened.order.id, "investigator-1")
    world.deliver()
    assert radio.handset.screen_locked
    world.found(opened)
    world.deliver()
    assert "wrong_lock" in world.alerts()
    with world.refused(Forbidden, "four_eyes"):
        world.clear_groups("investigator-1")
    world.hire("investigator-2", "investigator")
    assert world.clear_groups("investigator-2"), "somebody else has looked"


def test_to_keep_a_lock_beyond_its_hours_counts_against_the_two_who_do(world: World) -> None:
    """What one person decides in a day is bounded; to keep a lock for ninety days is a decision, and signs a LOCK."""
    for parcel in world.parcels[:2]:
        world.handset(parcel).switch_on()
    world.deliver()
    first, second = (world.dispute(parcel, "never_received") for parcel in world.parcels[:2])
    world.deliver()
    world.office = replace(world.office, caps=Caps(per_person_day=1))
    for opened in (first, second):
        world.confirm(opened, "investigator-1")
    world.confirm(first, "supervisor-1")
    assert "cap_reached" in world.alerts()
    with world.refused(Forbidden, "lock_refused"):
        world.confirm(second, "supervisor-1")
    world.step(DAY_MS)
    world.confirm(second, "supervisor-1")
    assert {world.order(each.order.id).state for each in (first, second)} == {"active_confirmed"}


def test_to_keep_a_lock_beyond_its_hours_pauses_no_group(world: World) -> None:
    """It is none of the first of its group; whoever has looked at the pause is not told of it again."""
    world.office = replace(world.office, caps=Caps(canary=1))
    opened, _radio = world.locked_elsewhere()
    assert world.alerts() == ["group_paused"]
    with world.house.read() as session:
        (alert,) = (row.id for row in watch_store.alerts(session, seen=False))
    with world.house.unit() as unit:
        world.look_at(unit, alert)
    for account in ("investigator-1", "supervisor-1"):
        world.confirm(opened, account)
    assert world.order(opened.order.id).state == "active_confirmed"
    assert world.alerts() == []


def test_clearing_a_wrong_lock_does_not_clear_a_canary_that_is_not_settled(world: World) -> None:
    """The first locks are settled, and then somebody looks; who looked before that has not seen how they ended."""
    world.office = replace(world.office, caps=Caps(canary=2))
    first, _radio = world.locked_elsewhere()
    late = world.handset(world.parcels[1])
    second = world.dispute(world.parcels[1], "never_received")
    assert second.order.state == "queued"
    world.found(first)
    world.deliver()
    world.clear_groups()
    late.switch_on()
    world.deliver()
    assert world.order(second.order.id).state == "active_provisional"
    with world.house.read() as session:
        (group,) = groups(session, world.office, now_ms=world.clock.now_ms())
    assert group.paused is CapReason.CANARY_NOT_CLEARED


def test_a_withdrawn_authority_does_not_bring_back_the_one_that_it_had_replaced(world: World) -> None:
    """One person withdraws it, and nothing more is locked under a standing authority."""
    world.authorise()
    world.withdraw_authority()
    radio = world.switched_on(world.parcels[0])
    opened = world.dispute(world.parcels[0], "never_received")
    world.deliver()
    assert not radio.handset.screen_locked
    assert opened.order.state == "refused"


def test_an_authority_is_not_put_in_force_with_somebody_who_has_left(world: World) -> None:
    """Both people are in role at the moment at which two of them count."""
    world.withdraw_authority()
    with world.house.unit() as unit:
        row = standing_authority.propose(unit, person=person_of("supervisor-1"))
    world.dismiss("supervisor-1")
    with world.refused(Forbidden, "role"), world.house.unit() as unit:
        standing_authority.approve(
            unit, world.office, authority=row.id, person=person_of("supervisor-2"), put_in_force=lambda _unit, _rules: 0
        )


@pytest.mark.parametrize(
    "typed",
    [[f"entry:{900_000 + number}" for number in range(5)], ["entry:the neighbour at number 12"]],
    ids=["entries that are none", "personal words"],
)
def test_a_signed_lock_names_the_entries_that_tie_its_handset_whatever_somebody_typed(
    world: World, typed: list[str]
) -> None:
    world.withdraw_authority()
    radio = world.handset(world.parcels[0])
    case = world.dispute(world.parcels[0], "never_received").case
    order = ask(world, "agent-1", dispute=case, evidence=typed)
    world.approve(order.id, "supervisor-1")
    with world.house.read() as session:
        row = store.newest_command(session, radio.handset.device, Op.LOCK)
    assert row is not None
    named = open_command(row.raw, KeyRing(lock=key("lock").public, unlock=key("unlock").public)).authority.references
    entries = [each.removeprefix("entry:") for each in named if each.startswith("entry:")]
    assert entries, "it rests on the records that tie the handset"
    assert all(number.isdigit() and int(number) < world.size for number in entries), entries


def test_a_reason_to_release_is_no_reason_to_lock(world: World) -> None:
    """An order that was asked for with it could never be signed, and would keep every other order away."""
    world.withdraw_authority()
    world.handset(world.parcels[0])
    case = world.dispute(world.parcels[0], "never_received").case
    with world.refused(Rejected, "reason"):
        ask(world, "agent-1", dispute=case, reason=Reason.LAPSED)


def test_a_specialist_who_speaks_first_does_not_make_a_confirmation_impossible(world: World) -> None:
    """Where a customer needs support the specialist decides; a proposal of theirs is for nobody to decide."""
    radio = world.switched_on(world.parcels[0])
    opened = world.dispute(world.parcels[0], "never_received", support_needs=("large print",))
    world.approve(opened.order.id, "investigator-1")
    world.deliver()
    assert radio.handset.screen_locked
    for account in ("investigator-1", "supervisor-1", "investigator-1"):
        world.confirm(opened, account)
    assert world.order(opened.order.id).state == "active_confirmed"


def test_a_lock_whose_hours_have_passed_is_not_confirmed_in_the_moment_before_the_sweep(world: World) -> None:
    """It has lapsed and the handset is free; to lock it again is a new order, not a confirmation."""
    opened, radio = world.locked_elsewhere()
    world.confirm(opened, "investigator-1")
    world.clock.at_ms = world.order(opened.order.id).held_until_ms + 1
    radio.tick()
    assert not radio.handset.screen_locked, "it has freed itself at its hour"
    with world.refused(Conflict, "lapsed"):
        world.confirm(opened, "supervisor-1")
    world.deliver()
    assert not radio.handset.screen_locked


def test_handsets_that_are_retired_make_no_room_for_locks(world: World) -> None:
    """The share of the fleet is one of the handsets that can be locked, not of all that ever were."""
    world.office = replace(world.office, caps=Caps(fleet_permille=500, fleet_least=1))
    for parcel in world.parcels[:2]:
        world.handset(parcel)
    for device in register_many(world, 4):
        with world.house.unit() as unit:
            received(unit, world.office, name=device, actor="customer", role=LockRole.CUSTOMER)
    assert world.dispute(world.parcels[0], "never_received").order.state == "queued"
    second = world.dispute(world.parcels[1], "never_received")
    assert second.order.state == "refused", "half of the two handsets that are left is one"


def test_a_need_without_words_in_a_case_from_before_holds_no_lock_up(world: World) -> None:
    radio = world.switched_on(world.parcels[0])
    opened = world.dispute(world.parcels[0], "never_received", support_needs=("", "  "))
    world.deliver()
    assert (opened.order.state, radio.handset.screen_locked) == ("queued", True)
