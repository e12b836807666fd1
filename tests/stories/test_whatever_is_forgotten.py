"""Whatever a broker forgets, and in whatever order everybody comes back: what is wished arrives, without any help.

Twice the broker loses everything in the middle of what is being said, and then once more; each time service and handset
connect to it anew, one before the other. Every such course of events is played. Once both are there and nothing is lost
any more, the handset becomes what is wished of it.
"""

from collections.abc import Callable, Sequence
from itertools import product

import pytest

from devicelock.rules.caps import Caps
from devicelock.usecases.offer_again import offer_again
from simulators.radio import Radio
from tests.stories.lock_steps import ask, let_go
from tests.stories.test_lock_messages import deliver_one
from tests.world import World
from tests.world_process import SERVER

Act = Callable[[World, Radio], object]

MANY = 1_000_000
CAPS = Caps(
    per_hour=MANY,
    per_day=MANY,
    per_person_day=MANY,
    per_model_day=MANY,
    per_site_day=MANY,
    canary=MANY,
    asks_per_person_day=MANY,
)


def serve(world: World, _radio: Radio) -> None:
    """The service connects, and offers again what has no answer."""
    world.line.start()
    with world.house.unit() as unit:
        offer_again(unit, world.office)


def connect(_world: World, radio: Radio) -> None:
    """The handset connects and says hello."""
    assert radio._line is not None
    radio._line.start()


def bring(world: World, radio: Radio) -> None:
    """What the relay has waits at the broker, which brings the handset one message."""
    world.relay.carry()
    deliver_one(world, radio.handset.device)


def bring_back(world: World, _radio: Radio) -> None:
    """The broker brings the service one message."""
    deliver_one(world, SERVER)


COMING: Sequence[tuple[Act, Act]] = [(serve, connect), (connect, serve)]
SAID: Sequence[tuple[Act, ...]] = [(), (bring,), (bring, bring_back), (bring, bring_back, bring_back)]
ROUNDS = [(*coming, *said) for coming, said in product(COMING, SAID)]
COURSES = list(product(ROUNDS, ROUNDS, COMING))


@pytest.fixture
def radio(world: World) -> Radio:
    """Lend the handset of a disputed parcel, on and far away, in a house that lets any number of locks through."""
    world.withdraw_authority()
    world.caps = CAPS
    world.restart()
    return world.switched_on(world.parcels[0])


def locked(world: World, case: str) -> str:
    """A lock that one person asked for and another decided; its command has not left yet."""
    order = ask(world, "agent-1", dispute=case).id
    world.approve(order, "supervisor-1")
    return order


def play(world: World, radio: Radio, course: Sequence[Sequence[Act]]) -> None:
    """Each part of a course begins with a broker that knows nobody."""
    for part in course:
        world.broker.wipe()
        for act in part:
            act(world, radio)
    world.deliver()


@pytest.mark.parametrize("released", [False, True], ids=["a lock", "a release"])
def test_what_is_wished_arrives_once_everybody_is_there(
    world: World,
    radio: Radio,
    released: bool,  # noqa: FBT001 - what is wished
) -> None:
    case = world.dispute(world.parcels[0], "substituted").case
    for course in COURSES:
        order = locked(world, case)
        if released:
            world.deliver()
            assert radio.handset.screen_locked
            let_go(world, order)
        play(world, radio, course)
        assert radio.handset.screen_locked is not released, course
        assert world.order(order).state == ("released" if released else "active_provisional"), course
        if not released:
            let_go(world, order)
            world.deliver()
