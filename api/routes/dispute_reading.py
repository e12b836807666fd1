"""Reading disputes: the list, and one case with its timeline."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query
from pydantic import Field
from sqlmodel import Session

from api.find import MOST_ASKED, find
from api.http.body import one_of
from api.http.listed import check_state
from api.parts import Parts, parts_of
from api.people.accounts import Caller
from api.people.auth import role
from api.routes.disputes import CASEWORKERS
from api.seen_cases import note_viewing
from api.views import case_view, message_views, set_aside
from custody.disputes.case import CASE
from custody.disputes.promise import is_owed
from custody.kernel.clock import to_iso
from custody.store import case_book, outside_book, worklist
from custody.store.case_book import CaseFile
from custody.store.defect_register import known_defects
from custody.usecases.came_back import credits_paid

router = APIRouter(prefix="/v1/disputes", tags=["disputes"])
P = Annotated[Parts, Depends(parts_of)]


@router.get("")
def listing(
    parts: P,
    _caller: Annotated[Caller, Depends(role(*CASEWORKERS))],
    *,
    state: Annotated[str, Field(json_schema_extra=one_of(lambda: CASE.states))] | None = None,
    owed: bool = False,
    due: bool = False,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> dict[str, Any]:
    """Cases, newest first. `next` is the cursor of the next page, null at the end.

    `disagreed`: the customer does not agree, and no person has acted in the case since. `set_aside`: what was promised
    is not to be given, since another report puts the order right. `told_binds_at`: until when what the customer was
    promised elsewhere can be rebutted. `next_promise_at`: when the next promise that is still to be kept is due. With
    `owed` only cases of which a credit is to be paid, or that are over and leave a promise that is still to be kept.
    With `due` only cases with such a promise, open or over, the soonest first.
    """
    check_state(state, CASE.states)
    with parts.house.read() as session:
        files, onward = _listed(session, state=state, owed=owed, due=due, after=cursor, limit=limit)
        promised = case_book.promises_of(session, [file.case.id for file in files])
        disagreed = case_book.disagreed(session, promised)
        aside, pending = set_aside(files, promised), outside_book.pending_in(session, promised)
        page = [
            {
                "dispute": file.case.id,
                "state": file.case.state,
                "disagreed": file.case.id in disagreed,
                "set_aside": file.case.id in aside,
                "told_binds_at": to_iso(pending[file.case.id]) if file.case.id in pending else None,
                "unpaid_credit_pence": file.unpaid_credit_pence,
                "claim_type": file.case.claim_type,
                "order": file.case.order_ref,
                "owner": file.case.owner,
                "opened_at": to_iso(file.case.opened_ms),
                "next_promise_at": next((to_iso(one.due_ms) for one in promised[file.case.id] if is_owed(one)), None),
            }
            for file in files
        ]
    return {"disputes": page, "next": onward}


def _listed(
    session: Session, *, state: str | None, owed: bool, due: bool, after: str | None, limit: int
) -> tuple[list[CaseFile], str | None]:
    """A page of cases and the cursor of the next one."""
    if due:
        only = case_book.asked_for(state=state, owed=owed)
        rows = worklist.soonest_first(session, *only, after=after, limit=limit + 1)
        return [row.file for row in rows[:limit]], rows[limit - 1].cursor if len(rows) > limit else None
    files = case_book.listing(session, state=state, owed=owed, after=after, limit=limit + 1)
    return files[:limit], files[limit - 1].case.id if len(files) > limit else None


@router.get("/known-defects")
def defects(parts: P, _caller: Annotated[Caller, Depends(role(*CASEWORKERS))]) -> dict[str, Any]:
    """Models with a known defect: so many orders of each were reported as defective within the days of the policy.

    A case about one says so by `known_issue`, to its customer too: nobody is asked what they did to the phone.
    """
    with parts.house.read() as session:
        found = known_defects(session, now_ms=parts.clock.now_ms())
    return {
        "models": [
            {
                "product": one.product,
                "orders": one.orders,
                "first_at": to_iso(one.first_ms),
                "last_at": to_iso(one.last_ms),
            }
            for one in found
        ]
    }


@router.get("/found")
def found(
    parts: P,
    _caller: Annotated[Caller, Depends(role(*CASEWORKERS))],
    q: Annotated[str, Query(max_length=MOST_ASKED, description="What the customer gave, in any form.")],
) -> dict[str, Any]:
    """Cases by anything: order, parcel, IMEI, case, or what an order's contact holds; served today or not.

    `orders` are those that it leads to, with a case or not; the same as the box of the console finds.
    """
    with parts.house.read() as session:
        led_to = find(session, q)
    cases = [
        {
            "dispute": file.case.id,
            "state": file.case.state,
            "claim_type": file.case.claim_type,
            "order": file.case.order_ref,
            "owner": file.case.owner,
            "opened_at": to_iso(file.case.opened_ms),
        }
        for file in led_to.files
    ]
    return {"disputes": cases, "orders": list(led_to.orders), "parcel": led_to.parcel}


@router.get("/{dispute}")
def read(dispute: str, parts: P, caller: Annotated[Caller, Depends(role(*CASEWORKERS))]) -> dict[str, Any]:
    """One case with its timeline. Who saw it is written down, once a day.

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
        shown = {
            **case_view(session, file),
            "disagreed": dispute in case_book.disagreed(session, [dispute]),
            "credits_paid": dict(credits_paid(session, dispute)),
            "timeline": timeline,
            "messages": message_views(session, dispute),
        }
    note_viewing(parts, caller, dispute)
    return shown
