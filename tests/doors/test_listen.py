"""Where a server listens: a client that never reads its answer is let go."""

import errno
import select
import socket
import sys
from contextlib import suppress

import pytest

from api.cli import listen as listening
from api.cli.listen import UNREAD_MS, listen

LONG_MS = 60_000
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has TCP_USER_TIMEOUT")


def fill(connection: socket.socket) -> None:
    """Send until no more can be sent, because nobody reads it."""
    connection.setblocking(False)
    with suppress(BlockingIOError):
        while True:
            connection.send(bytes(65_536))


def test_a_client_that_never_reads_its_answer_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "UNREAD_MS", 200)
    with listen("127.0.0.1", 0) as door, socket.create_connection(door.getsockname()):
        inside, _ = door.accept()
        with inside:
            fill(inside)
            waiting = select.poll()
            waiting.register(inside, 0)
            assert waiting.poll(LONG_MS), "it is still waited for"
            assert inside.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ETIMEDOUT


def test_every_connection_has_the_same_patience() -> None:
    with listen("127.0.0.1", 0) as door, socket.create_connection(door.getsockname()):
        inside, _ = door.accept()
        with inside:
            assert inside.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == UNREAD_MS
