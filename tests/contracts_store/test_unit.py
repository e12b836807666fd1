"""A unit of work is durable as a whole or leaves nothing behind; a commit whose answer is lost is one or the other."""

import psycopg
import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import TimeoutError as NoneFree
from sqlmodel import Session
from structlog.testing import capture_logs

from custody.kernel.clock import DAY_MS
from custody.kernel.errors import Fatal, Rejected, Unavailable
from custody.store import outbox
from custody.store.engine import open_engine
from custody.store.tables import CheckpointRow, EntryRow, LogHeadRow, OpeningRow, OutboxRow, SaleRow, TileRow
from custody.store.unit import House, Unit
from tests.contracts_store.faults import broken_commit
from tests.contracts_store.houses import Yard, begin, open_house, running
from tests.handed_in import hand_in
from tests.world_parts import START_MS

TABLES = (CheckpointRow, EntryRow, LogHeadRow, OpeningRow, OutboxRow, SaleRow, TileRow)
LATER_MS = START_MS + DAY_MS
NEVER_MS = 2**50


def everything(house: House) -> list[object]:
    """How many rows there are, and the head as it stands."""
    with house.read() as session:
        counts = [session.scalar(select(func.count()).select_from(table)) for table in TABLES]
        head = session.scalars(select(LogHeadRow)).one()
        return [*counts, head.size, head.note]


def write(unit: Unit, name: str) -> int:
    """A row, an outbox row and a record."""
    unit.session.add(SaleRow(order_ref=name, imei="urn:gsma:imei:1", facts="{}", recorded_ms=1, recorded_idx=1))
    outbox.put(unit, topic="t", payload=b"p", key=name, priority=1, expires_ms=NEVER_MS)
    return unit.record("test.written", {"name": name})


def test_what_a_unit_writes_is_there_after_it_and_not_before(house: House, other: House) -> None:
    before = everything(other)
    with house.unit() as unit:
        index = write(unit, "one")
        unit.session.flush()
        assert everything(other) == before, "another process sees nothing of a unit that is not over"
    with other.read() as session:
        entry = session.get(EntryRow, index)
    assert entry is not None
    assert everything(other) != before


@pytest.mark.parametrize(
    "error", [Rejected("test", "refused", fix="Nothing."), ValueError("a bug"), KeyboardInterrupt()]
)
def test_a_unit_that_fails_leaves_nothing_behind(house: House, error: BaseException) -> None:
    before = everything(house)
    with pytest.raises(type(error)), house.unit() as unit:
        fail_after_writing(unit, error)
    assert everything(house) == before
    with house.unit() as unit:
        write(unit, "after")


def fail_after_writing(unit: Unit, error: BaseException) -> None:
    """Write, flush, and fail."""
    write(unit, "lost")
    unit.session.flush()
    raise error


@pytest.mark.parametrize("applied", [False, True], ids=["lost", "applied"])
def test_a_house_knows_whether_the_database_takes_what_it_writes(house: House, *, applied: bool) -> None:
    with broken_commit(house.engine, applied=applied), pytest.raises(Unavailable, match="database"):
        write_alone(house, "one")
    assert not house.writes
    with house.unit() as unit:
        assert unit.log.size
    assert not house.writes, "nothing was written"
    with pytest.raises(Rejected), house.unit() as unit:
        fail_after_writing(unit, Rejected("test", "refused", fix="Nothing."))
    assert not house.writes, "that unit was never handed to the database"
    write_alone(house, "two")
    assert house.writes
    with pytest.raises(Unavailable, match="same moment"):
        write_alone(house, "two")
    assert house.writes, "the database had said that it was there"


def write_alone(house: House, name: str) -> None:
    """A unit of its own."""
    with house.unit() as unit:
        write(unit, name)
        unit.session.flush()


def test_nobody_is_told_of_a_commit_that_did_not_happen(house: House) -> None:
    told: list[int] = []
    house.after_commit = lambda: told.append(1)
    with pytest.raises(ValueError, match="bug"), house.unit() as unit:
        fail_after_writing(unit, ValueError("a bug"))
    assert told == []
    with house.unit() as unit:
        write(unit, "one")
        assert told == []
    assert told == [1]


