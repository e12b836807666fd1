"""Reading and writing cases: the file of a case, its promises, messages, evidence and timeline."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import replace as change
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from custody.disputes.asks import Ledger
from custody.disputes.case import CASE, JOINED, Case
from custody.disputes.clocks import LegalClock
from custody.disputes.line import LineKind
from custody.disputes.lock_wish import LockWish
from custody.disputes.messages import Message
from custody.disputes.order import OrderFacts
from custody.disputes.promise import DUE_SOON, MADE, Promise
from custody.disputes.recourse import Recourse
from custody.disputes.referral import AT_THE_FRONT, NOT_HEARD, AtDesk
from custody.disputes.remedy import RemedyOffer
from custody.disputes.work_clocks import WorkClock
from custody.kernel.clock import Instant
from custody.kernel.errors import Conflict, NotFound
from custody.store import bulk, evidence_book
from custody.store.bulk import ask
from custody.store.engine import is_sqlite
from custody.store.newest_first import newest_first
from custody.store.owing import is_left_to_keep, is_to_bind, owes
from custody.store.tables import DisputeEventRow, DisputeRow, InquiryRow, MessageRow, PromiseRow
from custody.store.unit import Unit

OPEN = tuple(state for state in CASE.states if state not in CASE.terminal)
"""The states of a case that is not over; named one by one, they lead to its rows by their index."""
HANDSET_SEEN: Final = "handset_seen"
"""The line of a timeline that a handset wrote, and no person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFile:
    """A case with everything decided for it; stored as one JSON document.

    `award_beside`: what the scheme decided stands beside what was promised before, and takes the place of nothing.

    `order_named`: who reported it named the order itself, which stands on no handset and no box of one. A case older
    than that does not tell which number was quoted, and counts as one that quoted what stands on the box: what it had
    locked is freed by its customer's word, and a report that names the order, or staff who were told, prove a receipt.
    """

    case: Case
    order: OrderFacts
    offer: RemedyOffer | None
    ledger: Ledger
    work_clocks: tuple[WorkClock, ...]
    legal_clocks: tuple[LegalClock, ...]
    recourse: tuple[Recourse, ...]
    lock_wish: LockWish
    imei: str | None = None
    parcel: str | None = None
    order_named: bool = False
    found_instead: str = ""
    chosen: str | None = None
    hearing_due_ms: int | None = None
    proposed_by: str | None = None
    unpaid_credit_pence: int = 0
    award: str | None = None
    award_pence: int | None = None
    award_beside: bool = False
    found_ms: int | None = None
    at_desk: AtDesk = AT_THE_FRONT


def add(unit: Unit, file: CaseFile, *, token_hash: bytes) -> None:
    """Insert a new case."""
    unit.session.add(
        DisputeRow(
            id=file.case.id,
            state=file.case.state,
            claim_type=file.case.claim_type or "",
            order_ref=file.case.order_ref or "",
            owner=file.case.owner,
            policy_version=file.case.policy_version,
            token_hash=token_hash,
            opened_ms=file.case.opened_ms,
            version=1,
            facts=_json(file),
        )
    )


def read(session: Session, dispute: str) -> CaseFile:
    """The file of a case; raises `NotFound`."""
    bulk.write_first(session, DisputeRow)
    found = ask(session, "SELECT facts FROM dispute WHERE id = ?", (dispute,))
    if not found:
        raise _no_case(dispute)
    return msgspec.json.decode(found[0][0], type=CaseFile)


def hold(unit: Unit, disputes: Collection[str]) -> dict[str, CaseFile]:
    """These cases as they are now, by id; nobody else changes them until the unit ends."""
    query = select(DisputeRow).where(col(DisputeRow.id).in_(list(disputes))).order_by(col(DisputeRow.id))
    rows = unit.session.scalars(query.with_for_update().execution_options(populate_existing=True)).all()
    return {row.id: msgspec.json.decode(row.facts, type=CaseFile) for row in rows}


