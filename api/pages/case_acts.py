"""The forms of a case: each calls what the API calls, and shows the case again.

What goes wrong is said on the case's own page, at the top, with what to do about it; nothing is changed then.
"""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Form, Response

from api.pages import words
from api.pages.cases import case_page
from api.pages.render import see
from api.pages.visit import Staff, Visit
from api.routes import disputes, locks
from api.routes.disputes import EventIn, WhereaboutsIn
from api.routes.locks import LockIn
from custody.gs1.imei import imei_digits
from custody.kernel.errors import Rejected, Trouble
from custody.store import case_book
from custody.usecases import move_case

router = APIRouter(prefix="/console/cases/{dispute}", include_in_schema=False)
Words = Annotated[str, Form(max_length=2_000)]
Line = Annotated[str, Form(max_length=200)]


@router.post("/type")
def set_type(dispute: str, visit: Staff, claim_type: Line, custody_words: Words = "") -> Response:
    """Set the kind of problem that the customer agreed to; the offer follows from it at once."""
    body = EventIn(event="classify", claim_type=claim_type, custody_words=custody_words.strip() or None)
    return _move(visit, dispute, body, done="typed")


@router.post("/ask")
def ask(dispute: str, visit: Staff, item: Line, text: Words) -> Response:
    """Ask the customer for one thing, once."""
    return _move(visit, dispute, EventIn(event="ask", item=item, text=text), done="asked")


@router.post("/choose")
def choose(dispute: str, visit: Staff, remedy: Line, payout: Line = "") -> Response:
    """Write down what the customer chose on the phone; the promise is made as if they had tapped it themselves."""

    def act() -> None:
        with visit.parts.house.unit() as unit:
            actor = f"customer, told to {visit.caller.account}"
            move_case.choose(unit, dispute, remedy=remedy, payout=payout or None, actor=actor)

    return _then(visit, dispute, act, done="chosen")


@router.post("/remedied")
def remedied(dispute: str, visit: Staff, reference: Line) -> Response:
    """The remedy was delivered or paid; the reference shows it."""
    return _move(visit, dispute, EventIn(event="delivered_or_paid", reference=reference), done="remedied")


@router.post("/reopen")
def reopen(dispute: str, visit: Staff) -> Response:
    """Open an ended case again."""
    return _move(visit, dispute, EventIn(event="reopen"), done="reopened")


@router.post("/whereabouts")
def whereabouts(dispute: str, visit: Staff, known: Line) -> Response:
    """Say what became of the ordered handset, where the customer once held it or we may never have sent it."""

    def act() -> None:
        if known not in words.WHEREABOUTS:
            raise Rejected("whereabouts", f"{known!r} is not in the list", fix="Choose one of the list.")
        said = {known, "customer_told", "returns_bench_told"} if known == "absent_from_returns_bench" else {known}
        where = WhereaboutsIn.model_validate(dict.fromkeys(said, True))
        disputes.move(dispute, EventIn(event="whereabouts", whereabouts=where), visit.parts, visit.caller)

    return _then(visit, dispute, act, done="whereabouts", at="locks")


@router.post("/lock")
def lock(dispute: str, visit: Staff, imei_last4: Line, reason: Line) -> Response:
    """Ask for a lock of exactly the handset that the order is about; another person decides."""

    def act() -> None:
        with visit.parts.house.read() as session:
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
        locks.ask(body, visit.parts, visit.caller)

    return _then(visit, dispute, act, done="lock", at="locks")


@router.post("/locks/{order}/release")
def release(dispute: str, order: str, visit: Staff) -> Response:
    """Release a lock; one person is enough and nothing is asked."""
    return _then(visit, dispute, lambda: locks.let_go(order, visit.parts, visit.caller), done="released", at="locks")


@router.post("/locks/{order}/code")
def code(dispute: str, order: str, visit: Staff, challenge: Line) -> Response:
    """The answer to the digits on the lock screen, shown once on the case's page."""
    body = locks.CodeIn(challenge="".join(challenge.split()))
    try:
        answer = locks.code(order, body, visit.parts, visit.caller)["answer"]
    except Trouble as trouble:
        return case_page(visit, dispute, trouble=trouble)
    return case_page(visit, dispute, code=answer)


def _move(visit: Visit, dispute: str, body: EventIn, *, done: str) -> Response:
    return _then(visit, dispute, lambda: disputes.move(dispute, body, visit.parts, visit.caller), done=done)


def _then(visit: Visit, dispute: str, act: Callable[[], object], *, done: str, at: str = "") -> Response:
    try:
        act()
    except Trouble as trouble:
        return case_page(visit, dispute, trouble=trouble)
    return see(f"/console/cases/{dispute}", done=done, at=at)
