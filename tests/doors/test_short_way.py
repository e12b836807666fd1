"""A request that goes the short way is answered once, in turn and as the application would; or by the application."""

import asyncio
import socket
from collections.abc import Callable, Iterator

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from api.app import build_app
from api.cli.instance import Instance
from api.cli.serve import configure
from api.http.protocol import PATIENCE_S, Protocol
from api.http.short_way import MOST_BYTES, Reply, Take
from api.routes.scans import ONE
from custody.kernel import cbor
from tests.doors.case_desk import CaseDesk
from tests.doors.log_desk import Desk
from tests.doors.visit import Visit, visit

ANSWER = b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\nOK"


class Taker:
    """Takes the bodies that come to /short, and leaves it to the test to answer."""

    def __init__(self, *, takes: bool = True) -> None:
        self.bodies: list[bytes] = []
        self._replies: list[Reply] = []
        self._takes = takes

    def short_way(self, scope: Scope) -> Take | None:
        """Only one path goes it."""
        return self._take if scope["path"] == "/short" else None

    def answer(self, body: bytes = b"OK") -> None:
        """Answer the first that waits."""
        self._replies.pop(0)(201, [(b"content-length", b"%d" % len(body))], body)

    def _take(self, body: bytes, reply: Reply) -> bool:
        self.bodies.append(body)
        if self._takes:
            self._replies.append(reply)
        return self._takes


