"""The short way of a request: from its whole body to its answer, without a task and messages in between.

ASGI takes as long for a request as checking a signature does. A door whose requests are small, and come by the
thousand, may take their bodies as they are and answer later, by a call. Whatever is not as usual, a head or a body,
goes to the application, which says what is wrong with it.
"""

from collections.abc import Callable, Iterable

from starlette.types import Scope
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

MOST_BYTES = HIGH_WATER_LIMIT
"""Of a body: the web server stops reading a longer one until somebody asks for more."""

Header = tuple[bytes, bytes]
Reply = Callable[[int, Iterable[Header], bytes], None]
"""Is called once, in the event loop, with status, headers, of which one is the body's length, and body."""

Take = Callable[[bytes, Reply], bool]
"""Takes a body and replies later; False if the application is to answer, and then nothing was done."""

ShortWay = Callable[[Scope], Take | None]
"""Who takes the body of the request with this head, of at most `MOST_BYTES`; None for the application."""


def reply_to(cycle: RequestResponseCycle, status: int, headers: Iterable[Header], body: bytes) -> None:
    """Answer a request that no application has seen; whoever has gone is told nothing."""
    if cycle.disconnected:
        return
    closing = () if cycle.keep_alive else ((b"connection", b"close"),)
    head = [b"%s: %s\r\n" % header for header in (*cycle.default_headers, *headers, *closing)]
    cycle.transport.write(b"".join((STATUS_LINE[status], *head, b"\r\n", body)))
    cycle.response_started = cycle.response_complete = True
    if not cycle.keep_alive:
        cycle.transport.close()
    cycle.on_response()
