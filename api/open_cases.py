"""The open cases about a handset: of its newest sale's order, of that which the trail names, and with a lock of it."""

from sqlmodel import Session

from api.circumstances import cases_of
from custody.disputes.case import CASE
from custody.store import case_lists
from custody.store.case_book import CaseFile
from custody.usecases.find_handset import find_handset

MOST_CASES = 50


def open_cases(session: Session, imei: str) -> list[CaseFile]:
    """Those that name the handset, whoever they are of."""
    order_ref = find_handset(session, order_ref=None, item=imei).order_ref
    of_order = case_lists.of_orders(session, [order_ref] if order_ref else [], limit=MOST_CASES)
    found = {file.case.id: file for file in (*cases_of(session, imei), *of_order)}
    return [file for file in found.values() if file.imei == imei and file.case.state not in CASE.terminal]
