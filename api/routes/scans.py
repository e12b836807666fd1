"""The scanners' door: ASGI without a framework, and for one scan the short way, because this is the one hot path.

Body: deterministic CBOR. `[statement, opening]` for one scan; an array of up to 500 such pairs for many; for scans that
a station signed together `[statement, seal, [[subject, content type, opening], ...]]` (`scans/batch.py`). No session is
needed: the station's signature is the credential. The answer comes after the scan is durable and has its place.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Any

import msgspec
import structlog
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http import large_bodies, problems, short_way
from api.http.body_limits import MOST_DIGITS, announced, check_coding
from api.http.short_way import Header, Reply, Take
from api.parts import Parts
from api.receipt_address import receipt_address
from custody.kernel import cbor
from custody.kernel.errors import Fatal, Rejected, Trouble
from custody.scans.batch import MOST, HandedScan, SealedBatch, open_batch
from custody.scans.own_keys import without_wrong_keys, wrong_own_key
from custody.scans.scan import OPENING_LIMIT_BYTES, STATEMENT_LIMIT_BYTES, Scan, open_scan
from custody.scans.tolerances import Tolerances
from custody.usecases.accept_scans import Intake
from custody.usecases.file_part import ScanOrBatch
from custody.usecases.judge_group import ScanAnswer
from custody.usecases.keep_refused import keep_refused

ONE = "application/vnd.weaklink.scan+cbor"
MANY = "application/vnd.weaklink.scans+cbor"
MAX_BATCH = 500
TOGETHER = "application/vnd.weaklink.scan-batch+cbor"
NO_CODE = "S50"
ONE_BYTES = 1 + 3 + STATEMENT_LIMIT_BYTES + 5 + OPENING_LIMIT_BYTES
"""The longest scan: an array, and two byte strings behind their heads."""

log = structlog.get_logger()
_encode = msgspec.json.Encoder().encode


class ScanDoor:
    """Stands before the whole application: answers the paths of scanners, hands everything else on."""

    def __init__(self, app: ASGIApp, *, parts: Parts) -> None:
        self._app = app
        self._limit = parts.settings.max_body_bytes
        self._one_limit = min(ONE_BYTES, self._limit)
        self._short_limit = min(short_way.MOST_BYTES, large_bodies.AT_ONCE, self._one_limit)
        self._own = parts.settings.own_prefixes
        self._house = parts.house
        self._answers = Answers(parts.intake)
        self._doors: Mapping[str, Callable[[Scope, Receive], Awaitable[tuple[int, bytes]]]] = {
            "/v1/scans": self._one,
            "/v1/scans:batch": self._many,
            "/v1/batches": self._together,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a scan, or many."""
        door = self._doors.get(scope["path"]) if scope["type"] == "http" else None
        if door is None:
            await self._app(scope, receive, send)
            return
        if scope["method"] != "POST":
            refused = problems.plain(405, "Scans are sent with POST.", path=scope["path"], headers={"Allow": "POST"})
            await refused(scope, receive, send)
            return
        try:
            status, body = await door(scope, receive)
        except Trouble as trouble:
            await problems.respond(trouble, path=scope["path"])(scope, receive, send)
            return
        except Exception:  # nobody above would answer the scanner
            log.exception("a scan could not be answered")
            await problems.respond(_unanswered(), path=scope["path"])(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": status, "headers": _head_of(body)})
        await send({"type": "http.response.body", "body": body})

    async def _one(self, scope: Scope, receive: Receive) -> tuple[int, bytes]:
        """POST /v1/scans: one scan; 201, or 200 for a repeat."""
        body = await read_body(scope, receive, media_type=ONE, limit=self._one_limit)
        scan = await large_bodies.read(_read_one, body)
        wrong = wrong_own_key(scan.event, self._own)
        if wrong is not None:
            await self._keep([scan])
            raise wrong
        return _said_of_one(await self._answers.of([scan]))

    def short_way(self, scope: Scope) -> Take | None:
        """One scan comes the short way, if its head is as `_one` wants it."""
        if scope["path"] != "/v1/scans" or scope["method"] != "POST":
            return None
        head = dict(reversed(scope["headers"]))  # of two headers with one name the first counts
        length = head.get(b"content-length", b"")
        usual = head.get(b"content-type") == ONE.encode() and b"content-encoding" not in head
        usual = usual and length.isdigit() and len(length) < MOST_DIGITS
        return self._take if usual and int(length) <= self._short_limit else None

    def _take(self, body: bytes, reply: Reply) -> bool:
        """As `_one`, for a scan that can be handed in."""
        try:
            scan = _read_one(body)
            if wrong_own_key(scan.event, self._own) is not None:
                return False
            self._answers.ask([scan], partial(_reply_to_one, reply))
        except Exception:  # noqa: BLE001 - the application meets it again, and answers it
            return False
        return True

    async def _many(self, scope: Scope, receive: Receive) -> tuple[int, bytes]:
        """POST /v1/scans:batch: many scans, each with its own result; a bad one does not hold up the others."""
        body = await read_body(scope, receive, media_type=MANY, limit=self._limit)
        read = await large_bodies.read(_read_many, body)
        wrong = {at: why for at, each in enumerate(read) if (why := self._wrong(each)) is not None}
        acks: list[ScanAnswer] = []
        scans = [(at in wrong, each) for at, each in enumerate(read) if isinstance(each, Scan)]
        for is_refused, run in groupby(scans, key=itemgetter(0)):
            turn = [scan for _, scan in run]
            if is_refused:
                await self._keep(turn)
            else:
                acks += await self._answers.of(turn)
        left = iter(acks)
        items = [_item(wrong[at] if at in wrong else next(left)) for at in range(len(read))]
        return 200, _encode({"items": items})

    def _wrong(self, read: Scan | Trouble) -> Trouble | None:
        return wrong_own_key(read.event, self._own) if isinstance(read, Scan) else read

    async def _keep(self, refused: Sequence[Scan]) -> None:
        await run_in_threadpool(keep_refused, self._house, refused, Tolerances())

    async def _together(self, scope: Scope, receive: Receive) -> tuple[int, bytes]:
        """POST /v1/batches: scans under one statement; 201, or 200 for a repeat, each scan with its own result."""
        sent = await read_body(scope, receive, media_type=TOGETHER, limit=self._limit)
        sealed = without_wrong_keys(await large_bodies.read(_read_batch, sent), self._own)
        acks = await self._answers.of([sealed])
        index, refused = acks[0].index, [ack.refused for ack in acks if ack.refused is not None]
        if index is None and len(refused) == len(acks):
            raise refused[0]
        digest = sealed.statement.digest.hex()
        body = {
            "digest": digest,
            "index": index,
            "count": len(acks),
            "receipt": None if index is None else f"/v1/entries/{digest}/receipt",
            "server_ms": acks[0].at_ms,
            "items": [_item(ack) for ack in acks],
        }
        results = {ack.verdict.result for ack in acks if ack.refused is None}
        return 200 if results == {"duplicate"} else 201, _encode(body)


Told = Callable[[list[ScanAnswer] | Trouble], None]
"""Is called in the event loop with what came of scans."""


class Answers:
    """Hands scans to the intake and brings its answers back into the event loop, those of one group with one call.

    Both threads of the intake answer.
    """

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._turn = threading.Lock()
        self._done: deque[tuple[Told, list[ScanAnswer] | Trouble]] = deque()

    async def of(self, parts: Sequence[ScanOrBatch]) -> list[ScanAnswer]:
        """The answers to these scans, or to one batch, once they are durable."""
        here: asyncio.Future[list[ScanAnswer]] = asyncio.get_running_loop().create_future()
        self.ask(parts, partial(_settle, here))
        return await here

    def ask(self, parts: Sequence[ScanOrBatch], told: Told) -> None:
        """Hand in scans, or one batch; raises as `Intake.hand_in` does."""
        loop = asyncio.get_running_loop()

        def answered(outcome: list[ScanAnswer] | Trouble) -> None:
            with self._turn:
                self._done.append((told, outcome))
                if len(self._done) > 1:  # the one that woke the loop is still there, and it finds this one too
                    return
            try:
                loop.call_soon_threadsafe(self._deliver)
            except RuntimeError:  # the loop is gone, and with it all who waited there
                self._done.clear()
                raise

        self._intake.hand_in(parts, answered)

    def _deliver(self) -> None:
        while self._done:
            told, outcome = self._done.popleft()
            try:
                told(outcome)
            except Exception:  # those behind it wait for nothing else
                log.exception("an answer could not be given")


def _settle(here: asyncio.Future[list[ScanAnswer]], outcome: list[ScanAnswer] | Trouble) -> None:
    if here.done():
        return  # the caller has given up
    if isinstance(outcome, Trouble):
        here.set_exception(outcome)
    else:
        here.set_result(outcome)


def _reply_to_one(reply: Reply, outcome: list[ScanAnswer] | Trouble) -> None:
    try:
        status, body = _said_of_one(outcome)
    except Trouble as trouble:
        _refuse_one(reply, trouble)
    except Exception:  # as in the application's way
        log.exception("a scan could not be answered")
        _refuse_one(reply, _unanswered())
    else:
        reply(status, _head_of(body), body)


def _refuse_one(reply: Reply, trouble: Trouble) -> None:
    answer = problems.respond(trouble, path="/v1/scans")
    reply(answer.status_code, answer.raw_headers, bytes(answer.body))


def _said_of_one(outcome: list[ScanAnswer] | Trouble) -> tuple[int, bytes]:
    """Status and body; raises the trouble of a scan that was not taken."""
    if isinstance(outcome, Trouble):
        raise outcome
    ack = outcome[0]
    if ack.refused is not None:
        raise ack.refused
    return 200 if ack.verdict.result == "duplicate" else 201, _encode(describe(ack))


def _head_of(body: bytes) -> list[Header]:
    return [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]


def describe(ack: ScanAnswer) -> dict[str, Any]:
    """The answer to a scan; one of a batch also has its position, and its receipt is the station's."""
    return {
        "result": ack.verdict.result,
        "code": ack.verdict.code,
        "line": ack.verdict.line,
        "next": ack.verdict.next_act,
        "tone": ack.verdict.tone,
        "flags": [{"code": flag.code, "text": flag.text} for flag in ack.verdict.flags],
        "warnings": ack.warnings,
        "index": ack.index,
        **({} if ack.position is None else {"position": ack.position}),
        "digest": ack.digest.hex(),
        "receipt": None if ack.index is None else receipt_address(ack.digest, ack.position),
        "server_ms": ack.at_ms,
    }


async def read_body(scope: Scope, receive: Receive, *, media_type: str, limit: int) -> bytes:
    """The whole body, if it is of the media type, not packed and not too large."""
    sent = next((value for name, value in scope["headers"] if name == b"content-type"), b"").decode("latin-1")
    if sent.partition(";")[0].strip().lower() != media_type:
        raise problems.of_another_type(sent, media_type)
    check_coding(scope)
    if announced(scope) > limit:
        raise _too_large(limit)  # before anything is received: who waits for `100 Continue` sends nothing
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Rejected("incomplete", "the connection ended before the body did", fix="Send it again.")
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > limit:
            raise _too_large(limit)
    return bytes(body)


def _too_large(limit: int) -> Rejected:
    return Rejected("too_large", f"the body is larger than {limit} bytes", fix="Send less at once.")


def _read_one(body: bytes) -> Scan:
    return _open(cbor.decode(body))


def _read_many(body: bytes) -> list[Scan | Trouble]:
    pairs = cbor.decode(body)
    if not isinstance(pairs, list) or not 1 <= len(pairs) <= MAX_BATCH:
        raise Rejected("batch", f"the body is not an array of 1 to {MAX_BATCH} scans", fix="Send smaller batches.")
    return [_try_open(pair) for pair in pairs]


def _open(pair: Any) -> Scan:
    if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(part, bytes) for part in pair):
        raise Rejected("scan", "a scan is an array of two byte strings", fix="Send [statement, opening].")
    return open_scan(pair[0], pair[1])


