"""Erasing: what is deleted for a parcel and for a case, and what stays.

- Of a parcel: the openings (salt and content) of its scans, every key they were found under but the parcel's own and
  those of other things that the judge remembers by them, what the judge remembered of it and of its items, but for
  other parcels that these were packed into, what investigations were computed from, the seller's contact and
  names of who is who, and the opening of the sale's record.
- Of a case: words, notes, names of who is who, what was asked, answers, messages, files, the facts of its timeline, the
  openings of its records, the customer's link, what they were promised elsewhere, and what was promised in other words
  than ours, as an independent scheme decided it.

What stays is what nobody can link to a person any more: the entries themselves, which hold a salted digest, who scanned
when, states, amounts and due times. On SQLite the freed pages are overwritten too.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, func, select, text, update
from sqlmodel import Session, col

from custody.disputes.asks import Ledger
from custody.disputes.case import JOINED
from custody.disputes.opening import NOT_BY_THE_REMEDY
from custody.disputes.people import told_here
from custody.disputes.promise import Promise
from custody.disputes.remedy import WORDS
from custody.kernel.clock import Instant
from custody.scans.place import index_of, tell_place
from custody.scans.view import UnitView
from custody.store import case_book, exception_book, lesson_book, outside_book, scan_book
from custody.store.aside_book import Named, are_of, keys_in, speaks_of
from custody.store.case_book import OPEN, CaseFile
from custody.store.inquiry_answer import RECOMPUTE, examined, without_inputs
from custody.store.run_tables import ItemKeyRow
from custody.store.runs import in_runs
from custody.store.tables import (
    AskRow,
    DisputeEventRow,
    DisputeRow,
    ErasureRow,
    EvidenceRow,
    InquiryRow,
    MessageRow,
    OpeningRow,
    ParcelRow,
    PromiseRow,
    QuarantineRow,
    SaleRow,
)

ERASED = "erased"
AT_ONCE = 500
HAS_OPENING = col(QuarantineRow.opening) != b""
OUR_PROMISES = NOT_BY_THE_REMEDY.union(WORDS.values())
"""What we promise in words of our own, which say nothing of anybody and by which money of an order is counted.

A scheme may decide the same in the same words, and begin them with a capital letter.
"""


FROM_AN_ORDER = 'by_order":true'
"""In the facts of a case: a name or a contact that came from its order (`people.Person`)."""


def erasures_by_since(session: Session, actors: Collection[str], since_ms: Instant) -> int:
    """How much these accounts have erased since a moment."""
    mine = (col(ErasureRow.actor).in_(list(actors)), col(ErasureRow.at_ms) >= since_ms)
    return session.scalar(select(func.count()).select_from(ErasureRow).where(*mine)) or 0


def erasures_of(session: Session, target: str) -> list[ErasureRow]:
    """What was erased of a parcel or a case, oldest first."""
    query = select(ErasureRow).where(col(ErasureRow.target) == target).order_by(col(ErasureRow.at_ms))
    return list(session.scalars(query).all())


def erased_after(session: Session, index: int) -> dict[int, str]:
    """What was erased by notices after an entry: the names of parcels, cases and shards by the notices' indexes."""
    query = select(col(ErasureRow.idx), col(ErasureRow.target)).where(col(ErasureRow.idx) > index)
    return {row.idx: row.target for row in session.execute(query)}


def notices_of(session: Session, places: Collection[int]) -> set[int]:
    """The entries of the notices that say of these openings that they were erased."""
    held = select(col(OpeningRow.place)).where(col(OpeningRow.place).in_(places), col(OpeningRow.content).is_(None))
    erased = {tell_place(place) for place in session.scalars(held)}
    if not erased:
        return set()
    query = select(col(ErasureRow.idx), col(ErasureRow.facts)).where(col(ErasureRow.idx) > index_of(min(places)))
    return {row.idx for row in session.execute(query) if not erased.isdisjoint(_openings(row.facts))}


def _openings(facts: str) -> Iterator[int | tuple[int, ...]]:
    for told in msgspec.json.decode(facts)["openings"]:
        yield tuple(told) if isinstance(told, list) else told


