"""Single sign-on at the console: to the provider and back, linking one's account with it, and a token for programs.

- What belongs to a sign-in under way is kept by the browser alone, in a cookie for ten minutes. It comes with the way
  back from the provider, which is another site, and the session's cookie does not: so the page at the end of the way
  leads on by itself, and from here to here the session is seen.
- An account is linked by whoever gives its password on the way back, and from then on signs in there alone. A session
  without the password cannot give the account to somebody else's sign-in; nor can whoever signed this browser in there
  before, since the provider asks anew who it is.
- A form that was typed waits on the sign-in page: the way there and back is gone on a page beside it, and the form is
  then sent to its own address from where it waits, marked as unsent (`unsent.py`). Nothing of it goes along or is kept.
- No form leads to the provider, since pages may send forms to nobody else (`render.py`): links do.
"""

from dataclasses import astuple
from http import HTTPStatus
from typing import Annotated, Literal, NamedTuple
from urllib.parse import urlencode

import msgspec
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from api.http.problems import status_of
from api.pages.door import onward_to
from api.pages.render import page, see
from api.pages.sent_form import Typed
from api.pages.unsent import of_door
from api.pages.visit import Staff
from api.parts import Parts, parts_of, service_address
from api.people import accounts, sign_in
from api.people.auth import COOKIE, cookie, cookie_name, token_of
from api.process.open_id import Identity, OpenIdProvider, SignOn, new_sign_on
from custody.kernel.base64url import b64, unb64
from custody.kernel.clock import HOUR_MS, MINUTE_MS, SECOND_MS
from custody.kernel.errors import NotFound, Rejected, Trouble, Unavailable

router = APIRouter(prefix="/console", include_in_schema=False)
P = Annotated[Parts, Depends(parts_of)]
BACK = "/console/sign-on/back"
ACCOUNT, HOME = "/console/account", "/console"
UNDER_WAY = "weaklink_sign_on"
LASTS_S = 10 * MINUTE_MS // SECOND_MS
Why = Literal["enter", "again", "link"]
_KEPT = tuple[str, str, str, Why, str, bool]


class Begun(NamedTuple):
    """A sign-in under way, why it was begun, and where to go on after it; `beside` a page on which a form waits."""

    sign_on: SignOn
    why: Why
    onward: str
    beside: bool = False


@router.get("/sign-on")
def begin(
    request: Request,
    parts: P,
    next: str = "",  # noqa: A002 - as on the sign-in page
    again: str = "",
    beside: str = "",
) -> Response:
    """To the provider; `again` asks for the password there, if it was given longer ago than some acts take."""
    begun = Begun(new_sign_on(), "again" if again else "enter", onward_to(next), bool(beside))
    try:
        return _leave(request, parts, begun)
    except Unavailable as away:
        return _door(request, parts, begun, away)


@router.get("/account/sign-on")
def begin_link(visit: Staff) -> Response:
    """To the provider, to link one's account with whoever signs in there."""
    return _leave(visit.request, visit.parts, Begun(new_sign_on(), "link", ACCOUNT))


@router.get("/sign-on/back")
def come_back(request: Request, parts: P) -> Response:
    """From the provider: signed in, and led on; or asked for the password of the account that is to be linked."""
    begun = _begun(request)
    if begun is not None and begun.why == "link":
        return _ask_to_link(request, parts)
    try:
        token = sign_in.sign_on(request, parts, lambda: _identity(request, parts, begun))
    except Trouble as trouble:
        return _door(request, parts, begun, trouble)
    onward, beside = (begun.onward, begun.beside) if begun else ("", False)
    answer = page(request, "signed_on.html", onward=onward or HOME, beside=beside)
    max_age_s = parts.settings.session_hours * HOUR_MS // SECOND_MS
    sign_in.keep(answer, request, cookie_name(request, COOKIE), token, max_age_s=max_age_s)
    sign_in.let_go(answer, request, cookie_name(request, UNDER_WAY))
    return answer


