"""The supervisor's page: alerts, locks that wait for a second person, locks in force, standing authority, kill switch.

Two different people lock; one person releases, stops all locking, or withdraws an authority. A paused group of locks
goes on when somebody who did not order it has looked at it.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Form, Response

from api.lock_views import order_view, order_views, reference_view
from api.pages.render import see
from api.pages.sent_form import Sent, Typed, check
from api.pages.visit import Decider, Supervisor, Visit
from api.people.auth import SIGN_IN_AGAIN
from api.routes import backends, lock_watch, locks, standing_authority
from api.routes.backends import ReferenceIn
from api.routes.lock_watch import ClearanceIn, GroupIn
from api.routes.locks import WhyIn
from api.routes.standing_authority import SwitchIn
from custody.disputes.civil import civil_date
from custody.disputes.lock_effects import lock_effects
from custody.disputes.policy import DEFAULT_POLICY
from custody.kernel.errors import Trouble
from custody.store import case_book
from custody.store.unit import Unit
from devicelock import authority_store, part_store, put_off_store, store, watch_store
from devicelock.rules.authority import preflight
from devicelock.rules.order import OrderState
from devicelock.store import LockOrderRow
from devicelock.usecases import plan_parts
from devicelock.usecases.clear_group import groups
from devicelock.usecases.request_lock import as_decided, kind_of, rows_of
from devicelock.usecases.show_parts import show

router = APIRouter(prefix="/console", include_in_schema=False)
HELD = (OrderState.QUEUED, OrderState.ACTIVE_PROVISIONAL, OrderState.ACTIVE_CONFIRMED, OrderState.RELEASE_QUEUED)
PAGE = "/console/locks"
ROWS = 100
MOST = {"why": 500}


@router.get("/locks")
def read(visit: Decider, after: str | None = None) -> Response:
    """All of it on one page; of many locks under way the newest, and those `after` an older one on the pages behind."""
    return _page(visit, Sent(), after=after)


@router.post("/locks/{order}/approve")
def approve(order: str, visit: Decider) -> Response:
    """Say yes as the second person."""
    return _then(visit, lambda: locks.approve(order, visit.parts, visit.caller), done="approved")


@router.post("/locks/{order}/refuse")
def refuse(order: str, visit: Supervisor, why: Typed = "") -> Response:
    """Say no as the second person, with a reason."""

    def act() -> None:
        check({"why": why}, MOST)
        locks.refuse(order, WhyIn(why=why), visit.parts, visit.caller)

    return _then(visit, act, done="refused", sent=_why(f"refuse-{order}", "Reason for no", why))


@router.post("/locks/{order}/confirm")
def confirm(order: str, visit: Decider) -> Response:
    """Keep a lock beyond 72 hours: the first person proposes, another confirms."""
    return _then(visit, lambda: locks.confirm(order, visit.parts, visit.caller), done="confirmation")


@router.post("/locks/{order}/release")
def release(order: str, visit: Decider) -> Response:
    """Release a lock."""
    return _then(visit, lambda: locks.let_go(order, visit.parts, visit.caller), done="released")


@router.post("/authority")
def propose(visit: Supervisor) -> Response:
    """Propose to allow provisional locks for disputed deliveries."""
    return _then(visit, lambda: standing_authority.propose(visit.parts, visit.caller), done="proposed")


@router.post("/authority/{authority}/approve")
def put_in_force(authority: str, visit: Supervisor) -> Response:
    """Put a proposal in force as the second person."""
    return _then(
        visit, lambda: standing_authority.approve_authority(authority, visit.parts, visit.caller), done="in_force"
    )


@router.post("/authority/{authority}/withdraw")
def withdraw(authority: str, visit: Supervisor) -> Response:
    """Withdraw a standing authority."""
    return _then(
        visit, lambda: standing_authority.withdraw_authority(authority, visit.parts, visit.caller), done="withdrawn"
    )


@router.post("/kill-switch")
def kill_switch(visit: Supervisor, on: Annotated[bool, Form()], why: Typed = "") -> Response:
    """Stop all locking, or allow it again."""

    def act() -> None:
        check({"why": why}, MOST, needed=("why",))
        standing_authority.kill_switch(SwitchIn(on=on, why=why), visit.parts, visit.caller)

    done = "stopped" if on else "started"
    return _then(visit, act, done=done, sent=_why("switch", "Why", why))


@router.post("/lock-groups/clear")
def clear(visit: Decider, group: Annotated[str, Form(max_length=200)], why: Typed = "") -> Response:
    """Let a paused group of locks go on."""

    def act() -> None:
        check({"why": why}, MOST, needed=("why",))
        lock_watch.clear(ClearanceIn(group=group, why=why), visit.parts, visit.caller)

    return _then(visit, act, done="cleared", sent=_why(f"clear-{group}", "What you looked at", why))


@router.post("/lock-groups/release")
def release_group(visit: Decider, group: Annotated[str, Form(max_length=200)]) -> Response:
    """Let go all that a group ordered."""

    def act() -> None:
        while lock_watch.let_go(GroupIn(group=group), visit.parts, visit.caller)["left"]:
            pass

    return _then(visit, act, done="group_released")


@router.post("/references/confirm")
def confirm_reference(
    visit: Decider,
    device: Annotated[str, Form(max_length=100)],
    backend: Annotated[str, Form(max_length=40)],
    handset: Typed = "",
) -> Response:
    """Confirm the name of a handset at another lock system, typed again, as the second person."""

    def act() -> None:
        check({"handset": handset}, {"handset": 300}, needed=("handset",))
        backends.confirm(device, backend, ReferenceIn(handset=handset.strip()), visit.parts, visit.caller)

    kept = {"Its name there, as you read it": handset}
    sent = Sent(form=f"name-{device}-{backend}", given={"handset": handset}, kept=kept)
    return _then(visit, act, done="named", sent=sent)


@router.post("/alerts/{alert}/seen")
def see_alert(alert: str, visit: Decider) -> Response:
    """Say that you have looked at an alert."""
    return _then(visit, lambda: lock_watch.see_alert(alert, visit.parts, visit.caller), done="alert_seen")


def _why(form: str, says: str, why: str) -> Sent:
    return Sent(form=form, given={"why": why}, kept={says: why})


def _then(visit: Visit, act: Callable[[], object], *, done: str, sent: Sent | None = None) -> Response:
    try:
        act()
    except Trouble as trouble:
        if trouble.code == SIGN_IN_AGAIN:
            raise
        return _page(visit, replace(sent or Sent(), trouble=trouble))
    return see(PAGE, done=done)


def _page(visit: Visit, sent: Sent, *, after: str | None = None) -> Response:
    with visit.parts.house.look() as unit:
        session = unit.session
        waiting = [_waiting(unit, visit, row) for row in store.orders_in(session, [OrderState.REQUESTED])]
        rows = store.orders_page(session, states=HELD, after=after, limit=ROWS + 1)
        held = order_views(session, rows[:ROWS])
        authorities = authority_store.authorities(session)[::-1]
        in_force = authority_store.in_force(session)
        switch = authority_store.switch(session, authority_store.KILL_SWITCH)
        put_off = put_off_store.count(session)
        parts = [show(row, visit.parts.locks) for row in part_store.parts_unfinished(session, limit=200)]
        named = [reference_view(row) for row in part_store.references_proposed(session, limit=200)]
        alerts = [lock_watch.alert_view(row) for row in watch_store.alerts(session, seen=False)]
        found = groups(session, visit.parts.locks, now_ms=unit.now_ms)
        paused = [lock_watch.group_view(session, group) for group in found if group.paused]
        shown = [*waiting, *held, *(order for group in paused for order in group["locks"])]
        orders = case_book.orders_of(session, {order["dispute"] for order in shown if order["dispute"]})
    forms = {"switch", *(f"refuse-{order['order']}" for order in waiting)}
    forms |= {f"clear-{group['group']}" for group in paused}
    forms |= {f"name-{row['device']}-{row['backend']}" for row in named if row["given_by"] != visit.caller.account}
    return visit.page(
        "locks.html",
        waiting=waiting,
        held=held,
        after=after,
        onward=held[-1]["order"] if len(rows) > ROWS else None,
        authorities=authorities,
        in_force=in_force.id if in_force else None,
        switch=switch,
        put_off=put_off,
        parts=parts,
        named=named,
        alerts=alerts,
        paused=paused,
        ordered={group.name: group.open for group in found if group.open},
        orders=orders,
        lock_effects=lock_effects(policy=DEFAULT_POLICY, on_date=civil_date(unit.now_ms)),
        sent=sent.on_page(has_form=sent.form in forms),
    )


def _waiting(unit: Unit, visit: Visit, row: LockOrderRow) -> dict[str, Any]:
    """An order that waits, with every check as it would come out if this person said yes now."""
    trial, kind = as_decided(row, visit.caller.account), kind_of(row)
    device = store.device(unit.session, row.device, hold=False)
    found = preflight(visit.parts.locks.facts(unit, trial, device, kind))
    own = row.requester == visit.caller.account
    others = plan_parts.rows_of(plan_parts.fits(unit, visit.parts.locks, trial, device, kind))
    checks = [{**check, "second": False} for check in (*rows_of(found), *others)]
    return {**order_view(unit.session, row), "checks": checks, "own": own}
