"""What no backup takes back is one for all services of a log: the registry of retired handsets, and the newest head."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from api.compose import compose
from api.parts import Parts
from api.settings import read_settings
from custody.kernel.errors import Rejected

Start = Callable[..., Parts]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Lend a way to put services with one database and the same keys together."""
    made: list[Parts] = []

    def run(name: str, *, kept_outside: Path | None) -> Parts:
        database = f"sqlite:///{tmp_path / 'log.db'}"
        if made and not (tmp_path / name).exists():
            shutil.copytree(made[0].settings.data / "keys", tmp_path / name / "keys")
        settings = read_settings(data=tmp_path / name, database_url=database, kept_outside=kept_outside)
        made.append(compose(settings))
        return made[-1]

    yield run
    for parts in made:
        parts.backends.close()
        parts.engine.dispose()


def test_a_handset_that_one_service_retired_is_retired_for_another_on_the_same_database(
    start: Start, tmp_path: Path
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    one, other = (start(name, kept_outside=shared) for name in ("one", "other"))
    one.locks.anchor.retire("dev")
    assert other.locks.anchor.of("dev").retired
    assert sorted(path.name for path in shared.iterdir()) == ["anchor", "heads"]
    assert {"anchor", "heads"}.isdisjoint(path.name for path in (tmp_path / "one").iterdir())


def test_a_shared_folder_that_is_not_there_is_refused_and_not_made(start: Start, tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="no folder"):
        start("one", kept_outside=tmp_path / "shared")
    assert list(tmp_path.iterdir()) == []


def test_a_registry_that_would_be_left_behind_is_refused(start: Start, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    start("one", kept_outside=None).locks.anchor.retire("dev")
    with pytest.raises(Rejected, match="would not be read"):
        start("one", kept_outside=shared)
    (tmp_path / "one" / "anchor").rename(shared / "anchor")
    assert start("one", kept_outside=shared).locks.anchor.of("dev").retired


def test_a_service_alone_keeps_them_in_its_data_folder(start: Start, tmp_path: Path) -> None:
    start("one", kept_outside=None)
    assert (tmp_path / "one" / "anchor" / "locks.txt").read_text() == "epoch 1\n"
    start("one", kept_outside=tmp_path / "one")
    assert (tmp_path / "one" / "anchor" / "locks.txt").read_text() == "epoch 1\nepoch 2\n"
