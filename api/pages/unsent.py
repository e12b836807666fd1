"""A form of the console whose session was over when it was sent comes back as it was typed, after signing in.

- The sign-in page carries what was typed as hidden fields; nothing of it is kept here. It does so only for a form that
  came from our own page: else another site could lay its words before whoever signs in next.
- After the right password the browser sends the same fields to the form's own address (307, RFC 9110 section 15.4.8),
  marked as unsent. Whoever signs in elsewhere does so on a page beside this one, and sends the fields from here, marked
  alike: pages send forms to nobody else, and nothing of them goes along. Only a path of the console is gone to, in the
  few letters that its forms' addresses have.
- A visit that is marked reads as ever and writes nothing: the form is refused, and shown like any refused form. Who has
  signed in may be another person, so it is they who send it.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, NoReturn

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from api.http.sendable_text import read_form
from api.pages.render import page
from api.parts import Parts
from api.people.auth import same_site
from custody.kernel.errors import Forbidden, Rejected
from custody.store.unit import House
from devicelock.usecases.decide_together import Decisions

SIGN_IN, SIGN_OUT = "/console/sign-in", "/console/sign-out"
MARK = "unsent"
OWN = frozenset({"account", "password", "old_password", "onward", "send_to"})
"""Fields of the sign-in page itself, and passwords: those of other forms are not carried on."""

NOTHING_KEPT: Mapping[str, str] = MappingProxyType({})

_FORMS = re.compile(r"/console(?:/[\w~:-]+)+", re.ASCII)


class UnsentHouse(House):
    """A house that is read as ever, and in which nothing is written."""

    def __init__(self, house: House) -> None:
        self.__dict__.update(house.__dict__)

    def unit(self) -> NoReturn:
        """Refuse; raises `Rejected("unsent")`."""
        raise Rejected(
            MARK,
            "you had to sign in before this was sent, and nothing was changed",
            fix="Here it is as you typed it. Look at it, and send it again.",
        )


def parts_for(request: Request, parts: Parts) -> Parts:
    """The parts for a visit: ones that write nothing if the form was not sent by who has signed in."""
    if MARK not in request.query_params:
        return parts
    house = UnsentHouse(parts.house)
    office = replace(parts.locks, house=house)
    return replace(parts, house=house, locks=office, decisions=Decisions(office))


async def fields_of(request: Request) -> dict[str, str]:
    """The fields of the form that was typed, without those of the sign-in page."""
    form = await read_form(request)
    return {name: text for name, text in form.items() if isinstance(text, str) and name not in OWN}


async def ask_to_sign_in(request: Request, *, again: bool = False) -> Response | None:
    """The sign-in page with what was typed; None if nothing was, or not on a page of ours.

    `again`: whoever typed it is signed in, but not lately enough for what they ask.
    """
    path = request.url.path
    try:
        same_site(request)
    except Forbidden:
        return None
    typed = await fields_of(request) if hand_on(path) else {}
    if not typed:
        return None
    return page(
        request,
        "sign_in.html",
        status=HTTPStatus.UNAUTHORIZED,
        **of_door(request.app.state.parts, kept=typed, send_to=path, again=again),
    )


def of_door(
    parts: Parts,
    *,
    onward: str = "",
    account: str = "",
    kept: Mapping[str, str] = NOTHING_KEPT,
    send_to: str = "",
    pressed: bool = False,
    again: bool = False,
) -> dict[str, Any]:
    """The facts of the sign-in page: where to go on, whose name was typed, and the form or the button that waits."""
    waits = {"kept": kept if send_to else NOTHING_KEPT, "send_to": send_to, "pressed": pressed, "again": again}
    waits["sign_on"] = parts.settings.oidc_name if parts.sign_on else ""
    return {"onward": onward, "account": account, **waits}


def hand_on(path: str) -> Response | None:
    """Send what was typed to the address of its form; None if it is none of the console's."""
    if not _FORMS.fullmatch(path) or path in {SIGN_IN, SIGN_OUT}:
        return None
    return RedirectResponse(f"{path}?{MARK}=yes", status_code=307, headers={"Cache-Control": "no-store"})
