"""Stories of other lock systems that forget, lose or put off what they had taken, long after they took it."""

import errno
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from api.app import carries, threads_beside
from api.backends import Backends
from api.parts import Parts
from custody.kernel.clock import DAY_MS, HOUR_MS, MINUTE_MS
from devicelock.backends.android import NAME as ANDROID
from devicelock.backends.eir import NAME as EIR
from devicelock.backends.exchange import Reply
from devicelock.backends.knox import NAME as KNOX
from devicelock.backends.nanomdm import NAME as NANOMDM
from devicelock.rules.applied import Applied
from devicelock.usecases.carry_parts import LEASE_MS
from devicelock.usecases.request_lock import approve_lock
from tests.contracts_backends.backend_bench import Fault
from tests.stories.lock_steps import ask, let_go
from tests.stories.other_locks import OtherLocks
from tests.stories.test_backend_stories import enrol_again, with_two
from tests.stories.test_one_that_fails import nothing_can_be_anchored
from tests.world import World
from tests.world_parts import Opened


def kept(world: World, name: str) -> tuple[OtherLocks, Opened]:
    """A lock that two people keep for months; a back-end has shown it, and its first hours are long over."""
    others, opened = with_two(world, name)
    world.radios[world.parcels[0].order].switch_on()
    world.deliver()
    world.confirm(opened, "investigator-1")
    world.confirm(opened, "supervisor-1")
    others.carry()
    others.settle(hours=80)
    assert others.show(opened.order.id)[name].applied is Applied.LOCKED
    return others, opened


@pytest.mark.parametrize("name", [ANDROID, NANOMDM])
def test_a_kept_lock_is_said_again_however_late_its_handset_comes_back_without_it(world: World, name: str) -> None:
    others, opened = kept(world, name)
    if name == NANOMDM:
        enrol_again(others, others.nanomdm)
    else:
        others.android.wished = others.android.shown = "ACTIVE"
        others.android.seen_ms = world.clock.at_ms + 20 * MINUTE_MS
        others.wait(30 * MINUTE_MS)
    others.settle()
    assert others.benches[name].locked()
    assert others.show(opened.order.id)[name].applied is Applied.LOCKED
    world.found(opened)
    others.carry()
    others.settle()
    assert not others.benches[name].locked()
    assert world.order(opened.order.id).state == "released"


@pytest.mark.parametrize("name", [ANDROID, EIR])
def test_a_kept_lock_does_not_end_because_nobody_can_say_any_more_whether_it_holds(world: World, name: str) -> None:
    others, opened = kept(world, name)
    if name == EIR:
        others.imei_list.eir.imported(0)  # the operator went back to a backup
    else:
        others.android.shown = "PROVISIONING"
    others.wait(HOUR_MS)
    assert others.show(opened.order.id)[name].applied is None
    assert others.benches[name].locked()
    assert others.parts(opened.order.id)[name].wished == "locked"


def test_a_release_that_was_taken_and_not_carried_out_is_said_again_once_the_handset_shows_itself_locked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    others, opened = with_two(world, ANDROID)
    others.carry()
    others.settle()
    bench = others.android
    world.found(opened)
    with monkeypatch.context() as lost:
        lost.setattr(bench, "_take", lambda _request: Reply(status=200, body=b'{"error": {"code": 13}}'))
        others.carry()
    others.wait(30 * HOUR_MS)
    assert len(bench.other.calls) > 0
    assert bench.locked(), "nothing was heard of it, which is no reason to say it again"
    others.settle()
    assert not bench.locked()
    assert world.order(opened.order.id).state == "released"


def test_an_answer_to_a_release_that_was_lost_is_asked_for_again_when_the_device_reports(world: World) -> None:
    others, opened = with_two(world, NANOMDM)
    bench = others.nanomdm
    others.carry()
    others.settle()
    world.found(opened)
    others.carry()
    bench.queue.clear()
    bench.lost = False  # it did as it was told, and the event that says so never came
    others.wait(30 * HOUR_MS)
    assert len(bench.names) == 2, "nothing was heard of it"
    others.post(bench.event("mdm.Connect"))
    others.settle()
    assert len(bench.names) == 3
    assert world.order(opened.order.id).state == "released"


def test_a_device_that_cannot_be_released_now_keeps_its_one_command(world: World) -> None:
    others, opened = with_two(world, NANOMDM)
    bench = others.nanomdm
    others.carry()
    others.settle()
    world.found(opened)
    others.carry()
    for _ in range(12):
        others.post(bench.event("mdm.Connect", command=bench.queue[0][0], status="NotNow"))
        others.wait(HOUR_MS)
    assert len(bench.queue) == 1
    others.settle()
    assert world.order(opened.order.id).state == "released"


