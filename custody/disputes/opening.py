"""Opening a case: everything that one unit of work writes when a customer says that something went wrong.

- The case is honest from its first instant, has a named owner, and keeps the customer's own words.
- If the customer says what kind of problem it is, the remedy is offered in the same unit: nothing is asked first and
  nobody approves it. If not, an offer is promised within the hours of the policy.
- Legal clocks start at the first word of dissatisfaction on any channel, which may be earlier than this report.
- Nothing is asked for. The receipt of an order of ours counts as held from the start.
- A day of the order that cannot be right is taken as not known: how an order was recorded keeps nobody from reporting.
- A lock and an investigation are wishes: other rooms decide on them, and the remedy waits for neither.
- History and standing come in here and reach only the notes in favour and the ways of payment.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Literal

from custody.disputes import civil, clocks
from custody.disputes.asks import Holding, Ledger
from custody.disputes.case import CASE, Case, CaseState
from custody.disputes.case_guards import claim_type_set, customer_words_kept, policy_version_pinned
from custody.disputes.claim import claim_of
from custody.disputes.clocks import LegalClock
from custody.disputes.history import HistoryFact, notes_in_favour
from custody.disputes.lock_wish import LockWish, WishFacts, lock_wish
from custody.disputes.machine import CaseRole, Transition, step
from custody.disputes.messages import Message, alternatives, say
from custody.disputes.one_order import NOTHING_BEFORE, Before
from custody.disputes.order import OrderFacts, odd_days
from custody.disputes.outside_promise import Told, check_told
from custody.disputes.people import CasePeople, names_told
from custody.disputes.policy import CaseworkPolicy
from custody.disputes.price import is_beside
from custody.disputes.promise import GOES_ON, Promise, make_promise
from custody.disputes.recourse import Recourse, first_independent, recourse
from custody.disputes.remedy import Needs, RemedyOffer, offer_remedy
from custody.disputes.work_clocks import WorkClock, state_clock, work_clock
from custody.kernel.clock import Instant
from custody.kernel.errors import Rejected
from custody.kernel.ids import Ids

AN_OFFER, A_LOAN, WHAT_WAS_LOST = "an offer that puts this right", "a phone on loan", "what you lost switched on again"
NOT_BY_THE_REMEDY = frozenset({AN_OFFER, A_LOAN, WHAT_WAS_LOST}) | GOES_ON
"""What we promise beside the remedy, and so is not kept by it; nor is what was promised elsewhere."""
Wanted = tuple[str, str, str, str | None]
"""Something to promise: what, by which way, and the key and the part of the policy that say until when."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the customer said, and what is known beside it. Only the words are needed."""

    words: str
    channel: str
    reported_ms: Instant
    claim_type: str | None = None
    said_by: CaseRole = CaseRole.CUSTOMER
    agreed_by_customer: bool | None = None
    custody_words: str | None = None
    first_word_ms: Instant | None = None
    order: OrderFacts = field(default_factory=OrderFacts)
    needs: Needs = field(default_factory=Needs)
    lock_facts: WishFacts = field(default_factory=WishFacts)
    history: tuple[HistoryFact, ...] = ()
    support_needs: tuple[str, ...] = ()
    anything_else: str = ""
    told: tuple[Told, ...] = ()
    people: CasePeople | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """All that a report brings about; `order` is the report's, without the days that cannot be right."""

    case: Case
    order: OrderFacts
    moves: tuple[Transition[CaseState], ...]
    work_clocks: tuple[WorkClock, ...]
    legal_clocks: tuple[LegalClock, ...]
    promises: tuple[Promise, ...]
    remedy_offer: RemedyOffer | None
    lock_wish: LockWish
    recourse: tuple[Recourse, ...]
    ledger: Ledger
    told: tuple[Told, ...]
    messages: tuple[Message, ...]

    @property
    def chain_matters(self) -> bool:
        """Whether the chain of the parcel is to be examined."""
        return _chain_matters(self.case)

    @property
    def presumption(self) -> Literal["honest"]:
        """Honest."""
        return self.case.presumption

    @property
    def owner(self) -> str:
        """Who looks after the case."""
        return self.case.owner


