"""An inquiry of format /5 is held against the chain as it was read then."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from custody.investigation.pack.draw_up import derive
from custody.investigation.pack.earlier import FIFTH
from custody.investigation.pack.inquiry import read_inquiry
from custody.investigation.pack.trail import FILE as TRAIL
from custody.investigation.passage import Dispute, Passage, SealSeen
from custody.investigation.read_before import READINGS
from custody.investigation.read_passage import passage_of, read_way
from custody.investigation.verify.examined import NOBODY
from custody.investigation.verify.form import open_pack
from custody.investigation.verify.pack import verify_pack
from custody.kernel.errors import Rejected
from custody.store import scan_book
from custody.trail.edition import ReadingEdition
from custody.usecases.export_pack import PackExported
from custody.usecases.read_trail import sealed_scans
from tests.rooms.pack.pack_world import PARCEL, World, as_before, open_world, whole_story
from tests.rooms.pack.tamper import verification_of
from tests.rooms.pack.test_examined_chain import NOT_THE_ONE, refused


@pytest.fixture(scope="module", name="world")
def _world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The story, in which the depot is first heard of as it lets the parcel go with its seal broken."""
    with open_world(f"sqlite:///{tmp_path_factory.mktemp('gone') / 'house.sqlite3'}") as world:
        whole_story(world, found="departing")
        yield world


@pytest.fixture(scope="module")
def pack(world: World) -> PackExported:
    return world.export()


def fourth(world: World) -> Passage:
    with world.house.read() as session:
        scans = sealed_scans(session, scan_book.scans_under(session, [PARCEL]))
    way = read_way(PARCEL, scans, READINGS[ReadingEdition.FOURTH])
    assert way is not None
    return passage_of(way, NOBODY)


def test_a_pack_of_now_holds_what_was_let_go_unscanned(world: World, pack: PackExported) -> None:
    assert verify_pack(pack.content, vkey=world.vkey).ok
    *_, depot, courier, _ = read_inquiry(open_pack(pack.content).investigation["inquiry"]).inputs.dispute.checkpoints
    assert (depot.scan_ms, depot.seal, courier.seal) == (None, SealSeen.NOT_READ, SealSeen.ANOMALY)
    assert depot.left_ms is not None


def test_a_chain_that_was_examined_before_is_held_against_the_scans_as_they_were_read_then(
    world: World, pack: PackExported
) -> None:
    then = fourth(world)
    assert then.checkpoints[-3].seal is SealSeen.ANOMALY

    def as_then(dispute: Dispute) -> Dispute:
        return replace(dispute, segments=then.segments, checkpoints=then.checkpoints, start_ms=then.start_ms)

    assert NOT_THE_ONE not in [check.what for check in refused(world, pack, as_then, form=FIFTH)]
    assert NOT_THE_ONE in [check.what for check in refused(world, pack, as_then)]
    assert NOT_THE_ONE in [check.what for check in refused(world, pack, lambda dispute: dispute, form=FIFTH)]


def test_stays_are_held_against_the_scans_by_which_they_are_known(world: World, pack: PackExported) -> None:
    def otherwise(dispute: Dispute) -> Dispute:
        *before, last = dispute.segments
        return replace(dispute, segments=(*before, replace(last, index=before[-1].index)))

    assert refused(world, pack, lambda dispute: dispute) == []
    assert NOT_THE_ONE in [check.what for check in refused(world, pack, otherwise)]


def test_an_inquiry_of_format_5_that_holds_what_it_has_not_is_refused(pack: PackExported) -> None:
    stated = open_pack(pack.content).investigation
    as_made = as_before(stated["stored"], stated["inquiry"], FIFTH)[1]
    assert read_inquiry(as_made).format == FIFTH
    as_made["inputs"]["dispute"]["checkpoints"][0]["left_ms"] = None
    with pytest.raises(Rejected, match="has not"):
        read_inquiry(as_made)


def test_a_pack_whose_trail_cleared_whoever_let_the_parcel_go_is_taken(world: World, pack: PackExported) -> None:
    source = open_pack(pack.content).source
    before = derive(source, edition=ReadingEdition.FOURTH)
    assert before[TRAIL] != derive(source)[TRAIL]
    assert verification_of(world, pack.content, before).ok
