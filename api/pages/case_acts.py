"""The forms of a case: each calls what the API calls, and shows the case again.

What goes wrong is said on the case's own page, at the top, with what to do about it; nothing is changed then.
"""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response

from api.accounts import Caller
from api.auth import role
from api.pages.cases import case_page
from api.pages.render import see
from api.parts import Parts, parts_of
from api.routes import disputes, locks
from api.routes.disputes import EventIn
from api.routes.locks import LockIn
from custody.gs1.imei import imei_digits
from custody.kernel.errors import Rejected, Trouble
from custody.store import case_book
from custody.usecases import move_case

router = APIRouter(prefix="/console/cases/{dispute}", include_in_schema=False)
P = Annotated[Parts, Depends(parts_of)]
Staff = Annotated[Caller, Depends(role("agent", "supervisor", "investigator"))]
Words = Annotated[str, Form(max_length=2_000)]
Line = Annotated[str, Form(max_length=200)]


@router.post("/type")
def set_type(
    dispute: str, request: Request, parts: P, caller: Staff, claim_type: Line, custody_words: Words = ""
) -> Response:
    """Set the kind of problem that the customer agreed to; the offer follows from it at once."""
    body = EventIn(event="classify", claim_type=claim_type, custody_words=custody_words.strip() or None)
    return _then(request, parts, caller, dispute, lambda: disputes.move(dispute, body, parts, caller), done="typed")


@router.post("/ask")
def ask(dispute: str, request: Request, parts: P, caller: Staff, item: Line, text: Words) -> Response:
    """Ask the customer for one thing, once."""
    body = EventIn(event="ask", item=item, text=text)
    return _then(request, parts, caller, dispute, lambda: disputes.move(dispute, body, parts, caller), done="asked")


@router.post("/choose")
def choose(dispute: str, request: Request, parts: P, caller: Staff, remedy: Line, payout: Line = "") -> Response:
    """Write down what the customer chose on the phone; the promise is made as if they had tapped it themselves."""

    def act() -> None:
        with parts.house.unit() as unit:
            actor = f"customer, told to {caller.account}"
            move_case.choose(unit, dispute, remedy=remedy, payout=payout or None, actor=actor)

    return _then(request, parts, caller, dispute, act, done="chosen", at="remedy")


@router.post("/remedied")
def remedied(dispute: str, request: Request, parts: P, caller: Staff, reference: Line) -> Response:
    """The remedy was delivered or paid; the reference shows it."""
    body = EventIn(event="delivered_or_paid", reference=reference)
    return _then(request, parts, caller, dispute, lambda: disputes.move(dispute, body, parts, caller), done="remedied")


@router.post("/reopen")
def reopen(dispute: str, request: Request, parts: P, caller: Staff) -> Response:
    """Open an ended case again."""
    body = EventIn(event="reopen")
    return _then(request, parts, caller, dispute, lambda: disputes.move(dispute, body, parts, caller), done="reopened")


@router.post("/lock")
def lock(dispute: str, request: Request, parts: P, caller: Staff, imei_last4: Line, reason: Line) -> Response:
    """Ask for a lock of exactly the handset that the order is about; another person decides."""

    def act() -> None:
        with parts.house.read() as session:
            file = case_book.read(session, dispute)
        if file.imei is None:
            raise Rejected("imei", "no record says which handset it is", fix="Give the order or the parcel number.")
        body = LockIn(
            imei=imei_digits(file.imei),
            imei_last4=imei_last4.strip(),
            reason=reason,
            evidence=[dispute],
            dispute=dispute,
        )
        locks.ask(body, parts, caller)

    return _then(request, parts, caller, dispute, act, done="lock", at="locks")


@router.post("/locks/{order}/release")
def release(dispute: str, order: str, request: Request, parts: P, caller: Staff) -> Response:
    """Release a lock; one person is enough and nothing is asked."""
    return _then(
        request, parts, caller, dispute, lambda: locks.let_go(order, parts, caller), done="released", at="locks"
    )


@router.post("/locks/{order}/code")
def code(dispute: str, order: str, request: Request, parts: P, caller: Staff, challenge: Line) -> Response:
    """The answer to the digits on the lock screen, shown once on the case's page."""
    try:
        answer = locks.code(order, locks.CodeIn(challenge=challenge.strip()), parts, caller)["answer"]
    except Trouble as trouble:
        return case_page(request, parts, caller, dispute, trouble=trouble)
    return case_page(request, parts, caller, dispute, code=answer)


def _then(
    request: Request,
    parts: Parts,
    caller: Caller,
    dispute: str,
    act: Callable[[], object],
    *,
    done: str,
    at: str = "",
) -> Response:
    try:
        act()
    except Trouble as trouble:
        return case_page(request, parts, caller, dispute, trouble=trouble)
    return see(f"/console/cases/{dispute}", done=done, at=at)
