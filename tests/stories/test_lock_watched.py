"""Stories of who is watched: many handsets set free by one person are told of, with whatever accounts it was done."""

from dataclasses import replace

from custody.kernel.clock import HOUR_MS
from devicelock.rules.caps import Caps
from devicelock.rules.order import Role
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
            received(unit, world.office, device=device, actor=actor, role=Role.AGENT)
    assert "many_releases" in world.alerts()


def test_nobody_is_told_of_customers_who_say_that_they_received_theirs(world: World) -> None:
    for device in register_many(world, MANY_RELEASES):
        with world.house.unit() as unit:
            received(unit, world.office, device=device, actor="customer", role=Role.CUSTOMER)
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
    radio = world.handset(world.parcels[0])
    radio.switch_on()
    world.deliver()
    world.withdraw_authority()
    case = world.dispute(world.parcels[0], "never_received").case
    world.hire("agent-9", "agent", person=person_of("agent-1"))
    for number in range(MANY_RELEASES):
        order = ask(world, "agent-2", dispute=case)
        world.approve(order.id, "supervisor-1")
        let_go(world, order.id, actor="agent-9" if number % 2 else "agent-1")
    assert "many_releases" in world.alerts(), "one person has released twenty locks within a day"
