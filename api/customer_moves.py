"""What the customer says that reaches further than their case: locks of its phone, and the case it was joined into.

From the page of a joined case that is its customer's own, the word moves the one that goes on. From any other it is
only noted there: whoever holds the box can read its number and report it.
"""

from collections.abc import Sequence

from sqlmodel import Session

from api import joints, lock_news
from api.circumstances import is_customers
from custody.disputes.case import CaseState
from custody.disputes.machine import CaseRole
from custody.store import case_book
from custody.store.case_book import CaseFile
from custody.store.unit import Unit
from custody.usecases import move_case
from devicelock.store import LockOrderRow
from devicelock.usecases.lock_office import LockOffice

CUSTOMER = "customer"
REOPENED_BY_A_NO: frozenset[CaseState] = frozenset({"closed", "withdrawn"})


def found_it(unit: Unit, office: LockOffice, *, dispute: str) -> Sequence[LockOrderRow]:
    """The customer has the phone: its locks are released, and the case and the one that goes on end once they are over.

    Returns the orders that were released.
    """
    session = unit.session
    heard = case_book.goes_on(session, case_book.read(session, dispute))
    lock_news.hold_for_move(unit, disputes={dispute, heard.case.id})
    file = case_book.read(session, dispute)
    heard = case_book.goes_on(session, file)
    released = joints.customer_found_it(unit, office, dispute=dispute)
    session.flush()
    ends = {dispute}
    if _speaks_for(session, file, heard):
        ends.add(heard.case.id)
    elif file.found_ms is None:
        case_book.note(unit, heard.case.id, "joined_found", actor=CUSTOMER, facts={"from": dispute})
    for name in sorted(ends):
        move_case.found_it(unit, name, actor=CUSTOMER, locks_settled=joints.locks_settled(session, name))
    session.flush()
    return released


def disagrees(unit: Unit, office: LockOffice, *, dispute: str) -> None:
    """The customer does not agree: a lock that we only plan is off, and the case that goes on hears of it.

    It is opened again if it was over, and nothing that was done in it counts as having put it right.
    """
    session = unit.session
    goes_on = case_book.goes_on(session, case_book.read(session, dispute))
    lock_news.hold_for_move(unit, disputes={dispute, goes_on.case.id})
    file = case_book.read(session, dispute)
    heard = case_book.goes_on(session, file)
    name, state = heard.case.id, heard.case.state
    speaks = _speaks_for(session, file, heard)
    lock_news.customer_disagrees(unit, office, dispute=name if speaks else dispute)
    if not speaks:
        case_book.note(unit, name, "disagreed", actor=CUSTOMER, facts={"state": state})
    elif state == "remedied":
        move_case.not_fixed(unit, name, actor=CUSTOMER)
    elif state in REOPENED_BY_A_NO:
        move_case.reopen(unit, name, actor=CUSTOMER, role=CaseRole.CUSTOMER)
    else:
        move_case.disagrees(unit, name, actor=CUSTOMER)
    session.flush()


def take_back(unit: Unit, office: LockOffice, *, dispute: str) -> CaseFile:
    """The customer takes the report back: a lock that nobody has decided is off, and every other one must be over."""
    session = unit.session
    lock_news.hold_for_move(unit, disputes={dispute})
    lock_news.report_taken_back(unit, office, dispute=dispute)
    session.flush()
    settled = joints.locks_settled(session, dispute)
    return move_case.withdraw(unit, dispute, actor=CUSTOMER, locks_settled=settled)


def _speaks_for(session: Session, file: CaseFile, heard: CaseFile) -> bool:
    """Whether a case moves the one where it goes on: it is that one, or its customer's own, of the same phone."""
    return file.case.id == heard.case.id or (is_customers(session, file) and file.imei == heard.imei)
