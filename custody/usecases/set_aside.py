"""A report that named only what stands on the box is set aside once the one that named the order has its remedy."""

from custody.disputes.messages import say
from custody.disputes.one_order import to_set_aside
from custody.disputes.policy import Policy
from custody.store import case_book
from custody.store.case_book import CaseFile
from custody.store.unit import Unit
from custody.usecases.keep_promises import set_aside
from custody.usecases.read_order import by_the_box, for_its_order
from custody.usecases.write_move import write_move


def set_aside_by_the_box(unit: Unit, file: CaseFile, *, policy: Policy) -> None:
    """What other reports of the order, by its box, were promised is not given too; their customers are told."""
    for other in by_the_box(unit.session, file):
        promises = to_set_aside(for_its_order(other, case_book.promises(unit.session, other.case.id)))
        if promises:
            moved = set_aside(unit, other, promises, policy=policy)
            facts = {"promises": [promise.id for promise in promises]}
            write_move(unit, other, moved, "set_aside", actor="system", facts=facts, said=[say("case.set_aside")])
