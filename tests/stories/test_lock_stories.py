"""Stories of the lock by standing authority: from a customer's report to a handset that is locked, and free again."""

import pytest

from custody.kernel.clock import DAY_MS, HOUR_MS, MINUTE_MS
from custody.kernel.errors import Conflict
from custody.store.engine import is_sqlite
from devicelock import store
from devicelock.rules.ack import AckResult
from devicelock.rules.applied import Applied
from devicelock.rules.command import Reason
from devicelock.rules.hello import SimClass
from devicelock.usecases.request_lock import lock_for_dispute
from devicelock.usecases.show_parts import show_parts
from simulators.holder import Function
from tests.stories.lock_steps import ask, let_go, sell_again
from tests.world import World


def test_a_parcel_never_received_has_its_remedy_at_once_and_its_handset_locked(either: World) -> None:
    parcel = either.parcels[0]
    radio = either.handset(parcel)
    opened = either.dispute(parcel, "never_received")
    file = opened.disputed.file
    assert (file.case.state, file.case.presumption) == ("remedy_offered", "honest")
    assert file.offer is not None
    assert file.work_clocks
    assert opened.disputed.investigation is not None
    assert (opened.order.state, opened.order.basis) == ("queued", "standing_policy")
    assert opened.order.imei == parcel.unit.imei_urn
    radio.switch_on()
    either.deliver()
    order = either.order(opened.order.id)
    assert (order.state, radio.handset.screen_locked) == ("active_provisional", True)
    assert order.acked_ms is not None
    assert radio.handset.use(Function.EMERGENCY_CALL) == "done"
    assert radio.handset.screen is not None
    assert radio.handset.screen.phone == "0800 000 000"


def test_without_an_authority_in_force_the_lock_is_refused_with_what_would_allow_it_and_the_remedy_stands(
    world: World,
) -> None:
    world.withdraw_authority()
    parcel = world.parcels[0]
    radio = world.handset(parcel)
    opened = world.dispute(parcel, "never_received")
    assert opened.order.state == "refused"
    assert "policy" in opened.lock.refused
    assert "two people" in opened.lock.allowed_by
    assert opened.disputed.file.case.state == "remedy_offered"
    assert world.settled(opened)
    radio.switch_on()
    world.deliver()
    assert radio.handset.state.applied is Applied.UNLOCKED


def test_a_customer_who_finds_the_handset_has_it_released_at_once_and_the_handset_says_so(either: World) -> None:
    opened, radio = either.locked_elsewhere()
    either.found(opened)
    assert either.order(opened.order.id).state == "release_queued"
    either.deliver()
    order = either.order(opened.order.id)
    assert (order.state, radio.handset.screen_locked) == ("released", False)
    assert order.released_ms is not None
    assert order.release_ms is not None
    assert order.release_ms <= order.released_ms
    assert either.settled(opened)


def test_a_lock_decided_while_the_handset_is_off_arrives_when_it_connects(world: World) -> None:
    parcel = world.parcels[0]
    radio = world.handset(parcel)
    opened = world.dispute(parcel, "never_received")
    world.deliver()
    world.step(30 * HOUR_MS)
    assert world.order(opened.order.id).state == "queued"
    world.restart()
    radio.switch_on()
    world.deliver()
    assert radio.handset.screen_locked
    assert world.order(opened.order.id).state == "active_provisional"


def test_a_lock_that_waited_in_the_broker_is_signed_anew_for_the_handsets_present_run(world: World) -> None:
    parcel = world.parcels[0]
    radio = world.switched_on(parcel)
    radio.switch_off()
    world.dispute(parcel, "never_received")
    world.deliver()
    radio.switch_on()
    world.deliver()
    results = [ack.result for ack in radio.acks]
    assert AckResult.REFUSED_NONCE in results, "the command of before is refused"
    assert radio.handset.screen_locked


def test_an_unlock_supersedes_a_lock_that_still_waits(world: World) -> None:
    parcel = world.parcels[0]
    radio = world.handset(parcel)
    opened = world.dispute(parcel, "never_received")
    world.deliver()
    world.found(opened)
    assert world.order(opened.order.id).state == "released"
    radio.switch_on()
    world.deliver()
    assert [ack for ack in radio.acks if ack.applied is Applied.LOCKED] == []
    assert not radio.handset.screen_locked


def test_an_unlock_that_overtakes_its_lock_wins(world: World) -> None:
    parcel = world.parcels[0]
    radio = world.switched_on(parcel)
    opened = world.dispute(parcel, "never_received")
    world.relay.carry()
    world.found(opened)
    world.relay.carry()
    waiting = world.waiting(radio.handset.device)
    waiting.reverse()
    world.deliver()
    assert [ack.result for ack in radio.acks] == [AckResult.APPLIED, AckResult.REFUSED_STALE]
    assert not radio.handset.screen_locked


