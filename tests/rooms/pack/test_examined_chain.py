"""Whatever the scans themselves say of the chain that was examined is held against the scans in the pack.

The lies are whole ones: another chain was really examined, and every figure and word follows from it.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from custody.investigation.infer import run
from custody.investigation.pack.draw_up import derive
from custody.investigation.pack.earlier import FOURTH, SECOND, THIRD
from custody.investigation.pack.inquiry import read_inquiry
from custody.investigation.pack.trail import FILE as TRAIL
from custody.investigation.passage import Dispute, Pin, SealSeen, Step
from custody.investigation.read_passage import look_around, network_of, passage_of, read_way
from custody.investigation.verify import examined
from custody.investigation.verify.form import open_pack
from custody.investigation.verify.pack import verify_pack
from custody.investigation.verify.verification import PackFinding, Verification
from custody.kernel.clock import HOUR_MS, SECOND_MS, Instant, to_iso
from custody.kernel.errors import Rejected
from custody.store import log_reader, scan_book
from custody.trail.edition import ReadingEdition
from custody.usecases.export_pack import PackExported
from custody.usecases.read_trail import sealed_scans
from tests.rooms.pack import pack_world
from tests.rooms.pack.pack_world import (
    PARCEL,
    PHONE,
    World,
    answer_of,
    as_before,
    examine,
    fleet_around,
    neighbours,
    observe,
    open_case_of,
    open_world,
    send_parcel,
    weighed,
    whole_story,
)
from tests.rooms.pack.tamper import told_otherwise, verification_of

NOT_THE_ONE = "the chain that was examined is not the one that the scans in the pack show"


def refused(
    world: World, pack: PackExported, change: Callable[[Dispute], Dispute], form: str | None = None
) -> list[PackFinding]:
    """What does not hold of a pack whose investigation examined another chain; written in that format."""
    return list(checked_of(world, pack, change, form).failures)


def checked_of(
    world: World, pack: PackExported, change: Callable[[Dispute], Dispute], form: str | None = None
) -> Verification:
    """What a check finds of it."""
    stated = read_inquiry(open_pack(pack.content).investigation["inquiry"])
    dispute = change(stated.inputs.dispute)
    result = run(fleet_around(dispute), [dispute, *neighbours(dispute)])
    stored, inquiry = answer_of(result, dispute.id, ran_ms=stated.ran_ms)
    if form is not None:
        stored, inquiry = as_before(stored, inquiry, form)
    return told_otherwise(world, pack.content, investigation={"stored": stored, "inquiry": inquiry})


def _altered(part: str, at: int, **facts: Any) -> Callable[[Dispute], Dispute]:
    """One segment or checkpoint otherwise."""

    def change(dispute: Dispute) -> Dispute:
        each = list(getattr(dispute, part))
        each[at] = replace(each[at], **facts)
        return replace(dispute, **{part: tuple(each)})

    return change


OTHERWISE: dict[str, Callable[[Dispute], Dispute]] = {
    "whether it is worth much": lambda dispute: replace(dispute, high_value=False),
    "when it set out": lambda dispute: replace(dispute, start_ms=dispute.start_ms - 1),
    "what it was declared to weigh": lambda dispute: replace(dispute, declared_mass_g=541),
    "what the item weighs": lambda dispute: replace(dispute, item_mass_g=None),
    "whether a code was asked for": lambda dispute: replace(dispute, pin=Pin.VERIFIED),
    "what a scale said": _altered("checkpoints", 0, mass_g=540.0),
    "what was seen of a seal": _altered("checkpoints", 6, seal=SealSeen.OK),
    "when it was scanned": _altered("checkpoints", 1, scan_ms=1778494372000),
    "whether there is a picture": _altered("checkpoints", 1, photo=True),
    "which step it was": _altered("segments", 6, step=Step.HUB_IN),
    "which shift it was": _altered("segments", 4, shift=2),
    "who had it": _altered("segments", 6, handler="h-depot-3"),
    "that nobody had it": _altered("segments", 6, handler=None, roster=("h-hub-in-1", "h-courier-7")),
}


SHOPS_ORDER = "https://shop.example/orders/2026/01/20991234"
"""The address of an order that looks like the key of a product."""


@pytest.mark.parametrize("what", OTHERWISE)
def test_a_chain_that_the_scans_tell_otherwise_is_refused(world: World, pack: PackExported, what: str) -> None:
    assert NOT_THE_ONE in [check.what for check in refused(world, pack, OTHERWISE[what])]


def test_the_chain_that_the_scans_tell_is_taken(world: World, pack: PackExported) -> None:
    assert refused(world, pack, lambda dispute: dispute) == []


def test_of_the_scans_of_one_batch_none_can_have_been_read_alone(sqlite_url: str) -> None:
    def without_the_last(dispute: Dispute) -> Dispute:
        with told.house.read() as session:
            scans = sealed_scans(session, scan_book.scans_under(session, [PARCEL]))
        assert scans[-1].position
        way = read_way(PARCEL, scans[:-1])
        assert way is not None
        parts = (dispute.complaint, dispute.attach_ms)
        passage = passage_of(way, network_of([look_around([way])], {}))
        return Dispute.of(passage, name=dispute.id, complaint=parts[0], attach_ms=parts[1])

    with open_world(sqlite_url, together=frozenset({"courier-7"})) as told:
        send_parcel(told)
        open_case_of(told)
        examine(told)
        assert NOT_THE_ONE in [check.what for check in refused(told, told.export(), without_the_last)]


@pytest.mark.parametrize("waited_ms", [0, 2 * HOUR_MS])
def test_a_search_among_very_many_scans_ends_and_what_was_not_searched_is_open_only_while_it_could_be_true(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, waited_ms: int
) -> None:
    monkeypatch.setattr(examined, "MOST_READ", 0)
    with open_world(sqlite_url) as told:
        send_parcel(told)
        told.clock.at_ms += waited_ms
        open_case_of(told)
        examine(told)
        pack = told.export()
        assert checked_of(told, pack, lambda dispute: dispute).ok
        checked = checked_of(told, pack, OTHERWISE["when it set out"])
    assert checked.ok == (not waited_ms)
    said = "NOT CHECKED against all" if checked.ok else "is not one that could be read for"
    assert [said in check.what for check in (*checked.failures, *checked.unchecked)] == [True]


def test_an_inquiry_of_the_format_before_is_held_against_the_chain_as_it_was_read_then(checked: World) -> None:
    def as_then(dispute: Dispute) -> Dispute:
        assert dispute.pin is Pin.RECORDED
        return _altered("checkpoints", 0, seal=SealSeen.OK)(replace(dispute, pin=Pin.VERIFIED))

    pack = checked.export()
    assert refused(checked, pack, as_then, form=SECOND) == []
    assert NOT_THE_ONE in [check.what for check in refused(checked, pack, as_then)]
    with pytest.raises(Rejected, match="has not"):
        read_inquiry({**open_pack(pack.content).investigation["inquiry"], "format": SECOND})


def test_an_inquiry_of_format_3_is_held_against_the_chain_in_which_a_seal_was_read_that_was_put_on(
    world: World, pack: PackExported
) -> None:
    as_then = _altered("checkpoints", 0, seal=SealSeen.OK)
    assert refused(world, pack, as_then, form=THIRD) == []
    assert NOT_THE_ONE in [check.what for check in refused(world, pack, as_then)]
    assert NOT_THE_ONE in [check.what for check in refused(world, pack, lambda dispute: dispute, form=THIRD)]


def test_an_inquiry_of_format_4_is_held_against_the_chain_as_it_was_read_then(opened: World) -> None:
    def as_then(dispute: Dispute) -> Dispute:
        return _altered("checkpoints", 7, seal=SealSeen.NOT_READ)(
            _altered("checkpoints", 6, seal=SealSeen.ANOMALY)(dispute)
        )

    pack = opened.export()
    assert NOT_THE_ONE not in [check.what for check in refused(opened, pack, as_then, form=FOURTH)]
    assert NOT_THE_ONE in [check.what for check in refused(opened, pack, as_then)]
    assert NOT_THE_ONE in [check.what for check in refused(opened, pack, lambda dispute: dispute, form=FOURTH)]


@pytest.mark.parametrize("form", [SECOND, THIRD, FOURTH])
def test_an_inquiry_of_before_that_holds_own_keys_of_sites_is_refused(pack: PackExported, form: str) -> None:
    stated = open_pack(pack.content).investigation
    as_made = as_before(stated["stored"], stated["inquiry"], form)[1]
    assert read_inquiry(as_made).format == form
    as_made["inputs"]["dispute"]["segments"][0]["site_key"] = None
    with pytest.raises(Rejected, match="has not"):
        read_inquiry(as_made)


def test_a_pack_with_the_trail_as_it_was_told_before_is_taken(checked: World) -> None:
    pack = checked.export()
    source = open_pack(pack.content).source
    before = derive(source, edition=ReadingEdition.FIRST)
    assert b"po:https://id.gs1.org/01/00000020991234" in before[TRAIL]
    assert f"po:{SHOPS_ORDER}".encode() in derive(source)[TRAIL]
    assert b"The recipient confirmed with a check." in before[TRAIL]
    assert b"The recipient confirmed with a check." not in derive(source)[TRAIL]
    assert verification_of(checked, pack.content, before).ok


def test_a_pack_in_which_all_that_was_put_on_the_parcel_was_a_seal_is_taken(tracked: World) -> None:
    pack = tracked.export()
    before = derive(open_pack(pack.content).source, edition=ReadingEdition.SECOND)
    assert b"puts on a new seal" in before[TRAIL]
    assert b"puts on a new seal" not in derive(open_pack(pack.content).source)[TRAIL]
    assert verification_of(tracked, pack.content, before).ok


def test_a_pack_in_which_a_second_stations_repeat_counted_again_and_a_repair_was_about_nothing_is_taken(
    repeated: World,
) -> None:
    pack = repeated.export()
    before = derive(open_pack(pack.content).source, edition=ReadingEdition.THIRD)
    for said in (b"event_repeated", b"repairing"):
        assert said not in before[TRAIL]
        assert said in derive(open_pack(pack.content).source)[TRAIL]
    assert verification_of(repeated, pack.content, before).ok


@pytest.fixture(name="repeated")
def _repeated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The story after a repair, and two stations that used one event id, the second of them twice."""
    folder = tmp_path_factory.mktemp("repeated")
    with open_world(f"sqlite:///{folder / 'house.sqlite3'}") as world:
        repair = {"bizStep": "repairing", "inputEPCList": ["urn:epc:id:giai:9521886.PART7"], "outputEPCList": [PHONE]}
        world.scan("bench-4", "TransformationEvent", repair)
        made = {"eventID": "urn:uuid:00000000-0000-4000-9000-000000000000", "eventTime": to_iso(world.clock.at_ms)}
        for station in ("dock-2", "bench-4", "bench-4"):
            world.last = None
            world.scan(station, "ObjectEvent", observe(PARCEL, "inspecting", **made), after_ms=SECOND_MS)
        whole_story(world)
        yield world


