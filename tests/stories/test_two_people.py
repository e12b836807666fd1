"""Stories of the lock that a person asks for: one person alone cannot, however many accounts they have."""

import pytest

from custody.kernel.clock import HOUR_MS
from custody.kernel.errors import Conflict, Forbidden, NotFound, Rejected
from devicelock.rules.applied import Applied
from devicelock.rules.command import Basis, Reason
from devicelock.rules.order import Role
from devicelock.store import LockOrderRow
from devicelock.usecases import standing_authority
from devicelock.usecases.release import release
from devicelock.usecases.request_lock import approve_lock, refuse_lock, request_lock
from simulators.radio import Radio
from tests.world import World
from tests.world_parts import person_of


def ask(world: World, account: str, *, dispute: str | None = None, last4: str | None = None) -> LockOrderRow:
    """Somebody asks for a lock of the first parcel's handset."""
    imei = world.parcels[0].unit.imei
    with world.house.unit() as unit:
        return request_lock(
            unit,
            world.office,
            imei=imei,
            last4=last4 or imei[-4:],
            reason=Reason.NEVER_RECEIVED,
            account=account,
            evidence=["the parcel's trail"],
            dispute=dispute,
        )


def approve(world: World, order: str, account: str) -> LockOrderRow:
    """Somebody says yes."""
    with world.house.unit() as unit:
        return approve_lock(unit, world.office, order=order, account=account)


@pytest.fixture
def handset(world: World) -> Radio:
    """The first parcel's handset, on and far away. Its customer says it never came; no authority is in force."""
    radio = world.handset(world.parcels[0])
    radio.switch_on()
    world.deliver()
    return radio


@pytest.fixture
def case(world: World, handset: Radio) -> str:
    """The case of a customer whose parcel never came, in a house without standing authority."""
    assert handset.handset.on
    world.withdraw_authority()
    return world.dispute(world.parcels[0], "never_received").case


def test_a_lock_that_is_asked_for_waits_for_a_second_person(world: World, handset: Radio, case: str) -> None:
    order = ask(world, "agent-1", dispute=case)
    world.deliver()
    assert order.state == "requested"
    assert handset.handset.state.applied is Applied.UNLOCKED
    done = approve(world, order.id, "supervisor-1")
    world.deliver()
    assert (done.requester, done.second, done.basis) == ("agent-1", "supervisor-1", "two_people")
    assert handset.handset.screen_locked
    assert world.order(order.id).state == "active_provisional"


def test_nobody_approves_their_own_request(world: World, handset: Radio, case: str) -> None:
    order = ask(world, "supervisor-1", dispute=case)
    with world.refused(Forbidden, "lock_refused"):
        approve(world, order.id, "supervisor-1")
    world.deliver()
    assert world.order(order.id).state == "requested"
    assert not handset.handset.screen_locked


def test_two_accounts_of_one_person_are_one_person(world: World, handset: Radio, case: str) -> None:
    world.hire("supervisor-9", "supervisor", person=person_of("agent-1"))
    order = ask(world, "agent-1", dispute=case)
    with world.refused(Forbidden, "lock_refused"):
        approve(world, order.id, "supervisor-9")
    world.deliver()
    assert not handset.handset.screen_locked


@pytest.mark.parametrize(("asks", "says_yes"), [("supervisor-1", "supervisor-3"), ("supervisor-3", "supervisor-1")])
def test_an_account_that_one_of_the_two_made_is_no_second_person(
    world: World, handset: Radio, case: str, asks: str, says_yes: str
) -> None:
    world.hire("supervisor-3", "supervisor", person="somebody new", by="supervisor-1")
    order = ask(world, asks, dispute=case)
    with world.refused(Forbidden, "lock_refused"):
        approve(world, order.id, says_yes)
    world.deliver()
    assert not handset.handset.screen_locked
    approve(world, order.id, "supervisor-2")
    world.deliver()
    assert handset.handset.screen_locked


