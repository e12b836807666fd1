"""The web server's end of a connection, which has bounds to what is no HTTP, to heads without end and to silence.

The parser keeps an unfinished head for as long as one comes, and the web server waits for ever for the rest of a
request: either lets anyone who can connect take its memory or its open files. What is refused here is answered as every
error is: the web server's own words say no `fix`, and a cache may keep them. A client that goes before its body is
whole is no error of anybody's, and fills no journal.

A request names one host; in HTTP/1.0 it need not.

A request that asks for another protocol (RFC 9110 section 7.8) is answered as if it had not. The parser takes it to end
with its head: its body would be the next request, which somebody else's is behind a proxy that shares connections. So
its head is read once more without what asks for that.

Some requests go a short way (`short_way.py`).
"""

import asyncio
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import Any, cast

import httptools
from starlette.requests import ClientDisconnect
from uvicorn._types import ASGI3Application, ASGIReceiveCallable, ASGISendCallable, ASGISendEvent, Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from api.http import problems
from api.http.short_way import ShortWay, Take, reply_to

MOST_HEAD_BYTES = 65_536
"""Of a request line with its headers, and of what else comes in a row without being a body."""
PATIENCE_S = 30.0
"""How long a client may owe us the rest of a request."""
LEAST_BYTES_A_S = 100
"""A body that comes at this rate or faster never runs out of patience."""


HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+;=%-]*)(?::[0-9]*)?")
"""A host with or without a port (RFC 9110 section 7.2), but for a comma, which joins two of them."""


class _Unfit(Exception):
    """A head that is not answered: it has more than `MOST_HEAD_BYTES`, or does not name one host."""


def _no_short_way(_scope: object) -> None:
    """Every request is the application's."""


def _nothing() -> None:
    """Nobody waits for the end of the request."""


