"""Whatever is stored in place of what was signed, the replay names the entry and follows the rest of the log."""

import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session
from typer.testing import CliRunner

from api.cli.commands import app
from custody.scans.place import place_of
from custody.scans.tolerances import Tolerances
from custody.store import batch_book
from custody.store.engine import open_engine
from custody.store.press import OPENINGS
from custody.store.unit import House
from custody.usecases.register_statement import register
from custody.usecases.replay_verdicts import Comparison, compare_verdicts
from tests.contracts_log.shard_yard import sign_batch
from tests.contracts_log.small_house import OTHER_SSCC, SSCC, Bench, enrol_bench, opened_house, running_intake, send
from tests.contracts_log.test_replay_verdicts import compare
from tests.handed_in import hand_in


class Yard(msgspec.Struct):
    """A log with a scan that came whole, one whose opening came late, a batch and a last scan; their entries."""

    house: House
    bench: Bench
    whole: int
    late: int
    batch: int
    last: int

    def change(self, statement: str, *values: Any) -> None:
        """Somebody's hand in the database."""
        with closing(self.house.engine.raw_connection()) as connection:
            cursor = connection.cursor()
            cursor.execute(statement, values)
            connection.commit()

    def record(self, **fields: Any) -> int:
        """A record that an opening came."""
        with self.house.unit() as unit:
            return unit.record("scan.opened", fields)


def filled(url: str) -> Yard:
    house = opened_house(url)
    bench = enrol_bench(house)
    (whole,) = send(house, bench.sign(house))
    late = bench.sign(house)
    at = register(house, late[0], Tolerances()).index
    send(house, late)
    with running_intake(house) as intake:
        batch = hand_in(intake, [sign_batch(house, bench, [SSCC, OTHER_SSCC])]).result(timeout=60)
    (last,) = send(house, bench.sign(house))
    return Yard(house, bench, whole.index or 0, at, batch[0].index or 0, last.index or 0)


@pytest.fixture
def yard(sqlite_url: str) -> Yard:
    made = filled(sqlite_url)
    assert found_of(compare(made.house)) == (5, [], [])
    return made


def found_of(found: Comparison) -> tuple[int, list[Any], list[int]]:
    """How many are the same, what differs, and which places are damaged."""
    return found.same, [each.place for each in found.different], [each.place for each in found.damaged]


@pytest.mark.parametrize("index", [None, "3", True, -1, 0, 2**60, "late again", "later"])
def test_a_record_of_an_opening_that_came_where_no_scan_waits_is_named(yard: Yard, index: Any) -> None:
    told = {"late again": yard.late, "later": yard.last + 1}.get(index, index)
    at = yard.record(index=told, digest=b"")
    send(yard.house, yard.bench.sign(yard.house))
    assert found_of(compare(yard.house)) == (6, [], [place_of(at)])


@pytest.mark.parametrize("name", ["whole", "late", "last"])
@pytest.mark.parametrize("content", [b"", b"junk", OPENINGS.press(b"junk" * 20), OPENINGS.press(b"")])
def test_a_scan_whose_opening_was_changed_is_named_and_nothing_else_is_blamed(
    yard: Yard, name: str, content: bytes
) -> None:
    place = place_of(getattr(yard, name))
    yard.change("UPDATE opening SET content = ? WHERE place = ?", content, place)
    found = compare(yard.house)
    assert (found.different, [each.place for each in found.damaged]) == ((), [place])
    assert found.same + len(found.after_erased) == 4


def test_a_scan_of_a_batch_whose_opening_was_changed_is_named_with_its_position(yard: Yard) -> None:
    place = place_of(yard.batch, 1)
    yard.change("UPDATE opening SET content = ? WHERE place = ?", OPENINGS.press(b"junk" * 20), place)
    found = compare(yard.house)
    assert found_of(found) == (4, [], [place])
    assert (found.damaged[0].index, found.damaged[0].position) == (yard.batch, 1)


@pytest.mark.parametrize("leaves", [b"", b"junk", batch_book.pack_leaves([]), batch_book.pack_leaves([b"leaf"] * 2)])
def test_a_batch_whose_leaves_are_not_those_that_were_signed_is_named(yard: Yard, leaves: bytes) -> None:
    yard.change("UPDATE batch SET leaves = ? WHERE idx = ?", leaves, yard.batch)
    assert found_of(compare(yard.house)) == (3, [], [place_of(yard.batch)])
    yard.change("DELETE FROM batch")
    assert found_of(compare(yard.house)) == (3, [], [place_of(yard.batch)])


