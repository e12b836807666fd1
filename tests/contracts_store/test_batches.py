"""Batches at the intake: one entry for many scans, each judged, found, proved and answered by itself."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from custody.kernel.errors import Rejected, Unavailable
from custody.kernel.keys import SoftwareSigner
from custody.kernel.merkle import SmallTree
from custody.scans.batch import (
    BATCH,
    Batch,
    HandedScan,
    SealedBatch,
    check_seal,
    make_batch,
    open_batch,
    read_batch,
    seal_batch,
    verify_scan,
)
from custody.scans.leaf import name_leaf
from custody.scans.place import index_of
from custody.scans.scan import CONTENT_TYPE
from custody.scans.tolerances import Tolerances
from custody.scans.view import StationHead
from custody.store import log_reader, number_book, scan_book
from custody.store.tables import BatchRow, CheckpointRow, EntryRow, QuarantineRow, ScanRow, UnopenedRow
from custody.store.unit import House
from custody.usecases.accept_scans import Intake
from custody.usecases.judge_group import ScanAnswer
from custody.usecases.open_scans import stored_scans
from custody.usecases.replay_verdicts import compare_verdicts
from simulators.load import presign, presign_batches
from simulators.station import SignedBatch, Station
from tests.contracts_store.faults import broken_commit
from tests.contracts_store.houses import Yard, opened, running
from tests.handed_in import hand_in
from tests.world_audit import Said
from tests.world_parts import START_MS, key

SIZE = 5


def count(house: House, table: type) -> int:
    """How many rows there are."""
    with house.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def sealed(batch: SignedBatch) -> SealedBatch:
    """The batch as the door opens it."""
    items = [
        HandedScan(subject=scan.leaf.subject, content_type=scan.leaf.content_type, opening=scan.opening)
        for scan in batch.scans
    ]
    return SealedBatch(batch=open_batch(batch.statement, items), seal=batch.seal)


def collected(station: Station, *, batches: int = 1, seed: int = 9) -> list[SignedBatch]:
    """Batches that the station goes on with."""
    (made,) = presign_batches([station], batches=batches, size=SIZE, at_ms=START_MS, seed=seed)
    return made


def take(yard: Yard, intake: Intake, batch: SealedBatch) -> list[ScanAnswer]:
    """Hand a batch in; what is answered is remembered."""
    acks = hand_in(intake, [batch]).result(timeout=60)
    yard.said += [Said(digest=ack.digest, index=ack.index) for ack in acks]
    return acks


def complaints(yard: Yard, *expected: str) -> list[str]:
    """What an audit has to say, and every verdict that does not follow from the log."""
    with yard.house.read() as session:
        found = compare_verdicts(session, Tolerances())
    return [*yard.complaints(*expected), *map(str, found.different)]


def other_batch(
    station: Station, batch: Batch, *, salt: bytes, signer: SoftwareSigner | None = None, unreadable: Sequence[int] = ()
) -> SealedBatch:
    """Another statement under the same numbers, with salts of its own; the scans named unreadable hold no event."""
    openings = [
        bytes([at]) * 16 + salt + (b"{}" if at in unreadable else opening[32:])
        for at, opening in enumerate(batch.openings)
    ]
    items = [
        HandedScan(subject=leaf.subject, content_type=CONTENT_TYPE, opening=opening)
        for leaf, opening in zip(batch.leaves, openings, strict=True)
    ]
    leaves = [
        name_leaf(
            station=station.name,
            subject=item.subject,
            seq=leaf.seq,
            content_type=CONTENT_TYPE,
            commitment=hashlib.sha256(item.opening).digest(),
        )
        for leaf, item in zip(batch.leaves, items, strict=True)
    ]
    by = signer or station.signer
    statement = make_batch(
        leaves, subject="urn:uuid:other", prev=batch.statement.prev, iat_s=batch.statement.iat_s, signer=by
    )
    return SealedBatch(batch=open_batch(statement, items), seal=seal_batch(read_batch(statement), by))


def test_a_batch_is_one_entry_with_a_verdict_for_each_scan(house: House, yard: Yard) -> None:
    before = count(house, EntryRow)
    batch = sealed(collected(yard.stations[0])[0])
    with running(house) as intake:
        yard.take(intake, yard.lanes[0])
        acks = take(yard, intake, batch)
    assert count(house, EntryRow) - before == len(yard.lanes[0]) + 1
    assert {ack.index for ack in acks} == {before + len(yard.lanes[0])}
    assert [ack.position for ack in acks] == list(range(SIZE))
    assert [ack.digest for ack in acks] == [leaf.digest for leaf in batch.batch.leaves]
    assert {ack.verdict.result for ack in acks} == {"accepted"}
    with house.read() as session:
        assert log_reader.entry(session, acks[0].index or 0).content_type == BATCH
    assert complaints(yard) == []


def test_each_scan_is_found_by_its_digest_and_proved_by_its_own_receipt(house: House, yard: Yard) -> None:
    batch = sealed(collected(yard.stations[1])[0])
    with running(house) as intake:
        yard.take(intake, yard.lanes[1])
        acks = take(yard, intake, batch)
    with house.read() as session:
        places = scan_book.known_names(session, [ack.digest for ack in acks])
        stored = stored_scans(session, places.values())
    assert [index_of(places[ack.digest]) for ack in acks] == [ack.index for ack in acks]
    for ack, opening in zip(acks, batch.batch.openings, strict=True):
        scan = stored[places[ack.digest]]
        inside = scan.inside
        assert inside is not None
        proved = verify_scan(scan.entry.raw, inside.leaf.raw, opening, inside.receipt, yard.stations[1].signer.public)
        assert proved.digest == ack.digest == scan.digest
        assert scan.opening == opening


def test_a_chain_goes_on_from_plain_scans_to_batches_and_back(house: House, yard: Yard) -> None:
    station = yard.stations[0]
    batches = [sealed(batch) for batch in collected(station, batches=2)]
    after = presign([station], each=1, at_ms=START_MS, seed=3)[0][0]
    with running(house) as intake:
        yard.take(intake, yard.lanes[0])
        results = [ack.verdict.result for batch in batches for ack in take(yard, intake, batch)]
        (last,) = yard.take(intake, [opened(after)])
    assert {*results, last.verdict.result} == {"accepted"}
    assert complaints(yard) == []


def test_the_newest_statement_of_a_station_is_the_batch_with_its_last_scan_be_it_readable_or_not(
    house: House, yard: Yard
) -> None:
    station = yard.stations[0]
    honest = sealed(collected(station)[0])
    batch = other_batch(station, honest.batch, salt=b"\1" * 16, unreadable=[SIZE - 1])
    with running(house) as intake:
        yard.take(intake, yard.lanes[0])
        take(yard, intake, batch)
    with house.read() as session:
        newest = number_book.newest_statement(session, station.name)
        assert newest == StationHead(seq=batch.statement.last, digest=batch.statement.digest)
        assert number_book.newest_statement(session, "nobody") is None


def test_a_batch_that_comes_again_is_answered_as_before(house: House, yard: Yard) -> None:
    batch = sealed(collected(yard.stations[0])[0])
    with running(house) as intake:
        yard.take(intake, yard.lanes[0])
        first = take(yard, intake, batch)
        entries = count(house, EntryRow)
        again = take(yard, intake, batch)
    assert [(ack.index, ack.position, ack.digest) for ack in again] == [
        (ack.index, ack.position, ack.digest) for ack in first
    ]
    assert {ack.verdict.code for ack in again} == {"S10"}
    assert count(house, EntryRow) == entries
    assert count(house, BatchRow) == 1
    assert complaints(yard) == []


def test_a_gap_before_a_batch_is_flagged_once(house: House, yard: Yard) -> None:
    batch = sealed(collected(yard.stations[0])[0])
    with running(house) as intake:
        yard.take(intake, yard.lanes[0][:-1])
        acks = take(yard, intake, batch)
    assert [[flag.code for flag in ack.verdict.flags] for ack in acks] == [["sequence_gap"], *[[]] * (SIZE - 1)]
    assert complaints(yard, "gap", "prev") == []


def test_another_batch_under_the_same_numbers_is_tamper_evidence_and_both_are_kept(house: House, yard: Yard) -> None:
    batch = sealed(collected(yard.stations[0])[0])
    forged = other_batch(yard.stations[0], batch.batch, salt=bytes(16))
    with running(house) as intake:
        yard.take(intake, yard.lanes[0])
        take(yard, intake, batch)
        acks = take(yard, intake, forged)
        repeat = take(yard, intake, forged)
    assert {flag.code for ack in acks for flag in ack.verdict.flags} == {"tamper_evidence"}
    assert {ack.verdict.result for ack in acks} == {"quarantined"}
    assert [ack.index for ack in repeat] == [ack.index for ack in acks]
    assert {ack.verdict.result for ack in repeat} == {"quarantined"}
    assert count(house, BatchRow) == 2
    assert complaints(yard, "fork", "prev") == []


def test_a_plain_scan_under_a_number_of_a_batch_is_tamper_evidence(house: House, yard: Yard) -> None:
    station = yard.stations[0]
    head = (station.seq, station.head)
    batch = sealed(collected(station)[0])
    station.seq, station.head = head
    plain = presign([station], each=1, at_ms=START_MS, seed=4)[0][0]
    with running(house) as intake:
        yard.take(intake, yard.lanes[0])
        take(yard, intake, batch)
        (ack,) = yard.take(intake, [opened(plain)])
    assert [flag.code for flag in ack.verdict.flags] == ["tamper_evidence"]
    assert ack.index is not None
    assert complaints(yard, "fork", "prev") == []


def test_a_number_that_a_plain_scan_took_is_tamper_evidence_for_that_scan_alone(house: House, yard: Yard) -> None:
    station = yard.stations[0]
    head = (station.seq, station.head)
    plain = presign([station], each=1, at_ms=START_MS, seed=4)[0][0]
    station.seq, station.head = head
    batch = sealed(collected(station)[0])
    with running(house) as intake:
        yard.take(intake, yard.lanes[0])
        yard.take(intake, [opened(plain)])
        acks = take(yard, intake, batch)
    assert [ack.verdict.result for ack in acks] == ["quarantined", *["accepted"] * (SIZE - 1)]
    assert complaints(yard, "fork", "prev") == []


def test_a_wrong_signature_is_refused_and_every_scan_is_kept_as_evidence(house: House, yard: Yard) -> None:
    batch = sealed(collected(yard.stations[0])[0])
    raw = bytearray(batch.statement.message.raw)
    raw[-1] ^= 1
    wrong = replace(batch, batch=replace(batch.batch, statement=read_batch(bytes(raw))))
    with running(house) as intake:
        acks = take(yard, intake, wrong)
        assert {ack.refused.code for ack in acks if ack.refused} == {"signature"}
        assert {ack.index for ack in acks} == {None}
        assert count(house, QuarantineRow) == SIZE
        yard.take(intake, yard.lanes[0])
        honest = take(yard, intake, batch)
    assert {ack.verdict.result for ack in honest} == {"accepted"}


def test_a_batch_under_an_unknown_key_is_kept_aside(house: House, yard: Yard) -> None:
    batch = sealed(collected(yard.stations[0])[0])
    strange = other_batch(yard.stations[0], batch.batch, salt=bytes(16), signer=key("a stranger"))
    with running(house) as intake:
        acks = take(yard, intake, strange)
    assert {(ack.index, ack.refused, ack.verdict.result) for ack in acks} == {(None, None, "quarantined")}
    assert count(house, QuarantineRow) == SIZE
    assert complaints(yard) == []


def test_a_wrong_seal_is_refused_and_nothing_is_kept(house: House, yard: Yard) -> None:
    batch = sealed(collected(yard.stations[0])[0])
    wrong = replace(batch, seal=seal_batch(batch.statement, key("a stranger")))
    before = count(house, EntryRow)
    with running(house) as intake:
        future, other = hand_in(intake, [wrong]), hand_in(intake, yard.lanes[0])
        with pytest.raises(Rejected):
            future.result(timeout=60)
        assert [ack.verdict.result for ack in other.result(timeout=60)] == ["accepted"] * len(yard.lanes[0])
        assert (count(house, BatchRow), count(house, QuarantineRow)) == (0, 0)
        assert {ack.verdict.result for ack in take(yard, intake, batch)} == {"accepted"}
    assert count(house, EntryRow) == before + len(yard.lanes[0]) + 1


def test_a_scan_that_holds_no_event_takes_its_number_and_hides_no_other(house: House, yard: Yard) -> None:
    honest = sealed(collected(yard.stations[0])[0])
    batch = other_batch(yard.stations[0], honest.batch, salt=b"\1" * 16, unreadable=[2])
    with running(house) as intake:
        yard.take(intake, yard.lanes[0])
        acks = take(yard, intake, batch)
        again = take(yard, intake, batch)
        tampered = take(yard, intake, honest)
    assert [ack.refused is not None for ack in acks] == [at == 2 for at in range(SIZE)]
    assert [ack.refused is not None for ack in again] == [at == 2 for at in range(SIZE)]
    assert {ack.verdict.result for ack in acks if ack.refused is None} == {"accepted"}
    assert {ack.verdict.result for ack in tampered} == {"quarantined"}
    assert (count(house, UnopenedRow), count(house, ScanRow)) == (1, len(yard.lanes[0]) + 2 * SIZE - 1)
    assert complaints(yard, "fork", "prev") == []


def test_a_batch_and_plain_scans_that_wait_together_are_sealed_by_one_checkpoint(house: House, yard: Yard) -> None:
    batches = [sealed(batch) for batch in collected(yard.stations[0], batches=2)]
    before = count(house, CheckpointRow)
    with running(house) as intake:
        with house.unit() as unit:
            assert unit.log.size
            first = hand_in(intake, yard.lanes[1][:1])
            futures = [hand_in(intake, yard.lanes[0]), *(hand_in(intake, [batch]) for batch in batches)]
        results = [ack.verdict.result for future in (first, *futures) for ack in future.result(timeout=60)]
    assert set(results) == {"accepted"}
    assert count(house, CheckpointRow) - before <= 2


@pytest.mark.parametrize("applied", [False, True])
def test_a_commit_that_breaks_leaves_a_whole_batch_or_none(
    house: House,
    yard: Yard,
    applied: bool,  # noqa: FBT001 - a pair of faults
) -> None:
    batch = sealed(collected(yard.stations[0])[0])
    with running(house) as intake:
        yard.take(intake, yard.lanes[0])
        with broken_commit(house.engine, applied=applied), pytest.raises(Unavailable):
            hand_in(intake, [batch]).result(timeout=60)
        assert count(house, BatchRow) == (1 if applied else 0)
        assert count(house, ScanRow) == len(yard.lanes[0]) + (SIZE if applied else 0)
        acks = take(yard, intake, batch)
    assert {ack.verdict.result for ack in acks} == {"duplicate" if applied else "accepted"}
    assert count(house, BatchRow) == 1
    assert complaints(yard) == []


def test_a_seal_is_checked_against_the_batch_it_came_with(yard: Yard) -> None:
    one, two = (sealed(batch) for batch in collected(yard.stations[0], batches=2))
    check_seal(one.batch, one.seal, yard.stations[0].signer.public)
    with pytest.raises(Rejected):
        check_seal(one.batch, two.seal, yard.stations[0].signer.public)
    assert SmallTree.of(leaf.digest for leaf in one.batch.leaves).root == one.statement.root
