"""Idempotency keys: a POST that carries the header `Idempotency-Key` is carried out once.

The same key with the same request gives the same answer; with another request it is a conflict. Keys belong to who sent
them. Scans need none: they are idempotent on station and sequence number.
"""

import hashlib

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import problems
from api.parts import Parts
from custody.kernel.errors import Rejected, Trouble
from custody.store import idempotency
from custody.store.idempotency import CURRENT, RequestKey, StoredAnswer

HEADER = "idempotency-key"
MAX_KEY = 200
SERVER_ERROR = 500


class IdempotencyKeys:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, *, parts: Parts) -> None:
        self._app = app
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on that carries no key."""
        if scope["type"] != "http" or scope["method"] != "POST" or not scope["path"].startswith("/v1/"):
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        key = request.headers.get(HEADER)
        if key is None:
            await self._app(scope, receive, send)
            return
        try:
            await self._once(request, key, send)
        except Trouble as trouble:
            await problems.respond(trouble, path=scope["path"])(scope, receive, send)

    async def _once(self, request: Request, key: str, send: Send) -> None:
        if not 1 <= len(key) <= MAX_KEY:
            raise Rejected("idempotency", f"the key is not 1 to {MAX_KEY} characters", fix="Send a fresh UUID.")
        body = await self._body(request)
        caller = request.headers.get("authorization", "") + request.headers.get("cookie", "")
        asked = RequestKey(
            key=hashlib.sha256(f"{caller}\n{key}".encode()).hexdigest(),
            request_hash=hashlib.sha256(f"{request.url.path}?{request.url.query}\n".encode() + body).digest(),
        )
        with self._parts.house.read() as session:
            held = idempotency.find(session, asked)
        if held is not None:
            media_type = problems.MEDIA_TYPE if held.status >= 400 else "application/json"
            headers = {"Idempotent-Replayed": "true"}
            await Response(held.body, held.status, headers, media_type)(request.scope, request.receive, send)
            return
        await self._answer(request, body, asked, send)

    async def _answer(self, request: Request, body: bytes, asked: RequestKey, send: Send) -> None:
        answer = _Answer(send)
        token = CURRENT.set(asked)
        try:
            await self._app(request.scope, _replay(body), answer.send)
        finally:
            CURRENT.reset(token)
        if asked.written and answer.status < SERVER_ERROR:
            with self._parts.house.unit() as unit:
                idempotency.keep(unit.session, asked, StoredAnswer(status=answer.status, body=bytes(answer.body)))

    async def _body(self, request: Request) -> bytes:
        limit = self._parts.settings.max_body_bytes
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                raise Rejected("too_large", f"the body is larger than {limit} bytes", fix="Send less at once.")
        return bytes(body)


class _Answer:
    """Passes an answer on and remembers it."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = SERVER_ERROR
        self.body = bytearray()

    async def send(self, message: Message) -> None:
        """One part of the answer."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")
        await self._send(message)


def _replay(body: bytes) -> Receive:
    """A receive that gives the body that was read already, once."""
    parts: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return parts.pop() if parts else {"type": "http.disconnect"}

    return receive
