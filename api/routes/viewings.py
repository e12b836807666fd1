"""Who of ours saw which case, for those who ask whether somebody looked where they had nothing to do."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from api.parts import Parts, parts_of
from api.people import accounts, viewings
from api.people.accounts import Caller
from api.people.auth import role
from api.people.tables import ViewingRow
from custody.kernel.clock import to_iso
from custody.store import case_book

router = APIRouter(prefix="/v1", tags=["people"])
P = Annotated[Parts, Depends(parts_of)]
Limit = Annotated[int, Query(ge=1, le=200)]
PAGE = 50


@router.get("/disputes/{dispute}/viewings")
def of_case(
    dispute: str,
    parts: P,
    _caller: Annotated[Caller, Depends(role("supervisor", "investigator"))],
    *,
    cursor: str | None = None,
    limit: Limit = PAGE,
) -> dict[str, Any]:
    """Who saw a case, newest first: the first time of each account on each day (UTC), for 400 days.

    `next` is the cursor of the next page, null at the end.
    """
    with parts.house.read() as session:
        case_book.read(session, dispute)
        return _page(viewings.of_case(session, dispute, after=cursor, limit=limit + 1), limit)


@router.get("/accounts/{name}/viewings")
def by_account(
    name: str,
    parts: P,
    _caller: Annotated[Caller, Depends(role("supervisor"))],
    *,
    cursor: str | None = None,
    limit: Limit = PAGE,
) -> dict[str, Any]:
    """Which cases an account saw, newest first, as `GET /v1/disputes/{dispute}/viewings` has them."""
    with parts.house.read() as session:
        accounts.account(session, name)
        return _page(viewings.by_account(session, name, after=cursor, limit=limit + 1), limit)


def _page(rows: Sequence[ViewingRow], limit: int) -> dict[str, Any]:
    found = [{"at": to_iso(row.at_ms), "account": row.account, "dispute": row.dispute} for row in rows[:limit]]
    return {"viewings": found, "next": rows[limit - 1].id if len(rows) > limit else None}
