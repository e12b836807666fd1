"""Stories in pairs: a lock is held back, and what held it back ends; meanwhile every release goes on."""

from collections.abc import Callable

import pytest

from tests.world import World
from tests.world_parts import Opened

Act = Callable[[World], object]

STOPPED = pytest.mark.parametrize("stopped", [True, False], ids=["stopped", "not stopped"])


@STOPPED
def test_a_lock_that_has_not_left_the_house_stays_there_while_the_kill_switch_is_on(
    world: World,
    stopped: bool,  # noqa: FBT001 - the pair that is told
) -> None:
    radio = world.switched_on(world.parcels[0])
    world.line.drop()
    opened = world.dispute(world.parcels[0], "substituted")
    assert world.relay.carry() == 0
    world.throw_switch(on=stopped)
    world.line.start()
    world.deliver()
    assert radio.handset.screen_locked is not stopped
    world.throw_switch(on=False, by="supervisor-2")
    world.deliver()
    assert radio.handset.screen_locked
    assert world.order(opened.order.id).state == "active_provisional"


def test_a_release_leaves_the_house_though_the_kill_switch_is_on(world: World) -> None:
    opened, radio = world.locked_elsewhere()
    world.line.drop()
    world.found(opened)
    world.throw_switch(on=True)
    world.line.start()
    world.deliver()
    assert not radio.handset.screen_locked
    assert world.order(opened.order.id).state == "released"


def stop(world: World) -> None:
    world.throw_switch(on=True)


def stop_no_more(world: World) -> None:
    world.throw_switch(on=False, by="supervisor-2")


def find_another_wrong(world: World) -> None:
    """A lock of the same group turns out to be wrong, which pauses it."""
    world.switched_on(world.parcels[1])
    opened: Opened = world.dispute(world.parcels[1], "substituted")
    world.deliver()
    world.found(opened)
    world.deliver()
    assert "wrong_lock" in world.alerts()


@pytest.mark.parametrize(
    ("hold_back", "let_on"),
    [
        (stop, stop_no_more),
        (World.withdraw_authority, World.authorise),
        (find_another_wrong, World.clear_groups),
    ],
    ids=["kill switch", "no authority", "paused group"],
)
@pytest.mark.parametrize("held_back", [True, False], ids=["held back", "not held back"])
def test_a_lock_that_was_not_signed_anew_is_once_what_held_it_back_has_ended(
    world: World,
    hold_back: Act,
    let_on: Act,
    held_back: bool,  # noqa: FBT001 - the pair that is told
) -> None:
    radio = world.switched_on(world.parcels[0])
    radio.switch_off()
    opened = world.dispute(world.parcels[0], "substituted")
    world.relay.carry()
    if held_back:
        hold_back(world)
    radio.switch_on()
    world.deliver()
    assert radio.handset.screen_locked is not held_back
    assert ("not_signed" in [step.event for step in world.steps(opened.order.id)]) is held_back
    if held_back:
        let_on(world)
        world.deliver()
    assert radio.handset.screen_locked
    assert world.order(opened.order.id).state == "active_provisional"
