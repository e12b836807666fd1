"""An HTTP client as a `Send`: one connection pool to one address, a time limit, no redirects and no retries.

A reply that does not come in time, or a connection that breaks, is `Unavailable`: the request may have been taken. One
thread speaks to every back-end, so one whose replies come byte by byte, or never end, must not keep it.
"""

import time
from functools import partial

import httpx

from custody.kernel.errors import Unavailable
from custody.kernel.in_time import InTime
from devicelock.backends.exchange import Reply, Request

MOST_BYTES = 4 * 1024 * 1024
"""Far more than any lock system has to say of one device."""
UNDER_WAY = 4
"""So many replies that are no longer waited for may still be coming; a release is asked for again beside them."""


class HttpLine:
    """The line to one back-end: each step of a request may take `timeout_s`, and all of it twice as long.

    Call it with a request; `close` it once.
    """

    def __init__(self, address: str, *, timeout_s: float = 10.0) -> None:
        self._address = address.rstrip("/")
        self._client = httpx.Client(timeout=timeout_s, follow_redirects=False)
        self._whole_s = 2 * timeout_s
        self._in_time = InTime(wait_s=self._whole_s, most=UNDER_WAY)

    def __call__(self, request: Request) -> Reply:
        """The reply; raises `Unavailable` if none came, or if it is too slow or too long."""
        try:
            return self._in_time.call(partial(self._ask, request))
        except (httpx.HTTPError, TimeoutError) as error:
            raise self._silent(type(error).__name__) from error

    def _ask(self, request: Request) -> Reply:
        until, body = time.monotonic() + self._whole_s, bytearray()
        with self._client.stream(
            request.method,
            self._address + request.path,
            params=list(request.query) or None,
            headers=list(request.headers),
            content=request.body,
        ) as reply:
            for part in reply.iter_bytes():
                body += part
                if len(body) > MOST_BYTES or time.monotonic() > until:
                    raise self._silent(f"it came to no end in {len(body):,} bytes")
        return Reply(status=reply.status_code, body=bytes(body), headers=dict(reply.headers))

    def _silent(self, why: str) -> Unavailable:
        return Unavailable(
            "backend_silent",
            f"no reply from {self._address}: {why}; it may have been taken all the same",
            fix="Ask again: a repeated call changes nothing.",
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
