"""What was promised in every report of an order, read where a remedy is offered, and held where one is chosen.

Two reports are of one order if something of ours knows their reference: a sale, or a trail that a report led to. Where
both name a handset, or a parcel, it is the same one. What a report handed over when it was joined counts for the order
that it was promised for.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlmodel import Session

from custody.disputes.one_order import Before, OtherReport, before
from custody.disputes.promise import Promise
from custody.store import case_book
from custody.store.case_book import CaseFile
from custody.store.tables import SaleRow
from custody.store.unit import Unit

TAKEN_BACK = frozenset({"withdrawn", "merged"})
"""States of a case that says nothing any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """Which item of an order a report is about, and whether it named the order itself."""

    imei: str | None
    parcel: str | None
    names_order: bool


def hold_order(unit: Unit, dispute: str) -> CaseFile:
    """A case as it is now, held with every other report of its order until the unit ends; raises `NotFound`."""
    order = case_book.read(unit.session, dispute).case.order_ref
    files = case_book.of_order(unit.session, order) if order else []
    heard = {case_book.goes_on(unit.session, file).case.id for file in files}
    return case_book.hold(unit, {dispute, *heard, *(file.case.id for file in files)})[dispute]


def known_before(session: Session, file: CaseFile) -> Before:
    """What counts for a case of what was promised in it and in other reports of its order."""
    mine = for_its_order(file, case_book.promises(session, file.case.id))
    about = About(imei=file.imei, parcel=file.parcel, names_order=file.order_named)
    others = _others(session, file.case.order_ref, about, dispute=file.case.id)
    return before(mine, others, names_order=file.order_named)


def is_known(session: Session, order_ref: str | None, files: Iterable[CaseFile]) -> bool:
    """Whether something of ours knows an order: a sale, or a trail to which one of these reports of it was led."""
    if order_ref is None:
        return False
    return any(file.order_named for file in files) or session.get(SaleRow, order_ref) is not None


def for_its_order(file: CaseFile, promises: Iterable[Promise]) -> list[Promise]:
    """Of the promises of a case those for the order that it is about."""
    return [each for each in promises if each.order_ref in {None, file.case.order_ref}]


def known_elsewhere(session: Session, order_ref: str | None, about: About) -> Before:
    """The same for a case that is not opened yet."""
    return before((), _others(session, order_ref, about), names_order=about.names_order)


def by_the_box(session: Session, file: CaseFile) -> list[CaseFile]:
    """The other reports of the item of a case that named what stands on its box and not the order."""
    about = About(imei=file.imei, parcel=file.parcel, names_order=file.order_named)
    return [one for one in _beside(session, file.case.order_ref, about, dispute=file.case.id) if not one.order_named]


def _others(session: Session, order_ref: str | None, about: About, *, dispute: str = "") -> list[OtherReport]:
    return [
        OtherReport(
            taken_back=file.case.state == "withdrawn",
            names_order=file.order_named,
            promises=_promised(session, file),
        )
        for file in _beside(session, order_ref, about, dispute=dispute)
    ]


def _promised(session: Session, file: CaseFile) -> tuple[Promise, ...]:
    """What was promised in a report for its order; where it was joined into one of another order, it stands there."""
    heard = case_book.goes_on(session, file)
    promises = case_book.promises(session, heard.case.id)
    if heard.case.order_ref == file.case.order_ref:
        return tuple(for_its_order(file, promises)) if heard is file else ()
    return tuple(each for each in promises if each.order_ref == file.case.order_ref)


def _beside(session: Session, order_ref: str | None, about: About, *, dispute: str) -> list[CaseFile]:
    files = case_book.of_order(session, order_ref) if order_ref else []
    if not about.names_order and not is_known(session, order_ref, files):
        return []
    return [file for file in files if file.case.id != dispute and _same_item(file, about)]


def _same_item(file: CaseFile, about: About) -> bool:
    if file.imei and about.imei:
        return file.imei == about.imei
    return not (file.parcel and about.parcel) or file.parcel == about.parcel
