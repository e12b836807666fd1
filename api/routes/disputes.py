"""Disputes that were opened: moved by those whom the table names."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import Field

from api import joints, lock_news
from api.act_alerts import LINKS, tell_of_award, tell_of_many, tell_of_payer, tell_of_return, tell_of_told
from api.http.body import Day, one_of
from api.join_reports import join_reports
from api.parts import Parts, parts_of
from api.people import persons
from api.people.accounts import Caller
from api.people.auth import role, signed_in_lately
from api.routes.event_parts import FindingIn, OrderDaysIn, PeopleIn, WhereaboutsIn, need
from api.routes.exception_acts import EXCEPTION_ACTS, TAKES_A_SIGN_IN, OutsideTheOfferIn
from api.routes.reports import NeedsIn, link_to
from api.views import case_view
from custody.disputes.case import ADR_EVENT
from custody.disputes.case_guards import Actor, DeclineFinding
from custody.disputes.claim import CLAIMS
from custody.disputes.collection import CollectionWindow
from custody.disputes.history import IN_FAVOUR
from custody.disputes.machine import CaseRole
from custody.disputes.outside_promise import as_told
from custody.disputes.remedy import Needs
from custody.kernel.errors import Conflict, Rejected
from custody.store import case_book
from custody.store.unit import Unit
from custody.usecases import (
    ask_customer,
    data_requests,
    decline_case,
    keep_word,
    learn_facts,
    move_case,
    move_scheme,
    pay_credit,
    sweep_cases,
)
from custody.usecases.book_collection import book_collection
from custody.usecases.came_back import credit_came_back, payment_came_back
from custody.usecases.name_people import name_people
from custody.usecases.overtaken import check_version
from custody.usecases.renew_link import renew_link
from custody.usecases.repeat_move import done_already

router = APIRouter(prefix="/v1/disputes", tags=["disputes"])
P = Annotated[Parts, Depends(parts_of)]
CASEWORKERS = ("agent", "supervisor", "investigator")
Caseworker = Annotated[Caller, Depends(role(*CASEWORKERS))]


def _said(description: str, *, words: Callable[[], Iterable[str]] | None = None) -> Any:
    """A field that may be left out, and what it is; one of these words, if there are only those."""
    return Field(default=None, description=description, json_schema_extra=words and one_of(words))


class EventIn(OutsideTheOfferIn):
    """A move of the case and the facts it needs."""

    event: str = Field(json_schema_extra=one_of(lambda: _ACTS))
    version: int | None = Field(default=None, description="Of the case that you looked at; on another one: a conflict.")
    claim_type: str | None = _said("With classify, or offer: the kind of problem.", words=lambda: CLAIMS)
    agreed: bool = Field(default=True, description="With the kind: whether the customer agrees with it.")
    custody_words: str | None = _said("With a kind of damage: the customer's words on when and where.")
    price_reduction_pence: int | None = _said("With classify or offer: the sum to offer.")
    award_pence: int | None = _said("With decision: the sum, if it is money that we have to pay.")
    item: str | None = _said("With ask: for what; it is asked for once.")
    text: str | None = _said("With ask: in what words. With decision: what we have to do. The customer reads it.")
    reference: str | None = _said("What shows it: of a delivery, a payment, a bank, a proof, the scheme.")
    promise: str | None = _said("With promise_kept or payment_came_back: which.")
    pence: int | None = _said("With credit_paid: how much of the credit that is owed; all of it without.")
    payment: str | None = _said("With credit_came_back: with what reference it was paid.")
    heard: bool = Field(default=False, description="With decline: they told their side, and it stands in the case.")
    findings: list[FindingIn] = Field(default_factory=list, description="With propose_decline.")
    into: str | None = _said("With merge: the case that goes on.")
    consent: bool = Field(default=False, description="With merge: the other customer agreed.")
    whereabouts: WhereaboutsIn | None = None
    people: PeopleIn | None = Field(default=None, description="With people: who is who in the contract.")
    order_days: OrderDaysIn | None = None
    has_working_phone: bool | None = _said("With needs: false if the customer has none; one on loan is promised.")
    benefit_lost: bool | None = _said("With needs: true if maps, a service or the like went with it; it is restored.")
    received: Day | None = _said("With access_request or data_complaint: when it came; today without.")
    told: str | None = _said("With rebut: which promise, by its id.")
    in_favour: str | None = _said("With in_favour: what kind of thing speaks for them.", words=lambda: IN_FAVOUR)
    words: str | None = Field(default=None, max_length=2_000, description="With in_favour: what it says.")
    collect_on: Day | None = Field(default=None, description="With collect: the day on which it is collected.")
    window: str | None = _said("With collect: in which hours of it.", words=lambda: CollectionWindow)
    support_needs: NeedsIn = Field(
        default_factory=list,
        description="With support_needs: what the customer needs of us, in words they agreed to. "
        "With need_mistaken: which of these were written down by mistake.",
    )


@router.post("/{dispute}/events")
def move(dispute: str, body: EventIn, parts: P, caller: Caseworker) -> dict[str, Any]:
    """Move a case by any event of its table that staff may cause; what the scheme decides is written down by staff.

    Twenty-one events move nothing. `people` says who holds the contract, pays, uses the phone and speaks for them;
    `whereabouts` what became of the handset, and with it whether a lock would be fair; `order_days` what was
    learned of the order, from which the law counts; `support_needs` what the customer needs of us, and whoever
    decides on a lock next is held to it, until a supervisor says with `need_mistaken` that it was none; `needs`
    what the report took from them, which is promised at once; `collect` when a free collection comes, which is
    promised; `in_favour` what speaks for them, and nothing of their past but that; `told` what they say that
    somebody else promised them, which binds us unless `rebut` says why it does not stand, within its days.
    `exception` asks for what no rule gives: it has an approver at once, another person, and `exception_grant` or
    `exception_instead` promises what the customer gets. `two_answers` writes down that two of us answered one question
    in two ways: the better one for the customer binds us.
    `promise_kept` and `credit_paid` say what was done beside the remedy; `payment_came_back` and `credit_came_back`
    that money of ours did not reach the customer: it is promised anew, or owed again. `access_request` and
    `data_complaint` say what the customer asks about their data, also once the case is over, and promise the answer by
    the law's day; `copy_takes_longer` tells them why it takes the further months of the law. `merge` answers with the
    case that goes on. The same move again, by who made it, is answered as done. With `version` a move is made on that
    version of the case or not at all: the conflict says in `meanwhile` who did what.
    """
    act = _ACTS.get(body.event)
    if act is None:
        raise Rejected("event", f"{body.event!r} is not a move of staff", fix=f"Use one of {', '.join(_ACTS)}.")
    if body.event in TAKES_A_SIGN_IN:
        signed_in_lately(parts, caller, parts.settings.promise_sign_in_minutes)
    try:
        with parts.house.unit() as unit:
            lock_news.hold_for_move(unit, disputes={dispute, body.into or dispute})
            before = case_book.read(unit.session, dispute).case
            stands = case_book.version(unit.session, dispute)
            file = act(unit, dispute, body, caller)
            if case_book.version(unit.session, dispute) != stands:
                check_version(unit.session, dispute, body.version, stands=stands)
            unit.session.flush()
            if file.case.id == dispute:
                joints.lock_as_known(unit, parts.locks, before, file, actor=caller.account)
                unit.session.flush()
            return case_view(unit.session, file)
    except (Conflict, Rejected) as refused:
        said = {**body.model_dump(mode="json", exclude={"version"}), "award": body.text, "award_beside": body.beside}
        with parts.house.read() as session:
            if not done_already(session, dispute, body.event, said, actors={caller.account, caller.person}):
                if isinstance(refused, Conflict):
                    check_version(session, dispute, body.version, stands=case_book.version(session, dispute))
                raise
            file = case_book.read(session, dispute)
            return case_view(session, case_book.read(session, file.case.joined_into or dispute))


@router.post("/{dispute}/link", status_code=201)
def renew(dispute: str, request: Request, parts: P, caller: Caseworker) -> dict[str, str]:
    """A fresh link for a customer whose own was lost or leaked; it is told once, and the old one ends now."""
    with parts.house.unit() as unit:
        token = renew_link(unit, dispute, actor=caller.account, role=CaseRole(caller.role))
        tell_of_many(unit, parts.locks, LINKS, account=caller.account)
    return {"dispute": dispute, **link_to(token, request, parts)}


def _classify(unit: Unit, dispute: str, body: EventIn, caller: Caller) -> case_book.CaseFile:
    kind, terms, role = need(body.claim_type, "claim_type"), _terms(unit, dispute, body), CaseRole(caller.role)
    return move_case.classify_and_offer(unit, dispute, claim_type=kind, terms=terms, actor=caller.account, role=role)


def _offer(unit: Unit, dispute: str, body: EventIn, caller: Caller) -> case_book.CaseFile:
    kind, terms, role = body.claim_type, _terms(unit, dispute, body), CaseRole(caller.role)
    return move_case.offer_again(unit, dispute, claim_type=kind, terms=terms, actor=caller.account, role=role)


def _terms(unit: Unit, dispute: str, body: EventIn) -> move_case.OfferTerms:
    return move_case.OfferTerms(
        agreed=body.agreed,
        custody_words=body.custody_words,
        price_reduction_pence=body.price_reduction_pence,
        why=body.why,
        lock_facts=joints.wish_facts_of_case(unit.session, dispute),
    )


def _whereabouts(unit: Unit, dispute: str, body: EventIn, caller: Caller) -> case_book.CaseFile:
    said = need(body.whereabouts, "whereabouts")
    known = replace(joints.wish_facts_of_case(unit.session, dispute), **said.model_dump())
    return learn_facts.whereabouts(unit, dispute, lock_facts=known, actor=caller.account)


def _order_days(unit: Unit, dispute: str, body: EventIn, caller: Caller) -> case_book.CaseFile:
    days, reference = need(body.order_days, "order_days"), need(body.reference, "reference")
    said = days.model_dump(exclude_none=True)
    role = CaseRole(caller.role)
    return learn_facts.order_days(unit, dispute, days=said, reference=reference, actor=caller.account, role=role)


def _needs(unit: Unit, dispute: str, body: EventIn, caller: Caller) -> case_book.CaseFile:
    needs = Needs(has_working_phone=body.has_working_phone, benefit_lost=body.benefit_lost)
    return learn_facts.needs(unit, dispute, needs=needs, actor=caller.account)


def _collect(unit: Unit, dispute: str, body: EventIn, caller: Caller) -> case_book.CaseFile:
    day, window = need(body.collect_on, "collect_on"), need(body.window, "window")
    return book_collection(unit, dispute, day=day, window=window, actor=caller.account)


def _people(unit: Unit, dispute: str, body: EventIn, caller: Caller) -> case_book.CaseFile:
    said = need(body.people, "people").said()
    known = case_book.goes_on(unit.session, case_book.read(unit.session, dispute)).case.people
    file = name_people(unit, dispute, said=said, actor=caller.account)
    tell_of_payer(unit, known, file, account=caller.account)
    return file


def _told(unit: Unit, dispute: str, body: EventIn, caller: Caller) -> case_book.CaseFile:
    told = as_told(
        what=need(body.what, "what"),
        by_whom=body.by_whom or "",
        until=body.until,
        amount_pence=body.amount_pence,
        now_ms=unit.now_ms,
    )
    role = CaseRole(caller.role)
    file = keep_word.tell(unit, dispute, told=told, actor=caller.account, role=role)
    tell_of_told(unit, file.case.id, pence=told.amount_pence, account=caller.account)
    return file


def _rebut(unit: Unit, dispute: str, body: EventIn, caller: Caller) -> case_book.CaseFile:
    told, why, role = need(body.told, "told"), need(body.why, "why"), CaseRole(caller.role)
    return keep_word.rebut(unit, dispute, told=told, why=why, actor=caller.account, role=role)


def _support_needs(unit: Unit, dispute: str, body: EventIn, caller: Caller) -> case_book.CaseFile:
    needs = need(body.support_needs, "support_needs")
    return learn_facts.support_needs(unit, dispute, needs=needs, actor=caller.account)


def _need_mistaken(unit: Unit, dispute: str, body: EventIn, caller: Caller) -> case_book.CaseFile:
    needs, role = need(body.support_needs, "support_needs"), CaseRole(caller.role)
    return learn_facts.need_mistaken(unit, dispute, needs=needs, actor=caller.account, role=role)


def _in_favour(unit: Unit, dispute: str, body: EventIn, caller: Caller) -> case_book.CaseFile:
    kind, words = need(body.in_favour, "in_favour"), need(body.words, "words")
    return learn_facts.in_favour(unit, dispute, kind=kind, words=words, actor=caller.account)


def _access_request(unit: Unit, dispute: str, body: EventIn, caller: Caller) -> case_book.CaseFile:
    return data_requests.ask_for_copy(unit, dispute, received=body.received, actor=caller.account)


def _copy_takes_longer(unit: Unit, dispute: str, body: EventIn, caller: Caller) -> case_book.CaseFile:
    return data_requests.take_longer(unit, dispute, why=need(body.why, "why"), actor=caller.account)


def _data_complaint(unit: Unit, dispute: str, body: EventIn, caller: Caller) -> case_book.CaseFile:
    return data_requests.complain(unit, dispute, received=body.received, actor=caller.account)


def _ask(unit: Unit, dispute: str, body: EventIn, caller: Caller) -> case_book.CaseFile:
    item, text = need(body.item, "item"), need(body.text, "text")
    return ask_customer.ask(unit, dispute, item=item, text=text, actor=caller.account, role=CaseRole(caller.role))


def _remedied(unit: Unit, dispute: str, body: EventIn, caller: Caller) -> case_book.CaseFile:
    reference = need(body.reference, "reference")
    return move_case.remedied(unit, dispute, reference=reference, actor=caller.account, role=CaseRole(caller.role))


def _promise_kept(unit: Unit, dispute: str, body: EventIn, caller: Caller) -> case_book.CaseFile:
    promise, reference, role = need(body.promise, "promise"), need(body.reference, "reference"), CaseRole(caller.role)
    return move_case.promise_kept(unit, dispute, promise=promise, reference=reference, actor=caller.account, role=role)


def _credit_paid(unit: Unit, dispute: str, body: EventIn, caller: Caller) -> case_book.CaseFile:
    reference, role = need(body.reference, "reference"), CaseRole(caller.role)
    return pay_credit.credit_paid(unit, dispute, reference=reference, actor=caller.account, role=role, pence=body.pence)


def _payment_came_back(unit: Unit, dispute: str, body: EventIn, caller: Caller) -> case_book.CaseFile:
    promise, reference, role = need(body.promise, "promise"), need(body.reference, "reference"), CaseRole(caller.role)
    people = persons.agents(unit.session)
    file = payment_came_back(
        unit, dispute, promise=promise, reference=reference, actor=caller.account, role=role, people=people
    )
    tell_of_return(unit, dispute, promise, account=caller.account)
    return file


def _credit_came_back(unit: Unit, dispute: str, body: EventIn, caller: Caller) -> case_book.CaseFile:
    payment, reference, role = need(body.payment, "payment"), need(body.reference, "reference"), CaseRole(caller.role)
    file = credit_came_back(unit, dispute, payment=payment, reference=reference, actor=caller.account, role=role)
    tell_of_return(unit, dispute, payment, account=caller.account)
    return file


def _propose_decline(unit: Unit, dispute: str, body: EventIn, caller: Caller) -> case_book.CaseFile:
    role = CaseRole(caller.role)
    findings = [DeclineFinding(**found.model_dump()) for found in body.findings]
    return decline_case.propose_decline(unit, dispute, findings=findings, actor=caller.person, role=role)


def _decline(unit: Unit, dispute: str, body: EventIn, caller: Caller) -> case_book.CaseFile:
    return decline_case.decline(
        unit,
        dispute,
        why=need(body.why, "why"),
        heard=body.heard,
        actor=Actor(key=caller.person, human=True),
        role=CaseRole(caller.role),
        behind=persons.behind,
    )


def _reopen(unit: Unit, dispute: str, _body: EventIn, caller: Caller) -> case_book.CaseFile:
    return move_case.reopen(unit, dispute, actor=caller.account, role=CaseRole(caller.role))


def _heard_accepted(unit: Unit, dispute: str, body: EventIn, caller: Caller) -> case_book.CaseFile:
    why, role = need(body.why, "why"), CaseRole(caller.role)
    return decline_case.heard_accepted(unit, dispute, why=why, actor=caller.account, role=role)


def _deadlock(unit: Unit, dispute: str, _body: EventIn, caller: Caller) -> case_book.CaseFile:
    """A supervisor declares that we cannot agree; before the letter's day nothing else lets it go."""
    due_ms = sweep_cases.letter_ms(case_book.read(unit.session, dispute))
    role = CaseRole(caller.role)
    return move_scheme.adr(unit, dispute, letter_due_ms=due_ms, deadlock=True, actor=caller.account, role=role)


