import errno
import os

import pytest

from custody.kernel.errors import Rejected
from devicelock.rules.ack import AckResult
from devicelock.rules.applied import Applied
from devicelock.rules.command import Op
from devicelock.rules.hello import StateCause, open_hello
from devicelock.rules.unlock_code import unlock_code
from simulators.handset import Handset
from simulators.handset_store import read_state
from tests.rooms.simulators.hands import Operator, make_handset


def full(_descriptor: int) -> None:
    """A disk with no room left."""
    raise OSError(errno.ENOSPC, "the disk is full")


@pytest.mark.parametrize("later", ["same", "another"])
@pytest.mark.parametrize("happens", ["damaged", "gone", "older", "locked"])
def test_after_a_retirement_it_never_locks_whatever_becomes_of_its_store(
    handset: Handset, operator: Operator, happens: str, later: str
) -> None:
    older = handset.copy_store()
    if happens == "locked":
        handset.take(operator.command(handset, Op.LOCK))
        older = handset.copy_store()
    handset.take(operator.command(handset, Op.RETIRE))
    handset.power_off()
    if happens == "gone":
        handset.store.unlink()
    else:
        handset.store.write_bytes(b"damaged" if happens == "damaged" else older)
    if later == "another":
        handset = make_handset(handset.store.parent, operator)
    else:
        handset.power_on()
        handset.hello()
    assert handset.state.keys.lock is None
    with pytest.raises(Rejected, match="key"):
        handset.take(operator.command(handset, Op.LOCK))
    assert not handset.screen_locked
    assert handset.take(operator.command(handset, Op.RETIRE)).ack.applied is Applied.RETIRED


def test_a_store_that_was_retired_before_there_was_a_fuse_blows_it_at_the_next_boot(
    handset: Handset, operator: Operator
) -> None:
    handset.take(operator.command(handset, Op.RETIRE))
    fuse = handset.store.with_suffix(".fuse")
    fuse.unlink()
    handset = make_handset(handset.store.parent, operator)
    assert fuse.exists()


def test_a_nonce_of_a_run_that_could_not_be_stored_is_owed_still(
    handset: Handset, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = operator.command(handset, Op.LOCK)
    handset.begin_run()
    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="full"):
            handset.take(old)
    assert handset.take(old).ack.result is AckResult.REFUSED_NONCE


@pytest.mark.parametrize("way", ["timer", "boot", "unlock", "retire"])
def test_a_full_disk_keeps_no_handset_locked(
    locked: Handset, operator: Operator, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        if way in {"timer", "boot"}:
            operator.clock.at_s += 72 * 3600
            {"timer": locked.tick, "boot": locked.power_on}[way]()
        else:
            raw = operator.command(locked, Op(way))
            with pytest.raises(OSError, match="full"):
                locked.take(raw)
        assert not locked.screen_locked
    locked.power_on()
    assert locked.screen_locked == (way in {"unlock", "retire"}), (
        "what was not stored was not answered, and comes again"
    )
    if locked.screen_locked:
        assert locked.take(raw).ack.result is AckResult.APPLIED
        assert not locked.screen_locked


@pytest.mark.parametrize("way", ["hour", "doubt", "unlock", "retire"])
def test_what_sets_it_free_on_a_full_disk_holds_at_the_next_tick_and_is_stored_once_there_is_room(
    locked: Handset, operator: Operator, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        if way == "hour":
            operator.clock.at_s += 72 * 3600
            locked.tick()
        elif way == "doubt":
            locked.turn_clock(-400)
            locked.power_on()
        else:
            raw = operator.command(locked, Op(way))
            with pytest.raises(OSError, match="full"):
                locked.take(raw)
        for _ in range(3):
            operator.clock.at_s += 120
            assert not locked.tick()
            assert not locked.screen_locked
        assert read_state(locked.copy_store()).applied is Applied.LOCKED
    locked.tick()
    assert read_state(locked.copy_store()).applied is (Applied.RETIRED if way == "retire" else Applied.UNLOCKED)


def test_a_hello_that_is_said_again_tells_no_release_that_is_not_stored(
    locked: Handset, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked.hello()
    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="full"):
            locked.take(operator.command(locked, Op.UNLOCK))
        with pytest.raises(OSError, match="full"):
            locked.hello_again()
    hello = open_hello(locked.hello_again(), device=locked.device, key=locked.enrolment.signer.public)
    assert hello.applied is read_state(locked.copy_store()).applied is Applied.UNLOCKED


@pytest.mark.parametrize("way", ["hour", "unlock", "retire"])
@pytest.mark.parametrize("damage", ["flipped", "gone"])
def test_a_store_that_is_damaged_while_it_is_on_keeps_nobody_locked_and_is_whole_again_after_the_release(
    locked: Handset, operator: Operator, damage: str, way: str
) -> None:
    whole = locked.copy_store()
    if damage == "gone":
        locked.store.unlink()
    else:
        locked.store.write_bytes(whole[:40] + bytes((whole[40] ^ 1,)) + whole[41:])
    if way == "hour":
        operator.clock.at_s += 72 * 3600
        assert locked.tick()
    else:
        assert locked.take(operator.command(locked, Op(way))).ack.result is AckResult.APPLIED
    assert not locked.screen_locked
    assert read_state(locked.copy_store()) == locked.state


def test_on_a_full_disk_no_lock_begins_and_no_code_is_tried(
    handset: Handset, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = operator.command(handset, Op.LOCK)
    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        handset.power_on()
        with pytest.raises(OSError, match="full"):
            handset.take(raw)
        assert not handset.screen_locked
    handset.hello()
    handset.take(operator.command(handset, Op.LOCK))
    code = unlock_code(handset.enrolment.code_key, str(handset.question), pair=handset.state.pair)
    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="full"):
            handset.type_code(code)
        assert handset.screen_locked
    assert handset.type_code(code)


@pytest.mark.parametrize("damage", ["flipped", "cut", "empty", "gone"])
def test_a_handset_whose_store_is_damaged_begins_anew_and_can_be_locked_again(
    locked: Handset, operator: Operator, damage: str
) -> None:
    whole = locked.copy_store()
    for place in range(1, len(whole), len(whole) // 12):
        if damage == "gone":
            locked.store.unlink()
        else:
            flipped = whole[:place] + bytes((whole[place] ^ 0x10,)) + whole[place + 1 :]
            locked.store.write_bytes({"flipped": flipped, "cut": whole[:place], "empty": b""}[damage])
        locked.power_on()
        hello = open_hello(locked.hello(), device=locked.device, key=locked.enrolment.signer.public)
        assert (hello.applied, hello.cause, locked.screen_locked) == (Applied.UNLOCKED, StateCause.NEW, False)
    assert locked.take(operator.command(locked, Op.LOCK)).ack.result is AckResult.APPLIED


@pytest.mark.parametrize("op", [None, Op.LOCK, Op.UNLOCK, Op.RETIRE], ids=str)
def test_the_store_reads_back_what_was_written(handset: Handset, operator: Operator, op: Op | None) -> None:
    if op is not None:
        handset.take(operator.command(handset, op))
    assert read_state(handset.store.read_bytes()) == handset.state
