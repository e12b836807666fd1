"""The page of an investigation's steps: what was done so far, and what can be done now.

Each form is an event of `POST /v1/investigations/{dispute}/events`. What follows the ranking is an investigator's; what
is mended for good, and opening again, are a supervisor's too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from api.pages import words
from api.pages.case_moves import read_day
from api.pages.move_forms import Field
from api.pages.render import see
from api.pages.sent_form import Sent, check
from api.pages.visit import Decider, Visit
from api.parts import Parts
from api.routes import inquiry_steps as doors
from api.routes.inquiry_steps import StepIn
from api.sendable_text import read_form
from custody.kernel.errors import NotFound, Rejected, Trouble
from custody.store import case_book
from custody.usecases import investigate, move_inquiry

router = APIRouter(prefix="/console/investigations/{dispute}/steps", include_in_schema=False)
PERCENT = ("probability", "low", "high")


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A step as a form; `refusal` says whose step it is, if it is not this person's."""

    event: str
    title: str
    button: str
    fields: tuple[Field, ...]
    refusal: str = ""


WHY = Field(name="why", says="The reasons, for and against", kind="words")
FORMS: Mapping[str, Form] = MappingProxyType(
    {
        form.event: form
        for form in (
            Form(
                event="do_check",
                title="Have a check made",
                button="Ask for the check",
                fields=(Field(name="check", says="Which check of the last ranking", kind="choice"),),
            ),
            Form(
                event="result",
                title="Write down what the check has shown",
                button="Write it down",
                fields=(
                    Field(
                        name="found",
                        says="Did it show something?",
                        kind="choice",
                        options=(("yes", "yes, something was found"), ("no", "no, nothing was found")),
                    ),
                    Field(name="words", says="What was seen", kind="words"),
                ),
            ),
            Form(
                event="conclude",
                title="Conclude",
                button="Conclude, and tell the customer",
                fields=(
                    Field(name="finding", says="What was found, in words that the customer reads", kind="words"),
                    WHY,
                    Field(name="probability", says="How likely that is, in percent"),
                    Field(name="low", says="Not less likely than, in percent"),
                    Field(name="high", says="Not likelier than, in percent"),
                ),
            ),
            Form(
                event="nothing_found",
                title="End it without an answer",
                button="End it, and tell the customer",
                fields=(WHY,),
            ),
            Form(
                event="file_fix",
                title="Write down what is mended for good",
                button="Write it down, and tell the customer",
                fields=(
                    Field(name="fix", says="What changes, in words that the customer reads", kind="words"),
                    Field(name="owner", says="Whose process it is"),
                    Field(name="due", says="By which day", kind="day"),
                ),
            ),
            Form(
                event="reopen",
                title="Look at the chain again",
                button="Go on, and tell the customer",
                fields=(Field(name="why", says="What is new", kind="words"),),
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
    chosen = FORMS.get(event)
    if chosen is None:
        raise NotFound("step", f"there is no step {event!r}", fix="Use the buttons of the investigation's page.")
    given = {field.name: typed.get(field.name, "") for field in chosen.fields}
    try:
        check(given, {field.name: field.most for field in chosen.fields}, needed=tuple(given))
        doors.take(dispute, _body_of(event, given), visit.parts, visit.caller)
    except Trouble as trouble:
        return _page(visit, dispute, Sent(form=event, given=given, trouble=trouble))
    return see(f"/console/investigations/{dispute}/steps", done="step")


def _page(visit: Visit, dispute: str, sent: Sent) -> Response:
    with visit.parts.house.read() as session:
        view = doors.inquiry_view(session, dispute)
        file = case_book.read(session, dispute)
    forms = [_form(visit.parts, visit.caller.role, view, event) for event in view["possible"]]
    return visit.page("inquiry.html", view=view, file=file, forms=forms, sent=sent)


def _form(parts: Parts, role: str, view: Mapping[str, Any], event: str) -> Form:
    form = FORMS[event]
    row = next(row for row in move_inquiry.possible(view["state"]) if row.event == event)
    fields, refusal = form.fields, ""
    if role not in row.who:
        whose = " or ".join(words.worded(words.ROLES, each).lower() for each in row.who if each in words.ROLES)
        refusal = f"{form.title}: this takes somebody in the role {whose}."
    if event == "do_check":
        with parts.house.read() as session:
            ranked = investigate.recorded(session, view["dispute"]) or {"checks": ()}
        options = tuple((each["check"], each["title"]) for each in ranked["checks"])
        fields = (Field(name="check", says=form.fields[0].says, kind="choice", options=options),)
    return Form(event=event, title=form.title, button=form.button, fields=fields, refusal=refusal)


def _body_of(event: str, given: Mapping[str, str]) -> StepIn:
    sent: dict[str, Any] = {name: text.strip() for name, text in given.items()}
    sent |= {name: _share(name, sent[name]) for name in PERCENT if name in sent}
    if "found" in sent:
        sent["found"] = sent["found"] == "yes"
    if "due" in sent:
        sent["due"] = read_day("due", sent["due"])
    return StepIn(event=event, **sent)


def _share(name: str, text: str) -> float:
    try:
        return round(float(text.removesuffix("%")) / 100, 6)
    except ValueError as error:
        raise Rejected(name, "one share is not in percent", fix="Write it as 86 or 86.5.") from error
