"""The web server's end of a connection, which has bounds to what is no HTTP, to heads without end and to silence.

The parser keeps an unfinished head for as long as one comes, and the web server waits for ever for the rest of a
request: either lets anyone who can connect take its memory or its open files. What is refused here is answered as every
error is: the web server's own words say no `fix`, and a cache may keep them. A client that goes before its body is
whole is no error of anybody's, and fills no journal.

Some requests go a short way (`short_way.py`).
"""

import asyncio
from collections.abc import Callable
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


class _TooLong(Exception):
    """A head has more than `MOST_HEAD_BYTES`."""


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

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the first request."""
        super().connection_made(cast("asyncio.Transport", transport))
        self.parser = _Parser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as the web server does
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
        """A head is whole; raises `_TooLong`, which the parser makes an error of what was sent."""
        if self._unread > MOST_HEAD_BYTES:  # of head and body together, if they came in one piece
            self._unread = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
            if self._unread > MOST_HEAD_BYTES:
                raise _TooLong
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
        """A request is whole."""
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
            self._refuse(HTTPStatus.BAD_REQUEST, msg.rstrip("."))

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
        """Whether this is no HTTP from here on: never, so that what asks for a WebSocket is answered as it stands."""
        return False

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

    def feed_data(self, data: bytes) -> None:  # type: ignore[override]  # the web server has nothing but bytes
        """Read what came."""
        while data:
            try:
                super().feed_data(data)
            except httptools.HttpParserUpgrade as asked:
                data = data[asked.args[0] :]
            else:
                return


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
