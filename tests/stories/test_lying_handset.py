"""Whoever has a handset, key and all, may have it say anything: that harms its own lock at most."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlmodel import col, select

from custody.kernel.clock import DAY_MS, HOUR_MS
from custody.store import log_reader
from devicelock import store, watch_store
from devicelock.rules.ack import make_ack
from devicelock.rules.applied import Applied
from devicelock.rules.device import tell
from devicelock.rules.hello import SimClass, make_hello
from devicelock.rules.lock_facts import LockKind
from devicelock.rules.order import LockRole
from devicelock.rules.signed import MAX_COUNT
from devicelock.rules.topic import Channel
from devicelock.store import CommandRow
from devicelock.usecases.answer_limit import ANSWERS_PER_HOUR, SIGHTINGS_PER_DAY
from devicelock.usecases.release_group import release_group
from devicelock.usecases.sign import publish_lock
from simulators.radio import Radio
from tests.stories.lock_steps import let_go
from tests.world import World
from tests.world_parts import Opened
from tests.world_process import SERVER


@pytest.fixture
def locked(world: World) -> list[tuple[Opened, Radio]]:
    """Lend two handsets that one standing authority has locked."""
    found = []
    for parcel in world.parcels[:2]:
        radio = world.handset(parcel)
        opened = world.dispute(parcel, "substituted")
        radio.switch_on()
        world.deliver()
        assert radio.handset.screen_locked
        found.append((opened, radio))
    return found


def claim(radio: Radio, channel: Channel, pair: tuple[int, int]) -> None:
    """The handset signs that it has applied a pair that nobody ever signed for it."""
    handset, (epoch, counter) = radio.handset, pair
    if channel is Channel.ACK:
        ack = replace(radio.acks[-1], epoch=epoch, counter=counter)
        radio._say(channel, make_ack(ack, handset.enrolment.signer), b"")
        return
    told = tell(handset.state, now_s=handset.now_s(), client="bent", country="GB", sim=handset.sim)
    radio._say(channel, make_hello(replace(told, epoch=epoch, counter=counter), handset.enrolment.signer), b"")


@pytest.mark.parametrize("channel", [Channel.HELLO, Channel.ACK])
@pytest.mark.parametrize("pair", [(MAX_COUNT, MAX_COUNT), (MAX_COUNT, MAX_COUNT - 1), (1, MAX_COUNT), (MAX_COUNT, 1)])
def test_a_handset_that_claims_the_last_number_there_is_keeps_no_release_of_any_from_being_signed(
    world: World, locked: list[tuple[Opened, Radio]], channel: Channel, pair: tuple[int, int]
) -> None:
    (bent, liar), (other, honest) = locked
    claim(liar, channel, pair)
    world.deliver()
    group = str(world.order(other.order.id).group)
    assert group == world.order(bent.order.id).group
    with world.house.unit() as unit:
        gone = release_group(unit, world.office, group=group, actor="agent-2", role=LockRole.AGENT)
    assert (len(gone.orders), gone.left) == (2, 0)
    world.found(bent)
    world.deliver()
    assert [radio.handset.screen_locked for radio in (liar, honest)] == [False, False]
    assert [world.order(each.order.id).state for each in (bent, other)] == ["released", "released"]


MANY = 150
"""So many hellos come within a minute."""


def flood(world: World, radio: Radio, change: Callable[[int], dict[str, Any]]) -> tuple[int, int]:
    """The handset says hello again and again, each time another one; how many entries and commands that makes."""
    before = entries_and_commands(world, radio)
    handset = radio.handset
    for number in range(MANY):
        told = tell(handset.state, now_s=handset.now_s(), client="bent", country="GB", sim=SimClass.OTHER)
        hello = replace(told, nonce=number.to_bytes(16, "big"), **change(number))
        radio._say(Channel.HELLO, make_hello(hello, handset.enrolment.signer), b"")
        while world.waiting(SERVER):
            world.broker._deliver_one(world.broker._sessions[SERVER])
    after = entries_and_commands(world, radio)
    return after[0] - before[0], after[1] - before[1]


def entries_and_commands(world: World, radio: Radio) -> tuple[int, int]:
    with world.house.read() as session:
        signed = session.scalars(select(CommandRow).where(col(CommandRow.device) == radio.handset.device)).all()
        return log_reader.size_now(session), len(signed)


def test_a_handset_that_says_another_word_with_each_hello_does_not_have_us_sign_for_ever(world: World) -> None:
    radio = world.switched_on(world.parcels[0])
    opened = world.dispute(world.parcels[0], "never_received")
    entries, signed = flood(world, radio, lambda _: {})
    assert signed == ANSWERS_PER_HOUR
    assert entries == signed + 2, "each that was signed, and where it was seen: of the handset, and in its case"
    world.clock.at_ms += HOUR_MS
    radio.switch_off()
    radio.switch_on()
    world.deliver()
    assert radio.handset.screen_locked, "an hour later its hello is answered again"
    world.found(opened)
    world.deliver()
    assert not radio.handset.screen_locked


def test_a_release_reaches_a_handset_that_has_said_too_much_though_it_was_lost_on_its_way(world: World) -> None:
    radio = world.switched_on(world.parcels[0])
    opened = world.dispute(world.parcels[0], "never_received")
    world.deliver()
    assert radio.handset.screen_locked
    higher = radio.handset.state.pair[1]
    flood(world, radio, lambda number: {"counter": higher + 2 * number + 1, "applied": Applied.UNLOCKED})
    world.waiting(radio.handset.device).clear()
    let_go(world, opened.order.id)
    world.relay.carry()
    world.waiting(radio.handset.device).clear()
    radio.switch_off()
    radio.switch_on()
    world.deliver()
    assert not radio.handset.screen_locked


def test_a_handset_that_claims_to_be_locked_again_and_again_does_not_have_us_release_it_for_ever(world: World) -> None:
    opened, radio = world.locked_elsewhere()
    world.found(opened)
    world.deliver()
    _, signed = flood(world, radio, lambda number: {"epoch": 1000, "counter": number + 1, "applied": Applied.LOCKED})
    assert 0 < signed <= ANSWERS_PER_HOUR


def test_a_handset_on_another_network_with_each_hello_does_not_fill_the_log_and_its_sim_is_always_told(
    world: World,
) -> None:
    radio = world.switched_on(world.parcels[0])
    world.deliver()
    entries, _ = flood(world, radio, lambda number: {"network": f"{23400 + number}"})
    assert entries == SIGHTINGS_PER_DAY - 1, "one was where it was switched on"
    radio.swap_sim(SimClass.OWN, country="GB")
    world.deliver()
    with world.house.read() as session:
        assert watch_store.is_seen_with(session, radio.handset.device, SimClass.OWN, since_ms=0)
    world.clock.at_ms += DAY_MS
    entries, _ = flood(world, radio, lambda number: {"network": f"{24400 + number}"})
    assert entries == SIGHTINGS_PER_DAY, "a day later other places are taken down again"


def test_what_people_have_signed_does_not_use_up_the_answers_of_a_handset(world: World) -> None:
    radio = world.switched_on(world.parcels[0])
    radio.switch_off()
    opened = world.dispute(world.parcels[0], "never_received")
    with world.house.unit() as unit:
        for _ in range(ANSWERS_PER_HOUR):
            order = store.order(unit.session, opened.order.id)
            publish_lock(unit, world.office, order, store.device(unit.session, order.device), LockKind.PROVISIONAL)
    radio.switch_on()
    world.deliver()
    assert radio.handset.screen_locked
