"""What the checks of an investigation have shown, in its pack: held against the log, and weighed as it was written."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlmodel import select

from custody.disputes.machine import CaseRole
from custody.investigation.pack.inquiry import read_inquiry
from custody.investigation.passage import Dispute
from custody.investigation.result import CheckResult
from custody.investigation.verify.form import open_pack
from custody.investigation.verify.pack import verify_pack
from custody.investigation.verify.scans import records_of
from custody.kernel.errors import Conflict
from custody.store.tables import StationRow
from custody.usecases.export_pack import Beside
from custody.usecases.investigate import Inquirer, conclude, results
from custody.usecases.move_inquiry import ask_check, write_result
from tests.rooms.pack.pack_world import World, open_case_of, open_world, send_parcel
from tests.rooms.pack.test_examined_chain import refused

NOT_THESE = "the sites that were examined are not those where the stations of the scans stand"


@pytest.fixture
def checked(tmp_path: Path) -> Iterator[World]:
    """A case in which one check was made, and found something."""
    with open_world(f"sqlite:///{tmp_path / 'house.sqlite3'}") as world:
        send_parcel(world)
        open_case_of(world)
        best = judge(world)
        with world.house.unit() as unit:
            ask_check(unit, world.case, check=best, actor="inv-1", role=CaseRole.INVESTIGATOR)
        with world.house.unit() as unit:
            write_result(
                unit, world.case, found=True, words="A box is opened.", actor="inv-1", role=CaseRole.INVESTIGATOR
            )
        yield world


def judge(world: World, shown: tuple[CheckResult, ...] = ()) -> str:
    """Judge the chain; the best check."""
    with world.house.read() as session:
        finding = Inquirer().gather(session, {}, asked=world.case).find(world.case, shown)
    with world.house.unit() as unit:
        stored = conclude(unit, world.case, finding, actor="inv-1", checked=results(unit.session, world.case))
    best: str = stored["checks"][0]["check"]
    return best


def shown(world: World) -> tuple[CheckResult, ...]:
    """What checks have shown."""
    with world.house.read() as session:
        return results(session, world.case)


def wrongs(world: World) -> list[str]:
    """What the checker of the world's pack says of checks, and what it refuses."""
    verification = verify_pack(world.export().content, vkey=world.vkey)
    return [check.what for check in verification.checks if check.ok is False or "checks" in check.what.split(":")[0]]


def test_what_checks_have_shown_is_held_against_the_log(checked: World) -> None:
    (only,) = shown(checked)
    assert only.found
    assert only.stay is not None
    assert judge(checked, (only,)) != only.check
    assert "what checks have shown is what the log recorded" in wrongs(checked)
    verify_pack(checked.export().content, vkey=checked.vkey).demand()


def test_a_result_counts_though_people_call_the_sites_otherwise_now(checked: World) -> None:
    (only,) = shown(checked)
    with checked.house.unit() as unit:
        for row in unit.session.scalars(select(StationRow)):
            facts = json.loads(row.facts)
            row.facts = json.dumps({**facts, "site_name": f"Hall {facts['site'][-4:]}"})
            unit.session.add(row)
    assert judge(checked, (only,)) != only.check
    inputs = read_inquiry(open_pack(checked.export().content).investigation["inquiry"]).inputs
    assert inputs.checked == (only,)
    assert {segment.site.split()[0] for segment in inputs.dispute.segments} == {"Hall"}
    assert "what checks have shown is what the log recorded" in wrongs(checked)
    verify_pack(checked.export().content, vkey=checked.vkey).demand()


def test_whose_key_a_site_has_is_held_against_where_the_stations_stand(checked: World) -> None:
    judge(checked, shown(checked))
    pack = checked.export()
    inputs = read_inquiry(open_pack(pack.content).investigation["inquiry"]).inputs
    another = inputs.dispute.segments[0].site

    def otherwise(dispute: Dispute) -> Dispute:
        segments = [replace(each, site=f"Hall {each.site[-4:]}", site_key=another) for each in dispute.segments]
        return replace(dispute, segments=tuple(segments))

    assert NOT_THESE in [check.what for check in refused(checked, pack, otherwise)]


def test_a_ranking_that_was_judged_before_a_result_does_not_take_the_place_of_one_with_it(checked: World) -> None:
    with checked.house.read() as session:
        before = Inquirer().gather(session, {}, asked=checked.case).find(checked.case)
    judge(checked, shown(checked))
    with checked.house.unit() as unit, pytest.raises(Conflict, match="while it was judged"):
        conclude(unit, checked.case, before, actor="inv-1", checked=())
    assert "what checks have shown is what the log recorded" in wrongs(checked)


def test_a_result_that_nobody_wrote_down_is_refused(checked: World) -> None:
    (only,) = shown(checked)
    judge(checked, (replace(only, found=False),))
    assert f"that a check has shown this is not what the log recorded: {only.title}" in wrongs(checked)


def test_a_result_of_another_stay_than_was_written_down_is_refused(checked: World) -> None:
    (only,) = shown(checked)
    judge(checked, (replace(only, stay=(only.stay or 0) + 1),))
    assert f"that a check has shown this is not what the log recorded: {only.title}" in wrongs(checked)


def test_a_result_that_was_left_out_is_named(checked: World) -> None:
    (only,) = shown(checked)
    judge(checked)
    assert f"checks whose results were not weighed: {only.title}" in wrongs(checked)


def test_a_result_that_came_after_the_answer_was_not_to_be_weighed(checked: World) -> None:
    assert wrongs(checked) == ["the next checks: the same when computed again"]


def test_a_result_whose_record_is_withheld_is_told_and_not_refused(checked: World) -> None:
    judge(checked, shown(checked))
    records = records_of(open_pack(checked.export().content).entries)
    (at,) = [index for index, told in records.items() if told["kind"] == "dispute.check_done"]
    verification = verify_pack(checked.export(Beside(withhold={at: "it names somebody"})).content, vkey=checked.vkey)
    verification.demand()
    assert any(check.ok is None and "shown by a check may be told" in check.what for check in verification.checks)
