"""A report opens a case: believed at once, owned, offered, promised, clocked; nothing waits and nothing is asked."""

from dataclasses import replace
from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.disputes.case import CASE
from custody.disputes.choose_remedy import choose_remedy
from custody.disputes.claim import CLAIMS, ClaimType, Remedy
from custody.disputes.history import HistoryFact
from custody.disputes.machine import CaseRole
from custody.disputes.opening import Opened, Report, legal_clocks, open_case
from custody.disputes.order import ORDER_DATES, OrderFacts, Payment, Standing
from custody.disputes.outside_promise import Told
from custody.disputes.payout import Payout
from custody.disputes.policy import DEFAULT_POLICY, CaseworkPolicy
from custody.disputes.remedy import Needs, remedy_due_ms
from custody.disputes.wording import lint_text
from custody.kernel.clock import DAY_MS, MINUTE_MS, Instant, from_iso
from custody.kernel.errors import Conflict, Rejected
from custody.kernel.ids import Ids
from custody.kernel.system_ids import SystemIds

WORDS = "There was a power bank in the box instead of the phone."


def report(now_ms: Instant, **changes: object) -> Report:
    facts = Report(words=WORDS, channel="phone", reported_ms=now_ms - MINUTE_MS, claim_type="substituted")
    return replace(facts, **changes)  # type: ignore[arg-type]  # the changes are mixed on purpose


def opened(policy: CaseworkPolicy, now_ms: Instant, ids: Ids, **changes: object) -> Opened:
    return open_case(report(now_ms, **changes), policy=policy, now_ms=now_ms, ids=ids, owner="desk 4")


@pytest.mark.parametrize("claim", ClaimType)
def test_every_kind_of_problem_is_believed_owned_and_offered_at_once(
    claim: ClaimType, policy: CaseworkPolicy, now_ms: Instant, ids: Ids
) -> None:
    found = opened(policy, now_ms, ids, claim_type=claim)
    assert (found.presumption, found.owner, found.case.state) == ("honest", "desk 4", "remedy_offered")
    assert [row.event for row in found.moves] == ["classify", "offer"]
    assert found.remedy_offer is not None
    assert found.case.words == WORDS
    assert found.case.policy_version == policy.pinned
    assert found.promises == ()
    assert found.ledger.asks == ()
    assert found.chain_matters == CLAIMS[claim].chain_matters
    assert any(way.independent for way in found.recourse)
    for message in found.messages:
        lint_text(message.text)
    assert [message.key for message in found.messages][:3] == ["case.report", "case.classify", "case.offer"]
    assert found.messages[-1].key == "case.way_out"


@pytest.mark.parametrize("claim", ["never_received", "substituted", "misdelivered"])
def test_a_missing_handset_wishes_for_a_lock_and_an_investigation(
    claim: str, policy: CaseworkPolicy, now_ms: Instant, ids: Ids
) -> None:
    found = opened(policy, now_ms, ids, claim_type=claim)
    assert (found.lock_wish.fair, found.lock_wish.notice, found.lock_wish.claim_type) == (True, "at_once", claim)
    assert found.chain_matters


def test_words_alone_open_a_case_and_an_offer_is_promised(policy: CaseworkPolicy, now_ms: Instant, ids: Ids) -> None:
    found = opened(policy, now_ms, ids, claim_type=None)
    assert (found.case.state, found.case.claim_type, found.moves) == ("reported", None, ())
    assert found.remedy_offer is None
    assert not found.lock_wish.fair
    assert not found.chain_matters
    (promise,) = found.promises
    assert promise.due_ms == now_ms - MINUTE_MS + DAY_MS
    (said,) = [message for message in found.messages if message.key == "promise.made"]
    assert said.promises == (promise.id,)


def test_a_kind_that_an_agent_sets_waits_for_the_customers_yes_and_damage_for_words_on_custody(
    policy: CaseworkPolicy, now_ms: Instant, ids: Ids
) -> None:
    agent = {"said_by": CaseRole.AGENT}
    assert opened(policy, now_ms, ids, **agent).case.state == "reported"
    assert opened(policy, now_ms, ids, **agent, agreed_by_customer=True).case.state == "remedy_offered"
    damaged = {**agent, "claim_type": "damaged", "agreed_by_customer": True}
    assert opened(policy, now_ms, ids, **damaged).case.state == "reported"
    assert opened(policy, now_ms, ids, **damaged, custody_words="Open at the door.").case.state == "remedy_offered"


