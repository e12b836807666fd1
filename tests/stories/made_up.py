"""How stories that Hypothesis makes up are run: many steps, each slow, and no deadline; and what befalls messages."""

from collections.abc import Callable

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from tests.world import World
from tests.world_process import SERVER


def run_stories(machine: Callable[[], RuleBasedStateMachine], *, examples: int, steps: int) -> None:
    """Run so many stories of so many steps; the first one that does not hold is told at its shortest."""
    how = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )
    run_state_machine_as_test(machine, settings=how)


def meddle(world: World, place: int, how: str) -> None:
    """Lose, repeat or shuffle what waits at the broker for the service or for one of the handsets."""
    world.relay.carry()
    names = [SERVER, *(radio.handset.device for radio in world.radios.values())]
    name = names[place % len(names)]
    waiting = world.waiting(name) if name in world.broker._sessions else None
    if not waiting:
        return
    if how == "lose":
        waiting.popleft()
    elif how == "repeat":
        waiting.append(waiting[0])
    elif how == "shuffle":
        waiting.rotate(place)