def test_somebody_who_left_is_no_second_person(world: World, handset: Radio, case: str) -> None:
    order = ask(world, "agent-1", dispute=case)
    world.dismiss("supervisor-1")
    with world.refused(Forbidden, "lock_refused"):
        approve(world, order.id, "supervisor-1")
    world.deliver()
    assert not handset.handset.screen_locked


def test_who_asked_and_left_before_the_signature_counts_no_more(world: World, handset: Radio, case: str) -> None:
    order = ask(world, "agent-1", dispute=case)
    world.dismiss("agent-1")
    with world.refused(Forbidden, "lock_refused"):
        approve(world, order.id, "supervisor-1")
    assert not handset.handset.screen_locked


def test_without_evidence_that_the_customer_does_not_hold_it_no_request_gets_past_the_checks(
    world: World, handset: Radio
) -> None:
    order = ask(world, "agent-1")
    assert order.state == "refused"
    world.deliver()
    assert not handset.handset.screen_locked


def test_an_order_is_approved_once(world: World, handset: Radio, case: str) -> None:
    order = ask(world, "agent-1", dispute=case)
    approve(world, order.id, "supervisor-1")
    with world.refused(Conflict, "move"):
        approve(world, order.id, "supervisor-2")
    world.deliver()
    assert handset.handset.screen_locked


def test_the_second_person_may_say_no_with_a_reason(world: World, handset: Radio, case: str) -> None:
    order = ask(world, "agent-1", dispute=case)
    with world.refused(Conflict, "guard"), world.house.unit() as unit:
        refuse_lock(unit, order=order.id, account="supervisor-1", why="  ")
    with world.house.unit() as unit:
        refuse_lock(unit, order=order.id, account="supervisor-1", why="The courier has it.")
    with world.refused(Conflict, "move"):
        approve(world, order.id, "supervisor-2")
    world.deliver()
    assert not handset.handset.screen_locked


def test_the_last_four_digits_must_be_typed(world: World, handset: Radio) -> None:
    assert handset.handset.on
    with world.refused(Rejected, "imei_last4"):
        ask(world, "agent-1", last4="0000")


def test_a_handset_that_nobody_registered_is_not_locked(world: World) -> None:
    with world.refused(NotFound, "device"):
        ask(world, "agent-1")


def test_a_request_that_is_released_before_it_is_approved_ends_there(world: World, handset: Radio, case: str) -> None:
    order = ask(world, "agent-1", dispute=case)
    with world.house.unit() as unit:
        release(
            unit,
            world.office,
            order=order.id,
            actor="customer",
            role=Role.CUSTOMER,
            reason=Reason.FOUND_BY_CUSTOMER,
            basis=Basis.CUSTOMER,
        )
    with world.refused(Conflict, "move"):
        approve(world, order.id, "supervisor-1")
    assert not handset.handset.screen_locked


def test_a_request_that_nobody_decides_is_no_lock_however_long_it_waits(
    world: World, handset: Radio, case: str
) -> None:
    order = ask(world, "agent-1", dispute=case)
    world.step(100 * HOUR_MS)
    world.deliver()
    assert world.order(order.id).state == "requested"
    approve(world, order.id, "supervisor-1")
    world.deliver()
    assert handset.handset.screen_locked, "its hours count from the second person's yes"


def test_one_person_alone_puts_no_authority_in_force(world: World) -> None:
    world.withdraw_authority()
    with world.house.unit() as unit:
        proposal = standing_authority.propose(unit, person=person_of("supervisor-1"))
    with world.refused(Forbidden, "four_eyes"), world.house.unit() as unit:
        standing_authority.approve(
            unit, authority=proposal.id, person=person_of("supervisor-1"), put_in_force=lambda _unit, _rules: 0
        )
    opened = world.dispute(world.parcels[0], "never_received")
    assert opened.lock.order is None
