"""What is no HTTP, a head without end and a client that owes us the rest are answered or let go, and nobody else is."""

import asyncio
import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from api.app import build_app
from api.cli.instance import Instance
from api.http.protocol import MOST_HEAD_BYTES, PATIENCE_S
from api.routes import scans
from custody.kernel.keys import new_signer
from custody.ledger.note import text_key
from tests.doors.case_desk import CaseDesk
from tests.doors.visit import Visit, visit
from tests.servers.witness import WitnessProcess

LONG_S = 60.0
MOST_SENT = 100_000_000
GET = b"GET /healthz HTTP/1.1\r\nHost: here\r\n"
POST = b"POST /v1/disputes HTTP/1.1\r\nHost: here\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


@contextmanager
def connected(server: Instance | WitnessProcess) -> Iterator[socket.socket]:
    """A connection to the service, or to a witness."""
    host, port = server.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=LONG_S) as connection:
        yield connection


@pytest.mark.parametrize(
    "sent",
    [
        b"NO HTTP\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: here\r\nno header\r\n\r\n",
        POST + b"Content-Length: -1\r\n\r\n",
        CHUNKED + b"no length\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=["line", "header", "length", "chunk", "TLS"],
)
def test_what_is_no_http_is_answered_with_a_problem_that_nobody_keeps(instance: Instance, sent: bytes) -> None:
    with connected(instance) as connection:
        connection.sendall(sent)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        body = json.loads(answer.read())
        assert connection.recv(1) == b""
    headers = [answer.headers[name] for name in ("content-type", "cache-control", "connection")]
    assert headers == ["application/problem+json", "no-store", "close"]
    assert (answer.status, body["status"], set(body)) == (400, 400, {"type", "title", "status", "detail", "fix"})


@pytest.mark.parametrize(
    ("hosts", "status"),
    [
        ([], 400),
        ([b"here", b"here"], 400),
        ([b"here", b"there"], 400),
        *[
            ([wrong], 400)
            for wrong in (b"he re", b"here/x", b"here:port", b"a@here", b"here,there", b"[::1", b"h\xc3\xa9")
        ],
        *[([right], 200) for right in (b"here", b"here:80", b"127.0.0.1:80", b"[::1]:80", b"", b"h%20e", b"here:")],
    ],
)
def test_a_request_names_one_host(instance: Instance, hosts: list[bytes], status: int) -> None:
    """RFC 9112 section 3.2: whoever stands before the service may have read another one of two."""
    head = b"".join(b"Host: %s\r\n" % host for host in hosts)
    with connected(instance) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\n%s\r\n" % head)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        body = json.loads(answer.read())
    assert answer.status == status
    if status == 400:
        assert body["detail"] == "The request does not name one host"
        assert answer.headers["connection"] == "close"


def test_an_old_client_need_not_name_the_host(instance: Instance) -> None:
    """HTTP/1.0 has no such header (RFC 1945); two are one too many in it, too."""
    for head, status in ((b"", b"200"), (b"Host: here\r\n", b"200"), (b"Host: here\r\nHost: there\r\n", b"400")):
        with connected(instance) as connection:
            connection.sendall(b"GET /healthz HTTP/1.0\r\n%s\r\n" % head)
            assert connection.recv(65_536).startswith(b"HTTP/1.1 %s " % status)


@pytest.mark.parametrize("version", [b"13", b"99"])
@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [("/v1/log", 200, "application/json"), ("/nowhere", 404, "application/problem+json")],
)
def test_who_asks_for_a_web_socket_gets_the_ordinary_answer(
    instance: Instance, path: str, status: int, kind: str, version: bytes
) -> None:
    asks = b"GET %s HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" % path.encode()
    with connected(instance) as connection:
        connection.sendall(asks + b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n")
        connection.sendall(b"Sec-WebSocket-Version: %s\r\n\r\n" % version)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        json.loads(answer.read())
    headers = [answer.headers[name] for name in ("content-type", "cache-control")]
    assert (answer.status, *headers) == (status, kind, "no-store")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/v1/disputes", "application/json"),
        ("/v1/scans", scans.ONE),
        ("/v1/scans:batch", scans.MANY),
        ("/v1/batches", scans.TOGETHER),
    ],
)
def test_a_body_that_is_announced_as_too_long_is_refused_before_it_is_asked_for(
    instance: Instance, path: str, kind: str
) -> None:
    with connected(instance) as connection:
        connection.sendall(f"POST {path} HTTP/1.1\r\nHost: here\r\nContent-Type: {kind}\r\n".encode())
        connection.sendall(b"Content-Length: 999999999999\r\nExpect: 100-continue\r\n\r\n")
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        body = json.loads(answer.read())
        assert connection.recv(1) == b"", "its next request would be taken for the body that it left out"
    assert (answer.status, body["type"]) == (413, "urn:weaklink:problem:too_large")
    assert answer.headers["connection"] == "close"


