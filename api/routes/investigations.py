"""Investigations: which link is weak, why, and what to look at next. Links are ranked, people never."""

from operator import itemgetter
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, Query

from api import joints
from api.parts import Parts, parts_of
from api.people.accounts import Caller
from api.people.auth import role
from custody.investigation.answer import spot_view
from custody.investigation.hotspots import SHOWN, survey
from custody.kernel.errors import NotFound
from custody.store import case_book, inquiry_book
from custody.usecases import investigate

router = APIRouter(prefix="/v1", tags=["investigations"])
P = Annotated[Parts, Depends(parts_of)]
log = structlog.get_logger()
Investigator = Annotated[Caller, Depends(role("investigator", "supervisor"))]


@router.get("/investigations")
def listing(parts: P, _caller: Investigator) -> dict[str, Any]:
    """Every investigation with its state, oldest first."""
    with parts.house.read() as session:
        lines = [
            (
                row.opened_ms,
                {"investigation": row.id, "dispute": row.dispute, "state": row.state, "ranked": row.result is not None},
            )
            for row in inquiry_book.every(session)
        ]
    return {"investigations": [line for _, line in sorted(lines, key=itemgetter(0))]}


@router.post("/investigations/{dispute}/run")
def run(dispute: str, parts: P, caller: Investigator) -> dict[str, Any]:
    """Judge the dispute with every other dispute, the whole traffic and its own checks; record what was found."""
    with parts.house.read() as session:
        investigate.check_goes_on(inquiry_book.read(session, case_book.read(session, dispute).case.id))
    parts.inquirer.read_on(parts.house, tell)
    with parts.house.read() as session:
        gathered = parts.inquirer.gather(session, joints.attaches(session), asked=dispute)
        checked = investigate.results(session, dispute)
    finding = gathered.find(dispute, checked)
    with parts.house.unit() as unit:
        return investigate.conclude(unit, dispute, finding, actor=caller.account, checked=checked)


@router.get("/investigations/{dispute}")
def read(dispute: str, parts: P, _caller: Investigator) -> dict[str, Any]:
    """What was found last; `NotFound` before the first run."""
    with parts.house.read() as session:
        row = inquiry_book.read(session, dispute)
        found = investigate.recorded(session, dispute)
    if found is None:
        raise NotFound(
            "not_run",
            "this investigation has not been run",
            fix=f"POST /v1/investigations/{dispute}/run.",
            state=row.state,
        )
    return {**found, "state": row.state}


@router.get("/hotspots")
def hotspots(parts: P, _caller: Investigator, least: Annotated[float, Query(ge=0, le=1)] = SHOWN) -> dict[str, Any]:
    """Links and shifts whose disputes their traffic does not explain, hottest first."""
    parts.inquirer.read_on(parts.house, tell)
    with parts.house.read() as session:
        gathered = parts.inquirer.gather(session, joints.attaches(session))
    result = gathered.judge()
    spots = [spot_view(spot) for spot in survey(result, least=least)]
    return {"hotspots": spots, "disputes": len(gathered.files), "parcels": int(result.frame.parcels)}


def tell(read: int, entries: int) -> None:
    """Say in the service's own log how far the reading of a long log is."""
    log.info("reading_for_investigations", read=read, entries=entries)
