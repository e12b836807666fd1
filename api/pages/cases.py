"""The support adviser's pages: the list of cases, the box that takes anything, a new report, and the case itself.

One screen holds all that a call needs: the presumption first, support needs, what this person already told or gave us,
promises with dates, the kind of problem, the policy version, the offer, the locks with each check.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Response
from sqlmodel import Session

from api.find import MOST_ASKED
from api.find import find as find_anything
from api.pages.case_facts import read_case_page
from api.pages.case_moves import as_shown, read_needs
from api.pages.move_forms import MOVES
from api.pages.once import Once, fresh_once, open_once
from api.pages.people_form import MOST_PEOPLE_FORM, TypedPeople, people_in_form
from api.pages.render import HEADERS, see
from api.pages.sent_form import LINE, STORY, WORDS, Sent, Typed, check
from api.pages.told_form import MOST_TOLD_FORM, TypedTold, told_in_form
from api.pages.visit import Staff, Visit
from api.pages.words import ASKED_BY_PEOPLE
from api.routes.referrals import referred_files
from api.routes.reports import DisputeIn, link_to, take_report
from api.views import set_aside
from custody.disputes.claim import CLAIMS
from custody.kernel.errors import NotFound, Trouble
from custody.store import case_book, case_lists, evidence_book, outside_book, worklist
from custody.store.case_book import CaseFile
from custody.store.defect_register import known_defects
from custody.usecases.open_dispute import case_of, hash_token
from custody.usecases.renew_link import SUPPORT

router = APIRouter(prefix="/console", include_in_schema=False)
PAGE = 25
FIRST = {"supervisor": "/console/locks", "investigator": "/console/investigations"}
WORKING_PHONE = {"yes": True, "no": False}
MOST = {
    "words": STORY,
    "order": 100,
    "item": LINE,
    "claim_type": 40,
    "found_instead": WORDS,
    "custody_words": WORDS,
    "support_needs": WORDS,
    "anything_else": 5_000,
    "channel": 40,
    **MOST_TOLD_FORM,
    **MOST_PEOPLE_FORM,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A page of cases and the cursor of the next one; None at the end."""

    files: tuple[CaseFile, ...]
    onward: str | None


@router.get("")
def console(visit: Staff, after: str | None = None) -> Response:
    """The first page of a role: an agent's own open cases, locks for supervisors, investigations for investigators."""
    if visit.caller.role in FIRST:
        return see(FIRST[visit.caller.role])
    return cases(visit, show="mine", after=after)


@router.get("/cases")
def cases(visit: Staff, show: str = "open", after: str | None = None) -> Response:
    """Cases, newest first: one's own open ones, all open ones, those that owe something, or those that ended.

    And those with a promise that is still to be kept, the soonest first, or that wait for another desk, the longest.
    """
    owner = visit.caller.account if show == "mine" else None
    with visit.parts.house.look() as unit:
        session = unit.session
        waiting = Listed(files=tuple(referred_files(unit)), onward=None) if show == "referred" else None
        listed = waiting or _list_cases(session, owner=owner, show=show, after=after)
        promised = case_book.promises_of(session, [file.case.id for file in listed.files])
        disagreed, pending = case_book.disagreed(session, promised), outside_book.pending_in(session, promised)
    aside = set_aside(listed.files, promised)
    return visit.page(
        "cases.html",
        listed=listed,
        promised=promised,
        aside=aside,
        disagreed=disagreed,
        pending=pending,
        desks=visit.parts.desks.words,
        show=show,
        after=after,
    )


@router.get("/find")
def find(visit: Staff, q: str = "") -> Response:
    """One box takes anything; a single case is opened at once."""
    with visit.parts.house.read() as session:
        found = find_anything(session, q[:MOST_ASKED])
        promised = case_book.promises_of(session, [file.case.id for file in found.files])
    if len(found.files) == 1:
        return see(f"/console/cases/{found.files[0].case.id}")
    return visit.page("found.html", q=q, found=found, aside=set_aside(found.files, promised))


@router.get("/cases/new")
def new_case(visit: Staff, order: str = "") -> Response:
    """The form for a report by phone or in a shop."""
    return _new_case(visit, Sent(given={"order": order}))


