"""Promises that were missed and are not kept within the time of the policy either: supervisors are told of each, once.

The time counts from the moment that was promised, so that a service that was down loses none of it. A customer whose
promise was missed was told before, in the unit that wrote the miss down (`custody/usecases/sweep_promises.py`).
"""

from collections.abc import Sequence

from sqlmodel import Session

from custody.disputes.civil import civil_date
from custody.disputes.policy import DEFAULT_POLICY, CaseworkPolicy
from custody.kernel.clock import MINUTE_MS, SECOND_MS, Instant
from custody.store import case_book
from custody.store.tables import PromiseRow
from custody.store.unit import Unit
from devicelock.case_store import misses_without_alert
from devicelock.rules.alert_kind import AlertKind
from devicelock.usecases.alert import raise_alert


def is_miss_untold(session: Session, *, now_ms: Instant, policy: CaseworkPolicy = DEFAULT_POLICY) -> bool:
    """Whether supervisors are to be told of one; nobody waits for who asks."""
    return bool(_untold(session, now_ms=now_ms, policy=policy, limit=1))


def untold_misses(
    session: Session, *, now_ms: Instant, policy: CaseworkPolicy = DEFAULT_POLICY, limit: int = 200
) -> list[str]:
    """The promises of which supervisors would be told now."""
    return [row.id for row in _untold(session, now_ms=now_ms, policy=policy, limit=limit)]


def tell_of_misses(unit: Unit, *, only: str | None = None, policy: CaseworkPolicy = DEFAULT_POLICY) -> int:
    """Raise an alert for every one, or `only` for this one; how many were raised.

    Their cases are held, and then it is asked again: another process may have told of one, or somebody kept it.
    """
    found = _untold(unit.session, now_ms=unit.now_ms, policy=policy, limit=200)
    case_book.claim(unit, {row.dispute for row in found})
    rows = _untold(unit.session, now_ms=unit.now_ms, policy=policy, limit=200)
    named = {row.id for row in found if only in {None, row.id}}
    told = [row for row in rows if row.id in named]
    for row in told:
        detail = f"A promise in {row.dispute} was missed, and is not kept yet. Its customer was told."
        raise_alert(unit, AlertKind.PROMISE_MISSED, about=row.id, detail=detail)
    return len(told)


def _untold(session: Session, *, now_ms: Instant, policy: CaseworkPolicy, limit: int) -> Sequence[PromiseRow]:
    """Those that are still to be kept and of which no alert was ever raised, the longest overdue first."""
    minutes = policy.count("missed_escalate_minutes", civil_date(now_ms))
    until_ms = now_ms - SECOND_MS - minutes * MINUTE_MS
    return misses_without_alert(session, AlertKind.PROMISE_MISSED, until_ms=until_ms, limit=limit)
