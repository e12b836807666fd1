"""Stories of accounts from before a person was written down as the first time: two spellings are one person."""

import pytest

from api.people import persons
from custody.kernel.errors import Forbidden
from devicelock.usecases import standing_authority
from tests.stories.lock_steps import ask
from tests.world import World
from tests.world_parts import person_of

SPELLINGS = ["Person-of-AGENT-1", " person-of-agent-1 ", "person\u2010of-agent-1", "person-of-\uff41gent-1"]


@pytest.mark.parametrize("typed", SPELLINGS)
def test_two_accounts_of_one_person_typed_differently_are_one_person(world: World, typed: str) -> None:
    world.handset(world.parcels[0]).switch_on()
    world.deliver()
    world.withdraw_authority()
    case = world.dispute(world.parcels[0], "never_received").case
    world.hire("supervisor-9", "supervisor", person=typed)
    order = ask(world, "agent-1", dispute=case)
    with world.refused(Forbidden, "lock_refused"):
        world.approve(order.id, "supervisor-9")
    with world.house.read() as session:
        known = {persons.person(session, name) for name in ("agent-1", "supervisor-9")}
        assert len({each.person for each in known if each is not None}) == 1
        assert sorted(persons.accounts(session, typed)) == ["agent-1", "supervisor-9"]
        assert persons.behind(session, typed) == persons.behind(session, person_of("agent-1"))


def test_an_authority_that_one_person_put_in_force_with_two_spellings_is_none(world: World) -> None:
    typed = "PERSON-OF-SUPERVISOR-1"
    world.hire("supervisor-9", "supervisor", person=typed)
    with world.house.unit() as unit:
        proposal = standing_authority.propose(unit, person=person_of("supervisor-1"))
    with world.refused(Forbidden, "four_eyes"), world.house.unit() as unit:
        standing_authority.approve(
            unit, world.office, authority=proposal.id, person=typed, put_in_force=lambda _unit, _rules: 1
        )
    world.handset(world.parcels[0])
    with world.house.unit() as unit:
        row = unit.session.merge(proposal)
        row.approver, row.in_force_idx = typed, 10**6
    opened = world.dispute(world.parcels[0], "never_received")
    assert opened.order.state == "refused", "one that was put in force so before is none either"
    with world.house.unit() as unit:
        unit.session.merge(proposal).withdrawn = True
