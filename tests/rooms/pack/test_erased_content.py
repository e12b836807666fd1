"""What was erased before a pack was made is missed in it, and the notice of it goes along."""

import re
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlmodel import col

from custody.investigation.pack.archive import read_zip
from custody.investigation.pack.draw_up import derive
from custody.investigation.pack.report import FILE as REPORT
from custody.investigation.verify.form import open_pack
from custody.investigation.verify.pack import verify_pack
from custody.scans.place import name_place, place_of
from custody.store import erase_book
from custody.store.tables import OpeningRow
from custody.usecases.erase import erase, write_notice
from custody.usecases.move_case import withdraw
from tests.rooms.pack.pack_world import PARCEL, examine, open_case_of, open_world, send_parcel
from tests.rooms.pack.tamper import verification_of


@pytest.mark.parametrize("together", [frozenset[str](), frozenset({"courier-7"})])
def test_the_notice_of_what_was_erased_goes_along(tmp_path: Path, together: frozenset[str]) -> None:
    with open_world(f"sqlite:///{tmp_path / 'house.sqlite3'}", together=together) as world:
        send_parcel(world)
        with world.house.unit() as unit:
            done = erase(unit, PARCEL, reason="over", actor="supervisor-1", holds=lambda _session, _imeis: ())
        open_case_of(world)
        pack = world.export()
        verification = verify_pack(pack.content, vkey=world.vkey)
    verification.demand()
    assert done.index in {entry.index for entry in open_pack(pack.content).entries}
    said = {check.what for check in verification.checks if "content is" in check.what}
    batched = {"the content is erased; leaf and receipt stand"} if together else set()
    assert said == {"the content is erased; the signature stands"} | batched


def test_the_pack_of_an_erased_case_holds_and_says_so(tmp_path: Path) -> None:
    with open_world(f"sqlite:///{tmp_path / 'house.sqlite3'}") as world:
        send_parcel(world)
        open_case_of(world)
        with world.house.unit() as unit:
            withdraw(unit, world.case, actor="customer", locks_settled=True)
        with world.house.unit() as unit:
            erase(unit, world.case, reason="over", actor="supervisor-1", holds=lambda _session, _imeis: ())
        verification = verify_pack(world.export().content, vkey=world.vkey)
    verification.demand()
    said = {check.what for check in verification.checks if check.ok is None}
    assert {"the record of 'opened' is erased", "no record here tells when the case was opened"} <= said
    assert "the content of 2 records is erased; their signatures stand" in said


def test_what_an_answer_was_computed_from_goes_with_the_scans_that_told_it(tmp_path: Path) -> None:
    with open_world(f"sqlite:///{tmp_path / 'house.sqlite3'}") as world:
        send_parcel(world)
        open_case_of(world)
        examine(world)
        before = open_pack(world.export().content).investigation
        with world.house.unit() as unit:
            withdraw(unit, world.case, actor="customer", locks_settled=True)
        with world.house.unit() as unit:
            erase(unit, PARCEL, reason="over", actor="supervisor-1", holds=lambda _session, _imeis: ())
        content = world.export().content
    verify_pack(content, vkey=world.vkey).demand()
    after = open_pack(content).investigation
    assert before["inquiry"]["inputs"]["dispute"]["segments"]
    assert (after["stored"], after["inquiry"]) == (before["stored"], None)


def test_content_that_is_not_here_without_a_notice_is_not_called_erased(tmp_path: Path) -> None:
    with open_world(f"sqlite:///{tmp_path / 'house.sqlite3'}") as world:
        send_parcel(world)
        open_case_of(world)
        gone = world.acks[-1].index
        assert gone is not None
        with world.house.unit() as unit:
            change = (
                update(OpeningRow)
                .where(col(OpeningRow.place) == place_of(gone))
                .values(content=None, erased_ms=unit.now_ms)
            )
            unit.session.connection().execute(change)
        pack = world.export()
        verification = verify_pack(pack.content, vkey=world.vkey)
    verification.demand()
    said = [check.what for check in verification.checks if check.where == f"entry {gone}"]
    assert said == ["the content is not here, and no record of an erasure is; the signature stands"]
    assert f"entries/{gone:012d}.opening" not in read_zip(pack.content)


def test_what_was_dropped_after_its_time_is_not_told_as_erased(tmp_path: Path) -> None:
    with open_world(f"sqlite:///{tmp_path / 'house.sqlite3'}", together=frozenset({"courier-7"})) as world:
        send_parcel(world)
        dropped = [place_of(ack.index or 0, ack.position) for ack in (world.acks[1], world.acks[-1])]
        erased = place_of(world.acks[2].index or 0)
        with world.house.unit() as unit:
            for what, target, places in (("shard", "2026q2/all", dropped), ("parcel", PARCEL, [erased])):
                gone = erase_book.delete_openings(unit.session, places, at_ms=unit.now_ms)
                write_notice(unit, target, what, gone, reason="over", actor="supervisor-1")
        open_case_of(world)
        content = world.export().content
        verification = verify_pack(content, vkey=world.vkey)
        verification.demand()
        at_first = derive(open_pack(content).source, dropped_as_erased=True)[REPORT]
        verification_of(world, content, {REPORT: at_first}).demand()
    said = {check.where: check.what.partition(";")[0] for check in verification.checks if "content is" in check.what}
    after, gone_first = "the content is dropped after its time", name_place(erased)
    assert said == {f"entry {name_place(place)}": after for place in dropped} | {
        f"entry {gone_first}": "the content is erased"
    }
    report = read_zip(content)[REPORT].decode()
    told = re.split("Erased at the source|Dropped when their time was over", report)
    assert [f"entry {gone_first}<" in part for part in told[1:]] == [True, False]
    assert all(f"entry {name_place(place)}<" in told[2] for place in dropped)
    assert b"Dropped when" not in at_first
