"""Errors as RFC 9457 problem documents; at the log's standard door as concise ones. The only table of HTTP statuses.

A problem document here has `type` (a URN made of the error's code), `title` (of the type, `titles.py`), `status`,
`detail` (what was wrong and where), `fix` (what to do) and any facts the error carries. No cache keeps an error: a tile
that is not there yet will be in a moment, and caches may remember a 404 that says nothing of them (RFC 9110 section
15.5.5).
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from api.http import concise_problems
from api.http.allowed_methods import allowed_methods
from api.http.body import fields_at, is_json
from api.http.titles import title_of
from custody.kernel.errors import Conflict, Fatal, Forbidden, NotFound, Rejected, Trouble, Unavailable

MEDIA_TYPE = "application/problem+json"
UNKEPT = {"Cache-Control": "no-store"}
STATUS: dict[type[Trouble], HTTPStatus] = {
    Rejected: HTTPStatus.UNPROCESSABLE_ENTITY,
    Forbidden: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    Fatal: HTTPStatus.INTERNAL_SERVER_ERROR,
}
BY_CODE: dict[str, HTTPStatus] = {
    "unauthenticated": HTTPStatus.UNAUTHORIZED,
    "sign_in_again": HTTPStatus.UNAUTHORIZED,
    "logout_token": HTTPStatus.BAD_REQUEST,  # Back-Channel Logout 1.0 section 2.8
    "hmac": HTTPStatus.FORBIDDEN,
    "too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "media_type": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "content_coding": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "too_many": HTTPStatus.TOO_MANY_REQUESTS,
}


def status_of(trouble: Trouble) -> int:
    """The HTTP status of an error."""
    return int(BY_CODE.get(trouble.code, STATUS.get(type(trouble), HTTPStatus.INTERNAL_SERVER_ERROR)))


def problem(trouble: Trouble) -> dict[str, Any]:
    """The problem document of an error."""
    return {
        "type": f"urn:weaklink:problem:{trouble.code}",
        "title": title_of(trouble),
        "status": status_of(trouble),
        "detail": trouble.detail,
        "fix": trouble.fix,
        **jsonable_encoder(trouble.facts),
    }


def when_again(trouble: Trouble) -> dict[str, str]:
    """The header that says when to ask again, if that may help (RFC 9110 section 10.2.3)."""
    waits = status_of(trouble) in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}
    if not waits and "retry_after_s" not in trouble.facts:
        return {}
    return {"Retry-After": str(trouble.facts.get("retry_after_s", 2))}


def respond(trouble: Trouble, *, path: str) -> Response:
    """The HTTP response of an error, in the form of the door that was asked."""
    status = status_of(trouble)
    headers = dict(UNKEPT)
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = _challenge(trouble)
    if trouble.code == "content_coding":
        headers["Accept-Encoding"] = "identity"  # what is taken instead (RFC 9110 section 12.5.3)
    headers.update(when_again(trouble))
    if concise_problems.are_asked_for(path):
        return concise_problems.respond(trouble, status, headers)
    return JSONResponse(problem(trouble), status_code=status, headers=headers, media_type=MEDIA_TYPE)


def of_another_type(sent: str, taken: str) -> Rejected:
    """What to say to a body of another media type."""
    return Rejected("media_type", f"the body is {sent or 'of no type'}", fix=f"Send Content-Type: {taken}.")


def _challenge(trouble: Trouble) -> str:
    """What a session has to be; where it is too old, how old it may be (RFC 9470 section 3).

    Only whoever sent a token is told that it is none (RFC 6750 section 3.1).
    """
    max_age_s, error = trouble.facts.get("max_age_s"), trouble.facts.get("error")
    if max_age_s:
        return f'Bearer error="insufficient_user_authentication", max_age="{max_age_s}"'
    return f'Bearer error="{error}"' if error else "Bearer"


def plain(status: int, detail: str, *, path: str, headers: Mapping[str, str] | None = None) -> Response:
    """The HTTP response of a status that says all there is to say."""
    title, fix = HTTPStatus(status).phrase, "See /docs for the paths and methods of this service."
    headers = {**UNKEPT, **(headers or {})}
    if concise_problems.are_asked_for(path):
        return concise_problems.write(status, title, f"{detail}. {fix}", headers)
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, "fix": fix}
    return JSONResponse(body, status, headers=headers, media_type=MEDIA_TYPE)


def headers_of(request: Request, error: HTTPException) -> Mapping[str, str]:
    """The headers that a status of the framework's is answered with."""
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return {"Allow": allowed_methods(request)}
    return error.headers or {}


def install(app: FastAPI) -> None:
    """Answer every error of the app with a problem document."""

    @app.exception_handler(Trouble)
    async def on_trouble(request: Request, trouble: Trouble) -> Response:
        return respond(trouble, path=request.url.path)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        sent = request.headers.get("content-type")
        if first["loc"] == ("body",) and sent is not None and not is_json(sent):
            return respond(of_another_type(sent, "application/json"), path=request.url.path)
        where = ".".join(str(part) for part in first["loc"])
        what, fix = first["msg"], "Correct the named fields; /docs shows the form."
        if first["type"] == "extra_forbidden":
            known = fields_at(request.scope["route"].body_field.field_info.annotation, first["loc"][1:-1])
            what, fix = "there is no such field", f"Use one of {', '.join(known)}."
        errors = [{"where": ".".join(map(str, e["loc"])), "what": e["msg"]} for e in error.errors()]
        return respond(
            Rejected(
                "invalid",
                f"{where}: {what}",
                fix=fix,
                errors=errors,
            ),
            path=request.url.path,
        )

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        return plain(error.status_code, str(error.detail), path=request.url.path, headers=headers_of(request, error))

    @app.exception_handler(Exception)
    async def on_surprise(request: Request, _error: Exception) -> Response:
        return respond(
            Fatal(
                "internal", "an error that should not happen", fix="Try again; tell the operator the time of the call."
            ),
            path=request.url.path,
        )
