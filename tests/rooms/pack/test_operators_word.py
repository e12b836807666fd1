"""What the operator alone says is held against the log where the log tells, and named as his word where it does not."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from custody.investigation.checks import next_checks, usual_checks
from custody.investigation.explain import explain
from custody.investigation.naming import Naming, weigh_again, without_behaviour
from custody.investigation.pack.case import later_step
from custody.investigation.pack.draw_up import draw_up
from custody.investigation.pack.inquiry import read_inquiry, rejudge, stored_again, write_inquiry
from custody.investigation.pack.json_form import plain
from custody.investigation.pack.locks import LockFile
from custody.investigation.verify.form import OpenedPack, open_pack
from custody.investigation.verify.pack import verify_pack
from custody.investigation.verify.verification import PackStep, Verification
from custody.investigation.wording import state
from custody.kernel import cose
from custody.kernel.clock import DAY_MS, HOUR_MS, SECOND_MS, to_iso
from custody.kernel.errors import Unavailable
from custody.kernel.receipt import make_receipt
from custody.store import case_book
from custody.usecases.export_pack import Beside, PackExported
from tests.rooms.pack.pack_world import (
    PARCEL,
    World,
    examine,
    lock_handset,
    observe,
    open_case_of,
    open_world,
    send_parcel,
)
from tests.rooms.pack.tamper import failed_steps, seal_anew, told_otherwise

WORD = "on the operator's word"
FOUND_OTHERWISE = "the answer is not the one that the log recorded when it was found"


@pytest.fixture(scope="module")
def opened(pack: PackExported) -> OpenedPack:
    return open_pack(pack.content)


def words(verification: Verification, step: PackStep, about: str) -> list[str]:
    """What the step only tells, of something."""
    return [
        check.what for check in verification.checks if check.step is step and check.ok is None and about in check.what
    ]


def _set(told: Any, *path: str | int) -> Callable[[dict[str, Any]], None]:
    def change(value: Any) -> None:
        *way, last = path
        for part in way:
            value = value[part]
        assert value[last] != told
        value[last] = told

    return change


STORED = {
    "whose it is": _set("case_2", "dispute"),
    "what may be said": _set("named", "verdict"),
    "that a link is named": _set(True, "link_named"),
    "that a person is named": _set(True, "person_named"),
    "who it was": _set("h-hub-sort-1", "handler"),
    "where a link is": _set("https://id.gs1.org/414/9521473000997", "links", 0, "site"),
    "which step a link is": _set("customs", "links", 0, "step"),
    "which column a link is": _set(99, "links", 0, "column"),
    "how likely a theft there is": _set(0.99, "links", 0, "theft"),
    "how likely each kind is": _set(0.99, "kinds", "lost"),
    "whose part of the way it is": _set(0.99, "parties", "courier"),
    "what a reason is worth": _set(99.0, "reasons", 0, "without_it"),
    "how sure it is": _set(99.0, "score_db"),
    "where it began": _set(99.0, "base_db"),
    "whether history carries it": lambda stored: stored.update(history_carries=not stored["history_carries"]),
    "which check is next": _set("ask-the-customer", "checks", 0, "check"),
    "what a check tells": _set(9.0, "checks", 0, "bits"),
    "what a check tells a minute": _set(9.0, "checks", 0, "bits_per_minute"),
    "how many disputes there are": _set(1, "disputes"),
    "how many parcels there are": _set(1, "parcels"),
}


@pytest.mark.parametrize("lie", STORED)
def test_all_that_the_stored_answer_says_is_what_was_computed(
    world: World, pack: PackExported, opened: OpenedPack, lie: str
) -> None:
    investigation = deepcopy(dict(opened.investigation))
    STORED[lie](investigation["stored"])
    verification = told_otherwise(world, pack.content, investigation=investigation)
    assert failed_steps(verification) == {PackStep.INVESTIGATION}


def test_what_follows_from_other_cases_is_named_as_the_operators_word(
    world: World, pack: PackExported, opened: OpenedPack
) -> None:
    assert words(verify_pack(pack.content), PackStep.INVESTIGATION, "stored answer") == []
    investigation = deepcopy(dict(opened.investigation))
    investigation["stored"] |= {"hotspots": [{"handler": "h-courier-7", "hot": 0.99}], "accused": "h-courier-7"}
    verification = told_otherwise(world, pack.content, investigation=investigation)
    assert verification.ok
    assert words(verification, PackStep.INVESTIGATION, "stored answer") == [
        f"accused, hotspots of the stored answer: not computed again, {WORD}"
    ]


def _accuse(naming: dict[str, Any]) -> None:
    naming.update(link_named=True, person_named=True, against_link=[], against_person=[])


def _told_so(investigation: dict[str, Any]) -> None:
    """The statement and the stored answer in the words that the stated figures lead to."""
    value = investigation["inquiry"]
    inquiry = read_inquiry(value)
    judgement, naming = rejudge(inquiry.inputs), msgspec.convert(value["answer"]["naming"], Naming)
    checks = next_checks(judgement, usual_checks(judgement, footage_expires_ms={2: judgement.dispute.start_ms}))[:5]
    value["answer"]["statement"] = plain(state(judgement, naming, explanation=explain(judgement), checks=checks))
    investigation["stored"] = stored_again(read_inquiry(value))


NAMED = {
    "that a person may be named": _accuse,
    "who it was": _set("h-depot-2", "handler"),
    "what may be said": _set("named", "verdict"),
    "what this case's own evidence says": _set(0.99, "case"),
    "which rules forbid it": _set([], "against_person"),
}


@pytest.mark.parametrize("lie", NAMED)
def test_what_is_named_follows_from_the_figures_that_are_given_for_it(
    world: World, pack: PackExported, opened: OpenedPack, lie: str
) -> None:
    investigation = deepcopy(dict(opened.investigation))
    NAMED[lie](investigation["inquiry"]["answer"]["naming"])
    _told_so(investigation)
    verification = told_otherwise(world, pack.content, investigation=investigation)
    assert [check.what for check in verification.failures if check.what != FOUND_OTHERWISE] == [
        "what may be named, by the figures that are given for it: NOT what the inputs lead to"
    ]


def found_otherwise(investigation: dict[str, Any]) -> None:
    """Another answer: rightly computed, told and stored, as if the goods had been found at the second hub."""
    value = investigation["inquiry"]
    value["inputs"]["dispute"]["recovered_site"] = value["inputs"]["dispute"]["segments"][4]["site"]
    judgement = rejudge(read_inquiry(value).inputs)
    place = int(judgement.theft.argmax())
    own, physical = float(judgement.theft[place]), float(without_behaviour(judgement).theft[place])
    naming = msgspec.convert(value["answer"]["naming"], Naming)
    naming = weigh_again(judgement, replace(naming, segment=place, theft=own, physical=physical))
    explanation, checks = explain(judgement), next_checks(judgement, usual_checks(judgement))[:5]
    statement = state(judgement, naming, explanation=explanation, checks=checks)
    told = {"naming": naming, "explanation": explanation, "statement": statement, "checks": checks}
    value["answer"] = write_inquiry(judgement, ran_ms=value["ran_ms"], **told)["answer"]
    investigation["stored"] = stored_again(read_inquiry(value))


def test_the_answer_is_the_one_that_the_log_recorded_when_it_was_found(
    world: World, pack: PackExported, opened: OpenedPack
) -> None:
    investigation = deepcopy(dict(opened.investigation))
    found_otherwise(investigation)
    parts: dict[str, Any] = {"investigation": investigation}
    verification = told_otherwise(world, pack.content, **parts)
    assert [check.what for check in verification.failures] == [FOUND_OTHERWISE]
    missing = (*opened.redactions, later_step(opened.head.size))
    later = told_otherwise(world, pack.content, redactions=missing, **parts)
    assert (later.ok, words(later, PackStep.INVESTIGATION, "the answer may be told")) == (
        True,
        [f"the answer may be told by a record that is closed or not here: {WORD}"],
    )
    ranked = next(line.index for line in opened.case.timeline if line.kind == "ranked")
    assert ranked is not None
    closed = verify_pack(world.export(Beside(locks=world.locks, withhold={ranked: "for the test"})).content)
    assert (closed.ok, words(closed, PackStep.INVESTIGATION, "what the investigation found")) == (
        True,
        [f"no record here says what the investigation found: {WORD}"],
    )


GIVEN: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "where it was found": (
        lambda inputs: inputs["dispute"].update(recovered_site=inputs["dispute"]["segments"][4]["site"]),
        "recovered_site: ",
    ),
    "where the customer lives": (_set("south", "dispute", "customer_region"), "customer_region: "),
    "where the handset was": (_set("north", "dispute", "attach_region"), "attach_region: "),
    "who was on duty": (
        lambda inputs: inputs["dispute"]["segments"][2].update(handler=None, roster=["h-lorry-9"]),
        "who was on duty where nobody scanned: ",
    ),
    "what the model counts on": (_set(0.9, "params", "photo"), "default: photo"),
}


@pytest.mark.parametrize("what", GIVEN)
def test_what_went_into_the_sum_and_no_record_tells_is_named_as_the_operators_word(
    world: World, pack: PackExported, opened: OpenedPack, what: str
) -> None:
    change, told = GIVEN[what]
    investigation = deepcopy(dict(opened.investigation))
    assert not any(told in line for line in words(verify_pack(pack.content), PackStep.INVESTIGATION, WORD))
    change(investigation["inquiry"]["inputs"])
    verification = told_otherwise(world, pack.content, investigation=investigation)
    assert sum(told in line for line in words(verification, PackStep.INVESTIGATION, WORD)) == 1


def test_when_the_handset_was_seen_is_held_against_the_records_of_the_case(tmp_path: Path) -> None:
    with open_world(f"sqlite:///{tmp_path / 'house.sqlite3'}") as world:
        send_parcel(world)
        dispute = open_case_of(world)
        examine(world)
        content = world.export().content
        inputs = open_pack(content).investigation["inquiry"]["inputs"]["dispute"]
        told = "when the handset was seen with another SIM"
        assert len(words(verify_pack(content), PackStep.INVESTIGATION, told)) == 1
        for sim, earlier_ms in (("own", 1), ("other", 0), ("other", -1)):
            facts = {"sim": sim, "seen_ms": inputs["attach_ms"] - earlier_ms, "entry": 1}
            with world.house.unit() as unit:
                case_book.note(unit, dispute, "handset_seen", actor="dev-1", facts=facts)
        content = world.export().content
        assert words(verify_pack(content), PackStep.INVESTIGATION, told) == []
        with world.house.unit() as unit:
            facts = {"sim": "other", "seen_ms": inputs["start_ms"] - 1, "entry": 1}
            case_book.note(unit, dispute, "handset_seen", actor="dev-1", facts=facts)
        content = world.export().content
        assert words(verify_pack(content), PackStep.INVESTIGATION, told) == [], "before the parcel set out"
        investigation = deepcopy(dict(open_pack(content).investigation))
        investigation["inquiry"]["inputs"]["dispute"]["attach_ms"] = None
        verification = told_otherwise(world, content, investigation=investigation)
        assert words(verification, PackStep.INVESTIGATION, told) == [f"{told} (never): {WORD}"]


def test_a_road_that_nobody_scanned_is_the_operators_word(tmp_path: Path) -> None:
    with open_world(f"sqlite:///{tmp_path / 'house.sqlite3'}") as world:
        for station in ("bench-4", "dock-2", "depot-2", "courier-7"):
            world.scan(station, "ObjectEvent", observe(PARCEL, "inspecting"))
        open_case_of(world)
        examine(world)
        content = world.export().content
        told = "the roads that nobody scanned"
        assert words(verify_pack(content), PackStep.INVESTIGATION, told) == []
        investigation = deepcopy(dict(open_pack(content).investigation))
        segments = investigation["inquiry"]["inputs"]["dispute"]["segments"]
        (road,) = [segment for segment in segments if segment["site"].startswith("linehaul from ")]
        taken, road["site"] = road["site"], "road 9"
        verification = told_otherwise(world, content, investigation=investigation)
        assert words(verification, PackStep.INVESTIGATION, told) == [f"{told}: road 9 for {taken}: {WORD}"]


def answered(locks: LockFile, **facts: Any) -> LockFile:
    """The lock history with its answer told otherwise."""
    (history,) = locks.orders
    commands = tuple(replace(row, **facts) for row in history.commands)
    return replace(locks, orders=(replace(history, commands=commands),))


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A handset whose own answer the log recorded as its own."""
    folder = tmp_path_factory.mktemp("heard")
    with open_world(f"sqlite:///{folder / 'house.sqlite3'}") as world:
        send_parcel(world)
        open_case_of(world)
        lock_handset(world, answer_by="dev-1")
        yield world


