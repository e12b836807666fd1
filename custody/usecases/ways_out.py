"""The ways out of a case whose kind of problem is agreed on or put right: those of that kind, and what is under way.

- The days of a way do not depend on the kind. One that the customer was told of keeps its own: those of a letter, of
  what was learned of the order, of a report that was joined in. How to put it is said by the kind.
- What the kind has and the case had not is added. What the kind has not is taken out, unless a letter for the scheme
  has left, or a report that was joined in had it.
"""

from custody.disputes import civil
from custody.disputes.messages import Message
from custody.disputes.opening import way_out
from custody.disputes.policy import Policy
from custody.disputes.recourse import Recourse, Way, first_independent, of_kind, recourse
from custody.store import case_book
from custody.store.case_book import CaseFile
from custody.store.unit import Unit
from custody.usecases.move_scheme import letter_left

Ways = tuple[Recourse, ...]


def ways_of_kind(unit: Unit, file: CaseFile, kind: str, *, policy: Policy) -> tuple[Ways, list[Message]]:
    """The ways out of a case once it is of this kind, and what its customer is told if the first one is another now."""
    today = civil.civil_date(unit.now_ms)
    first_word = civil.civil_date(file.case.first_word_ms)
    now = recourse(kind, file.order, first_word=first_word, today=today, policy=policy)
    ways = of_kind(kind, file.recourse, now=now, stay=_under_way(unit, file))
    before, after = first_independent(file.recourse), first_independent(ways)
    same = before is not None and after is not None and before.way is after.way
    return ways, [] if same else way_out(ways, now_ms=unit.now_ms)


def _under_way(unit: Unit, file: CaseFile) -> set[Way]:
    joined = case_book.joined_into(unit.session, file.case.id)
    stay = {way.way for case in joined for way in case_book.read(unit.session, case).recourse}
    return stay | ({Way.SCHEME} if letter_left(unit.session, file) else set())
