"""Idempotency keys: a POST that carries the header `Idempotency-Key` is carried out once.

The same key with the same request gives the same answer; with another request it is refused, as no repeat helps there,
and it is a conflict while the first answer is still on its way, or where that was lost
(draft-ietf-httpapi-idempotency-key-header, section 2.7). Keys belong to who sent them, by their session; other cookies
come and go, and nobody whose session is over reads an answer that takes one. Scans need none: they are idempotent on
station and sequence number.

An answer may hold a session token, a customer's link or their words, so it is kept sealed for a day and then forgotten:
HKDF-SHA256 (RFC 5869) over caller, key, path, query and body gives 64 bytes, of which the first 32 say which request it
was and the last 32 seal its answer with AES-256-GCM under a fresh nonce. Only who repeats the request can read it.

Sealed is the CBOR array [[[name, value], ...], body]: a file is answered again with its type and its name. What an
older version sealed, up to a day ago, is the body alone; it is no CBOR array, as JSON does not begin with that byte.
"""

import asyncio
import hashlib
import hmac
from tempfile import SpooledTemporaryFile
from typing import NamedTuple

import structlog
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http import problems
from api.http.body_limits import MOST_BYTES
from api.parts import Parts
from api.people.auth import bearer, session_cookies, signed_in
from custody.kernel import cbor
from custody.kernel.errors import Conflict, Rejected, Trouble
from custody.store import idempotency
from custody.store.idempotency import CURRENT, KeptAnswer, RequestKey

HEADER = "idempotency-key"
MAX_KEY = 200
SERVER_ERROR = 500
INFO = b"weaklink: the answer to a request with an idempotency key"
NONCE_BYTES = 12
LENGTH = "content-length"
REPLAYED = "idempotent-replayed"
LOOKS, LOOK_AGAIN_S = 20, 0.1
"""An answer is kept a moment after its act is durable: who asks meanwhile is not sent away for that."""
NO_SALT = bytes(32)
PIECE_BYTES = 65_536
PAIR = b"\x82"
"""How a CBOR array of two begins."""

BodyFile = SpooledTemporaryFile[bytes]

log = structlog.get_logger()


class Asked(NamedTuple):
    """A request with a key: how the store knows it, and what seals its answer."""

    request: RequestKey
    seal: AESGCM


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
        caller = request.headers.get("authorization", "") + session_cookies(request)
        reader = KeyReader(caller, key, f"{request.url.path}?{request.url.query}")
        with SpooledTemporaryFile(MOST_BYTES) as body:
            async for piece in request.stream():
                reader.add(piece)
                await run_in_threadpool(body.write, piece)
            asked = reader.asked()
            again = await self._first_answer(asked)
            if again is None or not await run_in_threadpool(self._may_read, request):
                await self._answer(request, body, asked, send)
            else:
                await again(request.scope, request.receive, send)

    async def _first_answer(self, asked: Asked) -> Response | None:
        """What was answered before; raises `Conflict` if that is still not known, `Rejected` if it was another's."""
        for _ in range(LOOKS):
            try:
                return await run_in_threadpool(self._find, asked)
            except Conflict as conflict:
                if "retry_after_s" not in conflict.facts:
                    raise
            await asyncio.sleep(LOOK_AGAIN_S)
        return await run_in_threadpool(self._find, asked)

    async def _answer(self, request: Request, body: BodyFile, asked: Asked, send: Send) -> None:
        answer = _Answer()
        token = CURRENT.set(asked.request)
        try:
            await self._app(request.scope, _replay(body), answer.hear)
        finally:
            CURRENT.reset(token)
        if asked.request.taken and (again := await self._first_answer(asked)) is not None:
            await again(request.scope, request.receive, send)
            return
        if asked.request.written and answer.status < SERVER_ERROR:
            try:
                await run_in_threadpool(self._keep, asked, answer)
            except Trouble as trouble:  # it was carried out, and whoever asked is told so all the same
                log.warning("an answer could not be kept", code=trouble.code, detail=trouble.detail)
        for message in answer.messages:
            await send(message)

    def _may_read(self, request: Request) -> bool:
        """Whether whoever asks again is let in as before; if their session is over, the application decides that."""
        try:
            return not (bearer(request) or session_cookies(request)) or bool(signed_in(request, self._parts))
        except Rejected:
            return False

    def _find(self, asked: Asked) -> Response | None:
        house = self._parts.house
        with house.read() as session:
            held = idempotency.find(session, asked.request, now_ms=house.clock.now_ms())
        if held is None:
            return None
        return answer_again(held.status, asked.seal.decrypt(held.sealed[:NONCE_BYTES], held.sealed[NONCE_BYTES:], None))

    def _keep(self, asked: Asked, answer: "_Answer") -> None:
        with self._parts.house.unit() as unit:
            nonce = unit.ids.random_bytes(NONCE_BYTES)
            sealed = nonce + asked.seal.encrypt(nonce, cbor.encode([answer.headers, bytes(answer.body)]), None)
            idempotency.keep(unit.session, asked.request, KeptAnswer(status=answer.status, sealed=sealed))


class _Answer:
    """An answer that waits until it is kept: who has it may ask again at once."""

    def __init__(self) -> None:
        self.status = SERVER_ERROR
        self.headers: list[list[str]] = []
        self.body = bytearray()
        self.messages: list[Message] = []

    async def hear(self, message: Message) -> None:
        """One part of the answer."""
        self.messages.append(message)
        if message["type"] == "http.response.start":
            self.status = message["status"]
            named = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in message["headers"]]
            self.headers = [each for each in named if each[0] != LENGTH]
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")


class KeyReader:
    """Reads the key of a request, whose body comes in pieces and may be a long file.

    The row is found by who asked and their key alone, so that another request under the same key is noticed.
    """

    def __init__(self, caller: str, key: str, target: str) -> None:
        sender = f"{caller}\n{key}"
        self._row = hashlib.sha256(sender.encode()).hexdigest()
        self._extract = hmac.new(NO_SALT, f"{sender}\n{target}\n".encode(), hashlib.sha256)

    def add(self, piece: bytes) -> None:
        """The next piece of the body."""
        self._extract.update(piece)

    def asked(self) -> Asked:
        """The key of the request with the body so far."""
        derived = HKDFExpand(SHA256(), length=64, info=INFO).derive(self._extract.digest())
        return Asked(request=RequestKey(key=self._row, request_hash=derived[:32]), seal=AESGCM(derived[32:]))


def answer_again(status: int, answer: bytes) -> Response:
    """What was answered before, and that it was."""
    if answer[:1] == PAIR:
        headers, body = cbor.decode(answer)
    else:
        headers, body = [["content-type", problems.MEDIA_TYPE if status >= 400 else "application/json"]], answer
    again = Response(body, status)
    for name, value in (*headers, (REPLAYED, "true")):
        again.headers.append(name, value)
    return again


def _replay(body: BodyFile) -> Receive:
    """A receive that gives the body that was read already, once."""
    left = body.tell()
    body.seek(0)
    ended = False

    async def receive() -> Message:
        nonlocal left, ended
        if ended:
            return {"type": "http.disconnect"}
        piece = await run_in_threadpool(body.read, PIECE_BYTES)
        left -= len(piece)
        ended = left == 0
        return {"type": "http.request", "body": piece, "more_body": not ended}

    return receive