def taken_in(world: World, *, later_ms: int) -> Verification:
    """What a checker says if the answer is told to have come at another time than it did."""
    (history,) = world.locks.orders
    acked_ms = history.commands[0].acked_ms
    assert acked_ms is not None
    locks = answered(world.locks, acked_ms=acked_ms + later_ms)
    return told_otherwise(world, world.export().content, locks=locks)


def test_an_answer_was_taken_in_when_the_log_was_told_of_it(heard: World) -> None:
    assert taken_in(heard, later_ms=0).ok
    assert words(taken_in(heard, later_ms=0), PackStep.LOCKS, WORD) == []
    for later_ms in (-1, 1, DAY_MS):
        assert failed_steps(taken_in(heard, later_ms=later_ms)) == {PackStep.LOCKS}


def test_when_an_answer_came_that_no_record_tells_of_is_the_operators_word(
    world: World, pack: PackExported, opened: OpenedPack
) -> None:
    for acked_ms in (1_778_500_000_000, 1_778_600_000_000):
        verification = told_otherwise(world, pack.content, locks=answered(opened.locks, acked_ms=acked_ms))
        assert verification.ok
        assert words(verification, PackStep.LOCKS, WORD) == [
            f"when the answer to command 1 of lock-1 came ({to_iso(acked_ms)}) is told by no record: {WORD}"
        ]


