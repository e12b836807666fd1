"""A handset that is sold again while a case of its earlier order is open: which cases that would take from whom.

Whoever bought a handset since has it, and the case of the order before speaks for it no more. Anybody who records
orders could say so of anybody's: it rings, and counts for such a case once another person has looked.
"""

from sqlmodel import Session

from api.circumstances import is_customers
from api.open_cases import open_cases
from custody.kernel.errors import NotFound
from custody.usecases.record_sale import Sale, read_sale


def disputes_of_other_orders(session: Session, sale: Sale) -> list[str]:
    """The open cases of their customers' own that are about the handset of a sale which nobody recorded yet."""
    others = (file for file in open_cases(session, sale.imei) if file.case.order_ref != sale.order_ref)
    return [file.case.id for file in others if is_customers(session, file)]


def is_recorded(session: Session, order_ref: str) -> bool:
    """Whether an order was recorded before."""
    try:
        read_sale(session, order_ref)
    except NotFound:
        return False
    return True
