"""Stories in pairs: a broker that forgets what was on its way, and one that does not. Either way nothing stays lost."""

import pytest

from custody.kernel.clock import DAY_MS, HOUR_MS, SECOND_MS
from devicelock.rules.applied import Applied
from devicelock.rules.order import LockRole
from devicelock.usecases.offer_again import offer_again
from simulators.radio import Radio
from tests.stories.lock_steps import code_for, leave, say_received
from tests.stories.test_lock_messages import deliver_one
from tests.world import World
from tests.world_parts import Opened
from tests.world_process import SERVER

FORGETS = pytest.mark.parametrize("forgets", [True, False], ids=["forgetful", "not forgetful"])


def on_its_way(world: World, *names: str, forgets: bool) -> None:
    """What waits at the broker for these clients is forgotten there, or it is delivered."""
    world.relay.carry()
    if forgets:
        for name in names:
            world.waiting(name).clear()
    world.deliver()


def offer(world: World) -> int:
    """What the relay does once its subscriptions stand at a broker that has forgotten us."""
    with world.house.unit() as unit:
        offered = offer_again(unit, world.office)
    world.deliver()
    return offered


def connect_unheard(world: World, radio: Radio) -> None:
    """The handset connects and says hello before we have subscribed."""
    radio.switch_off()
    radio.switch_on()
    world.waiting(SERVER).clear()


def kept_by_two_people(world: World) -> tuple[Opened, Radio]:
    """A locked handset whose lock two people keep: another LOCK with a later hour is on its way to it."""
    opened, radio = world.locked_elsewhere()
    world.step(HOUR_MS)  # a LOCK that follows another at once would wait a little before it leaves
    world.confirm(opened, "investigator-1")
    world.confirm(opened, "supervisor-1")
    return opened, radio


