"""Stories of the lock that a person asks for: one person alone cannot, however many accounts they have."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from argon2 import PasswordHasher

from api.people.accounts import add_account, caller_of, check_password, hash_new, hash_of, sign_in
from api.people.tables import AccountRow
from custody.kernel.clock import DAY_MS, HOUR_MS
from custody.kernel.errors import Conflict, Forbidden, NotFound, Rejected, Trouble
from devicelock.rules.applied import Applied
from devicelock.rules.command import Basis, Op, Reason
from devicelock.rules.hello import SimClass
from devicelock.rules.order import LockRole, OrderEvent
from devicelock.rules.topic import Channel, topic
from devicelock.usecases import standing_authority
from devicelock.usecases.confirm_lock import confirm_lock
from devicelock.usecases.release import release
from devicelock.usecases.request_lock import lock_for_dispute, refuse_lock
from simulators.radio import Radio
from tests.rooms.simulators.hands import Operator
from tests.stories.lock_steps import ask, let_go
from tests.world import World
from tests.world_parts import key, person_of


@pytest.fixture
def handset(world: World) -> Radio:
    """The first parcel's handset, on and far away. Its customer says it never came; no authority is in force."""
    return world.switched_on(world.parcels[0])


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
    done = world.approve(order.id, "supervisor-1")
    world.deliver()
    assert (done.requester, done.second, done.basis) == ("agent-1", "supervisor-1", "two_people")
    assert handset.handset.screen_locked
    assert world.order(order.id).state == "active_provisional"


@pytest.mark.parametrize("role", list(LockRole))
def test_whoever_withdraws_a_request_no_second_person_has_said_no(world: World, case: str, role: LockRole) -> None:
    """The customer, one of the staff or a rule of the system: the move is a withdrawal, and theirs."""
    moves: list[tuple[str, OrderEvent]] = []
    office = replace(world.office, moved=lambda _unit, order, event: moves.append((order.state, event)))
    order = ask(world, "agent-1", dispute=case)
    with world.house.unit() as unit:
        why = {"reason": Reason.WITHDRAWN, "basis": Basis.CUSTOMER}
        release(unit, office, name=order.id, actor="whoever", role=role, **why)
    assert moves == [("refused", OrderEvent.WITHDRAW)]
    assert [(step.event, step.actor) for step in world.steps(order.id)][-1] == ("withdrawn", "whoever")


def test_nobody_approves_their_own_request(world: World, handset: Radio, case: str) -> None:
    order = ask(world, "supervisor-1", dispute=case)
    with world.refused(Forbidden, "lock_refused"):
        world.approve(order.id, "supervisor-1")
    world.deliver()
    assert world.order(order.id).state == "requested"
    assert not handset.handset.screen_locked


def test_two_accounts_of_one_person_are_one_person(world: World, handset: Radio, case: str) -> None:
    world.hire("supervisor-9", "supervisor", person=person_of("agent-1"))
    order = ask(world, "agent-1", dispute=case)
    with world.refused(Forbidden, "lock_refused"):
        world.approve(order.id, "supervisor-9")
    world.deliver()
    assert not handset.handset.screen_locked


@pytest.mark.parametrize(("asks", "says_yes"), [("supervisor-1", "supervisor-3"), ("supervisor-3", "supervisor-1")])
def test_an_account_that_one_of_the_two_made_is_no_second_person(
    world: World, handset: Radio, case: str, asks: str, says_yes: str
) -> None:
    world.hire("supervisor-3", "supervisor", person="somebody new", by="supervisor-1")
    order = ask(world, asks, dispute=case)
    with world.refused(Forbidden, "lock_refused"):
        world.approve(order.id, says_yes)
    world.deliver()
    assert not handset.handset.screen_locked
    world.approve(order.id, "supervisor-2")
    world.deliver()
    assert handset.handset.screen_locked


@pytest.mark.parametrize(
    "typed",
    [
        "person-of-agent-1 ",
        " Person-of-agent-1",
        "person\u2010of-agent-1",
        "\uff50erson-of-agent-1",
        "person-of-\u200bagent-1",
    ],
)
def test_a_person_is_the_same_person_however_their_name_is_typed(world: World, typed: str) -> None:
    password = "long enough for it"
    with world.house.unit() as unit:
        written = add_account(
            unit.session,
            name="second",
            role="supervisor",
            person=typed,
            password_hash=hash_new(password),
            by="supervisor-2",
            now_ms=unit.now_ms,
        )
        assert written == person_of("agent-1")
        token = sign_in(
            unit.session,
            name="second",
            held=hash_of(unit.session, "second", sign_on=False),
            now_ms=unit.now_ms,
            hours=1,
        )
        assert caller_of(unit.session, token, now_ms=unit.now_ms).person == person_of("agent-1")


