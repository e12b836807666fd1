"""Writing to SQLite goes in turns, over threads and over processes."""

import fcntl
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from custody.kernel.errors import Rejected
from custody.store.engine import open_engine
from custody.store.turn import SUFFIX, Turn


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Where the database of a test lies."""
    return tmp_path / "weaklink.db"


@pytest.fixture
def turn(database: Path) -> Iterator[Turn]:
    """The turn at a database."""
    engine = open_engine(f"sqlite:///{database}")
    yield Turn(engine)
    engine.dispose()


def is_free(database: Path) -> bool:
    """Whether another process could take the turn."""
    file = os.open(f"{database}{SUFFIX}", os.O_RDWR)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(file)
    return True


def test_a_turn_keeps_other_processes_out_until_it_ends_also_by_an_error(turn: Turn, database: Path) -> None:
    assert is_free(database)
    with turn:
        assert not is_free(database)
    with pytest.raises(ValueError, match="a bug"), turn:
        raise ValueError("a bug")
    assert is_free(database)


def test_a_turn_keeps_other_threads_out(turn: Turn) -> None:
    inside, most = [0], [0]

    def enter() -> None:
        for _ in range(200):
            with turn:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                inside[0] -= 1

    threads = [threading.Thread(target=enter) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert most == [1]


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file::memory:?cache=shared&uri=true"])
def test_a_database_that_would_be_gone_with_its_process_is_refused(url: str) -> None:
    with pytest.raises(Rejected) as refused:
        open_engine(url)
    assert "Name a file" in refused.value.fix
