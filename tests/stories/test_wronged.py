"""Stories of locks that were wrong: whom they wronged, who is told and paid for it, and how often."""

from typing import Any

import pytest

from api import lock_news
from api.join_reports import join_reports
from custody.disputes.machine import CaseRole
from custody.disputes.policy import DEFAULT_POLICY as POLICY
from custody.disputes.wrong_lock import daily_pence
from devicelock import store as lock_store
from devicelock.rules.order import LockRole, OrderEvent
from devicelock.usecases.retire import received
from tests.stories.case_steps import not_put_right
from tests.stories.lock_steps import told
from tests.stories.test_lock_cases import code_on_page, locked_and_its_word_lost, locked_by_a_stranger, say_found
from tests.world import World


@pytest.mark.parametrize("how", ["found", "received"])
def test_what_is_owed_for_a_wrong_lock_is_owed_to_its_customer_and_not_to_who_reported_the_number_of_the_box(
    world: World, how: str
) -> None:
    """A stranger reported what stands on the box; the phone of whoever bought it was locked in their hand."""
    stranger, radio = locked_by_a_stranger(world)
    own = world.dispute(world.parcels[0], "leaver_locked")
    assert not own.lock.order, "they wish for no lock"
    if how == "found":
        say_found(world, own)
    else:
        with world.house.unit() as unit:
            received(unit, world.office, name=radio.handset.device, actor="customer", role=LockRole.CUSTOMER)
    world.deliver()
    assert not radio.handset.screen_locked
    assert world.order(stranger.order.id).wrong_ms is not None
    daily = daily_pence(world.clock.at_ms, policy=POLICY)
    assert [world.case(each).unpaid_credit_pence for each in (own, stranger)] == [daily, 0]
    assert "We are sorry. We locked your phone" in told(world, own)
    assert "We are sorry. We locked your phone" not in told(world, stranger), "who has it is not theirs to know"
    say_found(world, own)
    say_found(world, stranger)
    assert [world.case(each).unpaid_credit_pence for each in (own, stranger)] == [daily, 0], "once"


def test_what_is_owed_for_a_wrong_lock_is_owed_once_though_its_case_was_joined_before_the_handset_answered(
    world: World,
) -> None:
    opened, radio = locked_and_its_word_lost(world)
    say_found(world, opened)
    assert radio.type_code(code_on_page(world, opened, radio))
    owed = world.case(opened).unpaid_credit_pence
    assert owed > 0
    not_put_right(world, opened)
    other = world.dispute(world.parcels[0], None)
    with world.house.unit() as unit:
        by: dict[str, Any] = {"actor": "agent-1", "role": CaseRole.AGENT}
        join_reports(unit, dispute=opened.case, into=other.case, consent=True, **by)
    with world.house.unit() as unit:
        order = lock_store.order(unit.session, opened.order.id)
        lock_news.lock_moved(unit, order, OrderEvent.DEVICE_ACK_OR_CODE_USED)
    assert world.case(other).unpaid_credit_pence == owed


@pytest.mark.parametrize("anew", [True, False])
def test_a_wrong_lock_stops_the_group_of_the_authority_under_which_it_was_decided(world: World, *, anew: bool) -> None:
    radio = world.switched_on(world.parcels[0])
    opened = world.dispute(world.parcels[0], "never_received", support_needs=("large print",))
    if anew:
        world.withdraw_authority()
        world.authorise()
    world.approve(opened.order.id, "investigator-1")
    world.deliver()
    assert radio.handset.screen_locked
    world.found(opened)
    world.handset(world.parcels[1])
    second = world.dispute(world.parcels[1], "never_received")
    assert second.order.state == "refused", "a lock of this authority was wrong, and nobody has looked"
