"""A lock concerns whoever uses the phone: it waits for their word, is made by it, and does not stay against it."""

import pytest

from api import joints, lock_news
from custody.disputes.machine import CaseRole
from custody.disputes.people import PeopleSaid, Relation, by_order
from custody.kernel.errors import Conflict, Forbidden
from custody.store import case_book
from custody.usecases import move_scheme
from custody.usecases.name_people import name_people
from devicelock import store as lock_store
from devicelock.rules.order import LockRole
from devicelock.usecases.confirm_lock import confirm_lock
from tests.stories.case_steps import act
from tests.stories.lock_steps import told
from tests.world import World
from tests.world_parts import Opened

GRANDSON = PeopleSaid(names={Relation.USER: "Tom"})
HAS_NOT, HAS = PeopleSaid(names={}, user_has_it=False), PeopleSaid(names={}, user_has_it=True)


def say(world: World, opened: Opened, said: PeopleSaid) -> None:
    """The customer says who is who, as the door takes it."""
    with world.house.unit() as unit:
        lock_news.hold_for_move(unit, disputes={opened.case})
        before = case_book.read(unit.session, opened.case).case
        after = name_people(unit, opened.case, said=said, actor="customer")
        unit.session.flush()
        joints.lock_as_known(unit, world.office, before, after, actor="customer")


def states(world: World, opened: Opened) -> list[str]:
    """Where the locks of a case stand."""
    with world.house.read() as session:
        return [row.state for row in lock_store.orders_of_dispute(session, opened.case)]


def keep(world: World, order: str) -> None:
    """Two people keep a lock beyond its hours."""
    with world.house.unit() as unit:
        for account in ("supervisor-1", "supervisor-2"):
            confirm_lock(unit, world.office, name=order, account=account, role=LockRole.SUPERVISOR)


def test_no_lock_is_made_before_whoever_uses_the_phone_has_said_that_they_do_not_have_it(world: World) -> None:
    people = by_order({Relation.HOLDER: "Arthur", Relation.USER: "Tom"})
    world.handset(world.parcels[0])
    opened = world.dispute(world.parcels[0], "never_received", people=people)
    assert opened.lock.order is not None
    assert states(world, opened) == ["refused"]
    assert "Tom" not in told(world, opened)
    say(world, opened, HAS_NOT)
    assert sorted(states(world, opened)) == ["queued", "refused"]


def test_a_lock_is_not_kept_against_the_word_of_whoever_uses_the_phone(world: World) -> None:
    opened, _ = world.locked_elsewhere()
    order = opened.lock.order
    assert order is not None
    say(world, opened, GRANDSON)
    with pytest.raises(Forbidden):
        keep(world, order.id)


def test_a_lock_is_let_go_at_once_when_whoever_uses_the_phone_says_that_they_have_it(world: World) -> None:
    opened, radio = world.locked_elsewhere()
    assert radio.handset.screen_locked
    say(world, opened, GRANDSON)
    world.deliver()
    assert radio.handset.screen_locked, "nobody knows whether they have it"
    say(world, opened, HAS)
    world.deliver()
    assert not radio.handset.screen_locked
    with pytest.raises(Conflict):
        keep(world, opened.order.id)
    before = states(world, opened)
    say(world, opened, PeopleSaid(names={}, user_has_it=True))
    assert states(world, opened) == before, "said twice"


def test_of_two_reports_that_are_joined_whoever_is_named_in_one_of_them_is_known(world: World) -> None:
    first, second = (world.dispute(world.parcels[0], None) for _ in range(2))
    say(world, first, GRANDSON)
    say(world, second, PeopleSaid(names={Relation.REPRESENTATIVE: "Ann", Relation.USER: "Tom"}, user_has_it=True))
    by_agent = {"actor": "agent-1", "role": CaseRole.AGENT}
    act(world, move_scheme.join_case, first, into=second.case, consent=True, **by_agent)
    people = world.case(second).case.people
    assert people is not None
    assert set(people.named()) == {Relation.USER, Relation.REPRESENTATIVE}
    assert people.user_has_it is True
