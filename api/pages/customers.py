"""The customer's page: no account, only the link from our message.

It says first that we believe the customer, then what happens and when. Every form calls what the API calls; one that is
refused comes back as it was sent. Large print stays large whatever is pressed.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, Request, Response, UploadFile

from api.circumstances import found_ms
from api.http.problems import status_of
from api.pages.case_moves import READ
from api.pages.cases import attached
from api.pages.customer_file import own_file
from api.pages.once import Once, fresh_once
from api.pages.people_form import MOST_PEOPLE_FORM, TypedPeople, people_in_form
from api.pages.plain_refusals import for_customers
from api.pages.render import HEADERS, LARGE, page, see
from api.pages.sent_form import STORY, Sent, Typed, check
from api.pages.told_form import MOST_TOLD_FORM, TypedTold, told_in_form
from api.pages.troubles import out_of_reach
from api.pages.words import PAYOUTS, REMEDIES, worded
from api.parts import Parts, parts_of
from api.people.auth import same_site
from api.routes import customer as doors
from api.routes import customer_collection, customer_people
from api.routes.customer import About, AnswerIn, ChoiceIn, CodeIn, DataIn, DecisionIn, KindIn, WordsIn, customer_view
from api.routes.customer_collection import CollectionIn
from custody.disputes.case import CASE
from custody.disputes.civil import civil_date
from custody.disputes.claim import PAYS_MONEY
from custody.disputes.collection import CollectionWindow, between, collection_days, comes_with
from custody.disputes.machine import CaseRole
from custody.disputes.payout import WORDS as PAYOUT_WORDS
from custody.disputes.payout import payouts
from custody.disputes.people import payment_back
from custody.disputes.recourse import Way
from custody.kernel.errors import NotFound, Rejected, Trouble, Unavailable
from custody.store import case_book
from custody.store.case_book import CaseFile
from custody.usecases import await_answer
from custody.usecases.open_dispute import hash_token
from devicelock.rules.order import SETTLED, OrderState

router = APIRouter(include_in_schema=False)
P = Annotated[Parts, Depends(parts_of)]
Line = Annotated[str, Form(max_length=200)]
PAYS = frozenset(map(str, PAYS_MONEY))
MOST_DIGITS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """The day in the time after which an independent scheme may be asked."""

    body: str
    day: int
    days: int
    opens: date
    last_day: date
    is_open: bool


@router.get("/c/{token}")
def read(token: str, request: Request, parts: P) -> Response:
    """The page."""
    return _page(request, parts, token, Sent())


@router.get("/c/{token}/status")
def status(token: str, request: Request, parts: P) -> Response:
    """The part of the page that changes while a phone answers."""
    with parts.house.read() as session:
        view = customer_view(session, token)
    return page(request, "_customer_locks.html", view=view)


@router.get("/c/{token}/letter")
def letter(token: str, request: Request, parts: P) -> Response:
    """The letter for the independent scheme, to read, to print and to take there."""
    with parts.house.read() as session:
        view = customer_view(session, token)
    if view["letter"] is None:
        raise NotFound("letter", "no letter has left in this case", fix="Your page says from when you can have one.")
    settings = parts.settings
    return page(
        request, "letter.html", token=token, view=view, operator=settings.operator, phone=settings.support_phone
    )


@router.get("/c/{token}/file")
def fetch(token: str, parts: P) -> Response:
    """Everything the case holds about the customer, as one file."""
    return own_file(parts, token, {**HEADERS, "Content-Disposition": attached("my-case.zip")})


@router.post("/c/{token}/choose")
def choose(
    token: str, request: Request, parts: P, *, remedy: Line = "", payout: Line = "", offered_at: Line = ""
) -> Response:
    """Choose a remedy, and for money the way it comes."""
    body = ChoiceIn(remedy=remedy, payout=payout or None if remedy in PAYS else None, offered_at=offered_at or None)
    kept = {"What you chose": worded(REMEDIES, remedy), "How the money comes": worded(PAYOUTS, body.payout or "")}
    sent = Sent(form="choose", given={"remedy": remedy, "payout": payout}, kept=kept)
    return _then(request, parts, token, lambda: doors.choose(token, body, parts), done="c_chosen", sent=sent)


@router.post("/c/{token}/kind")
def kind(token: str, request: Request, parts: P, claim_type: Line = "") -> Response:
    """Yes, that is what it is."""
    body = KindIn(claim_type=claim_type)
    return _then(request, parts, token, lambda: doors.kind(token, body, parts), done="c_kind")


@router.post("/c/{token}/found")
def found(token: str, request: Request, parts: P) -> Response:
    """I found it."""
    return _then(request, parts, token, lambda: doors.found(token, parts), done="c_found")


@router.post("/c/{token}/disagree")
def disagree(token: str, request: Request, parts: P) -> Response:
    """I do not agree."""
    return _then(request, parts, token, lambda: doors.disagree(token, parts), done="c_disagree")


@router.post("/c/{token}/confirm")
def confirm(token: str, request: Request, parts: P) -> Response:
    """Yes, it is put right."""
    return _then(request, parts, token, lambda: doors.confirm(token, parts), done="c_confirm")


@router.post("/c/{token}/decision")
def decision(token: str, request: Request, parts: P, accept: Line = "") -> Response:
    """Yes or no to what the independent scheme decided; a form that says neither is neither."""

    def act() -> None:
        if accept not in {"yes", "no"}:
            raise Rejected("accept", "you said neither yes nor no", fix="Press one of the two.")
        doors.decision(token, DecisionIn(accept=accept == "yes"), parts)

    return _then(request, parts, token, act, done="c_decision")


@router.post("/c/{token}/withdraw")
def withdraw(token: str, request: Request, parts: P) -> Response:
    """Take the report back."""
    return _then(request, parts, token, lambda: doors.withdraw(token, parts), done="c_withdraw")


@router.post("/c/{token}/answer")
def answer(
    token: str,
    request: Request,
    parts: P,
    *,
    ask: Line,
    words: Typed = "",
    skip: Line = "",
    file: Annotated[UploadFile | None, File()] = None,
    once: Once = "",
) -> Response:
    """Answer something we asked with words, a file or both, or skip it."""
    said = None if skip or not words.strip() else words
    photo = file if file is not None and file.filename and not skip else None

    def act() -> None:
        check({"words": words}, {"words": STORY})
        if photo is not None:
            doors.take_file(token, photo, parts, ask, once=once)
        if said is not None or photo is None:
            doors.take_answer(token, AnswerIn(ask=ask, words=said), parts, once=once)

    done = "c_skip" if said is None and photo is None else "c_answer"
    sent = Sent(form=ask, given={"words": words}, kept={"What you wrote": words})
    return _then(request, parts, token, act, done=done, sent=sent)


@router.post("/c/{token}/files")
def give(
    token: str, request: Request, parts: P, *, file: Annotated[UploadFile | None, File()] = None, once: Once = ""
) -> Response:
    """Give us a file; nothing chosen is nothing wrong, and is said."""
    if file is None or not file.filename:
        same_site(request)
        return see(f"/c/{token}", done="c_no_file", large=_is_large(request))

    def act() -> None:
        doors.take_file(token, file, parts, once=once)

    return _then(request, parts, token, act, done=lambda: _taken(parts, token, "c_file"))


@router.post("/c/{token}/words")
def tell(token: str, request: Request, parts: P, *, words: Typed = "", once: Once = "") -> Response:
    """More in the customer's own words: anything we should know, or their side before a decision."""
    given = {"words": words}

    def act() -> None:
        check(given, {"words": STORY}, needed=("words",))
        doors.take_words(token, WordsIn(words=words).words, parts, once=once)

    sent = Sent(form="more", given=given)
    return _then(request, parts, token, act, done=lambda: _taken(parts, token, "c_words"), sent=sent)


