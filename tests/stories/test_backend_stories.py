"""Stories of orders that other lock systems carry beside our own agent."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from api.lock_views import order_view
from custody.kernel.clock import DAY_MS, HOUR_MS, MINUTE_MS
from custody.kernel.errors import Conflict, Rejected, Unavailable
from devicelock import store
from devicelock.backends.android import NAME as ANDROID
from devicelock.backends.android import AndroidWire
from devicelock.backends.contract import BackendAnswer, Ref
from devicelock.backends.eir import NAME as EIR
from devicelock.backends.exchange import Reply, Request
from devicelock.backends.knox import NAME as KNOX
from devicelock.backends.nanomdm import NAME as NANOMDM
from devicelock.rules.applied import Applied
from devicelock.rules.lock_facts import LockKind
from devicelock.rules.order import LockRole
from devicelock.usecases.carry_parts import LEASE_MS
from devicelock.usecases.give_reference import give_reference
from devicelock.usecases.plan_parts import fits, rows_of
from devicelock.usecases.retire import received
from devicelock.usecases.settle_parts import settle_by_word
from devicelock.usecases.sweep import is_lapse_due, is_silence_due
from tests.contracts_backends.backend_bench import Fault, NanoMdmBench
from tests.stories.lock_steps import let_go
from tests.stories.other_locks import OtherLocks
from tests.world import World
from tests.world_parts import Opened


def with_two(world: World, *names: str) -> tuple[OtherLocks, Opened]:
    """A disputed parcel whose handset is off, and known to other lock systems."""
    others = OtherLocks(world, *(names or (ANDROID, NANOMDM)))
    others.know(world.handset(world.parcels[0]))
    return others, world.dispute(world.parcels[0], "substituted")


def test_an_order_goes_to_every_back_end_that_knows_the_handset_and_each_shows_its_part(either: World) -> None:
    others, opened = with_two(either)
    assert {name: part.applied for name, part in others.show(opened.order.id).items()} == {
        "agent": None,
        ANDROID: None,
        NANOMDM: None,
    }
    others.carry()
    assert all(bench.locked() for bench in others.benches.values())
    others.settle()
    shown = others.show(opened.order.id)
    assert {name: (part.desired, part.applied) for name, part in shown.items() if name != "agent"} == {
        ANDROID: (Applied.LOCKED, Applied.LOCKED),
        NANOMDM: (Applied.LOCKED, Applied.LOCKED),
    }
    assert shown[ANDROID].last_seen_ms is not None


def test_nothing_is_reported_locked_before_a_back_end_has_confirmed_it(world: World) -> None:
    others, opened = with_two(world)
    others.carry()
    others.wait(HOUR_MS)
    assert all(bench.locked() for bench in others.benches.values()), "sent and taken"
    assert world.order(opened.order.id).state == "queued"
    assert all(part.applied is not Applied.LOCKED for part in others.show(opened.order.id).values())
    others.benches[ANDROID].apply()
    others.wait(HOUR_MS)
    assert world.order(opened.order.id).state == "active_provisional"
    shown = others.show(opened.order.id)
    assert (shown[ANDROID].applied, shown[NANOMDM].applied) == (Applied.LOCKED, None)


@pytest.mark.parametrize("name", [KNOX, EIR])
def test_a_word_that_does_not_speak_of_the_handset_or_was_never_tried_makes_no_order_locked(
    world: World, name: str
) -> None:
    others = OtherLocks(world, name)
    others.know(world.handset(world.parcels[0]))
    opened = world.dispute(world.parcels[0], "substituted")
    others.carry()
    others.settle()
    assert world.order(opened.order.id).state == "queued"


@pytest.mark.parametrize("fault", list(Fault))
def test_a_back_end_that_fails_and_comes_back_has_the_lock_once_and_keeps_no_other_waiting(
    world: World, fault: Fault
) -> None:
    others, opened = with_two(world)
    failing = others.nanomdm
    for _ in range(3):
        failing.other.fault = fault
        others.carry()
        others.benches[ANDROID].apply()
        others.wait(MINUTE_MS)
    shown = others.show(opened.order.id)
    assert shown[ANDROID].applied is Applied.LOCKED
    assert shown[NANOMDM].applied is None
    failing.other.fault = None
    others.settle()
    assert others.show(opened.order.id)[NANOMDM].applied is Applied.LOCKED
    assert len(failing.names) == 1, "one command, under one name, however often it was said"


def test_a_release_reaches_every_back_end_and_is_over_when_all_have_shown_the_handset_free(either: World) -> None:
    others, opened = with_two(either)
    others.carry()
    others.settle()
    either.found(opened)
    assert either.order(opened.order.id).state == "release_queued"
    others.carry()
    assert not any(bench.locked() for bench in others.benches.values())
    others.benches[ANDROID].apply()
    others.wait(HOUR_MS)
    assert either.order(opened.order.id).state == "release_queued", "one of them has not shown it yet"
    assert others.show(opened.order.id)[NANOMDM].open
    others.settle()
    assert either.order(opened.order.id).state == "released"
    assert either.settled(opened)


def test_a_back_end_that_fails_to_release_keeps_its_part_open_and_loud_until_it_comes_back(world: World) -> None:
    others, opened = with_two(world)
    others.carry()
    others.settle()
    world.found(opened)
    for _ in range(5):
        others.benches[ANDROID].apply()
        others.benches[NANOMDM].other.fault = Fault.BROKEN
        others.wait(20 * MINUTE_MS)
    part = others.show(opened.order.id)[NANOMDM]
    assert part.loud
    assert "failed" in (part.open or "")
    assert others.show(opened.order.id)[ANDROID].open is None, "the other is free"
    assert world.order(opened.order.id).state == "release_queued"
    assert "backend_failed" in world.alerts()
    others.benches[NANOMDM].other.fault = None
    others.settle()
    assert world.order(opened.order.id).state == "released"


def test_a_back_end_that_can_say_nothing_any_more_keeps_its_order_open_until_somebody_has_seen_the_handset(
    world: World,
) -> None:
    others, opened = with_two(world, ANDROID)
    others.carry()
    others.settle()
    others.android.handset = "enterprises/e1/devices/gone"

    def settle(why: str) -> None:
        with world.house.unit() as unit:
            settle_by_word(unit, world.office, name=opened.order.id, backend=ANDROID, actor="supervisor-1", why=why)

    with world.refused(Conflict, "move"):
        settle("too early")
    world.found(opened)
    others.carry()
    part = others.show(opened.order.id)[ANDROID]
    assert "no longer knows the handset" in (part.open or "")
    assert part.loud
    for _ in range(12):
        others.wait(20 * 24 * HOUR_MS)
    assert world.order(opened.order.id).state == "release_queued", "nobody knows that it is free"
    with world.refused(Rejected, "why"):
        settle("  ")
    settle("The customer showed the phone in the shop.")
    assert world.order(opened.order.id).state == "released"
    assert others.show(opened.order.id)[ANDROID].open is None
    assert "backend_settled" in {step.event for step in world.steps(opened.order.id)}


def test_a_back_end_that_does_not_know_the_handset_yet_is_asked_until_it_does_and_holds_nothing_up(
    world: World,
) -> None:
    others, opened = with_two(world, ANDROID)
    bench = others.android
    bench.handset, held = "enterprises/e1/devices/later", bench.handset
    others.carry()
    assert others.show(opened.order.id)[ANDROID].answer == "unknown_device"
    assert not others.parts(opened.order.id)[ANDROID].may_hold, "it surely has no lock"
    others.wait(HOUR_MS)
    bench.handset = held
    others.settle()
    assert others.show(opened.order.id)[ANDROID].applied is Applied.LOCKED


def test_a_release_waits_for_no_back_end_that_surely_never_had_the_lock(world: World) -> None:
    others, opened = with_two(world, ANDROID)
    others.android.handset = "enterprises/e1/devices/later"
    others.carry()
    world.found(opened)
    assert world.order(opened.order.id).state == "released"


def test_a_lock_that_was_never_sent_is_struck_out_and_no_back_end_hears_of_it(world: World) -> None:
    others, opened = with_two(world)
    world.found(opened)
    others.carry()
    others.settle()
    assert world.order(opened.order.id).state == "released"
    assert [bench.other.calls for bench in others.benches.values()] == [[], []]


def test_a_release_from_queued_waits_for_the_back_end_that_may_have_the_lock(world: World) -> None:
    others, opened = with_two(world)
    for bench in others.benches.values():
        bench.other.fault = Fault.APPLIED
    others.carry()
    world.found(opened)
    order = world.order(opened.order.id)
    with world.house.read() as session:
        locked = order_view(session, order)["locked"]
    assert (order.state, locked) == ("release_queued", False), "nobody has confirmed the lock"
    others.settle()
    assert world.order(opened.order.id).state == "released"
    assert not any(bench.locked() for bench in others.benches.values())


def test_a_release_that_is_decided_while_the_lock_is_on_its_way_stands_last(world: World) -> None:
    others, opened = with_two(world)
    bench = others.android
    wire, sends = bench.backend._wire, bench._send
    assert isinstance(wire, AndroidWire)

    def meanwhile(request: Request) -> Reply:
        wire._line = sends
        world.found(opened)
        return sends(request)

    wire._line = meanwhile
    others.carry()
    others.settle()
    assert not bench.locked()
    assert world.order(opened.order.id).state == "released"


def test_releases_go_ahead_of_locks(world: World) -> None:
    others = OtherLocks(world, ANDROID)
    bench = others.android
    others.know(world.handset(world.parcels[0]))
    world.handset(world.parcels[1])
    first = world.dispute(world.parcels[0], "substituted")
    others.carry()
    others.settle()
    bench.handset, held = "enterprises/e1/devices/d2", bench.handset
    others.know(world.radios[world.parcels[1].order])
    world.dispute(world.parcels[1], "substituted")
    world.clock.at_ms += HOUR_MS
    let_go(world, first.order.id)
    bench.other.calls.clear()
    others.carrier.carry()
    changing = [call.path for call in bench.other.calls if call.method == "PATCH"]
    assert [path.rpartition("/")[2] for path in changing] == ["d1", "d2"]
    assert held.endswith("d1")


def test_a_back_end_that_does_not_answer_rests_and_is_not_called_for_each_of_its_handsets(world: World) -> None:
    others = OtherLocks(world, ANDROID, NANOMDM)
    bench = others.android
    others.know(world.handset(world.parcels[0]))
    bench.handset = "enterprises/e1/devices/d2"
    others.know(world.handset(world.parcels[1]), ANDROID)
    for parcel in world.parcels:
        world.dispute(parcel, "substituted")
    called = silence(others)
    others.carrier.carry()
    assert len(called) == 1
    assert others.nanomdm.locked(), "the other one is not kept waiting"
    others.carry()
    assert len(called) == 1
    world.clock.at_ms += MINUTE_MS
    others.carrier.carry()
    assert len(called) == 2


def silence(others: OtherLocks) -> list[str]:
    """Android's service does not answer any more; what was asked of it all the same."""
    wire, called = others.android.backend._wire, []
    assert isinstance(wire, AndroidWire)

    def silent(request: Request) -> Reply:
        called.append(request.path)
        raise Unavailable("backend_silent", "no reply", fix="Ask again.")

    wire._line = silent
    return called