@pytest.fixture(name="tracked")
def _tracked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The story with a tracker on the parcel."""
    folder = tmp_path_factory.mktemp("tracked")
    with open_world(f"sqlite:///{folder / 'house.sqlite3'}") as world:
        tracker = {"parentID": PARCEL, "childEPCs": ["https://id.gs1.org/8004/9521886TRACKER7"]}
        world.scan("bench-4", "AssociationEvent", {"action": "ADD", "bizStep": "installing", **tracker})
        whole_story(world)
        yield world


@pytest.fixture(name="opened")
def _opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The story, in which the depot takes the seal off by its key alone and then finds it broken."""
    folder = tmp_path_factory.mktemp("opened")
    with open_world(f"sqlite:///{folder / 'house.sqlite3'}") as world:
        whole_story(world, opened=True)
        yield world


@pytest.fixture(name="checked")
def _checked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The story with a check of the recipient at the door."""
    folder = tmp_path_factory.mktemp("checked")
    with open_world(f"sqlite:///{folder / 'house.sqlite3'}") as world:
        check = {"wl:method": "pin6", "wl:proof": "hmac-sha-256:x"}
        order = [{"type": "po", "bizTransaction": SHOPS_ORDER}]
        whole_story(world, bizTransactionList=order, **{"wl:recipientCheck": check})
        yield world


def test_an_answer_that_rests_on_a_scan_before_the_log_has_it_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_world(f"sqlite:///{tmp_path / 'twin.sqlite3'}") as twin:
        reported(twin)
        at_ms = twin.clock.at_ms
        weigh(twin, at_ms)
        with twin.house.read() as session:
            later = sealed_scans(session, scan_book.scans_under(session, [PARCEL]))[-1]
    with open_world(f"sqlite:///{tmp_path / 'house.sqlite3'}") as world:
        reported(world)
        with world.house.read() as session:
            foreseen = replace(later, index=log_reader.size_now(session) + 1)
        with monkeypatch.context() as patch:  # the operator counts a scan that he has yet to bring about
            patch.setattr(pack_world, "sealed_scans", lambda *given: [*sealed_scans(*given), foreseen])
            examine(world)
        weigh(world, at_ms)
        with world.house.read() as session:
            brought = sealed_scans(session, scan_book.scans_under(session, [PARCEL]))[-1]
        assert (brought.digest, brought.index) == (foreseen.digest, foreseen.index)
        assert NOT_THE_ONE in [check.what for check in verify_pack(world.export().content, vkey=world.vkey).failures]


def reported(world: World) -> None:
    send_parcel(world)
    open_case_of(world)


def weigh(world: World, at_ms: Instant) -> None:
    world.clock.at_ms = at_ms
    world.scan("depot-2", "ObjectEvent", observe(PARCEL, "inspecting", **weighed(0.21, at_ms)))
