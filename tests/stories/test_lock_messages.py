"""Stories of messages that come late: a lock chased by its own hellos, a release behind a lock, a long queue."""

import time
from typing import Any

import pytest

from custody.kernel.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from devicelock import store
from devicelock.rules.ack import AckResult
from devicelock.rules.command import Op
from devicelock.rules.order import OrderState
from devicelock.store import LockOrderRow
from devicelock.transport import Message, PublishOutcome
from simulators.radio import Radio
from tests.world import World
from tests.world_parts import Opened
from tests.world_process import SERVER

SLOW_ROUNDS = 100
"""Rounds of a handset that takes one message a round, while the service answers at once."""

FEW = 10
"""A handful: what may be signed and answered until a handset that answers slowly is locked."""


def locks_signed(world: World, opened: Opened) -> int:
    """How many LOCKs were signed for the handset of a case."""
    with world.house.read() as session:
        return sum(row.op == Op.LOCK for row in store.commands_of(session, opened.order.id))


def slow_round(world: World, radio: Radio, *, every_ms: int, asks_always: bool) -> None:
    """The service takes in what it was told and sends what may leave; the handset then takes one message."""
    world.clock.at_ms += every_ms
    world.relay.carry()
    if asks_always:
        radio._late = 0
    deliver_one(world, radio.handset.device)
    while world.waiting(SERVER):
        deliver_one(world, SERVER)


def deliver_one(world: World, name: str) -> None:
    """The broker delivers the next message of one client, and of nobody else."""
    world.broker._sessions[name].bring_again()
    world.broker._deliver_one(world.broker._sessions[name])


@pytest.mark.parametrize("asks_always", [False, True])
@pytest.mark.parametrize("every_ms", [50, SECOND_MS, 5 * SECOND_MS])
def test_a_handset_that_answers_slowly_is_not_chased_with_locks_one_word_late(
    world: World,
    every_ms: int,
    asks_always: bool,  # noqa: FBT001 - a handset that says hello after every refusal is chased no more than another
) -> None:
    parcel = world.parcels[0]
    radio = world.switched_on(parcel)
    opened = world.dispute(parcel, "never_received")
    for _ in range(2):
        # A network that comes and goes: each hello makes the lock before it one nonce late, and both are on their way.
        radio.swap_sim(radio.handset.sim, country="RO")
        world.relay.carry()
        deliver_one(world, SERVER)
    world.relay.carry()
    for _ in range(SLOW_ROUNDS):
        slow_round(world, radio, every_ms=every_ms, asks_always=asks_always)
    assert AckResult.REFUSED_NONCE in {ack.result for ack in radio.acks}, "it was chased for a while"
    assert radio.handset.screen_locked
    assert world.order(opened.order.id).state == "active_provisional"
    assert locks_signed(world, opened) <= FEW
    assert len(radio.acks) <= FEW
    before = locks_signed(world, opened)
    for _ in range(SLOW_ROUNDS):
        slow_round(world, radio, every_ms=every_ms, asks_always=asks_always)
    assert locks_signed(world, opened) == before, "once it is locked nothing more is signed"


def test_a_handset_that_was_off_is_locked_at_once_though_the_lock_that_waited_comes_before_its_hello_is_answered(
    world: World,
) -> None:
    parcel = world.parcels[0]
    radio = world.switched_on(parcel)
    radio.switch_off()
    opened = world.dispute(parcel, "never_received")
    world.relay.carry()
    radio.switch_on()
    deliver_one(world, SERVER)
    world.relay.carry()
    while world.waiting(radio.handset.device):
        deliver_one(world, radio.handset.device)
    assert [ack.result for ack in radio.acks] == [AckResult.REFUSED_NONCE, AckResult.APPLIED]
    world.deliver()
    assert world.order(opened.order.id).state == "active_provisional"
    assert locks_signed(world, opened) == 2, "the one that waited, and that which answers the hello"


def test_a_release_decided_while_its_lock_is_leaving_leaves_too(world: World) -> None:
    parcel = world.parcels[0]
    radio = world.switched_on(parcel)
    opened = world.dispute(parcel, "never_received")
    publish = world.line.publish

    def publish_slowly(topic: str, payload: bytes, **more: Any) -> PublishOutcome:
        """The customer finds the phone in the very moment in which the lock is handed to the broker."""
        outcome = publish(topic, payload, **more)
        if world.order(opened.order.id).state == OrderState.QUEUED:
            world.found(opened)
        return outcome

    world.line.publish = publish_slowly  # type: ignore[method-assign]  # the slow line of this story
    assert world.relay.carry() == 1
    assert len(world.outbox()) == 1, "the release was not taken for the lock that had left"
    assert world.relay.carry() == 1
    assert world.broker.queued(radio.handset.device) == 2, "the lock, and the release behind it"
    world.deliver()
    assert [ack.result for ack in radio.acks][-1] is AckResult.APPLIED
    assert not radio.handset.screen_locked
    assert world.order(opened.order.id).state == "released"


