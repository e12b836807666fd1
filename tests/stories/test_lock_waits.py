"""Stories of a lock that is wished while an earlier one of the same handset is being taken back."""

import pytest

from custody.kernel.clock import DAY_MS
from custody.usecases import move_case
from devicelock import store
from devicelock.store import LockOrderRow
from simulators.radio import Radio
from tests.stories.case_steps import act
from tests.stories.lock_steps import let_go
from tests.world import World
from tests.world_parts import Opened


def lock_of(world: World, opened: Opened) -> LockOrderRow | None:
    """The newest order that a case brought about."""
    with world.house.read() as session:
        orders = store.orders_of_dispute(session, opened.case)
    return orders[-1] if orders else None


def taken_back(world: World) -> tuple[Opened, Radio]:
    """Somebody who read the IMEI off the box had the handset locked; it is off when that is taken back."""
    radio = world.handset(world.parcels[0])
    stranger = world.dispute(None, "never_received", item=world.parcels[0].unit.imei)
    radio.switch_on()
    world.deliver()
    assert radio.handset.screen_locked
    radio.switch_off()
    let_go(world, stranger.order.id)
    assert world.order(stranger.order.id).state == "release_queued"
    return stranger, radio


def test_a_lock_that_waits_for_a_strangers_to_be_taken_back_is_made_when_the_handset_answers(either: World) -> None:
    stranger, radio = taken_back(either)
    mine = either.dispute(either.parcels[0], "never_received")
    assert lock_of(either, mine) is None
    assert "taken back" in mine.lock.refused
    radio.switch_on()
    either.deliver()
    order = lock_of(either, mine)
    assert order is not None
    assert (order.state, radio.handset.screen_locked) == ("active_provisional", True)
    assert either.order(stranger.order.id).state == "released"


def test_it_is_made_too_when_the_handset_has_never_answered(world: World) -> None:
    stranger, _ = taken_back(world)
    mine = world.dispute(world.parcels[0], "never_received")
    world.step(40 * DAY_MS)
    assert world.order(stranger.order.id).state == "released_unconfirmed"
    order = lock_of(world, mine)
    assert order is not None
    assert order.state == "queued"


@pytest.mark.parametrize("over", ["found", "withdrawn"])
def test_it_is_not_made_for_a_case_that_wishes_for_none_any_more(world: World, over: str) -> None:
    stranger, radio = taken_back(world)
    mine = world.dispute(world.parcels[0], "never_received")
    if over == "found":
        world.found(mine)
        act(world, move_case.found_it, mine, actor="customer", locks_settled=True)
    else:
        act(world, move_case.withdraw, mine, actor="customer", locks_settled=True)
    radio.switch_on()
    world.deliver()
    under_mine = lock_of(world, mine)
    goes_on_under_mine = {"found": stranger.order.id, "withdrawn": None}  # the one that wronged them is theirs
    assert (under_mine.id if under_mine else None) == goes_on_under_mine[over]
    assert world.order(stranger.order.id).state == "released"
    assert not radio.handset.screen_locked
