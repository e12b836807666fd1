"""Stories of which reports an investigation weighs, and of what it says of those that it does not."""

import json
import threading
import tracemalloc
from pathlib import Path

import pytest
from sqlalchemy import text

from api.pages.investigations import waiting
from custody.disputes.machine import CaseRole
from custody.disputes.messages import say
from custody.kernel.errors import Conflict
from custody.store import inquiry_book
from custody.usecases import move_case
from custody.usecases.investigate import Inquirer, conclude
from tests.stories.case_steps import act
from tests.stories.lock_steps import told
from tests.world import World, new_world
from tests.world_parts import Opened

DOCUMENT = 1_000_000
LINK = {"site": "Leeds", "step": "hub_sort", "probability": 0.7}


def judged(world: World) -> list[str]:
    """The cases that are weighed if nobody asks about one."""
    with world.house.read() as session:
        return list(Inquirer().gather(session, {}).files)


def reported(world: World, claim: str = "never_received") -> Opened:
    """A report about the first parcel, in an order that is known."""
    return world.dispute(world.parcels[0], claim)


def test_a_phone_that_its_customer_found_is_no_theft_though_a_remedy_was_on_its_way(world: World) -> None:
    opened = reported(world)
    assert judged(world) == [opened.case]
    act(world, move_case.choose, opened, remedy="replacement", payout=None, actor="customer")
    act(world, move_case.found_it, opened, actor="customer", locks_settled=True)
    assert world.case(opened).case.state == "remedy_in_progress"
    assert judged(world) == []
    act(world, move_case.remedied, opened, reference="JJD0001", actor="agent-1", role=CaseRole.AGENT)
    assert judged(world) == []
    act(world, move_case.not_fixed, opened, actor="customer")
    assert judged(world) == [opened.case], "they say that it is not right after all"


@pytest.mark.parametrize("why", ["withdrawn", "found", "kind"])
def test_a_report_that_is_not_weighed_is_refused_for_what_it_is(world: World, why: str) -> None:
    opened = reported(world, "defective" if why == "kind" else "never_received")
    if why == "withdrawn":
        act(world, move_case.withdraw, opened, actor="customer", locks_settled=True)
    if why == "found":
        act(world, move_case.choose, opened, remedy="replacement", payout=None, actor="customer")
        act(world, move_case.found_it, opened, actor="customer", locks_settled=True)
    with world.house.read() as session, pytest.raises(Conflict) as refused:
        Inquirer().investigate(session, opened.case, {})
    assert refused.value.code == "not_weighed"
    assert "chain" not in refused.value.detail


def test_a_pattern_in_the_inbox_is_of_other_parcels_whose_reports_still_stand(world: World) -> None:
    first, again = (world.dispute(world.parcels[0], "never_received") for _ in range(2))
    other = world.dispute(world.parcels[1], "never_received")
    for opened in (first, again, other):
        with world.house.unit() as unit:
            row = inquiry_book.read(unit.session, opened.case)
            row.result = json.dumps({"headline": "Most likely there.", "links": [LINK]})
            unit.session.add(row)
    assert others(world) == {first.case: 1, again.case: 1, other.case: 1}
    act(world, move_case.withdraw, other, actor="customer", locks_settled=True)
    assert others(world)[first.case] == 0


def test_the_inbox_holds_what_it_shows_and_not_the_documents_of_all_investigations(world: World) -> None:
    for opened in [reported(world) for _ in range(5)]:
        with world.house.unit() as unit:
            row = inquiry_book.read(unit.session, opened.case)
            row.result = json.dumps({"headline": "There.", "links": [LINK], "recompute": "x" * DOCUMENT})
            unit.session.add(row)
    tracemalloc.start()
    try:
        with world.house.read() as session:
            lines = waiting(session)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(lines) == 5
    assert held < DOCUMENT


def others(world: World) -> dict[str, int]:
    """How many others each case of the inbox is said to have beside it."""
    with world.house.read() as session:
        return {line.file.case.id: line.others for line in waiting(session)}


def test_what_was_found_of_a_report_that_was_withdrawn_meanwhile_is_told_nobody(world: World) -> None:
    opened = reported(world)
    with world.house.read() as session:
        finding = Inquirer().investigate(session, opened.case, {})
    act(world, move_case.withdraw, opened, actor="customer", locks_settled=True)
    before = told(world, opened)
    with pytest.raises(Conflict), world.house.unit() as unit:
        conclude(unit, opened.case, finding, actor="investigator-1")
    assert told(world, opened) == before


@pytest.mark.postgres
def test_two_who_judge_a_case_at_once_tell_its_customer_once(postgres_url: str, tmp_path: Path) -> None:
    world = new_world(postgres_url, tmp_path / "world")
    opened = reported(world)
    with world.house.read() as session:
        finding = Inquirer().investigate(session, opened.case, {})

    def once() -> None:
        with world.house.unit() as unit:
            conclude(unit, opened.case, finding, actor="investigator-1")

    second = threading.Thread(target=once)
    with world.house.unit() as unit:
        conclude(unit, opened.case, finding, actor="investigator-2")
        unit.session.flush()
        second.start()
        while not unit.session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
            pass
    second.join()
    said = told(world, opened)
    world.close()
    assert said.count(say("investigation.start").text) == 1
