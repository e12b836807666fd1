"""Signing out of the console; whoever signed in elsewhere is told that they are signed in there still.

The way out there is the provider's own (OpenID Connect RP-Initiated Logout 1.0), and it is theirs to go it: it may end
all that they have open at their organisation. A provider that is away keeps nobody signed in here.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from api.pages.render import page, see
from api.pages.unsent import SIGN_IN, SIGN_OUT
from api.parts import Parts, parts_of, service_address
from api.people import accounts, sign_in
from api.people.auth import COOKIE, cookie_name, same_site, token_of
from custody.kernel.errors import Unavailable

router = APIRouter(include_in_schema=False)
P = Annotated[Parts, Depends(parts_of)]
SIGNED_OUT = "/console/signed-out"


@router.post(SIGN_OUT)
def sign_out(request: Request, parts: P) -> Response:
    """End the session; somebody who has none ends up at the door all the same."""
    same_site(request)
    with parts.house.unit() as unit:
        id_token = accounts.sign_out(unit.session, token_of(request))
    if id_token is None or parts.sign_on is None:
        answer: Response = see(SIGN_IN, done="signed_out")
    else:
        way_out = _way_out(request, parts, id_token)
        answer = page(request, "signed_out.html", name=parts.settings.oidc_name, way_out=way_out)
    sign_in.let_go(answer, request, cookie_name(request, COOKIE))
    return answer


@router.get(SIGNED_OUT)
def come_back() -> Response:
    """From the provider, whoever signed out there too."""
    return see(SIGN_IN, done="signed_out")


def _way_out(request: Request, parts: Parts, id_token: str) -> str:
    """Where they sign out at the provider; nothing if it has no such place, or cannot be asked now."""
    if parts.sign_on is None:
        return ""
    try:
        return parts.sign_on.way_out(id_token, back=service_address(request, parts) + SIGNED_OUT)
    except Unavailable:
        return ""