def test_an_answer_that_moved_nothing_came_when_the_log_recorded_it(tmp_path: Path) -> None:
    with open_world(f"sqlite:///{tmp_path / 'house.sqlite3'}") as world:
        send_parcel(world)
        open_case_of(world)
        lock_handset(world)
        (history,) = world.locks.orders
        step = {"order": "lock-1", "device": "dev-1", "state": "active_provisional", "actor": "dev-1"}
        with world.house.unit() as unit:
            index, at_ms = unit.record("lock.answered", {**step, "ack": history.commands[0].ack}), unit.now_ms
            more = (index, unit.record("lock.had_locked", {**step, "command": "cmd-1"}))
        world.locks = answered(world.locks, acked_ms=at_ms)
        world.locks = replace(world.locks, orders=(replace(world.locks.orders[0], indexes=(*history.indexes, *more)),))
        verification = verify_pack(world.export().content)
        assert (verification.ok, words(verification, PackStep.LOCKS, WORD)) == (True, [])
        repeated = taken_in(world, later_ms=DAY_MS)
        assert (repeated.ok, len(words(repeated, PackStep.LOCKS, WORD))) == (True, 1)


def drawn_up(world: World, content: bytes, *, later_ms: int, receipts_later_s: int) -> Verification:
    """What a checker says of the pack with another time of its own, its receipts signed anew by the log."""
    opened = open_pack(content)
    created_ms = opened.manifest.created_ms + later_ms
    head, iat_s = opened.head, opened.manifest.created_ms // SECOND_MS + receipts_later_s
    entries = tuple(
        entry
        if entry.receipt is None
        else replace(
            entry,
            receipt=make_receipt(
                size=head.size,
                index=entry.index,
                path=entry.path,
                root=head.root,
                signer=world.log,
                iss=f"urn:weaklink:operator:{head.origin}",
                sub=f"urn:weaklink:entry:{cose.parse(entry.raw).digest.hex()}",
                iat_s=iat_s,
            ),
        )
        for entry in opened.entries
    )
    draft = draw_up(replace(opened.source, created_ms=created_ms, entries=entries))
    return verify_pack(seal_anew(world, opened, draft), vkey=world.vkey)


