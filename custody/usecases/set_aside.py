"""A report that named only what stands on the box is set aside while the one that named the order puts it right.

- What was promised in it is set aside where it stands: in the report, or in a case of another order that it was joined
  into.
- Once no other report puts the order right any more, since it was taken back or something less was chosen or decided,
  the same is promised again, with days of its own, and its customer is told. Where a remedy can be chosen meanwhile,
  or two people declined the report since, nothing has to be promised, but for money that came back to us, and for a
  sum that was promised elsewhere.
- A sum that was promised elsewhere for the report that names the order leaves to one by the box what is left of the
  price: that is set aside, and promised again with what is left. Once that report is taken back, or gives something
  less, it is promised again with as much as it was lowered from.
- A report that names no order itself sets nothing aside.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from sqlmodel import Session

from custody.disputes.case import CaseState
from custody.disputes.choose_remedy import said_of
from custody.disputes.claim import PAYS_MONEY, Remedy
from custody.disputes.messages import Message, say
from custody.disputes.one_order import Before, left_aside, puts_right, to_set_aside
from custody.disputes.policy import CaseworkPolicy
from custody.disputes.price import is_sum_beside
from custody.disputes.promise import Promise, make_promise
from custody.disputes.remedy import PHONES, WORDS, within_ms
from custody.kernel.clock import Instant
from custody.store import case_book
from custody.store.case_book import CaseFile
from custody.store.unit import Unit
from custody.usecases.await_answer import is_closed_unaccepted
from custody.usecases.keep_promises import set_aside
from custody.usecases.read_order import by_the_box, known_before, promised_by_the_box
from custody.usecases.write_move import write_move

AWAITS_IT: frozenset[CaseState] = frozenset({"remedy_in_progress", "remedied", "adr_open", "with_adr", "adr_decided"})
"""States of an open case in which what was promised before is owed, and no remedy is chosen."""
SET_ASIDE: Final = "set_aside"
DECLINED: Final = "declined"
STANDS_AGAIN = say("case.stands_again")
_REMEDY_OF = {WORDS[remedy]: remedy for remedy in PHONES | PAYS_MONEY}


def settle_the_box(unit: Unit, file: CaseFile, given: Promise | None, *, policy: CaseworkPolicy) -> None:
    """Set aside what reports of the order by its box were promised, or promise it again.

    `given`: what the customer of `file` chose or was awarded just now, or was promised elsewhere; None: they took the
    report back.
    """
    if not file.order_named:
        return
    for report in by_the_box(unit.session, file):
        promises = to_set_aside(promised_by_the_box(unit.session, report))
        if given is not None and puts_right(given):
            _put_aside(unit, report, promises, said=[said_of_aside(report)], policy=policy)
        elif given is not None and is_sum_beside(given):
            _leave_what_is_left(unit, report, promises, policy=policy)
        else:
            _put_aside(unit, report, _to_raise(unit.session, report), said=(), policy=policy)
            stand_again(unit, report, policy=policy)


def _put_aside(
    unit: Unit, report: CaseFile, promises: Sequence[Promise], *, said: Sequence[Message], policy: CaseworkPolicy
) -> None:
    if not promises:
        return
    heard = case_book.goes_on(unit.session, report)
    moved = set_aside(unit, heard, promises, policy=policy)
    facts = {"promises": [promise.id for promise in promises]}
    write_move(unit, heard, moved, SET_ASIDE, actor="system", facts=facts, said=said)


def _leave_what_is_left(unit: Unit, report: CaseFile, promises: Sequence[Promise], *, policy: CaseworkPolicy) -> None:
    """Promise a report no more money than what is left of the price, where more was promised for it."""
    known, price_pence = known_before(unit.session, report), report.order.price_pence
    money = [each for each in promises if each.amount_pence is not None]
    left_pence = _left_beside(known, money, price_pence=price_pence)
    if left_pence is None or sum(each.amount_pence or 0 for each in money) <= left_pence:
        return
    said = say("case.less_here") if left_pence else said_of_aside(report)
    _put_aside(unit, report, money, said=[said], policy=policy)
    stand_again(unit, report, said=(), policy=policy)


def _to_raise(session: Session, report: CaseFile) -> Sequence[Promise]:
    """What was lowered in a report and can be promised with a larger sum now."""
    known = known_before(session, report)
    owed = to_set_aside(promised_by_the_box(session, report))
    lowered = [each for each in owed if each.lowered_from_pence and _may_stand(session, report, known, each)]
    left_pence = _left_beside(known, lowered, price_pence=report.order.price_pence)
    is_more = left_pence is None or left_pence > sum(each.amount_pence or 0 for each in lowered)
    return lowered if is_more else ()


def _left_beside(known: Before, promises: Sequence[Promise], *, price_pence: int | None) -> int | None:
    """What is left of the price beside all but these promises of the report itself."""
    names = {each.id for each in promises}
    rest = replace(known, mine=tuple(each for each in known.mine if each.id not in names))
    return rest.left_pence(price_pence)


def said_of_aside(report: CaseFile) -> Message:
    """What is said where something is set aside that was promised for a report."""
    return say("case.set_aside" if report.case.joined_into is None else "case.set_aside_joined")


def left_aside_in(session: Session, file: CaseFile) -> list[CaseFile]:
    """The reports for which something stands set aside in a case, and whose order nothing puts right any more.

    That is the case itself, or one of another order that was joined into it.
    """
    held = [each for each in case_book.promises(session, file.case.id) if each.set_aside]
    aside = {each.order_ref for each in held}
    reports = [file] if file.case.state in AWAITS_IT or any(map(is_sum_beside, held)) else []
    if elsewhere := aside - {None, file.case.order_ref}:
        joined = [case_book.read(session, name) for name in case_book.joined_into(session, file.case.id)]
        reports += [report for report in joined if report.case.order_ref in elsewhere]
    return [report for report in reports if not report.order_named and _to_stand_again(session, report)]


def stand_again(
    unit: Unit, report: CaseFile, *, said: Sequence[Message] = (STANDS_AGAIN,), policy: CaseworkPolicy
) -> CaseFile:
    """Promise again what was set aside for a report, if nothing puts its order right any more; where it stands."""
    heard, told = case_book.goes_on(unit.session, report), [*said]
    due_ms = dict[str, Instant]()
    for before, pence in _to_stand_again(unit.session, report):
        remedy = _REMEDY_OF.get(before.what, Remedy.REFUND)
        again = make_promise(
            promise_id=unit.ids.new("promise"),
            case_id=heard.case.id,
            what=before.what,
            amount_pence=pence,
            due_ms=unit.now_ms + within_ms(remedy, unit.now_ms, policy=policy),
            method=before.method,
            owner=heard.case.owner,
            now_ms=unit.now_ms,
            policy=policy,
        )
        case_book.put_promise(unit, replace(before, set_aside=False, replaced=not before.came_back))
        lowered_from = before.whole_pence if pence != before.whole_pence else None
        again = replace(again, order_ref=before.order_ref, source=before.source, lowered_from_pence=lowered_from)
        case_book.put_promise(unit, again)
        due_ms[again.id] = again.due_ms
        told.append(said_of(again))
    if not due_ms:
        return heard
    facts = {"promises": list(due_ms), "due_ms": due_ms}
    return write_move(unit, heard, heard, "stands_again", actor="system", facts=facts, said=told)


def _may_stand(session: Session, report: CaseFile, known: Before, promise: Promise) -> bool:
    """Whether what was set aside for a report, or is, may be promised again."""
    is_joined = report.case.joined_into is not None
    stays = promise.came_back or is_joined or is_sum_beside(promise)
    return (stays or _awaits_it(session, report)) and not known.puts_right_since(promise)


def _awaits_it(session: Session, report: CaseFile) -> bool:
    """Whether what was set aside for a report that was not joined would be owed in it now."""
    if is_closed_unaccepted(session, report):
        return True
    kinds = [line.kind for line in case_book.timeline(session, report.case.id) if line.kind in {SET_ASIDE, DECLINED}]
    return report.case.state in AWAITS_IT and kinds[-1:] != [DECLINED]


def _to_stand_again(session: Session, report: CaseFile) -> Sequence[tuple[Promise, int | None]]:
    """What is to be promised again for a report, each with its sum within what is left of the price."""
    known = known_before(session, report)
    held = left_aside(promised_by_the_box(session, report))
    aside = [each for each in held if _may_stand(session, report, known, each)]
    found, left_pence = list[tuple[Promise, int | None]](), known.left_pence(report.order.price_pence)
    for each in aside:
        pence = each.whole_pence
        if pence is not None and left_pence is not None:
            pence = min(pence, left_pence)
            left_pence -= pence
        if pence != 0:
            found.append((each, pence))
    return found
