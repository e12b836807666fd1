"""A pack from which any line of the case was taken away, its record with it, is refused, move or no move."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from custody.investigation.verify.case import check_lines
from custody.investigation.verify.form import OpenedPack, open_pack
from custody.investigation.verify.pack import verify_pack
from custody.investigation.verify.scans import records_of
from custody.investigation.verify.verification import Notebook, PackStep
from custody.kernel.errors import Unavailable
from custody.store import case_book
from custody.usecases import move_case
from custody.usecases.export_pack import Beside, draw_up_pack, seal_pack
from tests.rooms.pack.pack_world import World, open_case_of, open_world
from tests.rooms.pack.tamper import failed_steps, told_otherwise

UNSEEN = "a record that is no move of the case (a file, a check, a lock) could be left out unseen"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A case with a letter from the customer, a choice, and a handset that was seen after it."""
    with open_world(f"sqlite:///{tmp_path_factory.mktemp('lines') / 'house.sqlite3'}") as world:
        case = open_case_of(world)
        letter = {"evidence": "ev-1", "sha256": hashlib.sha256(b"The seal was broken.").digest()}
        with world.house.unit() as unit:
            case_book.note(unit, case, "heard", actor="customer", facts=letter)
        with world.house.unit() as unit:
            move_case.choose(unit, case, remedy="refund", payout="bank_transfer", actor="jo")
            case_book.note(unit, case, "handset_seen", actor="dev-1", facts={"cell": "234-10"})
        yield world


def without(opened: OpenedPack, *places: int) -> dict[str, Any]:
    """The parts of a pack that holds neither some lines nor their records."""
    gone = {opened.case.timeline[place].index for place in places}
    lines = tuple(line for line in opened.case.timeline if line.index not in gone)
    entries = tuple(entry for entry in opened.entries if entry.index not in gone)
    return {"case": replace(opened.case, timeline=lines), "entries": entries}


def found(opened: OpenedPack, *unnumbered: int, exported: int | None) -> list[str]:
    """What does not hold, where the lines at some places tell no number; what cannot be told if all holds."""
    records = {index: dict(fields) for index, fields in records_of(opened.entries).items()}
    for place in unnumbered:
        index = opened.case.timeline[place].index
        assert index is not None
        del records[index]["line"]
    notes = Notebook(step=PackStep.RECORDS)
    check_lines(opened, records, exported, notes)
    return [check.what for check in notes.checks if check.ok is False] or [
        check.what for check in notes.checks if check.ok is None
    ]


def test_each_line_of_a_case_has_its_number_and_the_export_the_next_one(house: World) -> None:
    opened = open_pack(house.export().content)
    verification = verify_pack(house.export().content, vkey=house.vkey)
    verification.demand()
    assert [line.facts["line"] for line in opened.case.timeline] == [*range(1, len(opened.case.timeline) + 1)]
    assert UNSEEN not in {check.what for check in verification.checks}


@pytest.mark.parametrize(
    ("places", "said"),
    [
        ((1,), "lines of the case are left out before its line 3: 1"),
        ((3,), "lines of the case are left out before its line 5: 1"),
        ((1, 3), "lines of the case are left out before its line 3: 1"),
    ],
)
def test_a_line_that_is_no_move_is_missed_where_another_one_or_the_export_comes_after_it(
    house: World, places: tuple[int, ...], said: str
) -> None:
    content = house.export().content
    opened = open_pack(content)
    verification = told_otherwise(house, content, **without(opened, *places))
    assert failed_steps(verification) == {PackStep.RECORDS}
    assert said in {check.what for check in verification.failures}


def test_the_last_line_is_missed_by_the_number_of_the_export(house: World) -> None:
    content = house.export().content
    opened = open_pack(content)
    last = len(opened.case.timeline)
    verification = told_otherwise(house, content, **without(opened, last - 1))
    missed = [check.what for check in verification.failures if check.where == "seal.json"]
    assert missed == [f"lines of the case are left out before its line {last + 1}: 1"]


def test_a_closed_record_counts_by_its_place(house: World) -> None:
    opened = open_pack(house.export().content)
    closed = opened.case.timeline[1].index
    assert closed is not None
    verify_pack(house.export(Beside(withhold={closed: "it names somebody"})).content, vkey=house.vkey).demand()


def test_lines_from_before_numbers_were_told_count_by_their_places(house: World) -> None:
    opened = open_pack(house.export().content)
    lines = len(opened.case.timeline)
    assert found(opened, *range(lines), exported=None) == [UNSEEN]
    assert found(opened, *range(lines), exported=lines + 1) == found(opened, 0, 1, exported=lines + 1)
    assert "of a lock that no line" in found(opened, 0, 1, exported=lines + 1)[0]
    before = replace(opened, **without(opened, 1))
    assert found(before, 0, exported=lines + 1) == ["lines of the case are left out before its line 3: 1"]


def test_after_a_line_with_a_number_none_comes_without(house: World) -> None:
    opened = open_pack(house.export().content)
    none = "this line of the case has no number, and one before it has"
    assert none in found(opened, 1, exported=len(opened.case.timeline) + 1)
    assert found(opened, exported=None) == [none]


def test_a_pack_is_not_sealed_over_a_line_that_came_while_it_was_drawn_up(house: World) -> None:
    with house.house.read() as session:
        drawn = draw_up_pack(session, house.case, log_signer=house.log, now_ms=house.clock.now_ms())
    with house.house.unit() as unit:
        case_book.note(unit, house.case, "handset_seen", actor="dev-1", facts={})
    with house.house.unit() as unit, pytest.raises(Unavailable, match="changed meanwhile"):
        seal_pack(unit, drawn, actor="agent-1", log_signer=house.log)
    verify_pack(house.export().content, vkey=house.vkey).demand()
