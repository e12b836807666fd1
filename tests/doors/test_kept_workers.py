"""The further processes of a service are kept, however one of them ends."""

import contextlib
import errno
import os
import select
import signal
import socket
import threading
import time
from pathlib import Path

import pytest

from api.compose import open_house
from api.process.keyring import open_keyring
from api.process.workers import Workers, tell_ready
from api.settings import Settings, read_settings

LONG_S = 60.0


def end_with_a_connection_untaken(settings: Settings, line: socket.socket) -> None:
    """A worker that ends, as if killed, when a connection was dealt to it and before it takes it."""
    with (settings.data / "started.txt").open("a", encoding="ascii") as told:
        told.write(f"{os.getpid()}\n")
    tell_ready(line)
    select.select([line], [], [])
    os._exit(1)


def started(data: Path) -> int:
    """How many workers were started until now."""
    path = data / "started.txt"
    return len(path.read_text(encoding="ascii").splitlines()) if path.exists() else 0


def test_a_worker_that_ends_with_a_connection_untaken_is_started_again(tmp_path: Path) -> None:
    settings = read_settings(data=tmp_path, workers=2)
    house = open_house(settings, open_keyring(tmp_path / "keys"))
    workers = Workers(settings, end_with_a_connection_untaken, house)
    workers.start()
    deadline = time.monotonic() + LONG_S
    with socket.create_server(("127.0.0.1", 0)) as door, socket.create_connection(door.getsockname()):
        connection, _ = door.accept()
        with connection:
            while started(tmp_path) < 2 and time.monotonic() < deadline:
                workers.deal(connection)
                time.sleep(0.05)
    workers.stop()
    house.engine.dispose()
    assert started(tmp_path) >= 2


def test_a_worker_that_cannot_be_started_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read_settings(data=tmp_path, workers=2)
    house = open_house(settings, open_keyring(tmp_path / "keys"))
    tried = threading.Semaphore(0)

    def refuse() -> None:
        tried.release()
        raise OSError(errno.EMFILE, "no file is free")

    monkeypatch.setattr("api.process.workers.socket.socketpair", refuse)
    monkeypatch.setattr("api.process.workers.AGAIN_S", 0.01)
    workers = Workers(settings, die_before_taking, house)
    workers.start()
    assert all(tried.acquire(timeout=5.0) for _ in range(2))
    workers.stop()
    house.engine.dispose()


def die_before_taking(_settings: Settings, line: socket.socket) -> None:
    """A worker that is killed when a connection was dealt to it and before it takes it."""
    tell_ready(line)
    select.select([line], [], [])
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("sent", [b"", b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n"], ids=["nothing", "a request"])
def test_who_was_dealt_to_a_worker_that_died_before_taking_them_learns_it_at_once(tmp_path: Path, sent: bytes) -> None:
    settings = read_settings(data=tmp_path, workers=2)
    house = open_house(settings, open_keyring(tmp_path / "keys"))
    workers = Workers(settings, die_before_taking, house)
    workers.start()
    with socket.create_server(("127.0.0.1", 0)) as door:
        while True:
            with socket.create_connection(door.getsockname(), timeout=LONG_S) as client:
                client.sendall(sent)
                connection, _ = door.accept()
                with connection:
                    dealt = workers.deal(connection)
                if dealt:
                    with contextlib.suppress(ConnectionResetError):
                        assert client.recv(1) == b""
                    break
            time.sleep(0.05)
    workers.stop()
    house.engine.dispose()
