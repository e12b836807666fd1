"""The customer's door: no account, only the link from our message.

Whoever holds the link may choose, answer, give files, say "I found it" and read everything. Nothing asks for proof.
"""

import hashlib
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Form, UploadFile
from pydantic import Field
from sqlmodel import Session

from api import customer_moves, joints, lock_news
from api.confirm_kind import confirm_kind
from api.customer_troubles import in_their_words
from api.http.body import Body, one_of
from api.keep_given import heard_in, keep_given, keep_words
from api.lock_views import order_views, own_locks
from api.own_handsets import code_is_due, is_locked_for_another, is_their_own, of_one_handset, own_handsets
from api.parts import Parts, parts_of
from api.routes.reports import ToldIn
from api.views import letter_view, message_views, own_view
from custody.disputes.claim import CLAIMS, Remedy
from custody.disputes.machine import CaseRole
from custody.disputes.messages import say
from custody.disputes.one_order import where_it_stands
from custody.disputes.payout import Payout
from custody.kernel.clock import from_iso, to_iso
from custody.kernel.errors import Conflict, Rejected, Unavailable
from custody.store import case_book, evidence_book
from custody.store.case_book import CaseFile
from custody.store.evidence_book import MAX_FILE_BYTES
from custody.store.unit import Unit
from custody.usecases import ask_customer, data_requests, keep_word, move_case, move_scheme
from custody.usecases.open_dispute import hash_token
from custody.usecases.repeat_move import done_already
from devicelock.rules.order import LockRole
from devicelock.rules.unlock_code import DIGITS
from devicelock.usecases.issue_code import issue_code

router = APIRouter(prefix="/v1/customer/{token}", tags=["customer"])
P = Annotated[Parts, Depends(parts_of)]
T = TypeVar("T")
CUSTOMER = "customer"


class About(StrEnum):
    """What may be asked about data."""

    COPY = "copy"
    COMPLAINT = "complaint"


class ChoiceIn(Body):
    """Which remedy, and for money by which way."""

    remedy: str = Field(json_schema_extra=one_of(lambda: Remedy))
    payout: str | None = Field(default=None, json_schema_extra=one_of(lambda: Payout))
    offered_at: str | None = Field(default=None, description="Of the offer that was read; of another one: a conflict.")


class KindIn(Body):
    """Which kind of problem it is."""

    claim_type: str = Field(json_schema_extra=one_of(lambda: CLAIMS))


class AnswerIn(Body):
    """Words in answer to something we asked; leave them out to skip it."""

    ask: str
    words: str | None = None


class WordsIn(Body):
    """Anything more that we should know, in the customer's own words."""

    words: str = Field(min_length=1, max_length=20_000)


class DataIn(Body):
    """What the customer asks about their data, and in which words if they like."""

    about: Annotated[About, Field(strict=False)]
    words: str = Field(default="", max_length=20_000)


class DecisionIn(Body):
    """Whether the customer says yes to the scheme's decision."""

    accept: bool


class CodeIn(Body):
    """The eight digits on the lock screen, and after them the number of the lock if it is asked for."""

    challenge: str = Field(json_schema_extra={"minLength": DIGITS})
    order: str | None = Field(default=None, description="A lock of the phone; needed if there are several.")


@router.get("")
def read(token: str, parts: P) -> dict[str, Any]:
    """Everything about the case, in plain words."""
    with parts.house.read() as session:
        return customer_view(session, token)


@router.post("/choose")
def choose(token: str, body: ChoiceIn, parts: P) -> dict[str, Any]:
    """Choose a remedy; the answer holds the promise with its date."""
    said = body.model_dump(exclude={"offered_at"})
    offered_ms = from_iso(body.offered_at) if body.offered_at else None

    def act(unit: Unit, file: CaseFile) -> object:
        return move_case.choose(unit, file.case.id, actor=CUSTOMER, offered_ms=offered_ms, **said)

    return own_move(parts, token, "choose", said, act)


@router.post("/kind")
def kind(token: str, body: KindIn, parts: P) -> dict[str, Any]:
    """Say what kind of problem it is, where that is not agreed yet; the answer holds the offer."""

    def act(unit: Unit, file: CaseFile) -> None:
        confirm_kind(unit, parts.locks, dispute=file.case.id, claim_type=body.claim_type)

    return own_move(parts, token, "classify", {}, act)


