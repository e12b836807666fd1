"""What the log is found by is rebuilt from the log alone: all of it, nothing else, and nothing that was erased."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from sqlalchemy import text

from custody.kernel.clock import DAY_MS, to_iso
from custody.kernel.errors import Fatal, Unavailable
from custody.scans.scan import open_scan
from custody.scans.tolerances import Tolerances
from custody.store.engine import is_sqlite
from custody.store.unit import House
from custody.usecases.check_names import check_newest, unfound
from custody.usecases.erase import erase
from custody.usecases.rebuild_names import Rebuilt, rebuild_names
from custody.usecases.register_statement import register
from custody.usecases.replay_verdicts import compare_verdicts
from tests.contracts_log.shard_yard import sign_batch
from tests.contracts_log.small_house import (
    OTHER_SSCC,
    SSCC,
    VERIFIER,
    Bench,
    enrol_bench,
    opened_house,
    raises,
    send,
    size_of,
)
from tests.contracts_log.small_house import running_intake as running
from tests.contracts_log.test_check_names import IN_SPAN, change
from tests.contracts_log.test_grouping import WHOLE, close, enrolled, faults, houses, network_of, take
from tests.handed_in import hand_in
from tests.verifying import CHECKED, Verifier
from tests.world_parts import key

__all__ = ["enrolled"]
WRONG = b"\x07" * 32
TABLES = (
    "digest",
    "sorted_run",
    "station_head",
    "number_span",
    "late_number",
    "unopened",
    "station_key",
    "verifier_key",
    "attestation",
)


def rebuild(house: House, *, is_rehearsal: bool = False) -> Rebuilt:
    """What the command does."""
    with house.unit() as unit:
        return rebuild_names(
            unit, VERIFIER, Tolerances(), tell=lambda _what, _done, _size: None, is_rehearsal=is_rehearsal
        )


def wrong(found: Rebuilt) -> dict[str, tuple[int, int, bool]]:
    """What was wrong, by the kind of name."""
    return {each.name: (each.lost, each.foreign, each.moved) for each in found.tables if each.is_wrong}


class Yard:
    """A log in which numbers were taken in every way, and all that was sent to it."""

    def __init__(self, url: str) -> None:
        self.house = house = opened_house(url)
        self.bench = bench = enrol_bench(house)
        self.plain = [bench.sign(house) for _ in range(IN_SPAN)]
        send(house, *self.plain)
        twin, late, alone = bench.sign(house), bench.sign(house), bench.sign(house)
        send(house, twin)
        for statement in (late[0], alone[0]):
            register(house, statement, Tolerances())
        send(house, late)
        self.alone = alone
        self.batches = [
            sign_batch(house, bench, [SSCC, OTHER_SSCC]),
            sign_batch(house, bench, [SSCC, None, OTHER_SSCC]),
        ]
        with running(house) as intake:
            for batch in self.batches:
                hand_in(intake, [batch]).result(timeout=60)
        other = Bench(name=bench.name, signer=bench.signer, seq=bench.seq - 1, prev=WRONG)
        self.plain += [twin, late, other.sign(house)]
        send(house, self.plain[-1])
        self.verifier = Verifier(house=house, signer=key("pins"))
        self.verifier.enrol(key("registrar"))
        for held in (True, False):
            self.verifier.attest(WRONG, held=held)  # a scan that nobody has yet

    def answers(self) -> list[Any]:
        """What everything that was sent is answered when it comes again."""
        with running(self.house) as intake:
            scans = [open_scan(*pair) for pair in self.plain]
            parts = [scans, *[[batch] for batch in self.batches]]
            answered = [ack for part in parts for ack in hand_in(intake, part).result(timeout=60)]
        return [(ack.digest, ack.index, ack.position, ack.verdict) for ack in answered]

    def is_sound(self) -> bool:
        """Whether all is found, every verdict follows, and a service starts."""
        with self.house.read() as session:
            check_newest(session)
            replayed = compare_verdicts(session, Tolerances())
            return list(unfound(session)) == [] and (replayed.different, replayed.damaged) == ((), ())


@pytest.fixture
def yard(database_url: str) -> Yard:
    """Lend such a log."""
    return Yard(database_url)


def test_a_sound_database_is_left_as_it_is(yard: Yard) -> None:
    before = held(yard.house)
    assert wrong(rebuild(yard.house)) == {}
    assert held(yard.house) == before


def held(house: House, tables: Sequence[str] = TABLES) -> dict[str, list[Any]]:
    """Every row of tables, by default of those that may be rebuilt."""
    return {table: sorted(map(repr, rows_of(house, table))) for table in tables}


def rows_of(house: House, table: str) -> list[Any]:
    """The rows of a table as they are kept."""
    with house.read() as session:
        return list(session.execute(text(f"SELECT * FROM {table}")).all())  # noqa: S608 - our own names


DAMAGED_RUNS = {
    "digests lost": "DELETE FROM digest",
    "one digest lost": "DELETE FROM digest WHERE place = 1536",
    "leaf hash lost": "DELETE FROM digest WHERE place % 512 = 2",
    "a digest elsewhere": "UPDATE digest SET place = place + 5120 WHERE place = 1536",
    "a foreign digest": "INSERT INTO digest (run, digest, place) SELECT min(run), :wrong, 1536 FROM digest",
    "runs lost": "UPDATE digest SET run = run + 77",
}
"""Of digests, which have rows of their own on SQLite alone."""

DAMAGE = {
    "spans lost": "DELETE FROM number_span",
    "a span elsewhere": "UPDATE number_span SET last = last - 3",
    "a span torn": "UPDATE number_span SET taken = :wrong || :one",
    "a foreign span": "INSERT INTO number_span SELECT 'stranger', last, taken FROM number_span",
    "heads lost": "DELETE FROM station_head",
    "heads behind": "UPDATE station_head SET seq = 30",
    "heads torn": "UPDATE station_head SET taken = :one",
    "another head": "UPDATE station_head SET digest = :wrong",
    "late numbers lost": "DELETE FROM late_number",
    "late numbers elsewhere": "UPDATE late_number SET place = place + 512",
    "a foreign late number": "INSERT INTO late_number VALUES ('bench-07', 3, 5120)",
    "a late number in turn": "INSERT INTO late_number VALUES ('bench-07', 3, 2048)",
    "unopened lost": "DELETE FROM unopened",
    "another's unopened": "UPDATE unopened SET seq = seq + 40",
    "a foreign unopened": "INSERT INTO unopened VALUES (1536, 'bench-07', 3, :wrong, 'urn:uuid:0')",
    "keys lost": "DELETE FROM station_key",
    "a key revoked": "UPDATE station_key SET revoked_idx = 5, suspect_from_idx = 5",
    "a foreign key": "INSERT INTO station_key SELECT :wrong, 'eve', cose_key, 1, NULL, NULL FROM station_key",
    "verifiers lost": "DELETE FROM verifier_key",
    "a verifier revoked": "UPDATE verifier_key SET revoked_idx = 5, suspect_from_idx = 5",
    "attestations lost": "DELETE FROM attestation",
    "attestations turned round": "UPDATE attestation SET held = NOT held",
    "a foreign attestation": "UPDATE attestation SET scan = kid",
}


def damage(house: House, statement: str) -> None:
    """Somebody's hand in the database."""
    values = {"wrong": WRONG, "one": b"\x01"}
    change(house, statement, **{name: value for name, value in values.items() if f":{name}" in statement})


