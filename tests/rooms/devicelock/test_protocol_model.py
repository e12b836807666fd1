"""Which rule of the lock protocol holds which promise: every variant, with and without each fault, explored to the end.

The counts are measured on these rules and asserted, so that a rule that changes shows here even where nothing breaks.
With every rule on, what a rolled-back device store still lets through is an old UNLOCK or RETIRE: towards the customer.
"""

from functools import cache

import pytest

from devicelock.rules.desired import ShownState, shown_state
from tests.rooms.devicelock.protocol_model import Explored, Model, Variant, explore

SIGNATURE_ONLY = Variant()
COUNTER = Variant(counter=True)
HELLO = Variant(counter=True, hello=True)
EPOCH = Variant(counter=True, hello=True, epoch=True)
REGISTRY = Variant(counter=True, hello=True, epoch=True, registry=True)
NONCE = Variant(counter=True, hello=True, epoch=True, registry=True, nonce=True)

NO_FAULT, RESTORED, ROLLED_BACK, BOTH = (False, False), (True, False), (False, True), (True, True)


@cache
def explored(variant: Variant, faults: tuple[bool, bool]) -> Explored:
    return explore(variant, restore=faults[0], roll_back=faults[1])


EXPECTED = [
    (SIGNATURE_ONLY, NO_FAULT, 87, {"O lock", "O unlock"}),
    (SIGNATURE_ONLY, RESTORED, 620, {"O lock", "O unlock", "O retire", "S"}),
    (SIGNATURE_ONLY, ROLLED_BACK, 263, {"O lock", "O unlock", "D"}),
    (SIGNATURE_ONLY, BOTH, 1_966, {"O lock", "O unlock", "O retire", "S", "D"}),
    (COUNTER, NO_FAULT, 73, set()),
    (COUNTER, RESTORED, 516, {"O lock", "O unlock", "O retire", "S", "K"}),
    (COUNTER, ROLLED_BACK, 271, {"O lock", "O unlock", "D"}),
    (COUNTER, BOTH, 1_905, {"O lock", "O unlock", "O retire", "S", "D", "K"}),
    (HELLO, NO_FAULT, 239, set()),
    (HELLO, RESTORED, 3_943, {"O lock", "O unlock", "O retire", "S"}),
    (HELLO, ROLLED_BACK, 1_007, {"O lock", "O unlock", "D"}),
    (HELLO, BOTH, 17_819, {"O lock", "O unlock", "O retire", "S", "D"}),
    (EPOCH, NO_FAULT, 239, set()),
    (EPOCH, RESTORED, 4_459, {"S"}),
    (EPOCH, ROLLED_BACK, 1_007, {"O lock", "O unlock", "D"}),
    (EPOCH, BOTH, 20_469, {"O lock", "O unlock", "O retire", "S", "D"}),
    (REGISTRY, NO_FAULT, 239, set()),
    (REGISTRY, RESTORED, 4_471, set()),
    (REGISTRY, ROLLED_BACK, 1_007, {"O lock", "O unlock"}),
    (REGISTRY, BOTH, 20_464, {"O lock", "O unlock", "O retire"}),
    (NONCE, NO_FAULT, 381, set()),
    (NONCE, RESTORED, 6_214, set()),
    (NONCE, ROLLED_BACK, 2_932, {"O unlock"}),
    (NONCE, BOTH, 85_532, {"O unlock", "O retire"}),
]


@pytest.mark.parametrize(("variant", "faults", "states", "found"), EXPECTED)
def test_each_variant_breaks_exactly_where_its_missing_rule_would_have_held(
    variant: Variant, faults: tuple[bool, bool], states: int, found: set[str]
) -> None:
    seen = explored(variant, faults)
    assert set(seen.found) == found
    assert len(seen.worlds) == states


@pytest.mark.parametrize("faults", [NO_FAULT, RESTORED, ROLLED_BACK, BOTH])
def test_when_faults_stop_and_the_device_says_hello_it_comes_to_the_newest_wish(faults: tuple[bool, bool]) -> None:
    model = Model(NONCE, restore=False, roll_back=False)
    assert all(model.converges(world) for world in explored(NONCE, faults).worlds)


@pytest.mark.parametrize("faults", [NO_FAULT, RESTORED, ROLLED_BACK, BOTH])
def test_a_state_is_shown_only_after_the_device_has_applied_the_newest_command(faults: tuple[bool, bool]) -> None:
    for world in explored(NONCE, faults).worlds:
        desired = world.server.value.desired
        if shown_state(desired) is ShownState.RETIRED:
            assert world.ghosts.retirement_applied
        elif shown_state(desired) in {ShownState.LOCKED, ShownState.UNLOCKED} and desired.issued is not None:
            names = [command.value.command_id for command in world.sent]
            assert names.index(desired.issued.command_id) + 1 <= world.ghosts.newest


@pytest.mark.parametrize(
    ("variant", "faults", "kind", "trace"),
    [
        (SIGNATURE_ONLY, NO_FAULT, "O lock", ("issue lock 1", "issue unlock 2", "deliver unlock 2", "deliver lock 1")),
        (COUNTER, RESTORED, "K", ("issue lock 1", "deliver lock 1", "restore")),
        (HELLO, RESTORED, "S", ("issue retire 1", "restore", "issue lock 2")),
        (
            EPOCH,
            ROLLED_BACK,
            "D",
            ("issue lock 1", "issue retire 2", "deliver retire 2", "roll back", "deliver lock 1"),
        ),
        (
            REGISTRY,
            ROLLED_BACK,
            "O lock",
            ("issue lock 1", "issue lock 2", "deliver lock 2", "roll back", "deliver lock 1"),
        ),
    ],
)
def test_each_missing_rule_has_a_shortest_trace_to_its_harm(
    variant: Variant, faults: tuple[bool, bool], kind: str, trace: tuple[str, ...]
) -> None:
    assert explored(variant, faults).found[kind].trace == trace


def test_a_lock_in_flight_when_retirement_is_decided_may_still_arrive_first() -> None:
    """No variant prevents it; RETIRE lifts it on arrival, and not_after and held_until bound it."""
    worlds = explored(NONCE, NO_FAULT).worlds
    late = [world for world in worlds if world.ghosts.retirement_decided and world.device.value.applied == "locked"]
    assert late
    assert all(Model(NONCE, restore=False, roll_back=False).converges(world) for world in late)