def claim(unit: Unit, disputes: Collection[str]) -> None:
    """Hold cases without reading them; on SQLite a unit holds everything from its beginning."""
    if disputes and not is_sqlite(unit.session.get_bind()):
        names = sorted(disputes)
        places = ", ".join("?" * len(names))
        ask(unit.session, f"SELECT id FROM dispute WHERE id IN ({places}) ORDER BY id FOR UPDATE", names)  # noqa: S608 - places only


def hold_one(unit: Unit, dispute: str) -> CaseFile:
    """One case as it is now, held until the unit ends; raises `NotFound`."""
    return hold(unit, [dispute]).get(dispute) or read(unit.session, dispute)


def read_by_token(session: Session, token_hash: bytes) -> CaseFile:
    """The file that a customer's token opens; raises `NotFound`."""
    row = session.scalars(select(DisputeRow).where(col(DisputeRow.token_hash) == token_hash)).one_or_none()
    if row is None:
        raise NotFound("token", "this link opens no case", fix="Use the whole link from our message, or call us.")
    return msgspec.json.decode(row.facts, type=CaseFile)


def version(session: Session, dispute: str) -> int:
    """How often a case was changed, its opening included; raises `NotFound`."""
    bulk.write_first(session, DisputeRow)
    found = ask(session, "SELECT version FROM dispute WHERE id = ?", (dispute,))
    if not found:
        raise _no_case(dispute)
    number: int = found[0][0]
    return number


def goes_on(session: Session, file: CaseFile) -> CaseFile:
    """The case where a joined one goes on; the case itself if it was not joined."""
    while file.case.joined_into is not None:
        file = read(session, file.case.joined_into)
    return file


def joined_into(session: Session, dispute: str) -> list[str]:
    """The cases that were joined into one, or into one of those."""
    query = select(col(DisputeRow.facts)).where(col(DisputeRow.state) == JOINED).order_by(col(DisputeRow.id))
    joined = [msgspec.json.decode(facts, type=CaseFile).case for facts in session.scalars(query).all()]
    found = [dispute]
    for name in found:
        found += [case.id for case in joined if case.joined_into == name]
    return found[1:]


def put_token(unit: Unit, dispute: str, token_hash: bytes) -> None:
    """Let another token open a case, and no other one."""
    row = unit.session.get_one(DisputeRow, dispute)
    row.token_hash = token_hash
    unit.session.add(row)


def replace(unit: Unit, file: CaseFile, *, before: CaseFile) -> int:
    """Store a changed file, and return its version; raises `Conflict` if somebody else changed it since it was read."""
    query = select(DisputeRow).where(col(DisputeRow.id) == file.case.id).with_for_update()
    row = unit.session.scalars(query.execution_options(populate_existing=True)).one()
    if _json(msgspec.json.decode(row.facts, type=CaseFile)) != _json(before):  # an older version knew fewer fields
        raise Conflict("changed", "the case was changed meanwhile", fix="Read the case again, then repeat.")
    row.state, row.claim_type, row.owner = file.case.state, file.case.claim_type or "", file.case.owner
    row.order_ref = file.case.order_ref or ""
    row.facts, row.version = _json(file), row.version + 1
    unit.session.add(row)
    return row.version


def listing(
    session: Session, *, state: str | None, after: str | None, limit: int, owed: bool = False
) -> list[CaseFile]:
    """Cases, newest first; `after` is the id that the page before ended with (`newest_first`).

    `owed`: only those in which something is owed (`owing`).
    """
    query = newest_first(session, DisputeRow, when="opened_ms", after=after).where(*asked_for(state=state, owed=owed))
    return [msgspec.json.decode(row.facts, type=CaseFile) for row in session.scalars(query.limit(limit)).all()]


def asked_for(*, state: str | None, owed: bool) -> list[ColumnElement[bool]]:
    """The conditions of a list: cases in one state, cases in which something is owed."""
    return [*([col(DisputeRow.state) == state] if state else []), *([owes()] if owed else [])]


