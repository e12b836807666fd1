"""No request carries more than a limit, whatever it calls its body and whoever reads it.

The framework reads the body of a route that takes JSON into memory and that of a route that takes a form onto the disk,
both to their end, before any code of ours is asked. A form may bring a file along where a customer gives one, so it may
be longer there than the rest. Its other fields are kept in memory, so there are few of them.
Scans have a door before this one, where a whole day of a scanner that was offline may come at once.
"""

import re

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http import problems
from api.parts import Parts
from custody.kernel.errors import Rejected

MOST_BYTES = 1024 * 1024
"""The longest that anybody needs are events of NanoMDM, drafts of a policy, and reports with every letter escaped."""
MOST_FORM_BYTES = 200 * 1024 * 1024
"""Twice as long as the longest file that is taken, so that who sends one that is too long is told so in their words."""
MOST_FIELDS, MOST_FILES = 20, 1
"""The longest form, a new case, has 11 fields and comes back with 4 more when somebody signs in again."""
MOST_DIGITS = 18
"""Of a length: a long row of digits takes Python long to read, or it refuses to."""
FILE_DOORS = re.compile(r"/v1/customer/[^/]+/files|/c/[^/]+/(?:files|answer)")


class BodyLimits:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, *, parts: Parts) -> None:
        self._app = app
        self._most = min(MOST_BYTES, parts.settings.max_body_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and answer it in the application's stead once its body is too long."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            check_coding(scope)
        except Rejected as packed:
            await problems.respond(packed, path=scope["path"])(scope, receive, send)
            return
        most = MOST_FORM_BYTES if _brings_file(Request(scope)) else self._most
        refused = Rejected("too_large", f"the body is larger than {most} bytes", fix="Send less at once.")
        length, carried = announced(scope), 0

        async def counted() -> Message:
            nonlocal carried
            if length > most:
                carried = length
                raise refused  # before anything is received: who waits for `100 Continue` sends nothing
            message = await receive()
            carried += len(message.get("body", b""))
            if carried > most:
                raise refused
            return message

        async def answer(message: Message) -> None:
            if carried <= most:
                await send(message)
            elif message["type"] == "http.response.start":  # whatever the application made of the body that broke off
                await problems.respond(refused, path=scope["path"])(scope, receive, send)

        await self._app(scope, counted, answer)


def check_coding(scope: Scope) -> None:
    """Raise `Rejected` for a body that comes packed: whoever reads one takes it as it stands."""
    if scope["method"] in {"GET", "HEAD"}:
        return
    codings = ",".join(Request(scope).headers.getlist("content-encoding")).lower()
    if set(codings.replace(" ", "").split(",")) - {"", "identity"}:
        detail, fix = f"the body is packed by {codings[:100]!r}", "Send it as it is, without Content-Encoding."
        raise Rejected("content_coding", detail, fix=fix)


def announced(scope: Scope) -> int:
    """How many bytes of a body its head promises; none if it does not say."""
    length = Request(scope).headers.get("content-length", "").lstrip("0")
    if not (length.isascii() and length.isdecimal()):
        return 0
    return int(length[:MOST_DIGITS])  # of more digits, these alone are too long


def _brings_file(request: Request) -> bool:
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return sent == "multipart/form-data" and FILE_DOORS.fullmatch(request.scope["path"]) is not None
