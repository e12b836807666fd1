"""Reading a log that somebody else serves: redirects, breaks, and a server that is not honest."""

import gzip
import os
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from api.cli import log_source
from api.cli.log_source import BUNDLE_BYTES, NOTE_BYTES, LogSource
from custody.kernel.errors import NotFound, Rejected, Unavailable
from custody.ledger.tiles import ENTRIES, TILE_BYTES, WIDTH, TileId, decode_bundle, encode_bundle
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
        self.packing = ""
        self.drips = False
        self.leads_to = ""
        self.asked: list[str] = []
        self.accepted: set[str | None] = set()

    def handle_error(self, *_facts: object) -> None:
        """Say nothing of readers who went away."""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answers(BaseHTTPRequestHandler):
    """One request."""

    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.server.accepted.add(self.headers["Accept-Encoding"])
        if self.server.breaks:
            self.server.breaks -= 1
            self.send_error(503)
        elif self.path.startswith("/old/"):
            self.send_response(301)
            self.send_header("Location", self.path.replace("/old/", "/log/"))
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.path.startswith("/lost/"):
            self.send_response(301)
            self.send_header("Location", self.server.leads_to)
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.path in self.server.files:
            self.send_response(200)
            if self.server.packing:
                self.send_header("Content-Encoding", self.server.packing)
            self.end_headers()
            content = self.server.files[self.path]
            for at in range(len(content)) if self.server.drips else ():
                self.wfile.write(content[at : at + 1])
                time.sleep(0.05)
            self.wfile.write(b"" if self.server.drips else content)
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


def test_a_log_is_told_that_it_may_pack_its_files_or_not(server: Server, reading: LogSource) -> None:
    """C2SP tlog-tiles, Log entries: clients should name gzip and identity."""
    server.files["/log/tile/entries/000"] = ENTRIES_FULL
    reading.tile(TileId(level=ENTRIES, number=0))
    assert server.accepted == {"gzip, identity"}


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


@pytest.mark.parametrize("leads_to", ["http://xn--a/", "ftp://a/"])
def test_a_redirect_to_what_is_no_address_is_no_answer(server: Server, leads_to: str) -> None:
    server.leads_to = leads_to
    reading = LogSource(f"{server.address}/lost")
    with pytest.raises(Unavailable):
        reading.tile(TileId(level=0, number=0))
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


KINDS: dict[str, tuple[Callable[[LogSource], bytes], int]] = {
    "checkpoint": (lambda reading: reading.checkpoint(), NOTE_BYTES),
    "tile/0/000": (lambda reading: reading.tile(TileId(level=0, number=0)), TILE_BYTES),
    "tile/0/000.p/7": (lambda reading: reading.tile(TileId(level=0, number=0, width=7)), TILE_BYTES),
    "tile/entries/000": (lambda reading: reading.tile(TileId(level=ENTRIES, number=0)), BUNDLE_BYTES),
}


@pytest.mark.parametrize("path", KINDS)
def test_a_file_is_read_only_as_far_as_one_of_its_kind_could_go(
    server: Server, reading: LogSource, tmp_path: Path, path: str
) -> None:
    read, most = KINDS[path]
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "checkpoint").touch()
    folder = LogSource(str(tmp_path))
    for content in (bytes(most), bytes(most + 1)):
        server.files[f"/log/{path}"] = content
        (tmp_path / path).write_bytes(content)
        for source in (reading, folder):
            if len(content) == most:
                assert read(source) == content
                continue
            with pytest.raises(Rejected) as caught:
                read(source)
            assert caught.value.code == "too_large"
    folder.close()


def test_a_file_of_a_folder_that_has_no_end_is_left_unread(tmp_path: Path) -> None:
    (tmp_path / "checkpoint").touch()
    tile = tmp_path / "tile/0/000"
    tile.parent.mkdir(parents=True)
    tile.touch()
    os.truncate(tile, 2**40)
    with pytest.raises(Rejected):
        LogSource(str(tmp_path)).tile(TileId(level=0, number=0))


def test_a_packed_file_may_be_a_series_of_members(server: Server, reading: LogSource) -> None:
    """RFC 1952 section 2.2: what tools write that pack in pieces; also empty members count for nothing."""
    server.packing = "gzip"
    pieces = [FULL[:1], b"", FULL[1:5000], FULL[5000:]]
    server.files["/log/tile/0/000"] = b"".join(map(gzip.compress, pieces))
    assert reading.tile(TileId(level=0, number=0)) == FULL
    server.files["/log/tile/0/000"] += gzip.compress(b"x")
    with pytest.raises(Rejected):
        reading.tile(TileId(level=0, number=0))


def test_a_packed_answer_is_unpacked_only_as_far(server: Server, reading: LogSource) -> None:
    server.packing = "gzip"
    server.files["/log/tile/0/000"] = gzip.compress(FULL)
    assert reading.tile(TileId(level=0, number=0)) == FULL
    for content in (gzip.compress(bytes(2**26)), b"not gzip"):
        server.files["/log/tile/0/000"] = content
        with pytest.raises(Rejected):
            reading.tile(TileId(level=0, number=0))
    server.packing = "zstd"
    with pytest.raises(Rejected):
        reading.tile(TileId(level=0, number=0))


def test_a_server_that_drips_is_given_up_and_not_asked_again(
    server: Server, reading: LogSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_source, "MOST_S", 0.3)
    server.files["/log/tile/0/000"], server.drips = FULL, True
    for number in range(3):
        with pytest.raises(Unavailable) as caught:
            reading.tile(TileId(level=0, number=number))
        assert "tile/0/000 was not there after 0.3 seconds" in caught.value.detail
    assert server.asked == ["/log/tile/0/000"]


@pytest.mark.parametrize("vkey", ["", "  "])
@pytest.mark.parametrize("line", ["log audit .", "log export copy --from .", "verify checkpoint"])
def test_an_empty_key_is_not_taken_for_none(server: Server, tmp_path: Path, line: str, vkey: str) -> None:
    (tmp_path / "checkpoint").touch()
    shell = CommandLine(address=server.address, folder=tmp_path)
    words = [str(tmp_path / word) if word in {".", "copy", "checkpoint"} else word for word in line.split()]
    told = shell.run(*words, "--vkey", vkey, expect=2)
    assert "--vkey is empty" in told.err
    assert server.asked == []