def _read_batch(sent: bytes) -> SealedBatch:
    body = cbor.decode(sent)
    whole = isinstance(body, list) and len(body) == 3 and isinstance(body[2], list) and len(body[2]) <= MOST
    if not whole or not all(isinstance(part, bytes) for part in body[:2]) or not all(map(_is_item, body[2])):
        raise Rejected(
            "batch",
            f"a batch is an array of two byte strings and up to {MOST} items",
            fix="Send [statement, seal, [[subject, content type, opening], ...]].",
        )
    items = [HandedScan(subject=subject, content_type=kind, opening=opening) for subject, kind, opening in body[2]]
    return SealedBatch(batch=open_batch(body[0], items), seal=body[1])


def _is_item(item: Any) -> bool:
    return isinstance(item, list) and [type(part) for part in item] == [str, str, bytes]


def _try_open(pair: Any) -> Scan | Trouble:
    try:
        return _open(pair)
    except Trouble as trouble:
        return trouble


def _item(answer: ScanAnswer | Trouble) -> dict[str, Any]:
    if isinstance(answer, ScanAnswer) and answer.refused is None:
        return describe(answer)
    trouble = answer.refused if isinstance(answer, ScanAnswer) else answer
    return {"result": "refused", "code": NO_CODE, "problem": problems.problem(trouble or _unanswered())}


def _unanswered() -> Trouble:
    return Fatal("internal", "the scan was not answered", fix="Send it again.")
