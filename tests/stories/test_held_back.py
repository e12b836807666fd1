"""Stories in pairs: a lock is held back, and what held it back ends; meanwhile every release goes on."""

import pytest

from tests.stories.test_forgetful_broker import switched_on
from tests.world import World

STOPPED = pytest.mark.parametrize("stopped", [True, False], ids=["stopped", "not stopped"])


@STOPPED
def test_a_lock_that_has_not_left_the_house_stays_there_while_the_kill_switch_is_on(
    world: World,
    stopped: bool,  # noqa: FBT001 - the pair that is told
) -> None:
    radio = switched_on(world)
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
