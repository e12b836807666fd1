"""Plain values of cases and locks, as the API, the pages and the command line show them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlmodel import Session

from api.joints import LockAnswer
from custody.disputes.case import Case
from custody.disputes.civil import civil_date
from custody.disputes.claim import claim_of
from custody.disputes.exception import AskedException
from custody.disputes.lesson import Lesson
from custody.disputes.messages import pounds
from custody.disputes.one_order import is_set_aside, where_it_stands
from custody.disputes.outside_promise import OutsidePromise
from custody.disputes.people import NOBODY, CasePeople, Person, Relation, paid_to, told_here, written_to
from custody.disputes.price import is_money, may_come_back
from custody.disputes.promise import Promise
from custody.disputes.remedy import RemedyOption
from custody.disputes.suggestion import suggest
from custody.kernel.clock import to_iso
from custody.store import case_book, exception_book, outside_book
from custody.store.case_book import CaseFile
from custody.store.defect_register import is_known_issue
from custody.usecases.await_answer import DECIDED
from custody.usecases.read_order import in_place_of_award, stands_before_award
from custody.usecases.ways_out import LETTERS
from devicelock import part_store
from devicelock import store as lock_store
from devicelock.command_store import locks_of_orders
from devicelock.order_facts import read_facts
from devicelock.part_store import ReferenceRow
from devicelock.rules.applied import NEVER, Applied, Pair
from devicelock.rules.command import pair_in
from devicelock.rules.desired import Desired, ShownState, shown_state
from devicelock.rules.order import OrderState
from devicelock.store import LockOrderRow
from devicelock.usecases.show_parts import Shown

OF_A_CUSTOMER = ("state", "locked", "may_be_locked", "held_until", "released_at")
"""What a customer reads of a lock. Its checks say what is known of a buyer, and anyone may quote an order's number."""
ASKED_BY_A_CUSTOMER = ("asked_for", "state", "answer_by", "why", "promise")
"""What a customer reads of what they asked for beyond the rules: not which of us is to answer, or why no rule does."""
NO_KIND_YET = frozenset({"reported", "triaged"})
"""States in which a kind may be agreed on for the first time."""
LOCKED = frozenset({OrderState.ACTIVE_PROVISIONAL, OrderState.ACTIVE_CONFIRMED, OrderState.RELEASE_QUEUED})
FREE = frozenset({ShownState.UNLOCKED, ShownState.RETIRED})
FREED = frozenset({Applied.UNLOCKED, Applied.RETIRED})


def case_view(session: Session, file: CaseFile) -> dict[str, Any]:
    """A case: where it stands, who owns it, what is offered and promised, which clocks run."""
    case = file.case
    promises = case_book.promises(session, case.id)
    return {
        "dispute": case.id,
        "version": case_book.version(session, case.id),
        "state": case.state,
        "status": where_it_stands(case, promises, file.offer),
        "set_aside": is_set_aside(case, promises),
        "presumption": case.presumption,
        "claim_type": case.claim_type,
        "suggested_kinds": kind_views(case),
        "order": case.order_ref,
        "parcel": file.parcel,
        "words": case.words,
        "found_instead": file.found_instead,
        "known_issue": is_known_issue(session, file),
        "owner": case.owner,
        "opened_at": to_iso(case.opened_ms),
        "policy_version": case.policy_version,
        "support_needs": list(case.support_needs),
        **people_view(case.people),
        "chosen": file.chosen,
        "remedy": offer_view(file),
        "decision": decision_view(session, file),
        "promises": [promise_view(promise) for promise in promises],
        "told": [told_view(one) for one in outside_book.of_case(session, case.id)],
        "exceptions": [exception_view(asked) for asked in exception_book.of_case(session, case.id)],
        "unpaid_credit_pence": file.unpaid_credit_pence,
        "clocks": [
            *({"clock": clock.key, "due": to_iso(clock.due_ms)} for clock in file.work_clocks),
            *({"clock": clock.key, "due": clock.last_day.isoformat(), "legal": True} for clock in file.legal_clocks),
        ],
        "recourse": [
            {
                "body": way.body,
                "independent": way.independent,
                "opens": way.opens.isoformat(),
                "last_day": way.last_day.isoformat(),
            }
            for way in file.recourse
        ],
        "asks": [{"ask": ask.id, "item": ask.item, "text": ask.text, "state": ask.state} for ask in file.ledger.asks],
        "held": [{"item": held.item, "how": held.how} for held in file.ledger.holdings],
        "locks": order_views(session, lock_store.orders_of_dispute(session, case.id)),
    }


