"""The intake: scans that wait together become durable together, each has its answer, and nothing signed is lost."""

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from types import ModuleType

import pytest
from sqlalchemy import func, select
from sqlmodel import Session

from custody.kernel.errors import Rejected, Unavailable
from custody.scans.scan import Scan
from custody.scans.tolerances import Tolerances
from custody.store import number_book, scan_book
from custody.store.scan_book import EnrolledKey
from custody.store.tables import CheckpointRow, QuarantineRow, ScanRow
from custody.store.unit import House
from custody.usecases import accept_scans, judge_group
from custody.usecases.accept_scans import Intake
from custody.usecases.enrol_station import revoke
from custody.usecases.judge_group import ScanAnswer
from simulators.load import load_stations, presign
from tests.contracts_store.houses import Yard, forge, open_house, opened, running, with_wrong_signature
from tests.handed_in import hand_in
from tests.world_audit import Said
from tests.world_parts import START_MS, enrol_station, key


@contextmanager
def held_up(house: House) -> Iterator[None]:
    """Nothing is written while this lasts, so that whatever is handed in waits and becomes one group."""
    with house.unit() as unit:
        assert unit.log.size
        yield


def count(house: House, table: type) -> int:
    """How many rows there are."""
    with house.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_scans_that_wait_together_are_sealed_by_one_checkpoint(house: House, yard: Yard) -> None:
    before = count(house, CheckpointRow)
    with running(house) as intake:
        with held_up(house):
            first = hand_in(intake, yard.lanes[0][:1])
            others = [hand_in(intake, [scan]) for scan in (*yard.lanes[0][1:], *yard.lanes[1])]
        wait([first, *others], timeout=60)
        answers = [ack for future in (first, *others) for ack in future.result()]
    assert [ack.verdict.result for ack in answers] == ["accepted"] * 12
    assert count(house, CheckpointRow) - before <= 2, "the first group may have been taken before the others came"
    yard.said += [Said(digest=ack.digest, index=ack.index) for ack in answers]
    assert yard.complaints() == []


def test_a_scan_that_comes_again_has_the_same_answer_as_a_repeat(house: House, yard: Yard) -> None:
    scans = yard.lanes[0]
    with running(house) as intake:
        first = yard.take(intake, scans)
        again = yard.take(intake, scans)
        twice = yard.take(intake, [yard.lanes[1][0], yard.lanes[1][0]])
    assert [ack.index for ack in again] == [ack.index for ack in first]
    assert {ack.verdict.result for ack in again} == {"duplicate"}
    assert [ack.verdict.result for ack in twice] == ["accepted", "duplicate"]
    assert twice[0].index == twice[1].index
    assert yard.complaints() == []


def test_other_content_under_one_number_is_tamper_evidence_and_both_are_kept(house: House, yard: Yard) -> None:
    scans = yard.lanes[0]
    forged = forge(yard.stations[0], yard.signed(scans[1]))
    with running(house) as intake:
        yard.take(intake, scans[:3])
        (ack,) = yard.take(intake, [forged])
        (repeat,) = yard.take(intake, [forged])
        (honest,) = yard.take(intake, [scans[1]])
        (after,) = yard.take(intake, [scans[3]])
    assert [flag.code for flag in ack.verdict.flags] == ["tamper_evidence"]
    assert ack.verdict.result == "quarantined"
    assert ack.index is not None
    assert repeat.index == ack.index
    assert honest.verdict.result == "duplicate"
    assert after.verdict.result == "accepted"
    with house.read() as session:
        number = (forged.station, forged.seq)
        found = number_book.takers_at(session, [number], number_book.newest(session, [forged.station]))[number]
    assert [taker.link for taker in found] == [scans[1].digest, forged.digest]
    assert yard.complaints("fork", "prev") == []


def test_two_contents_under_one_number_in_one_group_are_both_kept(house: House, yard: Yard) -> None:
    scans = yard.lanes[0]
    forged = forge(yard.stations[0], yard.signed(scans[2]))
    with running(house) as intake:
        answers = yard.take(intake, [scans[0], scans[1], scans[2], forged, scans[3]])
    assert [ack.verdict.result for ack in answers] == ["accepted"] * 3 + ["quarantined", "accepted"]
    assert yard.complaints("fork", "prev") == []


def test_a_scan_under_an_unknown_key_is_kept_aside_and_not_in_the_log(house: House, yard: Yard) -> None:
    forged = forge(yard.stations[0], yard.signed(yard.lanes[0][0]), signer=key("a stranger"))
    with running(house) as intake:
        (ack,) = yard.take(intake, [forged])
        again = yard.take(intake, [forged, forged])
    assert (ack.index, ack.refused, ack.verdict.result) == (None, None, "quarantined")
    assert [flag.code for flag in ack.verdict.flags] == ["key_unknown"]
    assert {each.index for each in again} == {None}
    assert count(house, QuarantineRow) == 1
    assert yard.complaints() == []


