"""The brokers of the suite. Without Mosquitto its tests are skipped with the reason; with CI=true they fail."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contracts.broker_bench import Bench, EmbeddedBench, MosquittoBench, SimulatedBench
from tests.fixtures_broker import BrokerMissing, Mosquitto, find_mosquitto


@pytest.fixture(scope="session")
def mosquitto() -> Mosquitto:
    """The programs of Mosquitto."""
    try:
        return find_mosquitto()
    except BrokerMissing as why:
        if os.environ.get("CI", "").lower() in {"1", "true", "yes"}:
            pytest.fail(f"{why}; CI runs every test", pytrace=False)
        pytest.skip(str(why))


@pytest.fixture(
    params=[
        "simulated",
        pytest.param("embedded", marks=pytest.mark.broker),
        pytest.param("mosquitto", marks=pytest.mark.broker),
    ]
)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """One broker, started for this test."""
    made: Bench
    if request.param == "mosquitto":
        made = MosquittoBench(request.getfixturevalue("mosquitto"), tmp_path / "broker")
    else:
        made = SimulatedBench() if request.param == "simulated" else EmbeddedBench()
    yield made
    made.close()
