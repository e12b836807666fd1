"""What was promised in every report of an order, read where a remedy is offered, and held where one is chosen.

Two reports are of one order if something of ours knows their reference: a sale, or a trail that a report led to. Where
both name a handset, or a parcel, it is the same one. What a report handed over when it was joined counts for the order
that it was promised for.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlmodel import Session

from custody.disputes.case import JOINED, WITHDRAWN
from custody.disputes.one_order import Before, OtherReport, before, of_its_order
from custody.disputes.opening import AN_OFFER
from custody.disputes.promise import Promise, is_owed
from custody.store import case_book
from custody.store.case_book import CaseFile
from custody.store.hold_found import hold_found
from custody.store.tables import SaleRow
from custody.store.unit import Unit

TAKEN_BACK = frozenset({WITHDRAWN, JOINED})
"""States of a case that says nothing any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedItem:
    """Which item of an order a report is about, and whether it named the order itself."""

    imei: str | None
    parcel: str | None
    names_order: bool


def hold_order(unit: Unit, dispute: str) -> CaseFile:
    """A case as it is now, held with every other report of its order until the unit ends; raises `NotFound`.

    While they are waited for one may be opened, or joined into another case, where its promises stand from then on.
    """
    session = unit.session
    held = hold_found(
        unit, lambda: (frozenset(cases_of_order(session, dispute)),), lambda found: case_book.hold(unit, found[0])
    )
    return held[dispute]


def hold_where_it_goes_on(unit: Unit, dispute: str) -> CaseFile:
    """The case in which somebody hears what is said in one, held; also if it is joined into another one just now."""
    session = unit.session
    held = hold_found(
        unit,
        lambda: (frozenset([case_book.goes_on(session, case_book.read(session, dispute)).case.id]),),
        lambda found: case_book.hold(unit, found[0]),
    )
    (file,) = held.values()
    return file


def cases_of_order(session: Session, dispute: str) -> set[str]:
    """A case, every other report of its order, and the cases in which joined ones go on; raises `NotFound`."""
    return {*reports_of_order(session, dispute)}


def reports_of_order(session: Session, dispute: str) -> dict[str, CaseFile]:
    """The files of the same, by case."""
    mine = case_book.read(session, dispute)
    order = mine.case.order_ref
    files = case_book.of_order(session, order) if order else []
    heard = [case_book.goes_on(session, file) for file in (mine, *files)]
    return {file.case.id: file for file in (mine, *heard, *files)}


def known_before(session: Session, file: CaseFile) -> Before:
    """What counts for a case of what was promised in it and in other reports of its order."""
    mine = _promised(session, file)
    about = ReportedItem(imei=file.imei, parcel=file.parcel, names_order=file.order_named)
    others = _others(session, file.case.order_ref, about, dispute=file.case.id, mine=mine)
    return before(mine, others, names_order=file.order_named)


def is_known(session: Session, order_ref: str | None, files: Iterable[CaseFile]) -> bool:
    """Whether something of ours knows an order: a sale, or a trail to which one of these reports of it was led."""
    if order_ref is None:
        return False
    return any(file.order_named for file in files) or session.get(SaleRow, order_ref) is not None


def known_elsewhere(session: Session, order_ref: str | None, about: ReportedItem) -> Before:
    """The same for a case that is not opened yet."""
    return before((), _others(session, order_ref, about), names_order=about.names_order)


def by_the_box(session: Session, file: CaseFile) -> list[CaseFile]:
    """The other reports of the item of a case that named what stands on its box and not the order."""
    about = ReportedItem(imei=file.imei, parcel=file.parcel, names_order=file.order_named)
    return [one for one in _beside(session, file.case.order_ref, about, dispute=file.case.id) if not one.order_named]


def promised_by_the_box(session: Session, report: CaseFile) -> list[Promise]:
    """What was promised for a report by the box; not what was for one that named the order and went on in one case."""
    heard = case_book.goes_on(session, report)
    return [one for one in _promised(session, report) if not report_of(session, heard, one).order_named]


def in_place_of_award(session: Session, file: CaseFile) -> list[Promise]:
    """What an award takes the place of once its customer says yes: an offer that is due, a remedy that is not done.

    One that stands beside it takes the place of nothing.
    """
    return [] if file.award_beside else stands_before_award(session, file)


def stands_before_award(session: Session, file: CaseFile) -> list[Promise]:
    """What is still to be done of what was offered, chosen or awarded before."""
    promised = of_its_order(file.case, case_book.promises(session, file.case.id))
    offers = [each for each in promised if each.what == AN_OFFER and is_owed(each)]
    return [*offers, *known_before(session, file).in_place]


def report_of(session: Session, file: CaseFile, promise: Promise) -> CaseFile:
    """The report that a promise of a case was made for: that one, or one of another order that was joined into it.

    Of several of that order it is one that named it.
    """
    if of_its_order(file.case, [promise]):
        return file
    joined = [case_book.read(session, name) for name in case_book.joined_into(session, file.case.id)]
    theirs = [report for report in joined if report.case.order_ref == promise.order_ref]
    return max(theirs, key=lambda report: report.order_named, default=file)


def _others(
    session: Session, order_ref: str | None, about: ReportedItem, *, dispute: str = "", mine: Iterable[Promise] = ()
) -> list[OtherReport]:
    """The other reports, each promise once: those that went on in one case have theirs together."""
    found, counted = list[OtherReport](), {promise.id for promise in mine}
    for file in sorted(_beside(session, order_ref, about, dispute=dispute), key=lambda one: not one.order_named):
        promised = tuple(each for each in _promised(session, file) if each.id not in counted)
        counted |= {promise.id for promise in promised}
        found.append(OtherReport(names_order=file.order_named, promises=promised))
    return found


def _promised(session: Session, file: CaseFile) -> tuple[Promise, ...]:
    """What was promised in a report for its order; where it was joined into one of another order, it stands there."""
    heard = case_book.goes_on(session, file)
    promises = case_book.promises(session, heard.case.id)
    if heard.case.order_ref == file.case.order_ref:
        return tuple(of_its_order(file.case, promises)) if heard is file else ()
    return tuple(each for each in promises if each.order_ref == file.case.order_ref)


def _beside(session: Session, order_ref: str | None, about: ReportedItem, *, dispute: str) -> list[CaseFile]:
    files = case_book.of_order(session, order_ref) if order_ref else []
    if not about.names_order and not is_known(session, order_ref, files):
        return []
    return [file for file in files if file.case.id != dispute and _same_item(file, about)]


def _same_item(file: CaseFile, about: ReportedItem) -> bool:
    if file.imei and about.imei:
        return file.imei == about.imei
    return not (file.parcel and about.parcel) or file.parcel == about.parcel