@pytest.mark.parametrize("released_before", [False, True])
@pytest.mark.parametrize("came", ["Acknowledged", "Error"])
def test_a_lock_that_a_device_put_off_does_not_come_after_its_release(
    world: World,
    came: str,
    released_before: bool,  # noqa: FBT001 - the case that is told
) -> None:
    """NanoMDM keeps what its device could not do yet, goes on with the next command, and offers it again later."""
    others, opened = with_two(world, NANOMDM)
    bench = others.nanomdm
    others.carry()
    (lock, _), *_ = bench.queue
    if not released_before:
        others.post(bench.event("mdm.Connect", command=lock, status="NotNow"))
        others.wait(MINUTE_MS)
    world.found(opened)
    others.carry()
    release, _ = bench.queue.pop()
    others.post(bench.event("mdm.Connect", command=lock, status="NotNow"))
    others.post(bench.event("mdm.Connect", command=release, status="Acknowledged"))
    others.wait(MINUTE_MS)
    assert world.order(opened.order.id).state == "release_queued", "the lock may still come"
    bench.queue.clear()
    bench.lost = came == "Acknowledged"
    others.post(bench.event("mdm.Connect", command=lock, status=came))
    others.carry()
    others.wait(MINUTE_MS)
    assert not bench.locked()
    others.settle()
    assert not bench.lost
    assert world.order(opened.order.id).state == "released"


def test_a_lock_that_was_put_off_is_over_when_its_device_enrols_anew(world: World) -> None:
    others, opened = with_two(world, NANOMDM)
    bench = others.nanomdm
    others.carry()
    others.post(bench.event("mdm.Connect", command=bench.queue[0][0], status="NotNow"))
    others.wait(MINUTE_MS)
    world.found(opened)
    others.carry()
    enrol_again(others, bench)
    others.settle()
    assert world.order(opened.order.id).state == "released"


@pytest.mark.parametrize("name", [ANDROID, NANOMDM, KNOX])
@pytest.mark.parametrize("is_known", [False, True], ids=["its name is forgotten too", "its name is known"])
def test_a_lock_whose_order_a_restore_has_forgotten_is_released(
    world: World,
    name: str,
    is_known: bool,  # noqa: FBT001 - the case that is told
) -> None:
    others = OtherLocks(world, name)
    radio = world.handset(world.parcels[0])
    backup = world.backup()
    others.know(radio)
    if is_known:
        backup = world.backup()
    world.dispute(world.parcels[0], "substituted")
    others.carry()
    others.settle()
    assert others.benches[name].locked()
    world.restore(backup)
    others.attach()
    others.wait(2 * MINUTE_MS)
    others.settle()
    assert not others.benches[name].locked()
    assert world.anchor.held() == []


@pytest.mark.parametrize("name", [ANDROID, NANOMDM, KNOX])
def test_a_lock_that_left_after_the_backup_of_its_order_is_released_with_it(world: World, name: str) -> None:
    others, opened = with_two(world, name)
    backup = world.backup()
    others.carry()
    others.settle()
    assert others.benches[name].locked()
    world.restore(backup)
    world.throw_switch(on=True)  # it is not said again
    others.attach()
    others.wait(2 * MINUTE_MS)
    world.found(opened)
    others.carry()
    others.settle()
    assert not others.benches[name].locked()
    assert world.order(opened.order.id).state == "released"


@pytest.mark.parametrize("name", [ANDROID, NANOMDM])
def test_a_lock_from_before_locks_were_anchored_is_anchored_and_one_that_is_wished_stays(
    world: World, name: str
) -> None:
    others, opened = with_two(world, name)
    others.carry()
    others.settle()
    world.close()
    path = world.folder / "anchor" / "locks.txt"
    path.write_text("".join(line for line in path.read_text().splitlines(keepends=True) if "held" not in line))
    world.open()
    others.attach()
    others.wait(2 * MINUTE_MS)
    assert [(hold.order, hold.backend) for hold in world.anchor.held()] == [(opened.order.id, name)]
    others.settle()
    assert others.benches[name].locked()
    world.found(opened)
    others.carry()
    others.settle()
    assert not others.benches[name].locked()
    assert world.anchor.held() == []


