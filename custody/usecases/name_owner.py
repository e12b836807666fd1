"""A case whose owner works here no more, or is away, has another one, with its promises; the customer is told."""

from collections.abc import Sequence
from dataclasses import replace

from custody.disputes.messages import say
from custody.disputes.promise import PROMISE
from custody.store import case_book
from custody.store.case_book import CaseFile
from custody.store.unit import Unit
from custody.usecases.open_dispute import least_busy
from custody.usecases.write_move import write_move


def name_owner(unit: Unit, file: CaseFile, people: Sequence[str]) -> CaseFile:
    """The case with the least busy of these people, who work here; they look after its open promises too."""
    owner = least_busy(unit.session, people)
    moved = with_owner(unit, file, owner)
    facts = {"owner": owner, "before": file.case.owner}
    said = [say("case.new_owner", owner=owner)]
    return write_move(unit, file, moved, "new_owner", actor="system", facts=facts, said=said)


def with_owner(unit: Unit, file: CaseFile, owner: str) -> CaseFile:
    """The case as it is with another owner, to whom its open promises were given."""
    for promise in case_book.promises(unit.session, file.case.id):
        if promise.state not in PROMISE.terminal:
            case_book.put_promise(unit, replace(promise, owner=owner))
    return replace(file, case=replace(file.case, owner=owner))