def test_what_the_report_took_away_is_promised_back_within_a_day(
    policy: CaseworkPolicy, now_ms: Instant, ids: Ids
) -> None:
    found = opened(policy, now_ms, ids, needs=Needs(has_working_phone=False, benefit_lost=True))
    assert [promise.what for promise in found.promises] == ["a phone on loan", "what you lost switched on again"]
    for promise in found.promises:
        assert promise.due_ms == now_ms - MINUTE_MS + DAY_MS
        assert promise.owner == "desk 4"


@pytest.mark.parametrize("days", [1, 3])
def test_a_report_that_lay_about_gets_promises_that_are_still_ahead(
    days: int, policy: CaseworkPolicy, now_ms: Instant, ids: Ids
) -> None:
    old = now_ms - days * DAY_MS
    found = opened(policy, now_ms, ids, claim_type=None, reported_ms=old, needs=Needs(has_working_phone=False))
    assert all(promise.due_ms == now_ms + DAY_MS for promise in found.promises)
    assert {clock.key: clock.due_ms for clock in found.work_clocks}["ack_minutes"] == old + 5 * MINUTE_MS


def test_legal_clocks_start_at_the_first_word_on_any_channel(policy: CaseworkPolicy, now_ms: Instant, ids: Ids) -> None:
    found = opened(policy, now_ms, ids, first_word_ms=now_ms - 10 * DAY_MS)
    assert found.case.first_word_ms == now_ms - 10 * DAY_MS
    (scheme,) = [clock for clock in found.legal_clocks if clock.key == "scheme_letter"]
    assert (scheme.starts, scheme.last_day) == (date(2026, 5, 1), date(2026, 6, 12))
    later = opened(policy, now_ms, ids, first_word_ms=now_ms)
    assert later.case.first_word_ms == now_ms - MINUTE_MS


def test_the_clocks_of_the_order_run_as_far_as_their_starts_are_known(policy: CaseworkPolicy, now_ms: Instant) -> None:
    order = OrderFacts(
        order_ref="po 1", contract=date(2026, 3, 2), delivered=date(2026, 3, 10), proof_of_sending=date(2026, 4, 1)
    )
    found = {clock.key: clock.last_day for clock in legal_clocks(order, first_word_ms=now_ms, policy=policy)}
    assert found == {
        "scheme_letter": date(2026, 6, 22),
        "delivery_long_stop": date(2026, 4, 1),
        "short_term_reject": date(2026, 4, 9),
        "fault_presumption": date(2026, 9, 10),
        "refund_after_cancellation": date(2026, 4, 15),
    }
    assert [c.key for c in legal_clocks(OrderFacts(), first_word_ms=now_ms, policy=policy)] == ["scheme_letter"]


def test_the_work_clocks_are_five_minutes_fifteen_minutes_a_day_and_the_choice(
    policy: CaseworkPolicy, now_ms: Instant, ids: Ids
) -> None:
    told = Told(what="a refund", by_whom="the chat", told_us_ms=now_ms)
    found = opened(policy, now_ms, ids, told=(told,))
    start = now_ms - MINUTE_MS
    assert {clock.key: clock.due_ms for clock in found.work_clocks} == {
        "ack_minutes": start + 5 * MINUTE_MS,
        "owner_minutes": start + 15 * MINUTE_MS,
        "remedy_offer_hours": start + DAY_MS,
        "offer_choice_days": now_ms + 14 * DAY_MS,
        "outside_promise_rebut_days": now_ms + 2 * DAY_MS,
    }
    assert found.told == (told,)


def test_the_receipt_of_our_own_order_is_held_from_the_start(policy: CaseworkPolicy, now_ms: Instant, ids: Ids) -> None:
    found = opened(policy, now_ms, ids, order=OrderFacts(order_ref="po 4711"))
    held = found.ledger.held("PDF of the receipt")
    assert held is not None
    assert held.pointer == "po 4711"


def test_support_needs_and_the_open_question_reach_the_case(policy: CaseworkPolicy, now_ms: Instant, ids: Ids) -> None:
    found = opened(policy, now_ms, ids, support_needs=("large print",), anything_else="The line was my late wife's.")
    assert found.case.support_needs == ("large print",)
    assert found.case.anything_else == "The line was my late wife's."


def test_history_becomes_notes_in_favour_and_nothing_else(policy: CaseworkPolicy, now_ms: Instant, ids: Ids) -> None:
    facts = (HistoryFact(kind="tenure", words="since 2009"), HistoryFact(kind="late_payment", words="twice"))
    assert opened(policy, now_ms, ids, history=facts).case.notes_in_favour == (
        "A customer for a long time: since 2009",
    )