def open_cases(session: Session) -> list[CaseFile]:
    """Every case that is not over, and every one that was joined into one of these: it goes on there."""
    query = select(col(DisputeRow.facts)).where(col(DisputeRow.state).in_((*OPEN, JOINED)))
    found = {file.case.id: file for file in map(msgspec.json.Decoder(CaseFile).decode, session.scalars(query))}

    def goes_on(file: CaseFile | None) -> bool:
        while file is not None and file.case.joined_into is not None:
            file = found.get(file.case.joined_into)
        return file is not None

    return [file for file in found.values() if goes_on(file)]


def cases_of(session: Session, orders: Collection[str]) -> list[str]:
    """The cases that name these orders or were led to one of them."""
    return list(session.scalars(select(col(DisputeRow.id)).where(col(DisputeRow.order_ref).in_(orders))).all())


def delete_openings(session: Session, places: Collection[int], *, at_ms: Instant) -> list[int]:
    """Delete these openings; returns the places that still had one."""
    held = select(col(OpeningRow.place)).where(col(OpeningRow.place).in_(places), col(OpeningRow.content).is_not(None))
    found = sorted(session.scalars(held).all())
    change = update(OpeningRow).where(col(OpeningRow.place).in_(found)).values(content=None, erased_ms=at_ms)
    session.connection().execute(change)
    return found


def forget_scans(session: Session, places: Collection[int], *, but: Collection[str]) -> None:
    """Delete the keys that scans are found under, other than these."""
    keys = delete(ItemKeyRow).where(col(ItemKeyRow.place).in_(places), col(ItemKeyRow.key).not_in(but))
    session.connection().execute(keys)


def forget_parcels(session: Session, parcel: str, items: Iterable[str], *, going_on: Collection[str]) -> None:
    """Delete what the judge remembered of a parcel and its items, and, but for the parcel, where they were found once.

    Of items that are `going_on` it keeps that something was erased, and which other parcel they were packed into last.
    """
    names = [parcel, *items]
    run = session.connection().execute
    held = {key: msgspec.json.decode(view, type=UnitView) for key, view in scan_book.parcels(session, going_on).items()}
    run(delete(ParcelRow).where(col(ParcelRow.key).in_(names)))
    packed = {key: view.packed for key, view in held.items() if view.packed and view.packed.parcel != parcel}
    left = {key: UnitView(known=False, packed=packed.get(key), erased=True) for key in going_on}
    scan_book.put_parcels(session, {key: msgspec.json.encode(view).decode() for key, view in left.items()})
    erased = select(col(OpeningRow.place)).where(col(OpeningRow.content).is_(None))
    found = delete(ItemKeyRow).where(text(in_runs(session, ItemKeyRow)), col(ItemKeyRow.key).in_(names))
    run(found.where(col(ItemKeyRow.place).in_(erased), col(ItemKeyRow.key) != parcel))


def read_quarantine(session: Session) -> Named:
    """What each quarantined statement names, read before the unit that forgets some of them.

    100,000 of them take a quarter of a minute, anybody can have them kept, and no scan is taken while a unit lasts.
    """
    kept = select(QuarantineRow).where(HAS_OPENING).execution_options(yield_per=AT_ONCE)
    return {(row.digest, row.name): keys_in(row) for row in session.scalars(kept)}


def forget_quarantined(session: Session, names: Collection[str], *, orders: Collection[str], ahead: Named) -> int:
    """Delete the openings of quarantined statements about these things or orders (`speaks_of`); returns how many.

    `ahead`: what was read before; what came since is read now.
    """
    of_row = select(col(QuarantineRow.digest), col(QuarantineRow.name)).where(HAS_OPENING)
    kept = [(digest, name) for digest, name in session.execute(of_row)]
    told = {key: keys for key in kept if (keys := ahead.get(key)) is not None}
    gone = [key for key, keys in told.items() if are_of(keys, names, orders=orders)]
    unread = {digest for digest, name in kept if (digest, name) not in told}
    came = (row for row in _unread(session, unread) if (row.digest, row.name) not in told)
    gone += [(row.digest, row.name) for row in came if speaks_of(row, names, orders=orders)]
    own = (col(QuarantineRow.digest) == bindparam("of"), col(QuarantineRow.name) == bindparam("named"))
    if gone:
        change = update(QuarantineRow).where(*own).values(opening=b"")
        session.connection().execute(change, [{"of": digest, "named": name} for digest, name in gone])
    return len(gone)


def _unread(session: Session, digests: Collection[bytes]) -> Iterator[QuarantineRow]:
    left = sorted(digests)
    for first in range(0, len(left), AT_ONCE):
        part = col(QuarantineRow.digest).in_(left[first : first + AT_ONCE])
        yield from session.scalars(select(QuarantineRow).where(part, HAS_OPENING))