def test_the_time_of_a_unit_is_read_once(house: House) -> None:
    with house.unit() as unit:
        first = unit.now_ms
        index = write(unit, "one")
        assert unit.now_ms == first
    with house.read() as session:
        entry = session.get(EntryRow, index)
        assert entry is not None
        assert entry.received_ms == first


def test_a_newer_message_replaces_one_that_has_not_left_yet(house: House) -> None:
    with house.unit() as unit:
        write(unit, "device:1")
        outbox.put(unit, topic="t", payload=b"newer", key="device:1", priority=0, expires_ms=NEVER_MS)
    with house.read() as session:
        (row,) = outbox.pending(session, now_ms=LATER_MS)
        assert row.payload == b"newer"
    with house.unit() as unit:
        outbox.mark_published(unit, [row])
        outbox.put(unit, topic="t", payload=b"newest", key="device:1", priority=0, expires_ms=NEVER_MS)
    with house.read() as session:
        assert [row.payload for row in outbox.pending(session, now_ms=LATER_MS)] == [b"newest"]
        assert outbox.pending(session, now_ms=NEVER_MS) == [], "what has expired does not leave any more"


def test_a_message_that_replaces_one_on_its_way_still_leaves(house: House) -> None:
    with house.unit() as unit:
        write(unit, "device:1")
    with house.read() as session:
        on_its_way = outbox.pending(session, now_ms=LATER_MS)
    with house.unit() as unit:
        outbox.put(unit, topic="t", payload=b"newer", key="device:1", priority=0, expires_ms=NEVER_MS)
    with house.unit() as unit:
        outbox.mark_published(unit, on_its_way)
    with house.read() as session:
        assert [row.payload for row in outbox.pending(session, now_ms=LATER_MS)] == [b"newer"]


def test_what_is_on_its_way_is_left_out_and_what_took_its_id_is_not(house: House) -> None:
    with house.unit() as unit:
        for name in ("device:1", "device:2"):
            outbox.put(unit, topic="t", payload=name.encode(), key=name, priority=0, expires_ms=NEVER_MS)
    with house.read() as session:
        first, second = outbox.pending(session, now_ms=LATER_MS)
        assert outbox.pending(session, now_ms=LATER_MS, but={first.name}) == [second]
        assert outbox.pending(session, now_ms=LATER_MS, limit=1, but={first.name}) == [second]
        other = first.name._replace(created_ms=first.created_ms - 1)
        assert outbox.pending(session, now_ms=LATER_MS, but={other}) == [first, second]


def write_in_a_unit(house: House, name: str) -> None:
    """A unit that writes."""
    with house.unit() as unit:
        write(unit, name)


def size_of(house: House) -> int:
    """How long the log is."""
    with house.unit() as unit:
        return unit.log.size


@pytest.mark.parametrize("applied", [False, True])
def test_a_commit_whose_answer_is_lost_is_whole_or_nothing(house: House, yard: Yard, *, applied: bool) -> None:
    before, index = everything(house), size_of(house)
    with broken_commit(house.engine, applied=applied), pytest.raises(Unavailable, match="database"):
        write_in_a_unit(house, "one")
    assert (everything(house) != before) is applied
    with house.read() as session:
        found = session.get(EntryRow, index), session.get(SaleRow, "one")
        assert [each is not None for each in found] == [applied, applied]
        assert len(outbox.pending(session, now_ms=LATER_MS)) == int(applied)
    with house.unit() as unit:
        write(unit, "two")
    complaints = yard.complaints()
    assert all("sale" in each or "outbox" in each for each in complaints), complaints


def test_why_the_database_did_not_answer_is_told_to_whoever_runs_the_service_and_to_no_caller(house: House) -> None:
    with capture_logs() as lines, broken_commit(house.engine, applied=False), pytest.raises(Unavailable) as caught:
        write_in_a_unit(house, "one")
    assert [line["why"] for line in lines] == ["the line to the database broke"]
    assert "broke" not in caught.value.detail


def test_a_unit_for_which_no_connection_comes_free_in_time_may_be_tried_again(house: House) -> None:
    def wait_in_vain(*_given: object) -> None:
        raise NoneFree("no connection came free")

    event.listen(house.engine, "begin", wait_in_vain)
    for act in (size_of, everything):
        with pytest.raises(Unavailable, match="database"):
            act(house)
    event.remove(house.engine, "begin", wait_in_vain)
    write_in_a_unit(house, "one")


