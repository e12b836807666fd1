"""The door of the console: signing in, and which page is first for whom."""

import re
from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from api.http.problems import status_of
from api.pages.render import page, see
from api.pages.unsent import SIGN_IN, fields_of, hand_on, of_door
from api.parts import Parts, parts_of
from api.people import sign_in
from api.people.auth import COOKIE, cookie_name, same_site, signed_in
from custody.kernel.clock import HOUR_MS, SECOND_MS
from custody.kernel.errors import Rejected

router = APIRouter(include_in_schema=False)
P = Annotated[Parts, Depends(parts_of)]
_OURS = re.compile(r"/console(/[\w.~%:-]+)*(\?[\w.~%:=&+-]*)?", re.ASCII)


@router.get("/")
def root(request: Request, parts: P) -> RedirectResponse:
    """The console for those who are signed in, the door for everybody else."""
    try:
        signed_in(request, parts)
    except Rejected:
        return see(SIGN_IN)
    return see("/console")


@router.get(SIGN_IN)
def door(
    request: Request,
    parts: P,
    next: str = "",  # noqa: A002 - the name that people see in the address
    pressed: str = "",
) -> Response:
    """The form; whoever `pressed` a button without a session that lets them, is told that nothing was done."""
    facts = of_door(parts, onward=onward_to(next), pressed=bool(pressed), again=pressed == "again")
    return page(request, "sign_in.html", **facts)


@router.post(SIGN_IN)
def enter(
    request: Request,
    parts: P,
    *,
    kept: Annotated[Mapping[str, str], Depends(fields_of)],
    account: Annotated[str, Form(max_length=100)],
    password: Annotated[str, Form(max_length=1000)],
    onward: Annotated[str, Form(max_length=500)] = "",
    send_to: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """A session in a cookie that scripts cannot read and other sites cannot use; then on, or back to what was typed."""
    same_site(request)
    try:
        token = sign_in.sign_in(request, parts, account=account, password=password)
    except Rejected as trouble:
        said = trouble
        if trouble.code == "unauthenticated":
            said = Rejected(trouble.code, "the name or the password is wrong", fix="Check both and try again.")
        status = status_of(trouble)
        waits = send_to if hand_on(send_to) else ""
        facts = of_door(parts, onward=onward_to(onward), account=account, kept=kept, send_to=waits)
        return page(request, "sign_in.html", status=status, trouble=said, **facts)
    answer = hand_on(send_to) or see(onward_to(onward) or "/console")
    max_age_s = parts.settings.session_hours * HOUR_MS // SECOND_MS
    sign_in.keep(answer, request, cookie_name(request, COOKIE), token, max_age_s=max_age_s)
    sign_in.keep_mark(answer, request, parts, account=account)
    return answer


def onward_to(path: str) -> str:
    """Where to go after signing in, if it is a page of the console."""
    return path if _OURS.fullmatch(path) else ""