@router.post("/account/sign-on")
def link(visit: Staff, password: Typed = "") -> Response:
    """Link one's account with whoever signed in at the provider."""
    request, parts = visit.request, visit.parts
    try:
        begun = _begun(request)
        sign_in.link(request, parts, visit.caller, password=password, said=lambda: _identity(request, parts, begun))
    except Trouble as trouble:
        return _ask_to_link(request, parts, trouble)
    answer = see(ACCOUNT, done="linked")
    sign_in.let_go(answer, request, cookie_name(request, UNDER_WAY))
    return answer


@router.post("/account/token")
def token_for_programs(visit: Staff) -> Response:
    """A token for the command line, shown once: who signs in at the provider has no password for `weaklink login`."""
    with visit.parts.house.unit() as unit:
        token, until_ms = accounts.sign_in_elsewhere(unit.session, token_of(visit.request))
    return visit.page("token.html", token=token, until_ms=until_ms)


def _door(request: Request, parts: Parts, begun: Begun | None, trouble: Trouble) -> Response:
    facts = of_door(parts, onward=begun.onward if begun else "", again=begun is not None and begun.why == "again")
    return page(request, "sign_in.html", status=status_of(trouble), trouble=trouble, **facts)


def _leave(request: Request, parts: Parts, begun: Begun) -> Response:
    max_age_s = _max_age_s(parts, begun)
    back, anew = service_address(request, parts) + BACK, begun.why == "link"
    where = _provider(parts).address(begun.sign_on, back=back, max_age_s=max_age_s, anew=anew)
    answer = RedirectResponse(where, status_code=HTTPStatus.SEE_OTHER, headers={"Cache-Control": "no-store"})
    kept = b64(msgspec.json.encode([*astuple(begun.sign_on), *begun[1:]]))
    sign_in.keep(answer, request, cookie_name(request, UNDER_WAY), kept, max_age_s=LASTS_S, samesite="lax")
    return answer


def _begun(request: Request) -> Begun | None:
    """The sign-in that this browser has begun, if any."""
    try:
        kept = msgspec.json.decode(unb64(cookie(request, UNDER_WAY), where=UNDER_WAY), type=_KEPT)
    except (Rejected, msgspec.MsgspecError):
        return None
    state, nonce, verifier, why, onward, beside = kept
    return Begun(SignOn(state=state, nonce=nonce, verifier=verifier), why, onward_to(onward), beside)


def _identity(request: Request, parts: Parts, begun: Begun | None) -> Identity:
    """Who came back from the provider; raises `Rejected("unauthenticated")` if this browser had begun nothing."""
    if begun is None:
        raise Rejected(
            "unauthenticated", "the sign-in was not begun here, or more than ten minutes ago", fix="Begin it once more."
        )
    back = service_address(request, parts) + BACK
    max_age_s = _max_age_s(parts, begun)
    return _provider(parts).identity(begun.sign_on, request.query_params, back=back, max_age_s=max_age_s)


def _max_age_s(parts: Parts, begun: Begun) -> int | None:
    return parts.settings.shortest_sign_in_minutes * MINUTE_MS // SECOND_MS if begun.why == "again" else None


def _ask_to_link(request: Request, parts: Parts, trouble: Trouble | None = None) -> Response:
    """The page that asks for the password of the account; it keeps what the provider gave to the browser."""
    answer = urlencode(list(request.query_params.items()))
    status = status_of(trouble) if trouble else HTTPStatus.OK
    return page(
        request, "link_account.html", status=status, trouble=trouble, name=parts.settings.oidc_name, answer=answer
    )


def _provider(parts: Parts) -> OpenIdProvider:
    if parts.sign_on is None:
        raise NotFound("page", "nobody signs in elsewhere here", fix="Sign in with your password.")
    return parts.sign_on