def _change_our_mind(unit: Unit, dispute: str, _body: EventIn, caller: Caller) -> case_book.CaseFile:
    return move_scheme.change_our_mind(unit, dispute, actor=caller.account, role=CaseRole(caller.role))


def _scheme_accepts(unit: Unit, dispute: str, body: EventIn, caller: Caller) -> case_book.CaseFile:
    reference, role = need(body.reference, "reference"), CaseRole(caller.role)
    return move_scheme.scheme_accepts(unit, dispute, reference=reference, actor=caller.account, role=role)


def _scheme_decides(unit: Unit, dispute: str, body: EventIn, caller: Caller) -> case_book.CaseFile:
    award, reference, role = need(body.text, "text"), need(body.reference, "reference"), CaseRole(caller.role)
    file = move_scheme.scheme_decides(
        unit,
        dispute,
        award=award,
        award_pence=body.award_pence,
        beside=body.beside,
        reference=reference,
        actor=caller.account,
        role=role,
        person=caller.person,
        may_approve=persons.may_approve,
    )
    tell_of_award(unit, dispute, pence=body.award_pence, account=caller.account)
    return file


def _join(unit: Unit, dispute: str, body: EventIn, caller: Caller) -> case_book.CaseFile:
    into, role = need(body.into, "into"), CaseRole(caller.role)
    return join_reports(unit, dispute=dispute, into=into, consent=body.consent, actor=caller.account, role=role)


_ACTS: Mapping[str, Callable[[Unit, str, EventIn, Caller], case_book.CaseFile]] = {
    "classify": _classify,
    "whereabouts": _whereabouts,
    "order_days": _order_days,
    "needs": _needs,
    "collect": _collect,
    "people": _people,
    "support_needs": _support_needs,
    "need_mistaken": _need_mistaken,
    "in_favour": _in_favour,
    "access_request": _access_request,
    "copy_takes_longer": _copy_takes_longer,
    "data_complaint": _data_complaint,
    "told": _told,
    "rebut": _rebut,
    "offer": _offer,
    "ask": _ask,
    "delivered_or_paid": _remedied,
    "promise_kept": _promise_kept,
    "credit_paid": _credit_paid,
    "payment_came_back": _payment_came_back,
    "credit_came_back": _credit_came_back,
    "propose_decline": _propose_decline,
    "decline": _decline,
    "heard_accepted": _heard_accepted,
    ADR_EVENT: _deadlock,
    "we_changed_our_mind": _change_our_mind,
    "adr_accepts": _scheme_accepts,
    "decision": _scheme_decides,
    "merge": _join,
    "reopen": _reopen,
    **EXCEPTION_ACTS,
}
