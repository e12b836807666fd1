"""Houses that a test opened are closed behind it; a witness's folder; a yard of shards on each engine; a world."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from custody.store.unit import House
from custody.store.witness_folder import WitnessFolder
from tests.contracts_log.shard_yard import Yard
from tests.contracts_log.small_house import OPENED, opened_house
from tests.servers.postgres import PostgresServer
from tests.world import World, new_world


@pytest.fixture(autouse=True)
def close_houses() -> Iterator[None]:
    """Give the databases' connections back."""
    yield
    while OPENED:
        OPENED.pop().engine.dispose()


@pytest.fixture
def house(sqlite_url: str) -> House:
    """Return a log of one entry."""
    return opened_house(sqlite_url)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[WitnessFolder]:
    """Lend a witness's folder."""
    held = WitnessFolder(tmp_path / "witness")
    yield held
    held.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def yard(request: pytest.FixtureRequest, sqlite_url: str) -> Iterator[Yard]:
    """Lend a yard of shards over SQLite, and over PostgreSQL."""
    if request.param == "sqlite":
        yield Yard.over(sqlite_url)
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with server.database(template=server.template("opened house", prepare)) as url:
        made = Yard.over(url)
        yield made
        made.house.engine.dispose()


def prepare(url: str) -> None:
    """Make the tables and open the log, once for all yards."""
    opened_house(url).engine.dispose()


@pytest.fixture
def world(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    """Lend a world in which two parcels were delivered and sold."""
    made = new_world(sqlite_url, tmp_path / "world", parcels=1)
    yield made
    made.close()
