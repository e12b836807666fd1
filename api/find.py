"""Finding cases: one box takes anything, for people and for programs such as a phone menu.

The box takes a case id, a lock order, an order reference, an IMEI or a parcel number in any form, and the e-mail
address, phone number, or words such as name and postcode, in an order's contact, alone or after the order reference.
Nobody is ever asked for a second one, nor whether they are served today: a number that no record has leads to the case
in which a customer gave it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlmodel import Session

from custody.kernel.errors import NotFound, Rejected
from custody.kernel.ids import as_typed
from custody.store import case_book, case_lists, sale_book
from custody.store.case_book import CaseFile
from custody.trail.names import ask, is_parcel
from custody.usecases.find_parcel import meant_order
from custody.usecases.read_trail import read_trail
from custody.usecases.record_sale import sale_of_imei
from custody.usecases.trails_ahead import TrailsAhead
from devicelock import store as lock_store

LEAST_CONTACT = 4
MOST_FOUND = 50
READ_AT_ONCE = 500
MOST_ASKED = 200
"""So many characters of what is typed are looked at."""


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


GIVEN = "Number given: "


def given_number(item: str) -> str:
    """The line by which a case holds a number that no record has."""
    return f"{GIVEN}{''.join(item.split())}"


def numbers_given(file: CaseFile) -> list[str]:
    """The numbers that a case holds by such lines."""
    lines = file.case.anything_else.splitlines()
    return [line.removeprefix(GIVEN) for line in lines if line.startswith(GIVEN)]


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
    for look in (_by_id, _by_order, _by_item, _by_number, _by_contact, _by_order_and_contact):
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
    if not files:
        reference = meant_order(session, reference, TrailsAhead())
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


def _by_order_and_contact(session: Session, asked: str) -> BoxFound:
    """An order reference, and after it words of its contact."""
    reference, _, words = asked.partition(" ")
    sale = sale_book.find(session, reference.removeprefix("po:"))
    if sale is None or not words.strip() or not sale_book.has_contact(sale, words):
        return BoxFound()
    return BoxFound(files=cases_of_orders(session, [sale.order_ref]), orders=(sale.order_ref,))