def test_an_account_from_before_names_had_rules_still_signs_in(world: World) -> None:
    password = "long enough for it"
    with world.house.unit() as unit:
        row = AccountRow(
            name="system",
            person="Somebody ",
            role="agent",
            password_hash=PasswordHasher().hash(password),
            created_by="supervisor-1",
            created_ms=unit.now_ms,
            active=True,
        )
        unit.session.add(row)
        held = hash_of(unit.session, "system", sign_on=False)
        check_password(held, password)
        token = sign_in(unit.session, name="system", held=held, now_ms=unit.now_ms, hours=1)
        assert caller_of(unit.session, token, now_ms=unit.now_ms).account == "system"


def test_somebody_who_left_is_no_second_person(world: World, handset: Radio, case: str) -> None:
    order = ask(world, "agent-1", dispute=case)
    world.dismiss("supervisor-1")
    with world.refused(Forbidden, "lock_refused"):
        world.approve(order.id, "supervisor-1")
    world.deliver()
    assert not handset.handset.screen_locked


def test_who_asked_and_left_before_the_signature_counts_no_more(world: World, handset: Radio, case: str) -> None:
    order = ask(world, "agent-1", dispute=case)
    world.dismiss("agent-1")
    with world.refused(Forbidden, "lock_refused"):
        world.approve(order.id, "supervisor-1")
    assert not handset.handset.screen_locked


def test_without_evidence_that_the_customer_does_not_hold_it_no_request_gets_past_the_checks(
    world: World, handset: Radio
) -> None:
    order = ask(world, "agent-1")
    assert order.state == "refused"
    world.deliver()
    assert not handset.handset.screen_locked


def test_a_case_about_another_handset_says_nothing_about_this_one(world: World, handset: Radio) -> None:
    other = world.dispute(world.parcels[1], "never_received").case
    assert ask(world, "agent-1", dispute=other).state == "refused"
    assert not handset.handset.screen_locked


def test_an_order_is_approved_once(world: World, handset: Radio, case: str) -> None:
    order = ask(world, "agent-1", dispute=case)
    world.approve(order.id, "supervisor-1")
    with world.refused(Conflict, "move"):
        world.approve(order.id, "supervisor-2")
    world.deliver()
    assert handset.handset.screen_locked


def test_the_second_person_may_say_no_with_a_reason(world: World, handset: Radio, case: str) -> None:
    order = ask(world, "agent-1", dispute=case)
    with world.refused(Conflict, "guard"), world.house.unit() as unit:
        refuse_lock(unit, world.office, name=order.id, account="supervisor-1", why="  ")
    with world.house.unit() as unit:
        refuse_lock(unit, world.office, name=order.id, account="supervisor-1", why="The courier has it.")
    with world.refused(Conflict, "move"):
        world.approve(order.id, "supervisor-2")
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
            name=order.id,
            actor="customer",
            role=LockRole.CUSTOMER,
            reason=Reason.FOUND_BY_CUSTOMER,
            basis=Basis.CUSTOMER,
        )
    with world.refused(Conflict, "move"):
        world.approve(order.id, "supervisor-1")
    assert not handset.handset.screen_locked


def test_a_request_that_nobody_decides_is_no_lock_however_long_it_waits(
    world: World, handset: Radio, case: str
) -> None:
    order = ask(world, "agent-1", dispute=case)
    world.step(100 * HOUR_MS)
    world.deliver()
    assert world.order(order.id).state == "requested"
    world.approve(order.id, "supervisor-1")
    world.deliver()
    assert handset.handset.screen_locked, "its hours count from the second person's yes"


def test_one_person_alone_puts_no_authority_in_force(world: World) -> None:
    world.withdraw_authority()
    with world.house.unit() as unit:
        proposal = standing_authority.propose(unit, person=person_of("supervisor-1"))
    with world.refused(Forbidden, "four_eyes"), world.house.unit() as unit:
        standing_authority.approve(
            unit,
            world.office,
            authority=proposal.id,
            person=person_of("supervisor-1"),
            put_in_force=lambda _unit, _rules: 0,
        )
    opened = world.dispute(world.parcels[0], "never_received")
    assert opened.lock.order is None


