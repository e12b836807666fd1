"""One connection to an application, as the web server serves it, in a loop whose clock the test sets."""

import asyncio
import gc
import socket
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import uvicorn
from starlette.types import ASGIApp
from uvicorn.server import ServerState

from api.http.protocol import PATIENCE_S, Protocol
from api.http.short_way import ShortWay


class Visit:
    """One connection to an application, in a loop whose clock the test sets."""

    def __init__(self, app: ASGIApp, **more: ShortWay) -> None:
        self.loop = _Loop()
        self.client, ours = socket.socketpair()
        self.client.setblocking(False)
        ours.setblocking(False)
        config = uvicorn.Config(app, http=Protocol, ws="none", lifespan="off", log_config=None)
        config.load()
        end = Protocol(config, ServerState(), {}, _loop=self.loop, **more)
        self.loop.run_until_complete(self.loop.connect_accepted_socket(lambda: end, ours))
        self._end = weakref.ref(end)

    def sends(self, content: bytes) -> None:
        """The client sends this, and we take it."""
        self.client.sendall(content)
        self.passes(0)

    def passes(self, seconds: float) -> None:
        """So much time passes."""
        self.loop.now_s += seconds
        for _ in range(20):
            self.loop.run_until_complete(asyncio.sleep(0))

    def is_open(self) -> bool:
        """Whether the connection still is; what has been answered is read."""
        with suppress(BlockingIOError):
            while self.client.recv(65_536):
                pass
            return False
        return True

    def close(self) -> None:
        """The client goes, and is forgotten before our patience is at its end."""
        self.client.close()
        self.passes(PATIENCE_S / 2)
        gc.collect()
        forgotten = self._end() is None
        self.loop.close()
        assert forgotten


class _Loop(asyncio.SelectorEventLoop):
    """An event loop with a clock that stands until a test moves it."""

    now_s = 1_000.0

    def time(self) -> float:
        return self.now_s


@contextmanager
def visit(app: ASGIApp, **more: ShortWay) -> Iterator[Visit]:
    """A connection, taken away in the end."""
    made = Visit(app, **more)
    try:
        yield made
    finally:
        made.close()
