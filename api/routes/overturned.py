"""The week's list of answers that were overturned, by place: what a place can learn from, and nobody's record."""

from itertools import groupby
from typing import Annotated, Any

from fastapi import APIRouter, Depends

from api.parts import Parts, parts_of
from api.people.accounts import Caller
from api.people.auth import role
from custody.disputes.civil import civil_date
from custody.disputes.overturned import read_week, week_of
from custody.kernel.clock import to_iso
from custody.usecases.overturned_answers import overturned_in

router = APIRouter(prefix="/v1/overturned", tags=["disputes"])
P = Annotated[Parts, Depends(parts_of)]


@router.get("")
def listing(
    parts: P, _caller: Annotated[Caller, Depends(role("supervisor"))], week: str | None = None
) -> dict[str, Any]:
    """Answers of ours that were overturned in a week, written as 2026-W49; in this one without.

    `answer`: a `kind` that another one of us changed; `decline_proposed`, that a second person did not allow;
    `declined`, which we took back; our `last_word`, where the customer took what the scheme decided instead; `told`,
    which was rebutted. `place` is how the case came in, `elsewhere` for what is none of our words. No person is named.
    `later` is null in the week that it is now.
    """
    return read_week_list(parts, week)


def read_week_list(parts: Parts, week: str | None) -> dict[str, Any]:
    """The list of a week; raises `Rejected("week")`."""
    now = week_of(civil_date(parts.clock.now_ms()))
    asked = now if week is None else read_week(week)
    with parts.house.read() as session:
        found = overturned_in(session, asked)
    return {
        "week": str(asked),
        "from": asked.monday.isoformat(),
        "until": asked.sunday.isoformat(),
        "earlier": str(asked.beside(-1)),
        "later": str(asked.beside(1)) if asked < now else None,
        "places": [
            {
                "place": place,
                "answers": [
                    {
                        "dispute": one.dispute,
                        "order": one.order_ref,
                        "answer": str(one.answer),
                        "at": to_iso(one.at_ms),
                    }
                    for one in answers
                ],
            }
            for place, answers in groupby(found, key=lambda one: one.place)
        ],
    }
