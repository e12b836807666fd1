"""Stories of a handset's life: inert, received, left, retired for ever; and of locks that were wrong."""

from typing import Any

import pytest

from api.lock_views import order_view
from custody.disputes.civil import civil_date
from custody.disputes.policy import DEFAULT_POLICY as POLICY
from custody.disputes.wrong_lock import daily_pence
from custody.kernel import cbor
from custody.kernel.clock import DAY_MS, HOUR_MS, SECOND_MS
from custody.store import case_book
from devicelock import store
from devicelock.rules.ack import AckResult
from devicelock.rules.applied import Applied
from devicelock.rules.command import Reason
from devicelock.rules.hello import SimClass
from devicelock.rules.order import LockRole
from devicelock.transport import PublishOutcome
from devicelock.usecases.register_device import register_device
from devicelock.usecases.request_lock import request_lock
from simulators.radio import Radio
from tests.stories.lock_steps import leave, let_go, lines_of, say_received, told
from tests.world import World
from tests.world_parts import key

# A release that nobody answers.


def test_a_handset_that_never_answers_its_release_does_not_keep_the_order_open_for_ever(world: World) -> None:
    opened, radio = world.locked_elsewhere()
    radio.switch_off()
    world.found(opened)
    world.step(2 * HOUR_MS)
    assert world.order(opened.order.id).state == "release_queued"
    assert "release_overdue" in world.alerts()
    world.step(29 * DAY_MS)
    assert world.order(opened.order.id).state == "release_queued", "the days of the policy are not over"
    assert not world.settled(opened)
    world.step(DAY_MS)
    order = world.order(opened.order.id)
    assert (order.state, order.released_ms) == ("released_unconfirmed", None), "nothing is shown that nobody said"
    assert world.settled(opened), "the case need not wait any longer"
    assert world.alerts().count("release_overdue") == world.alerts().count("released_unconfirmed") == 1
    world.restart()
    world.broker.wipe()
    world.restart()
    radio.switch_on()
    assert not radio.handset.screen_locked, "it released itself at its hour"
    world.deliver()
    assert radio.acks[-1].result is AckResult.APPLIED
    assert radio.acks[-1].applied is not Applied.LOCKED
    assert world.order(opened.order.id).state == "released", "the release was still on offer, and it answered"


def test_an_order_does_not_end_unanswered_before_the_hour_at_which_the_handset_frees_itself(world: World) -> None:
    opened, radio = world.locked_elsewhere()
    world.confirm(opened, "investigator-1")
    world.confirm(opened, "supervisor-1")
    world.deliver()
    radio.switch_off()
    world.found(opened)
    world.step(60 * DAY_MS)
    assert world.order(opened.order.id).state == "release_queued", "it may be locked until its ninetieth day"
    world.step(31 * DAY_MS)
    assert world.order(opened.order.id).state == "released_unconfirmed"


# Received, and retired for ever.


def test_the_customers_own_word_retires_an_inert_handset_for_ever(world: World) -> None:
    radio = world.switched_on(world.parcels[0])
    say_received(world, radio)
    world.deliver()
    assert radio.handset.state.applied is Applied.RETIRED
    assert radio.handset.state.keys.lock is None, "there is no key left to lock it with"
    opened = world.dispute(world.parcels[0], "never_received")
    assert opened.order.state == "refused"
    world.deliver()
    assert not radio.handset.screen_locked


def test_a_retirement_reaches_a_handset_that_was_off_and_a_broker_that_forgot_it(world: World) -> None:
    radio = world.handset(world.parcels[0])
    say_received(world, radio)
    world.deliver()
    world.broker.wipe()
    world.restart()
    radio.switch_on()
    world.deliver()
    assert radio.handset.state.applied is Applied.RETIRED


def test_a_lost_retirement_is_sent_again_with_the_next_hello(world: World) -> None:
    radio = world.switched_on(world.parcels[0])
    say_received(world, radio)
    world.relay.carry()
    world.waiting(radio.handset.device).clear()
    radio.swap_sim(SimClass.OTHER, country="HU")
    world.deliver()
    assert radio.handset.state.applied is Applied.RETIRED


