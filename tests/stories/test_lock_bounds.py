"""Stories of what bounds the locks: who clears a paused group, what counts against whom, what authority holds."""

from custody.kernel.errors import Forbidden
from tests.world import World


def test_whoever_decided_the_locks_of_a_policy_does_not_clear_its_group(world: World) -> None:
    """Where customers need support a specialist decides each lock; who decided them lets nothing go on alone."""
    radio = world.handset(world.parcels[0])
    radio.switch_on()
    world.deliver()
    opened = world.dispute(world.parcels[0], "never_received", support_needs=("large print",))
    assert opened.order.state == "requested"
    world.approve(opened.order.id, "investigator-1")
    world.deliver()
    assert radio.handset.screen_locked
    world.found(opened)
    world.deliver()
    assert "wrong_lock" in world.alerts()
    with world.refused(Forbidden, "four_eyes"):
        world.clear_groups("investigator-1")
    world.hire("investigator-2", "investigator")
    assert world.clear_groups("investigator-2"), "somebody else has looked"
