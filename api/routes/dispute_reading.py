"""Reading disputes: the list, and one case with its timeline."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query

from api.accounts import Caller
from api.auth import role
from api.listed import check_state
from api.parts import Parts, parts_of
from api.routes.disputes import CASEWORKERS
from api.views import case_view, message_views, set_aside
from custody.disputes.case import CASE
from custody.kernel.clock import to_iso
from custody.store import case_book
from custody.usecases.came_back import credits_paid

router = APIRouter(prefix="/v1/disputes", tags=["disputes"])
P = Annotated[Parts, Depends(parts_of)]


@router.get("")
def listing(
    parts: P,
    _caller: Annotated[Caller, Depends(role(*CASEWORKERS))],
    *,
    state: str | None = None,
    owed: bool = False,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> dict[str, Any]:
    """Cases, newest first. `next` is the cursor of the next page, null at the end.

    `disagreed`: the customer does not agree, and no person has acted in the case since. `set_aside`: what was promised
    is not to be given, since another report puts the order right. With `owed` only cases of which a credit is to be
    paid, or that are over and leave a promise that is still to be kept.
    """
    check_state(state, CASE.states)
    with parts.house.read() as session:
        files = case_book.listing(session, state=state, owed=owed, after=cursor, limit=limit + 1)
        names = [file.case.id for file in files]
        disagreed = case_book.disagreed(session, names)
        aside = set_aside(files, case_book.promises_of(session, names))
        page = [
            {
                "dispute": file.case.id,
                "state": file.case.state,
                "disagreed": file.case.id in disagreed,
                "set_aside": file.case.id in aside,
                "unpaid_credit_pence": file.unpaid_credit_pence,
                "claim_type": file.case.claim_type,
                "order": file.case.order_ref,
                "owner": file.case.owner,
                "opened_at": to_iso(file.case.opened_ms),
            }
            for file in files[:limit]
        ]
    return {"disputes": page, "next": page[-1]["dispute"] if len(files) > limit else None}


@router.get("/{dispute}")
def read(dispute: str, parts: P, _caller: Annotated[Caller, Depends(role(*CASEWORKERS))]) -> dict[str, Any]:
    """One case with its timeline.

    `credits_paid`: of those that did not come back, in pence by the reference of their payment.
    """
    with parts.house.read() as session:
        file = case_book.read(session, dispute)
        timeline = [
            {
                "at": to_iso(row.at_ms),
                "kind": row.kind,
                "actor": row.actor,
                "facts": msgspec.json.decode(row.facts),
                "index": row.idx,
            }
            for row in case_book.timeline(session, dispute)
        ]
        return {
            **case_view(session, file),
            "disagreed": dispute in case_book.disagreed(session, [dispute]),
            "credits_paid": dict(credits_paid(session, dispute)),
            "timeline": timeline,
            "messages": message_views(session, dispute),
        }