def test_a_lock_and_a_retirement_come_back_to_a_handset_that_lost_its_store(world: World) -> None:
    opened, radio = world.locked_elsewhere()
    lose_store(world, radio)
    assert radio.handset.screen_locked
    assert world.order(opened.order.id).state == "active_provisional"
    world.found(opened)
    say_received(world, radio)
    world.deliver()
    lose_store(world, radio)
    assert radio.handset.state.applied is Applied.RETIRED
    assert radio.handset.state.keys.lock is None


def lose_store(world: World, radio: Radio) -> None:
    """The handset's store is lost, with everything in it; it is switched on again and says so."""
    radio.switch_off()
    radio.handset.store.unlink()
    radio.switch_on()
    assert not radio.handset.screen_locked
    world.deliver()


def test_received_ends_a_lock_too_and_the_retirement_answers_for_the_release(world: World) -> None:
    opened, radio = world.locked_elsewhere()
    say_received(world, radio, actor="agent-1", role=LockRole.AGENT)
    world.deliver()
    assert not radio.handset.screen_locked
    assert radio.handset.state.applied is Applied.RETIRED
    assert world.order(opened.order.id).state == "released"


def test_retirement_is_not_forgotten_by_a_restored_backup(world: World) -> None:
    radio = world.handset(world.parcels[0])
    backup = world.backup()
    say_received(world, radio)
    world.restore(backup)
    opened = world.dispute(world.parcels[0], "never_received")
    assert opened.order.state == "refused"
    assert "retired" in opened.lock.refused
    radio.switch_on()
    world.deliver()
    assert radio.handset.state.applied is Applied.RETIRED


def test_a_handset_whose_delivery_nobody_disputes_is_retired_after_the_days_of_the_policy(world: World) -> None:
    radio = world.handset(world.parcels[0])
    radio.switch_on()
    days = POLICY.count("device_retire_days", civil_date(world.clock.at_ms))
    world.step((days - 1) * DAY_MS)
    assert world.retire_due() == 0
    world.step(2 * DAY_MS)
    assert world.retire_due() == 1
    world.deliver()
    assert radio.handset.state.applied is Applied.RETIRED
    assert world.retire_due() == 0, "retired is for ever, and once"


@pytest.mark.parametrize("claim", ["never_received", "substituted", "misdelivered"])
def test_a_handset_that_its_customer_never_got_is_not_retired_by_time(world: World, claim: str) -> None:
    radio = world.handset(world.parcels[0])
    opened = world.dispute(world.parcels[0], claim)
    world.step(400 * DAY_MS)
    assert world.retire_due() == 0
    world.found(opened)
    with world.house.unit() as unit:
        case_book.note(unit, opened.case, "found", actor="customer", facts={})
    assert world.retire_due() == 0, "the days of amnesty are not over"
    world.step(15 * DAY_MS)
    assert world.retire_due() == 1
    radio.switch_on()
    world.deliver()
    assert radio.handset.state.applied is Applied.RETIRED


def test_a_handset_that_nobody_bought_yet_is_not_retired_by_time(world: World) -> None:
    parcel = world.parcels[0]
    radio = world.handset(parcel)
    with world.house.unit() as unit:
        row = store.device(unit.session, radio.handset.device)
        row.imei = "urn:gsma:imei:99000000-000000-0"
        unit.session.add(row)
    world.step(800 * DAY_MS)
    assert world.retire_due() == 0


def test_what_the_customer_found_is_never_locked_again(world: World) -> None:
    opened, radio = world.locked_elsewhere()
    world.found(opened)
    world.deliver()
    world.clear_groups()
    again = world.dispute(world.parcels[0], "never_received")
    assert again.order.state == "refused"
    assert "receipt" in again.lock.refused
    assert not radio.handset.screen_locked


