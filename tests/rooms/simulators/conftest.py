"""One small world for the tests of this room; imagining it takes half a second."""

import pytest

from simulators.history import PastConfig
from simulators.network import NetworkConfig, ThiefConfig, World, imagine

NOW_MS = 1_790_000_000_000


def small(seed: int = 5, *, link: str = "hub-1/hub_sort", shift: int | None = None, parcels: int = 60) -> NetworkConfig:
    """A world of that seed."""
    past = PastConfig(seed=seed, end_ms=NOW_MS, parcels=parcels)
    return NetworkConfig(past=past, thief=ThiefConfig(link=link, shift=shift))


@pytest.fixture(scope="session")
def world() -> World:
    """Lend the world that most tests look at."""
    return imagine(small())
