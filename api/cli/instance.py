"""A private instance of the service in a process of its own, on free ports and a folder of its own."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from api.environment import environment_with
from custody.kernel.errors import Unavailable

START_S = 180.0
STOP_S = 15.0
POLL_S = 0.05


class Instance:
    """Starts, stops, kills and restarts one service; `address` and `accounts` stand after the first start."""

    def __init__(
        self, data: Path, *, port: int, options: tuple[str, ...] = (), settings: Mapping[str, str] | None = None
    ) -> None:
        """`settings` are given as environment variables, by their names without the prefix."""
        self.data = data
        self.port = port
        self.address = f"http://127.0.0.1:{port}"
        self.accounts: dict[str, str] = {}
        self._options = options
        self._settings = dict(settings or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._log = data.parent / f"{data.name}.log"

    @property
    def pid(self) -> int | None:
        """The process id of the service while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def log(self) -> str:
        """What the service has printed."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def start(self) -> None:
        """Start it and wait until it says where it is and answers; raises `Unavailable("service")`."""
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        command = [
            sys.executable,
            "-P",
            "-m",
            "api.cli.main",
            "serve",
            "--port",
            str(self.port),
            "--data",
            str(self.data),
        ]
        before = len(self.log)
        with self._log.open("ab") as out:
            self._process = subprocess.Popen(  # noqa: S603 - this project, run by this interpreter
                [*command, *self._options],
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                env=environment_with(self._settings),
            )
        deadline = time.monotonic() + START_S
        while self.address not in self.log[before:] or not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise Unavailable("service", f"the service did not start: {self.log[-800:]}", fix=f"Read {self._log}.")
            time.sleep(POLL_S)
        self.accounts |= dict(re.findall(r"^  (\S+)\s+(\S+)$", self.log, re.MULTILINE))

    def stop(self) -> None:
        """Ask it to stop and wait until it is gone."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        os.kill(self._process.pid, how)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.address}/healthz", timeout=1.0).is_success
        except httpx.HTTPError:
            return False


class Ended(KeyboardInterrupt):
    """A signal has asked this command to end; its number is the argument."""


@contextmanager
def ended_in_order() -> Iterator[None]:
    """Take SIGTERM, and SIGHUP of a terminal that closes, as Ctrl-C, so that no service is left without its command."""

    def end(number: int, _frame: object) -> None:
        raise Ended(number)

    heard = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is signal.SIG_DFL]
    for number in heard:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in heard:
            signal.signal(number, signal.SIG_DFL)