async def tells(scope: Scope, receive: Receive, send: Send) -> None:
    """The application, which says what it has read."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    await PlainTextResponse(b"read " + body)(scope, receive, send)


def post(body: bytes, *, path: bytes = b"/short", more: bytes = b"") -> bytes:
    """A request."""
    return b"POST %s HTTP/1.1\r\nHost: here\r\n%sContent-Length: %d\r\n\r\n%s" % (path, more, len(body), body)


def heard(here: Visit) -> bytes:
    """What has come back by now."""
    here.passes(0)
    try:
        return here.client.recv(65_536)
    except BlockingIOError:
        return b""


@pytest.mark.parametrize("size", [1, 7, 1_000])
def test_a_body_is_taken_once_whole_in_whatever_pieces_it_comes(size: int) -> None:
    taker, sent = Taker(), post(b"a body")
    with visit(tells, short_way=taker.short_way) as here:
        for first in range(0, len(sent), size):
            here.sends(sent[first : first + size])
        assert taker.bodies == [b"a body"]
        assert heard(here) == b""
        taker.answer()
        assert heard(here) == ANSWER


def test_what_is_not_taken_is_the_applications_with_its_whole_body() -> None:
    with visit(tells, short_way=Taker(takes=False).short_way) as here:
        for sent in (post(b"a body"), post(b"another")[:-3], b"her"):
            here.sends(sent)
        said = heard(here)
        assert said.count(b"HTTP/1.1 200 OK") == 2
        assert b"read a body" in said
        assert said.endswith(b"read another")


def test_requests_behind_each_other_are_answered_in_their_order_whichever_way_they_go() -> None:
    taker = Taker()
    with visit(tells, short_way=taker.short_way) as here:
        here.sends(post(b"1") + post(b"2", path=b"/long") + post(b"3") + post(b"4"))
        assert taker.bodies == [b"1"], "the next one's turn comes with the answer"
        taker.answer(b"to 1")
        here.passes(0)
        assert taker.bodies == [b"1", b"3"]
        taker.answer(b"to 3")
        taker.answer(b"to 4")
        said = heard(here)
        assert [said.index(each) for each in (b"to 1", b"read 2", b"to 3", b"to 4")] == sorted(
            said.index(each) for each in (b"to 1", b"read 2", b"to 3", b"to 4")
        )
        assert here.is_open()


@pytest.mark.parametrize(
    ("sent", "closing"),
    [
        (post(b"1", more=b"Connection: close\r\n"), b"connection: close\r\n"),
        (post(b"1").replace(b"HTTP/1.1", b"HTTP/1.0"), b"connection: close\r\n"),
    ],
    ids=["close", "1.0"],
)
def test_who_wants_the_connection_closed_has_it_closed_after_the_answer(sent: bytes, closing: bytes) -> None:
    taker = Taker()
    with visit(tells, short_way=taker.short_way) as here:
        here.sends(sent)
        assert here.is_open()
        taker.answer()
        assert closing in heard(here)
        assert not here.is_open()


def test_who_waits_to_be_asked_for_the_body_goes_the_applications_way() -> None:
    taker = Taker()
    with visit(tells, short_way=taker.short_way) as here:
        here.sends(post(b"1", more=b"Expect: 100-continue\r\n")[:-1])
        assert heard(here) == b"HTTP/1.1 100 Continue\r\n\r\n"
        here.sends(b"1")
        assert heard(here).endswith(b"read 1")
        assert taker.bodies == []


def test_who_reads_no_answers_is_answered_no_further() -> None:
    taker = Taker()
    with visit(tells, short_way=taker.short_way) as here:
        here.sends(post(b"1"))
        taker.answer(b"x" * 1_000_000)
        here.sends(post(b"2"))
        here.sends(post(b"3"))
        assert taker.bodies == [b"1"]


def test_who_has_gone_is_told_nothing() -> None:
    taker = Taker()
    with visit(tells, short_way=taker.short_way) as here:
        here.sends(post(b"1"))
        here.client.shutdown(socket.SHUT_RDWR)
        here.passes(0)
        taker.answer()


def test_an_answer_may_take_its_time_and_the_rest_of_a_body_may_not() -> None:
    taker = Taker()
    with visit(tells, short_way=taker.short_way) as here:
        here.sends(post(b"1"))
        here.passes(3 * PATIENCE_S)
        taker.answer()
        assert heard(here) == ANSWER
        here.sends(post(b"12")[:-1])
        here.passes(PATIENCE_S + 1)
        assert not here.is_open()
        assert taker.bodies == [b"1"]


@pytest.fixture
def station(instance: Instance) -> Iterator[Desk]:
    """Lend a station of the running service."""
    desk = Desk(instance)
    yield desk
    desk.http.close()


def flipped(pair: tuple[bytes, bytes]) -> list[bytes]:
    return [pair[0][:-1] + bytes([pair[0][-1] ^ 1]), pair[1]]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (lambda pair: cbor.encode(list(pair)), 201),
        (lambda pair: cbor.encode(flipped(pair)), 422),
        (lambda pair: cbor.encode([*pair, b"more"]), 422),
        (lambda _pair: b"no CBOR", 422),
        (lambda _pair: b"", 422),
        (lambda pair: cbor.encode([pair[0], b"1" * 2 * MOST_BYTES]), 422),
    ],
    ids=["good", "forged", "three parts", "no CBOR", "nothing", "long"],
)
def test_a_scan_is_answered_alike_whichever_way_it_goes(
    station: Desk, body: Callable[[tuple[bytes, bytes]], bytes], status: int
) -> None:
    sent = body(station.sign())
    answers = [scan(station.http, sent, kind) for kind in (ONE, ONE, f"{ONE}; way=long")]
    said = [{**answer.json(), "server_ms": 0} for answer in answers]
    assert answers[0].status_code == status
    assert said[1] == said[2]
    assert [answer.status_code for answer in answers[1:]] == [200 if status == 201 else status] * 2
    heads = [set(answer.headers) for answer in answers]
    assert heads[0] == heads[1] == heads[2]


def scan(http: httpx.Client, body: bytes, kind: str) -> httpx.Response:
    return http.post("/v1/scans", content=body, headers={"Content-Type": kind})


LENGTH = (b"content-length", b"700")
KIND = (b"content-type", ONE.encode())


@pytest.mark.parametrize(
    ("way", "head", "short"),
    [
        ("POST /v1/scans", [KIND, LENGTH], True),
        ("POST /v1/scans", [KIND, (b"content-length", b"%d" % MOST_BYTES)], True),
        ("POST /v1/scans", [KIND, LENGTH, (b"content-type", b"text/plain")], True),
        ("POST /v1/scans", [KIND, (b"content-length", b"%d" % (MOST_BYTES + 1))], False),
        ("POST /v1/scans", [KIND, (b"content-length", b"9" * 5_000)], False),
        ("POST /v1/scans", [KIND, (b"content-length", "²".encode("latin-1"))], False),
        ("POST /v1/scans", [KIND, (b"transfer-encoding", b"chunked")], False),
        ("POST /v1/scans", [(b"content-type", b"text/plain"), KIND, LENGTH], False),
        ("POST /v1/scans", [LENGTH], False),
        ("PUT /v1/scans", [KIND, LENGTH], False),
        ("POST /v1/scans:batch", [KIND, LENGTH], False),
        ("POST /v1/disputes", [KIND, LENGTH], False),
    ],
)
def test_only_one_small_scan_goes_the_short_way(
    desk: CaseDesk, way: str, head: list[tuple[bytes, bytes]], *, short: bool
) -> None:
    method, _, path = way.partition(" ")
    taken = build_app(desk.house.parts).short_way({"method": method, "path": path, "headers": head})
    assert (taken is not None) is short


def test_the_connections_of_a_service_know_the_short_way(desk: CaseDesk) -> None:
    app = build_app(desk.house.parts)
    config = configure(app, desk.house.parts.settings)
    config.load()
    begin: Callable[..., object] = config.http_protocol_class
    with asyncio.Runner() as runner:
        end = begin(config=config, server_state=ServerState(), app_state={}, _loop=runner.get_loop())
    assert isinstance(end, Protocol)
    assert end._short_way == app.short_way