def test_a_release_that_another_lock_system_keeps_open_for_weeks_has_no_sweep_begun_for_it(world: World) -> None:
    others, opened = with_two(world, ANDROID)
    others.carry()
    others.settle()
    world.found(opened)
    silence(others)
    others.wait(40 * DAY_MS)
    assert world.order(opened.order.id).state == "release_queued"
    with world.house.read() as session:
        assert not is_lapse_due(session, now_ms=world.clock.at_ms)
        assert not is_silence_due(session, world.office, now_ms=world.clock.at_ms)


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("applied", [True, False])
def test_a_crash_between_asking_and_remembering_leads_to_one_lock(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    applied: bool,  # noqa: FBT001 - the pair of the fault
) -> None:
    others, opened = with_two(world, NANOMDM)
    bench = others.nanomdm
    version = others.parts(opened.order.id)[NANOMDM].version
    bench.other.fault = None if applied else Fault.NOT_APPLIED

    def die(*_args: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("devicelock.usecases.carry_parts.remember", die)
        with pytest.raises(Killed):
            others.carry()
    assert others.parts(opened.order.id)[NANOMDM].at_ms is None, "nothing was remembered"
    assert bool(bench.queue) is applied
    world.restart()
    others.attach()
    world.clock.at_ms += LEASE_MS
    others.carry()
    assert len(bench.names) == 1, "one command, under one name"
    assert others.parts(opened.order.id)[NANOMDM].version == version, "one wish"
    others.settle()
    assert others.show(opened.order.id)[NANOMDM].applied is Applied.LOCKED


def test_a_crash_after_the_claim_and_before_the_call_is_released_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    others, opened = with_two(world, ANDROID)

    def die(*_args: object, **_facts: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("devicelock.usecases.carry_parts.ask", die)
        with pytest.raises(Killed):
            others.carry()
    world.restart()
    others.attach()
    world.found(opened)
    assert world.order(opened.order.id).state == "release_queued"
    world.clock.at_ms += LEASE_MS
    others.settle()
    assert world.order(opened.order.id).state == "released"


def test_the_kill_switch_keeps_every_lock_from_leaving_and_no_release(world: World) -> None:
    others, opened = with_two(world, ANDROID)
    others.carry()
    others.settle()
    other = world.handset(world.parcels[1])
    others.benches[ANDROID].handset, held = "enterprises/e1/devices/d2", others.benches[ANDROID].handset
    others.know(other)
    world.step(HOUR_MS)
    late = world.dispute(world.parcels[1], "substituted")
    world.throw_switch(on=True)
    others.carry()
    part = others.show(late.order.id)[ANDROID]
    assert "not sent" in (part.trouble or "")
    assert others.android.wished == "DISABLED", "the first one is still locked"
    others.benches[ANDROID].handset = held
    world.found(opened)
    others.carry()
    assert others.android.wished == "ACTIVE"
    others.settle()
    assert world.order(opened.order.id).state == "released"
    others.benches[ANDROID].handset = "enterprises/e1/devices/d2"
    world.throw_switch(on=False, by="supervisor-2")
    others.settle()
    assert "caps" in (others.show(late.order.id)[ANDROID].trouble or ""), "a wrong lock stops its group there too"
    world.clear_groups()
    others.settle()
    assert others.show(late.order.id)[ANDROID].applied is Applied.LOCKED


def test_a_handset_that_enrols_again_is_told_the_present_wish_again(world: World) -> None:
    others, opened = with_two(world, NANOMDM)
    bench = others.nanomdm
    others.carry()
    others.settle()
    enrol_again(others, bench)
    assert others.show(opened.order.id)[NANOMDM].applied is None, "what was shown before is unknown now"
    others.settle()
    assert bench.lost
    assert others.show(opened.order.id)[NANOMDM].applied is Applied.LOCKED


def test_the_kill_switch_keeps_a_lock_from_being_said_again(world: World) -> None:
    others, opened = with_two(world, NANOMDM)
    bench = others.nanomdm
    others.carry()
    others.settle()
    world.throw_switch(on=True)
    enrol_again(others, bench)
    others.settle()
    assert not bench.lost
    world.throw_switch(on=False, by="supervisor-2")
    others.settle()
    assert bench.lost
    assert opened.order.id in {part.order for part in others.parts(opened.order.id).values()}


def enrol_again(others: OtherLocks, bench: NanoMdmBench) -> None:
    """The device is wiped and enrols; the server posts what it heard, as the door takes it in."""
    others.post(bench.event("mdm.Authenticate"))
    bench.queue.clear()
    bench.lost = False
    others.post(bench.event("mdm.TokenUpdate"))
    others.carry()


def test_an_event_that_is_sent_again_shows_nothing_anew(world: World) -> None:
    others, opened = with_two(world, NANOMDM)
    bench = others.nanomdm
    others.carry()
    ack = bench.event("mdm.Connect", command=bench.queue.pop()[0], status="Acknowledged")
    assert others.post(ack)
    others.carry()
    assert others.show(opened.order.id)[NANOMDM].applied is Applied.LOCKED
    world.throw_switch(on=True)
    enrol_again(others, bench)
    assert others.show(opened.order.id)[NANOMDM].applied is None
    assert not others.post(ack), "the same bytes"
    others.carry()
    assert others.show(opened.order.id)[NANOMDM].applied is None
    world.clock.at_ms += 9 * 24 * HOUR_MS
    with pytest.raises(Rejected, match="webhook_time"):
        others.post(ack)


def test_a_device_that_refuses_a_command_is_asked_anew_under_another_name_ever_more_slowly(world: World) -> None:
    others, opened = with_two(world, NANOMDM)
    bench = others.nanomdm
    others.carry()
    for _ in range(40):
        while bench.queue:
            others.post(bench.event("mdm.Connect", command=bench.queue.pop()[0], status="Error"))
        others.wait(MINUTE_MS)
    assert 5 <= len(bench.names) <= 12, "neither given up nor said without pause"
    assert others.show(opened.order.id)[NANOMDM].applied is None
    others.settle()
    assert others.show(opened.order.id)[NANOMDM].applied is Applied.LOCKED


def test_a_device_that_cannot_do_it_now_keeps_its_command(world: World) -> None:
    others, opened = with_two(world, NANOMDM)
    bench = others.nanomdm
    others.carry()
    others.post(bench.event("mdm.Connect", command=bench.queue[0][0], status="NotNow"))
    others.wait(HOUR_MS)
    assert len(bench.names) == 1
    assert others.show(opened.order.id)[NANOMDM].applied is None
    others.settle()
    assert others.show(opened.order.id)[NANOMDM].applied is Applied.LOCKED


def test_an_event_of_a_handset_that_was_never_locked_there_is_not_kept(world: World) -> None:
    others = OtherLocks(world, NANOMDM)
    bench = others.nanomdm
    assert not others.post(bench.event("mdm.TokenUpdate"))


def test_a_handset_that_came_back_free_of_its_lock_is_told_again(world: World) -> None:
    others, opened = with_two(world, ANDROID)
    bench = others.android
    others.carry()
    others.settle()
    bench.wished = bench.shown = "ACTIVE"  # it was enrolled anew, and the other side forgot
    bench.seen_ms = world.clock.at_ms + 20 * MINUTE_MS
    others.wait(30 * MINUTE_MS)
    others.settle()
    assert bench.wished == "DISABLED"
    assert others.show(opened.order.id)[ANDROID].applied is Applied.LOCKED


def test_a_part_of_a_back_end_that_is_not_switched_on_waits_and_is_shown(world: World) -> None:
    others, opened = with_two(world, ANDROID)
    bench = others.benches.pop(ANDROID)
    others.attach()
    others.carry()
    part = others.show(opened.order.id)[ANDROID]
    assert part.loud
    assert "not switched on" in (part.open or "")
    others.benches[ANDROID] = bench
    others.attach()
    others.wait(HOUR_MS)
    assert bench.locked()


def test_one_process_at_a_time_carries_and_another_takes_over(world: World) -> None:
    others, opened = with_two(world, ANDROID)
    first, second = others.carrier, others.new_carrier()
    assert first.carry()
    world.found(opened)
    assert second.carry() == 0
    world.clock.at_ms += LEASE_MS
    assert second.carry()
    assert first.carry() == 0
    second.give_up()
    others.carry()
    others.settle()
    assert world.order(opened.order.id).state == "released"


def test_a_carrier_that_cannot_give_its_lease_up_says_so_and_ends(world: World) -> None:
    others, _ = with_two(world, ANDROID)
    database = Path(str(world.engine.url.database))
    away = database.with_name("away.sqlite3")
    world.engine.dispose()
    database.rename(away)
    database.mkdir()
    with capture_logs() as told:
        others.carrier.thread.start()
        others.carrier.thread.stop(wait_s=30)
    database.rmdir()
    away.rename(database)
    assert [line["code"] for line in told if line["event"] == "others carry once the lease is over"] == ["database"]


def test_a_confirmed_lock_is_asked_for_anew_with_its_new_end(world: World) -> None:
    others, opened = with_two(world, ANDROID)
    others.carry()
    others.settle()
    before = others.parts(opened.order.id)[ANDROID].version
    world.confirm(opened, "investigator-1")
    world.confirm(opened, "supervisor-1")
    others.carry()
    assert others.parts(opened.order.id)[ANDROID].version > before
    others.settle(hours=80)
    assert others.benches[ANDROID].locked()
    assert world.order(opened.order.id).state == "active_confirmed"


def test_a_provisional_lock_lapses_at_every_back_end(world: World) -> None:
    others, opened = with_two(world)
    others.carry()
    others.settle()
    others.settle(hours=72)
    others.settle()
    assert not any(bench.locked() for bench in others.benches.values())
    assert world.order(opened.order.id).state == "released"


def test_a_name_at_a_back_end_belongs_to_one_handset_and_has_its_form(world: World) -> None:
    others = OtherLocks(world, ANDROID, EIR)
    first, second = world.handset(world.parcels[0]), world.handset(world.parcels[1])
    others.know(first)

    def refer(radio: object, backend: str, handset: str) -> None:
        with world.house.unit() as unit:
            device = others.device(unit.session, radio)
            give_reference(unit, device, backend=backend, handset=handset, account="supervisor-1")

    with world.refused(Conflict, "reference"):
        refer(second, ANDROID, others.benches[ANDROID].handset)
    with world.refused(Rejected, "reference"):
        refer(second, ANDROID, "enterprises/e1/devices/d1/../d2")
    with world.refused(Rejected, "backend"):
        refer(second, "landline", "1")
    with world.refused(Conflict, "imei"):
        refer(second, EIR, world.parcels[0].unit.imei)
    refer(first, ANDROID, others.benches[ANDROID].handset)


def test_a_preflight_says_what_each_back_end_can_make_of_a_lock(world: World) -> None:
    others = OtherLocks(world, ANDROID, EIR, KNOX, NANOMDM)
    radio = world.handset(world.parcels[0])
    others.know(radio)
    opened = world.dispute(world.parcels[0], "never_received")

    def rows() -> dict[str, tuple[bool | None, str]]:
        with world.house.unit() as unit:
            order = store.order(unit.session, opened.order.id)
            found = fits(unit, world.office, order, others.device(unit.session, radio), LockKind.PROVISIONAL)
        assert all(row["allowed_by"] for row in rows_of(found) if row["ok"] is not True)
        return {row["check"]: (row["ok"], row["reason"]) for row in rows_of(found)}

    assert rows() == {
        "backend_android": (None, "before_setup"),
        "backend_eir": (False, "two_people"),
        "backend_knox": (None, "unverified"),
        "backend_nanomdm": (None, "before_setup"),
    }
    radio.switch_on()
    world.deliver()
    assert rows()["backend_android"] == (True, "ok")
    others.benches.pop(NANOMDM)
    others.attach()
    assert rows()["backend_nanomdm"] == (None, "not_configured")


def test_a_retired_handset_is_retired_at_every_back_end_and_never_locked_there_again(either: World) -> None:
    others, opened = with_two(either)
    others.carry()
    others.settle()
    device = opened.order.device
    with either.house.unit() as unit:
        received(unit, either.office, name=device, actor="customer", role=LockRole.CUSTOMER)
    assert {part.wished for part in others.parts(f"retire.{device}").values()} == {"retired"}
    assert either.order(opened.order.id).state == "release_queued"
    others.carry()
    others.settle()
    assert either.order(opened.order.id).state == "released"
    assert others.nanomdm.removed
    shown = others.parts(f"retire.{device}")
    assert {name: (part.wished, part.due_ms) for name, part in shown.items()} == {
        ANDROID: ("retired", None),
        NANOMDM: ("retired", None),
    }
    for bench in others.benches.values():
        asked = Ref(handset=bench.handset, order="lock-9", version=2**50)
        screen = either.office.screen_of(opened.order)
        assert (
            bench.backend.lock(asked, screen=screen, not_after_ms=either.clock.at_ms + HOUR_MS) is BackendAnswer.REFUSED
        )
    again = either.dispute(either.parcels[0], "never_received")
    assert again.lock.order is None or again.lock.order.state == "refused"
    others.carry()
    assert not any(bench.locked() for bench in others.benches.values())


def test_a_retirement_that_a_restore_forgot_is_asked_for_again(world: World) -> None:
    others, opened = with_two(world, ANDROID)
    others.carry()
    others.settle()
    backup = world.backup()
    device = opened.order.device
    with world.house.unit() as unit:
        received(unit, world.office, name=device, actor="customer", role=LockRole.CUSTOMER)
    world.restore(backup)
    others.attach()
    world.clock.at_ms += LEASE_MS
    others.carry()
    others.settle()
    assert others.parts(f"retire.{device}")[ANDROID].wished == "retired"
    assert not others.benches[ANDROID].locked()


def test_after_a_restore_no_name_of_a_command_is_used_again(world: World) -> None:
    others, opened = with_two(world, NANOMDM)
    bench = others.nanomdm
    others.carry()
    others.settle()
    backup = world.backup()
    world.found(opened)
    others.carry()
    said = set(bench.names)
    world.restore(backup)
    others.attach()
    world.clock.at_ms += LEASE_MS
    world.found(opened)
    others.carry()
    assert len(bench.names - said) == 1, "the release is said anew, under a name of its own"
    others.settle()
    assert world.order(opened.order.id).state == "released"


def test_a_wish_that_ran_out_at_the_back_end_is_a_release_here_too(world: World) -> None:
    others, opened = with_two(world, ANDROID)
    world.radios[world.parcels[0].order].switch_on()
    world.deliver()
    world.confirm(opened, "investigator-1")
    world.confirm(opened, "supervisor-1")
    others.carry()
    others.wait(73 * HOUR_MS)  # the other side's device never came
    assert others.parts(opened.order.id)[ANDROID].wished == "unlocked"
    assert not others.benches[ANDROID].locked()
    assert world.order(opened.order.id).state == "active_confirmed", "our own agent holds it"
    world.found(opened)
    others.carry()
    others.settle()
    assert world.order(opened.order.id).state == "released"
