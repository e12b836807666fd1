"""An HTTP client as a `Send`: one connection pool to one address, a time limit, no redirects and no retries.

A reply that does not come in time, or a connection that breaks, is `Unavailable`: the request may have been taken.
"""

import httpx

from custody.kernel.errors import Unavailable
from devicelock.backends.exchange import Reply, Request


class HttpLine:
    """The line to one back-end. Call it with a request; `close` it once."""

    def __init__(self, address: str, *, timeout_s: float = 10.0) -> None:
        self._address = address.rstrip("/")
        self._client = httpx.Client(timeout=timeout_s, follow_redirects=False)

    def __call__(self, request: Request) -> Reply:
        """The reply; raises `Unavailable` if none came."""
        try:
            reply = self._client.request(
                request.method,
                self._address + request.path,
                params=list(request.query) or None,
                headers=list(request.headers),
                content=request.body,
            )
        except httpx.HTTPError as error:
            raise Unavailable(
                "backend_silent",
                f"no reply from {self._address}: {type(error).__name__}; it may have been taken all the same",
                fix="Ask again: a repeated call changes nothing.",
            ) from error
        return Reply(status=reply.status_code, body=reply.content, headers=dict(reply.headers))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
