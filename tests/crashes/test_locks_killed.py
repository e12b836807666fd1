"""Handsets are locked and released while the service and its broker are killed: no command is lost or comes back."""

import sys
from pathlib import Path

import pytest

from simulators.lock_fleet import CAPS
from tests.benchmarks.weaklink_locks import soak
from tests.crashes.instances import killable

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the test finds the broker of a service by /proc"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"),
]


def test_no_lock_and_no_release_is_lost_when_service_and_broker_are_killed(tmp_path: Path) -> None:
    with killable(tmp_path / "data", settings=CAPS) as service:
        figures = soak(service, tmp_path, handsets=12, cycles=30, kills=4)
    assert figures["connected"] == 12
    assert figures["cycles_done"] == 30
    assert figures["killed"] == {"service": 2, "broker": 2}
    assert figures["kept_locked"] == 2
    assert int(str(figures["commands_applied"])) >= 2 * 30 + 2, "one may be signed anew while its answer is lost"
