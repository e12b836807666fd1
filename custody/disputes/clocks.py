"""Clocks: until when the law and the house owe something.

Legal clocks are dates, each the last civil day in London on which the thing is in time. They start at the legal event
or, for the independent scheme, at the first word of dissatisfaction on any channel. They never pause, survive
reopening, and on joining two cases the earlier one stays. Nothing here can move their start.

| clock | last day |
|---|---|
| delivery long stop | contract day + 30 days (Consumer Rights Act 2015 s.28(3)) |
| short-term reject | delivery day + 30 days + days waiting for repair, not before return from repair + 7 (s.22) |
| refund after rejection | the day agreed is day 1 of 14 (s.20(15)) |
| refund after cancellation | goods back or proof of sending, whichever is first, + 14 days (SI 2013/3134 reg. 34) |
| fault presumption | delivery day + 6 months (s.19(14)); of two readings the kinder day is kept |
| scheme letter | first dissatisfaction + 8 or 6 weeks by date (Ofcom GC C4); deadlock: the same day |
| scheme referral | letter + 12 months |
| scheme acceptance | the day on which we tell of the decision + 30 working days, that day not counted (CISAS) |
| scheme performance | acceptance + 20 working days, acceptance day not counted |
| access request | receipt + 1 month, rolled to a working day (UK GDPR article 12(3)) |
| data complaint | 30 days with the day of receipt as day 1 (DPA 2018 s.164A) |
| chargeback | expected delivery + 120 days, never past processing + 540 |
| credit-leg response | complaint + 8 weeks (FCA DISP 1.6) |

A complaint that was open when the 6-week rule came (8 April 2026) takes the earlier date, but not one before that day;
a deadline that fell before that day stays as it was.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from custody.disputes import civil
from custody.disputes.policy import CaseworkPolicy
from custody.kernel.errors import Rejected

DAYS_A_WEEK = 7
MONTHS_A_YEAR = 12
SCHEME_LETTER = "scheme_letter"
"""The clock that starts at the first word of dissatisfaction; every case has it."""
ACCESS_REQUEST, DATA_COMPLAINT = "access_request", "data_complaint"
"""The clocks of what a customer asks about their data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalClock:
    """A legal deadline: its key, what it is about (an order, or "" for the complaint), its start and last day."""

    key: str
    about: str
    starts: date
    last_day: date


def join_clocks(first: Iterable[LegalClock], second: Iterable[LegalClock]) -> tuple[LegalClock, ...]:
    """The clocks of two joined cases: of two clocks about one thing the earlier start and the earlier last day stay.

    A rule that became shorter between two reports gives the later one the earlier last day.
    """
    kept: dict[tuple[str, str], LegalClock] = {}
    for clock in (*first, *second):
        other = kept.get((clock.key, clock.about), clock)
        starts, last_day = min(clock.starts, other.starts), min(clock.last_day, other.last_day)
        kept[clock.key, clock.about] = replace(clock, starts=starts, last_day=last_day)
    return tuple(kept.values())


def delivery_long_stop(contract: date, *, policy: CaseworkPolicy) -> date:
    """The last day for delivery where no other was agreed."""
    return civil.add_days(contract, policy.count("delivery_long_stop_days", contract))


def short_term_reject_last_day(
    delivered: date, *, policy: CaseworkPolicy, repair_wait_days: int = 0, repair_returned: date | None = None
) -> date:
    """The last day of the short-term right to reject; waiting for a repair stops it."""
    last = civil.add_days(delivered, policy.count("short_term_reject_days", delivered) + repair_wait_days)
    if repair_returned is None:
        return last
    at_least = policy.count("short_term_reject_min_after_repair_days", delivered)
    return max(last, civil.add_days(repair_returned, at_least))


def refund_after_rejection(agreed: date, *, policy: CaseworkPolicy) -> date:
    """The last day for the money after we agreed to a rejection; the day agreed counts."""
    return civil.add_days(agreed, policy.count("refund_days_rejection", agreed) - 1)


