"""Lent to the tests of other people's verifiers: a log of ours as a folder, and callers in Go if they can be built."""

from collections.abc import Iterator

import pytest

from tests.contracts_log.small_house import OPENED, opened_house
from tests.oracles.published import Published
from tests.oracles.verifiers import C2spOracle, GoOracle


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    """Make a log of one full tile and a partial one, through the service's own intake."""
    folder = tmp_path_factory.mktemp("published")
    house = opened_house(f"sqlite:///{folder / 'log.db'}")
    made = Published(folder, house)
    assert made.size > 300
    yield made
    OPENED.remove(house)
    house.engine.dispose()


@pytest.fixture(scope="module")
def go(tmp_path_factory: pytest.TempPathFactory) -> GoOracle:
    """Lend the Go verifier, where this machine can build it."""
    built = GoOracle.build(tmp_path_factory.mktemp("go"))
    if built is None:
        pytest.skip("no Go, or golang.org/x/mod is not in its cache: cd tests/oracles/golang && go mod download")
    return built


@pytest.fixture(scope="module")
def c2sp(tmp_path_factory: pytest.TempPathFactory) -> C2spOracle:
    """Lend torchwood and Tessera, where this machine can build them."""
    built = C2spOracle.build(tmp_path_factory.mktemp("c2sp"))
    if built is None:
        pytest.skip(
            "no Go 1.27.3, or its modules are not in the cache: tests/oracles/verifiers.py says how to get them"
        )
    return built
