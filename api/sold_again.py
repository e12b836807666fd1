"""A handset that is sold again while a case of its earlier order is open: which cases that would take from whom.

Whoever bought a handset since has it, and the case of the order before speaks for it no more. Anybody who records
orders could say so of anybody's: it rings, and counts for such a case once another person has looked.
"""

from sqlmodel import Session

from api import joints
from api.circumstances import cases_of, is_customers
from custody.disputes.case import CASE
from custody.kernel.errors import NotFound
from custody.store import case_lists
from custody.usecases.record_sale import Sale, read_sale

MOST_CASES = 50


def disputes_of_other_orders(session: Session, sale: Sale) -> list[str]:
    """The open cases of their customers' own that are about the handset of a sale which nobody recorded yet."""
    if _is_recorded(session, sale.order_ref):
        return []
    before = joints.find_handset(session, order_ref=None, item=sale.imei).order_ref
    of_order = case_lists.of_orders(session, [before] if before else [], limit=MOST_CASES)
    found = {file.case.id: file for file in (*cases_of(session, sale.imei), *of_order)}
    return [
        name
        for name, file in found.items()
        if file.imei == sale.imei
        and file.case.state not in CASE.terminal
        and file.case.order_ref != sale.order_ref
        and is_customers(session, file)
    ]


def _is_recorded(session: Session, order_ref: str) -> bool:
    try:
        read_sale(session, order_ref)
    except NotFound:
        return False
    return True
