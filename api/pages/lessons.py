"""The supervisors' page of what waits beyond the rules, and of what is to be learned from our own answers."""

from fastapi import APIRouter, Response

from api.pages.render import see
from api.pages.sent_form import WORDS, Sent, Typed, check
from api.pages.visit import Supervisor, Visit
from api.routes import lessons
from api.routes.lessons import LearnedIn
from custody.kernel.errors import Trouble

router = APIRouter(prefix="/console", include_in_schema=False)
PAGE = "/console/lessons"
ROWS = 25


@router.get("/lessons")
def read(visit: Supervisor, after: str | None = None, asked: str | None = None) -> Response:
    """What waits for an answer, and the open lessons, newest first; those `after` one on the pages behind.

    `asked`: the same of what waits.
    """
    return _page(visit, Sent(), after=after, asked=asked)


@router.post("/lessons/{lesson}/learned")
def learned(lesson: str, visit: Supervisor, change: Typed = "") -> Response:
    """Write down what was changed for good."""
    form = f"learned-{lesson}"
    try:
        check({"change": change}, {"change": WORDS}, needed=("change",))
        lessons.learned(lesson, LearnedIn(change=change), visit.parts, visit.caller)
    except Trouble as trouble:
        kept = {"What was changed": change}
        return _page(visit, Sent(form=form, given={"change": change}, trouble=trouble, kept=kept))
    return see(PAGE, done="learned")


def _page(visit: Visit, sent: Sent, *, after: str | None = None, asked: str | None = None) -> Response:
    waiting = lessons.exceptions(visit.parts, visit.caller, cursor=asked, limit=ROWS)
    found = lessons.lessons(visit.parts, visit.caller, cursor=after, limit=ROWS)
    forms = {f"learned-{lesson['lesson']}" for lesson in found["lessons"]}
    shown = sent.on_page(has_form=sent.form in forms)
    return visit.page("lessons.html", waiting=waiting, asked=asked, found=found, after=after, sent=shown, most=WORDS)