def by_the_remedy(promises: Iterable[Promise]) -> list[Promise]:
    """Of these promises those that are kept by giving the remedy."""
    return [each for each in promises if each.what not in NOT_BY_THE_REMEDY and not is_beside(each)]


def open_case(
    report: Report,
    *,
    policy: CaseworkPolicy,
    now_ms: Instant,
    ids: Ids,
    owner: str,
    known: Before = NOTHING_BEFORE,
    name: str = "",
) -> Opened:
    """The case that a report opens; raises `Rejected` for no words, a report from ahead or no owner.

    `known`: what was promised in other reports of the order.
    """
    _check(report, policy=policy, now_ms=now_ms)
    today = civil.civil_date(now_ms)
    unknown: dict[str, Any] = dict.fromkeys(odd_days(report.order, today=today))
    report = replace(report, order=replace(report.order, **unknown))
    first_word_ms = min(report.reported_ms, report.first_word_ms or report.reported_ms)
    moves = _moves(report, policy)
    agreed = report.claim_type if moves else None
    case = Case(
        id=name or ids.new("case"),
        state=moves[-1].target if moves else CASE.start,
        claim_type=agreed,
        words=report.words,
        channel=report.channel,
        owner=owner,
        policy_version=policy.pinned,
        opened_ms=report.reported_ms,
        first_word_ms=first_word_ms,
        order_ref=report.order.order_ref,
        support_needs=report.support_needs,
        notes_in_favour=notes_in_favour(report.history),
        anything_else=report.anything_else,
        people=report.people,
    )
    offer = None if agreed is None else _offer(agreed, report, known, policy=policy, now_ms=now_ms)
    promises = _promises(report, case, offer, policy=policy, now_ms=now_ms, ids=ids)
    ways = recourse(agreed, report.order, first_word=civil.civil_date(first_word_ms), today=today, policy=policy)
    return Opened(
        case=case,
        order=report.order,
        moves=moves,
        work_clocks=_work_clocks(report, case, policy=policy, now_ms=now_ms),
        legal_clocks=legal_clocks(report.order, first_word_ms=first_word_ms, policy=policy),
        promises=promises,
        remedy_offer=offer,
        lock_wish=lock_wish(agreed, report.lock_facts, policy=policy, on_date=today),
        recourse=ways,
        ledger=_ledger(report.order, case),
        told=report.told,
        messages=_messages(case, offer, promises, ways, policy=policy, now_ms=now_ms),
    )


def legal_clocks(order: OrderFacts, *, first_word_ms: Instant, policy: CaseworkPolicy) -> tuple[LegalClock, ...]:
    """The legal clocks of a complaint and of the order behind it, where the start is known and the law was in force."""
    first_word = civil.civil_date(first_word_ms)
    about = order.order_ref or "the order"
    letter = clocks.scheme_letter_due(first_word, policy=policy)
    found = [LegalClock(key=clocks.SCHEME_LETTER, about="", starts=first_word, last_day=letter)]
    starts: tuple[tuple[str, str, date | None, Callable[[date], date]], ...] = (
        (
            "delivery_long_stop",
            "delivery_long_stop_days",
            order.contract,
            lambda day: clocks.delivery_long_stop(day, policy=policy),
        ),
        (
            "short_term_reject",
            "short_term_reject_days",
            order.delivered,
            lambda day: clocks.short_term_reject_last_day(
                day,
                policy=policy,
                repair_wait_days=order.repair_wait_days,
                repair_returned=order.repair_returned,
            ),
        ),
        (
            "fault_presumption",
            "fault_presumption_months",
            order.delivered,
            lambda day: clocks.fault_presumption_end(day, policy=policy),
        ),
        (
            "refund_after_cancellation",
            "refund_days_cancellation",
            order.sent_back,
            lambda day: clocks.refund_after_cancellation(goods_back=day, proof_of_sending=None, policy=policy),
        ),
    )
    for key, rule, start, last_day in starts:
        if start is not None and policy.in_force(rule, start):
            found.append(LegalClock(key=key, about=about, starts=start, last_day=last_day(start)))
    return tuple(found)