def people_view(people: CasePeople | None) -> dict[str, Any]:
    """Who is who, null where nobody is named; and to whom of these we write and pay, null for whoever told us."""
    known = people or NOBODY
    return {
        "people": {
            **{str(relation): _person(known.of(relation)) for relation in Relation},
            "user_has_it": known.user_has_it,
            "bereaved": known.bereaved,
        },
        "written_to": written_to(people),
        "paid_to": paid_to(people),
    }


def _person(person: Person | None) -> dict[str, Any] | None:
    if person is None:
        return None
    return {"name": person.name or None, "contact": person.contact or None, "has_died": person.has_died}


def promise_view(promise: Promise) -> dict[str, Any]:
    """A promise of a case, as it stands."""
    return {
        "promise": promise.id,
        "what": promise.what,
        "state": promise.state,
        "due": to_iso(promise.due_ms),
        "method": promise.method,
        "source": promise.source,
        "owner": promise.owner,
        "amount_pence": promise.amount_pence,
        "is_money": is_money(promise),
        "may_come_back": may_come_back(promise),
        "came_back": promise.came_back,
        "replaced": promise.replaced,
        "set_aside": promise.set_aside,
    }


def told_view(one: OutsidePromise) -> dict[str, Any]:
    """What the customer was promised elsewhere, by their word; `promise` is what it became once it bound us."""
    told = one.told
    return {
        "told": one.id,
        "what": told.what,
        "by_whom": told.by_whom,
        "until": None if told.due_ms is None else civil_date(told.due_ms).isoformat(),
        "amount_pence": told.amount_pence,
        "told_at": to_iso(told.told_us_ms),
        "state": one.state,
        "rebut_by": to_iso(one.rebut_by_ms),
        "why": one.why or None,
        "promise": one.promise_id,
    }


def exception_view(asked: AskedException) -> dict[str, Any]:
    """What was asked for beyond the rules; `promise` is what its answer promised."""
    return {
        "exception": asked.id,
        "dispute": asked.case_id,
        "asked_for": asked.asked_for,
        "gap": asked.gap,
        "state": asked.state,
        "approver": asked.approver,
        "asked_at": to_iso(asked.asked_ms),
        "answer_by": to_iso(asked.due_ms),
        "passed_on": asked.passed,
        "why": asked.why or None,
        "promise": asked.promise_id,
    }


def lesson_view(lesson: Lesson) -> dict[str, Any]:
    """What is to be learned, and what was changed once it was."""
    return {
        "lesson": lesson.id,
        "dispute": lesson.case_id,
        "kind": str(lesson.kind),
        "says": lesson.says,
        "owner": lesson.owner,
        "state": lesson.state,
        "opened_at": to_iso(lesson.opened_ms),
        "due": to_iso(lesson.due_ms),
        "change": lesson.change or None,
        "learned_at": _iso(lesson.learned_ms),
    }


def set_aside(files: Iterable[CaseFile], promised: Mapping[str, Iterable[Promise]]) -> set[str]:
    """The cases whose remedy was set aside, by what was promised in each."""
    return {file.case.id for file in files if is_set_aside(file.case, promised[file.case.id])}


def own_view(session: Session, file: CaseFile) -> dict[str, Any]:
    """A case as whoever has its link reads it.

    Of a lock it tells what a customer needs, and the order only if they named one that we know: who reads its number
    under what stands on the box could name it next, and speak for whoever ordered. Of the people behind it only those
    are named whom somebody named in the case itself.
    """
    view, named = case_view(session, file), file.order_named
    view |= people_view(told_here(file.case.people))
    asked = [{name: one[name] for name in ASKED_BY_A_CUSTOMER} for one in view["exceptions"]]
    own = {"order": view["order"] if named else None, "locks": own_locks(view["locks"], named=named)}
    return {**view, **own, "exceptions": asked}


def kind_views(case: Case) -> list[dict[str, str]]:
    """The kinds that the customer's words suggest, while none is agreed."""
    if case.claim_type is not None or case.state not in NO_KIND_YET:
        return []
    return [
        {"claim_type": str(found.kind), "because": found.because, "says": claim_of(found.kind).says}
        for found in suggest(case.words)
    ]


