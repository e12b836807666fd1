"""A witness of ours in a process of its own."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from api.compose import free_port

WAIT_S = 60.0


class WitnessProcess:
    """One witness in a process of its own."""

    def __init__(self, folder: Path, name: str, log: str, *more: str) -> None:
        self.name, self._port = name, free_port()
        self._command = [sys.executable, "-m", "api.cli.main", "witness", "--name", f"{name}.example/w1", "--log", log]
        self._command += ["--data", str(folder / name), "--port", str(self._port), "--json", *more]
        self.start()

    def start(self) -> None:
        """Start it and wait until it says where it is."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        told = json.loads(self._process.stdout.readline())
        self.address, self.vkeys = told["address"], told["vkeys"]

    def stop(self, how: int = signal.SIGTERM) -> None:
        """End it."""
        if self._process.poll() is None:
            self._process.send_signal(how)
            self._process.wait(30)
        if self._process.stdout is not None:
            self._process.stdout.close()


def until(what: Callable[[], Any]) -> Any:
    """Wait for something to become true, and return it."""
    end = time.monotonic() + WAIT_S
    while True:
        value = what()
        if value:
            return value
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.1)
