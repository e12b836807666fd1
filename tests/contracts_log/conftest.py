"""Houses that a test opened are closed behind it."""

from collections.abc import Iterator

import pytest

from tests.contracts_log.small_house import OPENED


@pytest.fixture(autouse=True)
def close_houses() -> Iterator[None]:
    """Give the databases' connections back."""
    yield
    while OPENED:
        OPENED.pop().engine.dispose()
