"""The worlds that stories happen in. Every story ends in an audit of its whole world."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.row_holds import row_holds
from tests.servers.postgres import PostgresServer
from tests.stories.http_service import Service, running_service
from tests.world import World, new_world, same_world


@pytest.fixture(autouse=True)
def held_in_one_order() -> Iterator[None]:
    """Nothing that happens in a story holds rows out of the order in which everybody holds them."""
    with row_holds() as broken:
        yield
    assert not broken, "\n".join(broken)


@pytest.fixture(scope="session")
def travelled(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Make the world in which most stories begin: two parcels were delivered and sold, the authority is in force."""
    folder = tmp_path_factory.mktemp("travelled")
    world = new_world(f"sqlite:///{folder / 'weaklink.sqlite3'}", folder)
    world.close()
    return world


@pytest.fixture
def world(travelled: World, tmp_path: Path) -> Iterator[World]:
    """Lend such a world of one's own, on SQLite."""
    mine = same_world(travelled, tmp_path / "world")
    yield mine
    mine.audit()
    mine.close()


@pytest.fixture
def either(database_url: str, tmp_path: Path) -> Iterator[World]:
    """Lend such a world on each engine in turn."""
    mine = new_world(database_url, tmp_path / "world")
    yield mine
    mine.audit()
    mine.close()


@pytest.fixture
def several(database_url: str, tmp_path: Path) -> Iterator[World]:
    """Lend a world of seven parcels that never came, in a house without standing authority, on each engine in turn."""
    mine = new_world(database_url, tmp_path / "world", parcels=6)
    mine.withdraw_authority()
    yield mine
    mine.audit()
    mine.close()


@pytest.fixture(scope="session", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Lend the real application on each engine in turn; what was told to it before is still there."""
    folder = tmp_path_factory.mktemp("service")
    if request.param == "sqlite":
        with running_service(folder / "data") as running:
            yield running
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with server.database() as url, running_service(folder / "data", database_url=url) as running:
        yield running
