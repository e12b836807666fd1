"""What the log holds is found by its names; where tables do not go together, nobody appends before that is known."""

from pathlib import Path

import msgspec
import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from api.cli.commands import app
from custody.kernel.errors import Fatal
from custody.scans.place import place_of
from custody.scans.tolerances import Tolerances
from custody.store.number_book import SPAN
from custody.store.unit import House
from custody.usecases.check_names import NO_DIGEST, NO_NUMBER, check_newest, unfound
from custody.usecases.register_statement import register
from tests.contracts_log.shard_yard import sign_batch
from tests.contracts_log.small_house import OTHER_SSCC, SSCC, enrol_bench, open_house, opened_house, raises, send
from tests.contracts_log.small_house import running_intake as running
from tests.handed_in import hand_in

IN_SPAN = 2 * SPAN


def filled(url: str) -> House:
    """A log whose numbers were taken in every way.

    In spans, by some of the newest scans, in a batch, by a late opening and by one that never comes, by an event of a
    batch that cannot be read, and by other content under a number.
    """
    house = opened_house(url)
    bench = enrol_bench(house)
    send(house, *[bench.sign(house) for _ in range(IN_SPAN)])
    twin, late = bench.sign(house), bench.sign(house)
    send(house, twin)
    register(house, late[0], Tolerances())
    send(house, late)
    with running(house) as intake:
        hand_in(intake, [sign_batch(house, bench, [SSCC, OTHER_SSCC, None])]).result(timeout=60)
    register(house, bench.sign(house)[0], Tolerances())
    bench.seq, bench.prev = bench.seq - 1, b"other".ljust(32)
    send(house, bench.sign(house))
    return house


def change(house: House, statement: str, **values: object) -> None:
    """Somebody's hand in the database, or a table that was put back alone."""
    with house.unit() as unit:
        unit.session.connection().execute(text(statement), values)


def lost(house: House) -> dict[int, str]:
    """What is not found, by its place."""
    with house.read() as session:
        return {each.place: each.why for each in unfound(session)}


def starts(house: House) -> None:
    """What a service asks before it appends."""
    with house.read() as session:
        check_newest(session)


def test_all_is_found_however_it_was_taken(database_url: str) -> None:
    house = filled(database_url)
    assert lost(house) == {}
    starts(house)


def test_a_house_that_has_no_log_yet_starts(database_url: str) -> None:
    starts(open_house(database_url))


@pytest.mark.parametrize(
    ("statement", "why", "count"),
    [
        ("DELETE FROM number_span", NO_NUMBER, IN_SPAN),
        ("UPDATE station_head SET taken = :nothing", NO_NUMBER, 3),
        ("DELETE FROM late_number", NO_NUMBER, 2),
        ("DELETE FROM station_head", NO_NUMBER, None),
        ("UPDATE station_head SET seq = 30", NO_NUMBER, 5),
        ("DELETE FROM unopened", NO_NUMBER, 2),
        ("UPDATE unopened SET seq = seq + 40", NO_NUMBER, 2),
    ],
)
def test_what_lost_its_name_is_named_and_nothing_starts(
    database_url: str, statement: str, why: str, count: int | None
) -> None:
    nothing_starts(filled(database_url), statement, why, count)


def test_what_lost_its_digest_is_named_and_nothing_starts(sqlite_url: str) -> None:
    """On PostgreSQL entries and scans are found by the digests in their rows, which nothing loses."""
    nothing_starts(filled(sqlite_url), "DELETE FROM digest", NO_DIGEST, None)


def nothing_starts(house: House, statement: str, why: str, count: int | None) -> None:
    """After such a hand in the database all, or so many, are not found, and no service starts."""
    change(house, statement, **({"nothing": b""} if ":" in statement else {}))
    found = lost(house)
    assert set(found.values()) == {why}
    assert count is None or len(found) == count
    with raises(Fatal, "names"):
        starts(house)


def test_numbers_that_cannot_be_read_start_nothing(database_url: str) -> None:
    house = filled(database_url)
    change(house, "UPDATE station_head SET taken = :torn", torn=b"torn")
    with raises(Fatal, "names"):
        starts(house)


def test_one_digest_in_a_batch_is_missed_as_well(sqlite_url: str) -> None:
    house = filled(sqlite_url)
    with house.read() as session:
        place = session.execute(text("SELECT max(place) FROM digest WHERE place % 512 = 2")).scalar_one()
    change(house, "DELETE FROM digest WHERE place = :place", place=place)
    assert lost(house) == {place: NO_DIGEST}


def test_numbers_that_are_ahead_of_the_log_start_nothing(database_url: str) -> None:
    house = opened_house(database_url)
    bench = enrol_bench(house)
    (first, second) = send(house, bench.sign(house), bench.sign(house))
    assert (first.index, second.index) == (2, 3)
    change(house, "UPDATE log_head SET size = 3")
    with raises(Fatal, "names"):
        starts(house)


def test_the_command_says_what_is_not_found(tmp_path: Path) -> None:
    house = filled(f"sqlite:///{tmp_path / 'weaklink.db'}")
    command = ["log", "verdicts", "--data", str(tmp_path)]
    sound = CliRunner().invoke(app, [*command, "--json"])
    assert (sound.exit_code, msgspec.json.decode(sound.stdout)["unfound"]) == (0, [])
    change(house, "DELETE FROM digest WHERE place = :place", place=place_of(2))
    told, plain = CliRunner().invoke(app, [*command, "--json"]), CliRunner().invoke(app, command)
    assert (told.exit_code, plain.exit_code) == (1, 1)
    value = msgspec.json.decode(told.stdout)
    assert (value["ok"], value["unfound"]) == (False, [{"index": 2, "position": None, "why": NO_DIGEST}])
    assert f"entry 2: {NO_DIGEST}" in plain.stdout
    assert "`weaklink log rebuild`" in plain.stdout
