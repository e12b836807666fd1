"""Lessons whose owner works here no more, or keeps the rules no more: each goes to another supervisor at once."""

from sqlmodel import Session

from api.people import persons
from custody.kernel.clock import Instant
from custody.store import lesson_book
from custody.store.unit import Unit
from custody.usecases.learn_lesson import hand_on


def is_lesson_alone(session: Session, *, now_ms: Instant) -> bool:
    """Whether there is one; nobody waits for who asks."""
    return bool(lessons_alone(session, now_ms=now_ms, limit=1))


def lessons_alone(session: Session, *, now_ms: Instant, limit: int = 200) -> list[str]:  # noqa: ARG001 - as all rounds are asked
    """Those that would be handed on now."""
    return lesson_book.alone(session, persons.rule_keepers(session), limit=limit)


def hand_on_lessons(unit: Unit, *, only: str | None = None) -> int:
    """Give every one, or `only` this one, to another owner; how many there were."""
    names = [name for name in lessons_alone(unit.session, now_ms=unit.now_ms) if only in {None, name}]
    keepers, people = persons.rule_keepers(unit.session), persons.supervisors(unit.session)
    return sum(hand_on(unit, name, keepers=keepers, people=people) for name in names)
