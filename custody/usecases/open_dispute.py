"""Opening a dispute: case, owner, presumption, promises, clocks, remedy offer and investigation in one unit of work.

The lock is not made here: `Disputed.file.lock_wish` says whether one is fair, and on which handset.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlmodel import Session

from custody.disputes.civil import civil_date
from custody.disputes.opening import Opened, Report, open_case
from custody.disputes.order import odd_days
from custody.disputes.policy import DEFAULT_POLICY, CaseworkPolicy
from custody.kernel.ids import spell
from custody.store import case_book, inquiry_book
from custody.store.case_book import CaseFile
from custody.store.unit import Unit
from custody.usecases.keep_word import hold_told
from custody.usecases.read_order import ReportedItem, known_elsewhere

NAME_BYTES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Disputed:
    """A dispute as it was opened; the token opens the customer's page and is shown once."""

    file: CaseFile
    opened: Opened
    token: str
    investigation: str | None


def open_dispute(
    unit: Unit,
    report: Report,
    *,
    owner: str,
    imei: str | None,
    parcel: str | None,
    order_named: bool = False,
    found_instead: str = "",
    token: str = "",
    policy: CaseworkPolicy = DEFAULT_POLICY,
) -> Disputed:
    """Open a case for a report; raises `Rejected` only for an empty one.

    `order_named`: who reports it named the order itself, and not only a parcel or a handset. `token`: what opens the
    customer's page, where it was made before.
    """
    about = ReportedItem(imei=imei, parcel=parcel, names_order=order_named)
    known = known_elsewhere(unit.session, report.order.order_ref, about)
    name = case_of(token) if token else ""
    opened = open_case(report, policy=policy, now_ms=unit.now_ms, ids=unit.ids, owner=owner, known=known, name=name)
    token = token or unit.ids.new("c")
    file = CaseFile(
        case=opened.case,
        order=opened.order,
        offer=opened.remedy_offer,
        ledger=opened.ledger,
        work_clocks=opened.work_clocks,
        legal_clocks=opened.legal_clocks,
        recourse=opened.recourse,
        lock_wish=opened.lock_wish,
        imei=imei,
        parcel=parcel,
        order_named=order_named,
        found_instead=found_instead,
    )
    case_book.add(unit, file, token_hash=hash_token(token))
    for promise in opened.promises:
        case_book.put_promise(unit, promise)
    case_book.say(unit, opened.case.id, opened.messages)
    odd = odd_days(report.order, today=civil_date(unit.now_ms))
    case_book.note(unit, opened.case.id, "opened", actor=str(report.said_by), facts=_facts(opened, file, odd))
    hold_told(unit, opened.case.id, opened.told, policy=policy)
    investigation = inquiry_book.begin(unit, opened.case.id) if opened.chain_matters else None
    return Disputed(file=file, opened=opened, token=token, investigation=investigation)


def _facts(opened: Opened, file: CaseFile, odd: Mapping[str, date]) -> dict[str, Any]:
    """What the record of the opening tells; `odd` are days of the order that were taken as unknown."""
    facts = {
        "presumption": opened.presumption,
        "claim_type": opened.case.claim_type,
        "state": opened.case.state,
        "owner": opened.owner,
        "policy_version": opened.case.policy_version,
        "parcel": file.parcel,
        "imei": file.imei,
        "promises": [promise.id for promise in opened.promises],
        "offer": [str(option.remedy) for option in opened.remedy_offer.options] if opened.remedy_offer else [],
    }
    days = {name: day.isoformat() for name, day in odd.items()}
    return {**facts, "days_taken_as_unknown": days} if days else facts


def hash_token(token: str) -> bytes:
    """How a customer's token is stored."""
    return hashlib.sha256(token.encode()).digest()


def case_of(token: str) -> str:
    """The case that was opened with a token made before: it is known by it also when another link opens its page."""
    return spell("case", hashlib.sha256(b"case of " + token.encode()).digest()[:NAME_BYTES])


def least_busy(session: Session, people: Sequence[str]) -> str:
    """Who looks after a new case: of these people the one with the fewest."""
    counts = case_book.open_count_of(session, people)
    return min(people, key=lambda name: (counts.get(name, 0), name))