def of_order(session: Session, order_ref: str) -> list[CaseFile]:
    """The cases that name an order or were led to it, by id."""
    query = select(col(DisputeRow.facts)).where(col(DisputeRow.order_ref) == order_ref).order_by(col(DisputeRow.id))
    return [msgspec.json.decode(facts, type=CaseFile) for facts in session.scalars(query).all()]


def orders_of(session: Session, disputes: Collection[str]) -> dict[str, str]:
    """The order that each of these cases names or was led to; empty where there is none."""
    query = select(col(DisputeRow.id), col(DisputeRow.order_ref)).where(col(DisputeRow.id).in_(list(disputes)))
    return dict.fromkeys(disputes, "") | dict(session.execute(query).all())


def open_after(session: Session, *, after: str, limit: int) -> list[CaseFile]:
    """Cases that are not over, or leave a promise that is to be kept or to bind us, by id, from behind one on."""
    mine = or_(col(DisputeRow.state).in_(OPEN), is_left_to_keep(), is_to_bind()), col(DisputeRow.id) > after
    query = select(col(DisputeRow.facts)).where(*mine).order_by(col(DisputeRow.id)).limit(limit)
    return [msgspec.json.decode(facts, type=CaseFile) for facts in session.scalars(query).all()]


def open_count_of(session: Session, owners: Sequence[str]) -> dict[str, int]:
    """How many open cases each of these people looks after."""
    mine = col(DisputeRow.state).in_(OPEN), col(DisputeRow.owner).in_(list(owners))
    query = select(col(DisputeRow.owner), func.count()).where(*mine)
    return dict(session.execute(query.group_by(col(DisputeRow.owner))).all())


def put_promise(unit: Unit, promise: Promise) -> None:
    """Insert or replace a promise."""
    row = unit.session.get(PromiseRow, promise.id)
    if row is None:
        row = PromiseRow(id=promise.id, dispute=promise.case_id, state="", due_ms=promise.due_ms, facts="")
    row.state, row.due_ms, row.facts = promise.state, promise.due_ms, _json(promise)
    unit.session.add(row)


def promises(session: Session, dispute: str) -> list[Promise]:
    """The promises of a case, by due time."""
    return promises_of(session, [dispute])[dispute]


def promises_of(session: Session, disputes: Collection[str]) -> dict[str, list[Promise]]:
    """The promises of several cases, those of each by due time."""
    query = select(PromiseRow).where(col(PromiseRow.dispute).in_(list(disputes))).order_by(col(PromiseRow.due_ms))
    found: dict[str, list[Promise]] = {dispute: [] for dispute in disputes}
    for row in session.scalars(query).all():
        found[row.dispute].append(msgspec.json.decode(row.facts, type=Promise))
    return found


def hand_over(unit: Unit, dispute: str, into: str, *, order_ref: str | None) -> None:
    """Give what was promised and what the customer gave to another case, and the investigation if it has none.

    `order_ref`: of the order that the promises are for, if the other case is about another one.
    """
    for row in unit.session.scalars(select(PromiseRow).where(col(PromiseRow.dispute) == dispute)).all():
        promise = msgspec.json.decode(row.facts, type=Promise)
        row.dispute = into
        row.facts = _json(change(promise, case_id=into, order_ref=promise.order_ref or order_ref))
        unit.session.add(row)
    evidence_book.hand_over(unit.session, dispute, into)
    inquiries = unit.session.scalars(select(InquiryRow).where(col(InquiryRow.dispute).in_([dispute, into]))).all()
    if [one.dispute for one in inquiries] == [dispute]:
        inquiries[0].dispute = into
        unit.session.add(inquiries[0])
    unit.session.flush()


