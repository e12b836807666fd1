"""Houses on each engine in turn: every rule of the store holds on SQLite and on PostgreSQL."""

from collections.abc import Iterator

import pytest

from custody.store.unit import House
from tests.contracts_store.houses import Yard, begin, make_yard, open_house


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
