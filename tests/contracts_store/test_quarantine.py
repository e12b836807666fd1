"""What is kept aside is bounded for each sender, counted as it comes, and never pushed out by more."""

from threading import Thread

import pytest
from sqlalchemy import func, select, update
from sqlmodel import Session

from custody.kernel.errors import Conflict, Rejected
from custody.scans.scan import Scan
from custody.store import quarantine
from custody.store.quarantine import Evidence, Room, Share, keep, room
from custody.store.tables import QuarantineRow
from custody.store.unit import House
from simulators.load import load_stations, presign
from tests.contracts_store.faults import each_statement
from tests.contracts_store.houses import Yard, forge, opened, running, with_wrong_signature
from tests.contracts_store.test_batches import SIZE, collected, other_batch, sealed
from tests.handed_in import hand_in
from tests.quarantine_counts import miscounted
from tests.world_parts import START_MS, enrol_station, key

A_KEY, A_STATION = room(Share.STRANGE, b"a key"), room(Share.NAMED, "a station")


def evidence(number: int, *rooms: Room) -> Evidence:
    return Evidence(b"%032d" % number, b"s%d" % number, b"o", "key_unknown", rooms or (A_KEY,))


def made_up(number: int) -> Evidence:
    """Evidence under a key of its own."""
    return evidence(number, room(Share.STRANGE, b"key %d" % number))


def held(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(QuarantineRow)) or 0


