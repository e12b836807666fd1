"""The list of a week's overturned answers, by the place where the case was reported."""

from dataclasses import dataclass

from sqlmodel import Session

from custody.disputes.civil import add_days, day_starts_ms
from custody.disputes.overturned import Answer, Week, overturned, place_of
from custody.kernel.clock import Instant
from custody.store.overturned_book import answered_between


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class OverturnedAnswer:
    """One answer that was overturned. `place` is how its case came in, of `PLACES`."""

    place: str
    at_ms: Instant
    dispute: str
    answer: Answer
    order_ref: str | None


def overturned_in(session: Session, week: Week) -> list[OverturnedAnswer]:
    """The answers that were overturned in a week, by place and then by time."""
    from_ms, until_ms = day_starts_ms(week.monday), day_starts_ms(add_days(week.monday, 7))
    return sorted(
        OverturnedAnswer(
            place=place_of(case.channel),
            at_ms=each.at_ms,
            dispute=case.dispute,
            answer=each.answer,
            order_ref=case.order_ref,
        )
        for case in answered_between(session, from_ms, until_ms)
        for each in overturned(case.lines)
        if from_ms <= each.at_ms < until_ms
    )