@pytest.mark.parametrize("sold_again", [False, True])
def test_a_retired_handset_is_not_locked_under_a_new_name_unless_it_was_sold_again(
    world: World,
    sold_again: bool,  # noqa: FBT001 - the case that is told
) -> None:
    parcel = world.parcels[0]
    radio = world.handset(parcel)
    radio.switch_on()
    say_received(world, radio)
    world.deliver()
    assert radio.handset.state.applied is Applied.RETIRED
    cose_key = cbor.encode(key("the same handset, set up anew").public.cose_key())
    given = {"imei": parcel.unit.imei, "model": "again", "cose_key": cose_key}
    with world.house.unit() as unit:
        sold_ms = unit.now_ms if sold_again else world.clock.at_ms - DAY_MS
        register_device(unit, world.office, **given, sold_ms=sold_ms)
    again = world.dispute(parcel, "never_received")
    assert again.order.state == ("queued" if sold_again else "refused")


# Leaving.


@pytest.mark.parametrize("on", [True, False])
def test_a_leavers_lock_ends_before_the_account_does_without_exception(
    world: World,
    on: bool,  # noqa: FBT001 - the case that is told
) -> None:
    opened, radio = world.locked_elsewhere()
    world.confirm(opened, "investigator-1")
    world.confirm(opened, "supervisor-1")
    world.deliver()
    if not on:
        radio.switch_off()
    world.throw_switch(on=True)
    leave(world, radio, in_ms=HOUR_MS)
    world.deliver()
    assert world.order(opened.order.id).state == ("released" if on else "release_queued")
    if not on:
        radio.switch_on()
        world.deliver()
    assert not radio.handset.screen_locked, "nothing holds a release back, the kill switch least of all"
    assert radio.handset.state.applied is Applied.RETIRED
    assert "works with any network" in told(world, opened)


def test_nobody_locks_the_handset_of_a_leaver_not_even_two_people(world: World) -> None:
    radio = world.handset(world.parcels[0])
    leave(world, radio)
    opened = world.dispute(world.parcels[0], "never_received")
    assert opened.order.state == "refused"
    imei = world.parcels[0].unit.imei
    with world.house.unit() as unit:
        facts = {"reason": Reason.NEVER_RECEIVED, "evidence": [], "dispute": opened.case}
        asked = request_lock(unit, world.office, imei=imei, last4=imei[-4:], account="agent-1", **facts)
    assert asked.state == "refused"
    assert "not_leaving" in asked.facts


# Wrong locks.


def test_a_wrong_lock_is_paid_for_from_the_lock_to_the_handsets_own_word_and_nobody_need_ask(world: World) -> None:
    opened, radio = world.locked_elsewhere()
    locked_ms = world.order(opened.order.id).acked_ms
    assert locked_ms is not None
    radio.switch_off()
    world.step(HOUR_MS)
    world.found(opened)
    assert "We are sorry. We locked your phone" in told(world, opened)
    world.step(2 * DAY_MS)
    assert world.case(opened).unpaid_credit_pence == 0, "the clock still runs"
    radio.switch_on()
    world.deliver()
    owed = 3 * daily_pence(locked_ms, policy=POLICY)
    assert world.case(opened).unpaid_credit_pence == owed
    assert f"\N{POUND SIGN}{owed / 100:.2f}" in told(world, opened)
    (paid,) = lines_of(world, opened, "lock_compensation")
    assert (paid["pence"], paid["locked_ms"]) == (owed, locked_ms)


def test_a_wrong_lock_that_the_handset_never_answered_for_is_paid_until_it_freed_itself(world: World) -> None:
    opened, radio = world.locked_elsewhere()
    radio.switch_off()
    world.found(opened)
    world.step(31 * DAY_MS)
    assert world.order(opened.order.id).state == "released_unconfirmed"
    locked_ms = world.order(opened.order.id).acked_ms or 0
    assert world.case(opened).unpaid_credit_pence == 3 * daily_pence(locked_ms, policy=POLICY)
    radio.switch_on()
    world.deliver()
    assert len(lines_of(world, opened, "lock_compensation")) == 1, "a late answer is not paid twice"


