"""What was asked for beyond the rules and is not answered within the hours of the policy: it rings, and passes on.

Each time it has another approver, if there is another, and rings again once these have let the hours pass too. The
customer is told the first time, in the unit that passes it on (`custody/usecases/allow_exception.py`).
"""

from sqlmodel import Session

from api.exception_alerts import tell_approver
from api.people import persons
from custody.disputes.policy import DEFAULT_POLICY, CaseworkPolicy
from custody.kernel.clock import Instant
from custody.store import case_book, exception_book
from custody.store.unit import Unit
from custody.usecases.allow_exception import pass_on_late


def is_exception_late(session: Session, *, now_ms: Instant) -> bool:
    """Whether one is to be passed on; nobody waits for who asks."""
    return bool(exception_book.unanswered(session, now_ms=now_ms, limit=1))


def late_exceptions(session: Session, *, now_ms: Instant, limit: int = 200) -> list[str]:
    """Those that would be passed on now."""
    return [late.id for late in exception_book.unanswered(session, now_ms=now_ms, limit=limit)]


def pass_on_exceptions(unit: Unit, *, only: str | None = None, policy: CaseworkPolicy = DEFAULT_POLICY) -> int:
    """Ring for every one and give it to another approver, or `only` this one; how many there were.

    Their cases are held, and then it is asked again: somebody may have answered, or another process passed one on.
    """
    found = exception_book.unanswered(unit.session, now_ms=unit.now_ms, limit=200)
    case_book.claim(unit, {late.case_id for late in found})
    done = 0
    for late in found:
        if only in {None, late.id} and pass_on_late(
            unit, late, approvers=persons.approvers, tell=tell_approver, policy=policy
        ):
            done += 1
    return done
