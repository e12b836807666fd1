"""JSON bodies are read strictly before anything else looks at them.

Python's own reader takes the last of two equal names, NaN, lone surrogates, NUL, and numbers that no database holds.
Here a body that calls itself JSON is UTF-8 by RFC 8259 within I-JSON (RFC 7493) and holds no more values than anybody
sends, or it is refused with a problem document; what passes is handed on as the bytes that came.
"""

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http import large_bodies, problems
from api.http.body import is_json
from custody.gs1.json_text import read_json
from custody.kernel.errors import Rejected, Trouble

WITH_BODY = frozenset({"POST", "PUT", "PATCH", "DELETE"})
MOST_VALUES = 2_000
"""Every reader after this one would hold the interpreter for as long as it takes to make that many."""


class JsonBodies:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is no JSON, and what is good JSON."""
        if scope["type"] != "http" or not _brings_json(scope):
            await self._app(scope, receive, send)
            return
        try:
            body = await Request(scope, receive).body()
            if body:
                await large_bodies.read(_check, body)
        except Trouble as trouble:
            await problems.respond(trouble, path=scope["path"])(scope, receive, send)
            return
        await self._app(scope, replay(body, receive), send)


def replay(body: bytes, receive: Receive) -> Receive:
    """A receive that gives the body that was read already, and then whatever else comes."""
    parts: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return parts.pop() if parts else await receive()

    return again


def holds_too_much(body: bytes) -> bool:
    """Whether more than `MOST_VALUES` values stand in it, told without making them; if it is JSON at all."""
    bare = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    if bare.count(b'"') > 4 * MOST_VALUES:  # so many texts are more values, or are none
        return True
    outside = b"".join(bare.split(b'"')[::2])
    return sum(map(outside.count, (b"[", b"{", b","))) > MOST_VALUES


def _check(body: bytes) -> None:
    if holds_too_much(body):
        raise Rejected("json", f"the body holds more than {MOST_VALUES} values", fix="Send less at once.")
    read_json(body, limit_bytes=len(body))


def _brings_json(scope: Scope) -> bool:
    return scope["method"] in WITH_BODY and is_json(Request(scope).headers.get("content-type", ""))
