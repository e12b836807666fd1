"""How stories that Hypothesis makes up are run: many steps, each slow, and no deadline."""

from collections.abc import Callable

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test


def run_stories(machine: Callable[[], RuleBasedStateMachine], *, examples: int, steps: int) -> None:
    """Run so many stories of so many steps; the first one that does not hold is told at its shortest."""
    how = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )
    run_state_machine_as_test(machine, settings=how)
