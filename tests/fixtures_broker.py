"""Starting brokers for tests: Mosquitto from the machine or from a Debian package, on a free port of 127.0.0.1.

Mosquitto is taken from PATH; else from `.tools/mosquitto` in the checkout; else its package and libraries are fetched
there with `apt-get download` and unpacked with `dpkg-deb -x`, without root and without installing. Where none of that
works `BrokerMissing` says why. The broker of the service itself needs nothing: see `api.process.embedded_broker`.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from api.compose import free_port

CHECKOUT = Path(__file__).resolve().parents[1]
TOOLS = CHECKOUT / ".tools" / "mosquitto"
HOST = "127.0.0.1"
START_S = 60.0
FETCH_S = 300

ACCESS = """
# Anonymous clients of the tests may do everything.
topic readwrite #

user server
topic write dl/v1/+/cmd
topic read dl/v1/+/ack
topic read dl/v1/+/hello
topic read dl/v1/+/status

pattern read dl/v1/%u/cmd
pattern write dl/v1/%u/ack
pattern write dl/v1/%u/hello
pattern write dl/v1/%u/status
"""


class BrokerMissing(Exception):
    """No Mosquitto on this machine, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mosquitto:
    """Where the programs are, and the libraries they need."""

    broker: Path
    passwords: Path
    libraries: str | None

    def environment(self) -> dict[str, str]:
        """What the programs are started with."""
        return {**os.environ, **({"LD_LIBRARY_PATH": self.libraries} if self.libraries else {})}


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerTls:
    """The broker's own certificate, and whether clients must show one, whose common name is then their user."""

    ca_file: Path
    cert_file: Path
    key_file: Path
    ask_clients: bool = False


def find_mosquitto(tools: Path = TOOLS) -> Mosquitto:
    """The programs, fetched if need be; raises `BrokerMissing`."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    broker, passwords = shutil.which("mosquitto", path=path), shutil.which("mosquitto_passwd", path=path)
    if broker and passwords:
        return Mosquitto(broker=Path(broker), passwords=Path(passwords), libraries=None)
    if not (tools / "usr/sbin/mosquitto").exists():
        _fetch(tools)
    folders = {str(found.parent) for found in tools.rglob("*.so*")}
    return Mosquitto(
        broker=tools / "usr/sbin/mosquitto",
        passwords=tools / "usr/bin/mosquitto_passwd",
        libraries=os.pathsep.join(sorted(folders)),
    )


class MosquittoBroker:
    """One broker with its own folder. It keeps its sessions there over a restart."""

    def __init__(
        self,
        found: Mosquitto,
        folder: Path,
        *,
        users: Mapping[str, str] | None = None,
        anonymous: bool = True,
        tls: BrokerTls | None = None,
    ) -> None:
        self.port = free_port()
        self._found = found
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "access").write_text(ACCESS)
        (folder / "passwords").touch(mode=0o600)
        (folder / "access").chmod(0o600)
        for user, password in (users or {}).items():
            command: list[str | Path] = [found.passwords, "-b", folder / "passwords", user, password]
            subprocess.run(command, env=found.environment(), check=True, capture_output=True)
        (folder / "mosquitto.conf").write_text("\n".join(self._lines(anonymous=anonymous, tls=tls)) + "\n")

    def start(self) -> None:
        """Start it and wait until it accepts connections."""
        command: list[str | Path] = [self._found.broker, "-c", self._folder / "mosquitto.conf"]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, env=self._found.environment(), stdout=log, stderr=log)
        deadline = time.monotonic() + START_S
        while not _answers(self.port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise BrokerMissing(f"mosquitto does not start: {(self._folder / 'log').read_text()[-500:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End it in order (SIGTERM)."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would (SIGKILL)."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(START_S)
            self._process = None

    def _lines(self, *, anonymous: bool, tls: BrokerTls | None) -> list[str]:
        lines = [
            f"listener {self.port} {HOST}",
            f"allow_anonymous {'true' if anonymous else 'false'}",
            f"password_file {self._folder}/passwords",
            f"acl_file {self._folder}/access",
            "persistence true",
            f"persistence_location {self._folder}/",
            "autosave_interval 1",
            "set_tcp_nodelay true",
        ]
        if os.geteuid() == 0:
            lines.append("user root")
        if tls is not None:
            lines += [f"cafile {tls.ca_file}", f"certfile {tls.cert_file}", f"keyfile {tls.key_file}"]
            if tls.ask_clients:
                lines += ["require_certificate true", "use_identity_as_username true"]
        return lines


def _fetch(tools: Path) -> None:
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise BrokerMissing("mosquitto is not on PATH and this machine has no apt-get to fetch it with")
    tools.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=tools.parent) as scratch:
        packages, root = Path(scratch) / "packages", Path(scratch) / "root"
        packages.mkdir()
        root.mkdir()
        _download(packages, ["mosquitto"])
        fields = _run(["dpkg-deb", "-f", str(next(packages.glob("mosquitto_*.deb"))), "Depends"], packages)
        needed = [entry.split()[0] for entry in fields.split(",") if entry.strip().startswith("lib")]
        _download(packages, [name for name in needed if name != "libc6"])
        for package in packages.glob("*.deb"):
            _run(["dpkg-deb", "-x", str(package), str(root)], packages)
        with contextlib.suppress(OSError):  # another test process was faster; its copy is as good
            root.rename(tools)


def _download(folder: Path, packages: list[str]) -> None:
    try:
        _run(["apt-get", "download", *packages], folder)
    except BrokerMissing:
        _run(["apt-get", "update"], folder)
        _run(["apt-get", "download", *packages], folder)


def _run(command: list[str], folder: Path) -> str:
    try:
        done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=FETCH_S)
    except subprocess.CalledProcessError as error:
        raise BrokerMissing(f"{' '.join(command[:3])} failed: {error.stderr.strip()[-300:]}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BrokerMissing(f"{' '.join(command[:3])} failed: {error}") from error
    return done.stdout


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=0.2):
        return True
    return False
