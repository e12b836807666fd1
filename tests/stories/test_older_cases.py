"""Cases, sales and locks that an older version wrote: what it did not know yet keeps nobody from moving them."""

from typing import Any

import msgspec

from custody.store.tables import DisputeRow, SaleRow
from custody.usecases import move_case
from custody.usecases.record_sale import read_sale, record_sale
from devicelock.backends.android import NAME as ANDROID
from devicelock.part_store import PartRow
from devicelock.store import DeviceRow
from simulators.radio import Radio
from tests.stories.case_steps import act
from tests.stories.other_locks import OtherLocks
from tests.world import World

NOT_YET_KNOWN = ("order_named", "award", "award_pence", "found_ms")


def without(document: str, *names: str) -> str:
    """A document as a version wrote it that knew nothing of these."""
    held: dict[str, Any] = msgspec.json.decode(document)
    return msgspec.json.encode({name: value for name, value in held.items() if name not in names}).decode()


def test_the_customer_of_a_case_from_before_an_upgrade_chooses_and_frees_their_phone(world: World) -> None:
    opened, radio = world.locked_elsewhere()
    with world.house.unit() as unit:
        row = unit.session.get_one(DisputeRow, opened.case)
        row.facts = without(row.facts, *NOT_YET_KNOWN)
        unit.session.add(row)
    file = act(world, move_case.choose, opened, remedy="refund", payout="bank_transfer", actor="customer")
    assert file.case.state == "remedy_in_progress"
    world.found(opened)
    world.deliver()
    assert not radio.handset.screen_locked
    act(world, move_case.found_it, opened, actor="customer", locks_settled=world.settled(opened))
    assert world.case(opened).found_ms is not None


def test_a_case_that_does_not_tell_whether_it_named_the_order_proves_no_receipt_and_one_that_names_it_does(
    world: World,
) -> None:
    opened, radio = world.locked_elsewhere()
    with world.house.unit() as unit:
        row = unit.session.get_one(DisputeRow, opened.case)
        row.facts = without(row.facts, *NOT_YET_KNOWN)
        unit.session.add(row)
    world.found(opened)
    world.deliver()
    assert not radio.handset.screen_locked, "what it had locked is free"
    assert not is_confirmed(world, radio), "whoever held the box may have opened it"
    world.found(world.dispute(world.parcels[0], "never_received"))
    assert is_confirmed(world, radio)


def is_confirmed(world: World, radio: Radio) -> bool:
    """Whether the customer of a handset has it, for ever."""
    with world.house.read() as session:
        return session.get_one(DeviceRow, radio.handset.device).confirmed


def test_an_order_from_before_an_upgrade_is_the_same_when_it_is_recorded_again(world: World) -> None:
    with world.house.read() as session:
        held = read_sale(session, world.parcels[0].order)
    with world.house.unit() as unit:
        row = unit.session.get_one(SaleRow, held.sale.order_ref)
        facts = msgspec.json.decode(row.facts)
        row.facts = msgspec.json.encode({**facts, "facts": {"order_ref": held.sale.order_ref}}).decode()
        unit.session.add(row)
    with world.house.unit() as unit:
        older = read_sale(unit.session, held.sale.order_ref).sale
        assert record_sale(unit, older) == held.index


def test_a_lock_that_an_older_version_planned_at_another_lock_system_is_carried_there(world: World) -> None:
    others = OtherLocks(world, ANDROID)
    others.know(world.handset(world.parcels[0]))
    order = world.dispute(world.parcels[0], "substituted").order.id
    with world.house.unit() as unit:
        row = unit.session.get_one(PartRow, (order, ANDROID))
        assert row.screen is not None
        row.screen = without(row.screen, "bought")
        unit.session.add(row)
    others.carry()
    assert others.benches[ANDROID].locked()
