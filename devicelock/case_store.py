"""Questions that are asked of cases and of locks or alerts at once; the tables of cases stand in the house below."""

from collections.abc import Sequence

from sqlalchemy import or_, select
from sqlmodel import Session, col

from custody.disputes.inquiry import CONCLUDED
from custody.disputes.lesson import LESSON
from custody.disputes.promise import MISSED
from custody.kernel.clock import Instant
from custody.store.bulk import ask, write_first
from custody.store.lesson_book import LessonRow
from custody.store.owing import is_owed
from custody.store.tables import DisputeRow, InquiryRow, PromiseRow
from devicelock.rules.alert_kind import AlertKind
from devicelock.store import write_new_orders
from devicelock.watch_store import AlertRow

_CASES = (
    "SELECT facts, opened_ms, max(locks) FROM ("
    "SELECT facts, opened_ms, 0 AS locks FROM dispute WHERE order_ref = ? "
    "UNION ALL SELECT facts, opened_ms, 1 FROM dispute WHERE id IN ("
    "SELECT o.dispute FROM lock_order o JOIN device d ON d.device = o.device WHERE d.imei = ?)"
    ") AS about GROUP BY facts, opened_ms ORDER BY opened_ms"
)


def cases_about(session: Session, *, order_ref: str | None, imei: str) -> list[tuple[str, bool]]:
    """The facts of the cases of an order, and of those that a lock of the handset was ordered for, oldest first.

    Each with whether such a lock was.
    """
    write_first(session, DisputeRow)
    write_new_orders(session)
    return [(facts, bool(locks)) for facts, _, locks in ask(session, _CASES, (order_ref, imei))]


def misses_without_alert(session: Session, kind: AlertKind, *, until_ms: Instant, limit: int) -> Sequence[PromiseRow]:
    """Missed promises that were due until then, are still to be kept, and of which no alert of that kind was raised.

    The longest overdue first.
    """
    told = select(col(AlertRow.id)).where(col(AlertRow.about) == col(PromiseRow.id), col(AlertRow.kind) == kind)
    late = (col(PromiseRow.state) == MISSED, is_owed(), col(PromiseRow.due_ms) <= until_ms)
    query = select(PromiseRow).where(*late, ~told.exists())
    return session.scalars(query.order_by(col(PromiseRow.due_ms)).limit(limit)).all()


def conclusions_without_alert(
    session: Session, kind: AlertKind, *, before_ms: Instant, limit: int
) -> Sequence[InquiryRow]:
    """Investigations whose conclusion was told before then, and since when no alert of that kind was raised.

    Nor does an earlier one wait to be seen. The one told first comes first.
    """
    told = select(col(AlertRow.id)).where(
        col(AlertRow.about) == col(InquiryRow.id),
        col(AlertRow.kind) == kind,
        or_(col(AlertRow.seen_ms).is_(None), col(AlertRow.raised_ms) >= col(InquiryRow.told_ms)),
    )
    query = select(InquiryRow).where(
        col(InquiryRow.state) == CONCLUDED, col(InquiryRow.told_ms) < before_ms, ~told.exists()
    )
    return session.scalars(query.order_by(col(InquiryRow.told_ms)).limit(limit)).all()


def lessons_without_alert(session: Session, kind: AlertKind, *, before_ms: Instant, limit: int) -> Sequence[LessonRow]:
    """Open lessons that were due before then, and of which no alert of that kind was ever raised, the oldest first."""
    told = select(col(AlertRow.id)).where(col(AlertRow.about) == col(LessonRow.id), col(AlertRow.kind) == kind)
    late = (col(LessonRow.state) == LESSON.start, col(LessonRow.due_ms) < before_ms)
    query = select(LessonRow).where(*late, ~told.exists())
    return session.scalars(query.order_by(col(LessonRow.due_ms), col(LessonRow.id)).limit(limit)).all()
