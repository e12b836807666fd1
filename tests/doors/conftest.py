"""A private instance of the service for the tests of a module."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from api.cli.instance import Instance
from api.compose import free_port
from tests.doors.case_desk import OURS, CaseDesk
from tests.doors.sign_on_desk import SignOnDesk
from tests.stories.http_service import running_service


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """A running service with its first accounts."""
    folder: Path = tmp_path_factory.mktemp("service")
    running = Instance(folder / "data", port=free_port())
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CaseDesk]:
    """Lend the real application in this process, and a client of its."""
    with (
        running_service(tmp_path_factory.mktemp("desk") / "data") as house,
        httpx.Client(base_url=house.address, timeout=30, headers=OURS) as http,
    ):
        yield CaseDesk(house=house, http=http)


@pytest.fixture
def http(desk: SignOnDesk) -> Iterator[httpx.Client]:
    """Lend a browser of a person's, where a module's desk is one at which people sign in."""
    with desk.browser() as browser:
        yield browser