def test_a_pack_was_drawn_up_when_its_receipts_were_given(world: World) -> None:
    content = world.export().content
    assert drawn_up(world, content, later_ms=0, receipts_later_s=0).ok
    for later_ms, receipts_later_s in ((-SECOND_MS, 0), (SECOND_MS, 0), (0, 1)):
        verification = drawn_up(world, content, later_ms=later_ms, receipts_later_s=receipts_later_s)
        assert failed_steps(verification) == {PackStep.ENTRIES}


def test_a_pack_was_drawn_up_after_what_it_holds_and_before_its_export_was_recorded(world: World) -> None:
    content = world.export().content
    for later_s in (-2 * DAY_MS // SECOND_MS, 2 * DAY_MS // SECOND_MS):
        verification = drawn_up(world, content, later_ms=later_s * SECOND_MS, receipts_later_s=later_s)
        assert failed_steps(verification) == {PackStep.RECORDS}


def test_a_clock_that_was_set_back_exports_no_pack_that_nobody_would_believe(tmp_path: Path) -> None:
    with open_world(f"sqlite:///{tmp_path / 'house.sqlite3'}") as world:
        send_parcel(world)
        open_case_of(world)
        world.clock.at_ms -= HOUR_MS
        with pytest.raises(Unavailable) as caught:
            world.export()
        assert (caught.value.code, "export the pack once that time has come" in caught.value.fix) == ("clock", True)
        world.clock.at_ms += HOUR_MS
        assert verify_pack(world.export().content, vkey=world.vkey).ok
