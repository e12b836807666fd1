"""A report that named only what stands on the box is set aside once the one that named the order has its remedy.

What was promised in it is set aside where it stands: in the report, or in a case of another order that it was joined
into.
"""

from custody.disputes.messages import Message, say
from custody.disputes.one_order import to_set_aside
from custody.disputes.policy import Policy
from custody.store import case_book
from custody.store.case_book import CaseFile
from custody.store.unit import Unit
from custody.usecases.keep_promises import set_aside
from custody.usecases.read_order import by_the_box, promised_by_the_box
from custody.usecases.write_move import write_move


def set_aside_by_the_box(unit: Unit, file: CaseFile, *, policy: Policy) -> None:
    """What other reports of the order, by its box, were promised is not given too; their customers are told.

    A report that names no order itself sets nothing aside.
    """
    if not file.order_named:
        return
    for report in by_the_box(unit.session, file):
        promises = to_set_aside(promised_by_the_box(unit.session, report))
        if promises:
            heard = case_book.goes_on(unit.session, report)
            moved = set_aside(unit, heard, promises, policy=policy)
            facts = {"promises": [promise.id for promise in promises]}
            write_move(unit, heard, moved, "set_aside", actor="system", facts=facts, said=[said_of_aside(report)])


def said_of_aside(report: CaseFile) -> Message:
    """What is said where something is set aside that was promised for a report."""
    return say("case.set_aside" if report.case.joined_into is None else "case.set_aside_joined")