# One person alone: a table of every way that one person has tried. Each way ends in a refusal that says what to do, or
# in an order that still waits for somebody else; none of them locks the handset.


def own_yes(world: World, case: str) -> None:
    world.approve(ask(world, "supervisor-1", dispute=case).id, "supervisor-1")


def second_account(world: World, case: str) -> None:
    world.hire("supervisor-9", "supervisor", person=person_of("agent-1"))
    world.approve(ask(world, "agent-1", dispute=case).id, "supervisor-9")


def two_roles_of_one_person(world: World, case: str) -> None:
    world.hire("investigator-9", "investigator", person=person_of("supervisor-1"))
    world.approve(ask(world, "investigator-9", dispute=case).id, "supervisor-1")


def account_made_for_it(world: World, case: str) -> None:
    world.hire("puppet", "supervisor", person="nobody knows", by="supervisor-1")
    world.approve(ask(world, "supervisor-1", dispute=case).id, "puppet")


def account_made_by_an_account_made_for_it(world: World, case: str) -> None:
    world.hire("puppet", "supervisor", person="nobody knows", by="supervisor-1")
    world.hire("puppet of the puppet", "supervisor", person="nor this one", by="puppet")
    world.approve(ask(world, "supervisor-1", dispute=case).id, "puppet of the puppet")


def two_accounts_made_for_it(world: World, case: str) -> None:
    world.hire("left hand", "agent", person="nobody knows", by="supervisor-1")
    world.hire("right hand", "supervisor", person="nor this one", by="supervisor-1")
    world.approve(ask(world, "left hand", dispute=case).id, "right hand")


def agent_as_second(world: World, case: str) -> None:
    world.approve(ask(world, "agent-1", dispute=case).id, "agent-2")


def replayed_yes(world: World, case: str) -> None:
    order = ask(world, "agent-1", dispute=case)
    world.approve(order.id, "supervisor-1")
    world.deliver()
    let_go(world, order.id)
    world.deliver()
    world.approve(order.id, "supervisor-1")


def yes_to_another_order(world: World, case: str) -> None:
    first = ask(world, "agent-1", dispute=case)
    let_go(world, first.id)
    second = ask(world, "agent-1", dispute=case)
    assert second.id != first.id
    world.approve(first.id, "supervisor-1")


def own_authority(world: World, case: str) -> None:
    put_in_force(world, by="supervisor-1", approved_by="supervisor-1")
    lock_by_standing_authority(world, case)


def authority_with_a_puppet(world: World, case: str) -> None:
    world.hire("puppet", "supervisor", person="nobody knows", by="supervisor-1")
    put_in_force(world, by="supervisor-1", approved_by="nobody knows")
    lock_by_standing_authority(world, case)


def authority_of_two_puppets(world: World, case: str) -> None:
    world.hire("left hand", "supervisor", person="nobody knows", by="supervisor-1")
    world.hire("right hand", "supervisor", person="nor this one", by="supervisor-1")
    put_in_force(world, by="nobody knows", approved_by="nor this one")
    lock_by_standing_authority(world, case)


def starts_the_locks_again(world: World, case: str) -> None:
    order = ask(world, "agent-1", dispute=case)
    world.throw_switch(on=True)
    with world.refused(Forbidden, "lock_refused"):
        world.approve(order.id, "supervisor-1")
    world.throw_switch(on=False)


def starts_the_locks_with_a_puppet(world: World, case: str) -> None:
    assert case
    world.hire("puppet", "supervisor", person="nobody knows", by="supervisor-1")
    world.throw_switch(on=True)
    with world.house.unit() as unit:
        standing_authority.throw_switch(unit, world.office, on=False, person="nobody knows", why="it is fine")


def test_of_two_who_stopped_all_locks_neither_starts_them_again_alone(world: World) -> None:
    for by in ("supervisor-1", "supervisor-2", "supervisor-1"):
        world.throw_switch(on=True, by=by)
    for by in ("supervisor-1", "supervisor-2"):
        with world.refused(Forbidden, "four_eyes"):
            world.throw_switch(on=False, by=by)
    world.hire("supervisor-3", "supervisor")
    world.throw_switch(on=False, by="supervisor-3")
    world.throw_switch(on=True, by="supervisor-2")
    world.throw_switch(on=False, by="supervisor-1")