def test_no_lock_leaves_that_could_not_be_anchored(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    others, opened = with_two(world, ANDROID)

    def no_space(_hold: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(world.anchor, "hold", no_space)
        others.carry()
        assert not others.android.locked()
        assert "No space left" in (others.parts(opened.order.id)[ANDROID].trouble or "")
    others.wait(MINUTE_MS)
    assert others.android.locked()


@pytest.mark.parametrize("ahead_ms", [10 * MINUTE_MS, 2 * HOUR_MS])
def test_a_clock_that_was_ahead_and_is_put_right_keeps_no_release_waiting_for_who_carried_then(
    world: World, ahead_ms: int
) -> None:
    others, opened = with_two(world)
    others.carry()
    others.settle()
    assert all(bench.locked() for bench in others.benches.values())
    world.clock.at_ms += ahead_ms
    others.carry()
    world.clock.at_ms -= ahead_ms
    others.carrier = others.new_carrier()  # the first process was killed: its lease stands
    world.found(opened)
    others.wait(2 * LEASE_MS)
    assert not any(bench.locked() for bench in others.benches.values())


def test_a_clock_that_was_ahead_and_is_put_right_makes_the_same_process_wait_no_longer(world: World) -> None:
    others, opened = with_two(world)
    others.carry()
    others.settle()
    world.clock.at_ms += 2 * HOUR_MS
    world.found(opened)
    for bench in others.benches.values():
        bench.other.fault = Fault.BROKEN
    others.carry()
    world.clock.at_ms -= 2 * HOUR_MS
    for bench in others.benches.values():
        bench.other.fault = None
    others.carry()
    assert not any(bench.locked() for bench in others.benches.values())


def test_a_release_that_was_decided_while_the_clock_was_ahead_is_carried_at_once(world: World) -> None:
    others, opened = with_two(world)
    others.carry()
    others.settle()
    world.clock.at_ms += 20 * MINUTE_MS
    world.found(opened)
    world.clock.at_ms -= 20 * MINUTE_MS
    others.carry()
    assert not any(bench.locked() for bench in others.benches.values())


def test_a_release_that_could_not_be_anchored_frees_no_newer_lock_of_the_same_handset(world: World) -> None:
    others, opened = with_two(world, ANDROID)
    others.carry()
    others.settle()
    with nothing_can_be_anchored(world):
        let_go(world, opened.order.id)
        others.carry()
        others.settle()
        assert not others.android.locked()
    radio = world.radios[world.parcels[0].order]
    radio.switch_on()
    world.deliver()
    assert world.order(opened.order.id).state == "released"
    order = ask(world, "investigator-1", dispute=opened.case)
    with world.house.unit() as unit:
        approve_lock(unit, world.office, name=order.id, account="supervisor-1")
    others.carry()
    assert others.android.locked()
    others.settle()
    assert others.android.locked()
    assert [hold.order for hold in world.anchor.held()] == [order.id]


def test_a_row_that_would_end_too_late_by_a_clock_set_back_keeps_the_imei_list_from_nobody(world: World) -> None:
    others, opened = with_two(world, EIR)
    world.radios[world.parcels[0].order].switch_on()
    world.deliver()
    world.confirm(opened, "investigator-1")
    world.confirm(opened, "supervisor-1")
    world.clock.at_ms -= 11 * DAY_MS
    others.carry()
    assert "backend_failed" not in world.alerts()
    world.clock.at_ms += 11 * DAY_MS
    others.wait(HOUR_MS)
    assert others.imei_list.locked()


def switched_off(world: World) -> Parts:
    """The parts of a service that starts with every other lock system switched off."""
    world.office = replace(world.office, backends={})
    parts: Any = SimpleNamespace(
        house=world.house,
        locks=world.office,
        ids=world.ids,
        engine=world.engine,
        witnesses=None,
        backends=Backends(on={}, lines=()),
    )
    return cast("Parts", parts)


def test_a_release_that_the_last_lock_system_holds_is_told_of_after_that_was_switched_off(world: World) -> None:
    assert not carries(switched_off(world)), "there is nothing to carry"
    others, opened = with_two(world, ANDROID)
    others.carry()
    others.settle()
    others.carrier.give_up()
    parts = switched_off(world)
    assert carries(parts)
    world.found(opened)
    threads = threads_beside(parts)
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 60
    while "backend_failed" not in world.alerts() and time.monotonic() < deadline:
        world.clock.at_ms += 20 * MINUTE_MS
        time.sleep(0.5)
    for thread in threads:
        thread.stop()
    assert "backend_failed" in world.alerts()
    assert world.order(opened.order.id).state == "release_queued"
