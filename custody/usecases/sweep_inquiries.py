"""Investigations of which the customer has heard nothing for the days of the policy: they are told how far it is.

They were promised to hear from us at least so often (`investigation.opened`). What is said follows from the state alone
and names no person and no place. A case that has ended is told nothing; opened again, it is told in its turn.
"""

from collections.abc import Mapping
from types import MappingProxyType

from sqlmodel import Session

from custody.disputes.case import CASE
from custody.disputes.civil import civil_date
from custody.disputes.inquiry import InquiryState
from custody.disputes.messages import say
from custody.disputes.policy import DEFAULT_POLICY, CaseworkPolicy
from custody.kernel.clock import DAY_MS, Instant
from custody.store import case_book, inquiry_book
from custody.store.unit import Unit

NEWS: Mapping[InquiryState, str] = MappingProxyType(
    {
        "open": "It waits for its turn here, and we are sorry.",
        "gathering": "We gather what was written down on its way.",
        "ranked": "We know better where to look, and we check it.",
        "checking": "We wait for what a check will show.",
    }
)
"""How far an investigation is, by its state."""


def is_inquiry_quiet(session: Session, *, now_ms: Instant, policy: CaseworkPolicy = DEFAULT_POLICY) -> bool:
    """Whether a customer is to be told of one; nobody waits for who asks."""
    return inquiry_book.is_quiet(session, sorted(NEWS), before_ms=_told_before(now_ms, policy))


def quiet_inquiries(
    session: Session, *, now_ms: Instant, policy: CaseworkPolicy = DEFAULT_POLICY, limit: int = 200
) -> list[str]:
    """The investigations of which a sweep would tell now."""
    before_ms = _told_before(now_ms, policy)
    rows = inquiry_book.quiet(session, sorted(NEWS), before_ms=before_ms, limit=limit, hold=False)
    return [row.id for row in rows]


def sweep_inquiries(
    unit: Unit, *, only: str | None = None, policy: CaseworkPolicy = DEFAULT_POLICY, limit: int = 200
) -> int:
    """Tell the customer of every investigation that has been quiet too long, or `only` this one; how many were told."""
    told, before_ms = 0, _told_before(unit.now_ms, policy)
    rows = inquiry_book.quiet(unit.session, sorted(NEWS), before_ms=before_ms, limit=limit)
    for row in (row for row in rows if only in {None, row.id}):
        row.told_ms = unit.now_ms
        unit.session.add(row)
        if case_book.read(unit.session, row.dispute).case.state not in CASE.terminal:
            case_book.say(unit, row.dispute, [say("investigation.update", news=NEWS[row.state])])
            told += 1
    return told


def _told_before(now_ms: Instant, policy: CaseworkPolicy) -> Instant:
    return now_ms - policy.count("inv_update_days", civil_date(now_ms)) * DAY_MS
