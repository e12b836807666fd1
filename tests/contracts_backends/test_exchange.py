"""Requests over HTTP, what their replies mean, and the book of wishes."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler

import pytest

from custody.kernel.errors import Unavailable
from devicelock.backends.contract import BackendAnswer
from devicelock.backends.exchange import RETRY_S, Reply, Request, judge, read_json
from devicelock.backends.http_line import MOST_BYTES, UNDER_WAY, HttpLine
from tests.servers.answers import serving


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (200, BackendAnswer.TAKEN),
        (204, BackendAnswer.TAKEN),
        (404, BackendAnswer.UNKNOWN_DEVICE),
        (410, BackendAnswer.UNKNOWN_DEVICE),
        (409, BackendAnswer.NOT_NOW),
        (400, BackendAnswer.REFUSED),
        (302, BackendAnswer.REFUSED),
        (422, BackendAnswer.REFUSED),
    ],
)
def test_a_status_about_the_device_is_an_answer(status: int, answer: BackendAnswer) -> None:
    assert judge(Reply(status=status), who="x") is answer


@pytest.mark.parametrize("status", [401, 403, 408, 429, 500, 502, 503, 599])
def test_a_status_about_the_other_side_is_no_answer(status: int) -> None:
    with pytest.raises(Unavailable):
        judge(Reply(status=status), who="x")


@pytest.mark.parametrize(
    ("header", "wait_s"),
    [({"retry-after": "30"}, 30), ({"retry-after": "99999999"}, 3600), ({"retry-after": "soon"}, 5)],
)
def test_the_wait_that_the_other_side_asks_for_is_handed_on(header: dict[str, str], wait_s: int) -> None:
    with pytest.raises(Unavailable) as caught:
        judge(Reply(status=429, headers=header), who="x")
    assert caught.value.facts["retry_after_s"] == wait_s
    assert RETRY_S == 5


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b"\xff"])
def test_a_reply_that_is_no_json_object_is_no_answer(body: bytes) -> None:
    with pytest.raises(Unavailable):
        read_json(Reply(status=200, body=body), who="x")


class Answering(BaseHTTPRequestHandler):
    """Echoes, redirects, or hangs up."""

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path.startswith("/hang-up"):
            return
        self.send_response(302 if self.path.startswith("/elsewhere") else 201)
        self.send_header("Location", "http://127.0.0.1:1/")
        self.send_header("X-Path", self.path)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


@pytest.fixture
def line() -> Iterator[HttpLine]:
    with serving(Answering) as address:
        made = HttpLine(f"{address}/", timeout_s=5)
        yield made
        made.close()


def test_a_request_arrives_as_it_was_built(line: HttpLine) -> None:
    reply = line(Request(method="PUT", path="/a%2Fb", query=(("nopush", "1"),), body=b"\x00body"))
    assert (reply.status, reply.body, reply.headers["x-path"]) == (201, b"\x00body", "/a%2Fb?nopush=1")


def test_a_redirect_is_not_followed(line: HttpLine) -> None:
    assert line(Request(method="PUT", path="/elsewhere")).status == 302


def test_silence_is_unavailable(line: HttpLine) -> None:
    with pytest.raises(Unavailable):
        line(Request(method="PUT", path="/hang-up"))


@contextmanager
def endless(head: bytes, more: bytes) -> Iterator[HttpLine]:
    """A line to somebody whose replies begin with `head` and go on with `more` for a while."""

    def answer(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.sendall(head)
            for _ in range(100):
                time.sleep(0.01)
                connection.sendall(more)

    def serve() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=answer, args=(server.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        made = HttpLine(f"http://127.0.0.1:{server.getsockname()[1]}", timeout_s=0.1)
        yield made
        made.close()


@pytest.mark.parametrize(
    ("head", "more"),
    [
        (b"HTTP/1.1 200 OK\r\nServer: ", b"a"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"a"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"a" * MOST_BYTES),
    ],
    ids=["head", "body", "long"],
)
def test_a_reply_that_comes_to_no_end_is_unavailable_and_whoever_asks_again_does_not_wait_for_it(
    head: bytes, more: bytes
) -> None:
    with endless(head, more) as line:
        for _ in range(UNDER_WAY + 2):
            with pytest.raises(Unavailable, match=r"TimeoutError|no end"):
                line(Request(method="GET", path="/"))
