"""What whoever charges customers, or pursues what they owe, has to leave out: we tell them that nothing is charged."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from api.parts import Parts, parts_of
from api.people.accounts import Caller
from api.people.auth import role
from api.routes.disputes import CASEWORKERS
from custody.disputes.civil import civil_date
from custody.kernel.clock import to_iso
from custody.store.held_charges import HeldCharge, held_charges

router = APIRouter(prefix="/v1/held-charges", tags=["disputes"])
P = Annotated[Parts, Depends(parts_of)]


@router.get("")
def listing(
    parts: P,
    _caller: Annotated[Caller, Depends(role(*CASEWORKERS))],
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> dict[str, Any]:
    """Orders of which nothing is to be charged and no debt pursued, by reference: leave them out of every such run.

    `why`: `case_open` while a case about it goes on, `owed` while we owe its customer something after that. `next` is
    the cursor of the next page, null at the end.
    """
    today = civil_date(parts.clock.now_ms())
    with parts.house.read() as session:
        found = held_charges(session, after=cursor, limit=limit + 1, today=today)
    onward = found[limit - 1].order_ref if len(found) > limit else None
    return {"orders": [_view(held) for held in found[:limit]], "next": onward}


def _view(held: HeldCharge) -> dict[str, Any]:
    return {
        "order": held.order_ref,
        "why": held.why,
        "since": to_iso(held.since_ms),
        "sent_back": None if held.sent_back is None else held.sent_back.isoformat(),
        "disputes": list(held.disputes),
    }
