"""Who is at the door: bearer tokens and console cookies, roles, and the check against forged console forms."""

import hmac
from collections.abc import Awaitable, Callable
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from pydantic import SecretStr

from api.parts import Parts, parts_of
from api.people.accounts import Caller, caller_of
from custody.kernel.clock import MINUTE_MS, SECOND_MS
from custody.kernel.errors import Forbidden, Rejected

COOKIE = "weaklink_session"
HOSTS_OWN = "__Host-"
"""Browsers take a cookie of such a name from the host itself alone (draft-ietf-httpbis-rfc6265bis section 4.1.3.2)."""
SIGN_IN_AGAIN = "sign_in_again"
SUPERVISOR = "supervisor"
BEARER = HTTPBearer(auto_error=False, scheme_name="session", description="The token that `POST /v1/sessions` answers.")
"""How the OpenAPI document tells which doors ask for a session; who comes in is decided by `signed_in`."""


def is_secure(request: Request) -> bool:
    """Whether people reach us by https; what stands before the service may end it, and hand on plain http."""
    parts: Parts = request.app.state.parts
    return request.url.scheme == "https" or parts.settings.address.lower().startswith("https:")


def cookie_name(request: Request, name: str) -> str:
    """What a cookie that lets somebody in is called: by https no neighbour of this host can lay one."""
    return HOSTS_OWN + name if is_secure(request) else name


def cookie(request: Request, name: str) -> str:
    """What this browser holds under a name; nothing if it holds none."""
    return request.cookies.get(cookie_name(request, name), "")


def token_of(request: Request) -> str:
    """The session token of a request: the bearer token, else the console's cookie."""
    return bearer(request) or cookie(request, COOKIE)


def session_cookies(request: Request) -> str:
    """What a request brings under the name of a session's cookie, whether or not it counts here."""
    return "".join([request.cookies.get(name, "") for name in (COOKIE, HOSTS_OWN + COOKIE)])


def bearer(request: Request) -> str:
    """The bearer token of a request; nothing if it has none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def signed_in(
    request: Request, parts: Annotated[Parts, Depends(parts_of)], _bearer: Annotated[object, Depends(BEARER)] = None
) -> Caller:
    """The caller; raises `Rejected("unauthenticated")`. A cookie counts for changes only from our own pages."""
    by_cookie = cookie_name(request, COOKIE) in request.cookies and not bearer(request)
    if by_cookie and request.method not in {"GET", "HEAD"}:
        same_site(request)
    with parts.house.read() as session:
        return caller_of(session, token_of(request), now_ms=parts.clock.now_ms())


def known(request: Request, parts: Parts) -> Caller | None:
    """Who is signed in, if anybody is, at a door that takes everybody. A cookie whose session is over is nobody's."""
    if not token_of(request):
        return None
    try:
        return signed_in(request, parts)
    except Rejected:
        if bearer(request):
            raise
        return None


def role(*allowed: str) -> Callable[[Caller], Awaitable[Caller]]:
    """A dependency that lets only these roles in; raises `Forbidden`."""

    async def check(caller: Annotated[Caller, Depends(signed_in)]) -> Caller:
        if caller.role not in allowed:
            raise Forbidden(
                "role",
                f"the role {caller.role!r} may not do this",
                fix=f"Ask somebody in the role {' or '.join(allowed)}.",
            )
        return caller

    return check


def signed_in_lately(parts: Parts, caller: Caller, minutes: int) -> None:
    """Return if the caller signed in within so many minutes, or if there are none; raises `Rejected("sign_in_again")`.

    Whoever took a session, or sits down at somebody's screen, has no password (RFC 9470: step-up authentication). A
    moment of which nobody knows, or that lies ahead, is not young.
    """
    if minutes and (caller.since_ms is None or not 0 <= parts.clock.now_ms() - caller.since_ms <= minutes * MINUTE_MS):
        raise Rejected(
            SIGN_IN_AGAIN,
            f"this takes a sign-in of the last {minutes} minutes",
            fix="Sign in once more, and send it again.",
            max_age_s=minutes * MINUTE_MS // SECOND_MS,
        )


def by_token(request: Request, parts: Parts, right: SecretStr, *, refused: Forbidden) -> None:
    """Let in whoever sends a token of the settings, and supervisors by their session; raises `refused` for others."""
    sent, set_token = token_of(request).encode(), right.get_secret_value().encode()
    if set_token and hmac.compare_digest(sent, set_token):
        return
    if signed_in(request, parts).role != SUPERVISOR:
        raise refused


def same_site(request: Request) -> None:
    """Browsers say where a form came from; anything but our own address is refused.

    Ours is the address that was asked, and the one that is set: what stands before the service may end https.
    """
    site = request.headers.get("sec-fetch-site")
    set_address = urlsplit(request.app.state.parts.settings.public_url)
    ours = {f"{request.url.scheme}://{request.headers.get('host', '')}", f"{set_address.scheme}://{set_address.netloc}"}
    if site == "same-origin" or (site is None and request.headers.get("origin", "") in ours):
        return
    raise Forbidden("cross_site", "the form was not sent from this site", fix="Open the page here and send it again.")
