"""A sum that a scheme decided and that is more than a phone costs: two people write it down, each for themselves.

So they do once a sum is more together with what schemes awarded before in the reports of its order, done or to be done,
and nothing takes the place of: else one person could write down a large sum in parts.

The first word stands in the timeline alone, and the customer is told nothing yet. The second one has the scheme's
reference, the sum, and whether it stands beside the remedy, as the first one has them; it comes from somebody who may
approve what the first one asks for, while the case is with the scheme. Who wrote something else wrote a first word.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

import msgspec
from sqlmodel import Session

from custody.disputes.exception import is_another
from custody.disputes.outside_promise import MOST_PENCE
from custody.disputes.promise import AS_DECIDED, KEPT, ON_TOP, is_owed
from custody.store import case_book
from custody.store.case_book import CaseFile
from custody.store.unit import Unit
from custody.usecases.allow_exception import MayApprove
from custody.usecases.read_order import cases_of_order, in_place_of_award
from custody.usecases.write_move import write_move

FIRST_WORD: Final = "award_written"
SAME = ("reference", "award_pence", "award_beside")
"""What both have to say."""


def nobody_may(_session: Session, _person: str) -> Collection[str]:
    """Nobody is known who could write it down too."""
    return ()


def takes_two(session: Session, file: CaseFile) -> bool:
    """Whether what was decided takes a second person; `file`: the case as it will be, held with its order's others."""
    return file.award_pence is not None and file.award_pence + _awarded_before(session, file) > MOST_PENCE


def has_another_written(
    session: Session, dispute: str, facts: Mapping[str, Any], actor: str, may_approve: MayApprove
) -> bool:
    """Whether somebody wrote the same down since the scheme took the case, of whom this account is another person."""
    same = [told for told in _first_words(session, dispute) if all(told[name] == facts[name] for name in SAME)]
    return any(is_another(actor, may_approve(session, told["person"])) for told in same)


def write_first_word(unit: Unit, file: CaseFile, facts: Mapping[str, Any], *, actor: str) -> CaseFile:
    """Keep what one person wrote down; the same again by the same person is kept once."""
    before = _first_words(unit.session, file.case.id)
    if any(told.items() >= facts.items() for told in before):
        return file
    return write_move(unit, file, file, FIRST_WORD, actor=actor, facts=facts, said=[])


def _first_words(session: Session, dispute: str) -> list[dict[str, Any]]:
    """What was written down alone since the scheme took the case."""
    found = list[dict[str, Any]]()
    for line in reversed(case_book.timeline(session, dispute)):
        if line.kind == "with_scheme":
            break
        if line.kind == FIRST_WORD:
            found.append(msgspec.json.decode(line.facts))
    return found


def _awarded_before(session: Session, file: CaseFile) -> int:
    """What schemes awarded in the reports of an order: promised, paid, or waiting for the customer's yes elsewhere."""
    names = cases_of_order(session, file.case.id)
    others = [case_book.read(session, name) for name in names - {file.case.id}]
    waiting = [other.award_pence or 0 for other in others if other.case.state == "adr_decided"]
    replaced = {each.id for each in in_place_of_award(session, file)}
    promised = [
        each.amount_pence or 0
        for name in names
        for each in case_book.promises(session, name)
        if each.method in {AS_DECIDED, ON_TOP} and each.id not in replaced
        if is_owed(each) or (each.state == KEPT and not each.came_back)
    ]
    return sum(waiting) + sum(promised)
