"""The page that a lock screen names for whoever bought the phone in good faith; no account, and nobody is blamed.

It says what works on the phone, who can overrule us, and takes the holder's own words. They get a page of their own.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from api.http.problems import status_of
from api.pages.once import Once, fresh_once, open_once
from api.pages.plain_refusals import for_customers
from api.pages.render import page, see
from api.pages.sent_form import STORY, Sent, Typed, check
from api.parts import Parts, parts_of
from api.people.auth import same_site
from api.routes import handsets as doors
from api.routes.handsets import HolderIn
from custody.kernel.errors import Trouble

router = APIRouter(prefix="/bought", include_in_schema=False)
P = Annotated[Parts, Depends(parts_of)]
MOST = {"reference": 64, "words": STORY}


@router.get("")
def read(request: Request, parts: P, reference: str = "") -> Response:
    """The page."""
    return _page(request, parts, Sent(given={"reference": reference[: MOST["reference"]]}))


@router.post("")
def tell(request: Request, parts: P, *, words: Typed = "", reference: Typed = "", once: Once = "") -> Response:
    """Take the holder's words; whoever told us goes on to a page of their own, the same one for the same form."""
    same_site(request)
    given = {"reference": reference, "words": words}
    try:
        check(given, MOST, needed=("words",))
        body = HolderIn(reference=reference, words=words)

        def open_case(token: str) -> str:
            return str(doors.hear_holder(body, parts, token=token)["customer_url"]).removeprefix("/c/")

        token = open_once(parts, once, "bought", given, open_case)
    except Trouble as trouble:
        return _page(request, parts, Sent(given=given, trouble=for_customers(trouble)))
    return see(f"/c/{token}")


def _page(request: Request, parts: Parts, sent: Sent) -> Response:
    status = 200 if sent.trouble is None else status_of(sent.trouble)
    screen = parts.locks.screen
    return page(
        request,
        "bought.html",
        status=status,
        sent=sent,
        once=fresh_once(parts),
        phone=screen.phone,
        recourse=screen.recourse,
    )
