"""The supervisors' page of a week's overturned answers."""

from fastapi import APIRouter, Response

from api.pages.visit import Supervisor
from api.routes.overturned import read_week_list

router = APIRouter(prefix="/console", include_in_schema=False)


@router.get("/overturned")
def overturned(visit: Supervisor, week: str | None = None) -> Response:
    """A week's answers that were overturned, by place."""
    return visit.page("overturned.html", found=read_week_list(visit.parts, week))
