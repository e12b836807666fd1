"""A pack from which a step of the case was taken away altogether, its record with its line, is refused."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from custody.disputes.machine import CaseRole
from custody.investigation.verify.case import check_case
from custody.investigation.verify.form import OpenedPack, open_pack
from custody.investigation.verify.pack import verify_pack
from custody.investigation.verify.scans import records_of
from custody.investigation.verify.verification import Notebook, PackStep
from custody.kernel.clock import DAY_MS
from custody.store.unit import Unit
from custody.usecases import move_case
from custody.usecases.export_pack import Beside
from custody.usecases.sweep_promises import sweep_promises
from tests.rooms.pack.pack_world import World, open_case_of, open_world
from tests.rooms.pack.tamper import failed_steps, told_otherwise


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A promise was missed before it was kept, the customer said that it is not put right, and was offered anew."""
    by: dict[str, Any] = {"actor": "agent-1", "role": CaseRole.AGENT}
    with open_world(f"sqlite:///{tmp_path_factory.mktemp('left_out') / 'house.sqlite3'}") as world:
        case = open_case_of(world)
        _move(world, lambda unit: move_case.choose(unit, case, remedy="refund", payout="bank_transfer", actor="jo"))
        world.clock.at_ms += 30 * DAY_MS
        _move(world, sweep_promises)
        _move(world, lambda unit: move_case.remedied(unit, case, reference="FP-1", **by))
        _move(world, lambda unit: move_case.not_fixed(unit, case, actor="jo"))
        _move(world, lambda unit: move_case.offer_again(unit, case, claim_type=None, **by))
        yield world


def _move(world: World, act: Callable[[Unit], Any]) -> None:
    with world.house.unit() as unit:
        act(unit)


def _moves(opened: OpenedPack) -> list[int]:
    """The entries of the steps between the opening and the last one."""
    return [line.index for line in opened.case.timeline if line.index is not None and line.kind != "pack.exported"][
        1:-1
    ]


def _without(opened: OpenedPack, *indexes: int) -> dict[str, Any]:
    """The parts of a pack that tells nothing of some steps, nor of what is owed for a promise that was missed."""
    case = deepcopy(opened.case)
    case.case["unpaid_credit_pence"] = 0
    lines = tuple(line for line in case.timeline if line.index not in indexes)
    entries = tuple(entry for entry in opened.entries if entry.index not in indexes)
    return {"case": replace(case, timeline=lines), "entries": entries}


def _found(opened: OpenedPack, **parts: Any) -> list[bool | None]:
    notes, told = Notebook(step=PackStep.RECORDS), replace(opened, **parts)
    check_case(told, records_of(told.entries), notes)
    return [check.ok for check in notes.checks]


def test_a_step_of_the_case_that_is_left_out_is_missed(house: World) -> None:
    content = house.export().content
    verify_pack(content, vkey=house.vkey).demand()
    opened = open_pack(content)
    moves = _moves(opened)
    assert not _found(opened)
    assert [_found(opened, **_without(opened, index)) for index in moves] == [[False]] * 4
    assert _found(opened, **_without(opened, *moves)) == [False]
    missed = told_otherwise(house, content, **_without(opened, moves[1]))
    assert failed_steps(missed) == {PackStep.RECORDS}


def test_a_step_whose_record_is_closed_is_not_missed(house: World) -> None:
    first, second, *_ = _moves(open_pack(house.export().content))
    content = house.export(Beside(withhold=dict.fromkeys([first, second], "it names somebody"))).content
    verify_pack(content, vkey=house.vkey).demand()
    opened = open_pack(content)
    assert _found(opened, **_without(opened, second)) == [False]


def test_steps_from_before_they_were_numbered_are_not_missed(house: World) -> None:
    opened = open_pack(house.export().content)
    records = {index: dict(fields) for index, fields in records_of(opened.entries).items()}
    for index in _moves(opened)[:2]:
        del records[index]["version"]
    notes = Notebook(step=PackStep.RECORDS)
    check_case(opened, records, notes)
    assert not notes.checks
