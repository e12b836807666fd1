"""Lessons whose days are over and of which nobody wrote down what was changed: people are told of each, once."""

from sqlmodel import Session

from custody.kernel.clock import Instant
from custody.store.unit import Unit
from devicelock.case_store import lessons_without_alert
from devicelock.rules.alert_kind import AlertKind
from devicelock.usecases.alert import raise_alert


def is_lesson_late(session: Session, *, now_ms: Instant) -> bool:
    """Whether people are to be told of one; nobody waits for who asks."""
    return bool(late_lessons(session, now_ms=now_ms, limit=1))


def late_lessons(session: Session, *, now_ms: Instant, limit: int = 200) -> list[str]:
    """Those of which they would be told now."""
    rows = lessons_without_alert(session, AlertKind.LESSON_OVERDUE, before_ms=now_ms, limit=limit)
    return [row.id for row in rows]


def tell_of_lessons(unit: Unit, *, only: str | None = None) -> int:
    """Raise an alert for every one, or `only` for this one; how many were raised."""
    unit.log.claim()  # as `raise_alert`: another process may be telling of them
    rows = lessons_without_alert(unit.session, AlertKind.LESSON_OVERDUE, before_ms=unit.now_ms, limit=200)
    told = [row for row in rows if only in {None, row.id}]
    for row in told:
        detail = f"What is to be learned from {row.dispute} is not written down, and its time is over."
        raise_alert(unit, AlertKind.LESSON_OVERDUE, about=row.id, detail=detail)
    return len(told)