def test_a_body_that_was_asked_for_leaves_the_connection_open(instance: Instance) -> None:
    words = b'{"words": "It never came."}'
    with connected(instance) as connection:
        for _ in range(2):
            connection.sendall(POST + b"Content-Type: application/json\r\nExpect: 100-continue\r\n")
            connection.sendall(b"Content-Length: %d\r\n\r\n" % len(words))
            assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
            connection.sendall(words)
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            answer.read()
            assert answer.status == 201


@pytest.mark.parametrize(("length", "status"), [("0" * 5000 + "2", 422), ("9" * 18, 413)])
def test_a_length_is_read_however_many_zeros_it_begins_with(instance: Instance, length: str, status: int) -> None:
    with connected(instance) as connection:
        connection.sendall(POST + b"Content-Type: application/json\r\n")
        connection.sendall(f"Content-Length: {length}\r\n\r\n{{}}".encode())
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        json.loads(answer.read())
    assert answer.status == status


def test_the_request_behind_one_that_asks_for_a_web_socket_is_answered_too(instance: Instance) -> None:
    asks = b"GET /healthz HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    with connected(instance) as connection:
        connection.sendall(asks + asks + GET + b"\r\n")
        answered = b""
        while answered.count(b"HTTP/1.1 200 OK") < 3:
            piece = connection.recv(65_536)
            assert piece
            answered += piece


@pytest.mark.parametrize("size", [1, 65_536])
@pytest.mark.parametrize("protocol", [b"websocket", b"h2c"])
@pytest.mark.parametrize(
    "body",
    [
        b"Content-Length: %d\r\n\r\n%s" % (len(GET + b"\r\n"), GET + b"\r\n"),
        b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(GET + b"\r\n"), GET + b"\r\n"),
    ],
    ids=["length", "chunks"],
)
def test_the_body_of_who_asks_for_another_protocol_is_no_request_of_its_own(
    body: bytes, protocol: bytes, size: int
) -> None:
    asks = b"POST /read HTTP/1.1\r\nHost: here\r\nConnection: keep-alive, Upgrade\r\nUpgrade: %s\r\n" % protocol
    sent, said = asks + body + GET + b"\r\n", b""
    with visit(reads) as here:
        for first in range(0, len(sent), size):
            here.sends(sent[first : first + size])
        with suppress(BlockingIOError):
            while piece := here.client.recv(65_536):
                said += piece
        assert said.count(b"HTTP/1.1 200 OK") == 2, "of the request and of the one behind it"
        assert here.is_open()


def test_who_asks_for_another_protocol_and_wants_the_connection_closed_has_it_closed() -> None:
    asks = GET + b"Connection: close\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"
    with visit(reads) as here:
        here.sends(asks + GET + b"\r\n")
        said = here.client.recv(65_536)
        assert said.count(b"HTTP/1.1 200 OK") == 1
        assert b"connection: close" in said
        assert not here.is_open()