def held_days(world: World, radio: Radio) -> int:
    """For how many days the handset will hold its lock."""
    until_s = radio.handset.state.held_until_s
    assert until_s is not None
    return (until_s - world.clock.at_ms // SECOND_MS) * SECOND_MS // DAY_MS


@FORGETS
def test_a_retirement_that_has_no_order_is_offered_again_until_it_is_answered(
    world: World,
    forgets: bool,  # noqa: FBT001 - the pair that is told
) -> None:
    radio = world.switched_on(world.parcels[0])
    say_received(world, radio)
    on_its_way(world, radio.handset.device, forgets=forgets)
    assert (radio.handset.state.applied is Applied.RETIRED) is not forgets
    assert offer(world) == int(forgets)
    assert radio.handset.state.applied is Applied.RETIRED
    assert offer(world) == 0, "what was answered is not offered again"


@FORGETS
def test_the_retirement_of_a_handset_whose_order_is_over_is_offered_again(
    world: World,
    forgets: bool,  # noqa: FBT001 - the pair that is told
) -> None:
    opened, radio = world.locked_elsewhere()
    world.found(opened)
    world.deliver()
    assert world.order(opened.order.id).state == "released"
    leave(world, radio)
    on_its_way(world, radio.handset.device, forgets=forgets)
    assert offer(world) == int(forgets)
    assert radio.handset.state.applied is Applied.RETIRED


@FORGETS
def test_a_longer_hold_of_an_active_lock_is_offered_again(
    world: World,
    forgets: bool,  # noqa: FBT001 - the pair that is told
) -> None:
    opened, radio = kept_by_two_people(world)
    on_its_way(world, radio.handset.device, forgets=forgets)
    assert (held_days(world, radio) < 3) is forgets
    assert offer(world) == 1, "a handset that is shown as locked is asked, whatever it has answered"
    assert held_days(world, radio) > 80
    assert world.order(opened.order.id).state == "active_confirmed"


@FORGETS
def test_a_handset_that_released_itself_is_asked_when_its_hello_was_lost(
    world: World,
    forgets: bool,  # noqa: FBT001 - the pair that is told
) -> None:
    opened, radio = world.locked_elsewhere()
    backup = world.backup()
    code = code_for(world, radio, radio.handset.question)
    world.restore(backup)
    assert radio.type_code(code)
    on_its_way(world, SERVER, forgets=forgets)
    assert world.order(opened.order.id).state == ("active_provisional" if forgets else "released")
    assert offer(world) == int(forgets)
    assert world.order(opened.order.id).state == "released"
    assert not radio.handset.screen_locked, "the code was ours, so that no lock comes back"


@FORGETS
def test_a_lock_that_doubt_about_the_clock_released_comes_back_when_its_hello_was_lost(
    world: World,
    forgets: bool,  # noqa: FBT001 - the pair that is told
) -> None:
    opened, radio = world.locked_elsewhere()
    radio.switch_off()
    radio.handset.turn_clock(-3600)
    radio.switch_on()
    assert not radio.handset.screen_locked
    on_its_way(world, SERVER, forgets=forgets)
    assert radio.handset.screen_locked is not forgets
    offer(world)
    assert radio.handset.screen_locked
    assert world.order(opened.order.id).state == "active_provisional"


@FORGETS
def test_a_release_decided_before_the_word_of_its_lock_came_is_offered_again(
    world: World,
    forgets: bool,  # noqa: FBT001 - the pair that is told
) -> None:
    radio = world.switched_on(world.parcels[0])
    opened = world.dispute(world.parcels[0], "substituted")
    world.relay.carry()
    while world.waiting(radio.handset.device):
        deliver_one(world, radio.handset.device)
    assert radio.handset.screen_locked
    world.found(opened)
    assert world.order(opened.order.id).state == "released", "nobody has heard that it is locked"
    on_its_way(world, SERVER, radio.handset.device, forgets=forgets)
    assert radio.handset.screen_locked is forgets
    assert offer(world) == int(forgets)
    assert not radio.handset.screen_locked


@pytest.mark.parametrize("times", range(6))
def test_a_lock_arrives_however_often_a_broker_forgot_the_hello_and_the_refusal_before(
    world: World, times: int
) -> None:
    radio = world.switched_on(world.parcels[0])
    world.dispute(world.parcels[0], "substituted")
    world.relay.carry()
    world.waiting(radio.handset.device).clear()
    for _ in range(times):
        connect_unheard(world, radio)
        with world.house.unit() as unit:
            assert offer_again(unit, world.office) == 1
        world.relay.carry()
        deliver_one(world, radio.handset.device)
        world.waiting(SERVER).clear()
    connect_unheard(world, radio)
    assert not radio.handset.screen_locked
    assert offer(world) == 1
    assert radio.handset.screen_locked


def test_asking_a_handset_that_is_locked_changes_nothing_on_its_screen(world: World) -> None:
    opened, radio = world.locked_elsewhere()
    before = radio.handset.challenge
    assert offer(world) == 1
    assert (radio.handset.challenge, world.order(opened.order.id).state) == (before, "active_provisional")


@pytest.mark.parametrize("stopped", [True, False])
def test_a_lock_that_was_not_answered_is_not_offered_again_while_the_kill_switch_is_on(
    world: World,
    stopped: bool,  # noqa: FBT001 - the pair that is told
) -> None:
    radio = world.switched_on(world.parcels[0])
    world.dispute(world.parcels[0], "substituted")
    world.throw_switch(on=stopped)
    on_its_way(world, radio.handset.device, forgets=True)
    assert offer(world) == int(not stopped)
    assert radio.handset.screen_locked is not stopped


def test_a_release_is_offered_again_though_the_kill_switch_is_on(world: World) -> None:
    opened, radio = world.locked_elsewhere()
    world.throw_switch(on=True)
    world.found(opened)
    on_its_way(world, radio.handset.device, forgets=True)
    assert offer(world) == 1
    assert not radio.handset.screen_locked


def test_a_lock_of_before_a_restore_is_not_offered_to_a_handset_that_was_retired_since(world: World) -> None:
    radio = world.switched_on(world.parcels[0])
    world.dispute(world.parcels[0], "substituted")
    world.relay.carry()
    world.waiting(radio.handset.device).clear()
    backup = world.backup()
    say_received(world, radio, actor="agent-1", role=LockRole.AGENT)
    world.relay.carry()
    world.waiting(radio.handset.device).clear()
    world.restore(backup)
    assert offer(world) == 0
    assert not radio.handset.screen_locked