def _check(report: Report, *, policy: CaseworkPolicy, now_ms: Instant) -> None:
    today = civil.civil_date(now_ms)
    if not report.words.strip():
        raise Rejected(
            "words", "the report has no words", fix="Write down what the customer said; one sentence will do."
        )
    for told in report.told:
        check_told(told)
    if max([report.reported_ms, *(told.told_us_ms for told in report.told)]) > now_ms:
        raise Rejected("reported", "the report is dated ahead of now", fix="Give the instant at which it came in.")
    years = policy.count("former_customer_access_years", today)
    oldest = civil.add_months(today, -12 * years)
    if min(report.reported_ms, report.first_word_ms or report.reported_ms) < civil.day_starts_ms(oldest):
        raise Rejected(
            "first_word",
            f"the first word is more than {years} years old",
            fix="Leave the date out and put it into the words.",
        )
    if report.claim_type is not None:
        claim_of(report.claim_type)


def _moves(report: Report, policy: CaseworkPolicy) -> tuple[Transition[CaseState], ...]:
    """The moves that are possible at once: the kind of problem, then the offer."""
    by_customer = report.said_by is CaseRole.CUSTOMER
    guards: Mapping[str, bool | None] = {
        "customer_words_kept": customer_words_kept(report.words),
        "claim_type_set": claim_type_set(
            report.claim_type,
            agreed_by_customer=True if by_customer else report.agreed_by_customer,
            custody_words=report.custody_words or (report.words if by_customer else None),
        ),
        "policy_version_pinned": policy_version_pinned(policy.pinned),
    }
    if guards["claim_type_set"] is not True:
        return ()
    classified = step(CASE, CASE.start, "classify", CaseRole.SYSTEM, guards)
    return classified, step(CASE, classified.target, "offer", CaseRole.SYSTEM, guards)


def _offer(kind: str, report: Report, known: Before, *, policy: CaseworkPolicy, now_ms: Instant) -> RemedyOffer:
    price = report.order.price_pence
    return offer_remedy(
        kind,
        report.order,
        report.needs,
        policy=policy,
        now_ms=now_ms,
        left_pence=known.left_pence(price),
        paid_back=known.is_paid_back(price),
    )


def _ledger(order: OrderFacts, case: Case) -> Ledger:
    """Nothing asked; the receipt of an order of ours is held because we issued it, who is who because they said so."""
    ref = order.order_ref
    issued = () if ref is None else (Holding(item="proof_of_purchase", pointer=ref, how="issued"),)
    return Ledger(
        holdings=(*issued, *(Holding(item=each, pointer=case.id, how="told") for each in names_told(case.people)))
    )


def _promises(
    report: Report, case: Case, offer: RemedyOffer | None, *, policy: CaseworkPolicy, now_ms: Instant, ids: Ids
) -> tuple[Promise, ...]:
    offered = [(AN_OFFER, "in writing", "remedy_offer_hours", "unclassified")] if offer is None else []
    wanted = (*offered, *_beside(report.needs))
    return _made(wanted, case, from_ms=report.reported_ms, policy=policy, now_ms=now_ms, ids=ids)


def promised_beside(
    needs: Needs, case: Case, *, policy: CaseworkPolicy, now_ms: Instant, ids: Ids
) -> tuple[Promise, ...]:
    """What is promised from now on, beside the remedy, to a customer who is without a phone or lost what they had."""
    return _made(_beside(needs), case, from_ms=now_ms, policy=policy, now_ms=now_ms, ids=ids)