def test_locks_that_hold_long_do_not_keep_others_from_lapsing(world: World) -> None:
    opened, radio = world.locked_elsewhere()
    long_ms = world.clock.at_ms + 90 * DAY_MS
    template = world.order(opened.order.id)
    with world.house.unit() as unit:
        for number in range(300):
            facts = {"id": f"lock_long{number}", "device": f"dev_long{number}", "created_ms": number}
            held = {"state": OrderState.ACTIVE_CONFIRMED, "held_until_ms": long_ms, "dispute": None}
            row = LockOrderRow(**{**template.model_dump(), **facts, **held})
            store.note(unit, row, "locked", actor=row.device, facts={"made": "for this story"})
            unit.session.add(row)
    world.step(72 * HOUR_MS + MINUTE_MS)
    world.deliver()
    assert world.order(opened.order.id).state == "released"
    assert not radio.handset.screen_locked
    assert world.order("lock_long0").state == OrderState.ACTIVE_CONFIRMED


def test_a_lock_that_cannot_be_released_does_not_keep_others_from_lapsing(world: World) -> None:
    opened, radio = world.locked_elsewhere()
    template = world.order(opened.order.id)
    with world.house.unit() as unit:
        gone = {"id": "lock_broken", "device": "dev_that_nobody_knows", "held_until_ms": 1, "dispute": None}
        row = LockOrderRow(**{**template.model_dump(), **gone})
        store.note(unit, row, "locked", actor=row.device, facts={"made": "for this story"})
        unit.session.add(row)
    world.step(72 * HOUR_MS + MINUTE_MS)
    world.deliver()
    assert world.order(opened.order.id).state == "released"
    assert not radio.handset.screen_locked


def test_a_message_that_cannot_be_published_does_not_end_the_relay(world: World) -> None:
    parcel = world.parcels[0]
    radio = world.handset(parcel)
    opened = world.dispute(parcel, "never_received")
    publish, failures = world.line.publish, [RuntimeError("the socket broke in the middle of a word")] * 2

    def publish_badly(topic: str, payload: bytes, **more: Any) -> PublishOutcome:
        if failures:
            raise failures.pop()
        return publish(topic, payload, **more)

    world.line.publish = publish_badly  # type: ignore[method-assign]  # the bad line of this story
    world.relay.thread.start()
    for _ in range(200):
        if not world.outbox():
            break
        world.relay.thread.poke()
        time.sleep(0.02)
    world.relay.thread.stop()
    assert failures == [], "it failed twice, and went on"
    assert world.outbox() == []
    radio.switch_on()
    world.deliver()
    assert radio.handset.screen_locked
    assert world.order(opened.order.id).state == "active_provisional"


def test_an_unlock_of_a_lost_time_does_not_undo_a_lock_that_was_signed_after_the_restore(world: World) -> None:
    opened, radio = world.locked_elsewhere()
    backup = world.backup()
    two_people_keep_it(world, opened)
    world.found(opened)
    lost = words_to(world, radio)
    assert len(lost) == 1, "the unlock replaced the lock that had not left"
    world.waiting(radio.handset.device).clear()
    world.restore(backup)
    two_people_keep_it(world, opened)
    world.deliver()
    assert world.order(opened.order.id).state == "active_confirmed"
    pair = radio.handset.state.pair
    radio._receive(lost[0])
    assert radio.acks[-1].result is AckResult.REFUSED_STALE, f"it is older than {pair}, whatever its counter"
    assert radio.handset.screen_locked


def two_people_keep_it(world: World, opened: Opened) -> None:
    """Two people keep a lock beyond its 72 hours: another LOCK is signed."""
    world.confirm(opened, "investigator-1")
    world.confirm(opened, "supervisor-1")


def words_to(world: World, radio: Radio) -> list[Message]:
    """What leaves for a handset now, taken down before the broker has it."""
    heard: list[Message] = []
    publish = world.line.publish

    def listen(topic: str, payload: bytes, **more: Any) -> PublishOutcome:
        heard.append(Message(topic=topic, payload=payload))
        return publish(topic, payload, **more)

    world.line.publish = listen  # type: ignore[method-assign]  # somebody listens in
    world.relay.carry()
    return [word for word in heard if f"/{radio.handset.device}/" in word.topic]
