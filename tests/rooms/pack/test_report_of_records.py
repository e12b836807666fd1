"""A pack whose files all fit each other, made anew of other parts by the operator, must still say what was signed."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from custody.gs1.keys import issue_sscc
from custody.investigation.answer import briefly
from custody.investigation.infer import run
from custody.investigation.pack.draw_up import derive, draw_up
from custody.investigation.pack.entries import PackedVerdict, stem
from custody.investigation.pack.inquiry import read_inquiry
from custody.investigation.pack.redact import Redaction
from custody.investigation.pack.trail import FILE as TRAIL
from custody.investigation.passage import Complaint, Dispute
from custody.investigation.verify.form import OpenedPack, open_pack
from custody.investigation.verify.pack import verify_pack
from custody.investigation.verify.verification import PackStep, Verification
from custody.scans.scan import CONTENT_TYPE as SCAN
from custody.store import case_book
from custody.usecases.export_pack import Beside, PackExported
from tests.rooms.pack.pack_world import (
    IMEI,
    SITES,
    World,
    answer_of,
    fleet_around,
    lock_handset,
    neighbours,
    open_case_of,
    open_world,
    send_parcel,
)
from tests.rooms.pack.tamper import failed_steps, reseal, told_otherwise

NOT_EXAMINED = {"stored": None, "inquiry": None}


@pytest.fixture(scope="module")
def opened(pack: PackExported) -> OpenedPack:
    return open_pack(pack.content)


def test_what_is_drawn_up_again_without_a_lie_holds(world: World, pack: PackExported) -> None:
    assert told_otherwise(world, pack.content).ok


def _lines(stored: dict[str, Any]) -> None:
    stored["lines"][0] = "Most likely the customer has it (over 99 %)."


def _possibilities(stored: dict[str, Any]) -> None:
    stored["lines"][1:] = ["Nothing else is possible."]


def _reasons(stored: dict[str, Any]) -> None:
    stored["reasons"] = [{"evidence": "courier", "words": "it has happened there before", "decibans": 40.0}]


def _checks(stored: dict[str, Any]) -> None:
    stored["checks"] = [{"title": "Look in the customer's home", "who": "the police", "minutes": 1.0}]


@pytest.mark.parametrize("change", [_lines, _possibilities, _reasons, _checks])
def test_what_the_report_says_of_the_weak_link_is_what_was_computed(
    world: World, pack: PackExported, opened: OpenedPack, change: Callable[[dict[str, Any]], None]
) -> None:
    investigation = deepcopy(dict(opened.investigation))
    change(investigation["stored"])
    verification = told_otherwise(world, pack.content, investigation=investigation)
    assert failed_steps(verification) == {PackStep.INVESTIGATION}


def test_an_answer_that_the_log_recorded_is_not_left_out(world: World, pack: PackExported, opened: OpenedPack) -> None:
    ranked = next(line.index for line in opened.case.timeline if line.kind == "ranked")
    for inquiry in (None, opened.investigation["inquiry"]):
        verification = told_otherwise(world, pack.content, investigation={"stored": None, "inquiry": inquiry})
        assert [check.what for check in verification.failures] == [
            f"the answer that the log recorded at entry {ranked} is left out"
        ]


def judged_otherwise(
    pack: OpenedPack, change: Callable[[Dispute], Dispute] = lambda dispute: dispute, **params: Any
) -> dict[str, Any]:
    """A whole investigation of other inputs, computed as the service computes it."""
    inputs = read_inquiry(pack.investigation["inquiry"]).inputs
    dispute = change(inputs.dispute)
    result = run(fleet_around(dispute), [dispute, *neighbours(dispute)], replace(inputs.params, **params))
    stored, inquiry = answer_of(result, dispute.id, ran_ms=1)
    return {"stored": stored, "inquiry": inquiry}


def _called(names: dict[str, str]) -> Callable[[Dispute], Dispute]:
    """The dispute with sites called otherwise."""
    return lambda dispute: replace(
        dispute, segments=tuple(replace(one, site=names.get(one.site, one.site)) for one in dispute.segments)
    )


def found_anew(world: World, investigation: dict[str, Any]) -> Verification:
    """What a checker says of a pack with this investigation, which the log recorded as found."""
    with world.house.unit() as unit:
        case_book.note(unit, world.case, "ranked", actor="system", facts=briefly(investigation["stored"]))
    return told_otherwise(world, world.export().content, investigation=investigation)


def test_an_investigation_made_anew_of_the_same_inputs_holds(world: World, opened: OpenedPack) -> None:
    assert found_anew(world, judged_otherwise(opened)).ok


def test_the_complaint_that_was_weighed_is_the_one_that_the_log_recorded(world: World, opened: OpenedPack) -> None:
    other = judged_otherwise(opened, lambda dispute: replace(dispute, complaint=Complaint.DAMAGED))
    assert failed_steps(found_anew(world, other)) == {PackStep.INVESTIGATION}


def test_the_handlers_and_steps_that_were_weighed_are_those_of_the_scans(world: World, opened: OpenedPack) -> None:
    def by_somebody_else(dispute: Dispute) -> Dispute:
        first, *others = dispute.segments
        return replace(dispute, segments=(replace(first, handler="h-somebody-else"), *others))

    other = judged_otherwise(opened, by_somebody_else)
    assert failed_steps(found_anew(world, other)) == {PackStep.INVESTIGATION}


@pytest.mark.parametrize(
    "names",
    [
        {SITES[3]: SITES[5], SITES[5]: SITES[3]},
        {SITES[3]: "Hub North", SITES[5]: "Hub North"},
        {SITES[3]: SITES[5], SITES[5]: "Depot East"},
    ],
)
def test_the_places_that_are_named_are_those_where_the_stations_stand(
    world: World, opened: OpenedPack, names: dict[str, str]
) -> None:
    other = judged_otherwise(opened, _called(names))
    assert failed_steps(found_anew(world, other)) == {PackStep.INVESTIGATION}


def test_what_people_call_a_site_is_told_with_its_key(world: World, opened: OpenedPack) -> None:
    other = judged_otherwise(opened, _called({SITES[3]: "Hub North"}))
    verification = found_anew(world, other)
    assert verification.ok
    assert any(f"Hub North for {SITES[3]}" in check.what for check in verification.checks if check.ok is None)


def test_evidence_that_was_left_out_of_the_sum_is_named(world: World, opened: OpenedPack) -> None:
    other = judged_otherwise(opened, off=frozenset({"weight", "seal"}))
    verification = found_anew(world, other)
    said = [check.what for check in verification.checks if check.ok is None]
    assert "evidence was left out of the sum: seal, weight" in said


@pytest.mark.parametrize("place", [0, -1])
def test_a_step_that_the_log_recorded_is_not_left_out_of_the_timeline(
    world: World, pack: PackExported, opened: OpenedPack, place: int
) -> None:
    gone = opened.case.timeline[place]
    timeline = tuple(line for line in opened.case.timeline if line is not gone)
    verification = told_otherwise(world, pack.content, case=replace(opened.case, timeline=timeline))
    assert f"dispute.json, entry {gone.index}" in {check.where for check in verification.failures}


@pytest.mark.parametrize("places", [(1, 0), (0, 0, 1), (0, 1, 0)])
def test_the_timeline_tells_each_record_once_and_in_the_order_of_the_log(
    world: World, pack: PackExported, opened: OpenedPack, places: tuple[int, ...]
) -> None:
    timeline = tuple(opened.case.timeline[place] for place in places)
    verification = told_otherwise(world, pack.content, case=replace(opened.case, timeline=timeline))
    assert "the timeline is not in the order of the log's records" in {check.what for check in verification.failures}
    assert failed_steps(verification) == {PackStep.RECORDS}


def test_records_of_other_cases_and_other_kinds_are_no_steps_of_the_case(tmp_path: Path) -> None:
    other = {"dispute": "case_other", "actor": "system", "claim_type": "damaged", "opened_ms": 1}
    other |= {"state": "withdrawn", "parcel": "", "imei": ""}
    with open_world(f"sqlite:///{tmp_path / 'house.sqlite3'}") as world:
        send_parcel(world)
        open_case_of(world)
        with world.house.unit() as unit:
            kinds = ("dispute.opened", "dispute.joined", "dispute.offered")
            records = [unit.record(kind, other) for kind in kinds]
            records.append(unit.record("letter.sent", {**other, "dispute": world.case}))
        verify_pack(world.export(Beside(records=tuple(records))).content, vkey=world.vkey).demand()


def test_a_case_that_another_was_joined_into_was_opened_when_the_last_joining_says(tmp_path: Path) -> None:
    with open_world(f"sqlite:///{tmp_path / 'house.sqlite3'}") as world:
        send_parcel(world)
        open_case_of(world)
        for facts in ({"opened_ms": 5}, {"opened_ms": 3}, {"from": "a case of before"}):
            with world.house.unit() as unit:
                case_book.note(unit, world.case, "joined", actor="system", facts=facts)
        content = world.export().content
        doc = open_pack(content).case
        for told, ok in ((3, True), (5, False), (doc.case["case"]["opened_ms"], False)):
            facts = {**doc.case, "case": {**doc.case["case"], "opened_ms": told}}
            verification = told_otherwise(world, content, case=replace(doc, case=facts))
            assert failed_steps(verification) == (set() if ok else {PackStep.RECORDS})


def test_a_handset_that_was_registered_for_no_lock_of_the_case_is_not_the_one_that_was_locked(tmp_path: Path) -> None:
    other = "urn:gsma:imei:00101700-482916-0"
    with open_world(f"sqlite:///{tmp_path / 'house.sqlite3'}") as world:
        send_parcel(world)
        open_case_of(world)
        lock_handset(world)
        with world.house.unit() as unit:
            record = unit.record("device.registered", {"device": "dev-9", "kid": bytes(32), "imei": other})
        content = world.export(Beside(locks=world.locks, records=(record,))).content
        verification = told_otherwise(world, content, case=replace(open_pack(content).case, imei=other))
    said = {check.what for check in verification.failures}
    assert "the handset of the case is not the one that was registered for its lock" in said


def test_a_step_that_the_log_holds_no_record_of_is_named_and_stands_in_the_place_of_none_that_has_a_number(
    world: World, pack: PackExported, opened: OpenedPack
) -> None:
    first, *others = opened.case.timeline
    timeline = (first, replace(first, kind="called", facts={}, index=None), *others)
    verification = told_otherwise(world, pack.content, case=replace(opened.case, timeline=timeline))
    assert [check.what for check in verification.failures] == [
        "this line of the case has no number, and one before it has"
    ]
    assert "the log holds no record of 'called'" in {check.what for check in verification.checks if check.ok is None}


@pytest.mark.parametrize(("name", "told"), [("claim_type", "damaged"), ("claim_type", None), ("opened_ms", 1)])
def test_what_the_report_says_of_the_case_is_what_was_recorded_when_it_was_opened(
    world: World, pack: PackExported, opened: OpenedPack, name: str, told: Any
) -> None:
    facts = {**opened.case.case, "case": {**opened.case.case["case"], name: told}}
    verification = told_otherwise(world, pack.content, case=replace(opened.case, case=facts))
    assert PackStep.RECORDS in failed_steps(verification)


def test_the_handset_that_the_report_names_is_the_one_that_was_locked(
    world: World, pack: PackExported, opened: OpenedPack
) -> None:
    case = replace(opened.case, imei="urn:gsma:imei:00101700-482916-0")
    assert PackStep.RECORDS in failed_steps(told_otherwise(world, pack.content, case=case))


OTHER = issue_sscc("9521473", 7777).uri


@pytest.mark.parametrize(
    "named",
    [
        {"item": OTHER, "parcel": OTHER},
        {"item": IMEI, "parcel": None},
        {"item": OTHER},
        {"imei": None},
        {"item": "po:SO-1", "parcel": None, "imei": None},
    ],
)
def test_parcel_and_handset_are_those_that_the_log_recorded_when_the_case_was_opened(
    world: World, pack: PackExported, opened: OpenedPack, named: dict[str, str | None]
) -> None:
    case = replace(opened.case, **named)  # type: ignore[arg-type]  # the members that differ
    verification = told_otherwise(world, pack.content, case=case, investigation=NOT_EXAMINED)
    assert PackStep.RECORDS in failed_steps(verification)


def test_a_parcel_that_none_of_the_scans_is_about_has_no_pack_of_theirs(
    world: World, pack: PackExported, opened: OpenedPack
) -> None:
    case = replace(opened.case, item=OTHER, parcel=OTHER)
    scan = next(row for row in opened.entries if row.content_type == SCAN)
    closed = tuple(replace(row, opening=None) if row is scan else row for row in opened.entries)
    for entries, ok in ((opened.entries, False), (closed, None)):  # what cannot be read may have been about it
        verification = told_otherwise(world, pack.content, case=case, entries=entries, investigation=NOT_EXAMINED)
        said = [check.ok for check in verification.checks if check.what == "none of the scans belongs to the trail"]
        assert said == [ok]


def test_packs_of_cases_whose_opening_recorded_neither_parcel_nor_handset_hold(tmp_path: Path) -> None:
    with open_world(f"sqlite:///{tmp_path / 'house.sqlite3'}") as world:
        send_parcel(world)
        with patch.object(case_book, "note", _without_keys(case_book.note)):
            open_case_of(world)
        pack = world.export()
        verify_pack(pack.content, vkey=world.vkey).demand()
        opened = open_pack(pack.content)
        assert "parcel" not in opened.case.timeline[0].facts
        case = replace(opened.case, item=OTHER, parcel=OTHER)
        assert PackStep.TRAIL in failed_steps(told_otherwise(world, pack.content, case=case))


def _without_keys(note: Callable[..., int]) -> Callable[..., int]:
    """How a step was noted before its record held parcel and handset."""

    def noted(*about: Any, facts: dict[str, Any], **more: Any) -> int:
        return note(
            *about, facts={name: fact for name, fact in facts.items() if name not in {"parcel", "imei"}}, **more
        )

    return noted


@pytest.mark.parametrize("why", ["", "it holds somebody's contact"])
def test_a_scan_that_stands_in_the_pack_without_its_content_is_not_called_missing(
    world: World, pack: PackExported, opened: OpenedPack, why: str
) -> None:
    scan = next(row for row in opened.entries if row.content_type == SCAN and b'"broken"' in (row.opening or b""))
    entries = tuple(replace(row, opening=None, withheld=why) if row is scan else row for row in opened.entries)
    left = (Redaction(file=f"{stem(scan.index)}.opening", where="", why=why),) if why else ()
    parts = {"entries": entries, "redactions": (*opened.redactions, *left)}
    source = replace(opened.source, **parts)  # type: ignore[arg-type]  # the members that differ
    now, before = derive(source)[TRAIL].decode(), derive(source, closed_missing=True)[TRAIL].decode()
    assert (CLOSED in now, GAP in now) == (True, False)
    assert (CLOSED in before, GAP in before) == (False, True)
    assert told_otherwise(world, pack.content, **parts).ok
    with patch("custody.investigation.pack.draw_up.closed_scans", return_value=()):
        raw = reseal(world, pack.content, {f"{stem(scan.index)}.opening": None, **draw_up(source).files})
    assert verify_pack(raw, vkey=world.vkey).ok, "a pack as they were made at first"


CLOSED, GAP = "is in the log but can no longer be read", "A scan of this parcel is missing"


@pytest.mark.parametrize("result", ["", "duplicate", "splendid"])
def test_a_verdict_that_no_judge_gives_is_refused_by_the_form(
    world: World, pack: PackExported, opened: OpenedPack, result: str
) -> None:
    scan = next(row for row in opened.entries if row.content_type == SCAN)
    odd = replace(scan, judged=PackedVerdict(result=result, code="S00", flags=()))
    entries = tuple(odd if row is scan else row for row in opened.entries)
    verification = told_otherwise(world, pack.content, entries=entries, investigation=NOT_EXAMINED)
    assert failed_steps(verification) == {PackStep.FORM}


def test_what_the_service_alone_says_of_a_scan_is_named(world: World, pack: PackExported) -> None:
    (said,) = [check for check in verify_pack(pack.content, vkey=world.vkey).checks if check.where == "entries.json"]
    assert (said.step, said.ok) == (PackStep.SCANS, None)
    assert "the seal alone covers" in said.what


def test_a_scan_of_the_parcel_that_was_left_out_is_missed_where_the_next_one_names_it(
    world: World, pack: PackExported, opened: OpenedPack
) -> None:
    gone = next(row for row in opened.entries if row.content_type == SCAN and b'"broken"' in (row.opening or b""))
    entries = tuple(row for row in opened.entries if row is not gone)
    verification = told_otherwise(world, pack.content, entries=entries, investigation=NOT_EXAMINED)
    said = [check.what for check in verification.checks if check.step is PackStep.TRAIL and check.ok is None]
    assert any(GAP in what for what in said)
    assert not any(GAP in check.what for check in told_otherwise(world, pack.content).checks)