@pytest.mark.parametrize("statement", DAMAGE.values(), ids=list(DAMAGE))
def test_whatever_was_lost_or_put_elsewhere_is_rebuilt_and_repeats_are_answered_as_before(
    yard: Yard, statement: str
) -> None:
    rebuilt(yard, statement)


@pytest.mark.parametrize("statement", DAMAGED_RUNS.values(), ids=list(DAMAGED_RUNS))
def test_digests_in_runs_are_rebuilt_and_repeats_are_answered_as_before(sqlite_url: str, statement: str) -> None:
    rebuilt(Yard(sqlite_url), statement)


def test_on_postgresql_digests_are_lost_with_their_entries_alone(postgres_url: str) -> None:
    yard = Yard(postgres_url)
    with raises(Unavailable, "database"):
        damage(yard.house, "DELETE FROM digest")
    with yard.house.read() as session:
        held = session.scalar(text("SELECT COUNT(*) FROM digest"))
    assert held == size_of(yard.house) + 4, "every entry, and each scan of a batch that can be read"


def rebuilt(yard: Yard, statement: str) -> None:
    """What somebody's hand did to the database is put right, and nothing else is changed."""
    house, before = yard.house, yard.answers()
    size = size_of(house)
    damage(house, statement)
    rehearsed = rebuild(house, is_rehearsal=True)
    damaged = held(house)
    assert rehearsed.is_changed
    assert rebuild(house) == rehearsed
    assert held(house) != damaged
    assert wrong(rebuild(house)) == {}
    assert yard.is_sound()
    assert yard.answers() == before
    assert size_of(house) == size
    goes_on(yard, size)


