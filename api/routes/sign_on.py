"""The door of the provider of sign-ins, which says who is signed in there no more (OpenID Back-Channel Logout 1.0).

The token that it sends is the credential. Whoever holds none of the provider's keys ends nobody's session.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Response

from api.http.problems import UNKEPT
from api.parts import Parts, parts_of
from api.people import logout
from custody.kernel.errors import NotFound, Rejected

router = APIRouter(prefix="/v1/sign-on", tags=["people"])
P = Annotated[Parts, Depends(parts_of)]


@router.post("/logout")
def sign_out(parts: P, answer: Response, logout_token: Annotated[str, Form()] = "") -> dict[str, Any]:
    """End the sessions of whoever is signed in at the provider no more, and the tokens that were drawn from them."""
    if parts.sign_on is None:
        raise NotFound("page", "nobody signs in elsewhere here", fix="Set WEAKLINK_OIDC_ISSUER.")
    try:
        said = parts.sign_on.logout(logout_token)
    except Rejected as wrong:
        raise Rejected("logout_token", wrong.detail, fix="Send a logout token of this provider's.") from wrong
    with parts.house.unit() as unit:
        logout.end_sessions(unit.session, said, now_ms=unit.now_ms)
    answer.headers.update(UNKEPT)  # as section 2.8 wants it
    return {}