class Protocol(HttpToolsProtocol):
    """The web server's end of one connection."""

    _unread: int
    _until_s: float
    _watch: asyncio.TimerHandle

    def __init__(self, *given: Any, short_way: ShortWay = _no_short_way, **more: Any) -> None:
        """What the web server gives, and who knows which requests go the short way."""
        super().__init__(*given, **more)
        self._short_way = short_way
        self._when_whole: Callable[[], None] = _nothing
        self._head_again = b""
        self._why = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the first request."""
        super().connection_made(cast("asyncio.Transport", transport))
        self.parser = _Parser(self)
        self._unread = 0
        self._be_patient()
        self._watch = self.loop.call_at(self._until_s, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._watch.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on; what ends no head and is no body only adds up."""
        self._unread += len(data)
        super().data_received(data)
        if self._unread > MOST_HEAD_BYTES and not self.transport.is_closing():
            self._refuse_head()

    def on_headers_complete(self) -> None:
        """A head is whole; raises `_Unfit`, which the parser makes an error of what was sent."""
        if self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT":
            self._head_again = self._head_without_upgrade()
            return  # the next one that the parser reads is this
        if self._unread > MOST_HEAD_BYTES:  # of head and body together, if they came in one piece
            self._unread = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
            if self._unread > MOST_HEAD_BYTES:
                raise _Unfit
        if not _names_host(self.headers, old=self.parser.get_http_version() == "1.0"):
            self._why = "The request does not name one host"
            raise _Unfit
        self._unread = 0
        self._be_patient()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of a body buys time, as long as anybody reads it."""
        self._unread = 0
        if not self.cycle.response_complete:
            self._until_s = min(self._until_s + len(body) / LEAST_BYTES_A_S, self.loop.time() + PATIENCE_S)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request is whole, but for one whose head is read again."""
        if self._head_again:
            return
        super().on_message_complete()
        whole, self._when_whole = self._when_whole, _nothing
        whole()

    def on_response_complete(self) -> None:
        """The next request may take as long as the first one."""
        self._be_patient()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what the parser refused."""
        if self._unread > MOST_HEAD_BYTES:
            self._refuse_head()
        else:
            self._refuse(HTTPStatus.BAD_REQUEST, self._why or msg.rstrip("."))

    def read_again(self) -> tuple["_Parser", bytes]:
        """A parser for what comes from here on, and the head that it reads first, if there is one."""
        head, self._head_again = self._head_again, b""
        self.parser = _Parser(self)
        return self.parser, head

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """Answer a request, the short way if there is one."""
        waits = cycle.waiting_for_100_continue or self.flow.write_paused
        take = None if waits else self._short_way(cast("dict[str, Any]", cycle.scope))
        answer = partial(super()._start_asgi_task, cycle, partial(_answer, app, cycle))
        if take is None:
            answer()
        elif cycle.more_body:
            self._when_whole = partial(_hand_in, take, cycle, answer)
        else:
            _hand_in(take, cycle, answer)

    def _should_upgrade(self) -> bool:
        """Whether this is no HTTP from here on: never."""
        return False

    def _head_without_upgrade(self) -> bytes:
        """The head that was read, but for `Connection`, of which only its end is left."""
        kept = [header for header in self.headers if header[0] != b"connection"]
        if not self.parser.should_keep_alive():
            kept.append((b"connection", b"close"))
        asked = b"%s %s HTTP/%s\r\n" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())
        return b"".join((asked, *(b"%s: %s\r\n" % header for header in kept), b"\r\n"))

    def _refuse_head(self) -> None:
        said = f"The head of the request has more than {MOST_HEAD_BYTES} bytes"
        self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, said)

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        """Answer, and close the connection: nobody knows where in it the next request begins."""
        answer = problems.plain(status, detail, path="")
        headers = [b"%s: %s\r\n" % pair for pair in (*answer.raw_headers, (b"connection", b"close"))]
        line = f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode()
        self.transport.write(b"".join((line, *headers, b"\r\n", answer.body)))
        self.transport.close()

    def _be_patient(self) -> None:
        self._until_s = self.loop.time() + PATIENCE_S

    def _look(self) -> None:
        """End the connection if the client owes us something for too long; an answer of ours may take its time."""
        cycle: RequestResponseCycle | None = self.cycle
        owes = cycle is None or cycle.response_complete or cycle.more_body
        if not owes or self.flow.read_paused:
            self._be_patient()
        if self.loop.time() < self._until_s:
            self._watch = self.loop.call_at(self._until_s, self._look)
        elif not self.transport.is_closing():
            self.transport.close()


class _Parser(httptools.HttpRequestParser):
    """Reads on after a request that asks for another protocol: nothing here speaks any."""

    def __init__(self, protocol: Protocol) -> None:
        super().__init__(protocol)
        self.set_dangerous_leniencies(lenient_data_after_close=True)  # as the web server does
        self._protocol = protocol

    def feed_data(self, data: bytes) -> None:  # type: ignore[override]  # the web server has nothing but bytes
        """Read what came."""
        parser, left = self, memoryview(data)
        while left:
            try:
                super(_Parser, parser).feed_data(left)
            except httptools.HttpParserUpgrade as asked:
                left = left[asked.args[0] :]
                parser, head = self._protocol.read_again()
                super(_Parser, parser).feed_data(head)
            else:
                return


def _names_host(headers: Iterable[tuple[bytes, bytes]], *, old: bool) -> bool:
    """Whether a request names one host (RFC 9112 section 3.2): of two, whoever stands before us may read the other."""
    hosts = [value for name, value in headers if name == b"host"]
    if not hosts:
        return old
    return len(hosts) == 1 and HOST.fullmatch(hosts[0].strip(b" \t")) is not None


def _hand_in(take: Take, cycle: RequestResponseCycle, answer: Callable[[], None]) -> None:
    """Hand a whole body in, and have the application answer if it is not taken."""
    if not take(bytes(cycle.body), partial(reply_to, cycle)):
        answer()


async def _answer(
    app: ASGI3Application,
    cycle: RequestResponseCycle,
    scope: Scope,
    receive: ASGIReceiveCallable,
    send: ASGISendCallable,
) -> None:
    """Let the application answer; whoever has gone waits for nothing.

    The connection ends with an answer to who waits for `100 Continue` and was not asked for the body: the client leaves
    it out, and its next request would be taken for it.
    """

    async def tell(message: ASGISendEvent) -> None:
        if cycle.waiting_for_100_continue:
            cycle.keep_alive = False
        await send(message)

    with suppress(ClientDisconnect):
        await app(scope, receive, tell)
