"""No request carries more than a limit, whatever it calls its body and whoever reads it.

The framework reads the body of a route that takes JSON into memory and that of a route that takes a form onto the disk,
both to their end, before any code of ours is asked. A form may bring files along, so it may be longer than the rest.
Scans have a door before this one, where a whole day of a scanner that was offline may come at once.
"""

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import problems
from api.parts import Parts
from custody.kernel.errors import Rejected

MOST_BYTES = 1024 * 1024
"""The longest that anybody needs are events of NanoMDM, drafts of a policy, and reports with every letter escaped."""
MOST_FORM_BYTES = 200 * 1024 * 1024
"""Twice as long as the longest file that is taken, so that who sends one that is too long is told so in their words."""


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
        most = MOST_FORM_BYTES if _is_multipart(Request(scope)) else self._most
        refused = Rejected("too_large", f"the body is larger than {most} bytes", fix="Send less at once.")
        carried = 0

        async def counted() -> Message:
            nonlocal carried
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


def _is_multipart(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == "multipart/form-data"
