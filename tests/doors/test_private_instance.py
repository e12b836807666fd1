"""A private service has started once it says so itself; whoever else answers at its port is not it."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from api.cli.instance import Instance
from api.compose import free_port
from custody.kernel.errors import Unavailable


class Stranger(BaseHTTPRequestHandler):
    """Answers everything as if it were well."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port at which somebody else answers."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Stranger) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_a_service_whose_port_somebody_else_took_has_not_started(tmp_path: Path, taken_port: int) -> None:
    instance = Instance(tmp_path / "data", port=taken_port)
    with pytest.raises(Unavailable, match="cannot listen"):
        instance.start()
    instance.stop()


def test_a_port_that_was_found_free_is_given_to_nobody_who_wants_just_any() -> None:
    found = {free_port() for _ in range(300)}
    with ExitStack() as stay:
        others = [stay.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(300)]
        assert not found & {other.getsockname()[1] for other in others}
        stay.enter_context(socket.create_server(("127.0.0.1", found.pop())))
