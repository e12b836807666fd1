"""Finding cases: the lists of the console, and the one box that takes anything.

The box takes a case id, a lock order, an order reference, an IMEI or a parcel number in any form, and the e-mail
address, phone number or name in an order's contact. Nobody is ever asked for a second one: a number that no record has
leads to the case in which a customer gave it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlmodel import Session

from api.routes.reports import given_number
from custody.kernel.errors import NotFound, Rejected
from custody.kernel.ids import as_typed
from custody.store import case_book, case_lists, sale_book, worklist
from custody.store.case_book import CaseFile
from custody.trail.names import ask, is_parcel
from custody.usecases.read_trail import read_trail
from custody.usecases.record_sale import sale_of_imei
from devicelock import store as lock_store

PAGE = 25
LEAST_CONTACT = 4
MOST_FOUND = 50
READ_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A page of cases and the cursor of the next one; None at the end."""

    files: tuple[CaseFile, ...]
    onward: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxFound:
    """What the box led to: cases, and what is known where there is no case yet."""

    files: tuple[CaseFile, ...] = ()
    orders: tuple[str, ...] = ()
    parcel: str | None = None

    @property
    def nothing(self) -> bool:
        """Whether nothing is known at all."""
        return not (self.files or self.orders or self.parcel)


def list_cases(session: Session, *, owner: str | None, show: str, after: str | None) -> Listed:
    """Cases, newest first: those that ended, that owe something, or that are open; those of one owner if asked.

    Those with a promise that is due come soonest first.
    """
    if show == "due":
        due = worklist.soonest_first(session, after=after, limit=PAGE + 1)
        return Listed(files=tuple(one.file for one in due[:PAGE]), onward=due[PAGE - 1].cursor if due[PAGE:] else None)
    files = case_lists.page(session, show=show, owner=owner, after=after, limit=PAGE + 1)
    return Listed(files=files[:PAGE], onward=files[PAGE - 1].case.id if len(files) > PAGE else None)


def cases_of_orders(session: Session, references: Sequence[str]) -> tuple[CaseFile, ...]:
    """The cases about these orders, newest first."""
    return case_lists.of_orders(session, references, limit=MOST_FOUND)


def cases_about(session: Session, numbers: Collection[str], *, of_no_order: bool = False) -> tuple[CaseFile, ...]:
    """The cases of a parcel or a handset, or to which a customer gave one of these numbers, newest first.

    Every case is read for them; `of_no_order`: only those without an order, which are few.
    """
    lines = {given_number(number) for number in numbers}
    return tuple(
        file
        for file in case_lists.holding(session, numbers, of_no_order=of_no_order, limit=READ_AT_ONCE)
        if {file.parcel, file.imei} & {*numbers} or lines & {*file.case.anything_else.splitlines()}
    )[:MOST_FOUND]


def find(session: Session, text: str) -> BoxFound:
    """Everything that a text may mean; the first kind of thing that is known wins."""
    asked = text.strip()
    if not asked:
        return BoxFound()
    for look in (_by_id, _by_order, _by_item, _by_number, _by_contact):
        found = look(session, asked)
        if not found.nothing:
            return found
    return BoxFound()


def _by_id(session: Session, asked: str) -> BoxFound:
    order = lock_store.find_order(session, asked)
    try:
        dispute = order.dispute if order and order.dispute else as_typed("case", asked)
        return BoxFound(files=(case_book.read(session, dispute),))
    except NotFound:
        return BoxFound()


def _by_order(session: Session, asked: str) -> BoxFound:
    reference = asked.removeprefix("po:")
    files = cases_of_orders(session, [reference])
    known = sale_book.find(session, reference) is not None
    return BoxFound(files=files, orders=(reference,) if files or known else ())


def _by_item(session: Session, asked: str) -> BoxFound:
    try:
        things = read_trail(session, asked).trail.belongings
    except (NotFound, Rejected):
        return _by_sale(session, asked)
    orders = tuple(reference.removeprefix("po:") for reference in things.orders)
    names = {name for item in things.items for name in item.names if "gsma:imei" in name}
    sold = [sale.sale.order_ref for name in sorted(names) if (sale := sale_of_imei(session, name))]
    references = tuple(dict.fromkeys((*orders, *sold)))
    parcel = things.parcel if things.parcel and is_parcel(things.parcel) else None
    files = cases_of_orders(session, references) or cases_about(session, {*names, *filter(None, [parcel])})
    return BoxFound(files=files, orders=references, parcel=parcel)


def _by_sale(session: Session, asked: str) -> BoxFound:
    """A handset that was sold and never scanned."""
    try:
        sale = sale_of_imei(session, ask(asked))
    except Rejected:
        return BoxFound()
    references = (sale.sale.order_ref,) if sale else ()
    return BoxFound(files=cases_of_orders(session, references), orders=references)


def _by_number(session: Session, asked: str) -> BoxFound:
    """A number that no record has, as a customer gave it."""
    return BoxFound(files=cases_about(session, {"".join(asked.split())}))


def _by_contact(session: Session, asked: str) -> BoxFound:
    """Sales whose contact holds the text, newest first; those with a case come first, however many others there are."""
    if len(asked) < LEAST_CONTACT:
        return BoxFound()
    references = sale_book.with_contact(session, asked, limit=MOST_FOUND)
    return BoxFound(files=cases_of_orders(session, references), orders=references)
