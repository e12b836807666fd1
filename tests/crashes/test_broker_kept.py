"""The embedded broker is started again when it has ended, for as long as somebody keeps it."""

import errno
import os
import resource
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from api.compose import free_port
from api.process.embedded_broker import HOST, LOOK_S, EmbeddedBroker

LONG_S = 60.0
FEW = 200


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    broker = EmbeddedBroker(free_port())
    broker.start()
    yield broker
    broker.stop()


def kill(broker: EmbeddedBroker) -> int:
    """End the broker's process as a power cut would; returns its id."""
    pid = broker.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    return pid


def test_a_broker_that_is_kept_comes_back_at_its_port(broker: EmbeddedBroker) -> None:
    broker.keep()
    dead = kill(broker)
    deadline = time.monotonic() + LONG_S
    while broker.pid in {None, dead} and time.monotonic() < deadline:
        time.sleep(0.02)
    assert broker.pid not in {None, dead}
    broker.stop()
    time.sleep(3 * LOOK_S)
    assert broker.pid is None, "a broker that was stopped stays stopped"


def test_a_broker_that_cannot_be_started_at_once_is_started_later(
    broker: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What ended it for want of memory may keep the next one from starting, too."""
    tried = threading.Event()

    def refuse(*_given: object, **_more: object) -> None:
        tried.set()
        raise OSError(errno.ENOMEM, "no memory")

    with monkeypatch.context() as patch:
        patch.setattr("api.process.embedded_broker.subprocess.Popen", refuse)
        dead = kill(broker)
        broker.keep()
        assert tried.wait(LONG_S)
    deadline = time.monotonic() + LONG_S
    while broker.pid in {None, dead} and time.monotonic() < deadline:
        time.sleep(0.02)
    assert broker.pid not in {None, dead}


def test_a_broker_that_nobody_keeps_stays_ended(broker: EmbeddedBroker) -> None:
    kill(broker)
    time.sleep(3 * LOOK_S)
    assert broker.pid is None


def test_it_takes_more_handsets_than_a_shell_lets_a_program_open_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    broker = EmbeddedBroker(free_port())
    with ExitStack() as lines:
        resource.setrlimit(resource.RLIMIT_NOFILE, (FEW, hard))
        try:
            broker.start()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        lines.callback(broker.stop)
        for number in range(FEW + 1):
            line = lines.enter_context(socket.create_connection((HOST, broker.port), timeout=LONG_S / 10))
            line.sendall(connect(f"d{number}"))
            assert line.recv(1) == b"\x20", number


def connect(client_id: str) -> bytes:
    """CONNECT of MQTT 5 (section 3.1), with a clean start and nothing else."""
    body = b"\x00\x04MQTT\x05\x02\x00\x3c\x00" + len(client_id).to_bytes(2, "big") + client_id.encode()
    return bytes((0x10, len(body))) + body
