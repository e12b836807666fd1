"""A visit to the console: the request, the service's parts, and who is signed in, in one hand."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse

from api.http.problems import status_of
from api.pages.plain_refusals import for_staff
from api.pages.render import page
from api.pages.sent_form import Sent
from api.pages.unsent import parts_for
from api.parts import Parts, parts_of
from api.people.accounts import Caller
from api.people.auth import role
from custody.kernel.errors import Trouble


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What every page of the console needs."""

    request: Request
    parts: Parts
    caller: Caller

    def page(
        self, template: str, *, trouble: Trouble | None = None, sent: Sent | None = None, **facts: Any
    ) -> HTMLResponse:
        """A page for this caller; with what went wrong on top, under that error's status, if something did."""
        sent = sent or Sent(trouble=trouble)
        status = 200
        if sent.trouble is not None:
            status = status_of(sent.trouble)
            sent = replace(sent, trouble=for_staff(sent.trouble))
        return page(self.request, template, caller=self.caller, sent=sent, status=status, **facts)


def visit(*roles: str) -> Callable[..., Visit]:
    """A dependency that lets only these roles in."""

    def enter(
        request: Request, parts: Annotated[Parts, Depends(parts_of)], caller: Annotated[Caller, Depends(role(*roles))]
    ) -> Visit:
        return Visit(request=request, parts=parts_for(request, parts), caller=caller)

    return enter


Staff = Annotated[Visit, Depends(visit("agent", "supervisor", "investigator"))]
Decider = Annotated[Visit, Depends(visit("supervisor", "investigator"))]
Supervisor = Annotated[Visit, Depends(visit("supervisor"))]
