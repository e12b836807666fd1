"""Investigations that were concluded, and nobody wrote down in time what is mended for good: people are told, once.

The time is that of the policy, from the conclusion. One that is opened again and concluded anew has its time anew.
"""

from collections.abc import Sequence

from sqlmodel import Session

from custody.disputes.civil import civil_date
from custody.disputes.policy import DEFAULT_POLICY, CaseworkPolicy
from custody.kernel.clock import DAY_MS, Instant
from custody.store.tables import InquiryRow
from custody.store.unit import Unit
from custody.usecases.move_inquiry import fix_due_ms
from devicelock.case_store import conclusions_without_alert
from devicelock.rules.alert_kind import AlertKind
from devicelock.usecases.alert import raise_alert


def is_fix_late(session: Session, *, now_ms: Instant, policy: CaseworkPolicy = DEFAULT_POLICY) -> bool:
    """Whether people are to be told of one; nobody waits for who asks."""
    return bool(late_fixes(session, now_ms=now_ms, policy=policy))


def late_fixes(
    session: Session, *, now_ms: Instant, policy: CaseworkPolicy = DEFAULT_POLICY, limit: int = 200
) -> list[str]:
    """The investigations of which people would be told now."""
    return [row.id for row in _late(session, now_ms=now_ms, policy=policy, limit=limit)]


def tell_of_late_fixes(unit: Unit, *, only: str | None = None, policy: CaseworkPolicy = DEFAULT_POLICY) -> int:
    """Raise an alert for every one, or `only` for this one; how many were raised."""
    unit.log.claim()  # as `raise_alert`: another process may be telling of them
    rows = [row for row in _late(unit.session, now_ms=unit.now_ms, policy=policy, limit=200) if only in {None, row.id}]
    for row in rows:
        detail = (
            f"The investigation of {row.dispute} is concluded, and its time to write down what is mended for good "
            "is over."
        )
        raise_alert(unit, AlertKind.FIX_OVERDUE, about=row.id, detail=detail)
    return len(rows)


def _late(session: Session, *, now_ms: Instant, policy: CaseworkPolicy, limit: int) -> Sequence[InquiryRow]:
    """Those of which no alert waits to be seen, or was raised since their customer was told of the conclusion."""
    before_ms = now_ms - policy.count("learning_days", civil_date(now_ms)) * DAY_MS
    rows = conclusions_without_alert(session, AlertKind.FIX_OVERDUE, before_ms=before_ms, limit=limit)
    return [row for row in rows if (fix_due_ms(session, row.dispute, policy=policy) or now_ms) < now_ms]