def test_a_key_enrolled_between_the_clerks_look_and_the_writers_turn_is_known(
    house: House, yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    *_, station = load_stations(3, seed=7)
    (lane,) = presign([station], each=3, at_ms=START_MS, seed=7)
    first, second, third = map(opened, lane)

    def look_just_before(session: Session, kids: Iterable[bytes]) -> dict[bytes, EnrolledKey]:
        monkeypatch.undo()
        found = scan_book.station_keys(session, kids)
        enrol_station(house, station)
        return found

    monkeypatch.setattr(scan_book, "station_keys", look_just_before)
    with running(house) as intake:
        answers = yard.take(intake, [first, second, with_wrong_signature(third), yard.lanes[0][0]])
        (mended,) = yard.take(intake, [third])
    assert [ack.verdict.result for ack in answers] == ["accepted", "accepted", "quarantined", "accepted"]
    assert [ack.refused and ack.refused.code for ack in answers] == [None, None, "signature", None]
    assert (mended.verdict.result, count(house, QuarantineRow)) == ("accepted", 1)
    assert yard.complaints() == []


def test_a_wrong_signature_is_refused_and_kept_as_evidence(house: House, yard: Yard) -> None:
    scans = yard.lanes[0]
    bad = with_wrong_signature(scans[1])
    with running(house) as intake:
        answers = yard.take(intake, [scans[0], bad, scans[2]])
        (mended,) = yard.take(intake, [scans[1]])
    assert isinstance(answers[1].refused, Rejected)
    assert (answers[1].refused.code, answers[1].index) == ("signature", None)
    assert answers[0].verdict.result == "accepted"
    assert count(house, QuarantineRow) == 1
    assert mended.index is not None, "the honest bytes are not refused for what somebody else sent under their name"
    assert yard.complaints() == []


@pytest.mark.parametrize("false_first", [True, False])
def test_a_false_signature_never_stands_in_the_place_of_evidence_that_was_kept_aside(
    house: House,
    yard: Yard,
    false_first: bool,  # noqa: FBT001 - which of the two came first
) -> None:
    kept = forge(yard.stations[0], yard.signed(yard.lanes[0][0]), signer=key("a stranger"))
    false = with_wrong_signature(kept)
    with running(house) as intake:
        for scan in (false, kept) if false_first else (kept, false):
            yard.take(intake, [scan])
        yard.take(intake, [kept, false])
    with house.read() as session:
        rows = session.scalars(select(QuarantineRow)).all()
    assert sorted(row.statement for row in rows) == sorted((kept.entry, false.entry))
    assert yard.complaints() == []


def test_another_stations_key_is_no_key_of_this_station(house: House, yard: Yard) -> None:
    forged = forge(yard.stations[0], yard.signed(yard.lanes[0][0]), signer=yard.stations[1].signer)
    with running(house) as intake:
        (ack,) = yard.take(intake, [forged])
    assert ack.index is None
    assert count(house, QuarantineRow) == 1
    assert yard.complaints() == []


def test_a_revoked_key_is_told_so_and_the_next_key_goes_on(house: House, yard: Yard) -> None:
    station, scans = yard.stations[0], yard.lanes[0]
    with running(house) as intake:
        yard.take(intake, scans[:2])
        with house.unit() as unit:
            revoke(unit, station=station.name, reason="lost", suspect_from=None, registrar=key("registrar"))
        (late,) = yard.take(intake, [scans[2]])
        station.signer = key("the next key")
        enrol_station(house, station)
        station.seq, station.head = scans[1].seq, scans[1].digest
        event = scans[2].event
        fresh = station.sign(
            event.raw, subject="urn:uuid:fresh", event_id=event.event_id or "", at_ms=event.event_time_ms
        )
        (next_one,) = yard.take(intake, [opened(fresh)])
    assert [flag.code for flag in late.verdict.flags] == ["key_revoked"]
    assert late.index is not None
    assert next_one.index is not None
    assert yard.complaints("revoked-key", "fork") == []


@pytest.mark.parametrize(("room", "name"), [(accept_scans, "file_part"), (judge_group, "_scan_row")])
def test_one_poisoned_job_does_not_fail_its_neighbours(
    house: House, yard: Yard, monkeypatch: pytest.MonkeyPatch, room: ModuleType, name: str
) -> None:
    """Neither where it is made ready nor where it is written."""
    poison = yard.lanes[0][2].digest
    sound = getattr(room, name)

    def fail(scan: Scan, *rest: object) -> object:
        if scan.digest == poison:
            raise ValueError("a bug that only this scan meets")
        return sound(scan, *rest)

    monkeypatch.setattr(room, name, fail)
    jobs = [[scan] for lane in yard.lanes for scan in lane]
    with running(house) as intake:
        with held_up(house):
            futures = [hand_in(intake, job) for job in jobs]
        wait(futures, timeout=60)
        failed = [future for future in futures if future.exception()]
        assert [jobs[futures.index(future)][0].digest for future in failed] == [poison]
        assert isinstance(failed[0].exception(), Unavailable)
        monkeypatch.undo()
        yard.take(intake, [yard.lanes[0][2]])
    assert count(house, ScanRow) == 12
    assert yard.complaints() == []


def test_a_caller_who_gave_up_does_not_stop_the_intake(house: House, yard: Yard) -> None:
    first, *rest = yard.lanes[0]
    with running(house) as intake:
        with held_up(house):
            given_up: Future[list[ScanAnswer]] = hand_in(intake, [first])
            assert given_up.cancel()
            kept = hand_in(intake, rest[:1])
        assert kept.result(timeout=30)
        (again,) = yard.take(intake, [first])
    assert again.index is not None
    assert yard.complaints() == []


def test_a_caller_whose_answer_cannot_be_given_does_not_stop_the_intake(house: House, yard: Yard) -> None:
    def gone(_outcome: object) -> None:
        raise RuntimeError("the event loop is closed")

    first, *rest = yard.lanes[0]
    with running(house) as intake:
        intake.hand_in([first], gone)
        assert hand_in(intake, rest[:1]).result(timeout=30)
        (again,) = yard.take(intake, [first])
    assert again.index is not None
    assert yard.complaints() == []


def test_what_was_handed_in_before_the_stop_is_answered(house: House, yard: Yard) -> None:
    intake = Intake(house, Tolerances())
    futures = [hand_in(intake, [scan]) for scan in yard.lanes[0]]
    intake.start()
    intake.stop()
    assert [future.result(timeout=0)[0].verdict.result for future in futures] == ["accepted"] * 6
    assert yard.complaints() == []


def test_an_intake_that_has_stopped_refuses_and_leaves_nobody_waiting(house: House, yard: Yard) -> None:
    with running(house) as intake:
        yard.take(intake, yard.lanes[0][:1])
    with pytest.raises(Unavailable):
        hand_in(intake, yard.lanes[0][1:2])


def test_a_full_intake_says_so_and_takes_more_when_it_has_room(
    house: House, yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accept_scans, "MAX_WAITING", 3)
    scans = yard.lanes[0]
    with running(house) as intake:
        with held_up(house):
            taken = hand_in(intake, scans[:3])
            with pytest.raises(Unavailable) as caught:
                hand_in(intake, scans[3:4])
            assert caught.value.code == "busy"
        taken.result(timeout=30)
        yard.take(intake, scans[3:4])
    assert yard.complaints() == []


def test_a_restart_continues_the_stations_chains(house: House, yard: Yard, database_url: str) -> None:
    scans = yard.lanes[0]
    with running(house) as intake:
        yard.take(intake, scans[:3])
    later = open_house(database_url, name="later")
    with running(later) as intake:
        answers = yard.take(intake, scans[2:])
    later.engine.dispose()
    assert [ack.verdict.result for ack in answers] == ["duplicate", "accepted", "accepted", "accepted"]
    assert [ack.verdict.flags for ack in answers[1:]] == [(), (), ()]
    assert yard.complaints() == []


def test_a_gap_is_flagged_and_closes_when_the_missing_scans_come(house: House, yard: Yard) -> None:
    scans = yard.lanes[0]
    with running(house) as intake:
        ahead = yard.take(intake, [scans[0], scans[3]])
        behind = yard.take(intake, [scans[2], scans[1]])
        after = yard.take(intake, scans[4:])
    assert [[flag.code for flag in ack.verdict.flags] for ack in ahead] == [[], ["sequence_gap"]]
    assert all(ack.index is not None for ack in behind)
    assert [ack.verdict.flags for ack in after] == [(), ()]
    assert yard.complaints() == []


def test_two_intakes_over_one_database_keep_every_station_whole(house: House, other: House, yard: Yard) -> None:
    with running(house) as one, running(other) as two:
        start = threading.Barrier(2)
        answers: dict[int, list[ScanAnswer]] = {}

        def send(intake: Intake, place: int) -> None:
            start.wait()
            answers[place] = [ack for scan in yard.lanes[place] for ack in yard.take(intake, [scan])]

        senders = [threading.Thread(target=send, args=(intake, place)) for place, intake in enumerate((one, two))]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
    assert {ack.verdict.result for acks in answers.values() for ack in acks} == {"accepted"}
    assert yard.complaints() == []


def test_the_same_scan_through_two_intakes_at_once_stands_once(house: House, other: House, yard: Yard) -> None:
    scans = yard.lanes[0]
    with running(house) as one, running(other) as two:
        futures = [hand_in(intake, scans) for intake in (one, two)]
        answers = [future.result(timeout=60) for future in futures]
    assert [ack.index for ack in answers[0]] == [ack.index for ack in answers[1]]
    assert count(house, ScanRow) == len(scans)
    assert yard.complaints() == []
