"""Kinds of problem: remedies, fair locks, ways of payment."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import product

import pytest

from custody.disputes.civil import civil_date
from custody.disputes.claim import CLAIMS, PAYS_MONEY, ClaimType, LockRule, Remedy, claim_of
from custody.disputes.lock_wish import WishFacts, lock_wish
from custody.disputes.order import OrderFacts, Payment, Standing
from custody.disputes.payout import Payout, choose_payout, payouts, works
from custody.disputes.policy import DEFAULT_POLICY as POLICY
from custody.disputes.price import name_sum
from custody.disputes.remedy import Extra, Needs, offer_remedy, remedy_due_ms
from custody.kernel.clock import DAY_MS, HOUR_MS, from_iso
from custody.kernel.errors import Rejected

NOW = from_iso("2026-05-11T08:00:00+01:00")
TODAY = date(2026, 5, 11)
NOTHING_KNOWN = OrderFacts()


def offered(claim: str, order: OrderFacts = NOTHING_KNOWN, needs: Needs | None = None) -> list[Remedy]:
    offer = offer_remedy(claim, order, needs or Needs(), policy=POLICY, now_ms=NOW)
    assert offer.default is offer.options[0]
    return [option.remedy for option in offer.options]


def test_there_are_eleven_kinds_and_no_other() -> None:
    assert set(CLAIMS) == set(ClaimType)
    with pytest.raises(Rejected) as unknown:
        claim_of("friendly")
    assert "never_received" in unknown.value.fix


def test_the_customers_word_is_enough_except_for_a_return_or_an_account() -> None:
    more = {kind for kind, claim in CLAIMS.items() if claim.gives != ("their_word",)}
    assert more == {ClaimType.RETURNED_NOT_CREDITED, ClaimType.LEAVER_LOCKED, ClaimType.HOLDER_ENQUIRY}


def test_the_chain_is_examined_whenever_something_went_wrong_on_the_way() -> None:
    not_on_the_way = {
        ClaimType.DEFECTIVE,
        ClaimType.CUSTOMER_DAMAGE,
        ClaimType.LEAVER_LOCKED,
        ClaimType.HOLDER_ENQUIRY,
    }
    assert {kind for kind, claim in CLAIMS.items() if not claim.chain_matters} == not_on_the_way


def test_the_ordered_handset_is_not_with_the_customer_in_five_kinds() -> None:
    assert {kind for kind, claim in CLAIMS.items() if not claim.customer_holds_device} == {
        ClaimType.NEVER_RECEIVED,
        ClaimType.SUBSTITUTED,
        ClaimType.MISDELIVERED,
        ClaimType.RETURNED_NOT_CREDITED,
        ClaimType.WRONG_ITEM,
    }


@pytest.mark.parametrize(
    ("claim", "remedies"),
    [
        ("never_received", [Remedy.REPLACEMENT, Remedy.REFUND]),
        ("substituted", [Remedy.REPLACEMENT, Remedy.REFUND]),
        ("misdelivered", [Remedy.REPLACEMENT, Remedy.REFUND]),
        ("damaged", [Remedy.REFUND, Remedy.REPLACEMENT]),
        ("defective", [Remedy.ADVANCE_SWAP, Remedy.REFUND]),
        ("customer_damage", [Remedy.REPAIR, Remedy.INSURANCE]),
        ("missing_accessory", [Remedy.ACCESSORY]),
        ("returned_not_credited", [Remedy.REFUND]),
        ("wrong_item", [Remedy.ADVANCE_SWAP, Remedy.REFUND]),
        ("leaver_locked", [Remedy.UNLOCK]),
        ("holder_enquiry", [Remedy.CONTACT]),
    ],
)
def test_what_is_offered_with_nothing_known(claim: str, remedies: list[Remedy]) -> None:
    assert offered(claim) == remedies


def test_a_defective_phone_is_swapped_first_and_the_money_depends_on_the_day() -> None:
    last_day = OrderFacts(delivered=TODAY - timedelta(days=30))
    after = OrderFacts(delivered=TODAY - timedelta(days=31))
    assert offered("defective", last_day) == [Remedy.ADVANCE_SWAP, Remedy.REFUND]
    assert offered("defective", after) == [Remedy.ADVANCE_SWAP, Remedy.REPAIR]
    repaired = OrderFacts(delivered=TODAY - timedelta(days=200), repairs_tried=1)
    assert offered("defective", repaired) == [Remedy.ADVANCE_SWAP, Remedy.REFUND]


@pytest.mark.parametrize("claim", ClaimType)
def test_part_of_the_price_is_on_offer_once_its_sum_is_named(claim: ClaimType) -> None:
    order = OrderFacts(delivered=TODAY - timedelta(days=200), repairs_tried=1, price_pence=54_000)
    offer = offer_remedy(claim, order, Needs(), policy=POLICY, now_ms=NOW)
    assert offer.sum_to_name == (claim in {ClaimType.DEFECTIVE, ClaimType.MISSING_ACCESSORY})
    assert not offer_remedy(claim, replace(order, price_pence=None), Needs(), policy=POLICY, now_ms=NOW).sum_to_name
    if offer.sum_to_name:
        named = name_sum(offer, 2_000, left_pence=54_000, policy=POLICY)
        assert (named.options[-1].remedy, named.options[-1].amount_pence) == (Remedy.PRICE_REDUCTION, 2_000)
        assert named.options[-1].within_ms == 5 * DAY_MS


def test_days_waiting_for_a_repair_keep_the_right_to_the_money() -> None:
    waited = OrderFacts(delivered=TODAY - timedelta(days=35), repair_wait_days=5)
    assert Remedy.REFUND in offered("defective", waited)


@pytest.mark.parametrize("claim", ClaimType)
def test_every_kind_has_a_remedy_with_a_promise_date_and_no_offer_lapses_to_nothing(claim: ClaimType) -> None:
    offer = offer_remedy(claim, NOTHING_KNOWN, Needs(), policy=POLICY, now_ms=NOW)
    assert offer.remind_ms == NOW + 14 * DAY_MS
    for option in offer.options:
        due_ms = remedy_due_ms(option.remedy, NOTHING_KNOWN, claim_type=claim, chosen_ms=NOW, policy=POLICY)
        assert NOW < due_ms <= NOW + 14 * DAY_MS
        assert due_ms - NOW == option.within_ms


def test_the_times_of_the_house() -> None:
    times = {
        option.remedy: option.within_ms
        for claim in ClaimType
        for option in offer_remedy(claim, NOTHING_KNOWN, Needs(), policy=POLICY, now_ms=NOW).options
    }
    assert times[Remedy.REPLACEMENT] == times[Remedy.REFUND] == times[Remedy.ADVANCE_SWAP] == 5 * DAY_MS
    assert times[Remedy.ACCESSORY] == 2 * DAY_MS
    assert times[Remedy.UNLOCK] == HOUR_MS


def test_a_refund_is_never_promised_for_later_than_the_law_allows() -> None:
    sent = OrderFacts(proof_of_sending=TODAY - timedelta(days=12))
    due_ms = remedy_due_ms(Remedy.REFUND, sent, claim_type="returned_not_credited", chosen_ms=NOW, policy=POLICY)
    assert civil_date(due_ms - 1) == TODAY + timedelta(days=2)
    overdue = OrderFacts(proof_of_sending=TODAY - timedelta(days=30))
    late_ms = remedy_due_ms(Remedy.REFUND, overdue, claim_type="returned_not_credited", chosen_ms=NOW, policy=POLICY)
    assert late_ms == NOW + 5 * DAY_MS


def test_what_comes_with_an_offer_unasked() -> None:
    def extras(claim: str, order: OrderFacts, needs: Needs) -> set[Extra]:
        return set(offer_remedy(claim, order, needs, policy=POLICY, now_ms=NOW).extras)

    nothing = Needs()
    assert extras("substituted", NOTHING_KNOWN, nothing) == {Extra.COLLECTED_FREE}
    assert extras("never_received", NOTHING_KNOWN, Needs(has_working_phone=False)) == {Extra.LOAN_PHONE}
    assert extras("never_received", NOTHING_KNOWN, Needs(has_working_phone=None)) == set()
    assert extras("missing_accessory", NOTHING_KNOWN, Needs(benefit_lost=True)) == {Extra.BENEFIT_RESTORED}
    assert extras("returned_not_credited", OrderFacts(proof_of_sending=TODAY), nothing) == {Extra.CHARGE_HELD}
    assert extras("returned_not_credited", NOTHING_KNOWN, nothing) == set()
    assert extras("leaver_locked", NOTHING_KNOWN, nothing) == {Extra.LATE_CREDIT}


def fair(claim: str | None, **facts: object) -> bool:
    wish = lock_wish(claim, WishFacts(**facts), policy=POLICY, on_date=TODAY)  # type: ignore[arg-type]  # mixed facts
    assert wish.reason
    assert wish.claim_type == claim
    assert (wish.notice == "none") != wish.fair
    return wish.fair


def test_a_lock_is_fair_at_once_when_the_handset_never_reached_the_customer() -> None:
    for claim in ("never_received", "substituted", "misdelivered"):
        assert fair(claim)
        assert fair(claim, seen_on_customers_own_sim=False)
        assert not fair(claim, seen_on_customers_own_sim=True)
        assert lock_wish(claim, WishFacts(), policy=POLICY, on_date=TODAY).notice == "at_once"


EVERYTHING = {
    "lost_on_return_leg": True,
    "absent_from_returns_bench": True,
    "days_since_return": 99,
    "customer_told": True,
    "returns_bench_told": True,
    "missing_from_custody": True,
}


@pytest.mark.parametrize(
    "claim", ["defective", "customer_damage", "missing_accessory", "leaver_locked", "holder_enquiry", None]
)
def test_a_lock_is_never_fair_on_a_phone_that_the_customer_holds(claim: str | None) -> None:
    assert not fair(claim)
    assert not fair(claim, **EVERYTHING)


def test_damage_is_locked_only_when_the_handset_was_lost_on_its_way_back() -> None:
    assert not fair("damaged")
    assert not fair("damaged", **{**EVERYTHING, "lost_on_return_leg": None})
    assert fair("damaged", lost_on_return_leg=True)
    lost = WishFacts(lost_on_return_leg=True)
    assert lock_wish("damaged", lost, policy=POLICY, on_date=TODAY).notice == "before"


def test_a_return_is_locked_only_when_absent_by_day_seven_and_both_sides_were_told() -> None:
    facts = {
        "absent_from_returns_bench": True,
        "days_since_return": 7,
        "customer_told": True,
        "returns_bench_told": True,
    }
    assert fair("returned_not_credited", **facts)
    assert lock_wish("returned_not_credited", WishFacts(**facts), policy=POLICY, on_date=TODAY).notice == "before"  # type: ignore[arg-type]  # mixed facts
    for name in facts:
        for unmet in (None, 6 if name == "days_since_return" else False):
            assert not fair("returned_not_credited", **{**facts, name: unmet})


def test_a_wrong_item_locks_only_an_ordered_handset_missing_from_our_chain() -> None:
    assert not fair("wrong_item")
    assert not fair("wrong_item", missing_from_custody=False)
    assert fair("wrong_item", missing_from_custody=True)
    missing = WishFacts(missing_from_custody=True)
    assert lock_wish("wrong_item", missing, policy=POLICY, on_date=TODAY).notice == "at_once"


def test_the_rules_of_locks_are_all_used() -> None:
    assert {claim.lock for claim in CLAIMS.values()} == set(LockRule)


@pytest.mark.parametrize("payment", [*Payment, None])
def test_a_former_customer_never_gets_a_next_bill(payment: Payment | None) -> None:
    for standing in (Standing.FORMER, Standing.NEW, None):
        for payout in (Payout.NEXT_BILL, Payout.ACCOUNT_CREDIT):
            with pytest.raises(Rejected) as refused:
                choose_payout(payout, standing=standing, payment=payment)
            assert refused.value.code == "payout_route"
            assert set(refused.value.facts["offers"]) >= {"bank_transfer", "cheque"}


@pytest.mark.parametrize(("standing", "payment"), [*product([*Standing, None], [*Payment, None])])
def test_there_is_always_a_way_to_pay_and_only_offered_ways_work(
    standing: Standing | None, payment: Payment | None
) -> None:
    ways = payouts(standing, payment)
    assert {Payout.BANK_TRANSFER, Payout.CHEQUE} <= set(ways)
    assert (Payout.CARD_RETURN in ways) == (payment in {Payment.CREDIT_CARD, Payment.DEBIT_CARD})
    for payout in Payout:
        assert works(Remedy.REFUND, payout, standing=standing, payment=payment) is (payout in ways)
    if Payout.CARD_RETURN in ways:
        assert ways[0] is Payout.CARD_RETURN


def test_a_remedy_without_money_needs_no_way_of_payment() -> None:
    for remedy in Remedy:
        holds = works(remedy, None, standing=None, payment=None)
        assert holds is (None if remedy in PAYS_MONEY else True)


def test_an_existing_customer_has_every_way_that_a_new_one_has() -> None:
    for payment in (*Payment, None):
        assert set(payouts(Standing.NEW, payment)) <= set(payouts(Standing.EXISTING, payment))
