"""Which locks hold what would be erased: those that are not over, and none of which nobody waits any more."""

from api.routes.erasures import locked_handsets
from custody.kernel.clock import DAY_MS
from custody.kernel.errors import Conflict
from custody.usecases.move_case import withdraw
from tests.contracts_log.small_house import findings
from tests.contracts_log.test_erase import run
from tests.world import World
from tests.world_parts import Opened


def take_back(world: World, opened: Opened) -> None:
    """The customer takes the report back."""
    with world.house.unit() as unit:
        withdraw(unit, opened.case, actor="customer", locks_settled=True)


def test_a_lock_that_two_people_keep_holds_the_case_on_which_it_rests(world: World) -> None:
    opened, _radio = world.locked_elsewhere()
    for account in ("supervisor-1", "investigator-1"):
        world.confirm(opened, account)
    assert world.order(opened.order.id).state == "active_confirmed"
    assert world.settled(opened)
    take_back(world, opened)
    with world.refused(Conflict, "legal_hold"):
        run(world, opened.case)
    world.found(opened)
    world.deliver()
    assert world.order(opened.order.id).state == "released"
    assert run(world, opened.case).openings


def test_a_lock_of_another_case_of_the_handset_does_not_hold_one_that_is_over(world: World) -> None:
    first = world.dispute(world.parcels[0], "missing_accessory")
    take_back(world, first)
    _opened, radio = world.locked_elsewhere()
    assert run(world, first.case).openings
    assert radio.handset.screen_locked


def test_a_handset_that_never_answered_its_release_does_not_hold_its_parcel_for_ever(world: World) -> None:
    opened, radio = world.locked_elsewhere()
    radio.switch_off()
    world.found(opened)
    take_back(world, opened)
    parcel = f"po:{world.parcels[0].order}"
    with world.refused(Conflict, "legal_hold"):
        run(world, parcel)
    for _ in range(200):
        world.step(DAY_MS)
    assert world.order(opened.order.id).state == "released_unconfirmed"
    with world.house.read() as session:
        assert locked_handsets(session) == []
    assert run(world, parcel).openings
    owed = world.case(opened).unpaid_credit_pence
    assert owed > 0
    assert run(world, opened.case).openings
    assert findings(world.house) == []
    radio.switch_on()
    world.deliver()
    assert not radio.handset.screen_locked, "it is freed all the same"
    assert world.order(opened.order.id).state == "released"
    assert world.case(opened).unpaid_credit_pence == owed, "what was paid for a wrong lock is not paid again"
