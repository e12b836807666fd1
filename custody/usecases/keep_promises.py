"""What becomes of the promises of a case: kept, late, missed or crossed out, and the credit that a late one earns.

- A promise is kept by what it promised: an offer by the offer for its order, a remedy by the remedy, anything else (a
  phone on loan) by somebody's word that it was done. One reference shows one payment.
- The credit is owed from the moment at which the customer is told of it; each day that begins and is late as well adds
  to it, whether or not anything else of the case moves (`sweep_cases.py`), and never takes from it.
- A promise that was late is late whether or not the timer saw it: it passes through the same states.
- A customer who takes the report back owes us nothing and is owed what was earned: open promises are crossed out, but
  none for another order whose report was joined, and nothing that is owed about their data.

All of it returns the file with its new sum and the messages; the move of the case and its writing are the caller's.
"""

from collections.abc import Sequence
from dataclasses import replace

from custody.disputes.machine import CaseRole, step
from custody.disputes.messages import Message, pounds, say
from custody.disputes.one_order import of_its_order
from custody.disputes.opening import AN_OFFER
from custody.disputes.policy import CaseworkPolicy
from custody.disputes.price import may_come_back
from custody.disputes.promise import (
    ABOUT_DATA,
    GOES_ON,
    PROMISE,
    Promise,
    credit,
    credit_added,
    customer_told_first,
    due_event,
    is_owed,
)
from custody.kernel.errors import Conflict
from custody.store import case_book
from custody.store.case_book import CaseFile
from custody.store.unit import Unit

FileAndMessages = tuple[CaseFile, list[Message]]


def check_by_word(file: CaseFile, promise: Promise) -> None:
    """Return if somebody's word that it was done keeps this promise; raises `Conflict`.

    An offer for another order, whose report was joined before it had one, is made by no offer of this case.
    """
    if promise.what == AN_OFFER and of_its_order(file.case, [promise]):
        raise Conflict("by_the_offer", "only the offer itself keeps this promise", fix="Agree on the kind, and offer.")


def check_one_payment(promises: Sequence[Promise]) -> None:
    """Return if no more than one of what is still owed here may be money; raises `Conflict`."""
    owed = list(filter(is_owed, promises))
    if len(owed) > 1 and any(map(may_come_back, owed)):
        raise Conflict(
            "several",
            f"more than one thing is owed here: {', '.join(each.what for each in owed)}",
            fix="Write down that each was kept, with its own reference, and what puts it right last.",
        )


def keep(
    unit: Unit,
    file: CaseFile,
    promises: Sequence[Promise],
    *,
    shown: bool | None,
    role: CaseRole,
    policy: CaseworkPolicy,
) -> FileAndMessages:
    """These promises are kept, those of them that are open or missed; a late one with its credit."""
    said: list[Message] = []
    for promise in promises:
        if not is_owed(promise):
            continue
        file, present = pass_time(unit, file, promise, policy=policy)
        late = present.state == "missed"
        event, who = ("done_late", CaseRole.SYSTEM) if late else ("done", role)
        kept = step(PROMISE, present.state, event, who, {"proof": shown})
        file, present = earn(unit, file, present, policy=policy)
        facts = {"credit": pounds(present.credited_pence)} if late else {}
        said.append(say(f"promise.{event}", promises=(promise.id,), what=promise.what, **facts))
        case_book.put_promise(unit, replace(present, state=kept.target))
    return file, said


def take_place(
    unit: Unit, file: CaseFile, promises: Sequence[Promise], *, of: Promise, policy: CaseworkPolicy
) -> FileAndMessages:
    """The customer chose `of`, which takes the place of these; what a missed one has earned stays owed."""
    said: list[Message] = []
    for promise in promises:
        file, present = pass_time(unit, file, promise, policy=policy)
        file, present = earn(unit, file, present, policy=policy)
        if present.state == "missed":
            present = replace(present, replaced=True)
        else:
            void = step(PROMISE, present.state, "customer_changed_mind", CaseRole.CUSTOMER, {})
            present = replace(present, state=void.target)
            if promise.what != of.what:
                said.append(say("promise.customer_changed_mind", promises=(promise.id,), what=promise.what))
        case_book.put_promise(unit, present)
    return file, said


def set_aside(unit: Unit, file: CaseFile, promises: Sequence[Promise], *, policy: CaseworkPolicy) -> CaseFile:
    """Another report of the order gives what these were to give; what a missed one has earned stays owed."""
    for promise in promises:
        file, present = pass_time(unit, file, promise, policy=policy)
        file, present = earn(unit, file, present, policy=policy)
        if present.state == "missed":
            present = replace(present, replaced=True, set_aside=True)
        else:
            void = step(PROMISE, present.state, "customer_changed_mind", CaseRole.CUSTOMER, {})
            present = replace(present, state=void.target, set_aside=True)
        case_book.put_promise(unit, present)
    return file


def cross_out(unit: Unit, file: CaseFile, *, policy: CaseworkPolicy, money: bool = True) -> FileAndMessages:
    """The customer wants nothing more: open promises are void, and a missed one is not awaited and earns no more.

    What was promised for another order, in a report that was joined, stays owed.
    Without `money` those whose payment may come back stay owed, and so does a collection; what was missed is done late.
    """
    said: list[Message] = []
    stays = ABOUT_DATA if money else GOES_ON
    for promise in of_its_order(file.case, case_book.promises(unit.session, file.case.id)):
        if not is_owed(promise) or (may_come_back(promise) and not money) or promise.what in stays:
            continue
        file, present = pass_time(unit, file, promise, policy=policy)
        file, present = earn(unit, file, present, policy=policy)
        if present.state != "missed":
            void = step(PROMISE, present.state, "customer_changed_mind", CaseRole.CUSTOMER, {})
            present = replace(present, state=void.target)
            said.append(say("promise.customer_changed_mind", promises=(promise.id,), what=promise.what))
        elif money:
            present = replace(present, replaced=True)
        case_book.put_promise(unit, present)
    return file, said


def pass_time(unit: Unit, file: CaseFile, promise: Promise, *, policy: CaseworkPolicy) -> tuple[CaseFile, Promise]:
    """The promise after every move that time has brought about; a miss earns its credit in the same unit."""
    present = promise
    while (event := due_event(present, now_ms=unit.now_ms, policy=policy)) is not None:
        guards = {
            "credit_added": credit_added(credit(present, until_ms=unit.now_ms, policy=policy)),
            "customer_told_first": customer_told_first(message_ms=unit.now_ms, staff_saw_ms=None),
        }
        present = replace(present, state=step(PROMISE, present.state, event, CaseRole.SYSTEM, guards).target)
        file, present = earn(unit, file, present, policy=policy)
    return file, present


def earn(unit: Unit, file: CaseFile, promise: Promise, *, policy: CaseworkPolicy) -> tuple[CaseFile, Promise]:
    """The promise with the credit of its lateness up to now, if it was missed, and the file with what is owed."""
    if promise.state != "missed":
        return file, promise
    pence = max(promise.credited_pence, credit(promise, until_ms=unit.now_ms, policy=policy).pence)
    more_pence = pence - promise.credited_pence
    return (
        replace(file, unpaid_credit_pence=file.unpaid_credit_pence + more_pence),
        replace(promise, credited_pence=pence),
    )
