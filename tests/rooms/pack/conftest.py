"""The story that most tests look at: told and exported once for each file, so no file sees the traces of another."""

from collections.abc import Iterator

import pytest

from custody.investigation.pack.archive import read_zip
from custody.usecases.export_pack import PackExported
from tests.rooms.pack.pack_world import World, open_world, whole_story


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A parcel, a dispute, a lock and an investigation."""
    folder = tmp_path_factory.mktemp("pack")
    with open_world(f"sqlite:///{folder / 'house.sqlite3'}") as told:
        whole_story(told)
        yield told


@pytest.fixture(scope="module")
def pack(world: World) -> PackExported:
    """The pack of that story."""
    return world.export()


@pytest.fixture(scope="module")
def files(pack: PackExported) -> dict[str, bytes]:
    """The files in it."""
    return read_zip(pack.content)
