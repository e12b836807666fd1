"""Errors at the log's standard door: concise problem details (RFC 9290), a CBOR map of -1 title and -2 detail.

SCRAPI (draft-ietf-scitt-scrapi-11, section 2) asks for this form on every 4xx and 5xx, whoever in the service refuses,
so it goes by the path alone. The titles are the draft's where it has one.
"""

from collections.abc import Mapping
from http import HTTPStatus

from fastapi.responses import Response

from custody.kernel import cbor
from custody.kernel.errors import Rejected, Trouble, Unavailable

MEDIA_TYPE = "application/concise-problem-details+cbor"
DOORS = ("/entries", "/.well-known/scitt-keys")
TITLES = {
    "algorithm": "Bad Signature Algorithm",
    "payload_missing": "Payload Missing",
    "registration": "Rejected",
    "signature": "Rejected",
    "registrar": "Rejected",
    "not-allowed": "Rejected",
    "key": "Rejected",
    "too_many": "Too Many Requests",
    "locator": "Invalid locator",
    "no_such_key": "No such key",
    "entry": "Not Found",
    "registration_failed": "Registration Failed",
}


def are_asked_for(path: str) -> bool:
    """Whether the path is one of the standard door's."""
    return any(path == door or path.startswith(f"{door}/") for door in DOORS)


def respond(trouble: Trouble, status: int, headers: Mapping[str, str]) -> Response:
    """The HTTP response of an error; what elsewhere is 422 is 400 in the draft."""
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        status = HTTPStatus.BAD_REQUEST
    otherwise = {Rejected: "Malformed request", Unavailable: "Try again"}.get(type(trouble), HTTPStatus(status).phrase)
    title = TITLES.get(trouble.code, otherwise)
    return write(status, title, f"{trouble.detail}. {trouble.fix}", headers)


def write(status: int, title: str, detail: str, headers: Mapping[str, str] | None) -> Response:
    """The HTTP response of a title and a detail."""
    return Response(cbor.encode({-1: title, -2: detail}), status, headers=headers, media_type=MEDIA_TYPE)