def test_a_connection_to_a_server_that_takes_no_writes_any_more_is_left_for_a_new_one(postgres_url: str) -> None:
    """As after a failover: else a unit would be given that connection again and again, until a restart."""
    house = open_house(postgres_url)
    begin(house)
    with house.engine.connect() as connection:
        connection.execute(text("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"))
        connection.commit()
    with pytest.raises(Unavailable, match="database"):
        write_in_a_unit(house, "one")
    write_in_a_unit(house, "one")
    house.engine.dispose()


def test_a_server_that_has_gone_without_a_word_is_noticed_and_what_the_address_says_of_it_counts(
    postgres_url: str,
) -> None:
    engine = open_engine(f"{postgres_url}&keepalives_idle=60")
    with engine.connect() as connection:
        line = connection.connection.dbapi_connection
        assert isinstance(line, psycopg.Connection)
        told = line.info.get_parameters()
    engine.dispose()
    assert (told["keepalives_idle"], told["keepalives_interval"], told["tcp_user_timeout"]) == ("60", "5", "25000")


@pytest.mark.parametrize("applied", [False, True])
def test_scans_whose_commit_broke_are_sent_again_and_stand_once(house: House, yard: Yard, *, applied: bool) -> None:
    scans = yard.lanes[0][:3]
    with running(house) as intake:
        with broken_commit(house.engine, applied=applied):
            future = hand_in(intake, scans)
            with pytest.raises(Unavailable):
                future.result(timeout=60)
        answers = yard.take(intake, scans)
    assert {ack.verdict.result for ack in answers} == {"duplicate" if applied else "accepted"}
    with house.read() as session:
        stored = [row.digest for row in session.scalars(select(EntryRow)).all()]
    assert [stored.count(scan.digest) for scan in scans] == [1, 1, 1]
    assert yard.complaints() == []


def test_a_snapshot_for_reading_writes_nothing(house: House) -> None:
    before = everything(house)
    with house.read() as session:
        session.add(SaleRow(order_ref="x", imei="urn:gsma:imei:1", facts="{}", recorded_ms=1, recorded_idx=1))
        session.flush()
    assert everything(house) == before
    with Session(house.engine) as session:
        assert session.get(SaleRow, "x") is None


def test_what_an_act_would_come_to_is_asked_while_somebody_else_writes_and_nothing_of_it_is_kept(house: House) -> None:
    before = everything(house)
    with house.unit(), house.look() as unit:
        assert unit.session.get(SaleRow, "x") is None
    with house.look() as unit:
        unit.record("made.up", {"by": "a test"})
        unit.session.add(SaleRow(order_ref="x", imei="urn:gsma:imei:1", facts="{}", recorded_ms=1, recorded_idx=1))
        unit.session.flush()
    assert everything(house) == before
    with Session(house.engine) as session:
        assert session.get(SaleRow, "x") is None


def test_a_database_that_hangs_up_in_the_middle_is_unavailable_and_the_next_unit_works(postgres_url: str) -> None:
    """The next thing is a statement that goes past SQLAlchemy, which does not learn there that the line has ended."""
    house, other = open_house(postgres_url), open_house(postgres_url, name="two")
    begin(house)
    before = everything(other)
    with pytest.raises(Unavailable), house.unit() as unit:
        go_on_after_the_line_ended(unit, other)
    assert everything(other) == before
    with house.unit() as unit:
        write(unit, "after")
    assert everything(other) != before
    house.engine.dispose()
    other.engine.dispose()


def go_on_after_the_line_ended(unit: Unit, other: House) -> None:
    """Write, let the server end the unit's connection, and write on."""
    write(unit, "one")
    backend = unit.session.scalar(select(func.pg_backend_pid()))
    with other.read() as session:
        assert session.scalar(select(func.pg_terminate_backend(backend, 5_000)))
    outbox.put(unit, topic="t", payload=b"p", key="two", priority=1, expires_ms=NEVER_MS)


@pytest.mark.parametrize("name", ["kind", "at_ms"])
def test_no_fact_takes_the_name_of_a_records_own_kind_or_time(house: House, name: str) -> None:
    before = everything(house)
    with pytest.raises(Fatal, match=name), house.unit() as unit:
        unit.record("made.up", {name: 1})
    assert everything(house) == before
