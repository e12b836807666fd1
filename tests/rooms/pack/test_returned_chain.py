"""The pack of a parcel that was delivered, taken back, and gone on a second round."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from custody.investigation.infer import run
from custody.investigation.pack.earlier import THIRD
from custody.investigation.pack.inquiry import check_inquiry, read_inquiry
from custody.investigation.passage import NO_HISTORY, Dispute, SealSeen, Step
from custody.investigation.read_before import READINGS
from custody.investigation.read_passage import passage_of, read_way
from custody.investigation.verify.examined import NOBODY
from custody.investigation.verify.form import open_pack
from custody.investigation.verify.pack import verify_pack
from custody.kernel.clock import HOUR_MS
from custody.store import scan_book
from custody.trail.edition import ReadingEdition
from custody.usecases.export_pack import PackExported
from custody.usecases.read_trail import sealed_scans
from tests.rooms.pack.pack_world import (
    PARCEL,
    World,
    answer_of,
    as_before,
    examine,
    observe,
    open_case_of,
    open_world,
    send_parcel,
)
from tests.rooms.pack.test_examined_chain import NOT_THE_ONE, refused


@pytest.fixture(scope="module", name="world")
def _world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with open_world(f"sqlite:///{tmp_path_factory.mktemp('back') / 'house.sqlite3'}") as world:
        send_parcel(world)
        world.scan("depot-2", "ObjectEvent", observe(PARCEL, "arriving"), after_ms=5 * HOUR_MS)
        world.scan("courier-7", "ObjectEvent", observe(PARCEL, "loading"), after_ms=14 * HOUR_MS)
        open_case_of(world)
        examine(world)
        yield world


@pytest.fixture(scope="module")
def pack(world: World) -> PackExported:
    return world.export()


def examined(pack: PackExported) -> Dispute:
    return read_inquiry(open_pack(pack.content).investigation["inquiry"]).inputs.dispute


def test_the_pack_of_a_parcel_that_came_back_holds(world: World, pack: PackExported) -> None:
    assert verify_pack(pack.content, vkey=world.vkey).ok
    steps = [segment.step for segment in examined(pack).segments]
    assert steps[-4:] == [Step.DEPOT, Step.COURIER, Step.DEPOT, Step.COURIER]
    assert not examined(pack).delivered


def test_a_chain_of_one_round_that_was_examined_before_is_held_against_the_scans_as_they_were_read_then(
    world: World, pack: PackExported
) -> None:
    with world.house.read() as session:
        scans = sealed_scans(session, scan_book.scans_under(session, [PARCEL]))
    way = read_way(PARCEL, scans, READINGS[ReadingEdition.SECOND])
    assert way is not None
    then = passage_of(way, NOBODY)
    assert then.delivered

    def as_then(dispute: Dispute) -> Dispute:
        return replace(dispute, segments=then.segments, checkpoints=then.checkpoints, pin=then.pin)

    assert NOT_THE_ONE not in [check.what for check in refused(world, pack, as_then, form=THIRD)]
    assert NOT_THE_ONE in [check.what for check in refused(world, pack, as_then)]


def test_which_round_is_meant_was_not_said_before(pack: PackExported) -> None:
    dispute = examined(pack)
    *before, courier, door = dispute.checkpoints
    right = [replace(point, seal=SealSeen.OK, mass_g=540.0) for point in before]
    taken = replace(dispute, checkpoints=(*right, replace(courier, seal=SealSeen.ANOMALY, mass_g=350.0), door))
    stored, inquiry = answer_of(run(NO_HISTORY, [taken]), taken.id, ran_ms=0)
    statement = inquiry["answer"]["statement"]
    assert statement["headline"].count("(the second time)") == 2
    assert all(part.ok for part in check_inquiry(read_inquiry(inquiry)))
    then = as_before(stored, inquiry, THIRD)[1]
    assert not all(part.ok for part in check_inquiry(read_inquiry({**inquiry, "answer": then["answer"]})))
    assert all(part.ok for part in check_inquiry(read_inquiry(then)))