@pytest.mark.parametrize("actor", ["customer", "agent-1"])
def test_received_on_a_locked_handset_says_that_the_lock_was_wrong_as_found_does(world: World, actor: str) -> None:
    opened, radio = world.locked_elsewhere()
    say_received(world, radio, actor=actor, role=LockRole(actor.partition("-")[0]))
    world.deliver()
    assert radio.handset.state.applied is Applied.RETIRED
    assert world.order(opened.order.id).wrong_ms is not None
    assert "wrong_lock" in world.alerts()
    assert "We are sorry. We locked your phone" in told(world, opened)
    (paid,) = lines_of(world, opened, "lock_compensation")
    assert world.case(opened).unpaid_credit_pence == paid["pence"] > 0


@pytest.mark.parametrize("how", ["released", "release_queued", "lapsed"])
def test_who_was_quicker_does_not_cost_the_customer_what_they_are_owed(world: World, how: str) -> None:
    opened, radio = world.locked_elsewhere()
    if how == "release_queued":
        radio.switch_off()
    if how == "lapsed":
        world.step(73 * HOUR_MS)
    else:
        let_go(world, opened.order.id)
    world.deliver()
    assert world.case(opened).unpaid_credit_pence == 0, "nobody has said that it was wrong"
    world.found(opened)
    assert "We are sorry. We locked your phone" in told(world, opened)
    radio.switch_on()
    world.deliver()
    assert world.order(opened.order.id).state == "released"
    assert "wrong_lock" in world.alerts()
    world.found(opened)
    (paid,) = lines_of(world, opened, "lock_compensation")
    assert world.case(opened).unpaid_credit_pence == paid["pence"] > 0, "once, however often they say it"


@pytest.mark.parametrize("overtaken", [False, True])
def test_a_wrong_lock_whose_answer_came_late_is_paid_for_all_the_same(
    world: World,
    overtaken: bool,  # noqa: FBT001 - the case that is told
) -> None:
    """The handset had locked and its word was on the way; the customer was told that nobody knows."""
    radio = world.switched_on(world.parcels[0])
    opened = world.dispute(world.parcels[0], "never_received")
    say, on_the_way = radio._say, slowed(radio)
    world.deliver()
    assert radio.handset.screen_locked
    locked_ms = world.clock.at_ms
    assert radio._line is not None
    radio._line.stop()
    world.found(opened)
    assert "The phone has not told us if it was locked." in told(world, opened)
    assert "Nothing is locked" not in told(world, opened)
    world.clock.at_ms += 2 * DAY_MS + HOUR_MS
    radio._say = say  # type: ignore[method-assign]  # the network is there again
    radio._line.start()
    if overtaken:
        world.deliver()
        assert not radio.handset.screen_locked
    for word in on_the_way:
        say(*word)
    world.deliver()
    assert not radio.handset.screen_locked
    assert "We are sorry. We locked your phone" in told(world, opened)
    assert "wrong_lock" in world.alerts()
    owed = world.case(opened).unpaid_credit_pence
    assert owed == 3 * daily_pence(locked_ms, policy=POLICY), "it was locked for two days and an hour"


@pytest.mark.parametrize("days", [2, 4])
def test_a_wrong_lock_whose_answer_was_lost_is_paid_for_by_the_handsets_hello(world: World, days: int) -> None:
    """It had locked and went off; nobody brings its answer any more, and after four days it has freed itself."""
    radio = world.switched_on(world.parcels[0])
    opened = world.dispute(world.parcels[0], "never_received")
    locked_ms = world.clock.at_ms
    world.relay.carry()
    radio.handset.take(world.waiting(radio.handset.device)[0].message.payload)
    assert radio.handset.screen_locked
    radio.switch_off()
    world.found(opened)
    assert "The phone has not told us if it was locked." in told(world, opened)
    assert "Nothing is locked" not in told(world, opened)
    world.deliver()
    world.broker.wipe()
    world.restart()
    world.step(days * DAY_MS + HOUR_MS)
    radio.switch_on()
    world.deliver()
    assert not radio.handset.screen_locked
    assert "We are sorry. We locked your phone" in told(world, opened)
    assert "wrong_lock" in world.alerts()
    assert world.case(opened).unpaid_credit_pence == (days + 1) * daily_pence(locked_ms, policy=POLICY)
    radio.switch_off()
    radio.switch_on()
    world.deliver()
    assert len(lines_of(world, opened, "lock_compensation")) == 1


