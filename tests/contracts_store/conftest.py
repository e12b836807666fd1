"""Houses on each engine in turn: every rule of the store holds on SQLite and on PostgreSQL."""

from collections.abc import Iterator

import pytest

from custody.store.unit import House
from tests.contracts_store.houses import Yard, begin, make_yard, open_house
from tests.servers.postgres import PostgresServer


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """Lend a PostgreSQL database in which the tables are made and the log is open, copied from one made once."""
    with postgres_server.database(template=postgres_server.template("opened", prepare)) as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def empty_url(request: pytest.FixtureRequest, sqlite_url: str) -> Iterator[str]:
    """Lend an empty database of each engine in turn."""
    if request.param == "sqlite":
        yield sqlite_url
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with server.database() as url:
        yield url


def prepare(url: str) -> None:
    """Make the tables and open the log."""
    house = open_house(url, name="the first")
    begin(house)
    house.engine.dispose()


@pytest.fixture
def house(database_url: str) -> Iterator[House]:
    """Lend an open house: tables made, genesis written, nothing else."""
    made = open_house(database_url)
    begin(made)
    yield made
    made.engine.dispose()


@pytest.fixture
def other(database_url: str, house: House) -> Iterator[House]:
    """Lend the same database as another process sees it."""
    assert house.origin
    made = open_house(database_url, name="two")
    yield made
    made.engine.dispose()


@pytest.fixture
def yard(house: House) -> Yard:
    """Lend two enrolled stations with six signed scans each."""
    return make_yard(house)
