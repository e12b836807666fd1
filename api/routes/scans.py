"""The scanners' door: raw Starlette routes, because this is the one hot path.

Body: deterministic CBOR, `[statement, opening]` for one scan, an array of up to 500 such pairs for many. No session is
needed: the station's signature is the credential. The answer comes after the scan is durable and has its place.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api import problems
from api.parts import Parts
from custody.kernel import cbor
from custody.kernel.errors import Fatal, Rejected, Trouble
from custody.scans.scan import Scan, open_scan
from custody.usecases.accept_scans import Ack

ONE = "application/vnd.weaklink.scan+cbor"
MANY = "application/vnd.weaklink.scans+cbor"
MAX_BATCH = 500
NO_CODE = "S50"

_encode = msgspec.json.Encoder().encode


async def post_scan(request: Request) -> Response:
    """POST /v1/scans: one scan; 201, or 200 for a repeat."""
    parts: Parts = request.app.state.parts
    pair = cbor.decode(await read_body(request, parts, ONE))
    scan = _open(pair)
    ack = (await _answers(parts, [scan]))[0]
    if ack.refused is not None:
        raise ack.refused
    status = 200 if ack.verdict.result == "duplicate" else 201
    return Response(_encode(describe(ack)), status, media_type="application/json")


async def post_scans(request: Request) -> Response:
    """POST /v1/scans:batch: many scans, each with its own result; a bad one does not hold up the others."""
    parts: Parts = request.app.state.parts
    pairs = cbor.decode(await read_body(request, parts, MANY))
    if not isinstance(pairs, list) or not 1 <= len(pairs) <= MAX_BATCH:
        raise Rejected("batch", f"the body is not an array of 1 to {MAX_BATCH} scans", fix="Send smaller batches.")
    opened = [_try_open(pair) for pair in pairs]
    scans = [each for each in opened if isinstance(each, Scan)]
    acks = iter(await _answers(parts, scans) if scans else [])
    items = [_item(next(acks) if isinstance(each, Scan) else each) for each in opened]
    return Response(_encode({"items": items}), media_type="application/json")


def describe(ack: Ack) -> dict[str, Any]:
    """The answer to a scan."""
    digest = ack.digest.hex()
    return {
        "result": ack.verdict.result,
        "code": ack.verdict.code,
        "line": ack.verdict.line,
        "next": ack.verdict.next_act,
        "tone": ack.verdict.tone,
        "flags": [{"code": flag.code, "text": flag.text} for flag in ack.verdict.flags],
        "index": ack.index,
        "digest": digest,
        "receipt": None if ack.index is None else f"/v1/entries/{digest}/receipt",
        "server_ms": ack.at_ms,
    }


async def read_body(request: Request, parts: Parts, media_type: str) -> bytes:
    """The whole body, if it is of the media type and not too large."""
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent != media_type:
        raise Rejected("media_type", f"the body is {sent or 'of no type'}", fix=f"Send Content-Type: {media_type}.")
    limit = parts.settings.max_body_bytes
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise Rejected("too_large", f"the body is larger than {limit} bytes", fix="Send smaller batches.")
    return bytes(body)


async def _answers(parts: Parts, scans: list[Scan]) -> list[Ack]:
    answers: list[Ack] = await asyncio.wrap_future(parts.intake.submit(scans))
    return answers


def _open(pair: Any) -> Scan:
    if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(part, bytes) for part in pair):
        raise Rejected("scan", "a scan is an array of two byte strings", fix="Send [statement, opening].")
    return open_scan(pair[0], pair[1])


def _try_open(pair: Any) -> Scan | Trouble:
    try:
        return _open(pair)
    except Trouble as trouble:
        return trouble


def _item(answer: Ack | Trouble) -> dict[str, Any]:
    if isinstance(answer, Ack) and answer.refused is None:
        return describe(answer)
    trouble = answer.refused if isinstance(answer, Ack) else answer
    return {"result": "refused", "code": NO_CODE, "problem": problems.problem(trouble or _unanswered())}


def _unanswered() -> Trouble:
    return Fatal("internal", "the scan was not answered", fix="Send it again.")


def _guarded(handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except Trouble as trouble:
            return problems.respond(trouble)

    return answer


ROUTES = [
    Route("/v1/scans", _guarded(post_scan), methods=["POST"]),
    Route("/v1/scans:batch", _guarded(post_scans), methods=["POST"]),
]
