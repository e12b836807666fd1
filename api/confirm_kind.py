"""The customer says what kind of problem it is: the offer, the lock and the investigation follow as from a report."""

from api import joints, lock_news
from custody.disputes.machine import CaseRole
from custody.kernel.errors import Conflict
from custody.store import case_book
from custody.store.unit import Unit
from custody.usecases import move_case
from devicelock.usecases.lock_office import LockOffice


def confirm_kind(unit: Unit, office: LockOffice, *, dispute: str, claim_type: str) -> None:
    """Agree on a kind where none is agreed; the same again is no error, another one a `Conflict`."""
    lock_news.hold_for_move(unit, disputes={dispute})
    case = case_book.read(unit.session, dispute).case
    if case.claim_type == claim_type:
        return
    if case.claim_type is not None:
        raise Conflict(
            "kind_agreed", "we agreed with you on another kind of problem", fix="Tell us below, and we put it right."
        )
    file = move_case.classify_and_offer(
        unit,
        dispute,
        claim_type=claim_type,
        terms=move_case.OfferTerms(
            custody_words=case.words, lock_facts=joints.wish_facts_of_case(unit.session, dispute)
        ),
        actor="customer",
        role=CaseRole.SYSTEM,
    )
    unit.session.flush()
    joints.lock_as_agreed(unit, office, file, actor="customer")