@router.post("/found")
def found(token: str, parts: P) -> dict[str, Any]:
    """I found it: every lock of the phone is released at once, and the case ends, with thanks and without questions.

    From the page of a joined case the one that goes on ends too. From one that is not its customer's own it only hears
    of it: whoever holds the box can report it.
    """
    with parts.house.unit() as unit:
        file = case_book.read_by_token(unit.session, hash_token(token))
        released = customer_moves.found_it(unit, parts.locks, dispute=file.case.id)
        freed = own_locks(order_views(unit.session, released), named=True)
        return {**customer_view(unit.session, token), "released": freed}


@router.post("/confirm")
def confirm(token: str, parts: P) -> dict[str, Any]:
    """Yes, it is put right; the case closes."""
    return own_move(parts, token, "confirm_or_lapse", {}, _settled(move_case.confirm))


@router.post("/withdraw")
def withdraw(token: str, parts: P) -> dict[str, Any]:
    """Take the report back; every lock must be released first. One that nobody has decided yet is off by that."""

    def act(unit: Unit, file: CaseFile) -> object:
        return customer_moves.take_back(unit, parts.locks, dispute=file.case.id)

    return own_move(parts, token, "withdraw", {}, act)


@router.post("/decision")
def decision(token: str, body: DecisionIn, parts: P) -> dict[str, Any]:
    """Yes or no to what the independent scheme decided; yes makes it a promise of ours with a date."""
    if body.accept:
        return own_move(
            parts,
            token,
            "customer_accepts",
            {},
            lambda unit, file: move_scheme.accept_decision(unit, file.case.id, actor=CUSTOMER),
        )
    return own_move(parts, token, "customer_rejects_or_lapse", {}, _settled(move_scheme.reject_decision))


@router.post("/disagree")
def disagree(token: str, parts: P) -> dict[str, Any]:
    """I do not agree: reopens a closed case, takes back "put right", and always says who can overrule us.

    A lock that we only plan is off. From the page of a joined case it is heard where that one goes on.
    """
    with parts.house.unit() as unit:
        file = case_book.read_by_token(unit.session, hash_token(token))
        customer_moves.disagrees(unit, parts.locks, dispute=file.case.id)
        return customer_view(unit.session, token)


@router.post("/answer")
def answer(token: str, body: AnswerIn, parts: P) -> dict[str, Any]:
    """Answer something we asked, or skip it; skipping never counts against you."""
    return take_answer(token, body, parts)


def take_answer(token: str, body: AnswerIn, parts: Parts, *, once: str = "") -> dict[str, Any]:
    """The same; words that the same form (`once`) brought before are there already."""

    def act(unit: Unit, file: CaseFile) -> None:
        pointer, is_new = keep_words(unit, file.case.id, body.words, once, ask=body.ask) if body.words else (None, True)
        if is_new:
            ask_customer.answer(unit, file.case.id, ask_id=body.ask, pointer=pointer, actor=CUSTOMER)

    said = {"ask": body.ask, "skipped": not body.words}
    return _again(once, lambda: own_move(parts, token, "answered_or_skipped", said, act))


@router.post("/words", status_code=201)
def tell(token: str, body: WordsIn, parts: P) -> dict[str, Any]:
    """Tell us more in your own words, at any time: your side of it, or anything we should know. Nothing is needed."""
    return take_words(token, body.words, parts)


def take_words(token: str, words: str, parts: Parts, *, once: str = "") -> dict[str, Any]:
    """The same; words that the same form (`once`) brought before are there already."""

    def act() -> str:
        with parts.house.unit() as unit:
            dispute = heard_in(unit, token)
            kept, is_new = keep_words(unit, dispute, words, once)
            case_book.say(unit, dispute, [say("case.received")] if is_new else [])
            return kept

    return {"evidence": _again(once, act)}


@router.post("/files", status_code=201)
def give(token: str, file: UploadFile, parts: P, ask: Annotated[str | None, Form()] = None) -> dict[str, Any]:
    """Give us anything, in any format; what we cannot read is our job. `ask` is what it answers, if we asked."""
    return take_file(token, file, parts, ask)


