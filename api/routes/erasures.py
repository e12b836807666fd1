"""Erasing what is personal of a parcel or a case; a supervisor's act, with a notice in the log."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field

from api.act_alerts import ERASURES, tell_of_many
from api.http.body import Body
from api.lock_news import claim_for_erasure
from api.parts import Parts, parts_of
from api.people.accounts import Caller
from api.people.auth import role
from custody.kernel.clock import to_iso
from custody.store.aside_book import NOTHING_READ
from custody.store.erase_book import read_quarantine
from custody.store.write_ahead import drop_old_pages
from custody.usecases.erase import MAX_REASON, is_case
from custody.usecases.erase import erase as erase_now
from devicelock.usecases.forget_locks import forget_locks, locks_on

router = APIRouter(prefix="/v1/erasures", tags=["log"])
P = Annotated[Parts, Depends(parts_of)]


class EraseIn(Body):
    """A case by its name, or a parcel by SSCC, IMEI or po:<order>; and why, without naming anybody."""

    target: str = Field(min_length=1, max_length=200)
    reason: str = Field(min_length=1, max_length=MAX_REASON)


@router.post("", status_code=201)
def erase(body: EraseIn, parts: P, caller: Annotated[Caller, Depends(role("supervisor"))]) -> dict[str, Any]:
    """Delete openings and personal columns; the log keeps its entries and still audits clean.

    `gone_from_disk`: whether the database's files hold none of it any more. If not, on SQLite the same request, sent
    again, clears it away; on PostgreSQL its vacuum does.
    """
    with parts.house.read() as session:
        ahead = NOTHING_READ if is_case(body.target) else read_quarantine(session)
    with parts.house.unit() as unit:
        done = erase_now(
            unit,
            body.target,
            reason=body.reason,
            actor=caller.account,
            holds=locks_on,
            forgets=forget_locks,
            claims=claim_for_erasure,
            ahead=ahead,
        )
        tell_of_many(unit, parts.locks, ERASURES, account=caller.account)
    gone = drop_old_pages(parts.engine)
    return {
        "erasure": done.id,
        "target": done.target,
        "at": to_iso(done.at_ms),
        "index": done.index,
        "openings": list(done.openings),
        "shared": list(done.shared),
        "repeated": done.repeated,
        "gone_from_disk": gone,
    }
