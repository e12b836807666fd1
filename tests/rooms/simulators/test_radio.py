import errno
import os
import stat
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from custody.store.durable_file import replace_file
from devicelock.mqtt_options import MqttOptions
from devicelock.rules.ack import Ack, AckResult, open_ack
from devicelock.rules.applied import Applied
from devicelock.rules.command import Op
from devicelock.rules.hello import Hello, SimClass, open_hello
from devicelock.rules.topic import Channel, every, read_topic, topic
from devicelock.rules.unlock_code import unlock_code
from devicelock.transport import Message, PublishOutcome
from simulators.broker import SimulatedBroker, SimulatedTransport
from simulators.faults import Fault
from simulators.handset import Handset
from simulators.radio import Line, Radio, mqtt_of
from tests.rooms.simulators.hands import Operator, make_handset


@dataclass(slots=True)
class Server:
    """What the service hears, verified."""

    handset: Handset
    hellos: list[Hello] = field(default_factory=list)
    acks: list[Ack] = field(default_factory=list)

    def receive(self, message: Message) -> bool:
        """Take one message in."""
        where, key = read_topic(message.topic), self.handset.enrolment.signer.public
        if where.channel is Channel.HELLO:
            self.hellos.append(open_hello(message.payload, device=where.device, key=key))
        else:
            self.acks.append(open_ack(message.payload, device=where.device, key=key))
        return True