@pytest.mark.parametrize("on", [True, False])
def test_a_provisional_lock_lapses_after_72_hours_whether_the_handset_can_be_reached_or_not(
    world: World,
    on: bool,  # noqa: FBT001 - the case that is told
) -> None:
    opened, radio = world.locked_elsewhere()
    if not on:
        radio.switch_off()
    world.step(71 * HOUR_MS)
    assert world.order(opened.order.id).state == "active_provisional"
    world.step(HOUR_MS + MINUTE_MS)
    assert world.order(opened.order.id).state == "release_queued"
    if not on:
        radio.switch_on()
    assert not radio.handset.screen_locked, "a handset releases itself at its hour, told or not"
    world.deliver()
    assert world.order(opened.order.id).state == "released"


def test_a_handset_that_speaks_up_before_the_sweep_lets_its_lock_lapse_too(world: World) -> None:
    opened, radio = world.locked_elsewhere()
    world.clock.at_ms += 72 * HOUR_MS + MINUTE_MS
    radio.tick()
    world.deliver()
    assert world.order(opened.order.id).state == "released"


def test_a_lock_that_was_never_delivered_ends_after_72_hours(world: World) -> None:
    parcel = world.parcels[0]
    radio = world.handset(parcel)
    opened = world.dispute(parcel, "never_received")
    world.step(72 * HOUR_MS + MINUTE_MS)
    assert world.order(opened.order.id).state == "released"
    radio.switch_on()
    world.deliver()
    assert not radio.handset.screen_locked
    assert world.sweep() == 0, "what has ended is not swept again"


def test_a_retired_device_is_never_locked(world: World) -> None:
    parcel = world.parcels[0]
    radio = world.handset(parcel)
    world.anchor.retire(radio.handset.device)
    world.restart()
    opened = world.dispute(parcel, "never_received")
    assert opened.order.state == "refused"
    assert "retired" in opened.lock.refused
    radio.switch_on()
    world.deliver()
    assert not radio.handset.screen_locked


def test_a_device_retired_while_it_is_locked_is_set_free_and_the_customer_is_never_refused(world: World) -> None:
    opened, radio = world.locked_elsewhere()
    world.anchor.retire(radio.handset.device)
    radio.switch_off()
    radio.switch_on()
    world.deliver()
    world.found(opened)
    world.deliver()
    assert not radio.handset.screen_locked
    assert world.settled(opened)


def test_a_damaged_handset_is_not_locked(world: World) -> None:
    parcel = world.parcels[0]
    world.handset(parcel)
    opened = world.dispute(parcel, "damaged", custody_words="It was crushed when it came.")
    assert opened.lock.order is None
    assert opened.lock.refused
    assert opened.disputed.file.offer is not None


@pytest.mark.parametrize("by_two", [False, True])
@pytest.mark.parametrize("sim", [SimClass.OTHER, SimClass.UNKNOWN])
def test_a_handset_that_was_seen_with_the_customers_own_sim_is_not_locked_because_another_is_in_it_now(
    world: World,
    sim: SimClass,
    by_two: bool,  # noqa: FBT001 - the case that is told
) -> None:
    """Whoever knows the number of an order can say that it never came; its customer has used the handset."""
    radio = world.switched_on(world.parcels[0], sim=SimClass.OWN, country="GB")
    radio.swap_sim(sim, country="GB")
    world.deliver()
    opened = world.dispute(world.parcels[0], "never_received")
    order = ask(world, "agent-1", dispute=opened.case) if by_two else opened.order
    world.deliver()
    assert order.state == "refused"
    assert "not_on_own_sim" in order.facts
    assert not radio.handset.screen_locked


def test_the_sim_of_whoever_had_the_handset_before_it_was_sold_again_says_nothing(world: World) -> None:
    radio = world.switched_on(world.parcels[0], sim=SimClass.OWN, country="GB")
    radio.swap_sim(SimClass.OTHER, country="GB")
    world.deliver()
    opened = world.dispute(sell_again(world), "never_received")
    world.deliver()
    assert radio.handset.screen_locked, opened.lock.refused


def test_a_handset_on_the_customers_own_sim_is_not_locked(world: World) -> None:
    parcel = world.parcels[0]
    world.switched_on(parcel, sim=SimClass.OWN, country="GB")
    opened = world.dispute(parcel, "never_received")
    assert opened.lock.order is None
    assert "own SIM" in opened.lock.refused


def test_the_kill_switch_stops_a_lock_and_not_a_release(world: World) -> None:
    opened, radio = world.locked_elsewhere()
    late = world.parcels[1]
    other = world.handset(late)
    waiting = world.dispute(late, "never_received")
    world.deliver()
    world.throw_switch(on=True)
    other.switch_on()
    world.found(opened)
    world.deliver()
    assert not radio.handset.screen_locked
    assert not other.handset.screen_locked
    assert world.order(waiting.order.id).state == "queued"
    world.throw_switch(on=False, by="supervisor-2")
    world.clear_groups()
    other.switch_off()
    other.switch_on()
    world.deliver()
    assert other.handset.screen_locked


