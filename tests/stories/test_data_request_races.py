"""What a customer asks or says while staff join their report into another case counts in the one that goes on."""

from collections.abc import Callable
from pathlib import Path

import pytest

from custody.disputes.machine import CaseRole
from custody.disputes.people import PeopleSaid, Relation
from custody.disputes.promise import A_COPY, DATA_PUT_RIGHT
from custody.store import case_book
from custody.store.unit import Unit
from custody.usecases import data_requests, move_scheme
from custody.usecases.name_people import name_people
from tests.stories.case_steps import not_put_right
from tests.stories.test_lock_races import meanwhile
from tests.world import new_world
from tests.world_parts import Opened


def joins(joined: Opened, whole: Opened) -> Callable[[Unit], None]:
    """Staff join a report into another one."""

    def join(unit: Unit) -> None:
        given = {"into": whole.case, "consent": True, "actor": "agent-1", "role": CaseRole.AGENT}
        move_scheme.join_case(unit, joined.case, **given)

    return join


@pytest.mark.postgres
@pytest.mark.parametrize(("ask", "what"), [("ask_for_copy", A_COPY), ("complain", DATA_PUT_RIGHT)])
def test_what_is_asked_while_the_report_is_joined_is_promised_where_it_goes_on(
    postgres_url: str, tmp_path: Path, ask: str, what: str
) -> None:
    world = new_world(postgres_url, tmp_path / "world")
    whole, joined = (world.dispute(world.parcels[0], "damaged") for _ in range(2))
    not_put_right(world, joined)

    def request(unit: Unit) -> None:
        getattr(data_requests, ask)(unit, joined.case, actor="customer")

    meanwhile(world, joins(joined, whole), request)
    with world.house.read() as session:
        promised = case_book.promises_of(session, [whole.case, joined.case])
    world.audit()
    world.close()
    found = {case: [each.what for each in held if each.what == what] for case, held in promised.items()}
    assert found == {whole.case: [what], joined.case: []}


@pytest.mark.postgres
def test_who_is_named_while_the_report_is_joined_is_known_where_it_goes_on(postgres_url: str, tmp_path: Path) -> None:
    world = new_world(postgres_url, tmp_path / "world")
    whole, joined = (world.dispute(world.parcels[0], "damaged") for _ in range(2))
    not_put_right(world, joined)

    def name(unit: Unit) -> None:
        name_people(unit, joined.case, said=PeopleSaid(names={Relation.USER: "Tom"}), actor="customer")

    meanwhile(world, joins(joined, whole), name)
    people = world.case(whole).case.people
    world.audit()
    world.close()
    assert people is not None
    assert people.user is not None
