"""What the house learns from its own answers: opened with an owner and a day, learned once a change is written down.

It always has an owner who works here: another one, once its own keeps the rules no more.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from sqlmodel import Session

from custody.disputes.case_guards import reasons
from custody.disputes.lesson import LESSON, Lesson, LessonKind, open_lesson
from custody.disputes.machine import CaseRole, step
from custody.disputes.policy import CaseworkPolicy
from custody.store import case_book, lesson_book
from custody.store.unit import Unit

Keepers = Callable[[Session], Sequence[str]]
"""Who keeps the rules, and may own a lesson."""


def open_one(
    unit: Unit, dispute: str, kind: LessonKind, *, says: str, people: Sequence[str], policy: CaseworkPolicy
) -> Lesson:
    """Open a lesson for whoever of these people has the fewest."""
    owner = _least_busy(unit.session, people)
    name = unit.ids.new("lesson")
    lesson = open_lesson(kind, name=name, case_id=dispute, says=says, owner=owner, now_ms=unit.now_ms, policy=policy)
    lesson_book.put(unit, lesson)
    return lesson


def hand_on(unit: Unit, name: str, *, keepers: Collection[str], people: Sequence[str]) -> bool:
    """Give an open lesson whose owner is none of the keepers to one of these people; whether it was one."""
    lesson = lesson_book.hold_one(unit, name)
    if lesson.learned_ms is not None or lesson.owner in keepers:
        return False
    moved = replace(lesson, owner=_least_busy(unit.session, people))
    lesson_book.put(unit, moved)
    facts = {"lesson": name, "owner": moved.owner, "before": lesson.owner}
    case_book.note(unit, lesson.case_id, "lesson_handed_on", actor="system", facts=facts)
    return True


def learn(unit: Unit, name: str, *, change: str, actor: str, role: CaseRole) -> Lesson:
    """Write down what was changed for good; the same said again is written down already."""
    lesson = lesson_book.hold_one(unit, name)
    if lesson.learned_ms is not None and lesson.change == change.strip():
        return lesson
    state = step(LESSON, lesson.state, "learn", role, {"change_written": reasons(change)}).target
    learned = replace(lesson, state=state, change=change.strip(), learned_ms=unit.now_ms)
    lesson_book.put(unit, learned)
    case_book.note(unit, lesson.case_id, "lesson_learned", actor=actor, facts={"lesson": name, "why": learned.change})
    return learned


def _least_busy(session: Session, people: Sequence[str]) -> str:
    counts = lesson_book.open_count_of(session, people)
    return min(people, key=lambda name: (counts.get(name, 0), name))