def goes_on(yard: Yard, size: int) -> None:
    """New scans are taken, and the opening that still was to come."""
    house, bench = yard.house, yard.bench
    (opened, taken) = send(house, yard.alone, bench.sign(house))
    assert opened.index is not None
    assert opened.index < size, "it was in the log already"
    assert taken.verdict.result == "accepted", taken
    assert taken.index == size
    assert yard.is_sound()
    assert wrong(rebuild(house)) == {}


def test_what_verifiers_attested_of_what_was_erased_does_not_come_back(database_url: str) -> None:
    house = opened_house(database_url)
    bench, verifier = enrol_bench(house), Verifier(house=house, signer=key("pins"))
    verifier.enrol(key("registrar"))
    pair = bench.sign(house, **CHECKED)
    send(house, pair)
    verifier.attest(open_scan(*pair).digest)
    with house.unit() as unit:
        erase(unit, SSCC, reason="six years on", actor="supervisor-1", holds=lambda _session, _names: ())
    assert wrong(rebuild(house)) == {}
    verifier.attest(WRONG)
    damage(house, "DELETE FROM attestation")
    assert wrong(rebuild(house)) == {"attestations": (1, 0, False)}
    assert [scan for _, scan, *_ in rows_of(house, "attestation")] == [WRONG]


def test_a_rehearsal_changes_nothing(yard: Yard) -> None:
    for statement in ("DELETE FROM late_number", "DELETE FROM unopened"):
        damage(yard.house, statement)
    before = held(yard.house)
    found = wrong(rebuild(yard.house, is_rehearsal=True))
    assert found.keys() == {"numbers", "unopened"}
    assert held(yard.house) == before


def test_a_rehearsal_tells_how_many_digests_are_lost(sqlite_url: str) -> None:
    yard = Yard(sqlite_url)
    damage(yard.house, "DELETE FROM digest")
    before = held(yard.house)
    lost = size_of(yard.house) + 4, 0, False
    assert wrong(rebuild(yard.house, is_rehearsal=True)) == {"digests": lost}, "each entry and each scan of a batch"
    assert held(yard.house) == before


UNSOUND: dict[str, str] = {
    "a tile is damaged": "UPDATE tile SET hashes = :wrong WHERE level = 0",
    "entries are lost": "DELETE FROM entry WHERE idx = 7",
    "another statement stands there": "UPDATE entry SET raw = (SELECT raw FROM entry WHERE idx = 9) WHERE idx = 8",
    "entries go beyond the head": "INSERT INTO entry SELECT 900, digest, raw, content_type, received_ms FROM entry"
    " WHERE idx = 8",
    "the row of an entry has another digest": "UPDATE entry SET digest = :wrong WHERE idx = 8",
    "a verdict is lost": "DELETE FROM scan WHERE place = 1536",
    "a verdict of no scan": "UPDATE scan SET place = 5 WHERE place = 1536",
    "a verdict of another scan": "UPDATE scan SET seq = 99 WHERE place = 1536",
    "a verdict of another statement of that number": "UPDATE scan SET digest = substr(:wrong, 1, 4) WHERE place = 1536",
    "a verdict of another one, as rows of before hold it": "UPDATE scan SET digest = :wrong WHERE place = 1536",
    "an opening is lost": "DELETE FROM opening WHERE place = 1536",
    "batches are lost": "DELETE FROM batch",
    "leaves cannot be read": "UPDATE batch SET leaves = :wrong",
}
IN_A_ROW_OF_ITS_OWN = "UPDATE opening SET content = content WHERE place = 1536"
"""On PostgreSQL an opening then stands apart from the verdict of its scan, which can be lost without it."""


@pytest.mark.parametrize("statement", UNSOUND.values(), ids=list(UNSOUND))
def test_nothing_is_touched_where_the_log_itself_is_damaged_or_what_cannot_be_rebuilt(
    yard: Yard, statement: str
) -> None:
    damage(yard.house, "DELETE FROM late_number")
    damage(yard.house, IN_A_ROW_OF_ITS_OWN)
    damage(yard.house, statement)
    before = held(yard.house)
    with raises(Fatal, "rebuild"):
        rebuild(yard.house)
    assert held(yard.house) == before