def forget_contacts(session: Session, orders: Iterable[str]) -> list[int]:
    """Delete contact, region and names in the sales of these orders; returns the entries of their records.

    The names that came from an order into its cases go too.
    """
    references = list(orders)
    named = col(DisputeRow.order_ref).in_(references), col(DisputeRow.facts).contains(FROM_AN_ORDER)
    for case in session.scalars(select(DisputeRow).where(*named)).all():
        file = msgspec.json.decode(case.facts, type=CaseFile)
        here = told_here(file.case.people)
        if here != file.case.people:
            bare = replace(file, case=replace(file.case, people=here))
            case.facts, case.version = msgspec.json.encode(bare).decode(), case.version + 1
            session.add(case)
    rows = session.scalars(select(SaleRow).where(col(SaleRow.order_ref).in_(references))).all()
    for row in rows:
        facts: dict[str, Any] = msgspec.json.decode(row.facts)
        row.facts = msgspec.json.encode({**facts, "contact": "", "region": None, "people": None}).decode()
        session.add(row)
    session.flush()
    return [row.recorded_idx for row in rows]


def sold_elsewhere(session: Session, imeis: Collection[str], orders: Collection[str]) -> set[str]:
    """Those of these handsets that were sold in another order as well, whose customer's contact is still there."""
    others = select(SaleRow).where(col(SaleRow.imei).in_(imeis), col(SaleRow.order_ref).not_in(orders))
    return {row.imei for row in session.scalars(others) if msgspec.json.decode(row.facts)["contact"]}


def forget_inputs(session: Session, parcels: Collection[str]) -> None:
    """Delete what investigations of these parcels were computed from, which is what their scans told.

    The investigation of a report that was joined may be that of the case that goes on, which names a parcel of its own.
    """
    computed = select(InquiryRow).where(col(InquiryRow.result).contains(f'"{RECOMPUTE}"'))
    for row in session.scalars(computed).all():
        result = row.result or ""
        if case_book.read(session, examined(result)).parcel in parcels:
            answer, _ = without_inputs(result)
            row.result = msgspec.json.encode(answer).decode()
            session.add(row)
    session.flush()


def forget_case(session: Session, dispute: str, *, token_hash: bytes) -> list[int]:
    """Delete everything personal of a case; returns the entries of its records."""
    row = session.get_one(DisputeRow, dispute)
    file = msgspec.json.decode(row.facts, type=CaseFile)
    case = replace(file.case, words=ERASED, channel=ERASED, support_needs=(), notes_in_favour=())
    case = replace(case, anything_else="", people=None)
    asks = tuple(replace(one, item=ERASED, text=ERASED, pointer=None) for one in file.ledger.asks)
    ledger = Ledger(asks=asks, holdings=())
    bare = replace(file, case=case, found_instead="", ledger=ledger, award=None)
    row.facts = msgspec.json.encode(bare).decode()
    row.token_hash, row.version = token_hash, row.version + 1
    session.add(row)
    session.flush()
    of_case: Mapping[Any, Any] = {AskRow: AskRow.dispute, EvidenceRow: EvidenceRow.dispute}
    for table, column in of_case.items():
        session.connection().execute(delete(table).where(col(column) == dispute))
    session.connection().execute(update(MessageRow).where(col(MessageRow.dispute) == dispute).values(text=ERASED))
    _forget_promised(session, dispute)
    outside_book.forget(session, dispute)
    exception_book.forget(session, dispute)
    lesson_book.forget(session, dispute, instead=ERASED)
    events = select(col(DisputeEventRow.idx)).where(col(DisputeEventRow.dispute) == dispute)
    indexes = [index for index in session.scalars(events).all() if index is not None]
    lines = update(DisputeEventRow).where(col(DisputeEventRow.dispute) == dispute).values(facts="{}")
    session.connection().execute(lines)
    return indexes


def _forget_promised(session: Session, dispute: str) -> None:
    for row in session.scalars(select(PromiseRow).where(col(PromiseRow.dispute) == dispute)).all():
        promise = msgspec.json.decode(row.facts, type=Promise)
        if promise.what.lower() not in OUR_PROMISES:
            row.facts = msgspec.json.encode(replace(promise, what=ERASED)).decode()
            session.add(row)
    session.flush()