@router.post("/c/{token}/data")
def ask_about_data(
    token: str, request: Request, parts: P, *, words: Typed = "", about: Line = "", once: Once = ""
) -> Response:
    """A copy of all that we hold about the customer, or something that is wrong with how we use it."""
    given = {"words": words}

    def act() -> None:
        check(given, {"words": STORY})
        if about not in list(About):
            raise Rejected("about", "you did not say which of the two", fix="Press one of the two.")
        doors.take_data_request(token, DataIn(about=About(about), words=words), parts, once=once)

    sent = Sent(form="data", given=given, kept={"What you wrote": words})
    return _then(request, parts, token, act, done=f"c_data_{about}", sent=sent)


@router.post("/c/{token}/told")
def promised_elsewhere(token: str, request: Request, parts: P, given: TypedTold) -> Response:
    """What somebody else promised them."""

    def act() -> None:
        check(given, MOST_TOLD_FORM, needed=("told",))
        for each in told_in_form(given):
            doors.promised_elsewhere(token, each, parts)

    return _then(request, parts, token, act, done="c_told", sent=Sent(form="told", given=given))


@router.post("/c/{token}/people")
def name(token: str, request: Request, parts: P, given: TypedPeople) -> Response:
    """Who is who in the contract."""

    def act() -> None:
        check(given, MOST_PEOPLE_FORM)
        body = people_in_form(given)
        if body is None:
            raise Rejected("holder", "it does not say who is who", fix="Name at least one, or leave it.")
        customer_people.name(token, body, parts)

    return _then(request, parts, token, act, done="c_people", sent=Sent(form="people", given=given))


@router.post("/c/{token}/collection")
def collect(token: str, request: Request, parts: P, collect_on: Line = "", window: Line = "") -> Response:
    """The day and the hours in which we collect the wrong thing."""
    given = {"collect_on": collect_on, "window": window}

    def act() -> None:
        check(given, {"collect_on": MOST_DIGITS, "window": MOST_DIGITS}, needed=("collect_on", "window"))
        body = CollectionIn(collect_on=READ["day"]("collect_on", collect_on), window=window)
        customer_collection.collect(token, body, parts)

    return _then(request, parts, token, act, done="c_collection", sent=Sent(form="collection", given=given))


