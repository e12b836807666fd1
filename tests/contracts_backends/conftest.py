"""The back-ends of the suite, each with its other side."""

from pathlib import Path

import pytest

from tests.contracts_backends.backend_bench import MAKERS, Bench


@pytest.fixture(params=sorted(MAKERS))
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    """One back-end, fresh."""
    return MAKERS[request.param](tmp_path, None)
