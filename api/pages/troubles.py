"""Errors for people: a page in plain words where a browser asks for one, the problem document of the API elsewhere.

A browser that is not signed in, or not lately enough for what it asks, is led to the door, with what was typed if it
sent a form of ours. A customer whose link opens nothing gets a kind page: the link may be cut off, and nobody is blamed
for that.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeGuard
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException

from api.http import problems
from api.http.titles import heading_of
from api.pages.plain_refusals import for_staff
from api.pages.render import LARGE, page, see
from api.pages.sent_form import Sent
from api.pages.unsent import SIGN_IN, ask_to_sign_in
from api.people.auth import SIGN_IN_AGAIN
from custody.kernel.errors import Conflict, Fatal, NotFound, Rejected, Trouble, Unavailable
from custody.kernel.ids import as_typed

Handler = Callable[[Request, Any], Awaitable[Response]]
MACHINES = ("/v1/", "/log/", "/entries", "/.well-known/", "/assets/", "/openapi.json")
TITLES = {"method": "There is no page here"}
OF_CUSTOMERS = (r"/c/[^/]+", r"/complain(?=/|$)", r"/bought(?=/|$)")
PRESSED_ON = re.compile(r"/console/(?:cases/[^/]+|locks|lessons)(?=/)")
"""The page on which a button stands, by the button's own address."""
SIGN_IN_FIRST = frozenset({"unauthenticated", SIGN_IN_AGAIN})
CUT_OFF = frozenset({"/c", "/c/"})
"""What is left of a customer's link that lost all of its token."""
A_LINK = re.compile(r"/c/([^/]+)")
A_TOKEN = re.compile(r"c_[0-9a-z]{16}", re.ASCII)
_WEIGHT = re.compile(r"q=([01](?:\.\d{0,3})?)", re.ASCII)


def wants_page(request: Request) -> bool:
    """Whether this is a browser looking for a page."""
    if request.url.path.startswith(MACHINES):
        return False
    wanted = _qualities(request.headers.get("accept", ""))
    return wanted.get("text/html", 0.0) > max(wanted.get(name, 0.0) for name in ("application/json", "*/*"))


def respond(
    request: Request, trouble: Trouble, *, status: int | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """The page of an error; `status` where the web has its own for it."""
    path = request.url.path
    if trouble.code in SIGN_IN_FIRST and path.startswith("/console") and path != SIGN_IN:
        return RedirectResponse(f"{SIGN_IN}?{_onward(request, trouble)}", status_code=HTTPStatus.SEE_OTHER)
    if trouble.code == "token" or (trouble.code == "page" and path in CUT_OFF):
        if (meant := _link_meant(request)) is not None:
            return see(meant, large=request.query_params.get("size") == LARGE)
        phone = request.app.state.parts.settings.support_phone
        return page(request, "no_such_link.html", status=HTTPStatus.NOT_FOUND, phone=phone)
    if isinstance(trouble, Unavailable) and any(re.match(way, path) for way in OF_CUSTOMERS):
        return out_of_reach(request, trouble, Sent())
    title = TITLES.get(trouble.code) or heading_of(trouble)
    back = next((found[0] for way in OF_CUSTOMERS if (found := re.match(way, path))), "")
    answer = page(
        request,
        "problem.html",
        status=status or problems.status_of(trouble),
        problem=for_staff(trouble) if path.startswith("/console") else trouble,
        title=title,
        back=back,
    )
    answer.headers.update({**problems.when_again(trouble), **(headers or {})})
    return answer


def _link_meant(request: Request) -> str | None:
    """The page of a link that was typed off a letter, or copied with the full stop after it; None if that is it."""
    found = A_LINK.fullmatch(request.url.path)
    if found is None or request.method != "GET":
        return None
    meant = as_typed("c", found[1])
    return f"/c/{meant}" if meant != found[1] and A_TOKEN.fullmatch(meant) else None


def out_of_reach(request: Request, trouble: Unavailable, sent: Sent) -> Response:
    """What a customer reads while nothing can be read or kept: that it is ours, and all that they typed."""
    typed = "\n".join(text for text in sent.given.values() if text.strip())
    kept = sent.kept or ({"What you wrote": typed} if typed else {})
    phone = request.app.state.parts.settings.support_phone
    answer = page(request, "out_of_reach.html", status=problems.status_of(trouble), phone=phone, kept=kept)
    answer.headers.update(problems.when_again(trouble))
    return answer


def _onward(request: Request, trouble: Trouble) -> str:
    """What the door is asked with: the page that was wanted, or the one with the button that was pressed."""
    path, query = request.url.path, request.url.query
    if request.method == "GET":
        return f"next={quote(f'{path}?{query}' if query else path)}"
    found = PRESSED_ON.match(path)
    return (
        f"next={quote(found[0] if found else '/console')}&pressed={'again' if trouble.code == SIGN_IN_AGAIN else 'yes'}"
    )


def install(app: FastAPI) -> None:
    """Answer errors with pages where people look; what was installed before answers everybody else."""
    for kind, read in _READERS.items():
        app.add_exception_handler(kind, _handler(app.exception_handlers[kind], read))


def _handler(otherwise: Any, read: Callable[[Any], Trouble]) -> Handler:
    async def handle(request: Request, error: Exception) -> Response:
        if not wants_page(request):
            answer: Response = await otherwise(request, error)
            return answer
        if isinstance(error, HTTPException):
            return respond(request, read(error), status=error.status_code, headers=problems.headers_of(request, error))
        if _has_to_sign_in(error, request):
            door = await ask_to_sign_in(request, again=error.code == SIGN_IN_AGAIN)
            if door is not None:
                return door
        return respond(request, read(error))

    return handle


def _has_to_sign_in(error: Exception, request: Request) -> TypeGuard[Trouble]:
    is_form = request.method == "POST" and request.url.path.startswith("/console/") and request.url.path != SIGN_IN
    return is_form and isinstance(error, Trouble) and error.code in SIGN_IN_FIRST


def _invalid(error: RequestValidationError) -> Trouble:
    first = error.errors()[0]
    name = str(first["loc"][-1]).replace("_", " ")
    return Rejected("invalid", f"{name}: {first['msg']}", fix="Go back, correct it and send the form again.")


def _http(error: HTTPException) -> Trouble:
    if error.status_code == HTTPStatus.NOT_FOUND:
        return NotFound(
            "page", "there is no page at this address", fix="Check the address, or start at the first page."
        )
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return Conflict(
            "method", "this address is no page: it takes what a form sends", fix="Go to the page and use its buttons."
        )
    return Rejected("http", str(error.detail), fix="Go back and try it from the page.")


def _surprise(_error: Exception) -> Trouble:
    return Fatal("internal", "an error that should not happen", fix="Try again; tell the operator the time of day.")


_READERS: dict[Any, Callable[[Any], Trouble]] = {
    Trouble: lambda trouble: trouble,
    RequestValidationError: _invalid,
    HTTPException: _http,
    Exception: _surprise,
}


def _qualities(accept: str) -> dict[str, float]:
    """The media types of an Accept header with their weights (RFC 9110 section 12.5.1)."""
    found = {}
    for part in accept.split(","):
        name, _, rest = part.partition(";")
        weight = _WEIGHT.fullmatch(rest.rpartition(";")[2].strip())
        if name.strip():
            found[name.strip().lower()] = float(weight[1]) if weight else 1.0
    return found
