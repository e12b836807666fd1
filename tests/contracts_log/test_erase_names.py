"""The names that came from an order go from its cases with it; a case that has none of them is left as it is."""

from dataclasses import replace
from typing import Any

import msgspec
from sqlalchemy import update
from sqlmodel import col

from custody.disputes.people import Relation, by_order
from custody.store.tables import DisputeRow
from custody.usecases.move_case import withdraw
from tests.contracts_log.test_erase import run
from tests.stories.case_steps import act
from tests.world import World


def write(world: World, dispute: str, facts: str) -> None:
    with world.house.unit() as unit:
        unit.session.execute(update(DisputeRow).where(col(DisputeRow.id) == dispute).values(facts=facts))


def test_a_case_without_a_name_of_its_order_is_not_even_read(world: World) -> None:
    named, other = (world.dispute(world.parcels[0], "damaged") for _ in range(2))
    for opened in (named, other):
        act(world, withdraw, opened, actor="customer", locks_settled=True)
    file = world.case(named)
    people = by_order({Relation.USER: "Ottoline"}, write_to="")
    write(world, named.case, msgspec.json.encode(replace(file, case=replace(file.case, people=people))).decode())
    unreadable: dict[str, Any] = {"words": 'She wrote "by_order":true.'}
    write(world, other.case, msgspec.json.encode(unreadable).decode())
    run(world, f"po:{world.parcels[0].order}")
    assert world.case(named).case.people is None