def test_a_report_without_words_or_from_the_future_or_of_no_known_kind_is_refused(
    policy: CaseworkPolicy, now_ms: Instant, ids: Ids
) -> None:
    for wrong in (
        {"words": " "},
        {"reported_ms": now_ms + 1},
        {"claim_type": "friendly"},
        {"told": (Told(what="a refund", by_whom="the chat", told_us_ms=now_ms + 1),)},
        {"first_word_ms": now_ms - 2200 * DAY_MS},
    ):
        with pytest.raises(Rejected):
            opened(policy, now_ms, ids, **wrong)
    with pytest.raises(Rejected):
        open_case(report(now_ms), policy=policy, now_ms=now_ms, ids=ids, owner=" ")


@pytest.mark.parametrize("name", ORDER_DATES)
@pytest.mark.parametrize("day", [date.min, date(1989, 12, 31), date(2049, 1, 1), date.max])
def test_a_day_of_the_order_that_cannot_be_right_is_taken_as_not_known(
    name: str, day: date, policy: CaseworkPolicy, now_ms: Instant, ids: Ids
) -> None:
    order: dict[str, Any] = {"order_ref": "po 1", "price_pence": 54_000}
    for claim in ClaimType:
        found = opened(policy, now_ms, ids, claim_type=claim, order=OrderFacts(**order, **{name: day}))
        known = opened(policy, now_ms, ids, claim_type=claim, order=OrderFacts(**order))
        assert found.order == known.order == OrderFacts(**order)
        assert (found.legal_clocks, found.recourse, found.remedy_offer) == (
            known.legal_clocks,
            known.recourse,
            known.remedy_offer,
        )


def test_an_old_matter_opens_and_is_not_told_of_a_court_that_is_over(
    policy: CaseworkPolicy, now_ms: Instant, ids: Ids
) -> None:
    none = policy.override("adr_scheme", "none", from_date=date(2026, 1, 1), note="no scheme")
    found = opened(none, now_ms, ids, order=OrderFacts(expected_delivery=date(2019, 5, 1)))
    assert "case.way_out" not in [message.key for message in found.messages]


def test_an_order_from_before_the_law_has_no_clock_of_it_and_still_a_remedy(
    policy: CaseworkPolicy, now_ms: Instant, ids: Ids
) -> None:
    old = date(2013, 5, 1)
    order = OrderFacts(contract=old, expected_delivery=old, delivered=old, goods_back=old, payment=Payment.CREDIT_CARD)
    for claim in ClaimType:
        found = opened(policy, now_ms, ids, claim_type=claim, order=order)
        assert [clock.key for clock in found.legal_clocks] == ["scheme_letter"]
        assert found.remedy_offer is not None
        for option in found.remedy_offer.options:
            due_ms = remedy_due_ms(option.remedy, order, claim_type=claim, chosen_ms=now_ms, policy=policy)
            assert due_ms == now_ms + option.within_ms


def test_what_is_stored_comes_back_from_json_as_it_was(policy: CaseworkPolicy, now_ms: Instant, ids: Ids) -> None:
    told = Told(what="a refund", by_whom="the chat", told_us_ms=now_ms)
    order = OrderFacts(order_ref="po 1", delivered=date(2026, 5, 1), payment=Payment.CREDIT_CARD)
    found = opened(policy, now_ms, ids, order=order, told=(told,), needs=Needs(has_working_phone=False))
    assert msgspec.json.decode(msgspec.json.encode(found), type=Opened) == found
    given = report(now_ms, order=order, told=(told,))
    assert msgspec.json.decode(msgspec.json.encode(given), type=Report) == given


def test_a_choice_makes_the_move_the_promise_and_a_message_with_the_same_date(
    policy: CaseworkPolicy, now_ms: Instant, ids: Ids
) -> None:
    order = OrderFacts(standing=Standing.FORMER, payment=Payment.DEBIT_CARD, price_pence=54_000)
    found = opened(policy, now_ms, ids, order=order)
    assert found.remedy_offer is not None
    chosen = choose_remedy(
        found.case,
        found.remedy_offer,
        order,
        remedy="refund",
        payout="card_return",
        promise_id="promise_9",
        policy=policy,
        now_ms=now_ms,
    )
    assert (chosen.move.target, chosen.payout) == ("remedy_in_progress", Payout.CARD_RETURN)
    assert (chosen.promise.due_ms, chosen.promise.amount_pence) == (now_ms + 5 * DAY_MS, 54_000)
    for message in chosen.messages:
        assert "08:12 on 16 May 2026" in message.text
        assert message.promises == ("promise_9",)
    assert "£540" in chosen.messages[1].text


def choose(
    found: Opened, order: OrderFacts, *, policy: CaseworkPolicy, now_ms: Instant, remedy: str, payout: str | None
) -> object:
    assert found.remedy_offer is not None
    return choose_remedy(
        found.case,
        found.remedy_offer,
        order,
        remedy=remedy,
        payout=payout,
        promise_id="promise_9",
        policy=policy,
        now_ms=now_ms,
    )


