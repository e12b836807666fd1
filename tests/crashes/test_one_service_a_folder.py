"""A data folder serves one service at a time, and is free again the moment that one is gone, however it went."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from api.cli.instance import START_S
from tests.crashes.instances import broker_of, killable
from tests.crashes.test_workers import until_there_are

PLACES = ("mqtt-port.txt", "instance.txt")
"""Where handsets find the broker, and by which name the broker knows the service."""


def test_a_second_service_on_a_folder_is_refused_and_moves_nothing(tmp_path: Path) -> None:
    with killable(tmp_path / "data") as service:
        data = service.instance.data
        before = [(data / name).read_bytes() for name in PLACES]
        command = [sys.executable, "-P", "-m", "api.cli.main", "serve", "--port", "0", "--data", str(data)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=START_S)
        assert (ended.returncode, ended.stdout) == (1, "")
        what, fix = ended.stderr.splitlines()
        assert what == f"error a service already uses {data}"
        assert "--data" in fix
        assert [(data / name).read_bytes() for name in PLACES] == before


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the test finds the processes of a service by /proc")
def test_a_killed_service_starts_again_at_once_although_its_children_have_not_ended(tmp_path: Path) -> None:
    with killable(tmp_path / "data", workers=2) as service:
        children = [broker_of(service.instance), *until_there_are(service, 1)]
        for child in children:
            os.kill(child, signal.SIGSTOP)
        try:
            service.kill()
        finally:
            for child in children:
                os.kill(child, signal.SIGKILL)
