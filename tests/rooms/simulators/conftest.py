"""One small world for the tests of this room, imagining which takes half a second, and a handset of its own each."""

from pathlib import Path

import pytest

from devicelock.rules.command import Op
from simulators.handset import Handset
from simulators.history import PastConfig
from simulators.network import NetworkConfig, ThiefConfig, World, imagine
from tests.rooms.simulators.hands import Operator, make_handset

NOW_MS = 1_790_000_000_000


def small(seed: int = 5, *, link: str = "hub-1/hub_sort", shift: int | None = None, parcels: int = 60) -> NetworkConfig:
    """A world of that seed."""
    past = PastConfig(seed=seed, end_ms=NOW_MS, parcels=parcels)
    return NetworkConfig(past=past, thief=ThiefConfig(link=link, shift=shift))


@pytest.fixture(scope="session")
def world() -> World:
    """Lend the world that most tests look at."""
    return imagine(small())


@pytest.fixture
def operator() -> Operator:
    """Lend an operator whose clock stands still."""
    return Operator()


@pytest.fixture
def handset(tmp_path: Path, operator: Operator) -> Handset:
    """Lend a handset that is on and has never been locked."""
    return make_handset(tmp_path, operator)


@pytest.fixture
def locked(handset: Handset, operator: Operator) -> Handset:
    """Lend a handset that is on and locked."""
    handset.take(operator.command(handset, Op.LOCK))
    return handset