def test_a_choice_that_cannot_be_paid_or_was_not_offered_is_refused(
    policy: CaseworkPolicy, now_ms: Instant, ids: Ids
) -> None:
    order = OrderFacts(standing=Standing.FORMER)
    found = opened(policy, now_ms, ids, order=order)
    with pytest.raises(Rejected) as next_bill:
        choose(found, order, policy=policy, now_ms=now_ms, remedy="refund", payout="next_bill")
    assert next_bill.value.code == "payout_route"
    with pytest.raises(Conflict):
        choose(found, order, policy=policy, now_ms=now_ms, remedy="refund", payout=None)
    with pytest.raises(Rejected):
        choose(found, order, policy=policy, now_ms=now_ms, remedy="insurance", payout=None)


@pytest.mark.parametrize("claim", ClaimType)
def test_every_remedy_on_offer_can_be_chosen(
    claim: ClaimType, policy: CaseworkPolicy, now_ms: Instant, ids: Ids
) -> None:
    order = OrderFacts()
    found = opened(policy, now_ms, ids, claim_type=claim)
    assert found.remedy_offer is not None
    for option in found.remedy_offer.options:
        payout = "cheque" if option.remedy in {Remedy.REFUND, Remedy.PRICE_REDUCTION} else None
        assert choose(found, order, policy=policy, now_ms=now_ms, remedy=option.remedy, payout=payout)


def test_the_whole_way_to_a_closed_case_needs_no_file_and_no_proof_from_the_customer() -> None:
    guards = {guard for row in CASE.transitions for guard in row.guards}
    way = ("classify", "offer", "choose", "delivered_or_paid", "confirm_or_lapse")
    needed = {guard for row in CASE.transitions if row.event in way for guard in row.guards}
    assert needed < guards
    assert not any(word in guard for guard in needed for word in ("photo", "file", "evidence", "receipt", "police"))


any_day = st.none() | st.dates()


@given(
    st.builds(
        OrderFacts,
        contract=any_day,
        expected_delivery=any_day,
        delivered=any_day,
        paid_on=any_day,
        goods_back=any_day,
        proof_of_sending=any_day,
        repair_returned=any_day,
        payment=st.sampled_from([*Payment, None]),
        price_pence=st.none() | st.integers(0, 10**9),
        repairs_tried=st.integers(0, 9),
    ),
    st.sampled_from([*map(str, ClaimType), None, "friendly"]),
    st.none() | st.integers(0, from_iso("2026-06-01T00:00:00Z")),
)
def test_whatever_is_reported_a_case_opens_or_the_report_is_told_what_to_correct(
    order: OrderFacts, claim: str | None, first_word_ms: int | None
) -> None:
    now_ms = from_iso("2026-05-11T08:12:30+01:00")
    facts = {"order": order, "claim_type": claim, "first_word_ms": first_word_ms}
    try:
        found = opened(DEFAULT_POLICY, now_ms, SystemIds(), **facts)
    except Rejected as refused:
        fix = refused.fix
    else:
        fix = "nothing to correct"
        assert found.case.first_word_ms <= found.case.opened_ms
        assert found.recourse
    assert fix


def test_the_first_word_may_be_six_years_old_and_no_older() -> None:
    now_ms = from_iso("2026-05-11T08:12:30+01:00")
    oldest_ms = from_iso("2020-05-11T00:00:00+01:00")
    found = opened(DEFAULT_POLICY, now_ms, SystemIds(), first_word_ms=oldest_ms)
    assert found.case.first_word_ms == oldest_ms
    with pytest.raises(Rejected):
        opened(DEFAULT_POLICY, now_ms, SystemIds(), first_word_ms=oldest_ms - 1)


def test_the_way_out_is_named_with_a_first_day_that_is_not_past(
    policy: CaseworkPolicy, now_ms: Instant, ids: Ids
) -> None:
    holder = opened(policy, now_ms, ids, claim_type="holder_enquiry", order=OrderFacts(delivered=date(2026, 1, 1)))
    assert "the county court from 11 May 2026" in holder.messages[-1].text
    served = opened(policy, now_ms, ids)
    assert "CISAS from 22 June 2026" in served.messages[-1].text


def test_counts_that_cannot_be_right_are_refused() -> None:
    for wrong in ({"repairs_tried": -1}, {"repair_wait_days": -1}, {"repair_wait_days": 10**9}, {"price_pence": -1}):
        with pytest.raises(Rejected):
            OrderFacts(**wrong)  # type: ignore[arg-type]  # the facts are mixed on purpose
