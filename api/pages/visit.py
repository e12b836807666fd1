"""A visit to the console: the request, the service's parts, and who is signed in, in one hand."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse

from api.accounts import Caller
from api.auth import role
from api.pages.render import page
from api.parts import Parts, parts_of
from api.problems import status_of
from custody.kernel.errors import Trouble


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What every page of the console needs."""

    request: Request
    parts: Parts
    caller: Caller

    def page(self, template: str, *, trouble: Trouble | None = None, **facts: Any) -> HTMLResponse:
        """A page for this caller; with what went wrong on top, under that error's status, if something did."""
        status = 200 if trouble is None else status_of(trouble)
        return page(self.request, template, caller=self.caller, trouble=trouble, status=status, **facts)


def visit(*roles: str) -> Callable[..., Visit]:
    """A dependency that lets only these roles in."""

    def enter(
        request: Request, parts: Annotated[Parts, Depends(parts_of)], caller: Annotated[Caller, Depends(role(*roles))]
    ) -> Visit:
        return Visit(request=request, parts=parts, caller=caller)

    return enter


Staff = Annotated[Visit, Depends(visit("agent", "supervisor", "investigator"))]
Decider = Annotated[Visit, Depends(visit("supervisor", "investigator"))]
Supervisor = Annotated[Visit, Depends(visit("supervisor"))]
