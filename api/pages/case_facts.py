"""Everything that the page of a case shows, read in one go.

First comes what the customer is owed and what they already told or gave us; then the clocks, the locks with each check
of the preflight, the timeline and the messages.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlmodel import Session

from api.pages import words
from api.pages.case_moves import OpenMove, open_moves
from api.pages.sent_form import STORY
from api.parts import Parts
from api.people import viewings
from api.people.accounts import Caller
from api.people.tables import ViewingRow
from api.routes.dispute_reading import read as read_case
from api.routes.referrals import desk_view
from custody.disputes.case import CASE, CaseState
from custody.disputes.civil import civil_date
from custody.disputes.clocks import ACCESS_REQUEST, DATA_COMPLAINT
from custody.disputes.lock_effects import lock_effects
from custody.disputes.payout import WORDS as PAYOUT_WORDS
from custody.disputes.payout import payouts
from custody.disputes.people import payment_back
from custody.disputes.policy import DEFAULT_POLICY
from custody.disputes.promise import A_COPY, PROMISE
from custody.disputes.work_clocks import Elapsed, elapsed
from custody.kernel.clock import DAY_MS, from_iso
from custody.store import case_book, evidence_book, inquiry_book, sale_book
from custody.store.case_book import CaseFile
from custody.store.evidence_book import Given
from custody.store.inquiry_answer import StoredAnswer, stored_answer
from custody.store.tables import InquiryRow
from custody.store.unit import Unit
from devicelock import store as lock_store
from devicelock.rules.authority import preflight
from devicelock.rules.lock_facts import LockKind
from devicelock.rules.order import TERMINAL, OrderState
from devicelock.usecases import request_lock

NO_OFFER: frozenset[CaseState] = frozenset({"reported", "triaged", "awaiting_customer"})
"""States in which an offer is waited for, also where one was made before."""
MOST_VIEWINGS = 100
PROMISED = frozenset(PROMISE.states) - PROMISE.terminal


@dataclass(frozen=True, slots=True, kw_only=True)
class CasePage:
    """The facts of one case page. `checks` is None if no handset is registered, or a lock order is open.

    `at_desk`: the case among the `desks`, which are told in words.
    `waited`: since the first word, and how much of that on an answer to what we asked.
    `effects`: what a lock would do to the customer, in the words that they are sent.
    `order_unknown`: an order is named of which neither a sale nor a scan tells.
    `refused`: what keeps this person from asking for a lock whatever the checks say, empty if nothing does.
    """

    case: dict[str, Any]
    at_desk: dict[str, Any]
    desks: dict[str, str]
    file: CaseFile
    moves: tuple[OpenMove, ...]
    waited: Elapsed
    given: tuple[tuple[Given, str], ...]
    inquiry: InquiryRow | None
    answer: StoredAnswer | None
    payouts: tuple[tuple[str, str], ...]
    checks: tuple[dict[str, Any], ...] | None
    effects: tuple[str, ...]
    refused: str
    may_ask: bool
    open_lock: bool
    viewings: Sequence[ViewingRow]
    order_unknown: bool

    @property
    def asked_days(self) -> int:
        """How many whole days the case waited for the customer."""
        return self.waited.on_customer_ms // DAY_MS

    @property
    def over(self) -> bool:
        """Whether the case has ended."""
        return self.file.case.state in CASE.terminal

    @property
    def forms(self) -> set[str]:
        """The forms on the page beside those of its moves, by their names."""
        codes = {f"code-{lock['order']}" for lock in self.case["locks"] if lock["decided_at"]}
        chooses = bool(self.case["remedy"]) and self.case["state"] == "remedy_offered"
        refers = bool(self.at_desk["may_refer_to"]) and self.at_desk["referral"] is None and not self.over
        there = {"choose": chooses, "lock": self.may_ask, "referral": refers}
        there["recognised"] = self.at_desk["recognised"] is None and self.file.case.joined_into is None
        return codes | {name for name, shown in there.items() if shown}


def read_case_page(parts: Parts, caller: Caller, dispute: str) -> CasePage:
    """The page of a case; raises `NotFound`."""
    case = read_case(dispute, parts, caller)
    with parts.house.look() as unit:
        session = unit.session
        file = case_book.read(session, dispute)
        inquiry = inquiry_book.find(session, dispute)
        open_lock = any(OrderState(lock["state"]) not in TERMINAL for lock in case["locks"])
        checks = None if open_lock else _checks(unit, parts, file, caller)
        refused = _refused(unit, parts, file, caller)
        return CasePage(
            case={**case, "clocks": [_clock(clock, case, unit.now_ms) for clock in case["clocks"]]},
            at_desk=desk_view(parts, file, now_ms=unit.now_ms),
            desks=parts.desks.words,
            file=file,
            moves=open_moves(file, case, caller),
            waited=elapsed(file.case.first_word_ms, file.ledger.open_times(), unit.now_ms),
            given=_given(session, dispute),
            inquiry=inquiry,
            answer=stored_answer(inquiry),
            payouts=_payouts(file),
            checks=checks,
            effects=lock_effects(policy=DEFAULT_POLICY, on_date=civil_date(unit.now_ms)),
            refused=refused,
            may_ask=not refused
            and checks is not None
            and all(row["ok"] is True or bool(row["second"]) for row in checks),
            open_lock=open_lock,
            viewings=() if caller.role == "agent" else viewings.of_case(session, dispute, limit=MOST_VIEWINGS),
            order_unknown=_is_order_unknown(session, file),
        )


def _is_order_unknown(session: Session, file: CaseFile) -> bool:
    order = file.case.order_ref
    return bool(order) and not (file.parcel or file.imei) and sale_book.find(session, order or "") is None


def _payouts(file: CaseFile) -> tuple[tuple[str, str], ...]:
    ways = payouts(file.order.standing, payment_back(file.case.people, file.order.payment))
    return tuple((str(way), PAYOUT_WORDS[way]) for way in ways)


def _checks(unit: Unit, parts: Parts, file: CaseFile, caller: Caller) -> tuple[dict[str, Any], ...] | None:
    """The preflight of a lock that this person would ask for now; nothing is stored."""
    device = lock_store.device_by_imei(unit.session, file.imei) if file.imei else None
    if device is None:
        return None
    trial = request_lock.trial_order(unit, parts.locks, device, dispute=file.case.id, requester=caller.account)
    found = preflight(parts.locks.facts(unit, trial, device, LockKind.REQUESTED))
    return tuple({**row, "second": words.WAITS_FOR.get(row["check"], "")} for row in request_lock.rows_of(found))


def _refused(unit: Unit, parts: Parts, file: CaseFile, caller: Caller) -> str:
    device = lock_store.device_by_imei(unit.session, file.imei) if file.imei else None
    refused = request_lock.refusal_to_ask(unit, parts.locks, device, caller.account) if device else None
    return f"{refused.detail}. {refused.fix}" if refused else ""


def _clock(clock: dict[str, Any], case: dict[str, Any], now_ms: int) -> dict[str, Any]:
    """A clock with whether what it is about was done, and whether it has passed."""
    done = {
        "ack_minutes": bool(case["messages"]),
        "owner_minutes": bool(case["owner"]),
        "remedy_offer_hours": case["remedy"] is not None and case["state"] not in NO_OFFER,
        "adr_letter_hours": case["state"] == "adr_open",
        "offer_choice_days": case["chosen"] is not None,
        ACCESS_REQUEST: not any(one["what"] == A_COPY and one["state"] in PROMISED for one in case["promises"]),
        DATA_COMPLAINT: True,  # the message that it brought about says that we have it
    }
    due = clock["due"]
    day_is_due = len(due) == len("2026-01-31")
    past = date.fromisoformat(due) < civil_date(now_ms) if day_is_due else from_iso(due) < now_ms
    return {"legal": False, **clock, "done": done.get(clock["clock"], False), "past": past}


def _given(session: Session, dispute: str) -> tuple[tuple[Given, str], ...]:
    """What the customer gave, and the words of what is words."""
    said = evidence_book.words_of(session, dispute)
    return tuple((one, said.get(one.id, "")[:STORY]) for one in evidence_book.of_case(session, dispute))
