"""1,500 commands for a handset that is off: the last one wins, whatever the broker kept and whatever it dropped."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event

from custody.store import outbox
from custody.store.unit import Unit
from devicelock import store
from devicelock.rules.ack import AckResult
from devicelock.rules.applied import Applied
from devicelock.rules.command import Authority, Basis, KeyRing, Reason, open_command
from devicelock.rules.lock_facts import LockKind
from devicelock.rules.topic import Channel, topic
from devicelock.usecases.offer_again import offer_again
from devicelock.usecases.sign import FIRST_WAIT_MS, LONGEST_WAIT_MS, publish_lock, queue, sign_release
from simulators.broker import MOST_QUEUED
from simulators.radio import Radio
from tests.stories.test_lock_messages import deliver_one
from tests.world import World
from tests.world_parts import Opened, key
from tests.world_process import SERVER

COMMANDS = 1_500
FEW = 12
EACH = 20
"""How often the database is asked for a command at most, however many others there are."""
LETS_GO = Authority(basis=Basis.ONE_PERSON, text="A member of staff released it.")


def sign_many(world: World, opened: Opened, *, together: int = 1, carry: bool = False) -> None:
    """Alternate UNLOCK and LOCK under one order, so many in a unit; the last is a LOCK."""
    for first in range(0, COMMANDS, together):
        with world.house.unit() as unit:
            for number in range(first, first + together):
                sign_one(world, unit, opened.order.id, lock=bool(number % 2))
        if carry:
            world.clock.at_ms += LONGEST_WAIT_MS  # a LOCK after others waits that long for a newer one
            world.relay.carry()


def sign_one(world: World, unit: Unit, name: str, *, lock: bool) -> None:
    """Sign the next command of an order."""
    order = store.order(unit.session, name)
    device = store.device(unit.session, order.device)
    if lock:
        publish_lock(unit, world.office, order, device, LockKind.PROVISIONAL)
    else:
        sign_release(unit, world.office, order.id, device, reason=Reason.RELEASED_BY_STAFF, authority=LETS_GO)


def met_and_off(world: World) -> tuple[Opened, Radio]:
    """A handset that the broker knows, which is off when its lock is ordered."""
    radio = world.switched_on(world.parcels[0])
    radio.switch_off()
    return world.dispute(world.parcels[0], "substituted"), radio


@pytest.mark.slow
def test_of_1500_commands_that_never_left_the_newest_is_the_only_one_sent(world: World) -> None:
    opened, radio = met_and_off(world)
    sign_many(world, opened, together=60)
    assert len(world.outbox()) == 1
    with questions(world.engine) as asked:
        assert counted(world, radio) <= FEW
    assert len(asked) <= EACH * FEW
    wins(world, radio, Applied.LOCKED)


@pytest.mark.slow
def test_of_1500_commands_that_the_broker_took_a_release_at_the_end_wins_although_it_was_dropped(world: World) -> None:
    opened, radio = met_and_off(world)
    sign_many(world, opened, carry=True)
    world.found(opened)
    world.relay.carry()
    assert len(world.waiting(radio.handset.device)) == MOST_QUEUED
    with questions(world.engine) as asked:
        assert counted(world, radio) <= MOST_QUEUED + FEW
    assert len(asked) <= EACH * (MOST_QUEUED + FEW)
    wins(world, radio, Applied.UNLOCKED)


def test_a_command_put_anew_before_the_mark_of_its_first_leaving_leaves_again(world: World) -> None:
    opened, radio = met_and_off(world)
    assert world.relay._publish() == 1
    assert world.relay._publish() == 0, "what has left is remembered until it is marked"
    with world.house.unit() as unit:
        (row,) = outbox.pending(unit.session, now_ms=unit.now_ms)
        device = store.device(unit.session, radio.handset.device)
        command = open_command(row.payload, KeyRing(lock=key("lock").public, unlock=key("unlock").public))
        queue(unit, device, command, row.payload)
    world.relay._mark()
    assert len(world.outbox()) == 1, "the mark of the first does not count for the second"
    assert world.relay.carry() == 1
    assert world.outbox() == []
    assert len(world.waiting(radio.handset.device)) == 2
    radio.switch_on()
    world.deliver()
    assert world.order(opened.order.id).state == "active_provisional"
    world.audit()


def test_a_lock_that_waits_for_a_newer_one_is_due_when_its_wait_is_over(world: World) -> None:
    opened, _ = met_and_off(world)
    with world.house.unit() as unit:
        sign_one(world, unit, opened.order.id, lock=True)
        sign_one(world, unit, opened.order.id, lock=True)
        due_ms = unit.now_ms + FIRST_WAIT_MS
    with world.house.read() as session:
        assert outbox.pending(session, now_ms=due_ms - 1) == []
        assert outbox.next_due(session, now_ms=due_ms - 1) == due_ms
        assert len(outbox.pending(session, now_ms=due_ms)) == 1
        assert outbox.next_due(session, now_ms=due_ms) is None


def lose_the_answer(world: World) -> tuple[Opened, Radio]:
    """A handset locks and says so while the broker that takes its word has forgotten us."""
    radio = world.switched_on(world.parcels[0])
    opened = world.dispute(world.parcels[0], "substituted")
    world.relay.carry()
    while world.waiting(radio.handset.device):
        deliver_one(world, radio.handset.device)
    world.waiting(SERVER).clear()
    assert radio.handset.screen_locked
    return opened, radio


def test_what_is_offered_again_to_a_forgetful_broker_brings_the_lost_answer(world: World) -> None:
    opened, _ = lose_the_answer(world)
    with world.house.unit() as unit:
        assert offer_again(unit, world.office) == 1
    world.deliver()
    assert world.order(opened.order.id).state == "active_provisional"
    with world.house.unit() as unit:
        assert offer_again(unit, world.office) == 1, "a handset that is shown as locked is asked whether it still is"
    world.found(opened)
    world.deliver()
    with world.house.unit() as unit:
        assert offer_again(unit, world.office) == 0, "what is over is not offered again"
    world.audit()


def test_without_it_the_answer_stays_lost_until_the_next_hello(world: World) -> None:
    opened, radio = lose_the_answer(world)
    world.deliver()
    assert world.order(opened.order.id).state == "queued"
    radio.swap_sim(radio.handset.sim, country="RO")
    world.deliver()
    assert world.order(opened.order.id).state == "active_provisional"
    world.audit()


@contextmanager
def questions(engine: Engine) -> Iterator[list[str]]:
    """What SQLite is asked meanwhile."""
    asked: list[str] = []

    def watch(connection: Any, *_: object) -> None:
        connection.set_trace_callback(asked.append)

    def leave(connection: Any, *_: object) -> None:
        connection.set_trace_callback(None)

    event.listen(engine, "checkout", watch)
    event.listen(engine, "checkin", leave)
    try:
        yield asked
    finally:
        event.remove(engine, "checkout", watch)
        event.remove(engine, "checkin", leave)


def counted(world: World, radio: Radio) -> int:
    """Switch the handset on and let everything come to rest; how many commands reached it."""
    before = len(radio.acks)
    radio.switch_on()
    world.deliver()
    return len(radio.acks) - before


def wins(world: World, radio: Radio, state: Applied) -> None:
    """The handset is what was decided last, and applied nothing out of order on the way."""
    assert radio.handset.state.applied is state
    applied = [ack.pair for ack in radio.acks if ack.result is AckResult.APPLIED]
    assert applied == sorted(set(applied))
    with world.house.read() as session:
        wished = store.desired(store.device(session, radio.handset.device))
    assert wished.state is state
    assert wished.issued is not None
    assert radio.handset.state.pair == wished.issued.pair
    assert topic(radio.handset.device, Channel.COMMAND) not in {row.topic for row in world.outbox()}
    world.audit()
