"""What waits for somebody who may decide it beyond the rules, and what the house has to learn from its own answers."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from api.http.body import Body, one_of
from api.http.listed import check_state
from api.parts import Parts, parts_of
from api.people.accounts import Caller
from api.people.auth import role
from api.routes.disputes import CASEWORKERS
from api.views import exception_view, lesson_view
from custody.disputes.lesson import LessonKind
from custody.disputes.machine import CaseRole
from custody.store import exception_book, lesson_book
from custody.usecases import learn_lesson

router = APIRouter(prefix="/v1", tags=["disputes"])
P = Annotated[Parts, Depends(parts_of)]
Limit = Annotated[int, Query(ge=1, le=200)]


class LearnedIn(Body):
    """What was changed for good."""

    change: str = Field(min_length=1, max_length=2_000)


@router.get("/exceptions")
def exceptions(
    parts: P,
    _caller: Annotated[Caller, Depends(role(*CASEWORKERS))],
    *,
    answered: bool = False,
    cursor: str | None = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """What was asked for beyond the rules and waits for its answer, newest first; with `answered` what has one.

    `approver`: who is to answer, `answer_by` until when; then it passes to another one. Any supervisor may answer who
    did not ask, with `exception_grant` or `exception_instead`. `next` is the cursor of the next page, null at the end.
    """
    with parts.house.read() as session:
        found = exception_book.listing(session, waiting=not answered, after=cursor, limit=limit + 1)
    onward = found[limit - 1].id if len(found) > limit else None
    return {"exceptions": [exception_view(asked) for asked in found[:limit]], "next": onward}


@router.get("/lessons")
def lessons(
    parts: P,
    _caller: Annotated[Caller, Depends(role(*CASEWORKERS))],
    *,
    kind: Annotated[str, Field(json_schema_extra=one_of(lambda: LessonKind))] | None = None,
    learned: bool = False,
    cursor: str | None = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """What is to be learned from our own answers, newest first; with `learned` what was.

    `kind`: a `gap` in the rules, for whoever keeps them, or `two_answers` to one question. Each has an owner and a day.
    `next` is the cursor of the next page, null at the end.
    """
    check_state(kind, LessonKind)
    with parts.house.read() as session:
        found = lesson_book.listing(session, kind=kind, learned=learned, after=cursor, limit=limit + 1)
    onward = found[limit - 1].id if len(found) > limit else None
    return {"lessons": [lesson_view(lesson) for lesson in found[:limit]], "next": onward}


@router.post("/lessons/{lesson}/learned")
def learned(
    lesson: str, body: LearnedIn, parts: P, caller: Annotated[Caller, Depends(role("supervisor"))]
) -> dict[str, Any]:
    """Write down what was changed for good; the same sent again is answered as done."""
    with parts.house.unit() as unit:
        done = learn_lesson.learn(unit, lesson, change=body.change, actor=caller.account, role=CaseRole(caller.role))
        return lesson_view(done)
