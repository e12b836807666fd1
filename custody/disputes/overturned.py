"""Answers of the front line that were overturned: what each case's timeline shows of them, so that places can learn.

- A kind of problem that one of us set and another one changed; a decline that a second person did not allow; a decline
  that we took back; what an independent scheme decided and the customer took; what somebody else was told by one of us
  and was rebutted.
- Who corrects their own answer overturns nothing, and neither does who puts the customer's own word right.
- It is about answers: nobody is named, counted or compared. A place is one of a few words.
- A week begins on Monday (ISO 8601), in London.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from custody.disputes.line import LineKind
from custody.kernel.clock import Instant
from custody.kernel.errors import Rejected

WEEK = re.compile(r"(\d{4})-W(\d{2})", re.ASCII)
YEARS = range(2000, 3000)
REPORTED: Final = "opened"
OFFERED: Final = "offered"
CUSTOMER = "customer"


class Answer(StrEnum):
    """What was overturned."""

    KIND = "kind"
    DECLINE_PROPOSED = "decline_proposed"
    DECLINED = "declined"
    LAST_WORD = "last_word"
    TOLD = "told"


OVERTURNED_BY: Mapping[LineKind, Answer] = MappingProxyType(
    {
        "heard_accepted": Answer.DECLINE_PROPOSED,
        "mind_changed": Answer.DECLINED,
        "decision_accepted": Answer.LAST_WORD,
        "told_rebutted": Answer.TOLD,
    }
)
"""The lines of a timeline that overturn an answer, each by itself."""

ELSEWHERE = "elsewhere"
PLACES = ("web", "phone", "shop", "chat", "letter", "erased", ELSEWHERE)
"""Where answers are given: the channels on which cases come in. Any other is not told: its words may name somebody."""

A_DECLINE: Final = "declined"
UNDOES_A_DECLINE: frozenset[LineKind] = frozenset({"mind_changed", "decision_accepted"})
"""The line of a decline, and those after which it stands no more: we took it back, or the scheme decided otherwise."""


def place_of(channel: str) -> str:
    """The place that a channel says, which comes with a report as a free text."""
    named = channel.strip().casefold()
    return named if named in PLACES else ELSEWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseLine:
    """A line of a case's timeline; `said_by` is who gave the answer that stands in it."""

    kind: LineKind
    at_ms: Instant
    said_by: str
    claim_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overturned:
    """An answer that was overturned, and when."""

    answer: Answer
    at_ms: Instant


def overturned(lines: Iterable[CaseLine]) -> tuple[Overturned, ...]:
    """What was overturned in a case, by the lines of its timeline in order."""
    found, stands = list[Overturned](), CaseLine(kind=REPORTED, at_ms=0, said_by=CUSTOMER)
    for line in lines:
        if line.kind in OVERTURNED_BY:
            found.append(Overturned(answer=OVERTURNED_BY[line.kind], at_ms=line.at_ms))
        elif line.kind in {REPORTED, OFFERED} and line.claim_type is not None:
            if stands.claim_type not in {None, line.claim_type} and stands.said_by not in {CUSTOMER, line.said_by}:
                found.append(Overturned(answer=Answer.KIND, at_ms=line.at_ms))
            stands = line if line.claim_type != stands.claim_type else stands
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Week:
    """A week from Monday to Sunday, known by its Monday."""

    monday: date

    def __str__(self) -> str:
        """As ISO 8601 writes it: 2026-W49."""
        year, week, _ = self.monday.isocalendar()
        return f"{year:04d}-W{week:02d}"

    @property
    def sunday(self) -> date:
        """Its last day."""
        return self.monday + timedelta(days=6)

    def beside(self, weeks: int) -> "Week":
        """So many weeks later, or earlier."""
        return Week(monday=self.monday + timedelta(weeks=weeks))


def week_of(day: date) -> Week:
    """The week of a day."""
    return Week(monday=day - timedelta(days=day.weekday()))


def read_week(text: str) -> Week:
    """The week of that name; raises `Rejected("week")`."""
    named = WEEK.fullmatch(text)
    year, number = map(int, named.groups()) if named else (0, 0)
    try:
        return Week(monday=date.fromisocalendar(year if year in YEARS else 0, number, 1))
    except ValueError as error:
        raise Rejected("week", f"{text!r} is no week", fix="Write it as 2026-W49.") from error