def promises_due(session: Session, *, soon_ms: Instant, missed_ms: Instant, limit: int) -> list[Promise]:
    """Promises that are to be due soon, by one moment, or missed, by another one, soonest first."""
    soon = and_(col(PromiseRow.state) == MADE, col(PromiseRow.due_ms) <= soon_ms)
    missed = and_(col(PromiseRow.state) == DUE_SOON, col(PromiseRow.due_ms) <= missed_ms)
    query = select(PromiseRow).where(or_(soon, missed))
    rows = session.scalars(query.order_by(col(PromiseRow.due_ms)).limit(limit)).all()
    return [msgspec.json.decode(row.facts, type=Promise) for row in rows]


def promises_again(session: Session, names: Sequence[str]) -> list[Promise]:
    """These promises as they are now, by due time."""
    query = select(PromiseRow).where(col(PromiseRow.id).in_(list(names))).order_by(col(PromiseRow.due_ms))
    rows = session.scalars(query.execution_options(populate_existing=True)).all()
    return [msgspec.json.decode(row.facts, type=Promise) for row in rows]


def say(unit: Unit, dispute: str, messages: Sequence[Message]) -> None:
    """Show messages to the customer, in order."""
    lines = [{"dispute": dispute, "at_ms": unit.now_ms, "text": message.text} for message in messages]
    bulk.add(unit.session, MessageRow, lines)


def messages(session: Session, dispute: str) -> list[tuple[int, str]]:
    """What the customer was told, with the time, in order."""
    query = select(MessageRow).where(col(MessageRow.dispute) == dispute).order_by(col(MessageRow.id))
    return [(row.at_ms, row.text) for row in session.scalars(query).all()]


def note(unit: Unit, dispute: str, kind: LineKind, *, actor: str, facts: Mapping[str, Any]) -> int:
    """Write a line of the timeline with its number, and a record of it into the log; returns the record's index.

    A kind with a dot is also the record's own.
    """
    told = {**facts, "line": next_line(unit, dispute)}
    named = kind if "." in kind else f"dispute.{kind}"
    idx = unit.record(named, {"dispute": dispute, "actor": actor, **told})
    line = {"dispute": dispute, "at_ms": unit.now_ms, "actor": actor, "kind": kind, "idx": idx}
    bulk.add(unit.session, DisputeEventRow, [{**line, "facts": _json(told)}])
    return idx


def next_line(unit: Unit, dispute: str) -> int:
    """The number of the next line of a timeline; no other unit can take it, since none appends before this one ends."""
    unit.log.claim()
    bulk.write_first(unit.session, DisputeEventRow)
    lines: int = ask(unit.session, "SELECT count(*) FROM dispute_event WHERE dispute = ?", (dispute,))[0][0]
    return lines + 1


def timeline(session: Session, dispute: str) -> list[DisputeEventRow]:
    """The timeline of a case, in order."""
    query = select(DisputeEventRow).where(col(DisputeEventRow.dispute) == dispute).order_by(col(DisputeEventRow.id))
    return list(session.scalars(query).all())


def disagreed(session: Session, disputes: Collection[str]) -> set[str]:
    """Those of these cases whose customer does not agree, and has been heard by no person since."""
    later = aliased(DisputeEventRow)
    heard = select(col(later.id)).where(
        col(later.dispute) == col(DisputeEventRow.dispute),
        col(later.id) > col(DisputeEventRow.id),
        col(later.actor).not_in(["customer", "system"]),
        col(later.kind).not_in([HANDSET_SEEN, *NOT_HEARD]),
    )
    said = select(col(DisputeEventRow.dispute)).where(
        col(DisputeEventRow.dispute).in_(list(disputes)), col(DisputeEventRow.kind) == "disagreed", ~heard.exists()
    )
    return set(session.scalars(said).all())


def first_ms(session: Session, dispute: str, kind: LineKind) -> Instant | None:
    """When the first line of a kind came into the timeline of a case; None if none did."""
    question = "SELECT min(at_ms) FROM dispute_event WHERE dispute = ? AND kind = ?"
    at_ms: Instant | None = ask(session, question, (dispute, kind))[0][0]
    return at_ms


def _no_case(dispute: str) -> NotFound:
    return NotFound("dispute", f"there is no case {dispute!r}", fix="List cases with GET /v1/disputes.")


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
