"""Cookies whose value is not plain (RFC 6265 section 4.1.1) are none: nothing of ours has a backslash.

Python's reader undoes backslashes by searching all that is left of a value for each of them, again for every one, and
holds up every other request meanwhile.
"""

from starlette.types import ASGIApp, Receive, Scope, Send

COOKIE = b"cookie"


class PlainCookies:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Leave out every cookie with a backslash; the others stand as they came."""
        if any(name == COOKIE and b"\\" in value for name, value in scope.get("headers", ())):
            scope = {**scope, "headers": [(name, _plain(name, value)) for name, value in scope["headers"]]}
        await self._app(scope, receive, send)


def _plain(name: bytes, value: bytes) -> bytes:
    return value if name != COOKIE else b";".join(part for part in value.split(b";") if b"\\" not in part)
