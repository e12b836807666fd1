"""JSON bodies are read strictly before anything else looks at them.

Python's own reader takes the last of two equal names, NaN, lone surrogates, NUL, and numbers that no database holds.
Here a body that calls itself JSON is UTF-8 by RFC 8259 within I-JSON (RFC 7493) and within the size limit, or it is
refused with a problem document; what passes is handed on as the bytes that came.
"""

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import problems
from api.parts import Parts
from custody.gs1.json_text import read_json
from custody.kernel.errors import Trouble

WITH_BODY = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class JsonBodies:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, *, parts: Parts) -> None:
        self._app = app
        self._limit = parts.settings.max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is no JSON, and what is good JSON."""
        if scope["type"] != "http" or scope["method"] not in WITH_BODY or not _is_json(Request(scope)):
            await self._app(scope, receive, send)
            return
        try:
            body = await self._read(Request(scope, receive))
        except Trouble as trouble:
            await problems.respond(trouble, path=scope["path"])(scope, receive, send)
            return
        await self._app(scope, replay(body, receive), send)

    async def _read(self, request: Request) -> bytes:
        body = await request.body()
        if body:
            read_json(body, limit_bytes=self._limit)
        return body


def replay(body: bytes, receive: Receive) -> Receive:
    """A receive that gives the body that was read already, and then whatever else comes."""
    parts: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return parts.pop() if parts else await receive()

    return again


def _is_json(request: Request) -> bool:
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return sent == "application/json" or (sent.startswith("application/") and sent.endswith("+json"))
