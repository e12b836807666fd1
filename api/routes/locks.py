"""Handsets and lock orders."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.convertors import StringConvertor, register_url_convertor

from api.http.body import Body, one_of
from api.http.listed import check_state
from api.lock_views import order_view, order_views, part_view, reference_view
from api.parts import Parts, broker_address, parts_of
from api.people.accounts import Caller
from api.people.auth import role, signed_in_lately
from api.registered_late import hold_waiting, lock_registered
from api.trail_memory import TRAILS
from custody.disputes.civil import civil_date
from custody.disputes.lock_effects import lock_effects
from custody.disputes.policy import DEFAULT_POLICY
from custody.gs1.imei import imei_urn, urn_of
from custody.kernel import cbor
from custody.kernel.base64url import b64, unb64
from custody.kernel.clock import to_iso
from custody.kernel.errors import NotFound, Rejected
from custody.store.unit import Unit
from custody.usecases.record_sale import sale_of_imei
from devicelock import part_store, store, watch_store
from devicelock.rules.authority import preflight
from devicelock.rules.command import REASONS, Basis, Op, Reason
from devicelock.rules.lock_facts import LockKind
from devicelock.rules.order import LockRole, OrderState
from devicelock.rules.unlock_code import DIGITS
from devicelock.usecases import plan_parts, request_lock
from devicelock.usecases.confirm_lock import confirm_lock
from devicelock.usecases.give_reference import give_reference
from devicelock.usecases.issue_code import issue_code
from devicelock.usecases.register_device import register_device
from devicelock.usecases.release import release
from devicelock.usecases.show_parts import show_parts

router = APIRouter(prefix="/v1", tags=["device lock"])
P = Annotated[Parts, Depends(parts_of)]
Staff = Annotated[Caller, Depends(role("agent", "supervisor", "investigator"))]
Supervisor = Annotated[Caller, Depends(role("supervisor"))]
Decider = Annotated[Caller, Depends(role("supervisor", "investigator"))]


class _NoAct(StringConvertor):
    """A name in an address that is none of what is done to a whole group (`lock_watch.py`), which nobody reads."""

    regex = "(?!(?:clearances|releases)$)[^/]+"


register_url_convertor("no_act", _NoAct())


class DeviceIn(Body):
    """A handset to register: protected but inert.

    `references`: by which names other lock systems know it; each carries locks once a second person has confirmed it.
    """

    imei: str
    model: str = Field(default="handset", max_length=60)
    cose_key: str
    references: dict[str, str] = Field(default_factory=dict, max_length=10)


class LockIn(Body):
    """A request to lock one handset, by its IMEI and never by an account.

    `specialist`: the account of whoever decides it, where the customer needs support.
    """

    imei: str
    imei_last4: str
    reason: str = Field(json_schema_extra=one_of(lambda: sorted(REASONS[Op.LOCK])))
    evidence: list[str] = Field(default_factory=list, max_length=20)
    dispute: str | None = None
    specialist: str | None = None


class WhyIn(Body):
    """A reason, shown to the others."""

    why: str = Field(default="", max_length=500)


class CodeIn(Body):
    """The eight digits on the lock screen, and after them the number of the lock if it is asked for."""

    challenge: str = Field(json_schema_extra={"minLength": DIGITS})


@router.post("/devices", status_code=201)
def register(body: DeviceIn, parts: P, caller: Supervisor) -> dict[str, Any]:
    """Register a handset; the answer holds what its lock client needs. An open case about it asks for its lock anew."""
    imei = urn_of(body.imei)
    with parts.house.unit() as unit:
        waiting = hold_waiting(unit, imei)
        sale, cose_key = sale_of_imei(unit.session, imei), unb64(body.cose_key, where="cose_key")
        made = register_device(
            unit,
            parts.locks,
            imei=body.imei,
            model=body.model,
            cose_key=cose_key,
            sold_ms=None if sale is None else sale.recorded_ms,
            received=sale is not None and sale.received_ms is not None,
        )
        for backend, handset in sorted(body.references.items()):
            row = store.device(unit.session, made.device)
            give_reference(unit, row, backend=backend, handset=handset, account=caller.account)
        lock_registered(unit, parts.locks, waiting)
    host, port = broker_address(parts)
    return {
        "device": made.device,
        "epoch": made.epoch,
        "lock_key": b64(cbor.encode(parts.keyring.lock.public.cose_key())),
        "unlock_key": b64(cbor.encode(parts.keyring.unlock.public.cose_key())),
        "code_key": b64(made.code_key),
        "mqtt": {"host": host, "port": port},
    }


@router.get("/devices/{name}")
def device(name: str, parts: P, _caller: Staff) -> dict[str, Any]:
    """A handset by its name or its IMEI: what is wished of it and what it last said."""
    with parts.house.read() as session:
        row = store.device_named(session, name)
        desired = store.desired(row)
        return {
            "device": row.device,
            "imei": row.imei,
            "model": row.model,
            "desired": str(desired.state),
            "seen": None if desired.seen is None else str(desired.seen.applied),
            "retired": parts.locks.anchor.of(row.device).retired,
            "last_hello": None if row.hello_ms is None else to_iso(row.hello_ms),
            "country": row.country,
            "network": row.network,
            "sim": row.sim,
            "seen_at": [
                {"at": to_iso(seen.at_ms), "sim": seen.sim, "country": seen.country, "network": seen.network}
                | {"index": seen.idx}
                for seen in watch_store.sightings_of(session, row.device)
            ],
            "references": [reference_view(each) for each in part_store.references_of(session, row.device)],
            "orders": order_views(session, store.orders_of_device(session, row.device)),
        }


@router.get("/locks/preflight")
def dry_run(
    imei: str, parts: P, caller: Staff, dispute: str | None = None, specialist: str | None = None
) -> dict[str, Any]:
    """Every check, green or red, with its reason and what would allow it; nothing is changed.

    What only a second person can turn green keeps nobody from asking, and neither does telling the customer first:
    `may_ask` says so. `refused` is what keeps this person from asking whatever the checks say: an order that is open
    already, or as many as one person may ask for. `specialist`: the account of whoever would decide it. `effects`: what
    the lock does to the customer, in the very words that they are sent.
    """
    with parts.house.look() as unit:
        row = store.device_by_imei(unit.session, imei_urn(imei))
        if row is None:
            raise NotFound("device", "no handset is registered under this IMEI", fix="Check the IMEI on the box.")
        trial = request_lock.trial_order(
            unit, parts.locks, row, dispute=dispute, requester=caller.account, specialist=specialist
        )
        found = preflight(parts.locks.facts(unit, trial, row, LockKind.REQUESTED))
        others = plan_parts.rows_of(plan_parts.fits(unit, parts.locks, trial, row, LockKind.REQUESTED))
        standing = request_lock.trial_order(unit, parts.locks, row, dispute=dispute)
        at_once = preflight(parts.locks.facts(unit, standing, row, LockKind.PROVISIONAL))
        refused = request_lock.refusal_to_ask(unit, parts.locks, row, caller.account)
        effects = lock_effects(policy=DEFAULT_POLICY, on_date=civil_date(unit.now_ms))
    may_ask = refused is None and all(check.name in request_lock.WAITS_FOR for check in found.failing)
    return {
        "verdict": str(found.ruling),
        "may_ask": may_ask,
        "refused": {"code": refused.code, "why": refused.detail, "allowed_by": refused.fix} if refused else None,
        "effects": effects,
        "checks": [*request_lock.rows_of(found), *others],
        "standing": {"verdict": str(at_once.ruling), "checks": request_lock.rows_of(at_once)},
    }


def _imei_or_none(said: str) -> str | None:
    """An IMEI as it is kept; what is none is refused where a lock is asked for."""
    try:
        return imei_urn(said)
    except Rejected:
        return None


@router.post("/locks", status_code=202)
def ask(body: LockIn, parts: P, caller: Staff) -> dict[str, Any]:
    """Ask for a lock. It waits for a second person, who is never the first."""
    TRAILS.read_ahead(parts.house, lambda _: _imei_or_none(body.imei))
    with parts.house.unit() as unit:
        order = request_lock.request_lock(
            unit,
            parts.locks,
            imei=body.imei,
            last4=body.imei_last4,
            reason=_reason(body.reason),
            account=caller.account,
            evidence=body.evidence,
            dispute=body.dispute,
            specialist=body.specialist,
        )
        return order_view(unit.session, order)


@router.get("/locks")
def listing(
    parts: P,
    _caller: Staff,
    state: Annotated[str, Field(json_schema_extra=one_of(lambda: OrderState))] | None = None,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> dict[str, Any]:
    """Lock orders, newest first. `next` is the cursor of the next page, null at the end."""
    check_state(state, OrderState)
    with parts.house.read() as session:
        rows = store.orders_page(session, states=[state] if state else [], after=cursor, limit=limit + 1)
        page = order_views(session, rows[:limit])
    return {"locks": page, "next": page[-1]["order"] if len(rows) > limit else None}


@router.get("/locks/{order:no_act}")
def read(order: str, parts: P, _caller: Staff) -> dict[str, Any]:
    """One order with its timeline and its commands."""
    with parts.house.read() as session:
        row = store.order(session, order, hold=False)
        events = [
            {
                "at": to_iso(event.at_ms),
                "event": event.event,
                "actor": event.actor,
                "index": event.idx,
                "facts": store.facts_of_step(event),
            }
            for event in store.events_of(session, order)
        ]
        commands = [
            {"command": command.id, "op": command.op, "issued_at": to_iso(command.issued_ms), "result": command.result}
            for command in store.commands_of(session, order)
        ]
        shown = [part_view(part) for part in show_parts(session, parts.locks, row)]
        return {**order_view(session, row), "events": events, "commands": commands, "backends": shown}


@router.post("/locks/{order}/approve")
def approve(order: str, parts: P, caller: Decider) -> dict[str, Any]:
    """Say yes as the second person; the command is signed at once."""
    signed_in_lately(parts, caller, parts.settings.lock_sign_in_minutes)
    TRAILS.read_ahead(parts.house, lambda session: store.imei_of_order(session, order))

    def act(unit: Unit) -> dict[str, Any]:
        row = request_lock.approve_lock(unit, parts.locks, name=order, account=caller.account)
        return order_view(unit.session, row)

    return parts.decisions.decide(order, act)


@router.post("/locks/{order}/refuse")
def refuse(order: str, body: WhyIn, parts: P, caller: Supervisor) -> dict[str, Any]:
    """Say no as the second person."""
    with parts.house.unit() as unit:
        row = request_lock.refuse_lock(unit, parts.locks, name=order, account=caller.account, why=body.why)
        return order_view(unit.session, row)


@router.post("/locks/{order}/confirm")
def confirm(order: str, parts: P, caller: Decider) -> dict[str, Any]:
    """Keep a lock beyond its 72 hours: one person proposes, another confirms with the same call."""
    signed_in_lately(parts, caller, parts.settings.lock_sign_in_minutes)
    with parts.house.unit() as unit:
        row = confirm_lock(unit, parts.locks, name=order, account=caller.account, role=LockRole(caller.role))
        return order_view(unit.session, row)


@router.post("/locks/{order}/release")
def let_go(order: str, parts: P, caller: Staff) -> dict[str, Any]:
    """Release a lock; one person is enough and nothing is asked."""

    def act(unit: Unit) -> dict[str, Any]:
        row = release(
            unit,
            parts.locks,
            name=order,
            actor=caller.account,
            role=LockRole(caller.role),
            reason=Reason.RELEASED_BY_STAFF,
            basis=Basis.ONE_PERSON,
        )
        return order_view(unit.session, row)

    return parts.decisions.decide(order, act)


@router.post("/locks/{order}/code")
def code(order: str, body: CodeIn, parts: P, caller: Staff) -> dict[str, Any]:
    """The answer to the digits on the lock screen; needs no network on the handset's side, and releases the lock."""
    with parts.house.unit() as unit:
        device, who = store.order(unit.session, order).device, LockRole(caller.role)
        answer = issue_code(unit, parts.locks, name=device, challenge=body.challenge, actor=caller.account, role=who)
    return {"answer": answer}


def _reason(word: str) -> Reason:
    try:
        return Reason(word)
    except ValueError as error:
        known = ", ".join(sorted(REASONS[Op.LOCK]))
        raise Rejected("reason", f"{word!r} is no reason to lock", fix=f"Use one of {known}.") from error