@router.post("/c/{token}/code")
def code(token: str, request: Request, parts: P, challenge: Typed = "", order: Line = "") -> Response:
    """The unlock code, shown on the page and never in an address; of several phones, of the one that `order` names."""
    same_site(request)
    given = {"challenge": challenge}
    try:
        check(given, {"challenge": MOST_DIGITS}, needed=("challenge",))
        unlock = doors.code(token, CodeIn(challenge="".join(challenge.split()), order=order or None), parts)["code"]
    except Trouble as trouble:
        form, kept = f"code-{order}" if order else "code", {"The digits": challenge}
        return _page(request, parts, token, Sent(form=form, given=given, trouble=for_customers(trouble), kept=kept))
    return _page(request, parts, token, Sent(), unlock=unlock, unlocks=order)


def _taken(parts: Parts, token: str, done: str) -> str:
    """The word for what was given, or for the same given to a case that has ended, where nobody looks for it."""
    with parts.house.read() as session:
        heard = case_book.goes_on(session, case_book.read_by_token(session, hash_token(token)))
    return f"{done}_ended" if heard.case.state in CASE.terminal else done


def _then(
    request: Request,
    parts: Parts,
    token: str,
    act: Callable[[], object],
    *,
    done: str | Callable[[], str],
    sent: Sent | None = None,
) -> Response:
    same_site(request)
    try:
        said = done if isinstance(done, str) else done()
        act()
    except Trouble as trouble:
        return _page(request, parts, token, replace(sent or Sent(), trouble=for_customers(trouble)))
    return see(f"/c/{token}", done=said, large=_is_large(request))


def _is_large(request: Request) -> bool:
    return request.query_params.get("size") == LARGE


def _page(request: Request, parts: Parts, token: str, sent: Sent, *, unlock: str = "", unlocks: str = "") -> Response:
    try:
        return _case(request, parts, token, sent, unlock=unlock, unlocks=unlocks)
    except Unavailable as trouble:
        return out_of_reach(request, trouble, sent)


def _case(request: Request, parts: Parts, token: str, sent: Sent, *, unlock: str, unlocks: str) -> Response:
    with parts.house.read() as session:
        view = customer_view(session, token)
        file = case_book.read_by_token(session, hash_token(token))
        was_found = found_ms(session, file.case.id) is not None
        answer_by = await_answer.answer_by(session, file)
    moves = CASE.possible(file.case.state, CaseRole.CUSTOMER)
    is_open = file.case.state not in CASE.terminal
    collects = comes_with(file.offer) and is_open
    sent = sent.on_page(has_form=sent.form in _forms(view, moves, is_open=is_open, collects=collects))
    under_way = {OrderState(lock["state"]) for lock in view["locks"]} - SETTLED - {OrderState.REQUESTED}
    return page(
        request,
        "customer.html",
        token=token,
        view=view,
        file=file,
        moves=moves,
        was_found=was_found,
        answer_by=answer_by,
        locked=bool(under_way),
        wished=bool(under_way - {OrderState.RELEASE_QUEUED}),
        is_open=is_open,
        collect_on=collection_days(civil_date(parts.clock.now_ms())) if collects else (),
        windows=[(str(window), between(window)) for window in CollectionWindow],
        pays=PAYS,
        payouts=_payouts(file),
        scheme=_scheme(file, civil_date(parts.clock.now_ms())),
        phone=parts.settings.support_phone,
        sent=sent,
        once=fresh_once(parts),
        unlock=unlock,
        unlocks=unlocks,
        status=200 if sent.trouble is None else status_of(sent.trouble),
    )


def _forms(view: Mapping[str, Any], moves: Collection[str], *, is_open: bool, collects: bool) -> set[str]:
    """The forms that are on the page and take what somebody types or chooses."""
    asks = {each["ask"] for each in view["asks"] if each["state"] == "open"}
    due = [handset for handset in view["handsets"] if handset["code_due"]]
    codes = {f"code-{handset['order']}" if handset["imei_last4"] else "code" for handset in due}
    chooses = "choose" in moves and view["remedy"]
    there = {"choose": chooses, "people": is_open, "collection": collects}
    return {"more", "data", "told", *asks, *codes, *(form for form, is_there in there.items() if is_there)}


def _payouts(file: CaseFile) -> list[tuple[str, str]]:
    payment = payment_back(file.case.people, file.order.payment)
    return [(str(way), PAYOUT_WORDS[way]) for way in payouts(file.order.standing, payment)]


def _scheme(file: CaseFile, today: date) -> Scheme | None:
    way = next((way for way in file.recourse if way.way is Way.SCHEME), None)
    if way is None:
        return None
    first = civil_date(file.case.first_word_ms)
    days = (way.opens - first).days
    return Scheme(
        body=way.body,
        day=min((today - first).days + 1, days),
        days=days,
        opens=way.opens,
        last_day=way.last_day,
        is_open=today >= way.opens,
    )