def take_file(token: str, file: UploadFile, parts: Parts, ask: str | None = None, *, once: str = "") -> dict[str, Any]:
    """The same; a file that the same form (`once`) brought before is there already."""
    content = file.file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise Rejected("too_large", "the file is larger than 100 megabytes", fix="Send it in parts, or call us.")
    name, kind = file.filename or "file", file.content_type or "application/octet-stream"

    def act() -> str:
        with parts.house.unit() as unit:
            dispute = heard_in(unit, token)
            kept, is_new = keep_given(unit, dispute, name=name, media_type=kind, content=content, once=once, ask=ask)
            if is_new and ask is None:
                case_book.say(unit, dispute, [say("case.received")])
            if is_new and ask is not None:
                ask_customer.answer(unit, dispute, ask_id=ask, pointer=kept, actor=CUSTOMER)
            return kept

    kept = _again(once, act)
    return {"evidence": kept, "name": name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


@router.post("/data", status_code=201)
def ask_about_data(token: str, body: DataIn, parts: P) -> dict[str, Any]:
    """Ask for a copy of all that we hold, or say that something is wrong with its use; a person answers."""
    return take_data_request(token, body, parts)


def take_data_request(token: str, body: DataIn, parts: Parts, *, once: str = "") -> dict[str, Any]:
    """The same; words that the same form (`once`) brought before are there already."""
    ask = data_requests.ask_for_copy if body.about is About.COPY else data_requests.complain

    def act() -> dict[str, Any]:
        with parts.house.unit() as unit:
            dispute = heard_in(unit, token)
            if body.words.strip():
                keep_words(unit, dispute, body.words, once, "data")
            ask(unit, dispute, actor=CUSTOMER)
            unit.session.flush()
            return customer_view(unit.session, token)

    return _again(once, act)


@router.post("/told", status_code=201)
def promised_elsewhere(token: str, body: ToldIn, parts: P) -> dict[str, Any]:
    """Tell us what somebody promised you; it binds us unless we can show within the days named that it is not so.

    The same again is told already. From the page of a joined case it is told where that one goes on.
    """

    def act(unit: Unit, file: CaseFile) -> object:
        told = body.told(now_ms=unit.now_ms)
        return keep_word.tell(unit, file.case.id, told=told, actor=CUSTOMER, role=CaseRole.CUSTOMER)

    return own_move(parts, token, "told", {}, act)


@router.post("/code")
def code(token: str, body: CodeIn, parts: P) -> dict[str, str]:
    """The unlock code for the digits on the screen of the phone from this order; never lost while the phone exists."""
    with parts.house.unit() as unit:
        file = case_book.read_by_token(unit.session, hash_token(token))
        lock_news.hold_for_move(unit, disputes=[file.case.id])
        orders = of_one_handset(joints.locks_of(unit.session, file), order=body.order)
        if is_locked_for_another(unit.session, file, orders):
            raise Conflict("another_lock", "the phone is locked for another case", fix="Call us; we listen first.")
        if not code_is_due(unit.session, file, orders):
            raise Conflict("found_first", "the code is for the phone you have", fix="Tap I found it first.")
        digits = issue_code(
            unit,
            parts.locks,
            name=orders[-1].device,
            challenge=body.challenge,
            actor=CUSTOMER,
            role=LockRole.CUSTOMER,
            case=file.case.id,
            orders=None if is_their_own(unit.session, file, orders) else {row.id for row in orders},
        )
    return {"code": digits}


def customer_view(session: Session, token: str) -> dict[str, Any]:
    """The case as its customer sees it: no staff accounts of others, no analysis, everything that was promised."""
    file = case_book.read_by_token(session, hash_token(token))
    shown = order_views(session, joints.locks_of(session, file))
    given = evidence_book.of_case(session, file.case.id)
    return {
        **own_view(session, file),
        "locks": own_locks(shown, named=file.order_named),
        "handsets": own_handsets(session, file),
        "messages": message_views(session, file.case.id),
        "letter": letter_view(session, file),
        "given": [{"name": one.name, "at": to_iso(one.at_ms), "sha256": one.sha256.hex()} for one in given],
    }


def own_move(
    parts: Parts, token: str, event: str, said: Mapping[str, Any], act: Callable[[Unit, CaseFile], object]
) -> dict[str, Any]:
    """One move of the customer and their case after it; the same one again is answered as done."""
    try:
        with parts.house.unit() as unit:
            act(unit, case_book.read_by_token(unit.session, hash_token(token)))
            unit.session.flush()
            return customer_view(unit.session, token)
    except (Conflict, Rejected) as refused:
        with parts.house.read() as session:
            file = case_book.read_by_token(session, hash_token(token))
            if done_already(session, file.case.id, event, said):
                return customer_view(session, token)
            stands = where_it_stands(file.case, case_book.promises(session, file.case.id), file.offer)
        raise in_their_words(refused, stands) from refused


def _settled(move: Callable[..., object]) -> Callable[[Unit, CaseFile], object]:
    """A move of the customer that waits for the locks of the case."""

    def act(unit: Unit, file: CaseFile) -> object:
        settled = joints.locks_settled(unit.session, file.case.id)
        return move(unit, file.case.id, actor=CUSTOMER, locks_settled=settled)

    return act


def _again(once: str, act: Callable[[], T]) -> T:
    """Do it; if the other tap of the same form was faster, find what it did."""
    try:
        return act()
    except Unavailable:
        if not once:
            raise
        return act()
