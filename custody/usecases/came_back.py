"""A credit that was paid and came back from the bank: it is owed again, and the customer is told that they lack it.

A payment is named by the reference with which it was written down as paid, in this case or in one that was joined into
it. What came back is owed once more; paid again, it may come back again.
"""

from collections.abc import Mapping
from dataclasses import replace

import msgspec
from sqlmodel import Session

from custody.disputes.machine import CaseRole
from custody.disputes.messages import pounds, say
from custody.disputes.promise import check_payer, proof
from custody.kernel.errors import Rejected
from custody.store import case_book
from custody.store.case_book import CaseFile
from custody.store.unit import Unit
from custody.usecases.write_move import write_move

CAME_BACK = "credit_came_back"


def credits_paid(session: Session, dispute: str) -> Mapping[str, int]:
    """The credits that were paid and have not come back, in pence by the reference of their payment."""
    paid: dict[str, int] = {}
    for case in (*case_book.joined_into(session, dispute), dispute):
        for line in case_book.timeline(session, case):
            facts = msgspec.json.decode(line.facts)
            if line.kind == "credit_paid" and "pence" in facts:
                paid[facts["reference"]] = paid.get(facts["reference"], 0) + facts["pence"]
            elif line.kind == CAME_BACK and "pence" in facts:
                paid[facts["payment"]] = paid.get(facts["payment"], 0) - facts["pence"]
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
            fix="Use the reference with which it was paid, as `credits_paid` of the case names it, and the bank's own.",
        )
    facts = {"payment": payment, "reference": reference, "pence": pence}
    said = [say("case.credit_came_back", credit=pounds(pence))]
    owing = replace(file, unpaid_credit_pence=file.unpaid_credit_pence + pence)
    return write_move(unit, file, owing, CAME_BACK, actor=actor, facts=facts, said=said)