@pytest.mark.parametrize("turned_s", [-400 * DAY_MS // SECOND_MS, DAY_MS // SECOND_MS])
def test_a_late_word_of_a_lock_counts_within_what_we_know_whatever_the_handsets_clock_says(
    world: World, turned_s: int
) -> None:
    radio = world.handset(world.parcels[0])
    radio.handset.turn_clock(turned_s)
    radio.switch_on()
    world.deliver()
    opened = world.dispute(world.parcels[0], "never_received")
    say, on_the_way = radio._say, slowed(radio)
    world.deliver()
    world.found(opened)
    world.clock.at_ms += HOUR_MS
    for word in on_the_way:
        say(*word)
    world.deliver()
    order = world.order(opened.order.id)
    assert order.decided_ms is not None
    assert order.acked_ms is not None
    assert order.decided_ms <= order.acked_ms <= world.clock.at_ms


def test_a_lock_called_back_before_it_was_one_is_no_wrong_lock(world: World) -> None:
    world.handset(world.parcels[0])
    opened = world.dispute(world.parcels[0], "never_received")
    world.found(opened)
    assert world.order(opened.order.id).wrong_ms is None
    assert world.case(opened).unpaid_credit_pence == 0
    assert "Nothing is locked" in told(world, opened)
    assert "wrong_lock" not in world.alerts()


def test_the_customer_is_told_of_each_step_of_the_lock(world: World) -> None:
    opened, radio = world.locked_elsewhere()
    assert "The missing phone is locked now." in told(world, opened)
    world.step(73 * HOUR_MS)
    world.deliver()
    said = told(world, opened)
    assert "We are unlocking the phone." in said
    assert "The phone is unlocked." in said
    assert not radio.handset.screen_locked


# What is shown.


def test_a_handset_that_has_said_it_is_free_is_not_shown_as_locked(world: World) -> None:
    """Doubt about its clock has freed it, it said so, and the kill switch holds the next lock back."""
    opened, radio = world.locked_elsewhere()
    with world.house.read() as session:
        assert order_view(session, world.order(opened.order.id))["locked"]
    world.throw_switch(on=True)
    radio.switch_off()
    radio.handset.turn_clock(-3600)
    radio.switch_on()
    world.deliver()
    assert not radio.handset.screen_locked
    with world.house.read() as session:
        assert not order_view(session, world.order(opened.order.id))["locked"], "its own last word is that it is not"


def test_a_handset_that_showed_itself_free_after_its_lock_was_signed_stays_so_while_its_retirement_waits(
    world: World,
) -> None:
    radio = world.switched_on(world.parcels[0])
    opened = world.dispute(world.parcels[0], "substituted")
    let_go(world, opened.order.id)
    with world.house.read() as session:
        assert order_view(session, world.order(opened.order.id))["may_be_locked"], "it has not answered yet"
    world.deliver()
    radio.switch_off()
    say_received(world, radio)
    world.deliver()
    with world.house.read() as session:
        assert not order_view(session, world.order(opened.order.id))["may_be_locked"]


def slowed(radio: Radio) -> list[tuple[Any, ...]]:
    """What the handset says from now on, which a slow network has not brought yet."""
    on_the_way: list[tuple[Any, ...]] = []

    def slowly(*word: Any) -> PublishOutcome:
        on_the_way.append(word)
        return PublishOutcome.NOT_CONNECTED

    radio._say = slowly  # type: ignore[assignment,method-assign]  # a slow network
    return on_the_way
