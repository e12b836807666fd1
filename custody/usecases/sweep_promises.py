"""Promises whose time has come: due soon a day ahead; missed a second after, with the customer told first and a credit.

Message, credit and move are written in one unit, so no dashboard shows a miss that the customer has not heard of. The
cases are held first and their promises read after that: what somebody kept or crossed out meanwhile stays so.
"""

from sqlmodel import Session

from custody.disputes import civil
from custody.disputes.messages import pounds, say
from custody.disputes.policy import DEFAULT_POLICY, CaseworkPolicy
from custody.disputes.promise import Promise
from custody.kernel.clock import DAY_MS, SECOND_MS, Instant
from custody.store import case_book
from custody.store.case_book import CaseFile
from custody.store.unit import Unit
from custody.usecases.keep_promises import pass_time


def is_promise_due(session: Session, *, now_ms: Instant) -> bool:
    """Whether time has moved a promise; nobody waits for who asks."""
    return bool(_due(session, now_ms=now_ms, limit=1))


def due_promises(session: Session, *, now_ms: Instant, limit: int = 200) -> list[str]:
    """The promises that a sweep would move now."""
    return [promise.id for promise in _due(session, now_ms=now_ms, limit=limit)]


def sweep_promises(
    unit: Unit, *, only: str | None = None, policy: CaseworkPolicy = DEFAULT_POLICY, limit: int = 200
) -> int:
    """Move every promise that time has moved, or `only` this one; returns how many were moved."""
    due = _due(unit.session, now_ms=unit.now_ms, limit=limit)
    found = [promise for promise in due if only in {None, promise.id}]
    files = case_book.hold(unit, {promise.case_id for promise in found})
    moved = 0
    for promise in case_book.promises_again(unit.session, [promise.id for promise in found]):
        before = files.get(promise.case_id)
        if before is None:  # its case was joined into another one meanwhile, which is looked at next
            continue
        file, present = pass_time(unit, before, promise, policy=policy)
        if present == promise:
            continue
        moved += 1
        case_book.put_promise(unit, present)
        if present.state == "missed" and promise.state != "missed":
            version = case_book.replace(unit, file, before=before)
            files[promise.case_id] = file
            _tell(unit, file, present, version=version)
    return moved


def _due(session: Session, *, now_ms: Instant, limit: int) -> list[Promise]:
    return case_book.promises_due(session, soon_ms=now_ms + DAY_MS, missed_ms=now_ms - SECOND_MS, limit=limit)


def _tell(unit: Unit, file: CaseFile, promise: Promise, *, version: int) -> None:
    message = say(
        "promise.date_passed",
        promises=(promise.id,),
        what=promise.what,
        due=civil.in_words(promise.due_ms),
        credit=pounds(promise.credited_pence),
        owner=file.case.owner,
    )
    case_book.say(unit, promise.case_id, [message])
    facts = {"promise": promise.id, "credit_pence": promise.credited_pence, "version": version}
    case_book.note(unit, promise.case_id, "promise_missed", actor="system", facts=facts)
