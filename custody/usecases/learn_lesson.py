"""What the house learns from its own answers: opened with an owner and a day, learned once a change is written down."""

from collections.abc import Callable, Sequence
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
    counts = lesson_book.open_count_of(unit.session, people)
    owner = min(people, key=lambda name: (counts.get(name, 0), name))
    name = unit.ids.new("lesson")
    lesson = open_lesson(kind, name=name, case_id=dispute, says=says, owner=owner, now_ms=unit.now_ms, policy=policy)
    lesson_book.put(unit, lesson)
    return lesson


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
