"""A LOCK that comes once more, or late, is asked for with every check again: what held then may not hold now."""

from collections import deque
from collections.abc import Callable

import msgspec
import pytest

from custody.kernel.clock import MINUTE_MS, SECOND_MS
from devicelock.rules.hello import SimClass
from devicelock.rules.order import LockRole
from devicelock.store import LockOrderRow
from devicelock.usecases.offer_again import offer_again
from devicelock.usecases.relay import WAITED_MS, Relay
from devicelock.usecases.release_group import release_group
from simulators.faults import Fault
from simulators.radio import Radio
from tests.stories.lock_steps import ask
from tests.stories.test_lock_messages import deliver_one
from tests.world import World
from tests.world_process import SERVER

Change = Callable[[World, Radio], None]


def dismissed(world: World, _radio: Radio) -> None:
    """Who asked for the lock has no account any more."""
    world.dismiss("agent-1")


def on_own_sim(_world: World, radio: Radio) -> None:
    """The customer's own SIM is in the handset."""
    radio.handset.sim = SimClass.OWN


def nothing(_world: World, _radio: Radio) -> None:
    """All is as it was."""


CHANGES = pytest.mark.parametrize("change", [dismissed, on_own_sim, nothing])


def decided_by_two(world: World) -> LockOrderRow:
    """A lock that agent-1 asked for and supervisor-1 decided."""
    world.withdraw_authority()
    order = ask(world, "agent-1", dispute=world.dispute(world.parcels[0], "never_received").case)
    world.approve(order.id, "supervisor-1")
    return order


def steps(world: World, order: LockOrderRow) -> list[str]:
    """What happened to an order."""
    return [step.event for step in world.steps(order.id)]


@CHANGES
def test_a_hello_that_is_said_again_brings_the_lock_again_only_if_it_is_allowed_now(
    world: World, change: Change
) -> None:
    radio = world.switched_on(world.parcels[0])
    radio.switch_off()
    order = decided_by_two(world)
    world.relay.carry()
    radio.faults = deque([Fault.COMMAND_LOST, Fault.COMMAND_LOST])
    radio.switch_on()
    deliver_one(world, SERVER)
    world.relay.carry()
    while world.waiting(radio.handset.device):
        deliver_one(world, radio.handset.device)
    change(world, radio)
    radio._say_hello(again=True)
    world.deliver()
    assert radio.handset.screen_locked is (change is nothing)
    assert ("not_signed" in steps(world, order)) is (change is not nothing)


@pytest.mark.parametrize("change", [dismissed, nothing])
def test_a_lock_that_is_offered_again_is_only_if_it_is_allowed_now(world: World, change: Change) -> None:
    radio = world.switched_on(world.parcels[0])
    radio.faults = deque([Fault.COMMAND_LOST])
    order = decided_by_two(world)
    world.deliver()
    change(world, radio)
    with world.house.unit() as unit:
        assert offer_again(unit, world.office) == int(change is nothing)
    world.deliver()
    assert radio.handset.screen_locked is (change is nothing)
    assert ("not_signed" in steps(world, order)) is (change is not nothing)


def test_a_lock_that_may_not_be_signed_when_the_kill_switch_is_thrown_back_does_not_leave_either(world: World) -> None:
    radio = world.switched_on(world.parcels[0])
    world.line.drop()
    order = decided_by_two(world)
    assert world.relay.carry() == 0
    world.throw_switch(on=True, by="supervisor-2")
    world.dismiss("agent-1")
    world.throw_switch(on=False, by="supervisor-1")
    world.line.start()
    world.deliver()
    assert "not_signed" in steps(world, order)
    assert not radio.handset.screen_locked


@pytest.mark.parametrize("waited_ms", [WAITED_MS - SECOND_MS, WAITED_MS])
@pytest.mark.parametrize("withdrawn", [True, False])
def test_a_lock_that_has_waited_for_a_minute_leaves_only_if_it_is_allowed_now(
    world: World, *, waited_ms: int, withdrawn: bool
) -> None:
    radio = world.switched_on(world.parcels[0])
    world.dispute(world.parcels[0], "never_received")
    relay = Relay(
        world.house,
        world.line,
        offer=lambda unit: offer_again(unit, world.office),
        monotonic=lambda: world.clock.at_ms / SECOND_MS,
    )
    if withdrawn:
        world.withdraw_authority()
    world.clock.at_ms += waited_ms
    for _ in range(2):
        relay._try()
    world.broker.pump()
    assert radio.handset.screen_locked is (waited_ms < WAITED_MS or not withdrawn)
    assert WAITED_MS == MINUTE_MS


def test_a_lock_that_is_signed_anew_under_another_authority_stays_in_the_group_that_ordered_it(world: World) -> None:
    radio = world.switched_on(world.parcels[0])
    radio.switch_off()
    opened = world.dispute(world.parcels[0], "never_received")
    group = str(world.order(opened.order.id).group)
    world.withdraw_authority()
    newer = world.authorise()
    (*_, signed) = [step for step in world.steps(opened.order.id) if step.event == "published"]
    assert newer in msgspec.json.decode(signed.facts)["authority"]
    assert newer not in group
    assert world.order(opened.order.id).group == group
    with world.house.unit() as unit:
        release_group(unit, world.office, group=group, actor="agent-1", role=LockRole.AGENT)
    assert world.order(opened.order.id).state == "released"
