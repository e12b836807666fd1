"""A credit that was owed and was paid: how much of it, and with what reference.

It grows with each day that begins, so that more may be owed when a payment is written down than when it was made. What
is told to the customer, and owed no more, is what was paid; the rest stays owed.
"""

from dataclasses import replace

from custody.disputes.machine import CaseRole
from custody.disputes.messages import pounds, say
from custody.disputes.promise import check_payer, proof
from custody.kernel.errors import Rejected
from custody.store import case_book
from custody.store.case_book import CaseFile
from custody.store.unit import Unit
from custody.usecases.repeat_move import check_reference
from custody.usecases.write_move import write_move


def credit_paid(
    unit: Unit, dispute: str, *, reference: str, actor: str, role: CaseRole, pence: int | None = None
) -> CaseFile:
    """Of the credit `pence` were paid, or all; the customer is told how much, and can say that it did not come."""
    check_payer(role)
    file = case_book.hold_one(unit, dispute)
    owed_pence = file.unpaid_credit_pence
    if not owed_pence or not proof(reference):
        raise Rejected("credit", "no credit is owed, or no reference was given", fix="Give the payment reference.")
    paid_pence = owed_pence if pence is None else pence
    if not 0 < paid_pence <= owed_pence:
        raise Rejected(
            "pence",
            "that is not within the credit that is owed",
            fix=f"Name 1 to {owed_pence} pence, as they were paid.",
        )
    check_reference(unit.session, dispute, reference)
    facts = {"reference": reference, "pence": paid_pence}
    said = [say("case.credit_paid", credit=pounds(paid_pence))]
    moved = replace(file, unpaid_credit_pence=owed_pence - paid_pence)
    return write_move(unit, file, moved, "credit_paid", actor=actor, facts=facts, said=said)
