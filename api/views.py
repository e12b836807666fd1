"""Plain values of cases, as the API, the pages and the command line show them."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlmodel import Session

from api.lock_views import order_views, own_locks
from custody.disputes.case import Case, CaseState
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
from devicelock import store as lock_store

ASKED_BY_A_CUSTOMER = ("asked_for", "state", "answer_by", "why", "promise")
"""What a customer reads of what they asked for beyond the rules: not which of us is to answer, or why no rule does."""
NO_KIND_YET: frozenset[CaseState] = frozenset({"reported", "triaged"})
"""States in which a kind may be agreed on for the first time."""


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
        "learned_at": None if lesson.learned_ms is None else to_iso(lesson.learned_ms),
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
