"""The ways out of a case: of the kind of problem that it is, and of every order that it holds; none is lost unsaid.

- The days of a way do not depend on the kind. One that the customer was told of keeps its own: those of a letter, of
  what was learned of the order, of a report that was joined in. How to put it is said by the kind.
- What the kind has and the case had not is added. What the kind has not is taken out, unless a letter for the scheme
  has left, or a report that was joined in had it.
- A letter, and days that are learned of the order, count the ways of each report that the case holds by its own kind
  and order anew: of two to one body the one with the earlier last day, while it is open, stays.
- A letter is for the first way that is open; where all are over it says so.
- Of the scheme the letter's days count. A second letter gives no later day than the first, in whichever report that
  one left, and names no scheme whose day was over: legal clocks never start anew.
"""

from dataclasses import replace
from datetime import date

from sqlmodel import Session

from custody.disputes import civil
from custody.disputes.line import LineKind
from custody.disputes.messages import Message, say
from custody.disputes.opening import way_out
from custody.disputes.policy import DEFAULT_POLICY, CaseworkPolicy
from custody.disputes.recourse import Recourse, Way, first_independent, join_ways, of_kind, recourse
from custody.store import case_book
from custody.store.case_book import CaseFile
from custody.store.unit import Unit

WaysOut = tuple[Recourse, ...]

LETTERS: frozenset[LineKind] = frozenset({"adr_open", "declined", "letter"})
"""The lines of a timeline with which a letter for the independent scheme left."""


def ways_of_kind(unit: Unit, file: CaseFile, kind: str, *, policy: CaseworkPolicy) -> tuple[WaysOut, list[Message]]:
    """The ways out of a case once it is of this kind, and what its customer is told if the first one is another now."""
    today = civil.civil_date(unit.now_ms)
    first_word = civil.civil_date(file.case.first_word_ms)
    now = recourse(kind, file.order, first_word=first_word, today=today, policy=policy)
    ways = of_kind(kind, file.recourse, now=now, stay=_under_way(unit, file))
    before, after = first_independent(file.recourse), first_independent(ways)
    same = before is not None and after is not None and before.way is after.way
    return ways, [] if same else way_out(ways, now_ms=unit.now_ms)


def ways_of_days(unit: Unit, file: CaseFile, *, policy: CaseworkPolicy) -> WaysOut:
    """The ways out with the days that the order has now; the scheme's own count from the letter."""
    now = _of_each_report(_held(unit.session, file), today=civil.civil_date(unit.now_ms), policy=policy)
    scheme = (way for way in file.recourse if way.way is Way.SCHEME)
    return (*scheme, *(way for way in now if way.way is not Way.SCHEME))


def with_letter(unit: Unit, file: CaseFile) -> tuple[CaseFile, Recourse]:
    """The file with its ways out counted from a letter of today, and the one that the letter is for."""
    today = civil.civil_date(unit.now_ms)
    held = _held(unit.session, file)
    ways = _of_each_report(held, today=today, policy=DEFAULT_POLICY, letter=today)
    if any(letter_left(unit.session, one) for one in held):
        told = [way for way in file.recourse if way.way is Way.SCHEME and today <= way.last_day]
        ways = join_ways(told, (way for way in ways if told or way.way is not Way.SCHEME))
    there = [way for way in ways if way.independent and way.opens <= today]
    return replace(file, recourse=ways), first_independent(there) or there[0]


def said_of_letter(key: str, way: Recourse) -> Message:
    """What is said of a letter for a way, by this key; or that the last day of the way has passed."""
    return say(key if way.still_open else "case.letter_over", body=way.body, last_day=civil.day_in_words(way.last_day))


def letter_left(session: Session, file: CaseFile) -> bool:
    """Whether a letter for the independent scheme has left in a case."""
    return any(line.kind in LETTERS for line in case_book.timeline(session, file.case.id))


def _held(session: Session, file: CaseFile) -> list[CaseFile]:
    """A case and the reports that were joined into it, each with what is known now of its order."""
    joined = [case_book.read(session, name) for name in case_book.joined_into(session, file.case.id)]
    order = file.case.order_ref
    return [file, *(replace(one, order=file.order) if order and one.case.order_ref == order else one for one in joined)]


def _of_each_report(
    held: list[CaseFile], *, today: date, policy: CaseworkPolicy, letter: date | None = None
) -> WaysOut:
    ways: WaysOut = ()
    for one in held:
        kind, first_word = one.case.claim_type, civil.civil_date(one.case.first_word_ms)
        now = recourse(kind, one.order, first_word=first_word, today=today, policy=policy, letter=letter)
        ways = join_ways(ways, now)
    return ways


def _under_way(unit: Unit, file: CaseFile) -> set[Way]:
    joined = case_book.joined_into(unit.session, file.case.id)
    stay = {way.way for case in joined for way in case_book.read(unit.session, case).recourse}
    return stay | ({Way.SCHEME} if letter_left(unit.session, file) else set())