def refund_after_cancellation(
    *, goods_back: date | None, proof_of_sending: date | None, policy: CaseworkPolicy
) -> date:
    """The last day for the money after a cancellation; raises `Rejected("date")` if neither day is known."""
    known = [day for day in (goods_back, proof_of_sending) if day is not None]
    if not known:
        raise Rejected(
            "date",
            "neither the day the goods came back nor the day they were sent is known",
            fix="Give the proof of sending, or our own scan of the return.",
        )
    return civil.add_days(min(known), policy.count("refund_days_cancellation", min(known)))


def fault_presumption_end(delivered: date, *, policy: CaseworkPolicy) -> date:
    """The last day on which a fault is presumed to have been there from the start."""
    return civil.add_months(delivered, policy.count("fault_presumption_months", delivered))


def scheme_letter_due(first_dissatisfaction: date, *, policy: CaseworkPolicy, deadlock: date | None = None) -> date:
    """The day on which the letter for the independent scheme is due."""
    weeks = policy.count("adr_weeks", first_dissatisfaction)
    due = civil.add_days(first_dissatisfaction, DAYS_A_WEEK * weeks)
    for day, new_weeks in policy.changes("adr_weeks", first_dissatisfaction, due):
        due = min(due, max(day, civil.add_days(first_dissatisfaction, DAYS_A_WEEK * new_weeks)))
    return due if deadlock is None else min(due, deadlock)


def scheme_referral_last_day(letter: date, *, policy: CaseworkPolicy) -> date:
    """The last day on which the customer may go to the independent scheme."""
    return civil.add_months(letter, policy.count("adr_refer_months", letter))


def scheme_accept_by(told: date, *, policy: CaseworkPolicy) -> date:
    """The last day for saying yes to what the independent scheme decided."""
    return civil.add_working_days(told, policy.count("adr_accept_working_days", told))


def scheme_perform_by(accepted: date, *, policy: CaseworkPolicy) -> date:
    """The last day for doing what the independent scheme decided."""
    return civil.add_working_days(accepted, policy.count("adr_perform_working_days", accepted))


def access_request_due(received: date, *, policy: CaseworkPolicy, extended: bool = False) -> date:
    """The last day for a copy of the customer's data; `extended` if the customer was told within the first month."""
    months = policy.count("sar_months", received)
    if extended:
        months += policy.count("sar_extension_months", received)
    return civil.next_working_day(civil.add_months(received, months))


def access_request_internal(received: date, *, policy: CaseworkPolicy) -> date:
    """The house's own target for the same, with no rolling."""
    return civil.add_days(received, policy.count("sar_internal_days", received))


def data_complaint_acknowledged_by(received: date, *, policy: CaseworkPolicy) -> date:
    """The last day for acknowledging a complaint about data; the day of receipt is day 1."""
    return civil.add_days(received, policy.count("dp_complaint_ack_days", received) - 1)


def chargeback_last_day(expected_delivery: date, *, policy: CaseworkPolicy, processed: date | None = None) -> date:
    """The last day on which the customer's bank takes a chargeback."""
    last = civil.add_days(expected_delivery, policy.count("chargeback_days", expected_delivery))
    if processed is None:
        return last
    return min(last, civil.add_days(processed, policy.count("chargeback_cap_days", processed)))


def credit_leg_response_due(complaint: date, *, policy: CaseworkPolicy) -> date:
    """The last day for the final response about a credit agreement."""
    return civil.add_days(complaint, DAYS_A_WEEK * policy.count("fos_weeks", complaint))


def credit_leg_referral_last_day(response: date, *, policy: CaseworkPolicy) -> date:
    """The last day on which the Financial Ombudsman takes the complaint after a final response."""
    return civil.add_months(response, policy.count("fos_refer_months", response))


def court_last_day(breach: date, *, policy: CaseworkPolicy) -> date:
    """The last day for a claim in court (Limitation Act 1980 s.5)."""
    return civil.add_months(breach, MONTHS_A_YEAR * policy.count("court_years", breach))
