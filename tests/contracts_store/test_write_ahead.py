"""SQLite's write-ahead log is copied while others write, and what was deleted does not stay in it unsaid."""

import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from custody.store import log_reader, write_ahead
from custody.store.engine import open_engine
from custody.store.turn import Turn
from custody.store.unit import House
from custody.store.write_ahead import copy_pages, drop_old_pages, page_copier

COPYING = 121
"""The byte of the `-shm` file that whoever copies pages locks (SQLite, walformat, section 2.3.1: WAL_CKPT_LOCK)."""

HOLD = """
import fcntl, sys
with open(sys.argv[1], "r+b") as shared:
    fcntl.lockf(shared, fcntl.LOCK_EX, 1, int(sys.argv[2]))
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Return a database of the engine that has such a log; the house stands on it."""
    return sqlite_url


@pytest.fixture
def database(database_url: str) -> Path:
    """Where the database of a test lies."""
    return Path(database_url.removeprefix("sqlite:///"))


def record(house: House) -> int:
    """Write an entry; returns how many there are."""
    with house.unit() as unit:
        return unit.record("test", {}) + 1


def in_the_file(database: Path) -> int:
    """How many entries the database file itself holds, without the log beside it; 0 if it is half written."""
    alone = database.with_name("alone.sqlite3")
    shutil.copyfile(database, alone)
    with closing(sqlite3.connect(f"file:{alone}?immutable=1", uri=True)) as connection:
        try:
            (count,) = connection.execute("SELECT count(*) FROM entry").fetchone()
        except sqlite3.DatabaseError:
            return 0
    return int(count)


def soon_holds(database: Path, entries: int) -> bool:
    """Whether the file comes to hold so many."""
    ends_s = time.monotonic() + 30
    while (held := in_the_file(database)) != entries and time.monotonic() < ends_s:
        time.sleep(0.05)
    return held == entries


def time_of_log(database: Path) -> bytes:
    """What the write-ahead log's frames are marked with until it begins anew (walformat, section 4.1: the salts)."""
    return Path(f"{database}-wal").read_bytes()[16:24]


@contextmanager
def copying_elsewhere(database: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that is at copying pages until it is told to end, or for the whole block."""
    command = [sys.executable, "-c", HOLD, f"{database}-shm", str(COPYING)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def end(process: subprocess.Popen[str]) -> None:
    """Tell it to end."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def test_what_is_committed_comes_into_the_file_by_itself(house: House, database: Path) -> None:
    record(house)
    held = in_the_file(database)
    copier = page_copier(house.engine)
    house.after_commit = copier.poke
    copier.start()
    size = record(house)
    assert held < size
    with house.read() as reader:
        log_reader.size_now(reader)
        assert soon_holds(database, size), "a reader does not keep it from that"
    copier.stop()
    record(house)
    assert in_the_file(database) == size


def test_pages_that_cannot_be_copied_are_copied_later(house: House, database: Path) -> None:
    size = record(house)
    copier = page_copier(house.engine)
    copier.start()
    assert soon_holds(database, size), "it begins with what it finds"
    size = record(house)
    away = database.with_name("away.sqlite3")
    database.rename(away)
    database.mkdir()
    with capture_logs() as told:
        copier.poke()
        ends_s = time.monotonic() + 30
        while not told and time.monotonic() < ends_s:
            time.sleep(0.05)
    assert [line["why"] for line in told] == ["unable to open database file"]
    database.rmdir()
    away.rename(database)
    copier.poke()
    assert soon_holds(database, size)
    copier.stop()


def test_a_long_log_begins_anew_while_scans_come_in_all_the_while(
    house: House, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_ahead, "ANEW", 50)
    copier = page_copier(house.engine)
    house.after_commit = copier.poke
    record(house)
    before = time_of_log(database)
    copier.start()
    ends_s = time.monotonic() + 30
    while (anew := time_of_log(database)) == before and time.monotonic() < ends_s:
        record(house)
    copier.stop()
    assert anew != before


def test_a_short_log_is_copied_and_goes_on(house: House, database: Path) -> None:
    size = record(house)
    before = time_of_log(database)
    copying = threading.Thread(target=copy_pages, args=(database, Turn(house.engine)))
    with Turn(house.engine):
        copying.start()
        copying.join(30)
        assert not copying.is_alive(), "a short log needs no turn"
    assert in_the_file(database) == size
    assert time_of_log(database) == before


def test_a_long_log_waits_for_its_turn_when_all_that_could_be_copied_is(
    house: House, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_ahead, "ANEW", 1)
    size = record(house)
    copying = threading.Thread(target=copy_pages, args=(database, Turn(house.engine)))
    with Turn(house.engine):
        copying.start()
        assert soon_holds(database, size)
        copying.join(0.2)
        assert copying.is_alive()
    copying.join(30)
    assert not copying.is_alive()


def test_a_log_that_somebody_reads_does_not_begin_anew_and_keeps_no_scan_waiting(
    house: House, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_ahead, "ANEW", 1)
    turn = Turn(house.engine)
    with house.read() as reader:
        size = log_reader.size_now(reader)
        before = time_of_log(database)
        record(house)
        copy_pages(database, turn)
        record(house)
        assert time_of_log(database) == before
        assert log_reader.size_now(reader) == size, "the reader still sees what it began with"
    copy_pages(database, turn)
    record(house)
    assert time_of_log(database) != before


def test_what_was_deleted_goes_once_another_process_has_copied_its_pages(house: House, database: Path) -> None:
    record(house)
    with copying_elsewhere(database) as other:
        with closing(sqlite3.connect(database)) as connection:
            (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        assert busy, "the lock of the test is the one that copying takes"
        threading.Timer(0.5, end, [other]).start()
        assert drop_old_pages(house.engine)
    assert Path(f"{database}-wal").stat().st_size == 0


def test_it_is_told_if_somebody_reads_what_was_deleted_all_the_while(
    house: House, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_ahead, "WAIT_S", 0.1)
    monkeypatch.setattr(write_ahead, "HOLD_S", 0.1)
    with house.read() as reader:
        log_reader.size_now(reader)
        record(house)
        assert not drop_old_pages(house.engine)
        assert Path(f"{database}-wal").stat().st_size > 0
    assert drop_old_pages(house.engine)
    assert Path(f"{database}-wal").stat().st_size == 0


def test_on_postgresql_nothing_is_said_to_be_gone(postgres_url: str) -> None:
    engine = open_engine(postgres_url)
    assert not drop_old_pages(engine)
    engine.dispose()
