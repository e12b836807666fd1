"""The life of a handset: received, left, its unlock code; and the two doors that need no account.

Whoever was sent a receipt code says "I have it" with it. Whoever holds a locked handset and bought it in good faith
says so with the reference on its screen; a person looks at it, and nobody is blamed.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field
from sqlmodel import Session

from api import joints, lock_news
from api.http.body import Body
from api.parts import Parts, parts_of
from api.people.accounts import Caller
from api.people.auth import role
from api.people.client_network import network_of
from api.people.token_bucket import TokenBuckets
from api.receipts import hear_receipt
from custody.disputes.people import addressee
from custody.kernel.clock import Instant, from_iso, to_iso
from custody.kernel.errors import NotFound
from custody.kernel.ids import as_typed
from custody.store.unit import Unit
from custody.usecases.record_sale import sale_of_imei
from devicelock import store, watch_store
from devicelock.rules.order import LockRole
from devicelock.rules.receipt_code import check_receipt_code
from devicelock.rules.unlock_code import DIGITS
from devicelock.store import DeviceRow
from devicelock.usecases.issue_code import issue_code
from devicelock.usecases.retire import received
from devicelock.watch_store import LeavingRow

router = APIRouter(prefix="/v1", tags=["device lock"])
P = Annotated[Parts, Depends(parts_of)]
Staff = Annotated[Caller, Depends(role("agent", "supervisor", "investigator"))]

OF_LOCKS = "lock"
"""The prefix of the references on lock screens."""

TRIES, TRIES_PER_S = 5, 1 / 600
_tries = TokenBuckets(per_s=TRIES_PER_S, burst=TRIES)
_tries_in_all = TokenBuckets(per_s=1 / 6, burst=500)
"""Tries at the receipt code of an order from all addresses: of 50 bits nobody guesses any by them."""


class CodeIn(Body):
    """What the lock screen shows: eight digits, and after them the number of the lock if it is asked for."""

    challenge: str = Field(max_length=60, json_schema_extra={"minLength": DIGITS})


class LeaveIn(Body):
    """When the customer's account ends."""

    ends_at: str = Field(json_schema_extra={"format": "date-time"})


class ReceiptIn(Body):
    """The order and the code from our message."""

    order: str = Field(max_length=100)
    code: str = Field(max_length=40)


class HolderIn(Body):
    """The reference on the lock screen, and the holder's own words."""

    reference: str = Field(max_length=64)
    words: str = Field(min_length=1, max_length=20_000)


@router.post("/devices/{name}/code")
def code(name: str, body: CodeIn, parts: P, caller: Staff) -> dict[str, Any]:
    """The answer to a lock screen, by handset or IMEI: works without an order and without a network."""
    with parts.house.unit() as unit:
        device = store.device_named(unit.session, name).device
        answer = issue_code(
            unit,
            parts.locks,
            name=device,
            challenge=body.challenge,
            actor=caller.account,
            role=LockRole(caller.role),
        )
    return {"answer": answer, "device": device}


@router.post("/devices/{name}/received")
def confirm(name: str, parts: P, caller: Staff) -> dict[str, Any]:
    """The customer has the handset and told us so: no lock from now on, for ever."""
    with parts.house.unit() as unit:
        handset, who = store.device_named(unit.session, name), LockRole(caller.role)
        sold_ms = _sold_ms(unit, handset)
        row = received(unit, parts.locks, name=handset.device, actor=caller.account, role=who, sold_ms=sold_ms)
        return life_view(parts, row)


@router.post("/devices/{name}/leave")
def leave(name: str, body: LeaveIn, parts: P, caller: Staff) -> dict[str, Any]:
    """The customer leaves: every lock of the handset ends now, before the account does, and none comes back."""
    ends_ms = from_iso(body.ends_at)
    with parts.house.unit() as unit:
        device = store.device_named(unit.session, name).device
        row = lock_news.customer_leaves(
            unit, parts.locks, device=device, ends_ms=ends_ms, actor=caller.account, role=LockRole(caller.role)
        )
        return life_view(parts, row)


@router.get("/leavers")
def leavers(
    parts: P, _caller: Staff, cursor: str | None = None, limit: Annotated[int, Query(ge=1, le=200)] = 100
) -> dict[str, Any]:
    """What leavers were told last, the newest first: for whoever writes to customers who have no open case.

    `write_to`: whoever speaks for them or has the contract, if the order names anybody. `next` is the cursor of the
    next page, null at the end.
    """
    with parts.house.read() as session:
        rows = watch_store.leavers(session, now_ms=parts.clock.now_ms(), limit=limit + 1, after=cursor)
        onward = watch_store.leaver_cursor(rows[limit - 1]) if len(rows) > limit else None
        return {"leavers": [_leaver(session, row) for row in rows[:limit]], "next": onward}


@router.post("/receipts", status_code=201)
def receive(body: ReceiptIn, request: Request, parts: P) -> dict[str, Any]:
    """I have it: the customer's own word, with the code that came in another message than the parcel.

    A handset that was sold again since is somebody else's: the code of its earlier order says nothing of it. Of one
    that is not registered, or was retired before, the word is kept with the order.
    """
    _tries.take(f"{network_of(request)} {body.order}")
    _tries_in_all.take(body.order)
    check_receipt_code(parts.keyring.codes, body.order, body.code)
    with parts.house.unit() as unit:
        hear_receipt(unit, parts.locks, order_ref=body.order)
    return {"order": body.order, "received": True}


@router.post("/holders", status_code=201)
def holder(body: HolderIn, parts: P) -> dict[str, Any]:
    """I bought this phone: a case of the holder's own, and a person who looks at the lock."""
    return hear_holder(body, parts)


def hear_holder(body: HolderIn, parts: Parts, *, token: str = "") -> dict[str, Any]:
    """The same; `token` opens the holder's page where it was made before."""
    reference = as_typed(OF_LOCKS, body.reference)
    _tries.take(reference)
    try:
        with parts.house.unit() as unit:
            told = joints.holder_speaks(unit, reference=reference, words=body.words, token=token)
    except NotFound as unknown:
        fix = "Type it once more as the screen shows it, or call the number on the screen."
        raise NotFound("reference", "no phone was locked under this reference", fix=fix) from unknown
    return {"customer_url": f"/c/{told.token}", "owner": told.file.case.owner, "words": told.words}


def _sold_ms(unit: Unit, handset: DeviceRow) -> Instant | None:
    sale = sale_of_imei(unit.session, handset.imei)
    return None if sale is None else sale.recorded_ms


def _leaver(session: Session, row: LeavingRow) -> dict[str, Any]:
    handset = store.device(session, row.device, hold=False)
    sale = sale_of_imei(session, handset.imei)
    person = None if sale is None else addressee(sale.sale.people)
    return {
        "device": row.device,
        "write_to": None if person is None else {"name": person.name, "contact": person.contact or None},
        "order": None if sale is None else sale.sale.order_ref,
        "ends_at": to_iso(row.ends_ms),
        "told_at": None if row.told_ms is None else to_iso(row.told_ms),
        "words": row.words,
        "next_at": None if row.next_ms is None else to_iso(row.next_ms),
    }


def life_view(parts: Parts, row: DeviceRow) -> dict[str, Any]:
    """Where a handset is in its life."""
    desired = store.desired(row)
    return {
        "device": row.device,
        "desired": str(desired.state),
        "seen": None if desired.seen is None else str(desired.seen.applied),
        "confirmed": row.confirmed,
        "left": row.left,
        "retired": parts.locks.anchor.of(row.device).retired,
    }
