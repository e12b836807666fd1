"""Stories of several reports about one handset, its customer's own and others: what each of them may say of its locks."""

import pytest

from api import joints
from custody.kernel.clock import DAY_MS
from custody.store import case_book
from custody.usecases.record_sale import read_sale
from devicelock import store
from tests.world import World
from tests.world_parts import Opened


def report_of_a_stranger(world: World, claim: str | None = None) -> Opened:
    """Somebody who read the IMEI off the box reports it; the doors find the order that it was sold in."""
    parcel = world.parcels[0]
    with world.house.read() as session:
        order = read_sale(session, parcel.order).sale.facts
    return world.dispute(None, claim, words="It is not right.", item=parcel.unit.imei, order=order)


def say_found(world: World, opened: Opened) -> None:
    """The holder of a case's link says "I found it", as the door takes it."""
    world.found(opened)
    with world.house.unit() as unit:
        case_book.note(unit, opened.case, "found", actor="customer", facts={})


# "I found it".


@pytest.mark.parametrize("claim", [None, "never_received"])
def test_who_read_the_imei_off_the_box_cannot_keep_the_handset_from_being_locked_for_its_customer(
    world: World, claim: str | None
) -> None:
    radio = world.handset(world.parcels[0])
    say_found(world, report_of_a_stranger(world, claim))
    opened = world.dispute(world.parcels[0], "never_received")
    radio.switch_on()
    world.deliver()
    assert radio.handset.screen_locked, opened.lock.refused
    say_found(world, report_of_a_stranger(world))
    world.deliver()
    assert radio.handset.screen_locked, "nor free it afterwards"
    world.step(40 * DAY_MS)
    assert world.retire_due() == 0, "nor have it retired"


def test_a_second_report_of_the_same_order_frees_the_handset_with_i_found_it(world: World) -> None:
    first, radio = world.locked_elsewhere()
    second = world.dispute(world.parcels[0], "never_received")
    assert second.lock.order is None, "the handset is locked already, by the first report"
    say_found(world, second)
    world.deliver()
    assert not radio.handset.screen_locked
    assert world.order(first.order.id).state == "released"
    with world.house.read() as session:
        assert [row.id for row in joints.locks_of(session, world.case(second))] == [first.order.id]
        assert store.device(session, radio.handset.device).confirmed


@pytest.mark.parametrize("order", ["SO-OF-NOBODY", None])
def test_a_case_is_its_customers_own_only_if_it_names_the_order_that_the_handset_was_sold_in(
    world: World, order: str | None
) -> None:
    parcel = world.parcels[0]
    with world.house.read() as session:
        found = joints.find_handset(session, order_ref=order, item=parcel.unit.imei)
        own = joints.find_handset(session, order_ref=parcel.order, item=None)
    assert found.imei == own.imei == parcel.unit.imei_urn
    assert (found.order_named, own.order_named) == (False, True)