def test_a_new_lock_is_refused_while_the_kill_switch_is_on(world: World) -> None:
    parcel = world.parcels[0]
    radio = world.handset(parcel)
    world.throw_switch(on=True)
    opened = world.dispute(parcel, "never_received")
    assert opened.order.state == "refused"
    assert "kill_switch" in opened.lock.refused
    radio.switch_on()
    world.deliver()
    assert not radio.handset.screen_locked


def test_who_stopped_the_locks_cannot_start_them_alone(world: World) -> None:
    world.throw_switch(on=True)
    with pytest.raises(Exception, match="four_eyes"):
        world.throw_switch(on=False)


def test_acks_and_hellos_that_come_twice_or_late_change_nothing(world: World) -> None:
    opened, radio = world.locked_elsewhere()
    old = list(world.heard)
    size = world.size
    for message in (*old, *reversed(old)):
        world.line.take(message)
    world.deliver()
    assert world.order(opened.order.id).state == "active_provisional"
    world.found(opened)
    world.deliver()
    for message in reversed(old):
        world.line.take(message)
    world.deliver()
    assert world.order(opened.order.id).state == "released"
    assert not radio.handset.screen_locked
    steps = [event.event for event in world.steps(opened.order.id)]
    assert steps.count("locked") == steps.count("released") == 1
    assert world.size - size <= 3 * len(old), "a repeat leaves at most one line in the log"


def test_a_release_is_not_lost_when_the_handset_is_off(world: World) -> None:
    opened, radio = world.locked_elsewhere()
    radio.switch_off()
    world.found(opened)
    world.deliver()
    assert world.order(opened.order.id).state == "release_queued"
    world.broker.wipe()
    world.restart()
    radio.switch_on()
    world.deliver()
    assert not radio.handset.screen_locked
    assert world.order(opened.order.id).state == "released"


def test_one_handset_has_at_most_one_open_order(world: World) -> None:
    opened, _ = world.locked_elsewhere()
    again = world.dispute(world.parcels[0], "never_received")
    assert again.lock.order is None
    assert opened.order.id in again.lock.refused
    assert again.disputed.file.case.state == "remedy_offered"
    with world.refused(Conflict, "already_ordered"), world.house.unit() as unit:
        lock_for_dispute(unit, world.office, imei=opened.order.imei, reason=Reason.NEVER_RECEIVED, dispute=again.case)


def test_staff_alone_may_release(world: World) -> None:
    opened, radio = world.locked_elsewhere()
    let_go(world, opened.order.id)
    world.deliver()
    assert not radio.handset.screen_locked


def test_a_restored_backup_leaves_no_handset_locked_that_nobody_can_account_for(world: World) -> None:
    parcel = world.parcels[0]
    radio = world.handset(parcel)
    backup = world.backup()
    world.dispute(parcel, "never_received")
    radio.switch_on()
    world.deliver()
    assert radio.handset.screen_locked
    world.restore(backup)
    radio.switch_off()
    radio.switch_on()
    world.deliver()
    assert not radio.handset.screen_locked


def test_a_lock_confirmed_by_two_people_holds_beyond_its_72_hours(world: World) -> None:
    opened, radio = world.locked_elsewhere()
    world.confirm(opened, "investigator-1")
    world.confirm(opened, "supervisor-1")
    assert world.order(opened.order.id).state == "active_confirmed"
    world.deliver()
    world.step(73 * HOUR_MS)
    assert radio.handset.screen_locked
    assert world.settled(opened)
    world.found(opened)
    world.deliver()
    assert not radio.handset.screen_locked


def test_one_person_alone_does_not_confirm_a_lock(world: World) -> None:
    opened, _ = world.locked_elsewhere()
    world.confirm(opened, "supervisor-1")
    with pytest.raises(Exception, match="lock_refused"):
        world.confirm(opened, "supervisor-1")
    world.step(73 * HOUR_MS)
    world.deliver()
    assert world.order(opened.order.id).state == "released"


def test_a_confirmed_lock_reaches_a_handset_that_was_off(world: World) -> None:
    opened, radio = world.locked_elsewhere()
    radio.switch_off()
    world.confirm(opened, "investigator-1")
    world.confirm(opened, "supervisor-1")
    world.deliver()
    radio.switch_on()
    world.deliver()
    world.step(10 * DAY_MS)
    assert radio.handset.screen_locked


def test_an_order_and_its_parts_are_read_while_somebody_decides_it(either: World) -> None:
    opened, _ = either.locked_elsewhere()
    with either.house.unit() as deciding:
        held = store.order(deciding.session, opened.order.id)
        device = store.device(deciding.session, held.device)
        with either.house.read() as session:
            if not is_sqlite(either.house.engine):
                session.connection().exec_driver_sql("SET LOCAL lock_timeout = '2s'")
            order = store.order(session, opened.order.id, hold=False)
            assert order.state == held.state
            assert [part.handset for part in show_parts(session, either.office, order)] == [device.device]