def test_what_stood_in_two_runs_is_merged_as_ever_after_it_was_rebuilt(sqlite_url: str) -> None:
    yard = Yard(sqlite_url)
    damage(yard.house, "DELETE FROM sorted_run")
    assert wrong(rebuild(yard.house)) == {"digests": (size_of(yard.house) + 4, 0, True)}
    for _ in range(3):
        send(yard.house, *[yard.bench.sign(yard.house) for _ in range(300)])
    assert yard.is_sound()
    assert wrong(rebuild(yard.house)) == {}


def test_nothing_that_was_erased_comes_back(yard: Yard) -> None:
    house = yard.house
    with house.unit() as unit:
        erased = erase(unit, SSCC, reason="over", actor="supervisor-1", holds=lambda _session, _imeis: ())
    assert erased.openings
    left = ("opening", "item_key", "parcel", "scan", "erasure", "quarantine")
    before, numbers = held(house, left), held(house, TABLES[2:])
    wipe_all(house)
    assert rebuild(house).is_changed
    assert held(house, left) == before
    assert held(house, ("unopened", "station_key", "station_head")).items() <= numbers.items()
    assert yard.is_sound()


def test_a_batch_whose_numbers_others_took_is_nothing_that_its_station_goes_on_from(database_url: str) -> None:
    house = opened_house(database_url)
    bench = enrol_bench(house)
    send(house, bench.sign(house))
    seq, prev = bench.seq, bench.prev
    ahead = to_iso(house.clock.now_ms() + 3 * DAY_MS)
    apart = send(house, *[bench.sign(house, eventTime=ahead) for _ in range(2)])
    assert {ack.verdict.result for ack in apart} == {"quarantined"}
    bench.seq, bench.prev = seq, prev
    with running(house) as intake:
        hand_in(intake, [sign_batch(house, bench, [SSCC, None])]).result(timeout=60)
    rebuilt_is_as_taken(house)
    assert head_of(house) == seq


def test_a_late_opening_is_nothing_that_its_station_goes_on_from(database_url: str) -> None:
    house = opened_house(database_url)
    bench = enrol_bench(house)
    send(house, bench.sign(house))
    seq, bench.prev = bench.seq, WRONG
    late = bench.sign(house)
    register(house, late[0], Tolerances())
    (opened,) = send(house, late)
    assert opened.verdict.result != "quarantined"
    rebuilt_is_as_taken(house)
    assert head_of(house) == seq


def rebuilt_is_as_taken(house: House) -> None:
    """Nothing is found wrong as it was taken, and all is the same once it was lost and rebuilt."""
    assert wrong(rebuild(house)) == {}
    before = {name: rows for name, rows in held(house).items() if name not in ("digest", "sorted_run")}
    wipe_all(house)
    lost = {"digests", "numbers", "station keys"} if is_sqlite(house.engine) else {"numbers", "station keys"}
    assert wrong(rebuild(house)).keys() >= lost
    assert {name: held(house)[name] for name in before} == before


def head_of(house: House) -> int:
    """The number that the one station goes on from."""
    with house.read() as session:
        return int(session.execute(text("SELECT seq FROM station_head")).scalar_one())


def wipe_all(house: House) -> None:
    for table in TABLES:
        if table != "sorted_run" and (table != "digest" or is_sqlite(house.engine)):
            change(house, f"DELETE FROM {table}")  # noqa: S608 - our own names
    change(house, "DELETE FROM sorted_run WHERE table_name = 'digest'")


@settings(max_examples=25)
@given(acts=WHOLE)
def test_whatever_stations_do_the_log_leads_to_the_tables_that_taking_it_in_made(
    tmp_path_factory: pytest.TempPathFactory, enrolled: House, acts: list[Any]
) -> None:
    folder, network = tmp_path_factory.mktemp("rebuilt"), network_of(enrolled, acts)
    (one,), (other,) = houses(enrolled, folder / "one"), houses(enrolled, folder / "other")
    said: list[list[object]] = []
    for house, spoil in ((one, wipe_all), (other, nothing)):
        for statement in network.alone:
            register(house, statement, Tolerances())
        half = len(network.parts) // 2
        list(take([house], network.parts[:half], 3))
        assert wrong(rebuild(house)) == {}
        spoil(house)
        rebuild(house)
        said.append([*take([house], network.parts[half:], 1), *take([house], network.parts, 3)])
        assert wrong(rebuild(house)) == {}
        assert faults(house) == []
        assert wrong(rebuild(house)) == {}, "also after parcels were erased"
    assert said[0] == said[1]
    close()


def nothing(_house: House) -> None:
    """No damage."""