def decision_view(session: Session, file: CaseFile) -> dict[str, Any] | None:
    """What the scheme decided, while the customer has not answered, and what a yes takes the place of or adds to."""
    if file.case.state != DECIDED:
        return None
    instead_of = [each.what for each in in_place_of_award(session, file)]
    beside = [each.what for each in stands_before_award(session, file)] if file.award_beside else []
    return {"award": file.award, "award_pence": file.award_pence, "instead_of": instead_of, "beside": beside}


def offer_view(file: CaseFile) -> dict[str, Any] | None:
    """What the customer may choose."""
    if file.offer is None:
        return None
    return {
        "options": [
            {"remedy": str(option.remedy), "words": option_words(option), "amount_pence": option.amount_pence}
            for option in file.offer.options
        ],
        "default": str(file.offer.default.remedy),
        "sum_to_name": file.offer.sum_to_name,
        "extras": [str(extra) for extra in file.offer.extras],
        "offered_at": to_iso(file.offer.offered_ms),
    }


def option_words(option: RemedyOption) -> str:
    """The words of an option, with its sum if it has one."""
    return option.words if option.amount_pence is None else f"{option.words}: {pounds(option.amount_pence)}"


def message_views(session: Session, dispute: str) -> list[dict[str, str]]:
    """What the customer was told."""
    return [{"at": to_iso(at_ms), "text": text} for at_ms, text in case_book.messages(session, dispute)]


def letter_view(session: Session, file: CaseFile) -> dict[str, Any] | None:
    """The newest letter for the independent scheme as it was told, with the days that count; None if none has left."""
    left = [line.at_ms for line in case_book.timeline(session, file.case.id) if line.kind in LETTERS]
    if not left:
        return None
    kind = file.case.claim_type
    return {
        "left_on": civil_date(left[-1]).isoformat(),
        "told_us_first": civil_date(file.case.first_word_ms).isoformat(),
        "problem": None if kind is None else claim_of(kind).says,
        "text": [text for at_ms, text in case_book.messages(session, file.case.id) if at_ms == left[-1]],
    }


def lock_view(session: Session, answer: LockAnswer) -> dict[str, Any]:
    """What became of the lock of a disputed delivery."""
    if answer.order is None:
        return {"order": None, "state": None, "refused": answer.refused, "allowed_by": answer.allowed_by}
    view = order_view(session, answer.order)
    return {**view, "refused": answer.refused, "allowed_by": answer.allowed_by} if answer.refused else view


def own_locks(orders: Iterable[Mapping[str, Any]], *, named: bool) -> list[dict[str, Any]]:
    """Locks as a customer reads them; whoever did not name the order is told of none that is not decided yet.

    A lock by standing authority waits for a person only if the buyer needs support, which is nobody else's to know.
    """
    return [{name: lock[name] for name in OF_A_CUSTOMER} for lock in orders if named or not _waits(lock)]


def own_lock(view: Mapping[str, Any], *, named: bool) -> dict[str, Any]:
    """What became of the lock of a disputed delivery, for whoever reported it without an account."""
    told = view if named or not _waits(view) else {"order": None, "state": None, "refused": "no lock was made"}
    shown = {name: told[name] for name in ("order", *OF_A_CUSTOMER) if name in told}
    return {**shown, "refused": "no lock was made", "allowed_by": "Call us."} if told.get("refused") else shown


def _waits(lock: Mapping[str, Any]) -> bool:
    return bool(lock["state"] == OrderState.REQUESTED)


def order_view(session: Session, row: LockOrderRow) -> dict[str, Any]:
    """A lock order. `locked` is only true by the device's own last signed word, or that of a system that vouches.

    `may_be_locked`: a lock was decided, and the handset, heard of before, has not said since whether it is locked.
    """
    return order_views(session, [row])[0]


def order_views(session: Session, rows: Sequence[LockOrderRow]) -> list[dict[str, Any]]:
    """The same of many orders, in three questions however many they are."""
    desired = lock_store.desired_of(session, {row.device for row in rows if row.decided_ms is not None})
    locked = _shown_locked(session, rows, desired)
    doubtful = [row for row in rows if _may_be_locked(row, desired.get(row.device))]
    newest = _newest_locks(session, [row for row in doubtful if _showed_itself_free(desired[row.device])])
    unknown = {row.id for row in doubtful if not _is_past(newest.get(row.id), desired[row.device])}
    return [_order_view(row, locked=row.id in locked, may_be_locked=row.id in unknown) for row in rows]