def test_entries_that_are_not_there_are_named_once(yard: Yard) -> None:
    yard.change("DELETE FROM entry WHERE idx IN (?, ?)", yard.late, yard.late + 1)
    (hole,) = compare(yard.house).damaged
    assert (hole.index, hole.why) == (yard.late, f"the entries from {yard.late} to {yard.late + 1} are not there")
    yard.change("UPDATE log_head SET size = ?", 2**60)
    assert [each.index for each in compare(yard.house).damaged] == [yard.late, yard.last + 1]


def test_damage_ends_the_command_with_a_finding_and_not_with_an_error_of_use(tmp_path: Path) -> None:
    yard = filled(f"sqlite:///{tmp_path / 'weaklink.db'}")
    yard.change("UPDATE opening SET content = ? WHERE place = ?", b"junk", place_of(yard.last))
    told = CliRunner().invoke(app, ["log", "verdicts", "--data", str(tmp_path), "--json"])
    assert told.exit_code == 1, told.output
    value = msgspec.json.decode(told.stdout)
    assert value["ok"] is False
    assert [row["index"] for row in value["damaged"]] == [yard.last]


def test_the_command_names_what_it_takes_on_the_operators_word(tmp_path: Path) -> None:
    filled(f"sqlite:///{tmp_path / 'weaklink.db'}")
    plain, listed = (
        CliRunner().invoke(app, ["log", "verdicts", "--data", str(tmp_path), *more]) for more in ((), ["--json"])
    )
    taken = ["times of arrival", "results of scans that are erased or damaged"]
    assert msgspec.json.decode(listed.stdout)["on_operators_word"] == taken
    assert f"On the operator's word: {'; '.join(taken)}." in " ".join(plain.stdout.split())


COLUMNS = {
    "entry": ("raw", "content_type", "digest", "received_ms"),
    "opening": ("content", "erased_ms"),
    "scan": ("station", "seq", "digest", "received_ms", "result", "code", "flags"),
    "item_key": ("key", "place"),
    "batch": ("seal", "leaves"),
}
KEYS = {"entry": ["idx"], "opening": ["place"], "scan": ["place"], "item_key": ["key", "place"], "batch": ["idx"]}
VALUES = st.one_of(
    st.none(),
    st.binary(max_size=40),
    st.text(st.characters(codec="utf-8"), max_size=10),
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from(["~", "~a", ".record+cbor", ".scan+epcis", ".capture+epcis", ".scan-batch"]),
    st.binary(max_size=40).map(OPENINGS.press),
    st.lists(st.binary(max_size=9), max_size=3).map(batch_book.pack_leaves),
)
HANDS = st.lists(
    st.tuples(
        st.sampled_from([(table, column) for table, columns in COLUMNS.items() for column in columns]),
        st.integers(0, 9),
        VALUES,
    ),
    min_size=1,
    max_size=3,
)


@pytest.fixture(scope="module")
def backup(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the database of a yard that nobody has open."""
    path = tmp_path_factory.mktemp("yard") / "weaklink.db"
    yard = filled(f"sqlite:///{path}")
    yard.change("PRAGMA wal_checkpoint(TRUNCATE)")
    yard.house.engine.dispose()
    return path


@given(hands=HANDS)
def test_whatever_stands_in_a_row_the_replay_ends_and_tells(backup: Path, hands: list[Any]) -> None:
    path = backup.with_name("copy.db")
    shutil.copy(backup, path)
    engine = open_engine(f"sqlite:///{path}")
    with closing(engine.raw_connection()) as connection:
        cursor = connection.cursor()
        for (table, column), row, value in hands:
            names = ", ".join(KEYS[table])
            rows = cursor.execute(f"SELECT {names} FROM {table}").fetchall()  # noqa: S608 - our own names
            where = " AND ".join(f"{name} = ?" for name in KEYS[table])
            change = f"UPDATE OR IGNORE {table} SET {column} = ? WHERE {where}"  # noqa: S608 - our own names
            cursor.execute(change, (value, *rows[row % len(rows)]))
        connection.commit()
    with Session(engine) as session:
        found = compare_verdicts(session, Tolerances())
    engine.dispose()
    msgspec.json.encode([[each.stored, each.replayed] for each in found.different])
    assert found.same <= 5
