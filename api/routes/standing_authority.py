"""Standing authority, by which a disputed delivery has its lock at once, and the switch that stops all locking."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends
from pydantic import Field
from sqlmodel import Session

from api.act_alerts import tell_of_withdrawn
from api.http.body import Body
from api.parts import Parts, parts_of
from api.people.accounts import Caller
from api.people.auth import role, signed_in_lately
from custody.kernel.clock import to_iso
from custody.store.unit import Unit
from custody.usecases.open_log import change_rules
from devicelock import authority_store, put_off_store
from devicelock.authority_store import AuthorityRow
from devicelock.usecases import standing_authority

router = APIRouter(prefix="/v1", tags=["device lock"])
P = Annotated[Parts, Depends(parts_of)]
Staff = Annotated[Caller, Depends(role("agent", "supervisor", "investigator"))]
Supervisor = Annotated[Caller, Depends(role("supervisor"))]


class SwitchIn(Body):
    """Whether locking is stopped, and why."""

    on: bool
    why: str = Field(max_length=500)


@router.post("/authority", status_code=201)
def propose(parts: P, caller: Supervisor) -> dict[str, Any]:
    """Propose to allow provisional locks for disputed deliveries."""
    signed_in_lately(parts, caller, parts.settings.lock_sign_in_minutes)
    with parts.house.unit() as unit:
        return _authority(unit.session, standing_authority.propose(unit, person=caller.person))


@router.post("/authority/{authority}/approve")
def approve_authority(authority: str, parts: P, caller: Supervisor) -> dict[str, Any]:
    """Put a proposal in force as the second person; the policy version is an entry of the log."""
    signed_in_lately(parts, caller, parts.settings.lock_sign_in_minutes)

    def put_in_force(unit: Unit, rules: dict[str, object]) -> int:
        return change_rules(parts.house, unit, rules)

    with parts.house.unit() as unit:
        row = standing_authority.approve(
            unit, parts.locks, authority=authority, person=caller.person, put_in_force=put_in_force
        )
        return _authority(unit.session, row)


@router.post("/authority/{authority}/withdraw")
def withdraw_authority(authority: str, parts: P, caller: Supervisor) -> dict[str, Any]:
    """Withdraw a standing authority; one person is enough."""
    with parts.house.unit() as unit:
        held = authority_store.in_force(unit.session)
        row = standing_authority.withdraw(unit, authority=authority, person=caller.person)
        if held is not None and held.id == authority:
            tell_of_withdrawn(unit, authority, account=caller.account)
        return _authority(unit.session, row)


@router.get("/authority")
def authorities(parts: P, _caller: Staff) -> dict[str, Any]:
    """Every proposal, the kill switch, and how many locks are asked for again when what held them back is over."""
    with parts.house.read() as session:
        stopped = authority_store.switched_on(session, authority_store.KILL_SWITCH)
        return {
            "authorities": [_authority(session, row) for row in authority_store.authorities(session)],
            "locks_stopped": stopped,
            "locks_put_off": put_off_store.count(session),
        }


@router.post("/kill-switch")
def kill_switch(body: SwitchIn, parts: P, caller: Supervisor) -> dict[str, Any]:
    """Stop all locking, or allow it again; releases always go on."""
    if not body.on:
        signed_in_lately(parts, caller, parts.settings.lock_sign_in_minutes)
    with parts.house.unit() as unit:
        row = standing_authority.throw_switch(unit, parts.locks, on=body.on, person=caller.person, why=body.why)
        return {"locks_stopped": row.on, "by": ", ".join(standing_authority.people_of(row)), "at": to_iso(row.at_ms)}


def _authority(session: Session, row: AuthorityRow) -> dict[str, Any]:
    newest = authority_store.in_force(session)
    return {
        "proposal": row.id,
        "rules": msgspec.json.decode(row.rules),
        "proposer": row.proposer,
        "approver": row.approver,
        "in_force": newest is not None and newest.id == row.id,
        "index": row.in_force_idx,
    }
