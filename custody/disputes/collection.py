"""A free collection of the wrong thing at the customer's door: on which day, in which hours, and the promise of it.

- It comes with the offer of every kind of problem in which a wrong thing lies with the customer (`remedy.Extra`).
  Nobody has to take it, and no remedy waits for it.
- It is booked for a working day ahead, within some days, and for some hours of it. It is due when these end.
- A case has one at a time: another time takes the place of the one before it.
- It goes on when the customer says that all is put right, and ends with a report that is taken back.
"""

from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from types import MappingProxyType

from custody.disputes import civil
from custody.disputes.policy import CaseworkPolicy
from custody.disputes.promise import A_COLLECTION, Promise, make_promise
from custody.disputes.remedy import Extra, RemedyOffer
from custody.kernel.clock import Instant
from custody.kernel.errors import Conflict, Rejected

DAYS_AHEAD = 14


class CollectionWindow(StrEnum):
    """The hours that a customer can choose."""

    MORNING = "morning"
    AFTERNOON = "afternoon"
    EVENING = "evening"


HOURS = MappingProxyType(
    {
        CollectionWindow.MORNING: (time(8), time(12)),
        CollectionWindow.AFTERNOON: (time(12), time(17)),
        CollectionWindow.EVENING: (time(17), time(20)),
    }
)
"""From when until when, in UK time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionTime:
    """The day and the hours of a collection."""

    day: date
    window: CollectionWindow

    @property
    def due_ms(self) -> Instant:
        """When its hours end."""
        return int(datetime.combine(self.day, HOURS[self.window][1], civil.LONDON).timestamp() * 1000)

    @property
    def method(self) -> str:
        """By which way it is done."""
        return f"at your door {between(self.window)}"


def between(window: CollectionWindow) -> str:
    """The hours as a customer reads them."""
    starts, ends = HOURS[window]
    return f"between {starts:%H:%M} and {ends:%H:%M}"


def collection_days(today: date) -> tuple[date, ...]:
    """The days on which it can be collected."""
    days = (civil.add_days(today, ahead) for ahead in range(1, DAYS_AHEAD + 1))
    return tuple(filter(civil.is_working_day, days))


def comes_with(offer: RemedyOffer | None) -> bool:
    """Whether a free collection comes with what is offered."""
    return offer is not None and Extra.COLLECTED_FREE in offer.extras


def as_collection(*, day: date, window: str, today: date) -> CollectionTime:
    """The time that was chosen; raises `Rejected` for a day or hours that cannot be had."""
    if window not in set(CollectionWindow):
        raise Rejected("window", "these are not hours of ours", fix=f"Choose one of {', '.join(CollectionWindow)}.")
    days = collection_days(today)
    if day not in days:
        fix = f"Choose a working day from {civil.day_in_words(days[0])} to {civil.day_in_words(days[-1])}."
        raise Rejected("collect_on", "we do not collect on that day", fix=fix)
    return CollectionTime(day=day, window=CollectionWindow(window))


def check_offered(offer: RemedyOffer | None) -> None:
    """Return if a free collection can be booked; raises `Conflict("no_collection")`."""
    if not comes_with(offer):
        raise Conflict(
            "no_collection", "there is nothing here to collect", fix="Agree first on what kind of problem it is."
        )


def promise_collection(
    booked: CollectionTime, *, promise_id: str, case_id: str, owner: str, now_ms: Instant, policy: CaseworkPolicy
) -> Promise:
    """The promise of it."""
    return make_promise(
        promise_id=promise_id,
        case_id=case_id,
        what=A_COLLECTION,
        due_ms=booked.due_ms,
        method=booked.method,
        owner=owner,
        now_ms=now_ms,
        policy=policy,
    )


def is_booked(promise: Promise, booked: CollectionTime) -> bool:
    """Whether this promise is of that very collection."""
    return (promise.what, promise.due_ms, promise.method) == (A_COLLECTION, booked.due_ms, booked.method)