def kept_of(house: House, *those: Evidence) -> list[bool]:
    """Which of these stand after they came in a unit of their own; the counts are right after that."""
    with house.unit() as unit:
        kept = keep(unit, those)
    with house.read() as session:
        assert list(miscounted(session)) == []
    return [quarantine.name_of(each) in kept for each in those]


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Room for a few rows alone."""
    monkeypatch.setattr(quarantine, "EACH", 3)
    monkeypatch.setattr(quarantine, "MOST", {Share.PROVED: 2, Share.NAMED: 4, Share.STRANGE: 6})


def test_evidence_that_comes_twice_in_one_group_is_kept_once(house: House) -> None:
    row = evidence(0)
    assert kept_of(house, row, row) == [True, True]
    with house.unit() as unit:
        unit.session.connection().execute(update(QuarantineRow).values(opening=b""))
        assert keep(unit, [row]) == {quarantine.name_of(row)}
    with house.read() as session:
        (kept,) = session.scalars(select(QuarantineRow)).all()
    assert (kept.statement, kept.opening) == (row.statement, b""), "what was erased is not brought back"


def test_no_group_counts_rows(house: House) -> None:
    asked: list[str] = []
    with each_statement(house.engine, lambda statement, _values: asked.append(statement)):
        for number in range(3):
            with house.unit() as unit:
                keep(unit, [evidence(number)])
    assert any("quarantine" in one for one in asked)
    assert [one for one in asked if "count(" in one.lower()] == []


@pytest.mark.usefixtures("narrow")
def test_one_made_up_key_fills_its_own_room_and_no_more(house: House) -> None:
    assert kept_of(house, *map(evidence, range(9))) == [True] * 3 + [False] * 6
    assert kept_of(house, evidence(9)) == [False]
    assert kept_of(house, made_up(10)) == [True]


@pytest.mark.usefixtures("narrow")
def test_many_made_up_keys_fill_no_more_than_the_room_of_strangers(house: House) -> None:
    assert kept_of(house, *map(made_up, range(9))) == [True] * 6 + [False] * 3
    assert kept_of(house, evidence(20, A_STATION, A_KEY)) == [True]
    assert kept_of(house, evidence(21, room(Share.PROVED, b"an enrolled key"), A_STATION, A_KEY)) == [True]


@pytest.mark.usefixtures("narrow")
def test_who_names_many_stations_takes_nothing_of_what_an_enrolled_key_signed(house: House) -> None:
    for number in range(9):
        kept_of(house, evidence(number, room(Share.NAMED, f"station {number}"), A_KEY))
    with house.read() as session:
        assert held(session) == 4 + 3
    assert kept_of(house, evidence(20, room(Share.PROVED, b"an enrolled key"), A_STATION, A_KEY)) == [True]


@pytest.mark.usefixtures("narrow")
def test_what_finds_no_room_as_evidence_of_a_known_name_is_kept_as_a_strangers(house: House) -> None:
    assert kept_of(house, *(evidence(number, A_STATION, A_KEY) for number in range(9))) == [True] * 6 + [False] * 3


@pytest.mark.usefixtures("narrow")
def test_what_stands_stays_and_is_told_as_kept_when_all_is_full(house: House) -> None:
    first = made_up(0)
    assert kept_of(house, first) == [True]
    kept_of(house, *map(made_up, range(1, 9)))
    assert kept_of(house, first, made_up(9)) == [True, False]


@pytest.mark.usefixtures("narrow")
def test_two_processes_keep_no_more_together_than_there_is_room_for(house: House, other: House) -> None:
    def flood(process: House, first: int) -> None:
        for number in range(first, first + 20):
            with process.unit() as unit:
                keep(unit, [made_up(number)])

    threads = [Thread(target=flood, args=each) for each in ((house, 0), (other, 100))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with house.read() as session:
        assert held(session) == 6
        assert list(miscounted(session)) == []


def strange(yard: Yard, name: str, *, lane: int = 0, number: int = 0) -> Scan:
    """A scan that names an enrolled station and is signed by another key."""
    return forge(yard.stations[lane], yard.signed(yard.lanes[lane][number]), signer=key(name), salt=name)


@pytest.mark.usefixtures("narrow")
def test_a_flood_in_a_stations_name_leaves_room_for_what_another_enrolled_key_signed(house: House, yard: Yard) -> None:
    with running(house) as intake:
        for number in range(12):
            yard.take(intake, [strange(yard, f"made up {number}", lane=number % 2)])
        proved = forge(yard.stations[0], yard.signed(yard.lanes[0][0]), signer=yard.stations[1].signer)
        (ack,) = yard.take(intake, [proved])
    assert (ack.refused, ack.verdict.result) == (None, "quarantined")


@pytest.mark.usefixtures("narrow")
def test_who_sends_what_is_not_kept_is_told_so_and_sends_it_again_once_the_key_is_enrolled(
    house: House, yard: Yard
) -> None:
    *_, station = load_stations(3, seed=7)
    (lane,) = presign([station], each=6, at_ms=START_MS, seed=7)
    scans = [opened(scan) for scan in lane]
    with running(house) as intake:
        answers = hand_in(intake, scans).result(timeout=60)
        again = hand_in(intake, scans).result(timeout=60)
        assert [ack.index for ack in answers] == [None] * 6
        told = [(type(ack.refused), ack.refused and ack.refused.code) for ack in answers]
        assert told == [(type(None), None)] * 3 + [(Conflict, "not_kept")] * 3
        assert [ack.refused and ack.refused.code for ack in again] == [None] * 3 + ["not_kept"] * 3
        assert "nothing of it was kept" in str(answers[3].refused)
        enrol_station(house, station)
        taken = yard.take(intake, scans)
    assert [ack.verdict.result for ack in taken] == ["accepted"] * 6
    assert yard.complaints() == []


@pytest.mark.usefixtures("narrow")
def test_who_signed_wrongly_is_told_whether_that_was_kept(house: House, yard: Yard) -> None:
    wrong = [with_wrong_signature(scan) for scan in yard.lanes[0]]
    with running(house) as intake:
        yard.take(intake, [strange(yard, "another", number=number) for number in range(6)])
        answers = hand_in(intake, wrong).result(timeout=60)
    told = [ack.refused.detail if isinstance(ack.refused, Rejected) else "" for ack in answers]
    assert ["was kept as evidence" in each for each in told] == [True] * 3 + [False] * 3
    assert ["nothing of it was kept" in each for each in told] == [False] * 3 + [True] * 3


def test_of_a_batch_each_scan_is_told_whether_it_was_kept(
    house: House, yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "EACH", 2)
    batch = sealed(collected(yard.stations[0])[0])
    made_up_batch = other_batch(yard.stations[0], batch.batch, salt=bytes(16), signer=key("a stranger"))
    with running(house) as intake:
        acks = hand_in(intake, [made_up_batch]).result(timeout=60)
    codes = [ack.refused and ack.refused.code for ack in acks]
    assert codes == [None] * 4 + ["not_kept"] * (SIZE - 4), "two in the station's name, two under the key"
    with house.read() as session:
        assert held(session) == 4
