"""Money that was paid and came back from the bank: it is owed again, and the customer is told that they lack it.

The payment of a credit is named by the reference with which it was written down as paid, in this case or in one that
was joined into it; that of a promise by the promise. What came back is owed once more; paid again, it may come back
again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlmodel import Session

from custody.disputes.choose_remedy import said_of
from custody.disputes.claim import Remedy
from custody.disputes.machine import CaseRole
from custody.disputes.messages import pounds, say
from custody.disputes.policy import DEFAULT_POLICY, CaseworkPolicy
from custody.disputes.price import may_come_back
from custody.disputes.promise import AS_DECIDED, check_payer, make_promise, proof
from custody.disputes.remedy import within_ms
from custody.kernel.errors import Rejected
from custody.store import case_book
from custody.store.case_book import CaseFile
from custody.store.payment_lines import payments
from custody.store.unit import Unit
from custody.usecases.name_owner import name_owner
from custody.usecases.read_order import known_before, report_of
from custody.usecases.set_aside import said_of_aside
from custody.usecases.write_move import write_move

CAME_BACK: Final = "credit_came_back"


def credits_paid(session: Session, dispute: str) -> Mapping[str, int]:
    """The credits that were paid and have not come back, in pence by the reference of their payment."""
    paid: dict[str, int] = {}
    for kind, told in payments(session, dispute):
        if kind == "credit_paid" and told.reference is not None and told.pence is not None:
            paid[told.reference] = paid.get(told.reference, 0) + told.pence
        elif kind == CAME_BACK and told.payment is not None and told.pence is not None:
            paid[told.payment] = paid.get(told.payment, 0) - told.pence
    return {reference: pence for reference, pence in paid.items() if pence > 0}


def credit_came_back(unit: Unit, dispute: str, *, payment: str, reference: str, actor: str, role: CaseRole) -> CaseFile:
    """What was paid with a reference came back to us; it is owed again. `reference`: of the bank, which shows it."""
    check_payer(role)
    file = case_book.hold_one(unit, dispute)
    if file.case.joined_into is not None:
        raise Rejected("joined", f"the case was joined into {file.case.joined_into}", fix="Write it down there.")
    pence = credits_paid(unit.session, dispute).get(payment)
    if pence is None or not proof(reference):
        raise Rejected(
            "credit",
            f"{payment!r} paid no credit of this case that can have come back, or no reference was given",
            fix="Use the reference with which it was paid, as the case names it, and the bank's own.",
        )
    facts = {"payment": payment, "reference": reference, "pence": pence}
    said = [say("case.credit_came_back", credit=pounds(pence))]
    owing = replace(file, unpaid_credit_pence=file.unpaid_credit_pence + pence)
    return write_move(unit, file, owing, CAME_BACK, actor=actor, facts=facts, said=said)


def payment_came_back(
    unit: Unit,
    dispute: str,
    *,
    promise: str,
    reference: str,
    actor: str,
    role: CaseRole,
    people: Sequence[str] = (),
    policy: CaseworkPolicy = DEFAULT_POLICY,
) -> CaseFile:
    """Money that we paid did not reach the customer: the same sum is promised anew, and paid as any promise is.

    It is not if the report named no order, and another one has put that right since; what the scheme decided binds us
    all the same. `people`: who works here and looks after cases; one of them makes sure of it if the owner of the case
    is none of them.
    """
    check_payer(role)
    file = case_book.hold_one(unit, dispute)
    paid = next((one for one in case_book.promises(unit.session, dispute) if one.id == promise), None)
    if paid is None or not may_come_back(paid) or paid.state != "kept" or paid.came_back or not proof(reference):
        raise Rejected(
            "promise",
            f"{promise!r} is no payment of this case that can have come back, or no reference was given",
            fix="Use the promise's id from the case, and the reference of the bank.",
        )
    report = report_of(unit.session, file, paid)
    binds = report.order_named or paid.method == AS_DECIDED
    is_aside = not binds and known_before(unit.session, report).puts_right_since(paid)
    case_book.put_promise(unit, replace(paid, came_back=True, set_aside=is_aside))
    facts: dict[str, Any] = {"promise": promise, "reference": reference}
    if is_aside:
        return write_move(unit, file, file, "payment_came_back", actor=actor, facts=facts, said=[said_of_aside(report)])
    if people and file.case.owner not in people:
        file = name_owner(unit, file, people)
    again = make_promise(
        promise_id=unit.ids.new("promise"),
        case_id=dispute,
        what=paid.what,
        amount_pence=paid.amount_pence,
        due_ms=unit.now_ms + within_ms(Remedy.REFUND, unit.now_ms, policy=policy),
        method=paid.method,
        owner=file.case.owner,
        now_ms=unit.now_ms,
        policy=policy,
    )
    case_book.put_promise(unit, replace(again, order_ref=paid.order_ref, source=paid.source))
    facts |= {"again": again.id, "due_ms": again.due_ms}
    said = [say("case.payment_came_back"), said_of(again)]
    return write_move(unit, file, file, "payment_came_back", actor=actor, facts=facts, said=said)