def forged_command(world: World, case: str) -> None:
    """Somebody at the broker sends the handset a lock that another key signed; it is not even a command to it."""
    assert case
    (radio,) = world.radios.values()
    forger = Operator(lock=key("a key of their own"), unlock=key("another"))
    topic_of = topic(radio.handset.device, Channel.COMMAND)
    world.line.publish(topic_of, forger.command(radio.handset, Op.LOCK), expiry_s=60)
    world.deliver()
    raise radio.refused[-1]


ALONE = {
    own_yes: "lock_refused",
    second_account: "lock_refused",
    two_roles_of_one_person: "lock_refused",
    account_made_for_it: "lock_refused",
    account_made_by_an_account_made_for_it: "lock_refused",
    two_accounts_made_for_it: "lock_refused",
    agent_as_second: "lock_refused",
    replayed_yes: "move",
    yes_to_another_order: "move",
    own_authority: "four_eyes",
    authority_with_a_puppet: "four_eyes",
    authority_of_two_puppets: "four_eyes",
    starts_the_locks_again: "four_eyes",
    starts_the_locks_with_a_puppet: "four_eyes",
    forged_command: "key",
}


@pytest.mark.parametrize(("way", "code"), ALONE.items(), ids=lambda part: getattr(part, "__name__", ""))
def test_one_person_alone_does_not_lock(
    world: World, handset: Radio, case: str, way: Callable[[World, str], None], code: str
) -> None:
    with pytest.raises(Trouble) as refused:
        way(world, case)
    assert refused.value.code == code
    assert refused.value.detail, "it says what was wrong"
    assert refused.value.fix, "it says what would allow it"
    world.deliver()
    handset.swap_sim(SimClass.OTHER, country="RO")
    world.deliver()
    assert not handset.handset.screen_locked


def test_one_person_alone_does_not_keep_a_lock_beyond_its_hours(world: World) -> None:
    opened, radio = world.locked_elsewhere()
    world.hire("puppet", "supervisor", person="nobody knows", by="supervisor-1")
    world.confirm(opened, "supervisor-1")
    for account in ("supervisor-1", "puppet"):
        with world.refused(Forbidden, "lock_refused"), world.house.unit() as unit:
            confirm_lock(unit, world.office, name=opened.order.id, account=account, role=LockRole.SUPERVISOR)
    world.step(73 * HOUR_MS)
    world.deliver()
    assert not radio.handset.screen_locked


def test_who_proposed_to_keep_a_lock_and_left_is_replaced_by_the_next_who_does(world: World) -> None:
    opened, radio = world.locked_elsewhere()
    world.confirm(opened, "supervisor-1")
    world.dismiss("supervisor-1")
    world.confirm(opened, "investigator-1")
    assert world.order(opened.order.id).state == "active_provisional", "one person of those who are here is one"
    confirmed_ms = world.clock.now_ms()
    world.confirm(opened, "supervisor-2")
    assert world.order(opened.order.id).state == "active_confirmed"
    assert (world.order(opened.order.id).held_until_ms - confirmed_ms) // DAY_MS == 90
    assert radio.handset.screen_locked


def test_a_proposal_by_somebody_who_may_not_decide_any_more_does_not_block_two_who_may(world: World) -> None:
    opened, _radio = world.locked_elsewhere()
    world.confirm(opened, "investigator-1")
    with world.house.unit() as unit:
        unit.session.get_one(AccountRow, "investigator-1").role = "agent"
    world.confirm(opened, "supervisor-1")
    world.confirm(opened, "supervisor-2")
    assert world.order(opened.order.id).state == "active_confirmed"


def put_in_force(world: World, *, by: str, approved_by: str) -> None:
    """Somebody proposes a standing authority and somebody puts it in force; both are given as people or accounts."""
    first, second = (person_of(name) if name.startswith("supervisor-") else name for name in (by, approved_by))
    with world.house.unit() as unit:
        proposal = standing_authority.propose(unit, person=first)
    with world.house.unit() as unit:
        standing_authority.approve(
            unit, world.office, authority=proposal.id, person=second, put_in_force=lambda _unit, _rules: 0
        )


def lock_by_standing_authority(world: World, case: str) -> None:
    """What a disputed delivery brings about once an authority is in force."""
    imei = world.parcels[0].unit.imei_urn
    with world.house.unit() as unit:
        lock_for_dispute(unit, world.office, imei=imei, reason=Reason.NEVER_RECEIVED, dispute=case)
