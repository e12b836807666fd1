"""What no rule gives: asked for, passed on while nobody answers, and answered by a yes or by something else.

- Anybody who works on a case asks, in any state of it. It has an approver at once, and the gap is a lesson from then
  on. The same asked twice waits once.
- The answer becomes a promise of ours outside the offer (`promise.BY_OUR_WORD`), as what somebody else promised does:
  beside the remedy, unless its words are those of one; of the price no more than is left. Said to come on top of the
  rest, it counts in no price.
- What the customer has already, or is to have, is refused to the approver, who gives something else then.
- The approver is told at once, and so is whoever it passes on to. The customer is told when it is asked, once when it
  is late, and by the answer. A report that is joined hands it over.
- One that is taken back ends what waits for the order of the case. It does not come back with the report: it may be of
  no use by then, and somebody would have to promise something all the same. The customer is asked whether they need it.

The records tell who is to answer, until when, and why no rule gives it; what was asked for stands in the case alone, as
the words of a report do, and is erased with it.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlmodel import Session

from custody.disputes import civil
from custody.disputes.case_guards import reasons
from custody.disputes.exception import (
    AS_AGREED,
    EXCEPTION,
    AskedException,
    ask_exception,
    given,
    is_another,
    is_asked_already,
    name_approver,
    pass_on,
    still_taken_back,
    unanswered,
)
from custody.disputes.lesson import LessonKind
from custody.disputes.machine import CaseRole, step
from custody.disputes.messages import Message, ended, pounds, say
from custody.disputes.outside_promise import Told, as_told, bind
from custody.disputes.policy import DEFAULT_POLICY, CaseworkPolicy
from custody.disputes.price import is_beside
from custody.disputes.promise import BY_OUR_WORD, ON_TOP, Promise
from custody.kernel.errors import Conflict, NotFound, Rejected
from custody.store import case_book, exception_book
from custody.store.case_book import CaseFile
from custody.store.unit import Unit
from custody.usecases.keep_word import promise_once
from custody.usecases.learn_lesson import open_one
from custody.usecases.read_order import hold_order, hold_where_it_goes_on
from custody.usecases.write_move import write_move

Approvers = Callable[[Session, str], Sequence[str]]
"""Who is named to approve what a person asks for."""
MayApprove = Callable[[Session, str], Collection[str]]
"""Whose accounts may approve it."""
Tell = Callable[[Unit, AskedException], None]
"""How the approver who was named just now is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the approver gives; without `what` it is what was asked for. `beside`: on top of the rest."""

    what: str | None = None
    until: date | None = None
    amount_pence: int | None = None
    beside: bool = False


def ask(
    unit: Unit,
    dispute: str,
    *,
    asked_for: str,
    gap: str,
    asked_by: str,
    actor: str,
    approvers: Approvers,
    tell: Tell,
    policy: CaseworkPolicy = DEFAULT_POLICY,
) -> CaseFile:
    """Ask for what no rule gives; `gap` says why none does, and `asked_by` is the person behind the account."""
    file = hold_where_it_goes_on(unit, dispute)
    if any(is_asked_already(one, asked_for) for one in exception_book.of_case(unit.session, file.case.id)):
        return file
    people = approvers(unit.session, asked_by)
    asked = ask_exception(
        name=unit.ids.new("exception"),
        case_id=file.case.id,
        asked_for=asked_for,
        gap=gap,
        asked_by=asked_by,
        approver=name_approver(people, waiting=exception_book.waiting_for(unit.session, people)),
        now_ms=unit.now_ms,
        policy=policy,
    )
    exception_book.put(unit, asked)
    lesson = open_one(unit, file.case.id, LessonKind.GAP, says=asked.gap, people=people, policy=policy)
    facts = {**_to_answer(asked), "gap": asked.gap, "lesson": lesson.id}
    said = [say("exception.ask", promises=(asked.id,), what=asked.said, due=civil.in_words(asked.due_ms))]
    after = write_move(unit, file, file, "exception_asked", actor=actor, facts=facts, said=said)
    tell(unit, asked)
    return after


def grant(
    unit: Unit,
    dispute: str,
    *,
    exception: str,
    gives: Given,
    actor: str,
    role: CaseRole,
    may_approve: MayApprove,
    policy: CaseworkPolicy = DEFAULT_POLICY,
) -> CaseFile:
    """Say yes, with what the customer gets by which day; raises `Conflict` where they have it, or are to have it."""
    file, asked = _hold(unit, dispute, exception)
    guards = {"another_person": is_another(actor, may_approve(unit.session, asked.asked_by))}
    state = step(EXCEPTION, asked.state, "grant", role, guards).target
    told, promise = _promise(unit, file, asked, gives, actor=actor, policy=policy)
    exception_book.put(unit, replace(asked, state=state, promise_id=promise.id))
    said = [say("exception.grant", promises=(promise.id,), what=asked.said), *_said_of(promise, told)]
    facts = {"exception": asked.id, **_promised(promise)}
    return write_move(unit, file, file, "exception_granted", actor=actor, facts=facts, said=said)


def give_instead(
    unit: Unit,
    dispute: str,
    *,
    exception: str,
    gives: Given,
    why: str,
    actor: str,
    role: CaseRole,
    may_approve: MayApprove,
    policy: CaseworkPolicy = DEFAULT_POLICY,
) -> CaseFile:
    """Give something else than was asked for, with reasons that the customer reads; there is no bare no."""
    file, asked = _hold(unit, dispute, exception)
    guards = {
        "another_person": is_another(actor, may_approve(unit.session, asked.asked_by)),
        "reasons_for_it": reasons(why),
    }
    state = step(EXCEPTION, asked.state, "give_instead", role, guards).target
    told, promise = _promise(unit, file, asked, gives, actor=actor, policy=policy)
    exception_book.put(unit, replace(asked, state=state, why=why.strip(), promise_id=promise.id))
    said = [
        say("exception.give_instead", promises=(promise.id,), what=asked.said, reasons=ended(why)),
        *_said_of(promise, told),
    ]
    facts = {"exception": asked.id, "why": why, **_promised(promise)}
    return write_move(unit, file, file, "exception_instead", actor=actor, facts=facts, said=said)


def pass_on_late(unit: Unit, late: AskedException, *, approvers: Approvers, tell: Tell, policy: CaseworkPolicy) -> bool:
    """Give it to another approver if it is still unanswered; the customer is told the first time."""
    file = case_book.hold_one(unit, late.case_id)
    asked = next((one for one in exception_book.of_case(unit.session, late.case_id) if one.id == late.id), None)
    if asked is None or not asked.is_asked or not unanswered(asked, unit.now_ms):
        return False
    people = approvers(unit.session, asked.asked_by)
    waiting = exception_book.waiting_for(unit.session, people)
    approver = name_approver(people, waiting=waiting, before=asked.approver)
    moved = pass_on(asked, approver=approver, now_ms=unit.now_ms, policy=policy)
    exception_book.put(unit, moved)
    said = [] if asked.passed else [say("exception.pass_on", promises=(asked.id,), what=asked.said)]
    facts = {**_to_answer(moved), "before": asked.approver}
    write_move(unit, file, file, "exception_passed_on", actor="system", facts=facts, said=said)
    tell(unit, moved)
    return True


def take_back_asked(unit: Unit, file: CaseFile, *, actor: str) -> list[Message]:
    """The customer takes the report back: nobody answers what waits for its order; what is said of that."""
    said = list[Message]()
    for asked in exception_book.of_case(unit.session, file.case.id):
        if asked.is_asked and asked.order_ref in {None, file.case.order_ref}:
            state = step(EXCEPTION, asked.state, "take_back", CaseRole.CUSTOMER, {}).target
            exception_book.put(unit, replace(asked, state=state))
            case_book.note(unit, file.case.id, "exception_taken_back", actor=actor, facts={"exception": asked.id})
            said.append(say("exception.take_back", promises=(asked.id,), what=asked.said))
    return said


def said_of_taken_back(session: Session, dispute: str) -> list[Message]:
    """What a customer is asked whose report is opened again: whether they still need what they took back."""
    before = still_taken_back(exception_book.of_case(session, dispute))
    return [say("exception.reopen", promises=(asked.id,), what=asked.said) for asked in before]


def hand_over_exceptions(unit: Unit, dispute: str, into: str, *, order_ref: str | None) -> None:
    """What was asked for in a case that is joined stands in the one that goes on, with the order that it is for."""
    for asked in exception_book.of_case(unit.session, dispute):
        exception_book.put(unit, replace(asked, case_id=into, order_ref=asked.order_ref or order_ref))


def _hold(unit: Unit, dispute: str, exception: str) -> tuple[CaseFile, AskedException]:
    file = hold_order(unit, dispute)
    found = next((one for one in exception_book.of_case(unit.session, dispute) if one.id == exception), None)
    if found is None:
        why = f"nothing that was asked for in this case is {exception!r}"
        raise NotFound("exception", why, fix="Use its id from the case.")
    return file, found


def _promise(
    unit: Unit, file: CaseFile, asked: AskedException, gives: Given, *, actor: str, policy: CaseworkPolicy
) -> tuple[Told, Promise]:
    """What is given as it is told, and as it is promised."""
    what = gives.what if gives.what and gives.what.strip() else asked.asked_for
    told = as_told(what=what, by_whom=actor, until=gives.until, amount_pence=gives.amount_pence, now_ms=unit.now_ms)
    given(told)
    bound: dict[str, Any] = {"promise_id": unit.ids.new("promise"), "case_id": file.case.id, "owner": file.case.owner}
    method = ON_TOP if gives.beside else AS_AGREED
    promise = bind(told, method=method, now_ms=unit.now_ms, policy=policy, **bound)
    promise = replace(promise, source=BY_OUR_WORD, order_ref=asked.order_ref)
    if not gives.beside:
        promised = promise_once(unit, file, promise, told, policy=policy)
        if promised is None:
            fix = "Give something else, or something that comes on top of the rest."
            raise Conflict("has_it", f"the customer has {promise.what} already, or is to have it", fix=fix)
        return told, promised
    if not is_beside(promise):
        fix = "Leave `beside` out, or say in what what comes on top of it."
        raise Rejected("beside", f"{promise.what} is what puts it right, and not on top of that", fix=fix)
    case_book.put_promise(unit, promise)
    return told, promise


def _said_of(promise: Promise, told: Told) -> list[Message]:
    by, due = (promise.id,), civil.in_words(promise.due_ms)
    facts = {"what": promise.what, "method": promise.method, "due": due, "owner": promise.owner}
    if promise.amount_pence is None:
        return [say("promise.made", promises=by, **facts)]
    amount = pounds(promise.amount_pence)
    is_less = told.amount_pence is not None and promise.amount_pence < told.amount_pence
    less = [say("outside.sum_left", promises=by, amount=amount)] if is_less else []
    return [say("promise.made_money", promises=by, amount=amount, **facts), *less]


def _to_answer(asked: AskedException) -> dict[str, Any]:
    return {"exception": asked.id, "approver": asked.approver, "answer_by_ms": asked.due_ms}


def _promised(promise: Promise) -> dict[str, Any]:
    return {"promise": promise.id, "due_ms": promise.due_ms, "amount_pence": promise.amount_pence}