def _beside(needs: Needs) -> tuple[Wanted, ...]:
    loan = (A_LOAN, "at your door or in a shop", "loan_device_offer_hours", None)
    restored = (WHAT_WAS_LOST, "on your account", "benefit_restored_hours", None)
    return (*((loan,) if needs.has_working_phone is False else ()), *((restored,) if needs.benefit_lost else ()))


def _made(
    wanted: Sequence[Wanted], case: Case, *, from_ms: Instant, policy: CaseworkPolicy, now_ms: Instant, ids: Ids
) -> tuple[Promise, ...]:
    made = []
    for what, method, key, part in wanted:
        due_ms = work_clock(key, from_ms, policy=policy, part=part).due_ms
        if due_ms <= now_ms:
            due_ms = work_clock(key, now_ms, policy=policy, part=part).due_ms
        made.append(
            make_promise(
                promise_id=ids.new("promise"),
                case_id=case.id,
                what=what,
                due_ms=due_ms,
                method=method,
                owner=case.owner,
                now_ms=now_ms,
                policy=policy,
            )
        )
    return tuple(made)


def _work_clocks(report: Report, case: Case, *, policy: CaseworkPolicy, now_ms: Instant) -> tuple[WorkClock, ...]:
    from_report = [
        work_clock("ack_minutes", report.reported_ms, policy=policy),
        work_clock("owner_minutes", report.reported_ms, policy=policy),
        work_clock("remedy_offer_hours", report.reported_ms, policy=policy, part=case.claim_type or "unclassified"),
        *(work_clock("outside_promise_rebut_days", told.told_us_ms, policy=policy) for told in report.told),
    ]
    running = state_clock(
        CASE,
        case.state,
        entered_ms=now_ms,
        policy=policy,
        first_report_ms=report.reported_ms,
        claim_type=case.claim_type,
    )
    if running is not None and all(clock.key != running.key for clock in from_report):
        from_report.append(running)
    return tuple(from_report)


def _chain_matters(case: Case) -> bool:
    return case.claim_type is not None and claim_of(case.claim_type).chain_matters


def _messages(
    case: Case,
    offer: RemedyOffer | None,
    promises: tuple[Promise, ...],
    ways: tuple[Recourse, ...],
    *,
    policy: CaseworkPolicy,
    now_ms: Instant,
) -> tuple[Message, ...]:
    said = [say("case.report", owner=case.owner)]
    said += [say("case.bereaved", owner=case.owner)] if case.people and case.people.bereaved else []
    if case.claim_type is not None and offer is not None:
        said.append(say("case.classify", problem=claim_of(case.claim_type).says))
        said.append(say("case.offer", options=alternatives(tuple(option.words for option in offer.options))))
        said.extend([say("case.paid_back")] if offer.paid_back else [])
        said.extend([say("case.sum_to_name")] if offer.sum_to_name else [])
    said.extend(
        say(
            "promise.made",
            promises=(promise.id,),
            what=promise.what,
            method=promise.method,
            due=civil.in_words(promise.due_ms),
            owner=promise.owner,
        )
        for promise in promises
    )
    if _chain_matters(case):
        days = policy.count("inv_update_days", civil.civil_date(now_ms))
        said.append(say("investigation.opened", days=str(days)))
    return (*said, *way_out(ways, now_ms=now_ms))


def way_out(ways: tuple[Recourse, ...], *, now_ms: Instant) -> list[Message]:
    """What the customer is told of the first way to go without us, if one is open."""
    way = first_independent(ways)
    if way is None:
        return []
    opens = civil.day_in_words(max(way.opens, civil.civil_date(now_ms)))
    return [say("case.way_out", body=way.body, opens=opens, last_day=civil.day_in_words(way.last_day))]
