"""What people watch over: alerts, and groups of locks, which a second person lets go on and one person lets go."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from sqlmodel import Session

from api.http.body import Body
from api.lock_views import order_views
from api.parts import Parts, parts_of
from api.people.accounts import Caller
from api.people.auth import role, signed_in_lately
from custody.kernel.clock import to_iso
from devicelock import watch_store
from devicelock.rules.order import LockRole
from devicelock.usecases.alert import look_at_alert
from devicelock.usecases.clear_group import LockGroup, clear_group, groups
from devicelock.usecases.release_group import release_group
from devicelock.watch_store import AlertRow, ClearanceRow

router = APIRouter(prefix="/v1", tags=["device lock"])
P = Annotated[Parts, Depends(parts_of)]
Staff = Annotated[Caller, Depends(role("agent", "supervisor", "investigator"))]
Decider = Annotated[Caller, Depends(role("supervisor", "investigator"))]


class ClearanceIn(Body):
    """Which group may go on, and what was looked at."""

    group: str = Field(max_length=200)
    why: str = Field(max_length=500)


class GroupIn(Body):
    """Which group's locks are let go."""

    group: str = Field(max_length=200)


@router.get("/locks/groups")
def list_groups(parts: P, _caller: Staff) -> dict[str, Any]:
    """What ordered locks within a month, paused ones first: versions of the standing policy, accounts by the day."""
    with parts.house.read() as session:
        found = groups(session, parts.locks, now_ms=parts.clock.now_ms())
        return {"groups": [group_view(session, group) for group in found]}


@router.post("/locks/clearances", status_code=201)
def clear(body: ClearanceIn, parts: P, caller: Decider) -> dict[str, Any]:
    """Let a paused group go on, as a person who did not order it and who has looked at its first locks."""
    signed_in_lately(parts, caller, parts.settings.lock_sign_in_minutes)
    with parts.house.unit() as unit:
        row = clear_group(unit, parts.locks, group=body.group, account=caller.account, why=body.why)
        return _clearance(row)


@router.post("/locks/releases")
def let_go(body: GroupIn, parts: P, caller: Staff) -> dict[str, Any]:
    """Let go the locks that a group ordered, so many at once; one person is enough. Ask again until none is `left`."""
    with parts.house.unit() as unit:
        done = release_group(unit, parts.locks, group=body.group, actor=caller.account, role=LockRole(caller.role))
        return {"group": body.group, "released": order_views(unit.session, done.orders), "left": done.left}


@router.get("/alerts")
def list_alerts(
    parts: P, _caller: Staff, *, seen: bool = False, limit: Annotated[int, Query(ge=1, le=200)] = 100
) -> dict[str, Any]:
    """Alerts that nobody has looked at yet, newest first; with `seen` those that somebody has."""
    with parts.house.read() as session:
        return {"alerts": [alert_view(row) for row in watch_store.alerts(session, seen=seen, limit=limit)]}


@router.post("/alerts/{alert}/seen")
def see_alert(alert: str, parts: P, caller: Decider) -> dict[str, Any]:
    """Say that you have looked at an alert that is not about you; the same thing then raises a new one."""
    with parts.house.unit() as unit:
        return alert_view(look_at_alert(unit, parts.locks, alert=alert, account=caller.account))


def alert_view(row: AlertRow) -> dict[str, Any]:
    """An alert as plain values."""
    return {
        "alert": row.id,
        "kind": row.kind,
        "about": row.about,
        "detail": row.detail,
        "raised_at": to_iso(row.raised_ms),
        "index": row.idx,
        "seen_by": row.seen_by,
        "seen_at": None if row.seen_ms is None else to_iso(row.seen_ms),
    }


def group_view(session: Session, group: LockGroup) -> dict[str, Any]:
    """A group of locks as plain values; `locks` are its first ones and those found wrong, `open` those to let go."""
    return {
        "group": group.name,
        "paused": None if group.paused is None else str(group.paused),
        "locks": order_views(session, group.orders),
        "open": group.open,
        "clearances": [_clearance(row) for row in group.clearances],
    }


def _clearance(row: ClearanceRow) -> dict[str, Any]:
    return {"group": row.group, "person": row.person, "why": row.why, "at": to_iso(row.at_ms), "index": row.idx}
