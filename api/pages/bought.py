"""The page that a lock screen names for whoever bought the phone in good faith; no account, and nobody is blamed.

It says what works on the phone, who can overrule us, and takes the holder's own words. They get a page of their own.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response

from api.auth import same_site
from api.pages.render import page, see
from api.parts import Parts, parts_of
from api.problems import status_of
from api.routes import handsets as doors
from api.routes.handsets import HolderIn
from custody.kernel.errors import Trouble

router = APIRouter(prefix="/bought", include_in_schema=False)
P = Annotated[Parts, Depends(parts_of)]


@router.get("")
def read(request: Request, parts: P, reference: str = "") -> Response:
    """The page."""
    return _page(request, parts, given={"reference": reference[:64]})


@router.post("")
def tell(
    request: Request,
    parts: P,
    *,
    words: Annotated[str, Form(min_length=1, max_length=20_000)],
    reference: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Take the holder's words; whoever told us goes on to a page of their own."""
    same_site(request)
    try:
        told = doors.holder(HolderIn(reference=reference, words=words), parts)
    except Trouble as trouble:
        return _page(request, parts, given={"reference": reference, "words": words}, trouble=trouble)
    return see(told["customer_url"])


def _page(request: Request, parts: Parts, *, given: dict[str, str], trouble: Trouble | None = None) -> Response:
    status = 200 if trouble is None else status_of(trouble)
    settings = parts.settings
    return page(
        request,
        "bought.html",
        status=status,
        trouble=trouble,
        given=given,
        phone=settings.support_phone,
        recourse=settings.recourse,
    )