def _order_view(row: LockOrderRow, *, locked: bool, may_be_locked: bool) -> dict[str, Any]:
    facts = read_facts(row)
    return {
        "order": row.id,
        "device": row.device,
        "imei": row.imei,
        "state": row.state,
        "locked": locked,
        "may_be_locked": may_be_locked,
        "basis": row.basis,
        "reason": row.reason,
        "dispute": row.dispute,
        "requester": row.requester,
        "second": row.second,
        "created_at": to_iso(row.created_ms),
        "decided_at": _iso(row.decided_ms),
        "acknowledged_at": _iso(row.acked_ms),
        "decided_to_acknowledged_ms": _span(row.decided_ms, row.acked_ms),
        "release_at": _iso(row.release_ms),
        "released_at": _iso(row.released_ms),
        "released_ms": _span(row.release_ms, row.released_ms),
        "held_until": to_iso(row.held_until_ms),
        "checks": facts.checks,
        "evidence": facts.evidence,
    }


def _may_be_locked(row: LockOrderRow, desired: Desired | None) -> bool:
    if row.decided_ms is None or desired is None or desired.seen is None:
        return False
    if row.state == OrderState.RELEASED and row.released_ms != row.release_ms:
        return row.released_ms is None  # somebody has answered; it had locked, and is free when it says so
    return row.acked_ms is None and shown_state(desired) not in FREE


def _newest_locks(session: Session, rows: Sequence[LockOrderRow]) -> dict[str, Pair]:
    """The pair of the newest LOCK of each of those orders to which no answer came."""
    newest: dict[str, Pair] = {}
    for order, raw in locks_of_orders(session, [row.id for row in rows if row.acked_ms is None]):
        newest[order] = max(newest.get(order, NEVER), pair_in(raw))
    return newest


def _is_past(lock: Pair | None, desired: Desired) -> bool:
    """Whether the handset has shown itself free after a lock, which it can apply no more, whatever it is asked now."""
    return lock is not None and desired.seen is not None and _showed_itself_free(desired) and desired.seen.pair >= lock


def _showed_itself_free(desired: Desired) -> bool:
    return desired.seen is not None and desired.seen.applied in FREED


def _shown_locked(session: Session, rows: Sequence[LockOrderRow], desired: Mapping[str, Desired]) -> set[str]:
    """Those of these orders whose handset is locked by our agent's newest word, or another lock system's."""
    answered = [row for row in rows if row.acked_ms is not None and row.state in LOCKED]
    by_agent = {device for device, each in desired.items() if each.seen and each.seen.applied is Applied.LOCKED}
    elsewhere = part_store.shown_locked(session, [row.id for row in answered if row.device not in by_agent])
    return {row.id for row in answered if row.device in by_agent} | elsewhere


def part_view(part: Shown) -> dict[str, Any]:
    """One lock system's part in an order: what is wished there, what it has confirmed, and what keeps it open."""
    return {
        "backend": part.backend,
        "handset": part.handset,
        "desired": part.desired,
        "applied": part.applied,
        "last_seen": _iso(part.last_seen_ms),
        "asked_at": _iso(part.asked_ms),
        "tries": part.tries,
        "answer": part.answer,
        "trouble": part.trouble,
        "open": part.open,
        "loud": part.loud,
    }


def _iso(at_ms: int | None) -> str | None:
    return None if at_ms is None else to_iso(at_ms)


def _span(start_ms: int | None, end_ms: int | None) -> int | None:
    return None if start_ms is None or end_ms is None else end_ms - start_ms


def reference_view(row: ReferenceRow) -> dict[str, Any]:
    """By which name a back-end knows a handset, and who says so; `confirmed_at` is None until a second person does."""
    return {
        "device": row.device,
        "backend": row.backend,
        "handset": row.handset,
        "given_by": row.given_by,
        "given_at": to_iso(row.given_ms),
        "index": row.given_idx,
        "confirmed_by": row.confirmed_by,
        "confirmed_at": None if row.confirmed_ms is None else to_iso(row.confirmed_ms),
    }
