"""Reading a log that somebody else serves: redirects, breaks, and a server that is not honest."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from api.cli import log_source
from api.cli.log_source import MOST_BYTES, LogSource
from custody.kernel.errors import NotFound, Rejected, Unavailable
from custody.ledger.tiles import ENTRIES, WIDTH, TileId, decode_bundle, encode_bundle
from tests.doors.command_line import CommandLine

FULL = bytes(range(256)) * 32
ENTRIES_FULL = encode_bundle([bytes([number]) for number in range(WIDTH)])


class Server(ThreadingHTTPServer):
    """Serves what it is told, and remembers what was asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.files: dict[str, bytes] = {}
        self.breaks = 0
        self.asked: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answers(BaseHTTPRequestHandler):
    """One request."""

    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if self.server.breaks:
            self.server.breaks -= 1
            self.send_error(503)
        elif self.path.startswith("/old/"):
            self.send_response(301)
            self.send_header("Location", self.path.replace("/old/", "/log/"))
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.path in self.server.files:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.server.files[self.path])
        else:
            self.send_error(404)

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Lend a server that is asked again without long waits."""
    monkeypatch.setattr(log_source, "FIRST_WAIT_S", 0.01)
    made = Server()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def reading(server: Server) -> Iterator[LogSource]:
    """Lend a reader of that server's log."""
    made = LogSource(f"{server.address}/log/")
    yield made
    made.close()


def test_a_short_break_is_waited_out_and_a_long_one_is_not_called_absence(server: Server, reading: LogSource) -> None:
    server.files["/log/tile/0/000"] = FULL
    server.breaks = 3
    assert reading.tile(TileId(level=0, number=0)) == FULL
    server.breaks = 9
    with pytest.raises(Unavailable):
        reading.tile(TileId(level=0, number=0))
    server.breaks = 0
    with pytest.raises(NotFound):
        reading.tile(TileId(level=0, number=1))


def test_a_partial_tile_that_became_full_is_cut(server: Server, reading: LogSource) -> None:
    server.files |= {"/log/tile/0/000": FULL, "/log/tile/entries/000": ENTRIES_FULL}
    assert reading.tile(TileId(level=0, number=0, width=7)) == FULL[: 7 * 32]
    cut = reading.tile(TileId(level=ENTRIES, number=0, width=7))
    assert decode_bundle(cut, 7) == [bytes([number]) for number in range(7)]


def test_the_address_of_the_service_leads_to_its_log_and_redirects_are_followed(server: Server) -> None:
    server.files |= {"/log/checkpoint": b"note", "/v1/log": b'{"vkey": "name+id+key"}'}
    for address in (server.address, f"{server.address}/log", f"{server.address}/old"):
        reading = LogSource(address)
        try:
            assert reading.checkpoint() == b"note"
        finally:
            reading.close()
    reading = LogSource(server.address)
    assert reading.named_vkey() == "name+id+key"
    server.files["/v1/log"] = b"[]"
    with pytest.raises(NotFound):
        reading.named_vkey()
    reading.close()


@pytest.mark.parametrize(
    "told", [b"[" * 200_000, b'{"vkey": ' + b"9" * 5000 + b"}", b'{"vkey": "\\ud800+0+A"}', b"\xff"]
)
def test_a_server_whose_word_on_its_key_makes_no_sense_is_told_so(server: Server, tmp_path: Path, told: bytes) -> None:
    server.files |= {"/v1/log": told, "/v1/hotspots": told}
    shell = CommandLine(address=server.address, folder=tmp_path)
    assert shell.run("log", "audit", f"{server.address}/log", expect=2).err.startswith("error")
    if not told.startswith(b"{"):
        assert "is not weaklink" in shell.run("hotspots", expect=1).err


def test_an_answer_without_end_is_not_read_to_its_end(server: Server, reading: LogSource) -> None:
    server.files["/log/tile/0/000"] = bytes(MOST_BYTES + 1)
    with pytest.raises(Rejected):
        reading.tile(TileId(level=0, number=0))
    server.files["/log/tile/0/000"] = bytes(MOST_BYTES)
    assert len(reading.tile(TileId(level=0, number=0))) == MOST_BYTES