class World:
    """A broker, a handset on it and a server that listens."""

    def __init__(self, folder: Path) -> None:
        self.operator = Operator()
        self.broker = SimulatedBroker(self.operator.clock)
        self.handset = make_handset(folder, self.operator)
        self.radio = Radio(self.handset, connect=self._connect)
        self.server = Server(self.handset)
        self.line = SimulatedTransport(
            self.broker,
            "server",
            receive=self.server.receive,
            subscriptions=(every(Channel.HELLO), every(Channel.ACK)),
        )
        self.line.start()

    def send(self, op: Op, *, nonce: bytes | None = None) -> PublishOutcome:
        """Sign a command under the newest nonce that was heard, send it, and let everything arrive."""
        heard = self.server.hellos[-1].nonce if self.server.hellos else self.handset.state.nonce
        raw = self.operator.command(self.handset, op, nonce=nonce or heard)
        return self.send_raw(raw)

    def send_raw(self, raw: bytes) -> PublishOutcome:
        """Send bytes and let everything arrive."""
        outcome = self.line.publish(topic(self.handset.device, Channel.COMMAND), raw, expiry_s=3600)
        self.broker.pump()
        return outcome

    def on(self) -> None:
        """Switch the handset on and let its hello arrive."""
        assert self.radio.switch_on()
        self.broker.pump()

    def _connect(self, **calls: Any) -> Line:
        return SimulatedTransport(self.broker, self.handset.device, **calls)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Lend a world whose handset is still off."""
    return World(tmp_path)


def test_a_factory_reset_reboots_it_so_that_it_says_hello_on_a_new_connection_and_stays_locked(world: World) -> None:
    world.on()
    world.send(Op.LOCK)
    said = world.server.hellos[-1].nonce
    assert world.radio.factory_reset()
    world.broker.pump()
    assert world.server.hellos[-1].nonce != said
    assert world.server.hellos[-1].applied is Applied.LOCKED
    assert world.handset.screen_locked


def test_it_says_hello_on_every_connect_with_a_fresh_nonce(world: World) -> None:
    world.on()
    world.radio.switch_off()
    world.on()
    first, second = world.server.hellos
    assert first.nonce != second.nonce


def test_a_lock_is_applied_acknowledged_and_told_again_in_a_hello(world: World) -> None:
    world.on()
    assert world.send(Op.LOCK) is PublishOutcome.ACCEPTED
    assert [(ack.result, ack.applied) for ack in world.server.acks] == [(AckResult.APPLIED, Applied.LOCKED)]
    assert [hello.applied for hello in world.server.hellos] == [Applied.UNLOCKED, Applied.LOCKED]
    assert world.handset.screen_locked


def test_a_command_costs_one_durable_write_and_its_hello_says_the_nonce_that_was_stored_with_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.on()
    flushed: list[str] = []

    def note(descriptor: int) -> None:
        flushed.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")

    monkeypatch.setattr(os, "fsync", note)
    for op in (Op.LOCK, Op.UNLOCK, Op.LOCK):
        flushed.clear()
        world.send(op)
        assert world.server.hellos[-1].nonce == world.handset.state.nonce
        assert flushed == ["file", "folder"], "state, pair and nonce are stored together, before any of them is told"
    nonces = [hello.nonce for hello in world.server.hellos]
    assert len(nonces) == len(set(nonces)) == 4


def test_a_hello_that_follows_a_command_tells_of_what_came_in_between(world: World) -> None:
    world.on()
    raw = world.operator.command(world.handset, Op.LOCK, nonce=world.server.hellos[-1].nonce)
    taken = world.handset.take(raw)
    world.operator.clock.at_s += 73 * 3600
    assert world.handset.tick(), "it has released itself"
    told = world.handset.hello_after(taken)
    key = world.handset.enrolment.signer.public
    assert open_hello(told, device=world.handset.device, key=key).applied is Applied.UNLOCKED


def test_a_lock_that_waited_over_a_reconnect_is_refused_and_the_signed_anew_one_holds(world: World) -> None:
    world.on()
    old = world.server.hellos[-1].nonce
    world.radio.switch_off()
    world.send(Op.LOCK, nonce=old)
    world.on()
    assert [ack.result for ack in world.server.acks] == [AckResult.REFUSED_NONCE]
    world.send(Op.LOCK)
    assert world.handset.screen_locked


def test_a_lock_that_answers_the_hello_of_a_connection_holds_though_one_from_before_came_first(world: World) -> None:
    """On a slow network the one that waited is always there first; its refusal makes no other one late."""
    world.on()
    old = world.server.hellos[-1].nonce
    world.radio.switch_off()
    world.send(Op.LOCK, nonce=old)
    assert world.radio.switch_on()
    said = world.handset.state.nonce
    world.line.publish(
        topic(world.handset.device, Channel.COMMAND),
        world.operator.command(world.handset, Op.LOCK, nonce=said),
        expiry_s=3600,
    )
    world.broker.pump()
    assert [ack.result for ack in world.server.acks] == [AckResult.REFUSED_NONCE, AckResult.APPLIED]
    assert [hello.nonce for hello in world.server.hellos[1:3]] == [said, said]
    assert world.handset.screen_locked


def test_a_lock_that_came_too_late_brings_a_hello_with_a_fresh_nonce(world: World) -> None:
    """With clocks that differ its age counts from the nonce: the same one again could be too old for ever."""
    world.on()
    world.operator.clock.at_s += 3601
    said = world.server.hellos[-1].nonce
    raw = world.operator.command(world.handset, Op.LOCK, nonce=said)
    world.operator.clock.at_s += 7202
    world.send_raw(raw)
    assert world.server.acks[-1].result is AckResult.REFUSED_EXPIRED
    assert world.server.hellos[-1].nonce != said


@pytest.mark.parametrize("anew", [True, False])
def test_after_a_new_connection_the_first_lock_that_is_refused_brings_a_hello_again(
    world: World, *, anew: bool
) -> None:
    """Whoever heard the hello of that connection may be gone; on a connection that stands the third says no more."""
    world.on()
    raw = world.operator.command(world.handset, Op.LOCK, nonce=bytes(16))
    world.send_raw(raw)
    world.send_raw(raw)
    if anew:
        world.radio.switch_off()
        world.on()
    hellos = len(world.server.hellos)
    world.send_raw(raw)
    assert [ack.result for ack in world.server.acks] == [AckResult.REFUSED_NONCE] * 3
    assert len(world.server.hellos) == hellos + int(anew)


def test_an_unlock_waits_in_the_broker_and_is_taken_at_once(world: World) -> None:
    world.on()
    world.send(Op.LOCK)
    world.radio.switch_off()
    world.send(Op.UNLOCK)
    world.on()
    assert not world.handset.screen_locked


@pytest.mark.parametrize("op", [Op.LOCK, Op.UNLOCK, Op.RETIRE])
def test_a_command_that_comes_twice_changes_nothing_and_is_answered_twice(world: World, op: Op) -> None:
    world.on()
    raw = world.operator.command(world.handset, op, nonce=world.server.hellos[-1].nonce)
    world.send_raw(raw)
    before = world.handset.state
    world.send_raw(raw)
    assert [ack.result for ack in world.server.acks] == [AckResult.APPLIED] * 2
    assert world.handset.state.pair == before.pair
    assert world.handset.state.applied is before.applied


@pytest.mark.parametrize("fault", [Fault.COMMAND_LOST, Fault.ACK_LOST])
def test_after_either_half_of_a_lost_message_the_next_hello_tells_what_is_true(world: World, fault: Fault) -> None:
    world.on()
    world.radio.faults.append(fault)
    world.send(Op.LOCK)
    assert world.server.acks == []
    world.radio.switch_off()
    world.on()
    wanted = Applied.LOCKED if fault is Fault.ACK_LOST else Applied.UNLOCKED
    assert world.server.hellos[-1].applied is wanted


@pytest.mark.parametrize("fault", [Fault.CUT_BEFORE_STORE, Fault.CUT_AFTER_STORE])
def test_after_a_power_cut_the_broker_brings_an_unlock_again(world: World, fault: Fault) -> None:
    world.on()
    world.send(Op.LOCK)
    world.radio.faults.append(fault)
    world.send(Op.UNLOCK)
    assert not world.handset.on
    world.radio.switch_off()
    world.on()
    assert not world.handset.screen_locked
    assert world.server.acks[-1].applied is Applied.UNLOCKED


@pytest.mark.parametrize("fault", [Fault.CUT_BEFORE_STORE, Fault.CUT_AFTER_STORE])
def test_a_handset_whose_power_was_cut_does_nothing_when_its_line_comes_back_and_its_timer_would_be_due(
    world: World, fault: Fault
) -> None:
    world.on()
    world.radio.faults.append(fault)
    world.send(Op.LOCK)
    before, hellos = world.handset.copy_store(), len(world.server.hellos)
    line = world.radio._line
    assert isinstance(line, SimulatedTransport)
    line.drop()
    line.start()
    world.broker.pump()
    world.radio.swap_sim(SimClass.OTHER, country="RO")
    world.operator.clock.at_s += 73 * 3600
    world.radio.tick()
    assert (world.handset.on, world.handset.screen_locked) == (False, False)
    assert world.handset.copy_store() == before
    assert (len(world.server.hellos), world.server.acks) == (hellos, [])


def test_on_a_full_disk_a_command_waits_and_a_hello_is_said_by_the_timer_once_there_is_room(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "the disk is full")

    world.on()
    world.send(Op.LOCK)
    world.radio.switch_off()
    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        world.on()
        world.send(Op.UNLOCK)
        assert (len(world.server.acks), len(world.server.hellos)) == (1, 2), "nothing is told that is not stored"
        world.operator.clock.at_s += 60
        world.radio.tick()
        assert not world.handset.screen_locked, "the timer locks nobody again"
    world.radio.tick()
    world.broker.pump()
    assert [ack.applied for ack in world.server.acks] == [Applied.LOCKED, Applied.UNLOCKED]
    assert {hello.applied for hello in world.server.hellos[2:]} == {Applied.UNLOCKED}, "what is true by now"


def test_an_unlock_that_comes_to_a_handset_whose_store_was_damaged_meanwhile_is_taken_and_answered(
    world: World,
) -> None:
    world.on()
    world.send(Op.LOCK)
    world.handset.store.write_bytes(b"damaged")
    world.send(Op.UNLOCK)
    assert world.radio.refused == []
    assert world.server.acks[-1].applied is Applied.UNLOCKED
    assert not world.handset.screen_locked


def test_bytes_that_are_no_command_are_let_go(world: World) -> None:
    world.on()
    world.send_raw(b"\x00rubbish")
    assert world.broker.queued(world.handset.device) == 0
    assert len(world.radio.refused) == 1
    assert not world.handset.screen_locked


def test_another_sim_a_timer_and_a_code_are_each_told_at_once(world: World) -> None:
    world.on()
    world.send(Op.LOCK)
    world.radio.swap_sim(SimClass.OTHER, country="RO")
    world.broker.pump()
    assert (world.server.hellos[-1].sim, world.server.hellos[-1].country) == (SimClass.OTHER, "RO")
    assert world.handset.question is not None
    code = unlock_code(world.handset.enrolment.code_key, world.handset.question, pair=world.handset.state.pair)
    assert world.radio.type_code(code)
    world.broker.pump()
    assert world.server.hellos[-1].applied is Applied.UNLOCKED
    world.send(Op.LOCK)
    world.operator.clock.at_s += 73 * 3600
    world.radio.tick()
    world.broker.pump()
    assert world.server.hellos[-1].applied is Applied.UNLOCKED


@pytest.mark.parametrize("left", [True, False])
def test_a_lock_that_comes_again_brings_a_hello_if_the_handset_has_left_it_and_the_answer_alone_if_not(
    world: World, *, left: bool
) -> None:
    world.on()
    raw = world.operator.command(world.handset, Op.LOCK, nonce=world.server.hellos[-1].nonce)
    world.send_raw(raw)
    if left:
        world.operator.clock.at_s += 73 * 3600
        world.radio.tick()
        world.broker.pump()
    hellos, question = len(world.server.hellos), world.handset.question
    world.send_raw(raw)
    assert world.server.acks[-1].result is AckResult.APPLIED
    assert world.server.acks[-1].applied is (Applied.UNLOCKED if left else Applied.LOCKED)
    assert len(world.server.hellos) == hellos + int(left)
    assert (world.handset.screen_locked, world.handset.question) == (not left, question)


def test_its_timer_says_hello_when_the_last_one_is_a_day_old(world: World) -> None:
    world.on()
    for hours, hellos in ((23, 1), (1, 2), (0, 2), (23, 2), (1, 3)):
        world.operator.clock.at_s += hours * 3600
        world.radio.tick()
        world.broker.pump()
        assert len(world.server.hellos) == hellos


def test_waiting_ends_when_the_condition_holds_or_the_time_is_over(world: World) -> None:
    world.on()
    assert world.radio.wait_for(lambda handset: handset.on)
    assert not world.radio.wait_for(lambda handset: handset.screen_locked, timeout_s=0.01)


def test_who_waits_sees_no_handset_between_storing_and_enforcing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.on()
    world.send(Op.LOCK)
    stored = threading.Event()

    def replace_slowly(path: Path, content: bytes) -> None:
        replace_file(path, content)
        stored.set()
        time.sleep(0.05)

    monkeypatch.setattr("simulators.handset.replace_file", replace_slowly)
    unlocking = threading.Thread(target=world.send, args=(Op.UNLOCK,))
    unlocking.start()
    assert stored.wait(30.0)
    assert world.radio.wait_for(lambda handset: handset.state.applied is Applied.UNLOCKED)
    assert not world.handset.screen_locked
    unlocking.join()


def test_over_mqtt_it_goes_to_the_broker_it_was_enrolled_with(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[MqttOptions] = []
    monkeypatch.setattr("simulators.radio.MqttTransport", lambda options, **_rest: asked.append(options))
    calls = {"receive": lambda _message: True, "on_begin": lambda: None, "on_ready": lambda: None}
    mqtt_of(world.handset)(subscriptions=(), **calls)
    (options,) = asked
    assert (options.host, options.port, options.client_id) == ("127.0.0.1", 1883, world.handset.device)
    assert options.presence is not None
    assert options.presence.topic == topic(world.handset.device, Channel.STATUS)
