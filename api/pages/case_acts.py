"""The forms of a case: each calls what the API calls, and shows the case again.

What goes wrong is said on the case's own page, at the top and beside its field, with what to do about it; nothing is
changed then, and what was typed stays.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.concurrency import run_in_threadpool

from api.http.sendable_text import read_form
from api.pages import words
from api.pages.case_moves import body_of, read_version
from api.pages.cases import case_page
from api.pages.move_forms import MOVES
from api.pages.render import see
from api.pages.sent_form import LINE, Sent, Typed, check
from api.pages.visit import Staff, Visit
from api.people.auth import SIGN_IN_AGAIN
from api.routes import disputes, locks
from api.routes.disputes import EventIn
from api.routes.event_parts import WhereaboutsIn
from api.routes.locks import LockIn
from custody.gs1.imei import imei_digits
from custody.kernel.clock import from_iso
from custody.kernel.errors import Conflict, NotFound, Rejected, Trouble
from custody.store import case_book
from custody.usecases import move_case
from custody.usecases.repeat_move import done_already

router = APIRouter(prefix="/console/cases/{dispute}", include_in_schema=False)
Line = Annotated[str, Form(max_length=LINE)]
MOST_DIGITS = 60


@router.post("/moves/{event}")
async def move(dispute: str, event: str, visit: Staff, request: Request) -> Response:
    """Move the case by an event of its table; its fields are those of the move."""
    form = await read_form(request)
    typed = {name: text.replace("\r\n", "\n") for name, text in form.items() if isinstance(text, str)}
    return await run_in_threadpool(_move, visit, dispute, event, typed)


@router.post("/choose")
def choose(dispute: str, visit: Staff, *, remedy: Line = "", payout: Line = "", offered_at: Line = "") -> Response:
    """Write down what the customer chose on the phone; the promise is made as if they had tapped it themselves."""
    actor, said = f"customer, told to {visit.caller.account}", {"remedy": remedy, "payout": payout or None}

    def act() -> None:
        read_ms = from_iso(offered_at) if offered_at else None
        try:
            with visit.parts.house.unit() as unit:
                move_case.choose(unit, dispute, remedy=remedy, payout=payout or None, actor=actor, offered_ms=read_ms)
        except (Conflict, Rejected):
            with visit.parts.house.read() as session:
                if not done_already(session, dispute, "choose", said, actors={actor}):
                    raise

    kept = {
        "The customer chooses": words.worded(words.REMEDIES, remedy),
        "If money: how it comes": words.worded(words.PAYOUTS, payout),
    }
    sent = Sent(form="choose", given={"remedy": remedy, "payout": payout}, kept=kept)
    return _then(visit, dispute, act, done="chosen", sent=sent)


@router.post("/whereabouts")
def whereabouts(dispute: str, visit: Staff, known: Line = "", version: Line = "") -> Response:
    """Say what became of the ordered handset, where the customer once held it or we may never have sent it."""

    def act() -> None:
        if not known.strip():
            raise Rejected("whereabouts", "nothing was chosen", fix="Choose what became of the handset.")
        if known not in words.WHEREABOUTS:
            raise Rejected("whereabouts", f"{known!r} is not in the list", fix="Choose one of the list.")
        said = {known, "customer_told", "returns_bench_told"} if known == "absent_from_returns_bench" else {known}
        where = WhereaboutsIn.model_validate(dict.fromkeys(said, True))
        body = EventIn(event="whereabouts", whereabouts=where, version=read_version(version))
        disputes.move(dispute, body, visit.parts, visit.caller)

    return _then(visit, dispute, act, done="whereabouts", at="locks")


@router.post("/link")
def renew(dispute: str, visit: Staff) -> Response:
    """A fresh link for the customer, shown this once; the old one ends."""
    try:
        token = disputes.renew(dispute, visit.request, visit.parts, visit.caller)["customer_token"]
    except Trouble as trouble:
        return case_page(visit, dispute, sent=Sent(form="link", trouble=trouble))
    return case_page(visit, dispute, token=token, renewed=True)


@router.post("/lock")
def lock(dispute: str, visit: Staff, imei_last4: Line = "", reason: Line = "") -> Response:
    """Ask for a lock of exactly the handset that the order is about; another person decides."""

    def act() -> None:
        with visit.parts.house.read() as session:
            file = case_book.read(session, dispute)
        if file.imei is None:
            raise Rejected("imei", "no record says which handset it is", fix=words.WITH_A_NUMBER)
        body = LockIn(
            imei=imei_digits(file.imei),
            imei_last4=imei_last4.strip(),
            reason=reason,
            evidence=[dispute],
            dispute=dispute,
        )
        locks.ask(body, visit.parts, visit.caller)

    kept = {"Last 4 of the IMEI": imei_last4, "Reason": words.worded(words.LOCK_REASONS, reason)}
    sent = Sent(form="lock", given={"imei_last4": imei_last4, "reason": reason}, kept=kept)
    return _then(visit, dispute, act, done="lock", at="locks", sent=sent)


@router.post("/locks/{order}/release")
def release(dispute: str, order: str, visit: Staff) -> Response:
    """Release a lock; one person is enough and nothing is asked."""
    return _then(visit, dispute, lambda: locks.let_go(order, visit.parts, visit.caller), done="released", at="locks")


@router.post("/locks/{order}/code")
def code(dispute: str, order: str, visit: Staff, challenge: Typed = "") -> Response:
    """The answer to the digits on the lock screen, shown once on the case's page."""
    given = {"challenge": challenge}
    try:
        check(given, {"challenge": MOST_DIGITS}, needed=("challenge",))
        body = locks.CodeIn(challenge="".join(challenge.split()))
        answer = locks.code(order, body, visit.parts, visit.caller)["answer"]
    except Trouble as trouble:
        kept = {"Digits on the lock screen": challenge}
        return case_page(visit, dispute, sent=Sent(form=f"code-{order}", given=given, trouble=trouble, kept=kept))
    return case_page(visit, dispute, code=answer)


def _move(visit: Visit, dispute: str, event: str, typed: dict[str, str]) -> Response:
    chosen = MOVES.get(event)
    if chosen is None:
        raise NotFound("move", f"there is no move {event!r}", fix="Use the buttons of the case's page.")
    given = {field.name: typed.get(field.name, "") for field in chosen.fields}
    most = {field.name: field.most for field in chosen.fields}
    try:
        check(given, most, needed=tuple(field.name for field in chosen.fields if field.needed))
        body = body_of(chosen, given, version=read_version(typed.get("version", "")))
        went_on = disputes.move(dispute, body, visit.parts, visit.caller)["dispute"]
    except Trouble as trouble:
        if trouble.code == SIGN_IN_AGAIN:
            raise
        return case_page(visit, dispute, sent=Sent(form=event, given=given, trouble=trouble))
    return see(f"/console/cases/{went_on}", done=chosen.done)


def _then(
    visit: Visit, dispute: str, act: Callable[[], object], *, done: str, at: str = "", sent: Sent | None = None
) -> Response:
    try:
        act()
    except Trouble as trouble:
        return case_page(visit, dispute, sent=replace(sent or Sent(), trouble=trouble))
    return see(f"/console/cases/{dispute}", done=done, at=at)
