"""Stories of who is watched: many handsets set free by one person are told of, with whatever accounts it was done.

And of what it costs to look at many locks at once.
"""

from dataclasses import replace

from api.lock_views import order_views
from custody.kernel.clock import HOUR_MS
from custody.kernel.errors import Forbidden
from devicelock import watch_store
from devicelock.rules.alert_kind import AlertKind
from devicelock.rules.caps import Caps
from devicelock.rules.order import LockRole
from devicelock.store import LockOrderRow
from devicelock.usecases.alert import look_at_alert, raise_alert
from devicelock.usecases.issue_code import CODES_PER_HOUR
from devicelock.usecases.release import MANY_RELEASES
from devicelock.usecases.retire import received
from tests.stories.lock_steps import ask, code_for, let_go, register_many
from tests.world import World
from tests.world_parts import person_of


def test_people_hear_of_who_sets_many_handsets_free_for_ever(world: World) -> None:
    """Whoever says "received" of a handset sets it free before anybody can lock it."""
    world.hire("agent-9", "agent", person=person_of("agent-1"))
    for number, device in enumerate(register_many(world, MANY_RELEASES)):
        assert "many_releases" not in world.alerts()
        with world.house.unit() as unit:
            actor = "agent-9" if number % 2 else "agent-1"
            received(unit, world.office, name=device, actor=actor, role=LockRole.AGENT)
    assert "many_releases" in world.alerts()


def test_whoever_an_alert_is_about_does_not_look_at_it_alone(world: World) -> None:
    world.hire("supervisor-9", "supervisor", person=person_of("agent-1"))
    world.hire("agent-7", "agent", by="supervisor-2")
    with world.house.unit() as unit:
        raise_alert(unit, AlertKind.MANY_CODES, about=person_of("agent-1"), detail="many")
        raise_alert(unit, AlertKind.MANY_CODES, about=person_of("agent-7"), detail="many")
        raise_alert(unit, AlertKind.GROUP_PAUSED, about="account:agent-1:2026-05-11", detail="paused")
        unit.session.flush()
        kinds = {(row.kind, row.about): row.id for row in watch_store.alerts(unit.session, seen=False)}
    own = [(kinds["many_codes", person_of("agent-1")], "supervisor-9")]
    own += [(kinds["group_paused", "account:agent-1:2026-05-11"], "supervisor-9")]
    own += [(kinds["many_codes", person_of("agent-7")], "supervisor-2")]  # who made the account stands behind it
    for alert, account in own:
        with world.refused(Forbidden, "four_eyes"), world.house.unit() as unit:
            look_at_alert(unit, world.office, alert=alert, account=account)
        with world.house.unit() as unit:
            assert look_at_alert(unit, world.office, alert=alert, account="supervisor-1").seen_by is not None
    assert world.alerts() == []


def test_nobody_is_told_of_customers_who_say_that_they_received_theirs(world: World) -> None:
    for device in register_many(world, MANY_RELEASES):
        with world.house.unit() as unit:
            received(unit, world.office, name=device, actor="customer", role=LockRole.CUSTOMER)
    assert world.alerts() == []


def test_codes_are_counted_by_person_whatever_account_they_were_given_with(world: World) -> None:
    _, radio = world.locked_elsewhere()
    world.hire("agent-9", "agent", person=person_of("agent-1"))
    for actor in ("agent-1", "agent-9"):
        for number in range(CODES_PER_HOUR):
            code_for(world, radio, f"{number:08d}", actor=actor)
        world.step(HOUR_MS)
    assert "many_codes" in world.alerts(), "one person has given twenty codes within a day"


def test_releases_are_counted_by_person_whatever_account_they_were_made_with(world: World) -> None:
    limits = ("per_hour", "per_day", "per_person_day", "per_model_day", "per_site_day", "canary", "fleet_least")
    world.office = replace(world.office, caps=Caps(**dict.fromkeys((*limits, "asks_per_person_day"), 500)))
    world.switched_on(world.parcels[0])
    world.withdraw_authority()
    case = world.dispute(world.parcels[0], "never_received").case
    world.hire("agent-9", "agent", person=person_of("agent-1"))
    for number in range(MANY_RELEASES):
        order = ask(world, "agent-2", dispute=case)
        world.approve(order.id, "supervisor-1")
        let_go(world, order.id, actor="agent-9" if number % 2 else "agent-1")
    assert "many_releases" in world.alerts(), "one person has released twenty locks within a day"


def test_a_page_of_locks_costs_as_many_questions_as_one_lock_and_shows_each_as_it_is(world: World) -> None:
    opened, _ = world.locked_elsewhere()
    order = world.order(opened.order.id)
    with world.house.read() as session:
        connection = session.connection().connection.driver_connection
        assert connection is not None
        asked: list[str] = []
        connection.set_trace_callback(asked.append)
        (alone,) = order_views(session, [order])
        questions = len(asked)
        others = [LockOrderRow(**{**order.model_dump(), "id": f"{n}", "device": f"{n}"}) for n in range(200)]
        unanswered = LockOrderRow(**{**order.model_dump(), "id": "unanswered", "acked_ms": None})
        shown = order_views(session, [order, *others, unanswered])
        connection.set_trace_callback(None)
    assert len(asked) - questions <= 2
    assert shown[0] == alone
    assert [lock["locked"] for lock in shown] == [True, *[False] * 201]


def test_people_hear_a_day_before_that_a_lock_ends_by_itself_unless_two_of_them_keep_it(world: World) -> None:
    opened, _radio = world.locked_elsewhere()
    world.step(47 * HOUR_MS)
    assert world.alerts() == []
    world.step(2 * HOUR_MS)
    assert world.alerts() == ["lapse_near"]
    for account in ("investigator-1", "supervisor-1"):
        world.confirm(opened, account)
    world.step(HOUR_MS)
    assert world.alerts() == ["lapse_near"], "each is told of once, and one that is kept no more"


def test_nobody_is_told_of_a_lock_that_was_kept_or_let_go_in_time(world: World) -> None:
    kept, _radio = world.locked_elsewhere()
    for account in ("investigator-1", "supervisor-1"):
        world.confirm(kept, account)
    world.step(60 * HOUR_MS)
    let_go(world, kept.order.id, actor="agent-1")
    world.step(12 * HOUR_MS)
    assert "lapse_near" not in world.alerts()
