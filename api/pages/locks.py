"""The supervisor's page: locks that wait for a second person, locks in force, standing authority, the kill switch.

Two different people lock; one person releases, stops all locking, or withdraws an authority.
"""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from sqlalchemy import select
from sqlmodel import col

from api.accounts import Caller
from api.auth import role
from api.pages.render import page, see
from api.parts import Parts, parts_of
from api.problems import status_of
from api.routes import locks
from api.routes.locks import SwitchIn, WhyIn
from api.views import order_view
from custody.kernel.errors import Trouble
from custody.store.unit import Unit
from devicelock import store
from devicelock.rules.authority import preflight
from devicelock.rules.lock_facts import Kind
from devicelock.rules.order import State
from devicelock.store import AuthorityRow, LockOrderRow, SwitchRow
from devicelock.usecases.request_lock import rows_of

router = APIRouter(prefix="/console", include_in_schema=False)
P = Annotated[Parts, Depends(parts_of)]
Supervisor = Annotated[Caller, Depends(role("supervisor"))]
Decider = Annotated[Caller, Depends(role("supervisor", "investigator"))]
HELD = (State.QUEUED, State.ACTIVE_PROVISIONAL, State.ACTIVE_CONFIRMED, State.RELEASE_QUEUED)
PAGE = "/console/locks"


@router.get("/locks")
def read(request: Request, parts: P, caller: Decider) -> Response:
    """All of it on one page."""
    return _page(request, parts, caller)


@router.post("/locks/{order}/approve")
def approve(order: str, request: Request, parts: P, caller: Decider) -> Response:
    """Say yes as the second person."""
    return _then(request, parts, caller, lambda: locks.approve(order, parts, caller), done="approved")


@router.post("/locks/{order}/refuse")
def refuse(
    order: str, request: Request, parts: P, caller: Supervisor, why: Annotated[str, Form(max_length=500)] = ""
) -> Response:
    """Say no as the second person, with a reason."""
    return _then(request, parts, caller, lambda: locks.refuse(order, WhyIn(why=why), parts, caller), done="refused")


@router.post("/locks/{order}/confirm")
def confirm(order: str, request: Request, parts: P, caller: Decider) -> Response:
    """Keep a lock beyond 72 hours: the first person proposes, another confirms."""
    return _then(request, parts, caller, lambda: locks.confirm(order, parts, caller), done="confirmation")


@router.post("/locks/{order}/release")
def release(order: str, request: Request, parts: P, caller: Decider) -> Response:
    """Release a lock."""
    return _then(request, parts, caller, lambda: locks.let_go(order, parts, caller), done="released")


@router.post("/authority")
def propose(request: Request, parts: P, caller: Supervisor) -> Response:
    """Propose to allow provisional locks for disputed deliveries."""
    return _then(request, parts, caller, lambda: locks.propose(parts, caller), done="proposed")


@router.post("/authority/{authority}/approve")
def put_in_force(authority: str, request: Request, parts: P, caller: Supervisor) -> Response:
    """Put a proposal in force as the second person."""
    return _then(request, parts, caller, lambda: locks.approve_authority(authority, parts, caller), done="in_force")


@router.post("/authority/{authority}/withdraw")
def withdraw(authority: str, request: Request, parts: P, caller: Supervisor) -> Response:
    """Withdraw a standing authority."""
    return _then(request, parts, caller, lambda: locks.withdraw_authority(authority, parts, caller), done="withdrawn")


@router.post("/kill-switch")
def kill_switch(
    request: Request,
    parts: P,
    caller: Supervisor,
    on: Annotated[bool, Form()],
    why: Annotated[str, Form(min_length=1, max_length=500)],
) -> Response:
    """Stop all locking, or allow it again."""
    body = SwitchIn(on=on, why=why)
    done = "stopped" if on else "started"
    return _then(request, parts, caller, lambda: locks.kill_switch(body, parts, caller), done=done)


def _then(request: Request, parts: Parts, caller: Caller, act: Callable[[], object], *, done: str) -> Response:
    try:
        act()
    except Trouble as trouble:
        return _page(request, parts, caller, trouble=trouble)
    return see(PAGE, done=done)


def _page(request: Request, parts: Parts, caller: Caller, *, trouble: Trouble | None = None) -> Response:
    with parts.house.unit() as unit:
        session = unit.session
        waiting = [_waiting(unit, parts, row, caller) for row in store.orders_in(session, [State.REQUESTED])]
        held = [order_view(row) for row in store.orders_in(session, HELD, limit=200)]
        authorities = session.scalars(select(AuthorityRow).order_by(col(AuthorityRow.proposed_ms).desc())).all()
        switch = session.get(SwitchRow, store.KILL_SWITCH)
    return page(
        request,
        "locks.html",
        caller=caller,
        waiting=waiting,
        held=held,
        authorities=authorities,
        switch=switch,
        trouble=trouble,
        status=200 if trouble is None else status_of(trouble),
    )


def _waiting(unit: Unit, parts: Parts, row: LockOrderRow, caller: Caller) -> dict[str, Any]:
    """An order that waits, with every check as it would come out if this person said yes now."""
    trial = LockOrderRow(**{**row.model_dump(), "second": caller.account})
    found = preflight(parts.locks.facts(unit, trial, store.device(unit.session, row.device), Kind.REQUESTED))
    own = row.requester == caller.account
    return {**order_view(row), "checks": [{**check, "second": False} for check in rows_of(found)], "own": own}
