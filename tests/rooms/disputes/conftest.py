"""What the tests of casework share: the policy, counted identifiers and one instant."""

import pytest

from custody.disputes.policy import DEFAULT_POLICY, CaseworkPolicy
from custody.kernel.clock import Instant, from_iso


class CountedIds:
    """Identifiers that count up, so that two runs give the same ones."""

    def __init__(self) -> None:
        self._count = 0

    def new(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}_{self._count}"

    def random_bytes(self, count: int) -> bytes:
        self._count += 1
        return self._count.to_bytes(count, "big")


@pytest.fixture
def policy() -> CaseworkPolicy:
    return DEFAULT_POLICY


@pytest.fixture
def ids() -> CountedIds:
    return CountedIds()


@pytest.fixture
def now_ms() -> Instant:
    return from_iso("2026-05-11T08:12:30.000+01:00")
