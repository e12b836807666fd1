"""What somebody promised the customer elsewhere: told to us, rebutted within its days, or kept.

- Anybody who opens or works on a case can tell it, and its customer at any time, also in a case that is over; where a
  case was joined it is told where that one goes on. Nothing else waits for it: no offer, no choice, no payment.
- The same told again is told already; to be looked at again after a rebuttal, somebody of ours tells it.
- Once its days have passed it becomes a promise (`disputes/outside_promise.py`), by the look at the cases.
- Whoever takes the report back, or found the phone, takes back what is pending; whoever says that it is put right, what
  of it is no sum. A report that is joined hands it over, with the order that it is for.

The records tell its day, its sum and what became of it, and the reasons of a rebuttal; what was told, and by whom,
stands in the case alone, as the words of a report do, and is erased with it.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from custody.disputes import civil
from custody.disputes.line import LineKind
from custody.disputes.machine import CaseRole, step
from custody.disputes.messages import Message, ended, pounds, say
from custody.disputes.one_order import Before, puts_right
from custody.disputes.opening import AN_OFFER
from custody.disputes.outside_promise import (
    AS_TOLD,
    OUTSIDE,
    OutsidePromise,
    Told,
    bind,
    check_room,
    check_sums,
    check_told,
    days_over,
    in_time,
    is_price_back,
    is_same,
    is_there,
    pend,
    reasons_given,
    spoken,
    sum_left,
)
from custody.disputes.policy import DEFAULT_POLICY, CaseworkPolicy
from custody.disputes.price import is_sum_beside
from custody.disputes.promise import Promise
from custody.disputes.wording import ahead, lint_dates
from custody.kernel.errors import NotFound
from custody.store import case_book, outside_book
from custody.store.case_book import CaseFile
from custody.store.unit import Unit
from custody.usecases.read_order import hold_where_it_goes_on, known_before, report_of
from custody.usecases.set_aside import settle_the_box
from custody.usecases.write_move import write_move


def hold_told(unit: Unit, dispute: str, told: Iterable[Told], *, policy: CaseworkPolicy) -> None:
    """Keep what was told with the report that opened a case; its clocks run already."""
    price_pence = case_book.read(unit.session, dispute).order.price_pence
    for each in told:
        check_word(unit, dispute, each, price_pence=price_pence, by_customer=True)
        pending, said, facts = _pending(unit, dispute, each, policy=policy)
        outside_book.put(unit, pending)
        case_book.say(unit, dispute, [said])
        case_book.note(unit, dispute, "told", actor=str(CaseRole.CUSTOMER), facts=facts)


def tell(
    unit: Unit, dispute: str, *, told: Told, actor: str, role: CaseRole, policy: CaseworkPolicy = DEFAULT_POLICY
) -> CaseFile:
    """Keep what was told later; returns the case where it stands. Told already, it changes nothing."""
    check_told(told)
    file = hold_where_it_goes_on(unit, dispute)
    before = outside_book.of_case(unit.session, file.case.id)
    is_customer = role is CaseRole.CUSTOMER
    if any(is_same(told, each.told) and _is_told_already(each, is_customer=is_customer) for each in before):
        return file
    if is_customer:
        check_room(before)
    check_word(unit, file.case.id, told, price_pence=file.order.price_pence, by_customer=is_customer)
    pending, said, facts = _pending(unit, file.case.id, told, policy=policy)
    outside_book.put(unit, pending)
    moved = replace(file, work_clocks=(*file.work_clocks, pending.clock))
    return write_move(unit, file, moved, "told", actor=actor, facts=facts, said=[said])


def rebut(
    unit: Unit,
    dispute: str,
    *,
    told: str,
    why: str,
    actor: str,
    role: CaseRole,
    policy: CaseworkPolicy = DEFAULT_POLICY,
) -> CaseFile:
    """It does not stand, and the customer is told why; raises `Conflict("guard")` once its days have passed."""
    file = case_book.hold_one(unit, dispute)
    found = next((one for one in outside_book.of_case(unit.session, dispute) if one.id == told), None)
    if found is None:
        raise NotFound("told", f"nothing that was told in this case is {told!r}", fix="Use its id from the case.")
    lint_dates(ahead(why))
    guards = {
        "in_time": in_time(found.told, now_ms=unit.now_ms, policy=policy),
        "reasons_given": reasons_given(why),
    }
    state = step(OUTSIDE, found.state, "rebut", role, guards).target
    outside_book.put(unit, replace(found, state=state, why=why.strip()))
    said = [say("outside.rebut", promises=(found.id,), what=spoken(found.told), reasons=ended(why))]
    facts = {"told": told, "why": why}
    return write_move(unit, file, _without_clock(file, found), "told_rebutted", actor=actor, facts=facts, said=said)


def bind_what_stands(unit: Unit, file: CaseFile, *, policy: CaseworkPolicy) -> int:
    """Promise what was told and not rebutted in its days; how much of it there was. The order is held by the caller."""
    done = 0
    for each in outside_book.of_case(unit.session, file.case.id):
        if each.is_pending and days_over(each.told, now_ms=unit.now_ms, policy=policy):
            file = _bind(unit, file, each, policy=policy)
            done += 1
    return done


def take_back(unit: Unit, file: CaseFile, *, sums: bool) -> tuple[CaseFile, list[Message]]:
    """The customer wants no more of what is pending for the order of the case; of sums too, or not."""
    said: list[Message] = []
    for each in outside_book.of_case(unit.session, file.case.id):
        is_left = each.told.amount_pence is not None and not sums
        if not each.is_pending or is_left or each.order_ref not in {None, file.case.order_ref}:
            continue
        state = step(OUTSIDE, each.state, "taken_back", CaseRole.CUSTOMER, {}).target
        outside_book.put(unit, replace(each, state=state))
        file = _without_clock(file, each)
        said.append(say("outside.taken_back", promises=(each.id,), what=spoken(each.told)))
    return file, said


def hand_over_told(
    unit: Unit, joined: CaseFile, whole: CaseFile, *, order_ref: str | None
) -> tuple[CaseFile, CaseFile]:
    """Both cases after what was told in the joined one stands in the one that goes on, with its clocks.

    `order_ref`: of the order that it is for, if that case is about another one.
    """
    for each in outside_book.of_case(unit.session, joined.case.id):
        moved = replace(each, case_id=whole.case.id, order_ref=each.order_ref or order_ref)
        outside_book.put(unit, moved)
        joined = _without_clock(joined, each)
        if each.is_pending:
            whole = replace(whole, work_clocks=(*whole.work_clocks, each.clock))
    return joined, whole


def check_word(unit: Unit, dispute: str, told: Told, *, price_pence: int | None, by_customer: bool) -> None:
    """Return if one more sum may bind us by a word in this case; raises `Conflict`."""
    pending = [each.told for each in outside_book.of_case(unit.session, dispute) if each.is_pending]
    others: list[Told | Promise] = [*pending, *case_book.promises(unit.session, dispute)]
    check_sums(told, others, price_pence=price_pence, by_customer=by_customer)


def promise_once(unit: Unit, file: CaseFile, promise: Promise, told: Told, *, policy: CaseworkPolicy) -> Promise | None:
    """Promise what was told, with no more than is left of the price; None where the customer has it, or is to have it.

    The order is held by the caller.
    """
    report, known, price_pence = _known(unit, file, promise)
    if promise.what.casefold() == AN_OFFER or is_there(promise, told, known, price_pence=price_pence):
        return None
    promise = sum_left(promise, known, price_pence=price_pence)
    case_book.put_promise(unit, promise)
    if report is file and (puts_right(promise) or is_sum_beside(promise)):
        settle_the_box(unit, file, promise, policy=policy)
    return promise


def said_of_sum(promise: Promise, told: Told) -> list[Message]:
    """What is said of the sum of what was promised, if it is money."""
    if promise.amount_pence is None:
        return []
    is_less = told.amount_pence is not None and promise.amount_pence < told.amount_pence
    key = "outside.sum_left" if is_less else "outside.sum"
    return [say(key, promises=(promise.id,), amount=pounds(promise.amount_pence))]


def _bind(unit: Unit, file: CaseFile, pending: OutsidePromise, *, policy: CaseworkPolicy) -> CaseFile:
    told = pending.told
    name, owner = unit.ids.new("promise"), file.case.owner
    facts: dict[str, Any] = {"promise_id": name, "case_id": file.case.id, "method": AS_TOLD, "owner": owner}
    bound = replace(bind(told, now_ms=unit.now_ms, policy=policy, **facts), order_ref=pending.order_ref)
    promise = promise_once(unit, file, bound, told, policy=policy)
    event = "has_it_already" if promise is None else "days_passed"
    kind: LineKind = "told_has_it" if promise is None else "told_stands"
    guards = {"days_over": days_over(told, now_ms=unit.now_ms, policy=policy)}
    over = replace(pending, state=step(OUTSIDE, pending.state, event, CaseRole.SYSTEM, guards).target)
    line: dict[str, Any] = {"told": pending.id}
    if promise is None:
        _, known, price_pence = _known(unit, file, bound)
        is_back = is_price_back(known, price_pence=price_pence)
        key = "outside.price_is_back" if is_back else "outside.has_it_already"
        said = [say(key, promises=(pending.id,), what=bound.what)]
    else:
        over = replace(over, promise_id=promise.id)
        line |= {"promise": promise.id, "due_ms": promise.due_ms, "amount_pence": promise.amount_pence}
        said = _said_of(promise, told)
    outside_book.put(unit, over)
    return write_move(unit, file, _without_clock(file, pending), kind, actor="system", facts=line, said=said)


def _known(unit: Unit, file: CaseFile, promise: Promise) -> tuple[CaseFile, Before, int | None]:
    """The report that a promise is for, what was promised for its order, and the price of that."""
    report = report_of(unit.session, file, promise)
    return report, known_before(unit.session, report), report.order.price_pence


def _said_of(promise: Promise, told: Told) -> list[Message]:
    key = "outside.days_passed" if promise.due_ms > promise.made_ms else "outside.days_passed_late"
    due, owner, by = civil.in_words(promise.due_ms), promise.owner, (promise.id,)
    return [say(key, promises=by, what=promise.what, due=due, owner=owner), *said_of_sum(promise, told)]


def _pending(
    unit: Unit, dispute: str, told: Told, *, policy: CaseworkPolicy
) -> tuple[OutsidePromise, Message, dict[str, Any]]:
    """What was told just now, with what is said of it and what its line tells."""
    pending = pend(told, name=unit.ids.new("told"), case_id=dispute, policy=policy)
    due = civil.in_words(pending.rebut_by_ms)
    said = say("outside.told", promises=(pending.id,), what=spoken(told), due=due)
    facts = {"told": pending.id, "rebut_by_ms": pending.rebut_by_ms}
    return pending, said, {**facts, "told_due_ms": told.due_ms, "told_pence": told.amount_pence}


def _is_told_already(before: OutsidePromise, *, is_customer: bool) -> bool:
    return before.state != "taken_back" and (is_customer or before.state != "rebutted")


def _without_clock(file: CaseFile, pending: OutsidePromise) -> CaseFile:
    """The file without the clock of this one; two that were told at one moment have one each."""
    clocks = list(file.work_clocks)
    if pending.clock in clocks:
        clocks.remove(pending.clock)
    return replace(file, work_clocks=tuple(clocks))
