"""Who is who in a case, told by the customer or written down by whoever works on it; the case moves by none of it.

Nothing has to be shown for any of it. What is named is held from then on, and is not asked for. After a death the
contract goes on with whoever takes it over, by our customer's word. The record tells which relations were named, and
what whoever uses the phone says; names stand in the case alone, and are erased with it.
"""

from dataclasses import replace

from custody.disputes.asks import Holding, hold
from custody.disputes.case import CASE
from custody.disputes.messages import Message, say
from custody.disputes.people import NOBODY, CasePeople, PeopleSaid, Relation, item_of, learn, written_to
from custody.kernel.errors import Conflict
from custody.store.case_book import CaseFile
from custody.store.unit import Unit
from custody.usecases.read_order import hold_where_it_goes_on
from custody.usecases.write_move import write_move


def name_people(unit: Unit, dispute: str, *, said: PeopleSaid, actor: str) -> CaseFile:
    """The case with those who were named; raises `Rejected` if nobody was. The same again changes nothing."""
    file = hold_where_it_goes_on(unit, dispute)
    if file.case.state in CASE.terminal:
        raise Conflict("over", "the case is over", fix="Open the case again first.")
    before = file.case.people or NOBODY
    people = learn(before, said)
    if people == before:
        return file
    ledger = file.ledger
    for relation in said.names:
        ledger = hold(ledger, Holding(item=item_of(relation), pointer=file.case.id, how="told"))
    moved = replace(file, case=replace(file.case, people=people), ledger=ledger)
    facts = {"relations": sorted({*said.names, *said.died}), "user_has_it": said.user_has_it}
    messages = _said(file, before, people)
    return write_move(unit, file, moved, "people", actor=actor, facts=facts, said=messages)


def _said(file: CaseFile, before: CasePeople, after: CasePeople) -> list[Message]:
    if after.bereaved and not before.bereaved:
        return [say("case.bereaved", owner=file.case.owner)]
    if written_to(after) is Relation.REPRESENTATIVE and after.representative != before.representative:
        return [say("case.representative")]
    return [say("case.people")]