@router.post("/cases")
def open_case(
    visit: Staff,
    told: TypedTold,
    people: TypedPeople,
    *,
    words: Typed = "",
    order: Typed = "",
    item: Typed = "",
    claim_type: Typed = "",
    found_instead: Typed = "",
    custody_words: Typed = "",
    working_phone: Typed = "",
    support_needs: Typed = "",
    anything_else: Typed = "",
    channel: Typed = "phone",
    once: Once = "",
) -> Response:
    """Open a case as the API does; the customer's link is shown in answer to this form alone."""
    given = {
        "words": words,
        "order": order,
        "item": item,
        "claim_type": claim_type,
        "found_instead": found_instead,
        "custody_words": custody_words,
        "working_phone": working_phone,
        "support_needs": support_needs,
        "anything_else": anything_else,
        "channel": channel,
    }
    given |= told | people
    try:
        check(given, MOST, needed=("words",))
        body = DisputeIn(
            words=words,
            order=order.strip() or None,
            item=item.strip() or None,
            claim_type=claim_type or None,
            found_instead=found_instead,
            channel=channel,
            has_working_phone=WORKING_PHONE.get(working_phone),
            custody_words=custody_words.strip() or None,
            support_needs=read_needs(support_needs),
            anything_else=anything_else,
            told=told_in_form(told),
            people=people_in_form(people),
        )

        def open_case(token: str) -> str:
            return str(take_report(body, visit.request, visit.parts, token=token)["customer_token"])

        token = open_once(visit.parts, once, visit.caller.account, given, open_case)
    except Trouble as trouble:
        return _new_case(visit, Sent(given=given, trouble=trouble))
    with visit.parts.house.read() as session:
        try:
            dispute, opens = case_book.read_by_token(session, hash_token(token)).case.id, token
        except NotFound:  # the form was sent again after another link was made
            dispute, opens = case_of(token), ""
    return case_page(visit, dispute, token=opens)


def _list_cases(session: Session, *, owner: str | None, show: str, after: str | None) -> Listed:
    """Cases, newest first: those that ended, that owe something, or that are open; those of one owner if asked.

    Those with a promise that is due come soonest first.
    """
    if show == "due":
        due = worklist.soonest_first(session, after=after, limit=PAGE + 1)
        return Listed(files=tuple(one.file for one in due[:PAGE]), onward=due[PAGE - 1].cursor if due[PAGE:] else None)
    files = case_lists.page(session, show=show, owner=owner, after=after, limit=PAGE + 1)
    return Listed(files=files[:PAGE], onward=files[PAGE - 1].case.id if len(files) > PAGE else None)


def _new_case(visit: Visit, sent: Sent) -> Response:
    with visit.parts.house.read() as session:
        known = known_defects(session, now_ms=visit.parts.clock.now_ms())
    facts: dict[str, Any] = {"claims": tuple(CLAIMS), "known": known, "somebody": sent.has(MOST_PEOPLE_FORM)}
    return visit.page("new_case.html", once=fresh_once(visit.parts), sent=sent, **facts)


@router.get("/cases/{dispute}")
def case(dispute: str, visit: Staff) -> Response:
    """One case on one screen."""
    return case_page(visit, dispute)


@router.get("/cases/{dispute}/locks")
def live_locks(dispute: str, visit: Staff) -> Response:
    """The part of the case's page that changes while a handset answers."""
    return visit.page("_locks.html", shown=read_case_page(visit.parts, visit.caller, dispute))


@router.get("/evidence/{name}")
def evidence(name: str, visit: Staff) -> Response:
    """A file that a customer gave, byte for byte; the browser saves it and never runs it."""
    with visit.parts.house.read() as session:
        given, content = evidence_book.read(session, name)
    headers = {**HEADERS, "Content-Security-Policy": "sandbox", "Content-Disposition": attached(given.name)}
    return Response(content, media_type="application/octet-stream", headers=headers)


def case_page(
    visit: Visit, dispute: str, *, sent: Sent | None = None, token: str = "", renewed: bool = False, code: str = ""
) -> Response:
    """The page of a case: with what went wrong on top, or what is shown only once."""
    shown = read_case_page(visit.parts, visit.caller, dispute)
    if sent is not None and sent.form in MOVES:
        sent = as_shown(sent, MOVES[sent.form], shown.moves, state=shown.file.case.state)
    elif sent is not None:
        sent = sent.on_page(has_form=sent.form in shown.forms)
    return visit.page(
        "case.html",
        shown=shown,
        reasons=ASKED_BY_PEOPLE,
        support=SUPPORT,
        sent=sent,
        link=link_to(token, visit.request, visit.parts)["customer_page"] if token else "",
        renewed=renewed,
        code=code,
    )


def attached(name: str) -> str:
    """The header by which a browser saves a file under its own name (RFC 6266, RFC 8187)."""
    return f"attachment; filename*=UTF-8''{quote(name, safe='')}"
