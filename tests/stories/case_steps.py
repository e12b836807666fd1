"""Steps of the stories about cases: a move in a unit of its own, a remedy that came, one that did not help."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from api.people import persons
from custody.disputes.case_guards import Actor, DeclineFinding, Ground
from custody.disputes.machine import CaseRole
from custody.store import case_book
from custody.store.case_book import CaseFile
from custody.usecases import move_case
from tests.world import World
from tests.world_parts import Opened, person_of

SEEN = DeclineFinding(
    ground=Ground.RECORDING, says="The door camera shows it.", kept_at="evidence/1", about_this_person=True
)
PATTERN = DeclineFinding(ground=Ground.PATTERN, says="Many claims.", kept_at="evidence/2", about_this_person=True)
INVESTIGATOR, SUPERVISOR = (Actor(key=person_of(name), human=True) for name in ("investigator-1", "supervisor-1"))
PROPOSER: dict[str, Any] = {"actor": INVESTIGATOR.key, "role": CaseRole.INVESTIGATOR}
DECIDER: dict[str, Any] = {"role": CaseRole.SUPERVISOR, "behind": persons.behind}


def act(world: World, move: Callable[..., Any], opened: Opened, **facts: Any) -> CaseFile:
    """One move of a case in a unit of its own."""
    with world.house.unit() as unit:
        moved = move(unit, opened.case, **facts)
    file: CaseFile = moved[0] if isinstance(moved, tuple) else moved
    return file


def put_right(world: World, opened: Opened) -> None:
    """The customer chose a replacement, and it came."""
    act(world, move_case.choose, opened, remedy="replacement", payout=None, actor="customer")
    act(world, move_case.remedied, opened, reference="JJD0001", actor="agent-1", role=CaseRole.AGENT)


def not_put_right(world: World, opened: Opened) -> None:
    """The customer says that the remedy did not help: the case is open again and can be looked at."""
    put_right(world, opened)
    act(world, move_case.not_fixed, opened, actor="customer")
    assert world.case(opened).case.state == "triaged"


def speaks(world: World, opened: Opened) -> None:
    """Words of the customer came."""
    with world.house.unit() as unit:
        case_book.note(unit, opened.case, "evidence", actor="customer", facts={"evidence": "ev_1", "sha256": "00"})


def decided(world: World, opened: Opened, award: str) -> None:
    """The scheme, which had its letter, took the case and decided it."""
    with world.house.unit() as unit:
        before = case_book.hold_one(unit, opened.case)
        after = replace(before, case=replace(before.case, state="adr_decided"), award=award)
        case_book.replace(unit, after, before=before)


def in_state(world: World, opened: Opened, state: str) -> None:
    """A case that somehow came to where it stands now."""
    with world.house.unit() as unit:
        before = case_book.hold_one(unit, opened.case)
        case_book.replace(unit, replace(before, case=replace(before.case, state=state)), before=before)
