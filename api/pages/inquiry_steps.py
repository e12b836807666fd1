"""The page of an investigation's steps: what was done so far, and what can be done now.

Each form is an event of `POST /v1/investigations/{dispute}/events`. What follows the ranking is an investigator's; what
is mended for good, and opening again, are a supervisor's too.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from api.http.sendable_text import read_form
from api.pages import words
from api.pages.case_moves import OpenMove, as_shown, read_fields, whose
from api.pages.move_form import FormField, MoveForm
from api.pages.render import see
from api.pages.sent_form import Sent, check
from api.pages.visit import Decider, Visit
from api.routes import inquiry_steps as doors
from api.routes.inquiry_steps import StepIn
from custody.disputes.inquiry import InquiryState
from custody.disputes.machine import CaseRole, Transition
from custody.kernel.errors import NotFound, Trouble
from custody.store import case_book, inquiry_book
from custody.store.inquiry_answer import listed_checks
from custody.usecases import move_inquiry

router = APIRouter(prefix="/console/investigations/{dispute}/steps", include_in_schema=False)
WHY = FormField(name="why", says="The reasons, for and against", kind="words")
STEPS: Mapping[str, MoveForm] = MappingProxyType(
    {
        step.event: step
        for step in (
            MoveForm(
                event="do_check",
                title="Have a check made",
                button="Ask for the check",
                done="step",
                fields=(FormField(name="check", says="Which check of the last ranking", kind="choice"),),
            ),
            MoveForm(
                event="result",
                title="Write down what the check has shown",
                button="Write it down",
                done="step",
                fields=(
                    FormField(
                        name="found",
                        says="Did it show something?",
                        kind="choice",
                        options=(("yes", "yes, something was found"), ("no", "no, nothing was found")),
                    ),
                    FormField(name="words", says="What was seen", kind="words"),
                ),
            ),
            MoveForm(
                event="conclude",
                title="Conclude",
                button="Conclude, and tell the customer",
                done="step",
                fields=(
                    FormField(name="finding", says="What was found, in words that the customer reads", kind="words"),
                    WHY,
                    FormField(name="probability", says="How likely that is, in percent", kind="percent"),
                    FormField(name="low", says="Not less likely than, in percent", kind="percent"),
                    FormField(name="high", says="Not likelier than, in percent", kind="percent"),
                ),
            ),
            MoveForm(
                event="nothing_found",
                title="End it without an answer",
                button="End it, and tell the customer",
                done="step",
                fields=(WHY,),
            ),
            MoveForm(
                event="file_fix",
                title="Write down what is mended for good",
                button="Write it down, and tell the customer",
                done="step",
                fields=(
                    FormField(name="fix", says="What changes, in words that the customer reads", kind="words"),
                    FormField(name="owner", says="Whose process it is"),
                    FormField(name="due", says="By which day", kind="day"),
                ),
            ),
            MoveForm(
                event="reopen",
                title="Look at the chain again",
                button="Go on, and tell the customer",
                done="step",
                fields=(FormField(name="why", says="What is new", kind="words"),),
            ),
        )
    }
)


@router.get("")
def read(dispute: str, visit: Decider) -> Response:
    """The page."""
    return _page(visit, dispute, Sent())


@router.post("/{event}")
async def take(dispute: str, event: str, visit: Decider, request: Request) -> Response:
    """Take a step; one that is refused comes back as it was sent."""
    form = await read_form(request)
    typed = {name: text.replace("\r\n", "\n") for name, text in form.items() if isinstance(text, str)}
    return await run_in_threadpool(_take, visit, dispute, event, typed)


def _take(visit: Visit, dispute: str, event: str, typed: Mapping[str, str]) -> Response:
    chosen = STEPS.get(event)
    if chosen is None:
        raise NotFound("step", f"there is no step {event!r}", fix="Use the buttons of the investigation's page.")
    given = {field.name: typed.get(field.name, "") for field in chosen.fields}
    try:
        check(given, {field.name: field.most for field in chosen.fields}, needed=tuple(given))
        said = read_fields(chosen.fields, given)
        found = {"found": said["found"] == "yes"} if "found" in said else {}
        doors.take(dispute, StepIn(event=event, **{**said, **found}), visit.parts, visit.caller)
    except Trouble as trouble:
        return _page(visit, dispute, Sent(form=event, given=given, trouble=trouble))
    return see(f"/console/investigations/{dispute}/steps", done=chosen.done)


def _page(visit: Visit, dispute: str, sent: Sent) -> Response:
    with visit.parts.house.read() as session:
        view = doors.inquiry_view(session, dispute)
        file = case_book.read(session, dispute)
        listed = listed_checks(inquiry_book.read(session, dispute))
    checks = tuple((each.check, each.title) for each in listed)
    steps = [_open(row, visit.caller.role, checks) for row in move_inquiry.possible(view["state"])]
    if sent.form:
        sent = as_shown(sent, STEPS[sent.form], steps, state=view["state"])
    return visit.page("inquiry.html", view=view, file=file, steps=steps, sent=sent)


def _open(row: Transition[InquiryState], role: str, checks: tuple[tuple[str, str], ...]) -> OpenMove:
    move = STEPS[row.event]
    fields = tuple(replace(field, options=checks) if field.name == "check" else field for field in move.fields)
    return OpenMove(move=move, refusal="" if role in row.who else whose(move.title, _people(row)), fields=fields)


def _people(row: Transition[InquiryState]) -> tuple[CaseRole, ...]:
    return tuple(role for role in row.who if role in words.ROLES)
