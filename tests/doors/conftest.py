"""A private instance of the service for the tests of a module."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.cli.instance import Instance
from api.compose import free_port


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """A running service with its first accounts."""
    folder: Path = tmp_path_factory.mktemp("service")
    running = Instance(folder / "data", port=free_port())
    running.start()
    yield running
    running.stop()