@pytest.mark.parametrize("chunk", [b"", b"no length\r\n"], ids=["gone", "no chunk"])
@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/v1/disputes", "application/json"),
        ("/v1/scans", "application/cbor"),
        ("/complain", "application/x-www-form-urlencoded"),
        ("/console/cases/case_1/moves/note", "application/x-www-form-urlencoded"),
        ("/entries", "application/cose"),
    ],
)
def test_who_goes_before_a_body_is_whole_fills_no_journal(
    desk: CaseDesk, caplog: pytest.LogCaptureFixture, path: str, kind: str, chunk: bytes
) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: here\r\nSec-Fetch-Site: same-origin\r\nContent-Type: {kind}\r\n"
    with visit(build_app(desk.house.parts)) as here:
        here.sends(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n5\r\n[1, 2\r\n")
        if chunk:
            here.sends(chunk)
        else:
            here.client.close()
        while begun := asyncio.all_tasks(here.loop):
            here.loop.run_until_complete(asyncio.wait(begun))
    assert [row for row in caplog.records if row.exc_info] == []


def is_refused(server: Instance | WitnessProcess, begin: bytes, on: bytes) -> bool:
    """Whether a head that begins so, and goes on and on, finds an end."""
    piece, sent = on * (16_384 // len(on)), 0
    with connected(server) as connection, suppress(ConnectionResetError, BrokenPipeError):
        connection.sendall(begin)
        while sent < MOST_SENT:
            connection.sendall(piece)
            sent += len(piece)
    return sent < MOST_SENT


@pytest.mark.parametrize(
    ("begin", "on"),
    [
        (GET, b"X-More: and more\r\n"),
        (GET + b"X-Long: ", b"and longer, "),
        (b"GET /", b"longer-and-"),
        (CHUNKED + b"1;", b"extended="),
        (CHUNKED + b"1\r\n1\r\n0\r\n", b"X-Trailer: and more\r\n"),
    ],
    ids=["headers", "one header", "address", "extension of a chunk", "trailers"],
)
def test_a_head_without_end_is_refused_and_not_kept(instance: Instance, begin: bytes, on: bytes) -> None:
    assert is_refused(instance, begin, on)


def test_a_witness_keeps_no_head_without_end_either(tmp_path: Path) -> None:
    witness = WitnessProcess(tmp_path, "carrier", text_key("log.example", new_signer().public).vkey())
    try:
        assert is_refused(witness, GET, b"X-More: and more\r\n")
    finally:
        witness.stop()


@pytest.mark.parametrize(("more", "status"), [(0, 200), (1, 431)])
def test_a_head_just_as_long_as_the_limit_is_read(instance: Instance, more: int, status: int) -> None:
    headers = [(b"Host", b"here"), (b"X-Long", b"")]
    taken = len(b"/healthz") + sum(len(name) + len(value) for name, value in headers)
    with connected(instance) as connection:
        connection.sendall(GET + b"X-Long: " + b"1" * (MOST_HEAD_BYTES - taken + more) + b"\r\n\r\n")
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        body = json.loads(answer.read())
    assert answer.status == status
    assert status == 200 or (str(MOST_HEAD_BYTES) in body["detail"] and body["fix"])


def ends_with_our_patience(here: Visit) -> bool:
    """Whether the connection is there for as long as our patience lasts, and no longer."""
    here.passes(PATIENCE_S - 1)
    lasts = here.is_open()
    here.passes(2)
    return lasts and not here.is_open()


async def reads(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads the body to its end, and answers."""
    while (await receive()).get("more_body"):
        pass
    await PlainTextResponse("read")(scope, receive, send)


async def refuses(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers before the body is read."""
    await PlainTextResponse("no", 413)(scope, receive, send)


async def takes_long(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers after three times what a client may take."""
    await receive()
    await asyncio.sleep(3 * PATIENCE_S)
    await PlainTextResponse("done")(scope, receive, send)


BODY = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 1000000\r\n\r\n"


@pytest.mark.parametrize(
    ("sent", "app"),
    [(b"", reads), (GET, reads), (BODY, reads), (BODY + b"1" * 200_000, reads), (BODY, refuses)],
    ids=["nothing", "half a head", "no body", "part of a body", "no body, and it was refused"],
)
def test_who_owes_us_the_rest_of_a_request_for_too_long_is_let_go(sent: bytes, app: ASGIApp) -> None:
    with visit(app) as here:
        here.sends(sent)
        here.passes(PATIENCE_S - 1)
        assert here.is_open() or app is refuses
        here.passes(2)
        assert not here.is_open()


def test_half_a_head_buys_no_time_however_often_a_piece_of_it_comes() -> None:
    with visit(reads) as here:
        here.sends(GET)
        for _ in range(3):
            here.passes(PATIENCE_S / 4)
            here.sends(b"X-More: 1\r\n")
        here.passes(PATIENCE_S / 4 + 1)
        assert not here.is_open()


def test_a_body_that_drips_is_let_go_and_a_slow_one_is_read() -> None:
    for piece, stays in ((b"1", False), (b"1" * (MOST_HEAD_BYTES // 8), True)):
        with visit(reads) as here:
            here.sends(BODY)
            for _ in range(10):
                here.passes(PATIENCE_S / 2)
                with suppress(BrokenPipeError):
                    here.sends(piece)
            assert here.is_open() == stays


def test_what_nobody_reads_any_more_buys_no_time() -> None:
    with visit(refuses) as here:
        here.sends(BODY)
        for _ in range(10):
            here.passes(PATIENCE_S / 10)
            with suppress(BrokenPipeError):
                here.sends(b"1" * 10_000)
        here.passes(1)
        assert not here.is_open()


def test_an_answer_of_ours_may_take_its_time() -> None:
    with visit(takes_long) as here:
        here.sends(GET + b"\r\n")
        for _ in range(2):
            here.passes(PATIENCE_S)
            assert here.is_open()
        here.passes(PATIENCE_S)
        assert here.client.recv(12) == b"HTTP/1.1 200"


def test_a_client_is_not_blamed_for_what_we_do_not_read() -> None:
    first = asyncio.Event()

    async def waits(scope: Scope, receive: Receive, send: Send) -> None:
        await first.wait()
        await reads(scope, receive, send)

    with visit(waits) as here:
        here.sends(BODY + b"1" * 100_000)
        for _ in range(3):
            here.passes(PATIENCE_S)
            assert here.is_open()
        first.set()
        here.passes(PATIENCE_S + 1)
        here.passes(PATIENCE_S + 1)
        assert not here.is_open(), "it is asked for the rest now"


def test_the_next_request_of_a_connection_may_take_as_long_as_the_first_one() -> None:
    async def is_slow(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(PATIENCE_S - 1)
        await PlainTextResponse("done")(scope, receive, send)

    with visit(is_slow) as here:
        here.sends(GET + b"\r\n")
        here.passes(PATIENCE_S - 1)
        here.sends(GET)
        assert ends_with_our_patience(here)


def test_a_body_may_take_as_long_as_its_head() -> None:
    with visit(reads) as here:
        here.passes(PATIENCE_S - 1)
        here.sends(BODY)
        assert ends_with_our_patience(here)
